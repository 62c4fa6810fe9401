//! The supervisor's side: start a worker, hand it a message, serve its calls, and say how it was
//! lost when it was.

use std::{io, os::unix::process::ExitStatusExt, process::Stdio, time::Duration};

use domain::{Code, Failure, Message};
use imaging::Limits;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Command},
    task::JoinHandle,
    time::timeout,
};

use super::{
    conversation::{Breach, Ports, converse},
    wire::{self, Assignment, FromWorker},
};

/// How a worker is started and what it is held to.
#[derive(Clone, Debug)]
pub struct Terms {
    /// Bytes of address space.
    pub memory: u64,
    /// What its stages refuse.
    pub limits: Limits,
    /// What a worker may take for one message before it is killed, the home's answers not counted;
    /// and what the home may take for all of those.
    pub deadline: Duration,
    /// Which of its log lines are wanted, as a `tracing` filter.
    pub log: String,
}

impl Terms {
    /// The share of the deadline in which pieces may be begun; the rest is for finishing the last
    /// of them and handing on what is left.
    fn working_time(&self) -> Duration {
        self.deadline.mul_f32(0.7)
    }
}

/// How a worker was lost in the middle of a message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Loss {
    /// It was killed by a signal.
    #[error("the worker was killed by signal {0}{name}", name = signal_name(*.0))]
    Signal(i32),
    /// It ended by itself.
    #[error("the worker ended with exit status {0}")]
    Exit(i32),
    /// It asked for memory beyond its bound.
    #[error("the worker ran out of its {0} MiB of memory")]
    Memory(u64),
    /// It was not done in time, and was killed.
    #[error("the worker was not done after {0:?} and was killed")]
    Time(Duration),
    /// It said something that makes no sense, and was killed.
    #[error("the worker was killed because of what it said: {0}")]
    Nonsense(String),
    /// What it asked for took the home too long, and it was killed in the middle of its work.
    #[error("objects and records were not there after {0:?}, and the worker was killed")]
    Stalled(Duration),
}

impl Loss {
    /// The word for it in metrics.
    pub fn cause(&self) -> &'static str {
        match self {
            Self::Signal(_) => "signal",
            Self::Exit(_) => "exit",
            Self::Memory(_) => "memory",
            Self::Time(_) => "time",
            Self::Nonsense(_) => "nonsense",
            Self::Stalled(_) => "stalled",
        }
    }

    /// The code of what is given up because of it.
    pub fn code(&self) -> Code {
        match self {
            Self::Time(_) | Self::Stalled(_) => Code::TimedOut,
            Self::Signal(_) | Self::Exit(_) | Self::Memory(_) | Self::Nonsense(_) => Code::Crashed,
        }
    }
}

/// A worker process. Dropping it kills the process.
pub struct Worker {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    relay: JoinHandle<bool>,
    terms: Terms,
}

/// How long a new process may take until it is ready for a message.
const START: Duration = Duration::from_secs(10);

/// How long a process may take to end after its output did.
const END: Duration = Duration::from_secs(2);

