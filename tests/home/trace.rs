//! `darkroom trace`, against the server as it is.

use std::{fs, process::Output};

use serde_json::Value;

use super::{
    pictures::photograph,
    server::{Server, darkroom},
};

fn run(arguments: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } = darkroom(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap_or(-1), text(stdout), text(stderr))
}

#[test]
fn the_life_of_an_upload_is_told() {
    let home = tempfile::tempdir().unwrap();
    let (good, bad) = (home.path().join("good.jpg"), home.path().join("bad.jpg"));
    fs::write(&good, photograph(8, 400, 300)).unwrap();
    fs::write(&bad, b"this is a text, and no picture at all").unwrap();
    let server = Server::start(&home.path().join("data"), &[]);
    let upload = |file: &std::path::Path| {
        let path = file.to_str().unwrap();
        let (_, said, _) = run(&["upload", path, "--endpoint", &server.url]);
        let id = said.split_whitespace().next().unwrap().to_owned();
        let ended = run(&["status", &id, "--follow", "--json", "--endpoint", &server.url]);
        (id, ended.0)
    };
    let trace = |id: &str| {
        let (code, said, complained) = run(&["trace", id, "--endpoint", &server.url]);
        assert_eq!(code, 0, "{complained}");
        said
    };
    let (id, code) = upload(&good);
    assert_eq!(code, 0);
    let said = trace(&id);
    assert!(said.starts_with(&format!("{id} is ready\n")), "{said}");
    let told: Vec<_> = said
        .lines()
        .skip(3)
        .map(|line| line.split_whitespace().find(|word| word.len() > 1 && !word.starts_with('+')))
        .map(Option::unwrap)
        .collect();
    assert_eq!(told[..3], ["created", "accepted", "sent"], "{said}");
    assert_eq!(told.iter().filter(|what| **what == "made").count(), 8, "{said}");
    assert_eq!(told.last(), Some(&"ready"), "{said}");
    let seconds: Vec<f64> = said
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix('+')?.split_whitespace().next())
        .map(|number| number.parse().unwrap())
        .collect();
    assert!(seconds.len() >= 3 && seconds.is_sorted() && seconds[0] == 0.0, "{said}");

    let (id, code) = upload(&bad);
    assert_eq!(code, 1);
    let said = trace(&id);
    let last = said.lines().last().unwrap();
    assert!(last.contains("  rejected  ") && last.contains("(unsupported_format)"), "{said}");

    let (code, line, _) = run(&["trace", &id, "--json", "--endpoint", &server.url]);
    let life: Value = serde_json::from_str(line.trim_end()).unwrap();
    assert_eq!((code, &life["status"]), (0, &Value::from("rejected")), "{life:#}");
    assert_eq!(life["dead_letters"], serde_json::json!([]));
}

#[test]
fn nobodys_life_is_a_clear_error() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &[]);
    let absent = "01890000-0000-7000-8000-000000000000";
    let (code, said, complained) = run(&["trace", absent, "--endpoint", &server.url]);
    assert_eq!((code, said.as_str()), (1, ""));
    assert!(complained.contains(absent) && complained.contains("(unknown_image)"), "{complained}");
}
