//! What crosses the journal: replay after a restart, secrets on the way into a record and out of it, and references to
//! stored parameters that are bound late.

use std::{collections::BTreeMap, sync::Arc};

use super::{Driver, Inner};
use crate::{
    Map, Template, TemplateName, Value,
    expr::StoreReference,
    ids::{MachinePath, StepKey},
    machine::{Effect, Input, InputKind, SignalKind, StepResult, Tree},
    ports::{
        control::Purpose,
        parameter_store::{ParameterRef, ParameterValue},
        store::{PinnedTemplate, Record},
    },
    source::SourceText,
};

/// What was asked for: work without a purpose, a timer with one.
type Asked = (MachinePath, StepKey, Option<Purpose>);

/// Collects what is outstanding while a journal is applied again.
#[derive(Debug, Default)]
pub(crate) struct Replay {
    open: BTreeMap<Asked, Vec<(u64, Effect)>>,
    fetches: Vec<(u64, Effect)>,
    counter: u64,
}

impl Replay {
    /// Compiles a template that was found during the first run, from its pinned text.
    pub(crate) fn link(&mut self, inner: &Arc<Inner>, tree: &mut Tree, input: &Input) {
        let InputKind::Linked { result: Ok(pinned), .. } = &input.kind else { return };
        if let Some((plan, below)) = recompile(inner, pinned) {
            tree.add_plan(plan, below);
        }
    }

    /// Applies a recorded input and keeps its effects until something answers them.
    pub(crate) fn apply(&mut self, tree: &mut Tree, input: &Input) {
        self.answered(&input.kind);
        for effect in tree.apply(input).effects {
            self.counter += 1;
            let n = self.counter;
            match &effect {
                Effect::Emit { .. } => {}
                Effect::Fetch { .. } => self.fetches.push((n, effect)),
                Effect::Run { path, key, .. }
                | Effect::Link { path, key, .. }
                | Effect::Subscribe { path, key, .. } => {
                    self.open.entry((path.clone(), key.clone(), None)).or_default().push((n, effect));
                }
                Effect::Wake { path, key, purpose, .. } => {
                    self.open.entry((path.clone(), key.clone(), Some(*purpose))).or_default().push((n, effect));
                }
                Effect::Unwake { path, key } => {
                    self.open.retain(|(p, k, purpose), _| !(purpose.is_some() && p == path && k == key));
                }
                Effect::Unsubscribe { path, key } => {
                    self.open.remove(&(path.clone(), key.clone(), None));
                }
                // The work died with the process and must not run again; its grace is an outstanding timer.
                Effect::Stop { path, key } => {
                    self.open.remove(&(path.clone(), key.clone(), None));
                }
            }
        }
    }

    fn answered(&mut self, kind: &InputKind) {
        match kind {
            InputKind::Outcome { path, key, .. } | InputKind::Linked { path, key, .. } => {
                self.open.remove(&(path.clone(), key.clone(), None));
            }
            InputKind::Woke { path, key, purpose, .. } => {
                self.open.remove(&(path.clone(), key.clone(), Some(*purpose)));
            }
            InputKind::Fetched { values, missing } => {
                let came = |name: &ParameterRef| values.iter().any(|(n, _)| n == name) || missing.contains(name);
                self.fetches.retain(|(_, effect)| match effect {
                    Effect::Fetch { names } => !names.iter().all(came),
                    _ => false,
                });
            }
            InputKind::Started(_) | InputKind::Fired { .. } | InputKind::Signal(_) => {}
        }
    }

    /// The outstanding effects in the order in which they were asked for; work is marked as a repeat.
    pub(super) fn outstanding(self) -> Vec<(Effect, bool)> {
        let mut all: Vec<_> = self.open.into_values().flatten().chain(self.fetches).collect();
        all.sort_by_key(|(n, _)| *n);
        all.into_iter()
            .map(|(_, effect)| {
                let repeat = matches!(effect, Effect::Run { .. });
                (effect, repeat)
            })
            .collect()
    }
}

