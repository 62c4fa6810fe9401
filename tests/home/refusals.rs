//! What the server says before it refuses to start.

use std::{fs, net::TcpListener, path::Path, process::Output, time::Duration};

use rusqlite::Connection;

use super::server::{Server, darkroom};
use crate::storage::support::Mount;

/// Runs a server that is expected not to start.
fn refused(data: &Path, flags: &[&str]) -> (i32, String) {
    let mut command = darkroom(&["serve", "--data"]);
    command.arg(data);
    if !flags.contains(&"--listen") {
        command.args(["--listen", "127.0.0.1:0"]);
    }
    let Output { status, stderr, .. } = command.args(flags).output().unwrap();
    (status.code().unwrap_or(-1), String::from_utf8(stderr).unwrap())
}

#[test]
fn two_servers_on_one_directory() {
    let data = tempfile::tempdir().unwrap();
    let first = Server::start(data.path(), &[]);
    let (code, said) = refused(data.path(), &[]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("in use by another server"), "{said}");
    assert!(said.contains(&first.pid().to_string()), "it names the process: {said}");
    assert_eq!(first.client().get("/healthz").status, 200, "the first goes on");
}

#[test]
fn a_port_in_use() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let data = tempfile::tempdir().unwrap();
    let (code, said) = refused(data.path(), &["--listen", &address]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains(&address) && said.contains("in use"), "{said}");
    assert!(said.contains("--listen"), "{said}");
}

#[test]
fn a_bad_presets_file_names_the_line() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("presets.toml");
    fs::write(
        &file,
        "[variants.small]\nwidth = 200\nheight = 200\nformats = [\"jpeg\"]\nqualty = 80\n",
    )
    .unwrap();
    let (code, said) = refused(&home.path().join("data"), &["--presets", file.to_str().unwrap()]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("presets.toml") && said.contains("line 5"), "{said}");
    assert!(said.contains("qualty"), "{said}");
}

#[test]
fn all_mistakes_are_named_together() {
    let data = tempfile::tempdir().unwrap();
    let flags = [
        ["--listen", "localhost"],
        ["--workers", "none"],
        ["--memory", "1GiBi"],
        ["--connections", "0"],
        ["--deadline", "2h"],
    ];
    let (code, said) = refused(data.path(), flags.as_flattened());
    assert_eq!(code, 2, "{said}");
    for (flag, given) in [
        ("--listen (DARKROOM_LISTEN)", "\"localhost\""),
        ("--workers (DARKROOM_WORKERS)", "\"none\""),
        ("--memory (DARKROOM_MEMORY)", "\"1GiBi\""),
        ("--connections (DARKROOM_CONNECTIONS)", "\"0\""),
        ("--deadline (DARKROOM_DEADLINE)", "\"2h\""),
    ] {
        let line = said.lines().find(|line| line.starts_with(flag));
        assert!(line.is_some_and(|line| line.contains(given)), "{flag}: {said}");
    }
}

#[test]
fn a_variable_does_what_its_flag_does() {
    let data = tempfile::tempdir().unwrap();
    let mut command = darkroom(&["serve", "--listen", "127.0.0.1:0", "--data"]);
    let output = command.arg(data.path()).env("DARKROOM_MEMORY", "1MiB").output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("DARKROOM_MEMORY") && said.contains("at least"), "{said}");
}

#[test]
fn others_are_let_in_with_a_key_only() {
    let data = tempfile::tempdir().unwrap();
    let open = ["--listen", "0.0.0.0:0", "--public-url", "http://images.example"];
    let (code, said) = refused(data.path(), &open);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("darkroom keys create"), "{said}");
    // Behind a proxy, loopback is no protection.
    let (code, said) = refused(data.path(), &["--public-url", "http://images.example"]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("darkroom keys create"), "{said}");

    let created =
        darkroom(&["keys", "create", "--label", "a test", "--data"]).arg(data.path()).output();
    let secret = String::from_utf8(created.unwrap().stdout).unwrap().trim().to_owned();
    assert!(secret.starts_with("dk_"), "{secret}");
    let server = Server::start(data.path(), &["--public-url", "http://images.example"]);
    assert_eq!(server.url, "http://images.example");
    let address = server.listening_on();
    let client = super::server::Client::new(&address);
    let asked = |key: &str| {
        let bearer = format!("Bearer {key}");
        client.ask("GET", "/v1/images", &[("authorization", &bearer)], &[]).unwrap().status
    };
    assert_eq!(client.get("/v1/images").status, 401);
    assert_eq!(asked("dk_of_somebody_else"), 401);
    assert_eq!(asked(&secret), 200);

    // Revoked while the server runs.
    let listed = darkroom(&["keys", "list", "--data"]).arg(data.path()).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert!(listed.contains("a test") && !listed.contains(&secret), "{listed}");
    let id = listed.split_whitespace().next().unwrap();
    let revoked = darkroom(&["keys", "revoke", id, "--data"]).arg(data.path()).output().unwrap();
    assert!(revoked.status.success(), "{}", String::from_utf8_lossy(&revoked.stderr));
    super::server::wait_for("the key is refused", Duration::from_secs(5), || {
        (asked(&secret) == 401).then_some(())
    });
}

#[test]
fn a_directory_of_somebody_else() {
    let data = tempfile::tempdir().unwrap();
    fs::write(data.path().join("letters.txt"), "not ours").unwrap();
    let (code, said) = refused(data.path(), &[]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("letters.txt"), "{said}");
    assert_eq!(fs::read_to_string(data.path().join("letters.txt")).unwrap(), "not ours");
}

#[test]
fn a_data_directory_that_cannot_be_written_to() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("a file");
    fs::write(&file, "not a directory").unwrap();
    for data in [file.clone(), file.join("below")] {
        cannot_be_written(&data);
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), "not a directory");
    let test = "a_data_directory_that_cannot_be_written_to (a read-only disk)";
    let Some(mount) = Mount::tmpfs("size=64k,ro", test) else { return };
    for data in [mount.path().to_owned(), mount.path().join("below")] {
        cannot_be_written(&data);
    }
}

fn cannot_be_written(data: &Path) {
    let (code, said) = refused(data, &[]);
    assert_eq!(code, 1, "{said}");
    let sentence = format!("the data directory {} cannot be written to", data.display());
    assert!(said.contains(&sentence) && said.contains("--data"), "{said}");
}

#[test]
fn a_database_of_a_newer_version() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &[]);
    assert_eq!(server.client().get("/healthz").status, 200);
    assert!(server.terminate().success());
    let path = data.path().join("darkroom.db");
    let database = Connection::open(&path).unwrap();
    let known: i64 = database.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
    database.pragma_update(None, "user_version", 4711).unwrap();
    drop(database);
    let before = fs::read(&path).unwrap();
    let (code, said) = refused(data.path(), &[]);
    assert_eq!(code, 1, "{said}");
    for part in ["darkroom.db", "4711", &format!("up to {known}"), "use the newer Darkroom"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert_eq!(fs::read(&path).unwrap(), before, "it is left as it is");
}
