//! A tree from its journal: the newest snapshot and the records after it, applied again.

use std::{collections::BTreeSet, sync::Arc};

use super::{EngineError, Inner, secrets};
use crate::{
    Limits, Template, TemplateName,
    machine::{Applied, Input, InputKind, SavedTree, Tree},
    plan::{Plan, PlanSet},
    ports::store::{ExecutionHeader, JOURNAL_FORMAT, Journal, PinnedTemplate, StoreError},
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
        link(inner, &mut tree, &input);
        let applied = tree.apply(&input);
        seq = record.seq;
        each(&input, &mut tree, applied);
    }
    Ok(Replayed { tree, seq, lost })
}

fn restore(inner: &Arc<Inner>, tree: &mut Tree, bytes: &[u8], lost: &mut BTreeSet<String>) -> Result<(), EngineError> {
    let saved = SavedTree::decode(bytes)?;
    for template in saved.linked() {
        if let Some((plan, below)) = recompile(inner, template) {
            tree.add_plan(plan, below);
        }
    }
    saved.restore(tree)?;
    if bytes.windows(ESCAPED_HANDLE.len()).any(|w| w == ESCAPED_HANDLE) {
        tree.map_values(&mut |value| secrets::reveal(&*inner.vault, value, lost));
    }
    tree.tell_secrets();
    Ok(())
}

/// Compiles a template that was found during the first run, from its pinned text.
fn link(inner: &Arc<Inner>, tree: &mut Tree, input: &Input) {
    let InputKind::Linked { result: Ok(pinned), .. } = &input.kind else { return };
    if let Some((plan, below)) = recompile(inner, pinned) {
        tree.add_plan(plan, below);
    }
}

fn recompile(inner: &Arc<Inner>, pinned: &PinnedTemplate) -> Option<(Arc<Plan>, PlanSet)> {
    let source = SourceText::new(pinned.name.clone(), pinned.text.clone());
    let mut template = Template::parse_source(source, &Limits::unlimited()).ok()?;
    // The digest of a template that was no text is not that of the text which it was printed as.
    template.digest = pinned.digest.clone();
    let name = (!pinned.name.is_empty()).then(|| TemplateName::new(pinned.name.clone()));
    let plan = inner.plan(name, &template).ok()?;
    let below = PlanSet::link(&plan, inner.environment.limits.template_depth, &mut |name, version| {
        inner.named_plan(name, version)
    });
    Some((plan, below.ok()?))
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
