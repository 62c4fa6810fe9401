//! What a crate may know, over `cargo metadata`.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

use cargo_metadata::{DependencyKind, MetadataCommand, PackageId};

/// One crate of the workspace and what it may depend on.
struct Row {
    name: &'static str,
    /// Crates of the workspace.
    knows: &'static [&'static str],
    /// Beginnings of names of crates that may not even come along with another.
    never: &'static [&'static str],
}

const STORES: &[&str] = &["object_store", "rusqlite", "libsqlite3-sys"];
const CLOUD: &[&str] = &["aws-", "aws_", "lambda_"];

/// The arrows of ARCHITECTURE.md. A crate that is not in the table may not be in the workspace.
const TABLE: &[Row] = &[
    Row {
        name: "imaging",
        knows: &[],
        // rav1e links rayon, by a scene detector that a single picture never reaches.
        never: &["tokio", "async-", "futures", "mio", "jiff"],
    },
    Row { name: "domain", knows: &["imaging"], never: STORES },
    Row { name: "ingest", knows: &["domain", "imaging"], never: STORES },
    Row { name: "fanout", knows: &["domain", "imaging"], never: STORES },
    Row { name: "resize", knows: &["domain", "imaging"], never: STORES },
    Row { name: "metadata", knows: &["domain", "imaging"], never: STORES },
    Row { name: "api", knows: &["domain", "imaging"], never: STORES },
    Row { name: "cloud", knows: STAGES_AND_BELOW, never: STORES },
    Row { name: "darkroom", knows: STAGES_AND_BELOW, never: CLOUD },
];

const STAGES_AND_BELOW: &[&str] =
    &["imaging", "domain", "ingest", "fanout", "resize", "metadata", "api"];

/// Who depends on whom, without what is for tests only.
#[derive(Clone)]
struct Graph {
    workspace: BTreeSet<String>,
    /// By name; versions do not matter to an arrow.
    edges: BTreeMap<String, BTreeSet<String>>,
}

impl Graph {
    /// As cargo resolves it for this platform: what was built is all that it asks for.
    fn read() -> Self {
        let metadata = MetadataCommand::new()
            .manifest_path(super::root().join("Cargo.toml"))
            .other_options(["--filter-platform".to_owned(), host()])
            .exec()
            .unwrap_or_else(|error| panic!("cargo metadata: {error}"));
        let names: BTreeMap<&PackageId, String> =
            metadata.packages.iter().map(|p| (&p.id, p.name.to_string())).collect();
        let mut edges: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for node in metadata.resolve.iter().flat_map(|resolve| &resolve.nodes) {
            let known = node
                .deps
                .iter()
                .filter(|d| d.dep_kinds.iter().any(|k| k.kind != DependencyKind::Development))
                .map(|d| names[&d.pkg].clone());
            edges.entry(names[&node.id].clone()).or_default().extend(known);
        }
        let workspace = metadata.workspace_members.iter().map(|id| names[id].clone()).collect();
        Self { workspace, edges }
    }

    fn with(&self, from: &str, to: &str) -> Self {
        let mut graph = self.clone();
        graph.edges.entry(from.to_owned()).or_default().insert(to.to_owned());
        graph
    }

    fn direct(&self, name: &str) -> impl Iterator<Item = &str> {
        self.edges.get(name).into_iter().flatten().map(String::as_str)
    }

    /// All that comes along.
    fn reachable<'a>(&'a self, name: &'a str) -> BTreeSet<&'a str> {
        let mut seen = BTreeSet::new();
        let mut open = vec![name];
        while let Some(next) = open.pop() {
            open.extend(self.direct(next).filter(|dependency| seen.insert(*dependency)));
        }
        seen
    }

    /// Each as a sentence.
    fn violations(&self) -> Vec<String> {
        let mut found = Vec::new();
        for name in &self.workspace {
            let Some(row) = TABLE.iter().find(|row| row.name == name) else {
                found.push(format!("{name} is not in the table of arrows"));
                continue;
            };
            for known in self.direct(name).filter(|known| self.workspace.contains(*known)) {
                if !row.knows.contains(&known) {
                    found.push(format!("{name} may not know {known}"));
                }
            }
            // Whoever knows `cloud` is named by the rule above; everybody else has no AWS crate.
            let never =
                row.never.iter().chain(if name == "cloud" { [].iter() } else { CLOUD.iter() });
            let reachable = self.reachable(name);
            for beginning in never.collect::<BTreeSet<_>>() {
                for other in reachable.iter().filter(|other| other.starts_with(beginning)) {
                    found.push(format!("{name} may not come with {other}"));
                }
            }
        }
        found
    }
}

/// The platform's name, as the compiler that runs these tests says it.
fn host() -> String {
    let rustc = Command::new("rustc").arg("-vV").output();
    let said = rustc.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    said.unwrap_or_else(|error| panic!("rustc -vV: {error}"))
        .lines()
        .find_map(|line| line.strip_prefix("host: ").map(str::to_owned))
        .unwrap_or_else(|| panic!("rustc -vV names no host"))
}

#[test]
fn arrows_point_at_what_a_crate_may_know() {
    let graph = Graph::read();
    assert!(graph.workspace.len() >= 8, "the workspace is not all there: {:?}", graph.workspace);
    let violations = graph.violations();
    assert!(violations.is_empty(), "{}", violations.join("\n"));
}

/// Each edge that the design forbids is seen, so that the test above can fail.
#[test]
fn a_doctored_graph_is_found_out() {
    let graph = Graph::read();
    for (from, to, sentence) in [
        ("imaging", "domain", "imaging may not know domain"),
        ("imaging", "tokio", "imaging may not come with tokio"),
        ("fast_image_resize", "mio", "imaging may not come with mio"),
        ("domain", "ingest", "domain may not know ingest"),
        ("ingest", "fanout", "ingest may not know fanout"),
        ("resize", "metadata", "resize may not know metadata"),
        ("api", "resize", "api may not know resize"),
        ("fanout", "darkroom", "fanout may not know darkroom"),
        ("resize", "aws-sdk-s3", "resize may not come with aws-sdk-s3"),
        ("thiserror", "aws-sdk-s3", "darkroom may not come with aws-sdk-s3"),
        ("metadata", "rusqlite", "metadata may not come with rusqlite"),
    ] {
        let found = graph.with(from, to).violations();
        assert!(found.iter().any(|v| v == sentence), "{from} → {to} gave {found:?}");
    }
    let mut grown = graph;
    grown.workspace.insert("helpers".to_owned());
    assert_eq!(grown.violations(), ["helpers is not in the table of arrows"]);
}
