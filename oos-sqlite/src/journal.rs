//! Headers, records, snapshots and ownership.

use oos_core::{
    ExecutionId, Timestamp,
    ports::{
        index::OwnerId,
        store::{
            Epoch, ExecutionHeader, JOURNAL_FORMAT, Journal, JournalWrite, PinnedTemplate, Record, Snapshot, StoreError,
        },
    },
};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::{
    Options,
    error::{corrupt, fenced, from_sql, not_found, sql, to_sql},
    index, readers, removal,
};

/// A new execution, as bytes.
pub(crate) struct Create {
    id: ExecutionId,
    format: u32,
    created: Timestamp,
    /// The header without its templates.
    header: String,
    templates: Vec<PinnedTemplate>,
}

impl Create {
    pub(crate) fn encode(header: &ExecutionHeader) -> Result<Self, StoreError> {
        let bare = ExecutionHeader { templates: Vec::new(), ..header.clone() };
        Ok(Self {
            id: header.id.clone(),
            format: header.format,
            created: header.created,
            header: serde_json::to_string(&bare).map_err(corrupt)?,
            templates: header.templates.clone(),
        })
    }

    pub(crate) fn run(&self, db: &Connection) -> Result<(), StoreError> {
        if find(db, &self.id)?.is_some() {
            return Err(StoreError::Exists(format!("execution {}", self.id).into()));
        }
        let insert = "INSERT INTO execution (id, format, header, created) VALUES (?1, ?2, ?3, ?4)";
        let row = params![self.id.as_str(), self.format, self.header, self.created.as_millis()];
        execute(db, insert, row)?;
        let execution = db.last_insert_rowid();
        for (place, template) in (0_i64..).zip(&self.templates) {
            let text = keep_text(db, template)?;
            let insert = "INSERT INTO pinned (execution, place, template, name, version) VALUES (?1, ?2, ?3, ?4, ?5)";
            execute(db, insert, params![execution, place, text, &*template.name, template.version.as_deref()])?;
        }
        Ok(())
    }
}

/// The number of a template's text, kept once.
fn keep_text(db: &Connection, template: &PinnedTemplate) -> Result<i64, StoreError> {
    let select = "SELECT num FROM template WHERE digest = ?1 AND text = ?2";
    let mut select = db.prepare_cached(select).map_err(sql)?;
    let known = params![&*template.digest, &*template.text];
    if let Some(num) = select.query_row(known, |row| row.get(0)).optional().map_err(sql)? {
        return Ok(num);
    }
    let insert = "INSERT INTO template (digest, text) VALUES (?1, ?2)";
    execute(db, insert, params![&*template.digest, &*template.text])?;
    Ok(db.last_insert_rowid())
}

/// What decides whether a write is taken.
struct State {
    num: i64,
    seq: u64,
    epoch: u64,
    owner: Option<String>,
    lease: Option<i64>,
}

fn find(db: &Connection, id: &ExecutionId) -> Result<Option<State>, StoreError> {
    let select = "SELECT num, seq, epoch, owner, lease FROM execution WHERE id = ?1";
    let mut select = db.prepare_cached(select).map_err(sql)?;
    let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?));
    let Some((num, seq, epoch, owner, lease)) = select.query_row([id.as_str()], read).optional().map_err(sql)? else {
        return Ok(None);
    };
    Ok(Some(State { num, seq: from_sql(seq)?, epoch: from_sql(epoch)?, owner, lease }))
}

/// A write, as bytes.
pub(crate) struct Append {
    id: ExecutionId,
    expected: u64,
    epoch: Epoch,
    records: Vec<(i64, Vec<u8>)>,
    rows: Vec<index::Encoded>,
    snapshot: Option<Snapshot>,
}

impl Append {
    pub(crate) fn encode(write: JournalWrite) -> Result<Self, StoreError> {
        let mut records = Vec::with_capacity(write.records.len());
        for (seq, record) in (write.expected_seq.saturating_add(1)..).zip(&write.records) {
            if record.seq != seq {
                let found = record.seq;
                return Err(StoreError::Refused(format!("record {found} stands where {seq} belongs").into()));
            }
            records.push((to_sql(seq)?, record.encode()?));
        }
        Ok(Self {
            rows: write.summaries.into_iter().map(index::Encoded::new).collect::<Result<_, _>>()?,
            id: write.id,
            expected: write.expected_seq,
            epoch: write.epoch,
            records,
            snapshot: write.snapshot,
        })
    }

