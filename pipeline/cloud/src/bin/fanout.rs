//! What belongs to no single upload: obituaries, erasures, sweeps, notifications, variants on request.

use domain::StageName;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    cloud::run::stage(StageName::Fanout, &[]).await
}
