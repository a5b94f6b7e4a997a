//! Rows of the index, and queries over them.
//!
//! `ExecutionQuery::matches` and `::sort` of oos-core say what a query means. The columns are made so that SQL gives
//! the same answer without reading rows that are not asked for: folded texts where case does not count, one row per
//! tag, and binary order everywhere. A test compares both over many queries.

use oos_core::{
    Timestamp, Value,
    ports::{
        index::{ExecutionQuery, Page, Summary},
        store::StoreError,
    },
};
use rusqlite::{Connection, OptionalExtension, params, params_from_iter, types::Value as Sql};

use crate::{
    error::{corrupt, sql, to_sql},
    journal::execute,
    readers,
};

/// Rows of a page when the query names no limit; the memory store's number.
const PAGE: usize = 50;

/// A row with its JSON.
pub(crate) struct Encoded {
    row: Summary,
    order: i64,
    json: String,
    tags: String,
}

impl Encoded {
    pub(crate) fn new(row: Summary) -> Result<Self, StoreError> {
        let json = serde_json::to_string(&row).map_err(corrupt)?;
        let tags = serde_json::to_string(&row.tags).map_err(corrupt)?;
        Ok(Self { order: to_sql(row.order)?, json, tags, row })
    }

    fn is_root(&self) -> bool {
        self.row.id == self.row.root
    }

    /// When the root ended, if this is the row of a root that has.
    pub(crate) fn ended(&self) -> Option<Timestamp> {
        let ended = self.is_root() && self.row.status.is_final();
        ended.then(|| self.row.end.unwrap_or(self.row.update))
    }

    /// Writes the row over an older one.
    pub(crate) fn keep(&self, db: &Connection) -> Result<(), StoreError> {
        let (num, tags) = match find(db, self.row.id.as_str())? {
            Some((num, tags)) => (Some(num), tags),
            None => (None, "null".to_owned()),
        };
        self.upsert(db, num)?;
        let num = num.unwrap_or_else(|| db.last_insert_rowid());
        if tags != self.tags {
            self.keep_tags(db, num)?;
        }
        if self.is_root() {
            let ended = self.ended().map(Timestamp::as_millis);
            execute(db, "UPDATE execution SET ended = ?2 WHERE id = ?1", params![self.row.id.as_str(), ended])?;
        }
        Ok(())
    }

    fn upsert(&self, db: &Connection, num: Option<i64>) -> Result<(), StoreError> {
        const UPSERT: &str = "\
            INSERT INTO summary (num, id, root, is_root, parent, status, template, category, start, ord, tags, row) \
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) \
            ON CONFLICT (id) DO UPDATE SET root = excluded.root, is_root = excluded.is_root, \
            parent = excluded.parent, status = excluded.status, template = excluded.template, \
            category = excluded.category, start = excluded.start, ord = excluded.ord, tags = excluded.tags, \
            row = excluded.row";
        let row = &self.row;
        let values = params![
            num,
            row.id.as_str(),
            row.root.as_str(),
            self.is_root(),
            row.parent.as_ref().map(|p| p.as_str()),
            row.status.as_str(),
            row.template_name.as_ref().map(|n| n.to_lowercase()),
            row.category.to_ascii_lowercase(),
            row.start.as_millis(),
            self.order,
            self.tags,
            self.json,
        ];
        execute(db, UPSERT, values)
    }

    fn keep_tags(&self, db: &Connection, num: i64) -> Result<(), StoreError> {
        execute(db, "DELETE FROM tag WHERE summary = ?1", [num])?;
        for (key, value) in self.row.tags.as_map().into_iter().flat_map(oos_core::Map::iter) {
            let insert = "INSERT INTO tag (summary, key, value) VALUES (?1, ?2, ?3)";
            execute(db, insert, params![num, &**key, &*value.to_text()])?;
        }
        Ok(())
    }
}

fn find(db: &Connection, id: &str) -> Result<Option<(i64, String)>, StoreError> {
    let mut select = db.prepare_cached("SELECT num, tags FROM summary WHERE id = ?1").map_err(sql)?;
    select.query_row([id], |row| Ok((row.get(0)?, row.get(1)?))).optional().map_err(sql)
}