    pub(crate) fn run(&self, db: &Connection, options: &Options) -> Result<(), StoreError> {
        let state = find(db, &self.id)?.ok_or_else(|| not_found(&self.id))?;
        self.check(&state)?;
        for (seq, bytes) in &self.records {
            let insert = "INSERT INTO record (execution, seq, bytes) VALUES (?1, ?2, ?3)";
            execute(db, insert, params![state.num, seq, bytes])?;
        }
        let written = state.seq + self.records.len() as u64;
        let seq = self.snapshot.as_ref().map_or(written, |s| s.seq.max(written));
        execute(db, "UPDATE execution SET seq = ?2 WHERE num = ?1", params![state.num, to_sql(seq)?])?;
        if let Some(snapshot) = &self.snapshot {
            keep_snapshot(db, state.num, snapshot, options.keep_history)?;
        }
        for row in &self.rows {
            row.keep(db)?;
        }
        if let Some(now) = self.rows.iter().filter_map(index::Encoded::ended).max() {
            removal::retain(db, options.retention, now)?;
        }
        Ok(())
    }

    fn check(&self, state: &State) -> Result<(), StoreError> {
        if state.epoch != self.epoch.0 {
            let reason = format!("epoch {} was expected, {} rules", self.epoch.0, state.epoch);
            return Err(fenced(&self.id, reason));
        }
        if state.seq != self.expected {
            let reason = format!("{} records were expected, {} are there", self.expected, state.seq);
            return Err(fenced(&self.id, reason));
        }
        Ok(())
    }
}

fn keep_snapshot(db: &Connection, execution: i64, snapshot: &Snapshot, keep: bool) -> Result<(), StoreError> {
    let seq = to_sql(snapshot.seq)?;
    let insert = "INSERT OR REPLACE INTO snapshot (execution, seq, bytes) VALUES (?1, ?2, ?3)";
    execute(db, insert, params![execution, seq, &*snapshot.bytes])?;
    if keep {
        return Ok(());
    }
    execute(db, "DELETE FROM record WHERE execution = ?1 AND seq <= ?2", params![execution, seq])
}

/// Takes or renews ownership.
pub(crate) fn claim(
    db: &Connection,
    id: &ExecutionId,
    owner: &OwnerId,
    now: Timestamp,
    until: Timestamp,
) -> Result<Epoch, StoreError> {
    let state = find(db, id)?.ok_or_else(|| not_found(id))?;
    let same = state.owner.as_deref() == Some(&*owner.0);
    if let (false, Some(other), Some(lease)) = (same, &state.owner, state.lease.map(Timestamp::from_millis))
        && lease > now
    {
        return Err(fenced(id, format!("{other} holds it until {lease}")));
    }
    let epoch = if same { state.epoch } else { state.epoch + 1 };
    let update = "UPDATE execution SET owner = ?2, lease = ?3, epoch = ?4 WHERE num = ?1";
    execute(db, update, params![state.num, &*owner.0, until.as_millis(), to_sql(epoch)?])?;
    Ok(Epoch(epoch))
}

pub(crate) fn renew(db: &Connection, owner: &OwnerId, until: Timestamp) -> Result<(), StoreError> {
    let update = "UPDATE execution SET lease = ?2 WHERE owner = ?1 AND ended IS NULL AND lease < ?2";
    execute(db, update, params![&*owner.0, until.as_millis()])
}

/// A journal as it lies in the file; decoded by the caller, so that readers are free again soon.
pub(crate) struct Stored {
    header: String,
    templates: Vec<PinnedTemplate>,
    seq: u64,
    snapshot: Option<Snapshot>,
    records: Vec<(u64, Vec<u8>)>,
}

