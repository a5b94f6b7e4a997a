//! The file: how it is opened, what is in it, and how an older one is brought forward.
//!
//! `application_id` says that a file is ours, `user_version` which schema it has. A migration is a script that leads
//! from one version to the next; scripts that have been released never change.

use std::path::Path;

use oos_core::ports::store::StoreError;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use crate::{
    Durability, OLDEST_SQLITE, Options,
    error::{corrupt, sql},
};

/// Newest schema that this code reads and writes.
pub const SCHEMA_VERSION: u32 = 2;
/// "OOSe" in ASCII: marks our files.
const APPLICATION_ID: i64 = 0x4f4f_5365;
/// Migrations: number n leads from schema n to n + 1; schema 0 is an empty file.
const MIGRATIONS: [&str; SCHEMA_VERSION as usize] = [include_str!("schema_1.sql"), include_str!("schema_2.sql")];
/// [`OLDEST_SQLITE`] as the library counts.
const OLDEST: i32 = 3_051_003;
/// CHOICE: bytes of the log that stay allocated after it has been folded into the file.
const LOG_LIMIT: i64 = 64 << 20;
/// CHOICE: statements that a connection keeps compiled; all that the writer uses.
const STATEMENTS: usize = 64;

/// Refuses a library with the reset bug of write-ahead logs.
pub(crate) fn check_library(version: i32) -> Result<(), StoreError> {
    if version >= OLDEST {
        return Ok(());
    }
    let found = format!("{}.{}.{}", version / 1_000_000, version / 1_000 % 1_000, version % 1_000);
    Err(StoreError::Unavailable(format!("the linked sqlite is {found}, at least {OLDEST_SQLITE} is needed").into()))
}

/// The connection that writes, with the newest schema.
pub(crate) fn open_writer(path: &Path, options: &Options) -> Result<Connection, StoreError> {
    let name = path.to_string_lossy();
    if name.is_empty() || name.starts_with(":memory:") {
        return Err(StoreError::Refused(format!("`{name}` is no file; use the memory store").into()));
    }
    // A file that is there, or cannot be made, is SQLite's to complain about.
    let _ = make_private(path);
    let mut db = open(path, options, OpenFlags::SQLITE_OPEN_CREATE)?;
    // Before anything is written: a file of somebody else, or of newer code, stays as it is.
    check_identity(&db, MIGRATIONS.len())?;
    let mode: String = db.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0)).map_err(sql)?;
    if !mode.eq_ignore_ascii_case("wal") {
        return Err(StoreError::Unavailable("the file system cannot hold a write-ahead log".into()));
    }
    db.pragma_update(None, "synchronous", synchronous(options.durability)).map_err(sql)?;
    // Only macOS knows the difference; elsewhere it changes nothing.
    db.pragma_update(None, "fullfsync", options.durability == Durability::Full).map_err(sql)?;
    db.pragma_update_and_check(None, "journal_size_limit", LOG_LIMIT, |_| Ok(())).map_err(sql)?;
    migrate(&mut db, &MIGRATIONS)?;
    Ok(db)
}

/// A connection that only reads.
pub(crate) fn open_reader(path: &Path, options: &Options) -> Result<Connection, StoreError> {
    let db = open(path, options, OpenFlags::empty())?;
    db.pragma_update(None, "query_only", true).map_err(sql)?;
    Ok(db)
}

fn open(path: &Path, options: &Options, more: OpenFlags) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | more;
    let db = Connection::open_with_flags(path, flags).map_err(sql)?;
    db.busy_timeout(options.busy).map_err(sql)?;
    db.set_prepared_statement_cache_capacity(STATEMENTS);
    db.pragma_update(None, "trusted_schema", false).map_err(sql)?;
    db.pragma_update(None, "cell_size_check", true).map_err(sql)?;
    Ok(db)
}

/// Makes a new, empty file for its owner's eyes only: journals hold parameters of executions.
pub(crate) fn make_private(path: &Path) -> std::io::Result<()> {
    let mut open = std::fs::OpenOptions::new();
    open.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut open, 0o600);
    open.open(path).map(drop)
}

fn synchronous(level: Durability) -> &'static str {
    match level {
        Durability::Full => "FULL",
        Durability::Process => "NORMAL",
        Durability::Memory => "OFF",
    }
}

fn pragma(db: &Connection, name: &str) -> Result<i64, StoreError> {
    db.pragma_query_value(None, name, |row| row.get(0)).map_err(sql)
}

