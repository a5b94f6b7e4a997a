//! What is in the file, and what becomes of files that are damaged, newer, shared, old or full.

use std::{path::Path, sync::Barrier, time::Duration};

use crate::common::{at, ended, fresh, header, id, open, quick, record, row, started, write};
use oos_core::{
    machine::ExecutionStatus,
    ports::{
        index::{ExecutionIndex, ExecutionQuery, OwnerId},
        store::{Epoch, ExecutionHeader, ExecutionStore, JournalWrite, Snapshot, StoreError},
    },
};
use oos_sqlite::{Options, Retention, SCHEMA_VERSION, SqliteStore};
use oos_testkit::in_place::wait;
use rusqlite::Connection;

fn count(path: &Path, what: &str) -> i64 {
    let db = Connection::open(path).unwrap();
    db.query_row(&format!("SELECT count(*) FROM {what}"), [], |row| row.get(0)).unwrap()
}

fn ids(store: &SqliteStore) -> Vec<String> {
    let query = ExecutionQuery { limit: 1_000, ascending: true, ..ExecutionQuery::default() };
    wait(store.list(&query)).unwrap().rows.iter().map(|r| r.id.to_string()).collect()
}

#[test]
fn a_file_of_newer_code_is_refused_and_left_alone() {
    let path = fresh("newer");
    drop(SqliteStore::open(&path, quick()).unwrap());
    Connection::open(&path).unwrap().pragma_update(None, "user_version", SCHEMA_VERSION + 4).unwrap();
    let before = std::fs::read(&path).unwrap();
    let error = SqliteStore::open(&path, quick()).unwrap_err();
    assert_eq!(error, StoreError::TooNew { found: SCHEMA_VERSION + 4, known: SCHEMA_VERSION });
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn a_journal_of_newer_code_is_refused_alone() {
    let store = open("newer-journal", quick());
    let newer = ExecutionHeader { format: 9, ..header(&id("newer")) };
    wait(store.create(&newer)).unwrap();
    let older = started(&store, "older");
    assert_eq!(wait(store.load(&newer.id)).unwrap_err(), StoreError::TooNew { found: 9, known: 1 });
    assert!(wait(store.load(&older)).is_ok());
}

#[test]
fn what_is_no_store_is_refused() {
    let path = fresh("garbage");
    std::fs::write(&path, "this is no database, however long it may go on ".repeat(100)).unwrap();
    assert!(matches!(SqliteStore::open(&path, quick()), Err(StoreError::Corrupt(_))));

    let theirs = fresh("theirs");
    Connection::open(&theirs).unwrap().execute_batch("CREATE TABLE theirs(x)").unwrap();
    let error = SqliteStore::open(&theirs, quick()).unwrap_err();
    assert_eq!(error, StoreError::Corrupt("the file is a database of another program".into()));

    assert!(matches!(SqliteStore::open(":memory:", quick()), Err(StoreError::Refused(_))));
    assert!(matches!(SqliteStore::open("", quick()), Err(StoreError::Refused(_))));
    let nowhere = path.with_file_name("no").join("such").join("folder.db");
    assert!(matches!(SqliteStore::open(nowhere, quick()), Err(StoreError::Unavailable(_))));
}

#[test]
fn damaged_pages_are_told_as_corrupt() {
    let path = fresh("damaged");
    let store = SqliteStore::open(&path, quick()).unwrap();
    let names: Vec<_> = (0..20).map(|n| ended(&store, &format!("{n}"), at(n))).collect();
    drop(store);
    let mut bytes = std::fs::read(&path).unwrap();
    // The first page stays, so that the file still opens.
    bytes[4_096..].fill(0x5a);
    std::fs::write(&path, bytes).unwrap();
    match SqliteStore::open(&path, quick()) {
        Err(error) => assert!(matches!(error, StoreError::Corrupt(_)), "{error}"),
        Ok(store) => {
            for name in &names {
                assert!(matches!(wait(store.load(name)), Err(StoreError::Corrupt(_))));
            }
            let appended = wait(store.append(write(&names[0], 3, 1)));
            assert!(matches!(appended, Err(StoreError::Corrupt(_))), "{appended:?}");
            assert!(matches!(wait(store.list(&ExecutionQuery::default())), Err(StoreError::Corrupt(_))));
            assert!(matches!(wait(store.check()), Err(StoreError::Corrupt(_))));
        }
    }
}

#[test]
fn a_truncated_file_is_told_as_corrupt() {
    let path = fresh("truncated");
    let store = SqliteStore::open(&path, quick()).unwrap();
    let name = ended(&store, "1", at(1));
    drop(store);
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    let found = SqliteStore::open(&path, quick()).and_then(|store| wait(store.load(&name)).map(drop));
    assert!(matches!(found, Err(StoreError::Corrupt(_))), "{found:?}");
}

#[test]
fn rows_that_this_code_did_not_write_are_told_as_corrupt() {
    for damage in [
        "UPDATE record SET bytes = x'7b' WHERE seq = 2",
        "DELETE FROM record WHERE seq = 2",
        "DELETE FROM record WHERE seq = 3",
        "UPDATE execution SET seq = -1",
        "UPDATE execution SET seq = 'many'",
        "UPDATE execution SET header = '{}'",
        "UPDATE record SET bytes = 7 WHERE seq = 1",
        "DELETE FROM template",
    ] {
        let path = fresh("rows");
        let store = SqliteStore::open(&path, quick()).unwrap();
        let name = ended(&store, "1", at(1));
        Connection::open(&path).unwrap().execute_batch(damage).unwrap();
        let found = wait(store.load(&name));
        assert!(matches!(found, Err(StoreError::Corrupt(_))), "{damage}: {found:?}");
    }
    let path = fresh("row");
    let store = SqliteStore::open(&path, quick()).unwrap();
    ended(&store, "1", at(1));
    Connection::open(&path).unwrap().execute_batch("UPDATE summary SET row = '[]'").unwrap();
    assert!(matches!(wait(store.list(&ExecutionQuery::default())), Err(StoreError::Corrupt(_))));
}

#[test]
fn records_out_of_order_are_refused() {
    let store = open("order", quick());
    let name = started(&store, "1");
    for records in [vec![record(2)], vec![record(1), record(3)], vec![record(1), record(1)]] {
        let found = wait(store.append(JournalWrite { records, ..write(&name, 0, 0) }));
        assert!(matches!(found, Err(StoreError::Refused(_))), "{found:?}");
    }
    assert!(wait(store.load(&name)).unwrap().records.is_empty());
}

#[test]
fn a_text_of_a_template_is_kept_once() {
    let path = fresh("texts");
    let store = SqliteStore::open(&path, quick()).unwrap();
    for n in 0..10 {
        started(&store, &format!("{n}"));
    }
    assert_eq!((count(&path, "template"), count(&path, "pinned")), (1, 10));
    let all: Vec<_> = (0..10).map(|n| id(&format!("{n}"))).collect();
    wait(store.remove(&all[..9])).unwrap();
    assert_eq!(wait(store.load(&all[9])).unwrap().header, header(&all[9]));
    wait(store.remove(&all)).unwrap();
    for table in ["template", "pinned", "execution", "record", "snapshot", "summary", "tag"] {
        assert_eq!(count(&path, table), 0, "{table}");
    }
}

#[test]
fn retention_by_count_keeps_the_newest_and_the_living() {
    let store = open("count", quick().retention(Retention::EVERYTHING.count(2)));
    let living = started(&store, "living");
    let summaries = vec![row(&living, ExecutionStatus::Running, at(0))];
    wait(store.append(JournalWrite { summaries, ..write(&living, 0, 1) })).unwrap();
    for n in 1..=5 {
        ended(&store, &format!("{n}"), at(n));
    }
    assert_eq!(ids(&store), ["exec-living", "exec-4", "exec-5"]);
    assert!(matches!(wait(store.load(&id("3"))), Err(StoreError::NotFound(_))));
}

#[test]
fn retention_by_age_is_seen_from_the_newest_end_and_from_sweeps() {
    let store = open("age", quick().retention(Retention::EVERYTHING.age(Duration::from_secs(100))));
    for n in [0, 60, 100] {
        ended(&store, &format!("{n}"), at(n));
    }
    assert_eq!(ids(&store), ["exec-0", "exec-60", "exec-100"], "an age of exactly the limit is kept");
    ended(&store, "161", at(161));
    assert_eq!(ids(&store), ["exec-100", "exec-161"]);
    assert_eq!(wait(store.sweep(at(250))), Ok(1));
    assert_eq!(wait(store.sweep(at(1_000))), Ok(1));
    assert_eq!(wait(store.sweep(at(1_000))), Ok(0));
    assert!(ids(&store).is_empty());
}

#[test]
fn a_sweep_removes_as_many_as_there_are() {
    let path = fresh("sweep");
    let store = SqliteStore::open(&path, quick()).unwrap();
    for n in 0..50 {
        ended(&store, &format!("{n}"), at(n));
    }
    drop(store);
    let store = SqliteStore::open(&path, quick().retention(Retention::EVERYTHING.count(7))).unwrap();
    assert_eq!(wait(store.sweep(at(0))), Ok(43));
    assert_eq!(ids(&store).len(), 7);
}

#[test]
fn vacuum_gives_space_back_and_keeps_the_rest() {
    let path = fresh("vacuum");
    let store = SqliteStore::open(&path, quick()).unwrap();
    let (gone, kept) = (started(&store, "gone"), started(&store, "kept"));
    wait(store.append(write(&gone, 0, 10_000))).unwrap();
    wait(store.append(write(&kept, 0, 10))).unwrap();
    wait(store.vacuum()).unwrap();
    let before = std::fs::metadata(&path).unwrap().len();
    wait(store.remove(&[gone])).unwrap();
    wait(store.vacuum()).unwrap();
    let after = std::fs::metadata(&path).unwrap().len();
    assert!(after * 10 < before, "{before} bytes became {after}");
    assert_eq!(wait(store.load(&kept)).unwrap().records.len(), 10);
    assert_eq!(wait(store.check()), Ok(()));
    wait(store.append(write(&kept, 10, 1))).unwrap();
}

#[test]
fn a_backup_is_a_store_of_its_own() {
    let store = open("backup", quick());
    let name = ended(&store, "1", at(1));
    let copy = fresh("copy");
    wait(store.backup(&copy)).unwrap();
    wait(store.append(write(&name, 3, 1))).unwrap();
    assert!(matches!(wait(store.backup(&copy)), Err(StoreError::Exists(_))));
    let copied = SqliteStore::open(&copy, quick()).unwrap();
    assert_eq!(wait(copied.load(&name)).unwrap().records.len(), 3);
    assert_eq!(wait(copied.claim(&name, &OwnerId("a".into()), at(0), at(1))), Ok(Epoch(1)));
}

#[test]
fn two_stores_over_one_file_fence_each_other() {
    let path = fresh("shared");
    let (one, two) = (SqliteStore::open(&path, quick()).unwrap(), SqliteStore::open(&path, quick()).unwrap());
    let name = started(&one, "1");
    assert!(matches!(wait(two.create(&header(&name))), Err(StoreError::Exists(_))));
    wait(one.append(write(&name, 0, 1))).unwrap();
    assert!(matches!(wait(two.append(write(&name, 0, 1))), Err(StoreError::Fenced { .. })));
    assert_eq!(wait(two.load(&name)).unwrap().records.len(), 1);
    let epoch = wait(two.claim(&name, &OwnerId("b".into()), at(300), at(600))).unwrap();
    assert_eq!(epoch, Epoch(2));
    assert!(matches!(wait(one.append(write(&name, 1, 1))), Err(StoreError::Fenced { .. })));
    wait(two.append(JournalWrite { epoch, ..write(&name, 1, 1) })).unwrap();
}

#[test]
fn a_file_that_another_process_locks_is_unavailable_and_comes_back() {
    let path = fresh("locked");
    let store = SqliteStore::open(&path, quick().busy_timeout(Duration::from_millis(20))).unwrap();
    let name = started(&store, "1");
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert!(matches!(wait(store.append(write(&name, 0, 1))), Err(StoreError::Unavailable(_))));
    assert!(wait(store.load(&name)).unwrap().records.is_empty(), "reading goes on meanwhile");
    other.execute_batch("ROLLBACK").unwrap();
    wait(store.append(write(&name, 0, 1))).unwrap();
}

#[test]
fn writes_that_queue_up_share_commits() {
    const WRITERS: usize = 16;
    let store = open("group", Options::default());
    let names: Vec<_> = (0..WRITERS).map(|n| started(&store, &format!("{n}"))).collect();
    let (before, start) = (store.stats(), Barrier::new(WRITERS));
    std::thread::scope(|scope| {
        for name in &names {
            scope.spawn(|| {
                start.wait();
                (0..50).for_each(|seq| wait(store.append(write(name, seq, 1))).unwrap());
            });
        }
    });
    let after = store.stats();
    let (writes, commits) = (after.writes - before.writes, after.commits - before.commits);
    assert_eq!(writes, 50 * WRITERS as u64);
    assert!(commits * 2 < writes, "{writes} writes took {commits} commits");
}

#[test]
fn one_write_that_is_refused_does_not_harm_those_beside_it() {
    let store = open("beside", quick());
    let name = started(&store, "1");
    // All are queued before the first is waited for, so that some stand in one transaction.
    let appends: Vec<_> = (0..100_u64)
        .flat_map(|seq| [write(&name, seq, 1), write(&name, seq + 7, 1)])
        .map(|write| {
            std::thread::spawn({
                let store = store.clone();
                move || (write.expected_seq, wait(store.append(write)))
            })
        })
        .collect();
    let taken = appends.into_iter().filter(|_| true).map(|t| t.join().unwrap()).filter(|(_, r)| r.is_ok()).count();
    let records = wait(store.load(&name)).unwrap().records;
    assert_eq!(records.len(), taken, "every write that was acknowledged is there, and no other");
    assert_eq!(wait(store.check()), Ok(()));
}

#[test]
fn history_stays_when_it_is_asked_for() {
    for (keep, left) in [(false, 0), (true, 4)] {
        let path = fresh("history");
        let store = SqliteStore::open(&path, quick().keep_history(keep)).unwrap();
        let name = started(&store, "1");
        let snapshot = Some(Snapshot { seq: 4, bytes: b"state".as_slice().into() });
        wait(store.append(JournalWrite { snapshot, ..write(&name, 0, 4) })).unwrap();
        assert_eq!(count(&path, "record"), left);
        assert!(wait(store.load(&name)).unwrap().records.is_empty());
    }
}

#[test]
fn queries_for_people_read_as_documented() {
    let path = fresh("people");
    let store = SqliteStore::open(&path, quick()).unwrap();
    ended(&store, "1", at(1_767_225_600));
    let db = Connection::open(&path).unwrap();
    let journal = "SELECT execution, seq, at, kind FROM journal WHERE seq = 2";
    let found: (String, i64, String, String) =
        db.query_row(journal, [], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?))).unwrap();
    assert_eq!(found, ("exec-1".to_owned(), 2, "1970-01-01T00:00:01.000Z".to_owned(), "Signal".to_owned()));
    let overview = "SELECT status, ended, records, owner FROM overview";
    let found: (String, String, i64, String) =
        db.query_row(overview, [], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?))).unwrap();
    assert_eq!(found, ("Success".to_owned(), "2026-01-01T00:00:00Z".to_owned(), 3, "a".to_owned()));
    // Every query of the README runs.
    let readme = include_str!("../../README.md");
    let blocks: Vec<&str> = readme.split("```sql").skip(1).filter_map(|b| b.split("```").next()).collect();
    assert!(!blocks.is_empty());
    for statement in blocks.iter().flat_map(|b| b.split(';')).filter(|s| !s.trim().is_empty()) {
        let mut statement = db.prepare(statement).unwrap_or_else(|e| panic!("{e}: {statement}"));
        for place in 1..=statement.parameter_count() {
            statement.raw_bind_parameter(place, "exec-1").unwrap();
        }
        let mut rows = statement.raw_query();
        while rows.next().unwrap().is_some() {}
    }
}

#[cfg(unix)]
#[test]
fn a_new_file_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let path = fresh("private");
    let store = SqliteStore::open(&path, quick()).unwrap();
    started(&store, "1");
    for file in ["store.db", "store.db-wal"] {
        let mode = std::fs::metadata(path.with_file_name(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{file}: {mode:o}");
    }
}

#[test]
fn a_store_that_is_dropped_leaves_one_file() {
    let path = fresh("closed");
    let store = SqliteStore::open(&path, quick()).unwrap();
    let other = store.clone();
    drop(store);
    started(&other, "1");
    drop(other);
    let files: Vec<_> = std::fs::read_dir(path.parent().unwrap()).unwrap().map(|f| f.unwrap().file_name()).collect();
    assert_eq!(files, ["store.db"]);
}
