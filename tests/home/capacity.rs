//! How many workers there are, and what is said of it.

use std::{num::NonZeroUsize, time::Duration};

use imaging::{Limits, Presets};
use local::capacity::{Capacity, Largest, Memory, Reason, WORKER_LEAST};

use super::server::{Server, wait_for};

const GIB: u64 = 1 << 30;

/// The largest upload where nothing is said.
const USUAL: u64 = 100_000_000;

fn number(n: usize) -> NonZeroUsize {
    NonZeroUsize::new(n).expect("not zero")
}

#[test]
fn memory_decides_where_there_are_more_cores_than_it_holds_pictures_for() {
    for (cores, spare, workers, reason) in [
        (2, 12 * GIB, 3, Reason::Cores(2)),
        (2, 3 * GIB, 2, Reason::Memory(2)),
        (64, 4 * GIB, 3, Reason::Memory(64)),
        (64, 2 * GIB, 1, Reason::Memory(64)),
        (4, GIB / 2, 1, Reason::Memory(4)),
        (1, 0, 1, Reason::Memory(1)),
        (1, 4 * GIB, 2, Reason::Cores(1)),
        (8, 1024 * GIB, 9, Reason::Cores(8)),
    ] {
        let found = Capacity::of(None, number(cores), Memory::Spare(spare), USUAL);
        assert_eq!((found.workers.get(), found.reason), (workers, reason), "{cores}, {spare}");
        assert!(found.each >= WORKER_LEAST, "{cores}, {spare}: {found}");
        if workers > 1 {
            assert_eq!(found.limits(), Limits::default(), "{cores}, {spare}: {found}");
        }
    }
}

#[test]
fn what_is_asked_for_is_done() {
    let found = Capacity::of(Some(number(6)), number(2), Memory::Asked(3 * GIB), USUAL);
    assert_eq!((found.workers.get(), found.each, found.reason), (6, GIB / 2, Reason::Asked));
    assert!(found.limits().memory < Limits::default().memory);
    // Not more than is there, so that the settings can say that it is too little.
    let found = Capacity::of(Some(number(6)), number(2), Memory::Asked(GIB), USUAL);
    assert!(found.each < WORKER_LEAST);
}

#[test]
fn the_largest_picture_is_as_large_as_the_limits_let_through() {
    let presets = Presets::built_in();
    let of = |each| {
        let capacity = Capacity::of(Some(number(1)), number(1), Memory::Asked(each), USUAL);
        Largest::within(presets, &capacity.limits())
    };
    let (least, half, whole) = (of(WORKER_LEAST), of(GIB / 2), of(2 * GIB));
    assert!(least.baseline >= 3 && least.progressive < least.baseline, "{least}");
    assert!(least.progressive < half.progressive && half.progressive < 100, "{half}");
    assert_eq!((whole.baseline, whole.progressive), (100, 100), "{whole}");
    assert_eq!(whole.to_string(), "JPEG of up to 100 megapixels and 100 MB");
    // What waits to be asked for is to fit, too.
    let file = "[variants.whole]\nwidth = 65535\nformats = ['png']\nwhen = 'request'\n";
    let presets = Presets::parse(file).expect("presets");
    let capacity = Capacity::of(Some(number(1)), number(1), Memory::Asked(GIB / 2), USUAL);
    let unreduced = Largest::within(&presets, &capacity.limits());
    assert!(unreduced.baseline < half.baseline, "{unreduced} of {half}");
}

#[test]
fn the_server_says_how_many_and_why() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let server = Server::start(data.path(), &["--memory", "600MiB"]);
    let line = wait_for("it is said", Duration::from_secs(10), || {
        let log = server.log();
        log.lines().find(|line| line.contains("every JPEG of up to")).map(str::to_owned)
    });
    assert!(line.contains("1 worker of 600 MiB"), "{line}");
    assert!(line.contains("megapixels (") && line.contains("progressive"), "{line}");
}
