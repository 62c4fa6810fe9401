//! `darkroom-worker`, as whoever keeps it has it: a process, its signals, and its health.
//!
//! It proves nothing of how ECS, Kubernetes or a spot instance tell it to stop.

use std::{
    net::{SocketAddr, TcpListener},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};

use super::{
    home::Home,
    lambda::{Who, binary},
    signals,
};

/// From being told to stop to its end.
pub(crate) const DRAIN: Duration = Duration::from_secs(20);

/// One, until it is dropped.
pub(crate) struct Worker {
    process: Child,
    health: SocketAddr,
}

impl Worker {
    /// Starts one, and waits until it says that it works.
    pub(crate) async fn start(home: &Home, number: u32) -> Worker {
        let who = Who { function: "worker", number };
        let health = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut environment = home.environment.clone();
        environment.remove("AWS_LAMBDA_FUNCTION_MEMORY_SIZE");
        let mut process = Command::new(binary("darkroom-worker"))
            .env_clear()
            .envs(environment)
            .env("AWS_ENDPOINT_URL", home.proxy.for_process(who).await)
            .env("DARKROOM_HEALTH", health.to_string())
            .env("DARKROOM_DRAIN", format!("{}s", DRAIN.as_secs()))
            .env("DARKROOM_MEMORY", "2GiB")
            .env("DARKROOM_WORKERS", "2")
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        home.roster.lock().unwrap().insert(who, process.id().unwrap());
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                println!("{line}");
            }
        });
        let worker = Worker { process, health };
        let begun = tokio::time::Instant::now();
        while worker.health().await != Some(200) {
            assert!(begun.elapsed() < Duration::from_secs(30), "it does not say that it works");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        worker
    }

    /// What it says of itself; nothing where nobody answers.
    pub(crate) async fn health(&self) -> Option<u16> {
        let url = format!("http://{}/healthz", self.health);
        let asked = tokio::task::spawn_blocking(move || {
            let agent: ureq::Agent =
                ureq::Agent::config_builder().http_status_as_error(false).build().into();
            agent.get(&url).call().map(|answer| answer.status().as_u16()).ok()
        });
        asked.await.unwrap()
    }

    /// Sends it a signal.
    pub(crate) fn tell(&self, signal: &str) {
        let pid = self.process.id().expect("it has not ended");
        assert!(signals::send(signal, pid), "{signal} reaches nobody");
    }

    /// How it ends, within a time.
    pub(crate) async fn end(&mut self, patience: Duration) -> ExitStatus {
        let ended = tokio::time::timeout(patience, self.process.wait()).await;
        ended.unwrap_or_else(|_| panic!("it has not ended after {patience:?}")).unwrap()
    }
}
