//! What ARCHITECTURE.md says of the tree, held against the tree.

mod arrows;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use domain::Code;

/// The root of the repository.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every file of ours with one of these extensions, relative to the root.
fn files(extensions: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().to_owned()];
    while let Some(folder) = folders.pop() {
        let entries =
            fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        for path in entries.flatten().map(|entry| entry.path()) {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() && !is_generated(&name) {
                folders.push(path);
            } else if path
                .extension()
                .is_some_and(|e| extensions.contains(&e.to_string_lossy().as_ref()))
                && let Ok(relative) = path.strip_prefix(root())
            {
                found.push(relative.to_owned());
            }
        }
    }
    found.sort();
    found
}

/// Folders that .gitignore names, and hidden ones.
fn is_generated(folder: &str) -> bool {
    folder.starts_with('.')
        || ["target", "node_modules", "darkroom-data", "out", "__pycache__"].contains(&folder)
}

#[test]
fn the_presets_file_parses_and_is_the_one_compiled_in() {
    let presets = imaging::Presets::parse(&text("presets.toml")).expect("presets.toml parses");
    assert_eq!(&presets, imaging::Presets::built_in());
}

#[test]
fn every_code_has_one_text_and_no_other_code_has_it() {
    let mut texts = BTreeSet::new();
    for &code in Code::ALL {
        assert!(texts.insert(code.as_str()), "two codes are called {code}");
        assert_eq!(
            serde_json::to_value(code).expect("a code is JSON"),
            code.as_str(),
            "the table's text is not what serde writes"
        );
        assert!((400..600).contains(&code.status()), "{code}: {} is no error", code.status());
        assert!(!code.title().is_empty(), "{code} has no title");
    }
}

/// A file that is longer says two things.
#[test]
fn no_file_is_longer_than_four_hundred_lines() {
    let sources = files(&["rs", "py", "ts", "tf"]);
    assert!(sources.len() > 50, "the walk found {} files only: it looks past them", sources.len());
    let long: Vec<String> = sources
        .iter()
        .filter_map(|path| {
            let lines = text(&path.to_string_lossy()).lines().count();
            (lines > 400).then(|| format!("{}: {lines} lines", path.display()))
        })
        .collect();
    assert!(long.is_empty(), "split by meaning, not by size:\n{}", long.join("\n"));
}

/// Words in backticks that end with a slash are folders, from the root of the repository.
fn folders_named_in(page: &str) -> BTreeSet<String> {
    page.split('`')
        .skip(1)
        .step_by(2)
        .filter(|word| word.ends_with('/') && !word.contains([' ', '{', '<', '…', ':']))
        .map(|word| word.trim_end_matches('/').to_owned())
        .collect()
}

#[test]
fn the_folders_that_the_pages_name_exist() {
    for page in ["ARCHITECTURE.md", "README.md", "CONTRIBUTING.md"] {
        for folder in folders_named_in(&text(page)) {
            assert!(root().join(&folder).is_dir(), "{page} names `{folder}/`, which is not there");
        }
    }
}

#[test]
fn architecture_names_every_folder_that_a_newcomer_meets() {
    let named = folders_named_in(&text("ARCHITECTURE.md"));
    for parent in ["", "pipeline"] {
        let parent_path = root().join(parent);
        for entry in fs::read_dir(&parent_path).expect("the root can be listed").flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let folder = Path::new(parent).join(&name).to_string_lossy().into_owned();
            if entry.path().is_dir() && !is_generated(&name) {
                assert!(named.contains(&folder), "ARCHITECTURE.md does not name `{folder}/`");
            }
        }
    }
}

#[test]
fn folders_are_found_in_prose_and_in_lists() {
    let named = folders_named_in("`a/` and `b/c/`, not `d`, `in/{id}/` or `x y/`, nor e/");
    assert_eq!(named, BTreeSet::from(["a".to_owned(), "b/c".to_owned()]));
}
