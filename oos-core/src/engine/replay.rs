//! A tree from its journal: the newest snapshot and the records after it, applied again.

use std::{collections::BTreeSet, sync::Arc};

use super::{EngineError, Inner, secrets};
use crate::{
    Limits, Template, TemplateName,
    diagnostic::Diagnostics,
    machine::{Applied, Effect, Input, InputKind, SavedTree, Secret, Tree},
    plan::{Plan, PlanSet},
    ports::{
        ExecutionEvent,
        store::{ExecutionHeader, JOURNAL_FORMAT, Journal, LinkedTemplate, PinnedTemplate, StoreError},
    },
    source::SourceText,
};

/// Starts a handle inside JSON text.
const ESCAPED_HANDLE: &[u8] = b"\\u0001vault";

/// A tree that was built again.
pub(super) struct Replayed {
    pub(super) tree: Tree,
    /// Number of the last record.
    pub(super) seq: u64,
    /// Handles of secrets that the vault has lost. The tree is not to be trusted when there are any.
    pub(super) lost: BTreeSet<String>,
}

/// Builds the tree again; `each` sees what every record did.
pub(super) fn replay(
    inner: &Arc<Inner>,
    journal: &Journal,
    each: &mut dyn FnMut(&Input, &mut Tree, Applied),
) -> Result<Replayed, EngineError> {
    let header = &journal.header;
    if header.format > JOURNAL_FORMAT {
        return Err(StoreError::TooNew { found: header.format, known: JOURNAL_FORMAT }.into());
    }
    let (root, plans) = pinned(inner, header)?;
    let mut tree = Tree::new(header.id.clone(), root, plans, inner.options.clone());
    let mut lost = BTreeSet::new();
    let mut seq = 0;
    if let Some(snapshot) = &journal.snapshot {
        restore(inner, &mut tree, &snapshot.bytes, &mut lost)?;
        seq = snapshot.seq;
    }
    for record in &journal.records {
        let mut input = (*record.input).clone();
        secrets::reveal_input(&*inner.vault, &mut input, &mut lost);
        if let InputKind::Linked { result: Ok(linked), .. } = &input.kind {
            add_linked(inner, &mut tree, linked);
        }
        let applied = tree.apply(&input);
        seq = record.seq;
        each(&input, &mut tree, applied);
    }
    Ok(Replayed { tree, seq, lost })
}

/// Events that may not have been told before a crash: those of the last instant.
#[derive(Debug, Default)]
pub(super) struct Untold {
    /// Saved with the snapshot, when nothing came after it.
    pub(super) saved: Vec<ExecutionEvent>,
    /// Of the last records.
    pub(super) replayed: Vec<Effect>,
}

/// The tree of a journal, and what may not have been told.
pub(super) fn take_up(inner: &Arc<Inner>, journal: &Journal) -> Result<(Replayed, Untold), EngineError> {
    let mut untold = Untold::default();
    let last = journal.records.last().map(|r| r.input.at);
    if let (None, Some(snapshot)) = (last, &journal.snapshot) {
        untold.saved = SavedTree::decode(&snapshot.bytes)?.beside().events.clone();
    }
    let replayed = replay(inner, journal, &mut |input, _, applied| {
        if Some(input.at) == last {
            untold.replayed.extend(applied.effects.into_iter().filter(|e| matches!(e, Effect::Emit { .. })));
        }
    })?;
    Ok((replayed, untold))
}

fn restore(inner: &Arc<Inner>, tree: &mut Tree, bytes: &[u8], lost: &mut BTreeSet<String>) -> Result<(), EngineError> {
    let saved = SavedTree::decode(bytes)?;
    for linked in saved.linked() {
        add_linked(inner, tree, linked);
    }
    // One of a child that has ended is needed for masking only, so none of these is missed when it is lost.
    let ended = saved.beside().secrets.iter().filter_map(|handle| {
        let value = inner.vault.get(handle)?;
        Some(Secret { handle: handle.clone(), value })
    });
    let ended: Vec<_> = ended.collect();
    saved.restore(tree)?;
    if bytes.windows(ESCAPED_HANDLE.len()).any(|w| w == ESCAPED_HANDLE) {
        tree.map_values(&mut |value| secrets::reveal(&*inner.vault, value, lost));
    }
    tree.tell_secrets();
    ended.into_iter().for_each(|secret| tree.tell_secret(secret));
    Ok(())
}

/// Compiles a template that was found during the first run, and those below it, from their pinned texts.
fn add_linked(inner: &Arc<Inner>, tree: &mut Tree, linked: &LinkedTemplate) {
    let Ok(plan) = compile(inner, &linked.template) else { return };
    let mut below = PlanSet::default();
    for template in &linked.below {
        if let Ok(plan) = compile(inner, template) {
            below.insert(TemplateName::new(template.name.clone()), template.version.clone(), plan);
        }
    }
    tree.add_plan(plan, below);
}

/// Compiles a pinned text.
fn compile(inner: &Arc<Inner>, pinned: &PinnedTemplate) -> Result<Arc<Plan>, Diagnostics> {
    let source = SourceText::new(pinned.name.clone(), pinned.text.clone());
    let mut template = Template::parse_source(source, &Limits::unlimited())?;
    // The digest of a template that was no text is not that of the text which it was printed as.
    template.digest = pinned.digest.clone();
    inner.plan((!pinned.name.is_empty()).then(|| TemplateName::new(pinned.name.clone())), &template)
}

/// The text of a plan's template, to compile it again after a restart.
pub(super) fn pin(name: Option<&TemplateName>, version: Option<&Arc<str>>, plan: &Plan) -> PinnedTemplate {
    PinnedTemplate {
        digest: plan.digest.clone(),
        name: name.map_or_else(|| "".into(), |n| n.text().clone()),
        version: version.cloned(),
        text: plan.source.as_ref().map_or_else(|| "".into(), |s| s.text.clone()),
    }
}

/// The texts of linked plans.
pub(super) fn pin_all(plans: &PlanSet) -> impl Iterator<Item = PinnedTemplate> {
    plans.iter().map(|(name, version, plan)| pin(Some(name), version, plan))
}

/// The plan of the root.
pub(super) fn root_plan(inner: &Arc<Inner>, header: &ExecutionHeader) -> Result<Arc<Plan>, EngineError> {
    pinned(inner, header).map(|(root, _)| root)
}

/// The plans of the templates that were pinned when the execution started.
fn pinned(inner: &Arc<Inner>, header: &ExecutionHeader) -> Result<(Arc<Plan>, PlanSet), EngineError> {
    let mut plans = PlanSet::default();
    let mut root = None;
    for template in &header.templates {
        let plan = compile(inner, template).map_err(EngineError::Template)?;
        if template.digest == header.digest && root.is_none() {
            root = Some(plan.clone());
        }
        match plan.name.clone() {
            Some(name) => plans.insert(name, template.version.clone(), plan),
            None => plans.insert_anonymous(plan),
        }
    }
    let root =
        root.ok_or_else(|| StoreError::Corrupt(format!("{}: the root template is missing", header.id).into()))?;
    Ok((root, plans))
}
