//! What is committed of the page: that it is what the sources give, how large it is, and that its lock
//! file leaves everybody their own registry.

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use serde_json::Value;

use super::browser::{has_node, web};

/// Paths below a folder, and bytes.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        let entries = fs::read_dir(&next).unwrap_or_else(|e| panic!("{}: {e}", next.display()));
        for path in entries.flatten().map(|entry| entry.path()) {
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap_or(&path).display().to_string();
                found.insert(name, fs::read(&path).unwrap_or_default());
            }
        }
    }
    found
}

#[test]
fn what_is_committed_is_what_the_sources_give() {
    if !has_node("whether web/dist is what npm run build gives") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder for a while");
    let output = Command::new("npm")
        .args(["run", "build", "--", "--emptyOutDir", "--outDir"])
        .arg(folder.path())
        .current_dir(web())
        .output()
        .unwrap_or_else(|error| panic!("npm: {error}"));
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let (built, committed) = (files(folder.path()), files(&web().join("dist")));
    let names = |files: &BTreeMap<String, _>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&built), names(&committed), "run ./dev web and commit web/dist");
    assert!(built.len() >= 3, "page, script and style: {:?}", names(&built));
    for (name, bytes) in &built {
        assert!(committed[name] == *bytes, "web/dist/{name} is old: run ./dev web and commit it");
    }
}

/// Held as it is served to whoever cannot decompress: what is compressed is smaller still.
#[test]
fn all_of_the_page_is_within_sixty_kilobytes() {
    let sizes: BTreeMap<_, _> =
        files(&web().join("dist")).into_iter().map(|(name, bytes)| (name, bytes.len())).collect();
    let total: usize = sizes.values().sum();
    assert!(total <= 60_000, "{total} bytes: {sizes:?}");
    assert!(total > 5_000, "there is next to nothing in web/dist: {sizes:?}");
    crate::report::say("page", format_args!("{total} bytes before any compression"));
}

#[test]
fn the_lock_file_names_no_registry() {
    let path = web().join("package-lock.json");
    let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let lock: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}"));
    let packages = lock["packages"].as_object().expect("packages");
    assert!(packages.len() > 5, "{packages:?}");
    for (name, package) in packages {
        assert!(package["resolved"].is_null(), "{name} says where it is from: {package}");
        assert!(name.is_empty() || package["integrity"].is_string(), "{name} has no digest");
    }
    assert!(!text.contains("registry"), "the lock file speaks of a registry");
}
