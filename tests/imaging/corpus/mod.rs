//! Real and hostile files that nobody here made, where `DARKROOM_CORPUS` points to them: what comes
//! of each is held against decoders that nobody here wrote, and each is read in a process of its
//! own, so that its time and memory are known.

mod exceptions;
pub(crate) mod one;

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs::File,
    io::{Read as _, Seek as _},
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use exceptions::{DIFFERENCES, EXCEPTIONS, GIANTS};
use imaging::Limits;
use serde::Deserialize;
use serde_json::json;

use crate::oracle::python;
use crate::report;

/// The file that [`one_file`] reads.
const ONE: &str = "DARKROOM_ONE";
/// What its line begins with.
const MARK: &str = "OUTCOME\t";
/// Milliseconds of one core, and MB, that a file may take which is not one of the [`GIANTS`]. A
/// release build has to keep to two seconds; this one, less optimised and beside other tests, takes
/// up to twice as long.
const MOST: (u64, u64) = (4_000, 256);
/// Levels of 8 bits that the cells of a picture may be off on average.
const TOLERANCE: f64 = 3.0;
/// What a file may take by the clock, however much runs beside it. What takes longer hangs.
const PATIENCE: Duration = Duration::from_mins(1);

#[test]
#[ignore = "reads one file of the corpus, in the process that another test makes for it"]
fn one_file() {
    let path = std::env::var_os(ONE).expect("the file to read");
    let file = std::fs::read(path).expect("it can be read");
    std::panic::set_hook(Box::new(|_| {}));
    println!("\n{MARK}{}", one::read(&file).line());
}

/// What came of a file, as [`one::Outcome::line`] says it.
struct Seen {
    code: String,
    format: String,
    size: [u32; 2],
    frames: u32,
    bytes: u64,
    ms: u64,
    mb: u64,
    detail: String,
    cells: Option<[Vec<f64>; 1]>,
    channels: usize,
}

/// What a decoder made of a file.
#[derive(Deserialize)]
struct Answer {
    ok: bool,
    #[serde(default)]
    why: String,
    size: Option<[u32; 2]>,
    rgba: Option<Vec<f64>>,
    cmyk: Option<Vec<f64>>,
}

#[test]
fn the_corpus_is_read_as_other_decoders_read_it() {
    let Some(root) = report::corpus("files of the corpus as other decoders have them") else {
        return;
    };
    let names = names(&root);
    assert!(names.len() > 600, "only {} files under {}", names.len(), root.display());
    let answers = python::run("oracle/corpus.py", &[&root], &json!(names));
    let mut answers: BTreeMap<String, BTreeMap<String, Answer>> =
        serde_json::from_value(answers).expect("answers by name and decoder");
    let mut table = Table::default();
    for name in &names {
        match alone(&root.join(name), PATIENCE) {
            Ok(seen) => table.judge(name, &seen, &answers.remove(name).unwrap_or_default()),
            Err(why) => table.wrong.push(format!("{name}: {why}")),
        }
    }
    table.finish(names.len());
}

fn names(root: &Path) -> Vec<String> {
    let mut names = Vec::new();
    let mut folders: Vec<PathBuf> = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder of the corpus") {
            let path = entry.expect("an entry of it").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.file_name().is_some_and(|name| name != "manifest.tsv") {
                let name = path.strip_prefix(root).expect("below the root");
                names.push(name.to_string_lossy().into_owned());
            }
        }
    }
    names.sort();
    names
}

/// Reads a file in a process of its own. An error says that it hangs, or how it died.
fn alone(path: &Path, patience: Duration) -> Result<Seen, String> {
    let suite = std::env::current_exe().expect("the program of these tests");
    let mut said = tempfile::tempfile().expect("a temporary file");
    let into = || -> File { said.try_clone().expect("a second handle of it") };
    let mut child = Command::new(suite)
        .args(["--exact", "imaging::corpus::one_file", "--ignored", "--nocapture"])
        .env(ONE, path)
        .stdout(into())
        .stderr(into())
        .spawn()
        .expect("it can be run again");
    let begun = Instant::now();
    while child.try_wait().expect("a child of ours").is_none() {
        if begun.elapsed() > patience {
            child.kill().and_then(|()| child.wait()).expect("a child of ours can be ended");
            return Err(format!("hangs: nothing came of it in {patience:?}"));
        }
        thread::sleep(Duration::from_millis(5));
    }
    let mut text = Vec::new();
    said.rewind().and_then(|()| said.read_to_end(&mut text)).expect("what it said");
    let text = String::from_utf8_lossy(&text);
    let line = text.lines().find_map(|line| line.strip_prefix(MARK));
    let line = line.ok_or_else(|| format!("the process died: {text}"))?;
    Ok(parsed(line, path.metadata().expect("a file that was read").len()))
}