impl Worker {
    /// Starts a worker and waits until it is ready, so that what keeps workers from starting costs
    /// no message an attempt.
    pub async fn start(terms: &Terms) -> io::Result<Self> {
        let mut child = command(terms)?.spawn()?;
        let (Some(stdin), Some(stdout), Some(stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(io::Error::other("the worker has no standard streams"));
        };
        let relay = tokio::spawn(relay(stderr, child.id().unwrap_or(0)));
        let stdout = BufReader::new(stdout);
        let mut worker = Self { child, stdin, stdout, relay, terms: terms.clone() };
        match timeout(START, wire::receive(&mut worker.stdout, 0)).await {
            Ok(Ok(Some((FromWorker::Ready, _)))) => Ok(worker),
            Ok(Ok(Some(_))) => Err(io::Error::other("the worker spoke before it was ready")),
            Ok(Ok(None) | Err(_)) => {
                let loss = worker.ended().await;
                Err(io::Error::other(format!("{loss} before it was ready")))
            }
            Err(_) => Err(io::Error::other(format!("the worker was not ready after {START:?}"))),
        }
    }

    /// Has a message handled. After a [`Loss`] the process is dead, and the worker is to be dropped.
    pub async fn handle(
        &mut self,
        message: &Message,
        ports: &Ports,
    ) -> Result<Result<Vec<Message>, Failure>, Loss> {
        let time_ms = self.terms.working_time().as_millis().try_into().unwrap_or(u64::MAX);
        let limits = self.terms.limits.clone();
        let assignment = Assignment { message: message.clone(), time_ms, limits };
        let deadline = self.terms.deadline;
        let (from, to) = (&mut self.stdout, &mut self.stdin);
        let loss = match converse(from, to, assignment, ports, deadline).await {
            Ok(answer) => return Ok(answer),
            Err(Breach::Silence) => return Err(self.ended().await),
            Err(Breach::Nonsense(what)) => Loss::Nonsense(what),
            Err(Breach::Late) => Loss::Time(deadline),
            Err(Breach::Stalled) => Loss::Stalled(deadline),
        };
        self.kill().await;
        Err(loss)
    }

    /// How the process ended whose output did.
    async fn ended(&mut self) -> Loss {
        let status = match timeout(END, self.child.wait()).await {
            Ok(Ok(status)) => status,
            Ok(Err(error)) => return Loss::Nonsense(error.to_string()),
            Err(_) => {
                self.kill().await;
                return Loss::Nonsense("it closed its output and went on".to_owned());
            }
        };
        // With the process its last words end, but they may still be on their way through the pipe.
        let out_of_memory = timeout(END, &mut self.relay).await;
        match (out_of_memory, status.signal()) {
            (Ok(Ok(true)), _) => Loss::Memory(self.terms.memory >> 20),
            (_, Some(signal)) => Loss::Signal(signal),
            (_, None) => Loss::Exit(status.code().unwrap_or(-1)),
        }
    }

    /// Kills the process and waits for its end, so that none is left over.
    pub async fn kill(&mut self) {
        if let Err(error) = self.child.kill().await {
            tracing::warn!(%error, "a worker could not be killed");
        }
    }
}

fn command(terms: &Terms) -> io::Result<Command> {
    // On Linux the running program itself, also when its file was replaced since: both sides of
    // the wire are always of one version.
    let program =
        if cfg!(target_os = "linux") { "/proc/self/exe".into() } else { std::env::current_exe()? };
    let mut command = Command::new(program);
    command
        .arg0("darkroom-worker")
        .args(["worker", "--memory", &terms.memory.to_string(), "--log", &terms.log])
        .env_clear()
        .current_dir("/")
        // Ctrl-C in a terminal is for the supervisor, which lets running work finish.
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    Ok(command)
}

/// Passes on what a worker logs, a line at a time, as the supervisor's own words about it: whatever
/// it writes is one escaped field of one line. Answers whether it said that it ran out of memory.
async fn relay(stderr: ChildStderr, pid: u32) -> bool {
    const LONGEST: u64 = 4096;
    let mut out_of_memory = false;
    let mut lines = BufReader::new(stderr);
    loop {
        let mut line = Vec::new();
        match (&mut lines).take(LONGEST).read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return out_of_memory,
            Ok(_) => {}
        }
        let line = String::from_utf8_lossy(&line).trim().to_owned();
        match line.split_once(' ') {
            Some(("ERROR", said)) => tracing::error!(worker = pid, said),
            Some(("WARN", said)) => tracing::warn!(worker = pid, said),
            Some(("INFO", said)) => tracing::info!(worker = pid, said),
            Some(("DEBUG" | "TRACE", said)) => tracing::debug!(worker = pid, said),
            _ if line.is_empty() => continue,
            _ => tracing::warn!(worker = pid, said = line.as_str()),
        }
        // The allocator's own report, before it aborts.
        out_of_memory |= line.starts_with("memory allocation of ");
    }
}

fn signal_name(signal: i32) -> &'static str {
    // The numbers that Linux on every architecture and macOS share.
    match signal {
        4 => " (illegal instruction)",
        6 => " (abort)",
        8 => " (arithmetic error)",
        9 => " (kill)",
        11 => " (segmentation fault)",
        15 => " (termination)",
        _ => "",
    }
}