fn recompile(inner: &Arc<Inner>, pinned: &PinnedTemplate) -> Option<(Arc<crate::plan::Plan>, crate::plan::PlanSet)> {
    let source = SourceText::new(pinned.name.clone(), pinned.text.clone());
    let mut template = Template::parse_source(source, &crate::Limits::unlimited()).ok()?;
    // The digest of a template that was no text is not that of the text which it was printed as.
    template.digest = pinned.digest.clone();
    let name = (!pinned.name.is_empty()).then(|| TemplateName::new(pinned.name.clone()));
    let plan = inner.plan(name, &template).ok()?;
    let below = crate::plan::PlanSet::link(&plan, inner.environment.limits.template_depth, &mut |name, version| {
        inner.named_plan(name, version)
    });
    Some((plan, below.ok()?))
}

impl Driver {
    /// Learns the values of NoEcho parameters as soon as they are bound.
    pub(super) fn learn_secrets(&mut self) {
        for machine in self.tree.machines() {
            for value in machine.secrets() {
                self.redactor.learn(value);
            }
        }
    }

    /// Replaces secrets by handles of the vault on the way into the journal.
    pub(super) fn vault(&self, records: &mut [Record]) {
        if self.redactor.is_empty() {
            return;
        }
        let secrets = self.tree.machines().flat_map(crate::machine::Machine::secrets).cloned().collect::<Vec<_>>();
        for record in records {
            let mut input = (*record.input).clone();
            let mut changed = false;
            map_values(&mut input, &mut |value| {
                let hidden = hide(value, &secrets, &mut |n, secret| {
                    let handle = format!("{}/{n}", self.header.id);
                    self.inner.vault.put(&handle, secret.clone());
                    format!("{VAULT}{handle}")
                });
                changed |= hidden != *value;
                hidden
            });
            if changed {
                record.input = Arc::new(input);
            }
        }
    }
}

/// Marks a handle of the vault in a record.
const VAULT: &str = "\u{1}vault:";

/// Puts secrets back in the place of their handles; a lost one becomes the mask, which no constraint accepts silently.
pub(crate) fn unvault(inner: &Arc<Inner>, input: &mut Input) {
    map_values(input, &mut |value| reveal(inner, value));
}

fn reveal(inner: &Arc<Inner>, value: &Value) -> Value {
    match value {
        Value::String(text) => match text.strip_prefix(VAULT) {
            Some(handle) => inner.vault.get(handle).unwrap_or_else(|| Value::from(crate::engine::MASK)),
            None => value.clone(),
        },
        Value::List(list) => list.iter().map(|v| reveal(inner, v)).collect(),
        Value::Map(map) => Value::from(map.iter().map(|(k, v)| (k.clone(), reveal(inner, v))).collect::<Map>()),
        other => other.clone(),
    }
}

fn hide(value: &Value, secrets: &[Value], put: &mut dyn FnMut(usize, &Value) -> String) -> Value {
    if let Some(n) = secrets.iter().position(|s| s == value && !s.is_null()) {
        return Value::from(put(n, value));
    }
    match value {
        Value::List(list) => list.iter().map(|v| hide(v, secrets, put)).collect(),
        Value::Map(map) => Value::from(map.iter().map(|(k, v)| (k.clone(), hide(v, secrets, put))).collect::<Map>()),
        // Text that contains a secret goes into the vault whole.
        Value::String(text) if secrets.iter().any(|s| s.as_str().is_some_and(|s| s.len() >= 4 && text.contains(s))) => {
            Value::from(put(secrets.len() + text.len(), value))
        }
        other => other.clone(),
    }
}

