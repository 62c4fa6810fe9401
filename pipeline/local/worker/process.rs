//! The worker's side: bind itself, then handle one message after the other until the supervisor is
//! gone.

use std::{
    fs,
    io::{self, Stdin},
    process::{ExitCode, exit},
    sync::Arc,
    thread,
    time::Duration,
};

use domain::{Budget, Clock, Failure, Message, Stage, StageName};
use imaging::Limits;
use rlimit::Resource;
use tokio::sync::mpsc;

use super::{
    ports::{Answer, Remote},
    wire::{self, Assignment, FromWorker, ToWorker},
};
use crate::clock::SystemClock;

/// Runs a worker to its end: the supervisor closed its standard input, or something is not as it
/// should be.
pub fn run(memory: u64) -> ExitCode {
    if let Err(error) = bind(memory) {
        tracing::error!(%error, "the worker cannot set its own limits");
        return ExitCode::FAILURE;
    }
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_time().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(%error, "the worker cannot start its runtime");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(serve()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "the worker cannot reach its supervisor");
            ExitCode::FAILURE
        }
    }
}

/// Takes from this process what it does not need: memory beyond its share, core files, growing files,
/// and descriptors beyond the three that it has. The last keeps honest code from files and sockets,
/// and no more: foreign code can close one of the three and open another. That takes a sandbox
/// (issue 6).
///
/// When the whole machine runs out of memory, the kernel is to end a worker, which costs one start
/// of one message, and not the supervisor.
///
/// Linux holds a process to the bound on its address space; macOS takes the setting and does not
/// enforce it, so there the predictions of `imaging` are the only bound.
fn bind(memory: u64) -> io::Result<()> {
    if cfg!(target_os = "linux")
        && let Err(error) = fs::write("/proc/self/oom_score_adj", "1000")
    {
        tracing::debug!(%error, "the kernel is not told to take a worker before its supervisor");
    }
    Resource::AS.set(memory, memory)?;
    Resource::CORE.set(0, 0)?;
    Resource::FSIZE.set(0, 0)?;
    Resource::NOFILE.set(3, 3)
}

async fn serve() -> io::Result<()> {
    let (assign, mut assignments) = mpsc::unbounded_channel();
    let (answer, answers) = mpsc::unbounded_channel();
    // A thread of its own reads all the time, so that a worker whose supervisor died ends at once,
    // also in the middle of a decode.
    thread::Builder::new()
        .name("ears".to_owned())
        .spawn(move || listen(&io::stdin(), &assign, &answer))?;
    let remote = Arc::new(Remote::new(answers));
    remote.tell(&FromWorker::Ready).await?;
    while let Some(assignment) = assignments.recv().await {
        let answer = handle(assignment, &remote).await;
        remote.tell(&FromWorker::Done { answer }).await?;
    }
    Ok(())
}

/// Sorts what comes in, until nothing comes any more: then the process is over.
fn listen(
    stdin: &Stdin,
    assign: &mpsc::UnboundedSender<Assignment>,
    answers: &mpsc::UnboundedSender<Answer>,
) {
    let mut stdin = stdin.lock();
    loop {
        let taken = match wire::read(&mut stdin) {
            Ok(Some((ToWorker::Handle(assignment), _))) => assign.send(assignment).is_ok(),
            Ok(Some((ToWorker::Answer { call, reply }, bytes))) => {
                answers.send(Answer { call, reply, bytes }).is_ok()
            }
            Ok(None) => exit(0),
            Err(error) => {
                tracing::error!(%error, "the worker does not understand its supervisor");
                exit(1);
            }
        };
        if !taken {
            exit(1);
        }
    }
}

async fn handle(assignment: Assignment, remote: &Arc<Remote>) -> Result<Vec<Message>, Failure> {
    let Assignment { message, time_ms, limits } = assignment;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let deadline = clock.now().checked_add(Duration::from_millis(time_ms));
    let budget = match deadline {
        Ok(deadline) => Budget::until(deadline, Duration::ZERO, clock),
        Err(_) => Budget::unlimited(clock),
    };
    match stage(message.stage(), limits, remote) {
        Some(stage) => stage.handle(message, &budget).await,
        None => Err(Failure::Misrouted(message.name().to_owned())),
    }
}

/// The stages that touch foreign bytes.
fn stage(name: StageName, limits: Limits, remote: &Arc<Remote>) -> Option<Box<dyn Stage>> {
    crate::stages::of_foreign_bytes(name, remote.clone(), remote.clone(), limits)
}
