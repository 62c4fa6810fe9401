//! The stages as one process that stays: for steady load, on the queues that functions work for, beside
//! them or in their place.
//!
//! What only Lambda sees is left to functions: the queue of what was received too often, and schedules.

mod floor;

use std::{process::ExitCode, sync::Arc, time::Duration};

use anyhow::{Context as _, Result, anyhow};
use axum::{Router, http::StatusCode, routing::get};
use domain::StageName;
use tokio::{
    net::TcpListener,
    runtime::Builder,
    signal::unix::{SignalKind, signal},
    sync::watch,
    task::JoinSet,
    time,
};

use self::floor::Floor;
use crate::{
    carry::Carrier,
    home::{Handler, Home},
    logging,
    settings::WorkerSettings,
};

/// The longest that a message may take; no longer than draining leaves it.
const DEADLINE: Duration = Duration::from_mins(1);

/// The end of draining: what is not finished by then is given back.
const SETTLING: Duration = Duration::from_secs(5);

/// Where a worker is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    /// It takes what there is.
    Working,
    /// It takes nothing new, and finishes what was begun.
    Draining,
    /// It gives back what is not finished.
    Over,
}

/// How it ended, the worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    /// Everything that had been begun was finished.
    Whole,
    /// Some was not, and was given back.
    CutOff,
    /// Something does not end, and can only be ended with the process.
    Stuck,
}

/// Works until it is told to stop. Exit code 0: it was told to; 1: something failed, and whoever keeps it
/// starts it again; 2: its environment is not right.
pub fn run() -> ExitCode {
    let settings = match WorkerSettings::from_env() {
        Ok(settings) => settings,
        Err(wrong) => {
            eprintln!("darkroom-worker: the environment is not right:\n{wrong}");
            return ExitCode::from(2);
        }
    };
    logging::start(&settings.home.log);
    // Threads that a handler keeps busy leave one to whoever prolongs loans and answers for health.
    let threads = settings.lanes.get() + 1;
    let ended = match Builder::new_multi_thread().worker_threads(threads).enable_all().build() {
        Ok(runtime) => {
            let ended = runtime.block_on(work(settings));
            // What a thread is still at, nobody waits for.
            runtime.shutdown_background();
            ended
        }
        Err(error) => Err(error.into()),
    };
    match ended {
        Ok(End::Whole) => tracing::info!("stopped; everything that was begun is finished"),
        Ok(End::CutOff) => tracing::warn!("stopped; what was not finished is given back"),
        Ok(End::Stuck) => {
            tracing::error!("stopped, because something in this process does not end");
            return ExitCode::FAILURE;
        }
        Err(error) => {
            eprintln!("darkroom-worker: {error:#}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

async fn work(settings: WorkerSettings) -> Result<End> {
    let phase = watch::Sender::new(Phase::Working);
    stop_on_signals(phase.clone())?;
    let WorkerSettings { home, stages, lanes, drain, health } = settings;
    let listener = TcpListener::bind(health).await;
    let listener =
        listener.with_context(|| format!("cannot listen on {health} (DARKROOM_HEALTH)"))?;
    let answering = serve_health(listener, phase.subscribe());
    let home = Home::open(home).await;
    // What follows is handled in the same process, so the fan-out is always there.
    let mut handlers = Handler::ALL.to_vec();
    handlers.retain(|handler| handler.name == StageName::Fanout || stages.contains(&handler.name));
    let carrier = Carrier::new(&home, &handlers).await;
    let carrier = carrier.map_err(|why| anyhow!(why)).context("the presets")?;
    let deadline = DEADLINE.min(drain.saturating_sub(SETTLING));
    let floor = Arc::new(Floor::new(&home, carrier, lanes, deadline, phase.clone()));
    let feeds: JoinSet<_> = stages.iter().map(|stage| Arc::clone(&floor).feed(*stage)).collect();
    let names: Vec<_> = stages.iter().map(|stage| stage.as_str()).collect();
    let bytes = home.settings.limits.bytes + home.settings.limits.memory;
    tracing::info!(stages = names.join(","), lanes, each_mib = bytes >> 20, %health, "working");
    let end = tokio::select! {
        end = gather(feeds, &phase) => end,
        () = over(&phase, drain) => End::CutOff,
    };
    answering.abort();
    Ok(end)
}

/// Until every feed has ended, which none does by itself.
async fn gather(mut feeds: JoinSet<End>, phase: &watch::Sender<Phase>) -> End {
    let mut all = End::Whole;
    while let Some(end) = feeds.join_next().await {
        all = all.max(end.unwrap_or_else(|error| {
            tracing::error!(%error, "nobody asks a queue any more");
            enter(phase, Phase::Draining);
            End::Stuck
        }));
    }
    all
}

/// Until draining has taken as long as it may.
async fn over(phase: &watch::Sender<Phase>, drain: Duration) {
    // The sender is borrowed here, so it lives.
    phase.subscribe().wait_for(|phase| *phase >= Phase::Draining).await.ok();
    time::sleep(drain.saturating_sub(SETTLING)).await;
    enter(phase, Phase::Over);
    time::sleep(SETTLING).await;
}

/// There is no way back.
fn enter(phase: &watch::Sender<Phase>, next: Phase) {
    phase.send_if_modified(|now| {
        let later = *now < next;
        *now = next.max(*now);
        later
    });
}

/// The first signal asks running work to finish, the second does not wait for it: loans that are cut off
/// run out.
fn stop_on_signals(phase: watch::Sender<Phase>) -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::spawn(async move {
        let mut before = false;
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if before {
                tracing::warn!("stopped at once");
                std::process::exit(1);
            }
            before = true;
            tracing::info!(
                "stopping: what was begun is finished first; a second signal stops at once"
            );
            enter(&phase, Phase::Draining);
        }
    });
    Ok(())
}

fn serve_health(
    listener: TcpListener,
    phase: watch::Receiver<Phase>,
) -> tokio::task::JoinHandle<()> {
    let answer = move || {
        let answer = match *phase.borrow() {
            Phase::Working => (StatusCode::OK, "working\n"),
            Phase::Draining | Phase::Over => (StatusCode::SERVICE_UNAVAILABLE, "draining\n"),
        };
        std::future::ready(answer)
    };
    let router = Router::new().route("/healthz", get(answer));
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, router).await {
            tracing::error!(%error, "nobody answers for health any more");
        }
    })
}
