//! The same calls from Node: `benches/peers/cold.mjs`, as npm installs it and bundled.

use std::{
    collections::BTreeMap,
    env, fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use crate::harness::root;

/// What is run, and its row in the table.
pub(crate) const PEERS: [(&str, &str); 2] =
    [("cold.mjs", "Node"), ("node_modules/.cold/cold.mjs", "Node, bundled")];

/// Something that can be executed like a function's binary: Lambda's own runtime, too, is a script of
/// Node that loads the handler.
pub(crate) fn program(handler: &str, folder: &Path) -> PathBuf {
    let handler = root().join("benches/peers").join(handler);
    assert!(handler.exists(), "{} is missing: run `./dev bench cold`", handler.display());
    let script =
        folder.join(format!("{}.mjs", handler.parent().unwrap().file_name().unwrap().display()));
    let text = format!("#!{}\nimport {:?};\n", node().display(), handler.display().to_string());
    fs::write(&script, text).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    script
}

/// What it is told besides: which calls our function of this name makes, so that it makes the same.
pub(crate) fn environment(
    own: &BTreeMap<String, String>,
    function: &str,
    calls: &BTreeMap<String, u64>,
    scratch: &str,
) -> BTreeMap<String, String> {
    let mut all = own.clone();
    let mut add = |name: &str, value: String| drop(all.insert(name.to_owned(), value));
    add("COLD_FUNCTION", function.to_owned());
    add("COLD_CALLS", serde_json::to_string(calls).unwrap());
    add("COLD_QUEUE", scratch.to_owned());
    // That its version of Node is old is no news.
    add("NODE_NO_WARNINGS", "1".to_owned());
    all
}

fn node() -> PathBuf {
    let places = env::var_os("PATH").expect("PATH says where Node is");
    let found = env::split_paths(&places).map(|place| place.join("node")).find(|it| it.is_file());
    found.expect("`./dev bench cold` installs Node")
}
