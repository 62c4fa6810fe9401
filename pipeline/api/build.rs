//! Writes down which files make the page, for `src/page.rs` to compile in. It takes them as they are
//! committed in `web/dist`, so a Rust build needs no Node; and it is run again when one changes, which
//! a macro that reads the folder would not be.

#![expect(clippy::disallowed_methods, reason = "runs while building, where files are the matter")]

use std::{env, error::Error, fmt::Write as _, fs, path::PathBuf};

/// Everything but the page itself lies here, under names that change with the contents.
const ASSETS: &str = "../../web/dist/assets";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={ASSETS}");
    let folder = fs::canonicalize(ASSETS).map_err(|error| format!("{ASSETS}: {error}"))?;
    let folder = folder.to_str().ok_or("the path of this repository is not UTF-8")?;
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name().into_string();
        names.push(name.map_err(|name| format!("{} is not UTF-8", name.display()))?);
    }
    names.sort();
    let mut table = String::from("&[\n");
    for name in names {
        let path = format!("{folder}/{name}");
        writeln!(table, "    ({name:?}, include_bytes!({path:?})),")?;
    }
    table.push(']');
    let out = PathBuf::from(env::var("OUT_DIR")?).join("assets.rs");
    Ok(fs::write(out, table)?)
}
