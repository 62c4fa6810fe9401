//! What belongs to no single upload: obituaries, erasures, sweeps, notifications, variants on request.

use cloud::Handler;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    cloud::run::stage(Handler::FANOUT, &[]).await
}
