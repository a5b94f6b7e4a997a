//! What goes: executions with their trees, by name or by retention; free pages; and copies for the shelf.

use std::path::Path;

use oos_core::{ExecutionId, Timestamp, ports::store::StoreError};
use rusqlite::{Connection, OptionalExtension, params};

use crate::{
    Retention,
    error::{sql, to_sql},
    journal::execute,
};

/// CHOICE: executions that one write removes at most, so that the writes beside it do not wait long.
const AT_ONCE: u32 = 16;

/// Removes some of the ended executions that are no longer kept, oldest first; gives their number.
pub(crate) fn retain(db: &Connection, keep: Retention, now: Timestamp) -> Result<u64, StoreError> {
    let mut removed = 0;
    for id in surplus(db, keep, now)? {
        forget(db, &ExecutionId::from(id))?;
        removed += 1;
    }
    Ok(removed)
}

fn surplus(db: &Connection, keep: Retention, now: Timestamp) -> Result<Vec<String>, StoreError> {
    const ENDED: &str = "SELECT id FROM execution WHERE ended IS NOT NULL";
    let ids = |statement: &str, value: i64| {
        let mut select = db.prepare_cached(statement).map_err(sql)?;
        let rows = select.query_map(params![value, AT_ONCE], |row| row.get(0)).map_err(sql)?;
        rows.collect::<Result<Vec<String>, _>>().map_err(sql)
    };
    if let Some(age) = keep.age {
        let age = i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
        let limit = now.as_millis().saturating_sub(age);
        let old = ids(&format!("{ENDED} AND ended < ?1 ORDER BY ended, num LIMIT ?2"), limit)?;
        if !old.is_empty() {
            return Ok(old);
        }
    }
    match keep.count {
        Some(count) => {
            let newest_first = format!("{ENDED} ORDER BY ended DESC, num DESC LIMIT ?2 OFFSET ?1");
            ids(&newest_first, to_sql(count).unwrap_or(i64::MAX))
        }
        None => Ok(Vec::new()),
    }
}

/// Removes an execution, its tree, and the template texts that nobody else pins.
pub(crate) fn forget(db: &Connection, root: &ExecutionId) -> Result<(), StoreError> {
    execute(db, "DELETE FROM tag WHERE summary IN (SELECT num FROM summary WHERE root = ?1)", [root.as_str()])?;
    execute(db, "DELETE FROM summary WHERE root = ?1", [root.as_str()])?;
    let mut select = db.prepare_cached("SELECT num FROM execution WHERE id = ?1").map_err(sql)?;
    let num: Option<i64> = select.query_row([root.as_str()], |row| row.get(0)).optional().map_err(sql)?;
    let Some(num) = num else { return Ok(()) };
    let mut select = db.prepare_cached("SELECT DISTINCT template FROM pinned WHERE execution = ?1").map_err(sql)?;
    let texts = select.query_map([num], |row| row.get(0)).map_err(sql)?;
    let texts: Vec<i64> = texts.collect::<Result<_, _>>().map_err(sql)?;
    for table in ["record", "snapshot", "pinned"] {
        execute(db, &format!("DELETE FROM {table} WHERE execution = ?1"), [num])?;
    }
    execute(db, "DELETE FROM execution WHERE num = ?1", [num])?;
    for text in texts {
        let unpinned = "DELETE FROM template WHERE num = ?1 AND NOT EXISTS (SELECT 1 FROM pinned WHERE template = ?1)";
        execute(db, unpinned, [text])?;
    }
    Ok(())
}

/// Rebuilds the file without free pages and folds the log into it.
pub(crate) fn vacuum(db: &Connection) -> Result<(), StoreError> {
    db.execute_batch("VACUUM").map_err(sql)?;
    // A reader in the middle of something keeps the log from being cut; the next commit does it then.
    db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).map_err(sql)
}

/// Copies the present state into a new file.
pub(crate) fn backup(db: &Connection, to: &Path) -> Result<(), StoreError> {
    if to.exists() {
        return Err(StoreError::Exists(format!("file `{}`", to.display()).into()));
    }
    execute(db, "VACUUM INTO ?1", [to.to_string_lossy()])
}
