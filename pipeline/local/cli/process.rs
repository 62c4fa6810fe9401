//! `darkroom process`.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fs::{self, File},
    io::{self, Read as _, Write as _},
    path::{Component, Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use bytes::Bytes;
use domain::{Code, Key, Problem, Status, record::Record};
use imaging::Limits;
use serde_json::json;

use super::{End, Stop, progress::Progress};
use crate::{
    in_memory::{self, Developed},
    presets,
    share::{self, Share},
};

/// Make the variants of files, without a server
///
/// The same stages as a server's, in memory: each file's variants are written to
/// DIR/{name without its extension}/{variant}.{extension}, each whole or not at all; what was there
/// under the same name is replaced. Two files whose folders would be the same are wrong use.
///
/// Exit code 1 where some files could not be read, were refused or failed: each is named on standard
/// error, and the others are made.
#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    /// The files
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Where the variants go; made if it is not there
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// A file of presets in place of the built-in ones
    #[arg(long, env = "DARKROOM_PRESETS", value_name = "FILE")]
    presets: Option<PathBuf>,
    /// Files worked on at the same time [default: one a core]
    #[arg(long, env = "DARKROOM_THREADS", value_name = "N")]
    threads: Option<std::num::NonZeroUsize>,
    /// Memory of all pictures that are worked on at a time, for example 800MiB; a picture that does
    /// not fit now waits, and one that never does is refused [default: half of the machine's]
    #[arg(long, env = "DARKROOM_MEMORY", value_name = "SIZE", value_parser = share_of)]
    memory: Option<u64>,
    /// One JSON line a file, as each is done: the file as given, and its record; where there is none,
    /// the problem
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<End, Stop> {
    crate::heap::keep();
    let presets = presets::read(arguments.presets.as_deref())
        .map_err(|what| Stop::Misuse(format!("--presets (DARKROOM_PRESETS): {what}")))?;
    let jobs = jobs(&arguments.files, &arguments.out)?;
    fs::create_dir_all(&arguments.out)
        .map_err(|error| Stop::Failure(format!("{}: {error}", arguments.out.display())))?;
    let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let threads = arguments.threads.map_or(cores, std::num::NonZero::get).min(jobs.len());
    let share = arguments.memory.map_or_else(Share::of_this_machine, Share::of);
    let report = Mutex::new(Report { progress: Progress::over(jobs.len()), end: End::Done });
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let done = job.run(&presets, &share);
                    let mut report = report.lock().unwrap_or_else(PoisonError::into_inner);
                    report.note(job.file, &done, arguments.json);
                }
            });
        }
    });
    Ok(report.into_inner().unwrap_or_else(PoisonError::into_inner).end)
}

/// Reads `--memory`.
fn share_of(text: &str) -> Result<u64, String> {
    let least = share::LEAST >> 20;
    let enough = domain::forms::size(text).filter(|&size| size >= share::LEAST);
    enough.ok_or_else(|| format!("a size such as 800MiB or 2GiB is wanted, at least {least}MiB"))
}

/// A record as one line of JSON, with the file that it is of in front; otherwise why it is none.
pub(super) fn line(file: &str, record: &Record) -> Result<String, String> {
    #[derive(serde::Serialize)]
    struct Line<'a> {
        file: &'a str,
        #[serde(flatten)]
        record: &'a Record,
    }
    serde_json::to_string(&Line { file, record })
        .map_err(|error| format!("its record cannot be written as JSON: {error}"))
}

/// Sends one file through the stages, on this thread, with as much of the share as it needs.
pub(super) fn develop(
    file: &Path,
    presets: &presets::Read,
    share: &Share,
) -> Result<Developed, Problem> {
    let unreadable =
        |error: io::Error| Problem::new(Code::Unreadable, format!("cannot be read: {error}"));
    let limits = share.limits();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let runtime = runtime.map_err(|error| broken(&error))?;
    let mut handle = File::open(file).map_err(unreadable)?;
    let meta = handle.metadata().map_err(unreadable)?;
    let developed = if let Err(fault) = limits.check_bytes(meta.len().max(1)) {
        // What is too large is not read at all.
        runtime.block_on(in_memory::refuse(file, meta.len(), &fault.into()))
    } else {
        let needed = if meta.is_file() {
            share.needed(&mut handle, meta.len(), &presets.presets).map_err(unreadable)?
        } else {
            // A pipe does not say how much is coming.
            u64::MAX
        };
        let _portion = share.take(needed);
        let bytes = read(handle, meta.len(), &limits).map_err(unreadable)?;
        runtime.block_on(in_memory::develop(file, bytes, presets, &limits))
    };
    developed.map_err(|error| broken(&error))
}

