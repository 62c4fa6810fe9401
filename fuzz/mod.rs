//! One target a parser of foreign bytes: whatever the bytes, there is an answer, in bounded time and
//! memory, and what is accepted keeps its promises. `./dev test` gives each target its seeds, what
//! was ever found, and a second of damaged seeds; `./dev fuzz TARGET SECONDS` goes on for longer.
//! Inputs are chosen by bolero's own engine, at random: those that follow coverage want a nightly
//! compiler.

mod colour;
pub(crate) mod damage;
mod decoders;
mod metadata;
mod texts;
mod watch;

use std::{
    cell::Cell,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use self::{damage::Damage, watch::Watch};
use crate::report;

/// What came of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Taken,
    Refused,
}

impl From<bool> for Verdict {
    fn from(taken: bool) -> Verdict {
        if taken { Verdict::Taken } else { Verdict::Refused }
    }
}

/// How long a target runs where nobody says otherwise by `BOLERO_RANDOM_TEST_TIME_MS`.
const USUAL: Duration = Duration::from_secs(1);

/// Runs a target over its seeds, over what was found before, and for a while over damaged seeds.
fn fuzz(target: &'static str, seeds: &[Vec<u8>], judge: fn(&[u8]) -> Verdict) {
    fuzz_for(USUAL, target, seeds, judge);
}

fn fuzz_for(time: Duration, target: &'static str, seeds: &[Vec<u8>], judge: fn(&[u8]) -> Verdict) {
    assert!(!seeds.is_empty(), "{target} has no seeds");
    let watch = Watch::over(target);
    let taken = seeds.iter().filter(|seed| watch.judged(seed, judge) == Verdict::Taken).count();
    // A target that refuses whatever it is given tests nothing.
    assert!(taken > 0, "{target} refuses all of its seeds");
    for (_, found) in files(&format!("fuzz/found/{target}")) {
        watch.judged(&found, judge);
    }
    let watch = std::panic::AssertUnwindSafe(watch);
    bolero::check!().with_type::<Damage>().with_test_time(time).for_each(|damage| {
        watch.judged(&damage.to(seeds), judge);
    });
    report::say("fuzz", format_args!("{target}: {}", watch.counts()));
}

/// Every file of a folder, by name; none where there is no folder.
fn files(folder: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let Ok(entries) = fs::read_dir(&folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let named = |path: PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        (name, fs::read(path).unwrap())
    };
    paths.into_iter().map(named).collect()
}

/// The fixtures of both areas whose names end so.
fn fixtures(suffixes: &[&str]) -> Vec<Vec<u8>> {
    let all = files("tests/imaging/fixtures").into_iter().chain(files("tests/metadata/fixtures"));
    all.filter(|(name, _)| suffixes.iter().any(|suffix| name.ends_with(suffix)))
        .map(|(_, file)| file)
        .collect()
}

/// What would make a target worthless: a panic of the judge is reported, not swallowed.
#[test]
fn a_judge_that_fails_is_heard() {
    thread_local!(static SEEN: Cell<u32> = const { Cell::new(0) });
    fn fails(input: &[u8]) -> Verdict {
        SEEN.set(SEEN.get() + 1);
        assert!(input.len() != 3, "three bytes are too many");
        Verdict::Taken
    }
    let seeds = [b"ab".to_vec(), b"abcd".to_vec()];
    // It ends with the first finding; a busy machine may need longer to get there.
    let patience = Duration::from_mins(1);
    let found = std::panic::catch_unwind(|| fuzz_for(patience, "broken", &seeds, fails));
    assert!(found.is_err(), "no damage of {} made three bytes", SEEN.get());
}
