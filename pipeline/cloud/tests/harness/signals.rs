//! What a process is told from outside.

use std::process::Command;

/// Sends a signal: `KILL`, `STOP`, `CONT`, `TERM`. False where there is no such process any more.
pub(crate) fn send(name: &str, pid: u32) -> bool {
    let sent = Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).output();
    sent.is_ok_and(|output| output.status.success())
}

/// The same to all of these.
pub(crate) fn send_all(name: &str, pids: Vec<u32>) {
    for pid in pids {
        send(name, pid);
    }
}
