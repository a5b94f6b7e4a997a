//! Nothing that runs in a bed reads the clock of the machine: one look would make a run differ from the next.

use std::path::{Path, PathBuf};

/// Ways to read real time, or to wait in it.
const FORBIDDEN: [&str; 6] =
    ["SystemTime", "std::time::Instant", "Instant::now", "tokio::time", "thread::sleep", "Zoned::now"];

/// Where it is meant: the ports that an embedding program gets by default.
const ALLOWED: [&str; 1] = ["oos-core/src/engine/tokio_ports.rs"];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn core_and_actions_read_time_through_their_port_alone() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut files = Vec::new();
    for package in ["oos-core/src", "oos-actions/src"] {
        sources(&root.join(package), &mut files);
    }
    assert!(files.len() > 100, "{} files", files.len());
    let mut wrong = Vec::new();
    for file in files {
        let name = file.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
        let text = std::fs::read_to_string(&file).unwrap();
        let code = text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//"));
        let lines = code.filter(|(_, line)| FORBIDDEN.iter().any(|word| line.contains(word)));
        let found: Vec<String> = lines.map(|(n, line)| format!("{name}:{}: {}", n + 1, line.trim())).collect();
        if ALLOWED.contains(&name.as_str()) {
            assert!(!found.is_empty(), "{name} needs no exception any more");
        } else {
            wrong.extend(found);
        }
    }
    assert!(wrong.is_empty(), "real time is read:\n{}", wrong.join("\n"));
}
