//! A process that is killed in the middle of writing loses nothing that it was told is written.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "tests; the child talks to its parent")]

mod common;

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
};

use common::{fresh, id, started, write};
use oos_core::ports::store::ExecutionStore;
use oos_sqlite::{Durability, Options, SqliteStore};
use oos_testkit::in_place::wait;

/// Tells the child which file to write; the test starts its own program again.
const FILE: &str = "OOS_SQLITE_TEST_KILL";
const WRITERS: u64 = 4;
const LINES: usize = 400;

fn level(name: &str) -> Durability {
    if name.contains("full") { Durability::Full } else { Durability::Process }
}

/// Writes until it is killed, and tells each write that was acknowledged.
fn child(path: &Path) {
    let options = Options::default().durability(level(&path.to_string_lossy()));
    let store = SqliteStore::open(path, options).unwrap();
    let names: Vec<_> = (0..WRITERS).map(|n| started(&store, &n.to_string())).collect();
    std::thread::scope(|scope| {
        for (n, name) in names.iter().enumerate() {
            let store = &store;
            scope.spawn(move || {
                // An end of its own, should nobody kill it.
                for seq in 0..1_000_000 {
                    wait(store.append(write(name, seq, 1))).unwrap();
                    println!("ack {n} {}", seq + 1);
                }
            });
        }
    });
}

fn acknowledged(line: &str) -> Option<(String, u64)> {
    let mut words = line.split_whitespace().skip_while(|w| *w != "ack").skip(1);
    Some((words.next()?.to_owned(), words.next()?.parse().ok()?))
}

fn kill_in_the_middle(test: &str) {
    if let Some(path) = std::env::var_os(FILE) {
        return child(Path::new(&path));
    }
    let path = fresh(test);
    let mut process = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(FILE, &path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let mut acks: Vec<_> = lines.by_ref().filter_map(|l| acknowledged(&l.unwrap())).take(LINES).collect();
    process.kill().unwrap();
    process.wait().unwrap();
    // Whole lines that were still on their way; the last one may be cut in the middle of its number.
    let rest: Vec<_> = lines.map_while(Result::ok).collect();
    acks.extend(rest.iter().rev().skip(1).filter_map(|l| acknowledged(l)));
    assert!(acks.len() >= LINES, "the child wrote only {} times", acks.len());

    let store = SqliteStore::open(&path, Options::default()).unwrap();
    for n in 0..WRITERS {
        let acked = acks.iter().filter(|(who, _)| *who == n.to_string()).map(|(_, seq)| *seq).max().unwrap_or(0);
        let kept = wait(store.load(&id(&n.to_string()))).unwrap().records.len() as u64;
        assert!(kept >= acked, "{acked} writes were acknowledged, {kept} are there");
        assert!(kept <= acked + 2, "{kept} writes are there, only {acked} were acknowledged");
    }
    assert_eq!(wait(store.check()), Ok(()));
}

#[test]
fn full_loses_nothing_acknowledged() {
    kill_in_the_middle("full_loses_nothing_acknowledged");
}

#[test]
fn process_loses_nothing_acknowledged() {
    kill_in_the_middle("process_loses_nothing_acknowledged");
}
