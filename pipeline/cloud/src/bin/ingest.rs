//! Is an upload an image that we keep? It hosts the fan-out, so that what validates is what spreads the work.

use cloud::Part;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    cloud::run::stage(Part::INGEST, &[Part::FANOUT]).await
}
