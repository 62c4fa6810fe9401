//! Whoever takes too long, or dies, leaves the input that did it in `target/tmp/fuzz`.

use std::{
    env,
    fs::{self, File},
    io::{Seek as _, Write as _},
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    path::{Path, PathBuf},
    process,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use super::Verdict;
use crate::imaging::corpus::one::on_cpu;

/// An input that takes longer on a core, in a build without optimisation, is a fault.
const MOST: Duration = Duration::from_secs(10);
/// One that takes longer by the clock hangs.
const HANG: Duration = Duration::from_mins(2);

/// The input at hand, and when it was begun.
type AtHand = Option<(Instant, Vec<u8>)>;

/// A target under way.
pub struct Watch {
    target: &'static str,
    folder: PathBuf,
    at_hand: Arc<Mutex<AtHand>>,
    /// By hand, every input is written before it is tried: one that kills the process leaves no
    /// other trace. The file stays open, because ext4 waits for the disk where one is replaced.
    last: Option<Mutex<File>>,
    inputs: AtomicU64,
    taken: AtomicU64,
    slowest_us: AtomicU64,
}

impl Watch {
    pub fn over(target: &'static str) -> Watch {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fuzz");
        fs::create_dir_all(&folder).unwrap();
        let by_hand = env::var_os("BOLERO_RANDOM_TEST_TIME_MS").is_some();
        let last = folder.join(format!("{target}.last"));
        let at_hand: Arc<Mutex<AtHand>> = Arc::default();
        let (weak, hung) = (Arc::downgrade(&at_hand), folder.join(format!("{target}.hung")));
        thread::spawn(move || {
            while let Some(at_hand) = weak.upgrade() {
                if let Some((begun, input)) = &*at_hand.lock().unwrap()
                    && begun.elapsed() > HANG
                {
                    fs::write(&hung, input).unwrap();
                    eprintln!("{target} hangs over {}", hung.display());
                    process::abort();
                }
                drop(at_hand);
                thread::sleep(Duration::from_secs(1));
            }
        });
        Watch {
            target,
            folder,
            at_hand,
            last: by_hand.then(|| Mutex::new(File::create(last).unwrap())),
            inputs: AtomicU64::new(0),
            taken: AtomicU64::new(0),
            slowest_us: AtomicU64::new(0),
        }
    }

    /// Gives an input to a target.
    pub fn judged(&self, input: &[u8], judge: fn(&[u8]) -> Verdict) -> Verdict {
        if let Some(last) = &self.last {
            let mut last = last.lock().unwrap();
            last.rewind().unwrap();
            last.write_all(input).unwrap();
            last.set_len(input.len() as u64).unwrap();
        }
        *self.at_hand.lock().unwrap() = Some((Instant::now(), input.to_vec()));
        let before = on_cpu();
        let verdict = catch_unwind(AssertUnwindSafe(|| {
            let verdict = judge(input);
            let spent = on_cpu()
                .zip(before)
                .map_or(Duration::ZERO, |(after, before)| after.saturating_sub(before));
            assert!(spent <= MOST, "{} bytes took {spent:?}", input.len());
            self.slowest_us.fetch_max(u64::try_from(spent.as_micros()).unwrap(), Relaxed);
            verdict
        }));
        *self.at_hand.lock().unwrap() = None;
        let verdict = verdict.unwrap_or_else(|panic| {
            // The engine goes on to make it smaller: the last one is the smallest.
            fs::write(self.folder.join(format!("{}.failed", self.target)), input).unwrap();
            resume_unwind(panic)
        });
        self.inputs.fetch_add(1, Relaxed);
        self.taken.fetch_add(u64::from(verdict == Verdict::Taken), Relaxed);
        verdict
    }

    /// For a line of the report.
    pub fn counts(&self) -> String {
        format!(
            "{} inputs, {} accepted, slowest {} ms",
            self.inputs.load(Relaxed),
            self.taken.load(Relaxed),
            self.slowest_us.load(Relaxed) / 1000
        )
    }
}
