//! The commands that need no server, and those that talk to one.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
};

use serde_json::Value;

use super::{
    pictures::photograph,
    server::{DARKROOM, Server, darkroom},
};
use crate::report::{self, Lack};

fn run(arguments: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } = darkroom(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap_or(-1), text(stdout), text(stderr))
}

fn path(of: &Path) -> &str {
    of.to_str().unwrap()
}

#[test]
fn process_writes_variants_and_says_what_it_did() {
    let home = tempfile::tempdir().unwrap();
    let (good, bad) = (home.path().join("holiday.jpg"), home.path().join("broken.jpg"));
    fs::write(&good, photograph(3, 1000, 500)).unwrap();
    fs::write(&bad, b"this is text").unwrap();
    let absent = home.path().join("absent.jpg");
    let out = home.path().join("out");
    let (code, said, complained) =
        run(&["process", path(&good), path(&bad), path(&absent), "--out", path(&out), "--json"]);
    assert_eq!(code, 1, "{complained}");
    assert!(complained.contains("broken.jpg"), "{complained}");
    assert!(complained.contains("absent.jpg: cannot be read"), "{complained}");
    let lines: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 3, "one line a file, also where no record was made: {said}");
    let of = |file: &Path| lines.iter().find(|line| line["file"] == path(file)).expect("a line");
    assert_eq!(of(&bad)["status"], "rejected");
    assert_eq!(of(&absent)["status"], "failed");
    assert_eq!(of(&absent)["problem"]["code"], "unreadable");
    let record = of(&good);
    assert_eq!(record["status"], "ready", "{record:#}");
    assert_eq!(record["source"]["width"], 1000);
    let variants = record["variants"].as_array().unwrap();
    assert_eq!(variants.len(), 6);
    for variant in variants {
        let bytes = fs::read(variant["url"].as_str().unwrap()).unwrap();
        assert_eq!(bytes.len() as u64, variant["bytes"].as_u64().unwrap());
        let picture = image::load_from_memory(&bytes).unwrap();
        assert_eq!(Some(u64::from(picture.width())), variant["width"].as_u64());
        assert_eq!(picture.width(), picture.height() * 2);
    }
    let files: Vec<_> = fs::read_dir(out.join("holiday")).unwrap().collect();
    assert_eq!(files.len(), 6, "nothing but the variants: {files:?}");
    assert!(!out.join("broken").exists(), "what made nothing leaves nothing");
}

#[test]
fn the_server_makes_the_same_bytes() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("same.jpg");
    fs::write(&file, photograph(4, 900, 700)).unwrap();
    let out = home.path().join("out");
    let (code, alone, complained) = run(&["process", path(&file), "--out", path(&out), "--json"]);
    assert_eq!(code, 0, "{complained}");
    let server = Server::start(&home.path().join("data"), &[]);
    let (code, served, complained) =
        run(&["upload", path(&file), "--wait", "--json", "--endpoint", &server.url]);
    assert_eq!(code, 0, "{complained}");
    let digests = |line: &str| {
        let record: Value = serde_json::from_str(line).unwrap();
        let variants = record["variants"].as_array().unwrap().clone();
        let digest = |v: &Value| (v["name"].clone(), v["format"].clone(), v["sha256"].clone());
        (variants.iter().map(digest).collect::<Vec<_>>(), record["placeholder"].clone())
    };
    assert_eq!(digests(&alone), digests(&served));

    let id =
        serde_json::from_str::<Value>(&served).unwrap()["image_id"].as_str().unwrap().to_owned();
    let (code, said, _) = run(&["status", &id, "--follow", "--json", "--endpoint", &server.url]);
    assert_eq!(code, 0);
    assert_eq!(
        serde_json::from_str::<Value>(said.lines().last().unwrap()).unwrap()["status"],
        "ready"
    );
    let (code, _, complained) = run(&["erase", &id, "--endpoint", &server.url]);
    assert_eq!(code, 0, "{complained}");
    let (code, said, _) = run(&["status", &id, "--endpoint", &server.url]);
    let record: Value = serde_json::from_str(&said).unwrap();
    assert_eq!((code, &record["status"]), (0, &Value::from("erased")), "{record:#}");
}

