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
        || ["target", "node_modules", "dist", "darkroom-data", "out", "__pycache__"]
            .contains(&folder)
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
    let sources = files(&["rs", "py", "ts", "mjs", "css", "tf"]);
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

/// Words in backticks that are paths of the repository: those that end with a slash, and those under
/// one of the folders that stand at its root. What begins with a slash is the path of a URL.
fn paths_named_in(page: &str) -> BTreeSet<String> {
    page.split('`')
        .skip(1)
        .step_by(2)
        .filter(|word| {
            !word.starts_with('/') && !word.contains([' ', '\n', '{', '<', '*', '…', ':'])
        })
        .filter(|word| {
            let first = word.split('/').next().unwrap_or_default();
            word.ends_with('/') || FOLDERS.contains(&first)
        })
        .map(|word| word.trim_end_matches('/').to_owned())
        .collect()
}

/// What may stand at the root, now or later; a new one is named in ARCHITECTURE.md.
const FOLDERS: &[&str] =
    &["pipeline", "tests", "benches", "infra", "web", "fuzz", "docs", "packaging"];

#[test]
fn the_paths_that_the_pages_name_exist() {
    for page in ["ARCHITECTURE.md", "README.md", "CONTRIBUTING.md", "benches/README.md"] {
        for path in paths_named_in(&text(page)) {
            assert!(root().join(&path).exists(), "{page} names `{path}`, which is not there");
        }
    }
}

#[test]
fn architecture_names_every_folder_that_a_newcomer_meets() {
    let named = paths_named_in(&text("ARCHITECTURE.md"));
    for parent in ["", "pipeline"] {
        for entry in fs::read_dir(root().join(parent)).expect("the root can be listed").flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let folder = Path::new(parent).join(&name).to_string_lossy().into_owned();
            if entry.path().is_dir() && !is_generated(&name) {
                let told = named.iter().any(|path| Path::new(path).starts_with(&folder));
                assert!(told, "ARCHITECTURE.md does not name `{folder}`");
            }
        }
    }
}

#[test]
fn paths_are_found_in_prose_and_in_lists() {
    let named =
        paths_named_in("`a/`, `tests/c/`, `tests`, not `d`, `/v/`, `in/{id}/`, `x y/` nor e/");
    assert_eq!(named, ["a", "tests", "tests/c"].map(str::to_owned).into());
}

/// Names of variables that follow this in a text.
fn variables(text: &str, begin: &str) -> BTreeSet<String> {
    text.split(&format!("{begin}DARKROOM_"))
        .skip(1)
        .map(|rest| {
            let name =
                rest.find(|c: char| !c.is_ascii_uppercase() && c != '_').unwrap_or(rest.len());
            format!("DARKROOM_{}", &rest[..name])
        })
        .collect()
}

#[test]
fn the_cloud_home_s_page_has_its_variables_and_no_others() {
    let read = files(&["rs"]).into_iter().filter(|path| path.starts_with("pipeline/cloud/src"));
    let mut read: BTreeSet<_> =
        read.flat_map(|path| variables(&text(&path.to_string_lossy()), "\"")).collect();
    assert!(read.remove("DARKROOM_QUEUE_"), "each queue has its own variable");
    read.extend(
        domain::StageName::ALL
            .map(|name| format!("DARKROOM_QUEUE_{}", name.as_str().to_uppercase())),
    );
    let [page, packaging] =
        ["docs/cloud.md", "packaging/README.md"].map(|page| variables(&text(page), "`"));
    assert_eq!(page.difference(&read).collect::<Vec<_>>(), Vec::<&String>::new(), "read by nobody");
    let told = page.union(&packaging).cloned().collect();
    assert_eq!(read.difference(&told).collect::<Vec<_>>(), Vec::<&String>::new(), "told nowhere");
}
