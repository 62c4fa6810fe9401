//! `darkroom process`.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fs::{self, File},
    io::{self, IsTerminal as _, Read as _, Write as _, stderr},
    path::{Component, Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use bytes::Bytes;
use domain::{Key, Problem, Status, record::Record};
use imaging::{Limits, Presets};
use indicatif::{ProgressBar, ProgressStyle};

use super::{End, Stop, say};
use crate::in_memory::{self, Developed};

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
    /// One JSON line a file, as each is done: the file as given, and its record
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<End, Stop> {
    crate::heap::keep();
    let presets = crate::settings::read_presets(arguments.presets.as_deref())
        .map_err(|what| Stop::Misuse(format!("--presets (DARKROOM_PRESETS): {what}")))?;
    let jobs = jobs(&arguments.files, &arguments.out)?;
    fs::create_dir_all(&arguments.out)
        .map_err(|error| Stop::Failure(format!("{}: {error}", arguments.out.display())))?;
    let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let threads = arguments.threads.map_or(cores, std::num::NonZero::get).min(jobs.len());
    let progress = Mutex::new(Progress::over(jobs.len(), arguments.json));
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let done = job.run(&presets);
                    progress.lock().unwrap_or_else(PoisonError::into_inner).note(job.file, &done);
                }
            });
        }
    });
    Ok(progress.into_inner().unwrap_or_else(PoisonError::into_inner).end())
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

/// The bytes of a file; beyond what is allowed nothing is read, and the answer is why not.
pub(super) fn read(file: &Path, limits: &Limits) -> io::Result<Result<Bytes, (u64, Problem)>> {
    let handle = File::open(file)?;
    let size = handle.metadata()?.len();
    if let Err(fault) = limits.check_bytes(size.max(1)) {
        return Ok(Err((size, fault.into())));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
    // It may have grown since, or be a pipe.
    handle.take(limits.bytes + 1).read_to_end(&mut bytes)?;
    Ok(Ok(bytes.into()))
}

/// Sends one file through the stages, on this thread.
pub(super) fn develop(file: &Path, presets: &Presets) -> Result<Developed, String> {
    let limits = Limits::default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    let developed = match read(file, &limits).map_err(|error| format!("cannot be read: {error}"))? {
        Ok(bytes) => runtime.block_on(in_memory::develop(file, bytes, presets, &limits)),
        Err((size, problem)) => runtime.block_on(in_memory::refuse(file, size, &problem)),
    };
    developed.map_err(|error| error.to_string())
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
    fn run(&self, presets: &Presets) -> Result<Record, String> {
        let developed = develop(self.file, presets)?;
        if !developed.variants.is_empty() {
            fs::create_dir_all(&self.folder)
                .map_err(|error| format!("{} cannot be made: {error}", self.folder.display()))?;
        }
        for (name, bytes) in &developed.variants {
            let path = self.folder.join(name);
            replace(&path, bytes)
                .map_err(|error| format!("{} cannot be written: {error}", path.display()))?;
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

/// What is said while files are done.
struct Progress {
    bar: Option<ProgressBar>,
    json: bool,
    end: End,
}

impl Progress {
    fn over(files: usize, json: bool) -> Self {
        let bar = (files > 1 && stderr().is_terminal()).then(|| {
            let bar = ProgressBar::new(files as u64);
            if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {eta} {msg}") {
                bar.set_style(style);
            }
            bar
        });
        Self { bar, json, end: End::Done }
    }

    fn note(&mut self, file: &Path, done: &Result<Record, String>) {
        let name = file.to_string_lossy();
        let bar = self.bar.clone();
        let quietly = |what: &mut dyn FnMut()| match &bar {
            Some(bar) => bar.suspend(what),
            None => what(),
        };
        let trouble = match done {
            Ok(record) => {
                let line = self.json.then(|| line(&name, record)).transpose();
                if let Ok(Some(line)) = &line {
                    quietly(&mut || say(line));
                }
                line.err().or_else(|| trouble(record))
            }
            Err(what) => Some(what.clone()),
        };
        if let Some(what) = trouble {
            quietly(&mut || eprintln!("darkroom: {name}: {what}"));
            self.end = End::SomeFailed;
        }
        if let Some(bar) = &self.bar {
            bar.set_message(name.into_owned());
            bar.inc(1);
        }
    }

    fn end(self) -> End {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
        self.end
    }
}

/// Why a record is no success.
fn trouble(record: &Record) -> Option<String> {
    match (record.status, &record.problem) {
        (Status::Ready, _) => None,
        (status, None) => Some(status.as_str().to_owned()),
        (status, Some(problem)) => {
            Some(format!("{}: {} ({})", status.as_str(), problem.detail, problem.code))
        }
    }
}
