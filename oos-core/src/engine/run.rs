//! Launch and resume of a driver.

use std::sync::{Arc, PoisonError};

use futures::channel::{mpsc, oneshot};

use super::{EngineError, ExecutionHandle, Inner, driver::Driver};
use crate::{
    ExecutionId, Limits, Template, TemplateName,
    machine::{ExecutionStatus, Input, Tree},
    plan::PlanSet,
    ports::{
        index::ExecutionQuery,
        store::{Epoch, ExecutionHeader, JOURNAL_FORMAT, StoreError},
    },
    source::SourceText,
};

/// Rows read at a time when unfinished executions are looked for.
const PAGE: usize = 500;

/// Spawns a driver over a tree; `first` are inputs that are applied before anything else.
pub(super) fn launch(
    inner: &Arc<Inner>,
    tree: Tree,
    header: ExecutionHeader,
    epoch: Epoch,
    seq: u64,
    first: Vec<Input>,
) -> ExecutionHandle {
    spawn(inner, tree, header, epoch, seq, |driver| driver.queue(first))
}

fn spawn(
    inner: &Arc<Inner>,
    tree: Tree,
    header: ExecutionHeader,
    epoch: Epoch,
    seq: u64,
    prepare: impl FnOnce(&mut Driver),
) -> ExecutionHandle {
    let (commands, receiver) = mpsc::unbounded();
    let (done, finished) = oneshot::channel();
    let id = header.id.clone();
    let handle = ExecutionHandle::new(id.clone(), seq, commands.clone(), finished);
    inner.live.lock().unwrap_or_else(PoisonError::into_inner).insert(id, handle.clone());
    let mut driver = Driver::new(inner.clone(), tree, header, epoch, seq, commands, receiver, done);
    prepare(&mut driver);
    inner.spawner.spawn(Box::pin(driver.run()));
    handle
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
    let epoch = inner.index.claim(id, &inner.owner, now, now + inner.lease).await?;
    let journal = inner.store.load(id).await?;
    let header = journal.header;
    if header.format > JOURNAL_FORMAT {
        return Err(StoreError::TooNew { found: header.format, known: JOURNAL_FORMAT }.into());
    }
    let (root, plans) = pinned(inner, &header)?;
    let mut tree = Tree::new(id.clone(), root, plans, inner.options.clone());
    let seq = journal.records.last().map_or(0, |r| r.seq);
    let mut replay = super::driver::Replay::default();
    for record in &journal.records {
        let mut input = (*record.input).clone();
        super::driver::unvault(inner, &mut input);
        replay.link(inner, &mut tree, &input);
        replay.apply(&mut tree, &input);
    }
    Ok(spawn(inner, tree, header, epoch, seq, |driver| driver.take_up(replay)))
}

/// The plans of the templates that were pinned when the execution started.
fn pinned(inner: &Arc<Inner>, header: &ExecutionHeader) -> Result<(Arc<crate::plan::Plan>, PlanSet), EngineError> {
    let mut plans = PlanSet::default();
    let mut root = None;
    for template in &header.templates {
        let name = (!template.name.is_empty()).then(|| TemplateName::new(template.name.clone()));
        let source = SourceText::new(template.name.clone(), template.text.clone());
        let parsed = Template::parse_source(source, &Limits::unlimited()).map_err(EngineError::Template)?;
        let plan = inner.plan(name.clone(), &parsed).map_err(EngineError::Template)?;
        if template.digest == header.digest && root.is_none() {
            root = Some(plan.clone());
        }
        match name {
            Some(name) => plans.insert(name, template.version.clone(), plan),
            None => plans.insert_anonymous(plan),
        }
    }
    let root =
        root.ok_or_else(|| StoreError::Corrupt(format!("{}: the root template is missing", header.id).into()))?;
    Ok((root, plans))
}