/// For programs: whatever is asked for, a line is one JSON value.
#[test]
fn json_is_one_line_for_each() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    let one = |said: &str| {
        assert_eq!(said.lines().count(), 1, "{said}");
        serde_json::from_str::<Value>(said).unwrap()
    };
    let (code, said, complained) =
        run(&["keys", "create", "--operator", "--json", "--data", path(&data)]);
    assert_eq!(code, 0, "{complained}");
    assert_eq!(one(&said)["key"]["role"], "operator");

    let server = Server::start(&data, &[]);
    let files = ["a.jpg", "b.jpg"].map(|name| home.path().join(name));
    for (seed, file) in files.iter().enumerate() {
        fs::write(file, photograph(seed as u64, 40, 30)).unwrap();
    }
    let flags = ["--wait", "--json", "--endpoint", &server.url];
    let (code, said, complained) =
        run(&[&["upload", path(&files[0]), path(&files[1])][..], &flags].concat());
    assert_eq!(code, 0, "{complained}");
    let id = |line: &str| {
        let record: Value = serde_json::from_str(line).unwrap();
        record["image_id"].as_str().unwrap().to_owned()
    };
    let ids: Vec<_> = said.lines().map(id).collect();

    let absent = "01890000-0000-7000-8000-000000000000";
    let (code, said, complained) =
        run(&["status", &ids[0], absent, &ids[1], "--json", "--endpoint", &server.url]);
    assert_eq!(code, 1, "one of them is not there");
    assert!(complained.contains(absent) && complained.contains("unknown_image"), "{complained}");
    assert_eq!(said.lines().map(id).collect::<Vec<_>>(), ids);

    let (_, said, _) = run(&["erase", &ids[0], "--json", "--endpoint", &server.url]);
    assert_eq!(one(&said)["image_id"], ids[0].as_str());
    let (_, said, _) =
        run(&["dead-letters", "redrive", "--all", "--json", "--endpoint", &server.url]);
    assert_eq!(one(&said)["redriven"], serde_json::json!([]));
}

/// A bar needs a terminal, which `script` makes.
#[test]
fn many_files_have_a_bar() {
    if std::process::Command::new("script").arg("--version").output().is_err() {
        let lack = Lack::Machine("there is no `script` of util-linux", "Debian has it as bsdutils");
        report::not_run("many_files_have_a_bar", lack);
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(&home.path().join("data"), &[]);
    let files = ["a.jpg", "b.jpg", "c.jpg"].map(|name| home.path().join(name));
    for (seed, file) in files.iter().enumerate() {
        fs::write(file, photograph(seed as u64, 40, 30)).unwrap();
    }
    let shown = |files: &[PathBuf]| {
        let names: Vec<_> = files.iter().map(|file| path(file)).collect();
        let command =
            format!("{DARKROOM} upload {} --wait --endpoint {}", names.join(" "), server.url);
        let mut script = std::process::Command::new("script");
        script.args(["--quiet", "--return", "--command", &command, "/dev/null"]);
        let Output { status, stdout, .. } = script.output().unwrap();
        let shown = String::from_utf8_lossy(&stdout).into_owned();
        assert!(status.success(), "{shown}");
        shown
    };
    let bar = shown(&files);
    assert!(bar.contains("/3"), "{bar}");
    assert_eq!(bar.matches(" ready").count(), 3, "{bar}");
    assert!(!shown(&files[..1]).contains("/1"), "none for one file");
}

#[test]
fn two_files_of_one_name_are_wrong_use() {
    let home = tempfile::tempdir().unwrap();
    let (one, two) = (home.path().join("a/x.jpg"), home.path().join("b/x.png"));
    let out = home.path().join("out");
    let (code, _, said) = run(&["process", path(&one), path(&two), "--out", path(&out)]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("a/x.jpg") && said.contains("b/x.png"), "{said}");
    assert!(!out.exists(), "nothing was begun");
}

/// `..jpg` without its extension is `.`, and `...jpg` is `..`: folders that others stand in.
#[test]
fn a_file_whose_stem_is_a_folder_is_wrong_use() {
    for name in ["..jpg", "...jpg"] {
        let home = tempfile::tempdir().unwrap();
        let (file, out) = (home.path().join(name), home.path().join("a/out"));
        fs::write(&file, photograph(7, 40, 30)).unwrap();
        let (code, _, said) = run(&["process", path(&file), "--out", path(&out)]);
        assert_eq!(code, 2, "{name}: {said}");
        assert!(said.contains(&format!("{name} is not the name of a file")), "{said}");
        assert!(!home.path().join("a").exists(), "{name}: nothing was begun");
    }
}

#[test]
fn inspect_shows_the_record_and_writes_nothing() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("one.jpg");
    fs::write(&file, photograph(6, 300, 200)).unwrap();
    let (code, said, complained) = run(&["inspect", path(&file)]);
    assert_eq!(code, 0, "{complained}");
    let record: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(record["source"]["height"], 200);
    assert!(record["metadata"].is_object(), "{record:#}");
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
}

