//! The cloud home on this machine, to be tried: `./dev cloud`. It is the tests' own: what it stands in for
//! and what it cannot prove is said in `tests/harness`.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "what cannot be set up ends it")]

#[path = "../tests/harness/mod.rs"]
#[expect(dead_code, reason = "what only tests ask for")]
mod harness;

use std::time::Duration;

use domain::{Outbox as _, message::Body};
use harness::{
    home::{Home, Terms},
    moto::Moto,
};

/// How often the sweeper looks: the cloud has a schedule for it.
const SWEEPS: Duration = Duration::from_mins(1);

#[tokio::main]
async fn main() {
    let port = std::env::args().nth(1).map_or(8080, |port| {
        port.parse().unwrap_or_else(|_| panic!("{port:?} is not a port: ./dev cloud 8080"))
    });
    let home = Home::start(Moto::shared(), Terms { port, ..Terms::default() }).await;
    println!("Darkroom's cloud home, on moto; everything is gone when it ends (Ctrl-C).");
    println!();
    println!("API and page  {}", home.url);
    println!("API key       {}", home.key);
    println!("AWS           {}   (any credentials, region us-east-1)", home.proxy.url);
    println!("uploads       s3://{}", home.stack.buckets.uploads);
    println!("media         s3://{}", home.stack.buckets.media);
    for (stage, queue) in &home.stack.queues {
        println!("{:<13} {queue}", format!("queue {}", stage.as_str()));
    }
    println!();
    println!("darkroom upload photo.jpg --endpoint {} --key {}", home.url, home.key);
    let queues = home.stack.queues(std::sync::Arc::new(cloud::SystemClock));
    loop {
        tokio::select! {
            stopped = tokio::signal::ctrl_c() => {
                stopped.expect("the signal can be listened to");
                return;
            }
            () = tokio::time::sleep(SWEEPS) => {}
        }
        if let Err(error) = queues.send(&[Body::Sweep { cursor: None }.into()]).await {
            eprintln!("no sweep: {error}");
        }
    }
}