fn read(file: File, size: u64, limits: &Limits) -> io::Result<Bytes> {
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
    // It may have grown since, or be a pipe.
    file.take(limits.bytes + 1).read_to_end(&mut bytes)?;
    Ok(bytes.into())
}

/// Something that is not the picture's fault.
fn broken(what: &impl ToString) -> Problem {
    Problem::new(Code::Internal, what.to_string())
}

/// A file and the folder of its variants.
struct Job<'a> {
    file: &'a Path,
    folder: PathBuf,
}

/// One folder a file: where two would share one, which file's variants stand there in the end would
/// be chance.
fn jobs<'a>(files: &'a [PathBuf], out: &Path) -> Result<Vec<Job<'a>>, Stop> {
    let mut stems: BTreeMap<&OsStr, &Path> = BTreeMap::new();
    let mut jobs = Vec::new();
    for file in files {
        let stem = file
            .file_stem()
            // `..jpg` has the stem `.`, which is a folder that others stand in.
            .filter(|stem| {
                matches!(Path::new(stem).components().next(), Some(Component::Normal(_)))
            })
            .ok_or_else(|| Stop::Misuse(format!("{} is not the name of a file", file.display())))?;
        if let Some(other) = stems.insert(stem, file) {
            return Err(Stop::Misuse(format!(
                "the variants of {} and {} would both go to {}: rename one of them, or process \
                 them with different --out",
                other.display(),
                file.display(),
                out.join(stem).display()
            )));
        }
        jobs.push(Job { file, folder: out.join(stem) });
    }
    Ok(jobs)
}

impl Job<'_> {
    fn run(&self, presets: &presets::Read, share: &Share) -> Result<Record, Problem> {
        let developed = develop(self.file, presets, share)?;
        if !developed.variants.is_empty() {
            fs::create_dir_all(&self.folder).map_err(|error| {
                broken(&format!("{} cannot be made: {error}", self.folder.display()))
            })?;
        }
        for (name, bytes) in &developed.variants {
            let path = self.folder.join(name);
            replace(&path, bytes).map_err(|error| {
                broken(&format!("{} cannot be written: {error}", path.display()))
            })?;
        }
        let url = |key: &Key| match key {
            Key::Variant { file, .. } => {
                Some(self.folder.join(file).to_string_lossy().into_owned())
            }
            _ => None,
        };
        Ok(Record::of(&developed.image, &url))
    }
}

/// Writes a file whole or not at all: beside its place, and then onto it.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut beside = OsString::from(".");
    beside.push(path.file_name().unwrap_or_default());
    beside.push(format!(".{}.part", std::process::id()));
    let beside = path.with_file_name(beside);
    let written = File::create(&beside)
        .and_then(|mut file| file.write_all(bytes))
        .and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        // The first error is the one to report.
        let _gone_or_not = fs::remove_file(&beside);
    }
    written
}

/// What is said of files that are done.
struct Report {
    progress: Progress,
    end: End,
}

impl Report {
    fn note(&mut self, file: &Path, done: &Result<Record, Problem>, json: bool) {
        let name = file.to_string_lossy();
        let said = match done {
            Ok(record) => line(&name, record),
            // No record was made of it, so only what is known of any file is said.
            Err(problem) => {
                Ok(json!({"file": name, "status": "failed", "problem": problem}).to_string())
            }
        };
        if json && let Ok(line) = &said {
            self.progress.say(line);
        }
        let trouble = match done {
            Ok(record) => said.err().filter(|_| json).or_else(|| trouble(record)),
            Err(problem) => Some(problem.detail.clone()),
        };
        if let Some(what) = trouble {
            self.progress.complain(format_args!("{name}: {what}"));
            self.end = End::SomeFailed;
        }
        self.progress.step(&name);
    }
}

/// Why a record is no success, each variant that failed included.
pub(super) fn trouble(record: &Record) -> Option<String> {
    match (record.status, &record.problem) {
        (Status::Ready, _) => {
            let failed = record.variants.iter().filter_map(|variant| {
                let failed = variant.failed.as_ref()?;
                let (name, format) = (&variant.name, &variant.format);
                Some(format!("{name}.{format}: {} ({})", failed.detail, failed.code))
            });
            let failed: Vec<_> = failed.collect();
            (!failed.is_empty()).then(|| failed.join("; "))
        }
        (status, None) => Some(status.as_str().to_owned()),
        (status, Some(problem)) => {
            Some(format!("{}: {} ({})", status.as_str(), problem.detail, problem.code))
        }
    }
}
