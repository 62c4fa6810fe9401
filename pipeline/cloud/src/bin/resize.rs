//! Makes variants, and announces an image whose last piece it made.

use cloud::Handler;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    cloud::run::stage(Handler::RESIZE, &[Handler::FANOUT]).await
}