/// A page as it lies in the file.
pub(crate) struct Stored {
    rows: Vec<String>,
    total: i64,
}

impl Stored {
    pub(crate) fn decode(self) -> Result<Page<Summary>, StoreError> {
        let rows = self.rows.iter().map(|json| serde_json::from_str(json).map_err(corrupt));
        let total = usize::try_from(self.total).map_err(corrupt)?;
        Ok(Page { rows: rows.collect::<Result<_, _>>()?, total })
    }
}

/// Conditions of a query and the values in them.
#[derive(Default)]
struct Filter {
    conditions: Vec<String>,
    values: Vec<Sql>,
}

impl Filter {
    fn of(query: &ExecutionQuery) -> Self {
        let mut filter = Self::default();
        let equal = [("id", &query.id), ("parent", &query.parent), ("root", &query.root)];
        let asked_for = equal.iter().any(|(_, wanted)| wanted.is_some());
        if !asked_for && !query.include_children {
            filter.conditions.push("is_root = 1".to_owned());
        }
        for (column, wanted) in equal {
            if let Some(wanted) = wanted {
                filter.add(&format!("{column} = ?"), [wanted.as_str()]);
            }
        }
        if !query.status.is_empty() {
            let marks = vec!["?"; query.status.len()].join(", ");
            filter.add(&format!("status IN ({marks})"), query.status.iter().map(|s| s.as_str()));
        }
        if let Some(category) = &query.category {
            filter.add("category = ?", [&*category.to_ascii_lowercase()]);
        }
        if let Some(part) = &query.template_name {
            filter.add("instr(template, ?) > 0", [&*part.to_lowercase()]);
        }
        filter.add_tags(&query.tags);
        filter
    }

    fn add<'v>(&mut self, condition: &str, values: impl IntoIterator<Item = &'v str>) {
        self.conditions.push(condition.to_owned());
        self.values.extend(values.into_iter().map(|v| Sql::from(v.to_owned())));
    }

    fn add_tags(&mut self, tags: &Value) {
        for (key, value) in tags.as_map().into_iter().flat_map(oos_core::Map::iter) {
            let tagged = "num IN (SELECT summary FROM tag WHERE key = ? AND value = ?)";
            self.add(tagged, [&**key, &*value.to_text()]);
        }
    }

    fn text(&self) -> String {
        if self.conditions.is_empty() { String::new() } else { format!(" WHERE {}", self.conditions.join(" AND ")) }
    }
}

fn order(query: &ExecutionQuery) -> &'static str {
    match (query.parent.is_some(), query.ascending) {
        (true, _) => "ord, id",
        (false, true) => "start, id",
        (false, false) => "start DESC, id DESC",
    }
}

/// One page of the rows that match, and how many there are.
pub(crate) fn list(db: &Connection, query: &ExecutionQuery) -> Result<Stored, StoreError> {
    let filter = Filter::of(query);
    let limit = if query.limit == 0 { PAGE } else { query.limit };
    let clamp = |n: usize| Sql::from(i64::try_from(n).unwrap_or(i64::MAX));
    readers::consistent(db, |db| {
        let count = format!("SELECT count(*) FROM summary{}", filter.text());
        let mut count = db.prepare_cached(&count).map_err(sql)?;
        let total = count.query_row(params_from_iter(&filter.values), |row| row.get(0)).map_err(sql)?;
        let select = format!("SELECT row FROM summary{} ORDER BY {} LIMIT ? OFFSET ?", filter.text(), order(query));
        let mut select = db.prepare_cached(&select).map_err(sql)?;
        let values = filter.values.iter().cloned().chain([clamp(limit), clamp(query.offset)]);
        let rows = select.query_map(params_from_iter(values), |row| row.get(0)).map_err(sql)?;
        Ok(Stored { rows: rows.collect::<Result<_, _>>().map_err(sql)?, total })
    })
}