/// The schema version of a file of ours or of an empty one.
fn check_identity(db: &Connection, known: usize) -> Result<usize, StoreError> {
    let (owner, version) = (pragma(db, "application_id")?, pragma(db, "user_version")?);
    let tables: i64 = db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(sql)?;
    let empty = owner == 0 && version == 0 && tables == 0;
    if owner != APPLICATION_ID && !empty {
        return Err(corrupt("the file is a database of another program"));
    }
    let version = usize::try_from(version).map_err(|_| corrupt("the schema version is negative"))?;
    if version > known {
        let short = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        return Err(StoreError::TooNew { found: short(version), known: short(known) });
    }
    Ok(version)
}

/// Brings the file to the newest schema, all steps or none.
fn migrate(db: &mut Connection, scripts: &[&str]) -> Result<(), StoreError> {
    if check_identity(db, scripts.len())? == scripts.len() {
        return Ok(());
    }
    let work = db.transaction_with_behavior(TransactionBehavior::Immediate).map_err(sql)?;
    // Another process may have been faster.
    let version = check_identity(&work, scripts.len())?;
    for script in scripts.iter().skip(version) {
        work.execute_batch(script).map_err(sql)?;
    }
    work.pragma_update(None, "application_id", APPLICATION_ID).map_err(sql)?;
    work.pragma_update(None, "user_version", i64::try_from(scripts.len()).unwrap_or(i64::MAX)).map_err(sql)?;
    work.commit().map_err(sql)
}

/// Reads every page.
pub(crate) fn check_integrity(db: &Connection) -> Result<(), StoreError> {
    let found: String = db.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0)).map_err(sql)?;
    if found == "ok" { Ok(()) } else { Err(corrupt(found.replace('\n', " "))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema_of(db: &Connection) -> (i64, i64) {
        let tables = "SELECT count(*) FROM sqlite_schema WHERE type = 'table'";
        (pragma(db, "user_version").unwrap(), db.query_row(tables, [], |r| r.get(0)).unwrap())
    }

    #[test]
    fn refuses_a_library_with_the_reset_bug() {
        assert_eq!(check_library(3_051_003), Ok(()));
        assert_eq!(check_library(rusqlite::version_number()), Ok(()));
        let error = check_library(3_050_004).unwrap_err().to_string();
        assert_eq!(error, "the store does not answer: the linked sqlite is 3.50.4, at least 3.51.3 is needed");
    }

    #[test]
    fn migrates_step_by_step_and_only_forward() {
        let mut db = Connection::open_in_memory().unwrap();
        migrate(&mut db, &["CREATE TABLE a(x)"]).unwrap();
        assert_eq!(schema_of(&db), (1, 1));
        migrate(&mut db, &["CREATE TABLE a(x)", "CREATE TABLE b(x)", "ALTER TABLE a ADD COLUMN y"]).unwrap();
        assert_eq!(schema_of(&db), (3, 2));
        assert_eq!(migrate(&mut db, &["CREATE TABLE a(x)"]), Err(StoreError::TooNew { found: 3, known: 1 }));
    }

    #[test]
    fn a_file_of_the_first_schema_keeps_its_executions() {
        let mut db = Connection::open_in_memory().unwrap();
        migrate(&mut db, &MIGRATIONS[..1]).unwrap();
        db.execute_batch("INSERT INTO execution (id, format, header, created) VALUES ('exec-1', 1, '{}', 5)").unwrap();
        migrate(&mut db, &MIGRATIONS).unwrap();
        assert_eq!(pragma(&db, "user_version").unwrap(), i64::from(SCHEMA_VERSION));
        let created: i64 = db.query_row("SELECT created FROM execution WHERE id = 'exec-1'", [], |r| r.get(0)).unwrap();
        assert_eq!(created, 5);
    }

    #[test]
    fn a_migration_that_fails_leaves_the_old_schema() {
        let mut db = Connection::open_in_memory().unwrap();
        migrate(&mut db, &["CREATE TABLE a(x)"]).unwrap();
        assert!(migrate(&mut db, &["CREATE TABLE a(x)", "CREATE TABLE b(x)", "no sql"]).is_err());
        assert_eq!(schema_of(&db), (1, 1));
    }

    #[test]
    fn a_file_of_another_program_is_left_alone() {
        let mut db = Connection::open_in_memory().unwrap();
        db.execute_batch("CREATE TABLE theirs(x)").unwrap();
        assert!(matches!(migrate(&mut db, &MIGRATIONS), Err(StoreError::Corrupt(_))));
        assert_eq!(schema_of(&db), (0, 1));
    }
}