#[test]
fn nobody_there_is_said_clearly() {
    let (code, _, said) = run(&[
        "status",
        "01890000-0000-7000-8000-000000000000",
        "--endpoint",
        "http://127.0.0.1:9",
    ]);
    assert_eq!(code, 1);
    assert!(
        said.contains("http://127.0.0.1:9") && said.contains("Is the server running"),
        "{said}"
    );
    let (code, _, said) = run(&["status", "x", "--endpoint", "localhost:8080"]);
    assert_eq!(code, 2);
    assert!(said.contains("--endpoint"), "{said}");
}

#[test]
fn a_problem_of_the_server_is_shown_in_its_words() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &[]);
    let (code, _, said) =
        run(&["status", "01890000-0000-7000-8000-000000000000", "--endpoint", &server.url]);
    assert_eq!(code, 1);
    assert!(said.contains("There is no such image") && said.contains("(unknown_image)"), "{said}");
}

#[test]
fn help_is_there_for_every_command() {
    let commands = [
        "serve",
        "process",
        "inspect",
        "upload",
        "status",
        "trace",
        "erase",
        "dead-letters",
        "keys",
        "presets",
        "estimate",
        "completions",
    ];
    let (code, said, _) = run(&["--help"]);
    assert_eq!(code, 0);
    assert!(said.contains("Exit codes") && !said.contains("  worker"), "{said}");
    for command in commands {
        assert!(said.contains(&format!("  {command} ")), "{command} is not in\n{said}");
        let (code, said, _) = run(&[command, "--help"]);
        assert_eq!(code, 0);
        assert!(said.contains("Usage:"), "{said}");
    }
    let (code, said, _) = run(&["completions", "bash"]);
    assert_eq!(code, 0);
    assert!(said.contains("dead-letters"), "the script knows the commands");
    assert_eq!(run(&["serve", "--no-such-flag"]).0, 2);
    assert_eq!(run(&["--version"]).1, format!("darkroom {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn presets_check_names_the_line() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("presets.toml");
    fs::write(&file, "[variants.thumb]\nwidth = 100\nheight = 100\nformats = [\"jpeg\"]\n")
        .unwrap();
    let (code, said, complained) = run(&["presets", "check", path(&file)]);
    assert_eq!(code, 0, "{complained}");
    assert!(said.contains("thumb") && said.contains("100"), "{said}");
    fs::write(&file, "[variants.thumb]\nwidth = 0\nheight = 100\nformats = [\"jpeg\"]\n").unwrap();
    let (code, _, complained) = run(&["presets", "check", path(&file)]);
    assert_eq!(code, 1);
    assert!(complained.contains("line 2"), "{complained}");
}
