//! The README's lines for `curl`, run as they stand there.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use serde_json::Value;

use super::server::{Server, wait_for};
use crate::{
    oracle,
    report::{self, Lack},
};

/// The server's address, and the photograph's name, as the README has them.
const ADDRESS: &str = "http://127.0.0.1:8080";
const PHOTOGRAPH: &str = "photo.jpg";

/// A camera's, which is stored on its side.
const OF_THE_CORPUS: &str = "camera/libavif__dog_exif_extended_xmp_icc.jpg";

/// The first shell lines under this heading.
fn lines(heading: &str) -> String {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(readme).unwrap();
    let section = readme.split_once(heading).map(|(_, section)| section);
    let block = section.and_then(|section| section.split_once("\n```sh\n")?.1.split_once("```\n"));
    let Some((block, _)) = block else { panic!("no lines under {heading}") };
    block.to_owned()
}

/// A photograph that is stored on its side; where it is from, and whether it stands upright.
fn put_photograph(at: &Path) -> (&'static str, bool) {
    if let Some(corpus) = report::corpus("the README's lines on a camera's photograph") {
        fs::copy(corpus.join(OF_THE_CORPUS), at).unwrap();
        return (OF_THE_CORPUS, true);
    }
    let drawn = at.with_file_name("drawn");
    oracle::python::run("oracle/draw.py", &[&drawn], &Value::Null);
    fs::copy(drawn.join("turned-6.jpg"), at).unwrap();
    ("a drawn scene", false)
}

#[test]
fn the_readmes_curl_lines_make_a_small_picture_of_a_photograph() {
    if Command::new("curl").arg("--version").output().is_err() {
        return report::not_run("the README's lines", Lack::Tool("curl", "curl"));
    }
    let home = tempfile::tempdir().unwrap();
    let photograph = home.path().join(PHOTOGRAPH);
    let (origin, upright) = put_photograph(&photograph);
    let server = Server::start(&home.path().join("data"), &[]);

    let lines = lines("\n## Upload a picture\n");
    assert!(lines.contains(PHOTOGRAPH) && lines.matches("curl ").count() == 4, "{lines}");
    // The one thing that is changed.
    let script = lines.replace(ADDRESS, &server.url);
    assert_ne!(script, lines, "the lines name {ADDRESS}");
    let mut shell = Command::new("sh")
        .args(["-eu", "-c", &script])
        .current_dir(home.path())
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .stdin(Stdio::null())
        .stdout(fs::File::create(home.path().join("said")).unwrap())
        .spawn()
        .unwrap();
    let status = wait_for("the lines end", Duration::from_mins(2), || shell.try_wait().unwrap());
    let said = fs::read_to_string(home.path().join("said")).unwrap();
    assert!(status.success(), "{status}\n{said}");
    let last = said.lines().rfind(|line| line.starts_with("data:")).unwrap_or_default();
    assert!(last.contains(r#""status":"ready""#), "{said}");

    // Laid out as libvips is shown what `process` makes.
    let made = home.path().join("made/photo");
    fs::create_dir_all(&made).unwrap();
    fs::copy(home.path().join("small.jpg"), made.join("small.jpeg")).unwrap();
    let judged = oracle::judge(&[photograph], &home.path().join("made"), home.path());
    let [small] = &judged[..] else { panic!("{} pictures", judged.len()) };
    assert_eq!(small.size.iter().max(), Some(&200), "{:?}", small.size);
    assert_eq!(small.size[0] < small.size[1], upright, "it is turned: {:?}", small.size);
    oracle::hold(&judged, oracle::LEAST_MEAN);
    report::say("quick start", format_args!("{origin} came back as {:?}", small.size));
}
