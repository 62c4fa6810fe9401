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
    let seen = sequence(&calls, &id).unwrap_or_else(|why| panic!("{why}\n{}", calls.join("\n")));
    let Sequence { file, placed, directory, message, answer } = seen;
    report::say(
        "strace",
        format_args!(
            "synced: file {file}, name {placed}, directory {directory}, message {message}; answered {answer}"
        ),
    );

    // The same without one of its syncs is found out, whatever else is synced: at its start the
    // program syncs a file in staging only to see how this disk can do it.
    for (what, at) in [("file", file), ("directory", directory)] {
        let mut doctored = calls.clone();
        doctored.remove(at);
        assert!(
            doctored.iter().any(|call| call.contains("sync(") && call.contains("/staging/")),
            "another sync in staging could be taken for it"
        );
        let found = sequence(&doctored, &id);
        assert!(found.is_err(), "without the {what}'s sync it passes: {found:?}");
    }
}

/// Where in a trace each of these is.
#[derive(Debug)]
struct Sequence {
    file: usize,
    placed: usize,
    directory: usize,
    message: usize,
    answer: usize,
}

/// Finds, before the answer, the upload's name, the sync of the very file that got it, and those of
/// its directory and of the message; or says what is missing.
fn sequence(calls: &[String], id: &str) -> Result<Sequence, String> {
    let synced = |range: std::ops::Range<usize>, path: &str| {
        let path = format!("<{path}>");
        range.into_iter().find(|&at| calls[at].contains("sync(") && calls[at].contains(&path))
    };
    let answers: Vec<_> =
        (0..calls.len()).filter(|&at| calls[at].contains("\"HTTP/1.1 200 ")).collect();
    let [answer] = answers[..] else { return Err(format!("one answer of 200: {answers:?}")) };
    let object = format!("/objects/in/{id}");
    let named = calls.iter().enumerate().find_map(|(at, call)| {
        let (from, to) = renamed(call)?;
        to.ends_with(&object).then_some((at, from, to))
    });
    let Some((placed, from, to)) = named else { return Err(format!("nothing became {object}")) };
    // What a descriptor is of, `strace` reads from the kernel: the file itself, by whatever number.
    let Some(file) = synced(0..placed, from) else {
        return Err(format!("{from} became {to} (call {placed}) and was not synced before"));
    };
    let folder = to.strip_suffix(&format!("/{id}")).unwrap_or(to);
    let Some(directory) = synced(placed..answer, folder) else {
        return Err(format!("{folder} was not synced between {placed} and {answer}"));
    };
    let data = to.strip_suffix(&object).unwrap_or(to);
    let Some(message) = synced(directory..answer, &format!("{data}/darkroom.db-wal")) else {
        return Err(format!("the message was not synced between {directory} and {answer}"));
    };
    Ok(Sequence { file, placed, directory, message, answer })
}

/// From where to where a call gives a file another name; none where it does not.
fn renamed(call: &str) -> Option<(&str, &str)> {
    let name = call.split('(').next()?;
    if !["link", "linkat", "rename", "renameat", "renameat2"].contains(&name) {
        return None;
    }
    let mut quoted = call.split('"').skip(1).step_by(2);
    Some((quoted.next()?, quoted.next()?))
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
