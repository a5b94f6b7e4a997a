//! Launch and resume of a driver.

use std::sync::{Arc, PoisonError};

use futures::channel::{mpsc, oneshot};

use super::{
    EngineError, ExecutionHandle, Inner,
    driver::{Driver, Wires},
    leases::lease_end,
    places::Place,
    replay::take_up,
    withheld::Withheld,
};
use crate::{
    ExecutionId,
    machine::{ExecutionStatus, Input, Tree},
    ports::{
        index::ExecutionQuery,
        store::{Epoch, ExecutionHeader, StoreError},
    },
};

/// Rows read at a time when unfinished executions are looked for.
const PAGE: usize = 500;

/// Makes the start durable, then spawns a driver.
pub(super) async fn launch(
    inner: &Arc<Inner>,
    tree: Tree,
    header: ExecutionHeader,
    epoch: Epoch,
    first: Input,
    place: Option<Place>,
) -> Result<ExecutionHandle, StoreError> {
    let (commands, receiver) = mpsc::unbounded();
    let (done, finished) = oneshot::channel();
    let handle = ExecutionHandle::new(header.id.clone(), 0, commands.clone(), finished, Arc::downgrade(inner));
    let wires = Wires { commands, receiver, done };
    let mut driver = Box::new(Driver::new(inner.clone(), tree, header, epoch, 0, wires));
    driver.begin(first).await?;
    driver.with_place(place);
    spawn(inner, driver, &handle);
    Ok(handle)
}

fn register(inner: &Arc<Inner>, handle: &ExecutionHandle) {
    inner.live.lock().unwrap_or_else(PoisonError::into_inner).insert(handle.id().clone(), handle.clone());
    inner.keep_leases();
}

fn spawn(inner: &Arc<Inner>, driver: Box<Driver>, handle: &ExecutionHandle) {
    register(inner, handle);
    inner.spawner.spawn(Box::pin(driver.run()));
}

/// Ids of executions that have not ended.
pub(super) async fn unfinished(inner: &Arc<Inner>) -> Result<Vec<ExecutionId>, EngineError> {
    let status =
        vec![ExecutionStatus::Started, ExecutionStatus::Queued, ExecutionStatus::Running, ExecutionStatus::Waiting];
    let mut query = ExecutionQuery { status, limit: PAGE, ascending: true, ..ExecutionQuery::default() };
    let mut ids = Vec::new();
    loop {
        let page = inner.index.list(&query).await?;
        ids.extend(page.rows.iter().map(|row| row.id.clone()));
        query.offset += page.rows.len();
        if page.rows.is_empty() || query.offset >= page.total {
            return Ok(ids);
        }
    }
}

/// Rebuilds the tree from its journal and drives it on.
pub(super) async fn resume(inner: &Arc<Inner>, id: &ExecutionId) -> Result<ExecutionHandle, EngineError> {
    let now = inner.clock.now();
    let epoch = inner.index.claim(id, &inner.owner, now, lease_end(now)).await?;
    let journal = inner.store.load(id).await?;
    if journal.records.is_empty() && journal.snapshot.is_none() {
        return Err(StoreError::Refused(
            format!("{id} never began: its first record is missing; start it again").into(),
        )
        .into());
    }
    let (commands, receiver) = mpsc::unbounded();
    let (done, finished) = oneshot::channel();
    let (replayed, untold) = take_up(inner, &journal)?;
    let handle = ExecutionHandle::new(id.clone(), replayed.seq, commands.clone(), finished, Arc::downgrade(inner));
    let wires = Wires { commands, receiver, done };
    if !replayed.lost.is_empty() {
        let waiting = Withheld::new(inner.clone(), journal, epoch, replayed.seq, replayed.lost, wires);
        waiting.tell().await?;
        register(inner, &handle);
        inner.spawner.spawn(Box::pin(waiting.run()));
        return Ok(handle);
    }
    let header = journal.header.clone();
    let mut driver = Driver::new(inner.clone(), replayed.tree, header, epoch, replayed.seq, wires);
    driver.take_up(&journal, untold);
    spawn(inner, Box::new(driver), &handle);
    Ok(handle)
}
