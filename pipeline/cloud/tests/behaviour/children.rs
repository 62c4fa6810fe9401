//! Ending processes without a warning.

use std::process::Command;

/// Kills a process. False where there is none any more.
pub(super) fn kill(pid: u32) -> bool {
    let killed = Command::new("kill").args(["-KILL", &pid.to_string()]).output();
    killed.is_ok_and(|output| output.status.success())
}