/// `whole` leaves the snapshot out and reads the records before it too.
pub(crate) fn load(db: &Connection, id: &ExecutionId, whole: bool) -> Result<Stored, StoreError> {
    readers::consistent(db, |db| {
        let select = "SELECT num, format, header, seq FROM execution WHERE id = ?1";
        let mut select = db.prepare_cached(select).map_err(sql)?;
        let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?));
        let found: Option<(i64, u32, String, i64)> = select.query_row([id.as_str()], read).optional().map_err(sql)?;
        let (num, format, header, seq) = found.ok_or_else(|| not_found(id))?;
        // Told by the column: a newer header may not even be readable.
        if format > JOURNAL_FORMAT {
            return Err(StoreError::TooNew { found: format, known: JOURNAL_FORMAT });
        }
        let snapshot = if whole { None } else { load_snapshot(db, num)? };
        let records = load_records(db, num, snapshot.as_ref().map_or(0, |s| s.seq))?;
        Ok(Stored { header, templates: load_templates(db, num)?, seq: from_sql(seq)?, snapshot, records })
    })
}

fn load_snapshot(db: &Connection, execution: i64) -> Result<Option<Snapshot>, StoreError> {
    let select = "SELECT seq, bytes FROM snapshot WHERE execution = ?1";
    let mut select = db.prepare_cached(select).map_err(sql)?;
    let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let found: Option<(i64, Vec<u8>)> = select.query_row([execution], read).optional().map_err(sql)?;
    found.map(|(seq, bytes)| Ok(Snapshot { seq: from_sql(seq)?, bytes: bytes.into() })).transpose()
}

fn load_records(db: &Connection, execution: i64, after: u64) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
    let select = "SELECT seq, bytes FROM record WHERE execution = ?1 AND seq > ?2 ORDER BY seq";
    let mut select = db.prepare_cached(select).map_err(sql)?;
    let mut rows = select.query(params![execution, to_sql(after)?]).map_err(sql)?;
    let mut records = Vec::new();
    while let Some(row) = rows.next().map_err(sql)? {
        records.push((from_sql(row.get(0).map_err(sql)?)?, row.get(1).map_err(sql)?));
    }
    Ok(records)
}

fn load_templates(db: &Connection, execution: i64) -> Result<Vec<PinnedTemplate>, StoreError> {
    // The outer join shows a text that is missing instead of leaving its template out.
    let select = "SELECT t.digest, p.name, p.version, t.text FROM pinned p LEFT JOIN template t ON t.num = p.template \
                  WHERE p.execution = ?1 ORDER BY p.place";
    let mut select = db.prepare_cached(select).map_err(sql)?;
    let read = |row: &Row<'_>| {
        let [digest, name, text] = [row.get::<_, String>(0)?, row.get(1)?, row.get(3)?];
        let version = row.get::<_, Option<String>>(2)?.map(Into::into);
        Ok(PinnedTemplate { digest: digest.into(), name: name.into(), version, text: text.into() })
    };
    let templates = select.query_map([execution], read).map_err(sql)?;
    templates.collect::<Result<_, _>>().map_err(sql)
}

impl Stored {
    pub(crate) fn decode(self) -> Result<Journal, StoreError> {
        let header: ExecutionHeader = serde_json::from_str(&self.header).map_err(corrupt)?;
        let header = ExecutionHeader { templates: self.templates, ..header };
        let mut next = self.snapshot.as_ref().map_or(0, |s| s.seq) + 1;
        let mut records = Vec::with_capacity(self.records.len());
        for (seq, bytes) in self.records {
            if seq != next {
                return Err(corrupt(format_args!("{}: record {next} is missing", header.id)));
            }
            next += 1;
            records.push(Record::decode_from(header.format, seq, &bytes)?);
        }
        if next != self.seq + 1 {
            return Err(corrupt(format_args!("{}: record {next} of {} is missing", header.id, self.seq)));
        }
        Ok(Journal { header, snapshot: self.snapshot, records })
    }
}

/// Runs a statement that gives no rows.
pub(crate) fn execute(db: &Connection, statement: &str, values: impl rusqlite::Params) -> Result<(), StoreError> {
    db.prepare_cached(statement).and_then(|mut s| s.execute(values)).map(drop).map_err(sql)
}
