//! Writes the table of embedded product actions: (path below `templates`, text), sorted by path. Needs nothing but the
//! folder, which may be missing.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

fn main() -> io::Result<()> {
    let variable = |name: &str| env::var_os(name).map(PathBuf::from).ok_or_else(|| io::Error::other(name.to_owned()));
    let root = variable("CARGO_MANIFEST_DIR")?.join("templates");
    println!("cargo::rerun-if-changed={}", root.display());
    let mut files = Vec::new();
    collect(&root, &mut files)?;
    files.sort();
    let entries: String = files.iter().map(|file| entry(&root, file)).collect();
    let doc = "/// Path below `templates` and text of every embedded product action, sorted by path.";
    let table = format!("{doc}\nstatic EMBEDDED: &[(&str, &str)] = &[\n{entries}];\n");
    fs::write(variable("OUT_DIR")?.join("embedded.rs"), table)
}

fn entry(root: &Path, file: &Path) -> String {
    let relative = file.strip_prefix(root).unwrap_or(file).to_string_lossy().replace('\\', "/");
    format!("    ({relative:?}, include_str!({:?})),\n", file.to_string_lossy())
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    if !folder.is_dir() {
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let is_template = path.extension().is_some_and(|e| e == "yml" || e == "yaml");
        if path.is_dir() {
            println!("cargo::rerun-if-changed={}", path.display());
            collect(&path, found)?;
        } else if is_template {
            found.push(path);
        }
    }
    Ok(())
}
