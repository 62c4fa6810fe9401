//! Files in and files out, within a share of memory.

use std::{
    fs,
    io::Cursor,
    num::NonZeroUsize,
    process::Stdio,
    sync::{
        Barrier,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use imaging::Presets;
use local::share::Share;
use serde_json::Value;

use super::{pictures::photograph, server::darkroom};

#[test]
fn no_more_is_taken_than_there_is() {
    const ALL: u64 = 100;
    let share = Share::of(ALL);
    let (taken, most) = (AtomicU64::new(0), AtomicU64::new(0));
    let begin = Barrier::new(8);
    thread::scope(|scope| {
        for wish in [40, 40, 40, 60, 60, 100, 1, 1000] {
            let (share, taken, most, begin) = (&share, &taken, &most, &begin);
            scope.spawn(move || {
                begin.wait();
                for _ in 0..20 {
                    let portion = share.take(wish);
                    let now = taken.fetch_add(wish.min(ALL), Ordering::SeqCst) + wish.min(ALL);
                    most.fetch_max(now, Ordering::SeqCst);
                    thread::sleep(Duration::from_millis(1));
                    taken.fetch_sub(wish.min(ALL), Ordering::SeqCst);
                    drop(portion);
                }
            });
        }
    });
    assert!(most.load(Ordering::SeqCst) <= ALL, "{most:?}");
    assert!(most.load(Ordering::SeqCst) > 60, "they share it: {most:?}");
}

#[test]
fn a_picture_takes_what_its_header_foretells() {
    let share = Share::of(1 << 30);
    let needed = |bytes: &[u8]| {
        let (size, mut file) = (bytes.len() as u64, Cursor::new(bytes));
        let needed = share.needed(&mut file, size, Presets::built_in()).expect("in memory");
        assert_eq!(file.position(), 0, "whoever reads it begins at its beginning");
        needed
    };
    let (small, large) = (photograph(1, 200, 100), photograph(1, 3000, 2000));
    assert!(needed(&small) < needed(&large));
    assert!(needed(&large) > large.len() as u64 + (16 << 20), "{}", needed(&large));
    assert_eq!(needed(b"this is text"), 12);
    // A header behind more pixels than the longest header in front of any.
    let scan = tiff(2500, 2500);
    assert!(scan.len() > 17 << 20);
    let whole = scan.len() as u64 + 3 * 4 * 800 * 800;
    assert!(needed(&scan) > whole, "{} of {whole}", needed(&scan));
    assert_eq!(needed(&scan[..17 << 20]), 17 << 20, "what breaks off is refused undecoded");

    // What waits to be asked for is made here too, each variant after the other.
    let by = |presets: &str| {
        let presets = Presets::parse(presets).expect("presets");
        let size = large.len() as u64;
        share.needed(&mut Cursor::new(&large), size, &presets).expect("in memory")
    };
    let small = "[variants.small]\nwidth = 100\nformats = ['png']\n";
    let on_request = |name: &str| {
        format!("[variants.{name}]\nwidth = 3000\nformats = ['png']\nwhen = 'request'\n")
    };
    let one = by(&format!("{small}{}", on_request("one")));
    let two = by(&format!("{small}{}{}", on_request("one"), on_request("two")));
    let result = 4 * 3000 * 2000;
    let at_once = by(&on_request("one").replace("when = 'request'", ""));
    assert!(one >= at_once, "{one} of {at_once}");
    assert!(one > by(small) + result, "{one} of {}", by(small));
    assert_eq!(two, one + result, "of the second, only what comes of it is held beside the first");
}

/// A black TIFF of three channels, with its directory behind the pixels.
fn tiff(width: u32, height: u32) -> Vec<u8> {
    let pixels = width * height * 3;
    let bits = 8 + pixels;
    let at = bits + 6;
    let mut file = [b"II*\0".as_slice(), &at.to_le_bytes()].concat();
    file.resize(bits as usize, 0);
    file.extend([8, 0].repeat(3));
    // Tag, type (3 short, 4 long), count, value or place.
    let entries = [
        (256_u16, 4_u16, 1_u32, width),
        (257, 4, 1, height),
        (258, 3, 3, bits),
        (259, 3, 1, 1),
        (262, 3, 1, 2),
        (273, 4, 1, 8),
        (277, 3, 1, 3),
        (278, 4, 1, height),
        (279, 4, 1, pixels),
    ];
    file.extend([9, 0]);
    for (tag, kind, count, value) in entries {
        file.extend(tag.to_le_bytes());
        file.extend(kind.to_le_bytes());
        file.extend(count.to_le_bytes());
        file.extend(value.to_le_bytes());
    }
    file.extend([0; 4]);
    file
}

/// The most memory that the program had while it worked on the files, in MiB, and what it said.
fn peak(arguments: &[&str]) -> (u64, Vec<Value>) {
    let mut command = darkroom(arguments);
    let mut child = command.stdout(Stdio::piped()).spawn().expect("the program starts");
    let status = format!("/proc/{}/status", child.id());
    let mut most = 0;
    // The system keeps the peak itself, so what is between two looks is not lost.
    while child.try_wait().expect("a child of ours").is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
        most = most.max(kilobytes.unwrap_or(0) >> 10);
        thread::sleep(Duration::from_millis(5));
    }
    let said = child.wait_with_output().expect("its output");
    let said = String::from_utf8_lossy(&said.stdout);
    (most, said.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
}

#[test]
fn threads_share_what_memory_there_is() {
    let threads = NonZeroUsize::new(8).expect("not zero").to_string();
    let home = tempfile::tempdir().expect("a folder");
    let picture = photograph(5, 3000, 2000);
    let path = |name: &str| home.path().join(name).to_string_lossy().into_owned();
    let files: Vec<_> = (0..8).map(|n| path(&format!("{n}.jpg"))).collect();
    for file in &files {
        fs::write(file, &picture).expect("a file");
    }
    let of = |memory: &str| {
        let out = path("out");
        let flags = ["--out", &out, "--json", "--threads", &threads, "--memory", memory];
        let mut arguments = vec!["process"];
        arguments.extend(files.iter().map(String::as_str));
        arguments.extend(flags);
        let (peak, said) = peak(&arguments);
        let ready = said.iter().filter(|line| line["status"] == "ready").count();
        assert_eq!(ready, files.len(), "{said:?}");
        peak
    };
    let (narrow, wide) = (of("100MiB"), of("2GiB"));
    if cfg!(target_os = "linux") {
        // The program itself, and what its heaps keep for the next picture, are not counted.
        assert!(narrow < 100 + 128, "{narrow} MiB where 100 are shared");
        assert!(wide > narrow + 100, "{wide} MiB where all fit, {narrow} where one does");
    }
}

/// What would never fit is refused by its header, and the rest is made.
#[test]
fn what_never_fits_is_refused() {
    let home = tempfile::tempdir().expect("a folder");
    let path = |name: &str| home.path().join(name).to_string_lossy().into_owned();
    let (small, large) = (path("small.jpg"), path("large.jpg"));
    fs::write(&small, photograph(1, 300, 200)).expect("a file");
    fs::write(&large, super::pictures::giant()).expect("a file");
    let out = path("out");
    let (_, said) =
        peak(&["process", &small, &large, "--out", &out, "--json", "--memory", "64MiB"]);
    let of = |file: &str| said.iter().find(|line| line["file"] == file).expect("a line");
    assert_eq!(of(&small)["status"], "ready");
    assert_eq!(of(&large)["problem"]["code"], "too_much_memory", "{:#}", of(&large));
    let refused = darkroom(&["process", &small, "--out", &out, "--memory", "1MiB"]).output();
    let refused = refused.expect("the program runs");
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("at least 64MiB"));
}