fn parsed(line: &str, bytes: u64) -> Seen {
    let fields: Vec<&str> = line.split('\t').collect();
    let number = |index: usize| -> u64 { fields[index].parse().expect("a number") };
    let side = |index| fields[2].split('x').nth(index).and_then(|side| side.parse().ok()).unwrap();
    let numbers: Vec<f64> = fields[8].split(' ').filter_map(|value| value.parse().ok()).collect();
    Seen {
        code: fields[0].into(),
        format: fields[1].into(),
        size: [side(0), side(1)],
        frames: number(3) as u32,
        bytes,
        ms: number(5),
        mb: number(6),
        detail: fields[7].into(),
        channels: numbers.get(2).map_or(0, |channels| *channels as usize),
        cells: (numbers.len() > 3).then(|| [numbers[3..].to_vec()]),
    }
}

/// How far the cells of a picture are from a decoder's, on average, in levels of 8 bits; `None`
/// where they cannot be compared.
fn distance(seen: &Seen, answer: &Answer) -> Option<f64> {
    let [cells] = seen.cells.as_ref()?;
    let wide = |cell: &[f64]| match *cell {
        [v] => [v, v, v, 255.0],
        [v, a] => [v, v, v, a],
        [r, g, b] => [r, g, b, 255.0],
        _ => [cell[0], cell[1], cell[2], cell[3]],
    };
    let ours: Vec<f64> = cells.chunks_exact(seen.channels).flat_map(wide).collect();
    let theirs = if seen.format_is_cmyk() { &answer.cmyk } else { &answer.rgba };
    let theirs = theirs.as_ref().filter(|theirs| theirs.len() == ours.len())?;
    let sum: f64 = ours.iter().zip(theirs).map(|(a, b)| (a - b).abs()).sum();
    Some(sum / ours.len() as f64)
}

impl Seen {
    /// The one file's report does not say CMYK apart from RGBA: formats with inks have no alpha.
    fn format_is_cmyk(&self) -> bool {
        self.channels == 4 && matches!(self.format.as_str(), "jpeg" | "tiff")
    }

    /// Whether it was refused for a limit, however many decoders would read it, and whether its own
    /// numbers pass that limit.
    fn limited(&self) -> Option<bool> {
        let Limits { bytes, pixels, side, frames, .. } = Limits::default();
        let [width, height] = self.size;
        match self.code.as_str() {
            "too_large" => Some(self.bytes > bytes),
            "too_many_pixels" => Some(u64::from(width) * u64::from(height) > pixels),
            "side_too_long" => Some(width.max(height) > side),
            "too_many_frames" => Some(self.frames > frames),
            // What a decoder would have taken stands nowhere in a file: it would be an exception.
            "too_much_memory" => Some(false),
            _ => None,
        }
    }
}

#[derive(Default)]
struct Table {
    lines: Vec<String>,
    wrong: Vec<String>,
    counts: BTreeMap<String, u32>,
    exceptions: usize,
    compared: usize,
}

impl Table {
    fn judge(&mut self, name: &str, seen: &Seen, answers: &BTreeMap<String, Answer>) {
        let votes = answers.values().filter(|answer| answer.ok).count();
        let ready = seen.code == "ready";
        let limited = seen.limited();
        let near = self.near(name, seen, answers);
        let agreed = match votes {
            0 => !ready,
            1 => true,
            _ => ready || limited.is_some(),
        } && near
            && limited != Some(false);
        let exception = listed(name);
        match (exception, agreed) {
            (None, false) => self.wrong.push(format!(
                "{name}: {} ({}) where {votes} decoders read it: {}",
                seen.code,
                seen.detail,
                said(answers)
            )),
            (Some(_), true) => self.wrong.push(format!("{name} is no exception any more")),
            (Some((_, code, _)), false) if *code != seen.code => {
                self.wrong
                    .push(format!("{name}: {} ({}) instead of {code}", seen.code, seen.detail));
            }
            (Some(_), false) => self.exceptions += 1,
            (None, true) => {}
        }
        if (seen.ms > MOST.0 || seen.mb > MOST.1) && !GIANTS.iter().any(|(giant, _)| *giant == name)
        {
            self.wrong.push(format!("{name} takes {} ms and {} MB", seen.ms, seen.mb));
        }
        *self.counts.entry(seen.code.clone()).or_default() += 1;
        let reason = exception.map_or(seen.detail.as_str(), |(_, _, reason)| reason);
        self.lines.push(format!(
            "| {name} | {} | {} | {} | {} |",
            seen.code,
            reason.replace('|', "\\|"),
            seen.ms,
            seen.mb
        ));
    }

    /// Whether size and pixels are those of some decoder, where any can be compared.
    fn near(&mut self, name: &str, seen: &Seen, answers: &BTreeMap<String, Answer>) -> bool {
        if seen.code != "ready" && seen.limited().is_none() {
            return true;
        }
        let sizes: Vec<[u32; 2]> = answers.values().filter_map(|answer| answer.size).collect();
        let best = answers.values().filter_map(|answer| distance(seen, answer)).reduce(f64::min);
        self.compared += usize::from(best.is_some());
        if !sizes.is_empty() && !sizes.contains(&seen.size) {
            self.note(name, &format!("{:?} where others have {sizes:?}", seen.size));
            return false;
        }
        match best {
            Some(best) if best > TOLERANCE => {
                self.note(name, &format!("{best:.1} levels off"));
                false
            }
            _ => true,
        }
    }

