//! Is an upload an image that we keep? It hosts the fan-out, so that what validates is what spreads the work.

use cloud::Handler;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    cloud::run::stage(Handler::INGEST, &[Handler::FANOUT]).await
}
