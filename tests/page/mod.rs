//! The page, as its visitors meet it: the real program serves it, and Debian's Chromium walks through
//! it by the scripts of `web/tests`. Each script watches for console errors, for requests to other
//! origins and, at every state that it comes to, for what axe finds; `watchers.mjs` shows that these
//! watchers can fail.

mod browser;
mod build;
#[expect(clippy::unwrap_used, reason = "a helper that cannot go on ends its test")]
mod pictures;

use std::path::Path;

use self::browser::Walk;
use crate::home::server::{Server, darkroom};

/// Walks through the page of a server of its own.
fn walk(script: &str) {
    walk_with(script, &[]);
}

fn walk_with(script: &str, flags: &[&str]) {
    let Some(walk) = Walk::new(script) else { return };
    let home = tempfile::tempdir().expect("a folder for a while");
    let server = Server::start(&home.path().join("data"), flags);
    walk.run(home.path(), &[("PAGE_URL", &server.url)]);
}

#[test]
fn images_are_picked_dropped_and_pasted_and_appear_thumbhash_first() {
    walk("uploads.mjs");
}

#[test]
fn a_detail_shows_each_variant_at_true_pixels_and_erases() {
    walk("detail.mjs");
}

#[test]
fn what_goes_wrong_is_told_and_what_passes_is_waited_for() {
    walk("trouble.mjs");
}

#[test]
fn streams_that_end_early_are_resumed_and_batches_get_through() {
    walk("events.mjs");
}

#[test]
fn a_long_file_goes_by_parts() {
    walk_with("parts.mjs", &["--max-upload", "200MB"]);
}

#[test]
fn the_keyboard_reaches_everything() {
    walk("keyboard.mjs");
}

#[test]
fn it_fits_from_360_pixels_on_and_is_accessible_in_light_and_dark() {
    walk("appearance.mjs");
}

#[test]
fn the_watchers_see_what_they_are_for() {
    walk("watchers.mjs");
}

/// Under a public name, and so without what browsers give to secure origins only.
#[test]
fn a_server_with_keys_is_asked_with_a_key() {
    const PUBLIC: &str = "http://images.example";
    let Some(walk) = Walk::new("keys.mjs") else { return };
    let home = tempfile::tempdir().expect("a folder for a while");
    let data = home.path().join("data");
    let key = create_key(&data);
    let server = Server::start(&data, &["--public-url", PUBLIC]);
    let address = server.listening_on();
    let address = address.trim_start_matches("http://");
    let resolve = format!("MAP images.example {address}");
    walk.run(home.path(), &[("PAGE_URL", PUBLIC), ("PAGE_KEY", &key), ("PAGE_RESOLVE", &resolve)]);
}

fn create_key(data: &Path) -> String {
    let mut command = darkroom(&["keys", "create", "--label", "the page", "--data"]);
    let output = command.arg(data).output().expect("the program runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
