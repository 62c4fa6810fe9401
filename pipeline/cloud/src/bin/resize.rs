//! Makes variants, and announces an image whose last piece it made.

use domain::StageName;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    cloud::run::stage(StageName::Resize, &[StageName::Fanout]).await
}