    fn note(&mut self, name: &str, what: &str) {
        if listed(name).is_none() {
            self.wrong.push(format!("{name}: {what}"));
        }
    }

    fn page(&self, files: usize) -> String {
        let mut page = String::from(
            "# What comes of the corpus\n\nEvery file of the corpus, read in a process of its own: \
             what comes of it, why, and what it takes of one core and of memory to read it in the build of the tests, which is \
             less optimised and runs beside others: `benches/README.md` has the times of a \
             release build. Written by `BLESS=1 ./dev test the_corpus_is_read`; the files are not \
             ours to publish.\n\n",
        );
        for (code, count) in &self.counts {
            let _ = writeln!(page, "- {code}: {count}");
        }
        let share = |list: &[_]| list.len() as f64 * 100.0 / files as f64;
        for (title, list) in [
            ("answered otherwise than by two other decoders, at most 2 %", EXCEPTIONS),
            ("on which other decoders disagree, or which they read by other rules", DIFFERENCES),
        ] {
            let _ = writeln!(page, "\n## {} files ({:.1} %) {title}\n", list.len(), share(list));
            for (name, code, reason) in list {
                let _ = writeln!(page, "- {name} ({code}): {reason}");
            }
        }
        let _ = writeln!(page, "\n## All {files} files");
        page.push_str("\n| file | outcome | reason | ms | MB |\n| --- | --- | --- | --- | --- |\n");
        page.push_str(&self.lines.join("\n"));
        page.push('\n');
        page
    }

    /// Writes the page only of a run in which all is as it should be.
    fn finish(self, files: usize) {
        for line in &self.lines {
            report::say("corpus", line);
        }
        report::say(
            "corpus",
            format_args!(
                "{files} files, {:?}, {} compared by pixels, {} exceptions",
                self.counts, self.compared, self.exceptions
            ),
        );
        assert!(self.wrong.is_empty(), "{} wrong:\n{}", self.wrong.len(), self.wrong.join("\n"));
        assert!(self.compared * 2 > files, "only {} pictures were compared", self.compared);
        assert!(EXCEPTIONS.len() * 50 <= files, "{} exceptions", EXCEPTIONS.len());
        // A refusal is an exception, and counts as one.
        assert!(DIFFERENCES.iter().all(|(_, code, _)| *code == "ready"));
        let listed = EXCEPTIONS.len() + DIFFERENCES.len();
        assert_eq!(self.exceptions, listed, "each exception is a file of the corpus");
        if std::env::var_os("BLESS").is_some() {
            let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/corpus.md");
            std::fs::write(docs, self.page(files)).expect("docs/corpus.md can be written");
        }
    }
}

fn listed(name: &str) -> Option<&'static (&'static str, &'static str, &'static str)> {
    EXCEPTIONS.iter().chain(DIFFERENCES).find(|(exception, ..)| *exception == name)
}

fn said(answers: &BTreeMap<String, Answer>) -> String {
    answers
        .iter()
        .map(
            |(name, answer)| {
                if answer.ok {
                    format!("{name} reads it")
                } else {
                    format!("{name}: {}", answer.why)
                }
            },
        )
        .collect::<Vec<_>>()
        .join("; ")
}

#[test]
fn a_file_that_hangs_is_given_up() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    // Nobody writes into it, so reading it never ends.
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo").success());
    let why = alone(&pipe, Duration::from_millis(200)).err().expect("nothing can come of it");
    assert!(why.starts_with("hangs"), "{why}");
}

#[test]
fn a_limit_that_is_not_passed_refuses_nothing() {
    let seen = |code: &str, size: &str, frames| {
        parsed(&format!("{code}\tpng\t{size}\t{frames}\ttrue\t1\t1\t-\t-"), 1000)
    };
    let cases = [
        ("too_many_pixels", "10000x10000", 1, Some(false)),
        ("too_many_pixels", "10000x10001", 1, Some(true)),
        ("side_too_long", "65535x1", 1, Some(false)),
        ("side_too_long", "1x65536", 1, Some(true)),
        ("too_many_frames", "1x1", 1_000, Some(false)),
        ("too_many_frames", "1x1", 1_001, Some(true)),
        ("too_large", "1x1", 1, Some(false)),
        ("too_much_memory", "1x1", 1, Some(false)),
        ("damaged", "1x1", 1, None),
    ];
    for (code, size, frames, limited) in cases {
        let seen = seen(code, size, frames);
        assert_eq!(seen.limited(), limited, "{code} {size}");
        let answers = ["vips", "pillow"].map(|name| (name.to_owned(), read(seen.size)));
        let mut table = Table::default();
        table.judge("a.png", &seen, &BTreeMap::from(answers));
        assert_eq!(table.wrong.is_empty(), limited == Some(true), "{code}: {:?}", table.wrong);
    }
}

fn read(size: [u32; 2]) -> Answer {
    Answer { ok: true, why: String::new(), size: Some(size), rgba: None, cmyk: None }
}
