//! What is on disk before an upload is answered, seen from below: `strace` shows the order in which
//! the program asks the kernel.

use std::{collections::HashMap, fs, process::Command};

use super::{
    pictures::photograph,
    server::{DARKROOM, Server, send_signal},
};
use crate::report::{self, Lack};

/// Whether it can run here; says so where it cannot.
fn may_trace() -> bool {
    const TEST: &str = "what is on disk before an upload is answered";
    if !cfg!(target_os = "linux") {
        report::not_run(TEST, Lack::Machine("strace exists on Linux only", "run it there"));
        return false;
    }
    match Command::new("strace").args(["-f", "-o", "/dev/null", "true"]).output() {
        Err(_) => report::not_run(TEST, Lack::Tool("strace", "strace")),
        Ok(output) if !output.status.success() => {
            let said = String::from_utf8_lossy(&output.stderr);
            let what = format!("strace may not trace here ({})", said.trim());
            report::not_run(TEST, Lack::Machine(&what, "allow ptrace"));
        }
        Ok(_) => return true,
    }
    false
}

#[test]
fn an_upload_is_answered_when_file_directory_and_message_are_on_disk() {
    if !may_trace() {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let trace = home.path().join("trace");
    let mut command = Command::new("strace");
    command.args(["-f", "-y", "-s", "16", "-e"]);
    command.arg(
        "trace=fsync,fdatasync,link,linkat,rename,renameat,renameat2,write,writev,sendto,sendmsg",
    );
    command.arg("-o").arg(&trace).arg(DARKROOM);
    command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(home.path().join("data"));
    command.env_clear();
    let server = Server::of(command);
    let id = server.client().upload(&photograph(5, 320, 240));
    // The program is strace's child, and outlives it if only strace is killed.
    for (traced, _) in server.workers() {
        send_signal("KILL", traced);
    }
    drop(server);

    let calls = completed(&fs::read_to_string(&trace).unwrap());
    let after = |from: usize, what: &str, is: &dyn Fn(&str) -> bool| {
        let found = calls.iter().skip(from).position(|call| is(call));
        let Some(at) = found else {
            panic!("{what}: not after call {from} of\n{}", calls.join("\n"))
        };
        from + at
    };
    let object = format!("/objects/in/{id}");
    let file = after(0, "the file is synced", &|call| {
        call.contains("sync(") && call.contains("/staging/")
    });
    let placed = after(file, "then it gets its name", &|call| {
        (call.contains("link") || call.contains("rename")) && call.contains(&object)
    });
    let directory = after(placed, "then its directory is synced", &|call| {
        call.contains("sync(") && call.contains("/objects/in>")
    });
    let message = after(directory, "then the message is synced", &|call| {
        call.contains("sync(") && call.contains("darkroom.db-wal>")
    });
    let answers: Vec<_> = calls
        .iter()
        .enumerate()
        .filter(|(_, call)| call.contains("\"HTTP/1.1 200 "))
        .map(|(at, _)| at)
        .collect();
    let [answer] = answers[..] else {
        panic!("one answer of 200: {answers:?}\n{}", calls.join("\n"))
    };
    assert!(
        message < answer,
        "answered (call {answer}) before the message was on disk ({message})"
    );
    report::say(
        "strace",
        format_args!(
            "synced: file {file}, name {placed}, directory {directory}, message {message}; answered {answer}"
        ),
    );
}

/// The calls that succeeded, in the order in which they returned: `strace` splits a call that others
/// overtook.
fn completed(trace: &str) -> Vec<String> {
    let mut begun = HashMap::new();
    let mut calls = Vec::new();
    for line in trace.lines() {
        let Some((thread, call)) = line.split_once(' ') else { continue };
        let call = call.trim();
        if let Some(beginning) = call.strip_suffix("<unfinished ...>") {
            begun.insert(thread, beginning);
        } else if let Some((_, end)) =
            call.strip_prefix("<... ").and_then(|it| it.split_once("resumed>"))
        {
            let beginning = begun.remove(thread).unwrap_or_default();
            calls.push(format!("{beginning}{end}"));
        } else {
            calls.push(call.to_owned());
        }
    }
    calls.retain(|call| !call.contains("= -1"));
    calls
}
