//! Reads what the bytes say of themselves, and announces an image whose last piece that was.

use cloud::Handler;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    cloud::run::stage(Handler::METADATA, &[Handler::FANOUT]).await
}