/// Calls `change` on every value in an input.
fn map_values(input: &mut Input, change: &mut dyn FnMut(&Value) -> Value) {
    match &mut input.kind {
        InputKind::Started(started) => {
            started.parameters = change(&started.parameters);
            for step in &mut started.kept.steps {
                step.outputs = change(&step.outputs);
                step.document = change(&step.document);
            }
        }
        InputKind::Outcome { result, .. } => match result {
            StepResult::Done { outputs, document } => {
                outputs.iter_mut().for_each(|v| *v = change(v));
                *document = change(document);
            }
            StepResult::NotYet { observed, .. } => *observed = change(observed),
            StepResult::Failed(_) | StepResult::Stopped => {}
        },
        InputKind::Fetched { values, .. } => values.iter_mut().for_each(|(_, v)| *v = change(v)),
        InputKind::Fired { message, .. } => *message = change(message),
        InputKind::Signal(signal) => match &mut signal.kind {
            SignalKind::ExecuteTask { parameters } | SignalKind::UpdateParameters { parameters } => {
                *parameters = change(parameters);
            }
            SignalKind::Trigger { message } => *message = change(message),
            _ => {}
        },
        InputKind::Woke { .. } | InputKind::Linked { .. } => {}
    }
}

/// References to stored parameters that are still in evaluated properties: they came in with parameter values and
/// are bound just before the action runs. Command text that the remote side expands is left alone.
pub(super) fn late_references(properties: &Value) -> Vec<StoreReference> {
    let mut names = Vec::new();
    // Hardly any properties hold one: look before keeping track of places.
    if !has_reference(properties) {
        return names;
    }
    visit(properties, &mut Vec::new(), &mut |path, text| {
        if !expanded_remotely(properties, path) {
            names.extend(crate::expr::store_references(text).into_iter().map(|(_, reference)| reference));
        }
    });
    names.sort();
    names.dedup();
    names
}

/// The properties with these values in the place of their references.
pub(super) fn bind_late(properties: &Value, found: &[ParameterValue]) -> Value {
    replace(properties, properties, &mut Vec::new(), found)
}

/// `CommandContent` of a command with `EnableParameter` is expanded inside the instance (template-language 2.5 c).
fn expanded_remotely(properties: &Value, path: &[Arc<str>]) -> bool {
    let [.., parent, last] = path else { return false };
    let enabled = properties.at(&[parent, "EnableParameter"]);
    last.eq_ignore_ascii_case("CommandContent") && enabled.to_text().eq_ignore_ascii_case("true")
}

fn has_reference(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains("{{"),
        Value::List(list) => list.iter().any(has_reference),
        Value::Map(map) => map.iter().any(|(_, value)| has_reference(value)),
        _ => false,
    }
}

fn visit(value: &Value, path: &mut Vec<Arc<str>>, found: &mut dyn FnMut(&[Arc<str>], &str)) {
    match value {
        Value::String(text) => found(path, text),
        Value::List(list) => list.iter().for_each(|v| visit(v, path, found)),
        Value::Map(map) => {
            for (key, value) in map.iter() {
                path.push(key.clone());
                visit(value, path, found);
                path.pop();
            }
        }
        _ => {}
    }
}

fn replace(root: &Value, value: &Value, path: &mut Vec<Arc<str>>, found: &[ParameterValue]) -> Value {
    match value {
        Value::String(text) if text.contains("{{") && !expanded_remotely(root, path) => bind_text(text, found),
        Value::List(list) => list.iter().map(|v| replace(root, v, path, found)).collect(),
        Value::Map(map) => {
            let mut bound = Map::with_capacity(map.len());
            for (key, value) in map.iter() {
                path.push(key.clone());
                bound.insert(key.clone(), replace(root, value, path, found));
                path.pop();
            }
            Value::from(bound)
        }
        other => other.clone(),
    }
}

/// A whole reference keeps the type of its value; an embedded one becomes text.
fn bind_text(text: &str, found: &[ParameterValue]) -> Value {
    let references = crate::expr::store_references(text);
    let value =
        |r: &StoreReference| found.iter().find(|v| v.reference == *r).map(|v| v.value.clone()).unwrap_or_default();
    if let [(range, reference)] = references.as_slice()
        && text.get(range.clone()) == Some(text.trim())
    {
        return value(reference);
    }
    let mut bound = String::with_capacity(text.len());
    let mut at = 0;
    for (range, reference) in references {
        bound.push_str(text.get(at..range.start).unwrap_or(""));
        bound.push_str(&value(&reference).to_text());
        at = range.end;
    }
    bound.push_str(text.get(at..).unwrap_or(""));
    Value::from(bound)
}
