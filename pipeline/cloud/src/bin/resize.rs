//! Makes variants, and announces an image whose last piece it made.

use cloud::Part;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    cloud::run::stage(Part::RESIZE, &[Part::FANOUT]).await
}
