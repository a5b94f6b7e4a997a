//! The tree of an execution at any time, running or ended: folded from what its journal tells.

use std::{collections::BTreeMap, sync::Arc};

use super::{Engine, EngineError, Inner, execution_row, watch::past};
use crate::{
    ExecutionId, Map, Value,
    ports::{
        index::{ExecutionQuery, Summary},
        store::StoreError,
    },
    view::Trace,
};

/// Rows read from the index at a time. CHOICE: few enough to hold, many enough to be quick.
const CHUNK: usize = 500;

impl Engine {
    /// The trace of the run that an execution belongs to, as far as its journal still tells it: what a snapshot of the
    /// store has dropped is missing. Calls and progress are no part of the record, so they are not in it.
    ///
    /// # Errors
    /// What the store says.
    pub async fn trace(&self, id: &ExecutionId) -> Result<Option<Trace>, EngineError> {
        Ok(traced(&self.inner, id).await?.map(|(trace, _)| trace))
    }

    /// An execution, root or child, with everything below it and the service's field names:
    /// [`ExecutionTrace::snapshot`](crate::view::ExecutionTrace::snapshot), and in each execution the fields of its row,
    /// `Parameters`, `Mode`, `RamRole` and others. `None` when there is none, or its records were dropped.
    ///
    /// # Errors
    /// What the store says.
    pub async fn snapshot(&self, id: &ExecutionId) -> Result<Option<Value>, EngineError> {
        let Some((trace, root)) = traced(&self.inner, id).await? else { return Ok(None) };
        let Some(execution) = trace.execution(id) else { return Ok(None) };
        let rows = rows_of(&self.inner, &root).await?;
        Ok(Some(with_rows(execution.snapshot(), &rows)))
    }
}

/// The row of an execution.
pub(super) async fn row_of(inner: &Inner, id: &ExecutionId) -> Result<Option<Summary>, EngineError> {
    let query = ExecutionQuery { id: Some(id.clone()), limit: 1, ..ExecutionQuery::default() };
    Ok(inner.index.list(&query).await?.rows.into_iter().next())
}

/// The trace of a run and its root.
pub(super) async fn traced(inner: &Arc<Inner>, id: &ExecutionId) -> Result<Option<(Trace, ExecutionId)>, EngineError> {
    let Some(row) = row_of(inner, id).await? else { return Ok(None) };
    let journal = match inner.store.history(&row.root).await {
        Ok(journal) => journal,
        Err(StoreError::NotFound(_)) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let mut trace = Trace::from_events(&past(inner, &journal, 1)?.events);
    trace.advance(inner.clock.now());
    Ok(Some((trace, row.root)))
}

async fn rows_of(inner: &Inner, root: &ExecutionId) -> Result<BTreeMap<ExecutionId, Summary>, EngineError> {
    let mut rows = BTreeMap::new();
    let mut query =
        ExecutionQuery { root: Some(root.clone()), include_children: true, limit: CHUNK, ..ExecutionQuery::default() };
    loop {
        let page = inner.index.list(&query).await?;
        query.offset += page.rows.len();
        let last = page.rows.is_empty() || query.offset >= page.total;
        rows.extend(page.rows.into_iter().map(|row| (row.id.clone(), row)));
        if last {
            return Ok(rows);
        }
    }
}

/// The same tree with the fields of the rows in its executions; what the tree itself says stays.
fn with_rows(value: Value, rows: &BTreeMap<ExecutionId, Summary>) -> Value {
    match value {
        Value::Map(map) => {
            let is_execution = map.get("TaskExecutionId").is_none();
            let id = map.get("ExecutionId").filter(|_| is_execution).map(Value::to_text);
            let row = id.and_then(|id| rows.get(&ExecutionId::new(id)));
            let mut fields = row.map(execution_row).and_then(|row| row.as_map().cloned()).unwrap_or_default();
            fields.retain(|_, member| !member.is_null());
            let counters = fields.get("Counters").cloned();
            for (key, member) in map.iter() {
                let below = matches!(&**key, "TaskExecutions" | "Executions");
                fields.insert(key.clone(), if below { with_rows(member.clone(), rows) } else { member.clone() });
            }
            // The row counts the tasks that were not reached as well.
            counters.into_iter().for_each(|counters| _ = fields.insert("Counters", counters));
            Value::from(Map::from_iter(fields))
        }
        Value::List(list) => list.iter().map(|member| with_rows(member.clone(), rows)).collect(),
        other => other,
    }
}
