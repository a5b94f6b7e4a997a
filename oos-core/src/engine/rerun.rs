//! Re-run: a new execution that keeps what an earlier one has finished (machine.md 9, durability.md 5).

use std::fmt::Write as _;

use super::{Engine, EngineError, ExecutionHandle, StartOptions, replay::replay};
use crate::{
    ExecutionId, Limits, Template, Value,
    machine::{ExecutionStatus, Kept, RerunFrom},
    ports::store::{ExecutionHeader, StoreError},
    source::SourceText,
    template::Task,
};

/// How to run an execution again.
#[derive(Clone, Debug, Default)]
pub struct RerunOptions {
    /// Where it begins.
    pub from: RerunFrom,
    /// A newer template; its tasks that are kept must be as they were. The template of the first run by default.
    pub template: Option<Template>,
    /// Id of the new execution; made by the id source when empty.
    pub id: Option<ExecutionId>,
    /// Who runs it again; who started the first one by default.
    pub executed_by: Option<String>,
}

/// Differences that a message shows at most.
const SHOWN: usize = 10;

impl Engine {
    /// Runs an ended execution again as a new one, with the same parameters: tasks that have finished keep their
    /// outputs, items of a failed loop that have succeeded do not run again, and failed children go on from their failed
    /// task.
    ///
    /// # Errors
    /// [`EngineError::Rerun`] when it has not ended, there is nothing to run again, or a newer template has changed a
    /// task that is kept; else as [`Engine::start`].
    pub async fn rerun(&self, id: &ExecutionId, options: RerunOptions) -> Result<ExecutionHandle, EngineError> {
        let journal = self.inner.store.load(id).await?;
        let replayed = replay(&self.inner, &journal, &mut |_, _, _| {})?;
        let refuse = |message: String| EngineError::Rerun { id: id.clone(), message };
        if !replayed.lost.is_empty() {
            let names = replayed.lost.into_iter().collect::<Vec<_>>().join(", ");
            return Err(refuse(format!("values of secrets were lost: {names}")));
        }
        let root = replayed.tree.root().filter(|_| replayed.tree.ended().is_some());
        let root = root.ok_or_else(|| refuse("it has not ended".to_owned()))?;
        let succeeded = replayed.tree.ended().is_some_and(|e| e.status == ExecutionStatus::Success);
        if succeeded && options.from == RerunFrom::Failed {
            return Err(refuse("it has succeeded; say from which task to run it again".to_owned()));
        }
        let kept = root.leaves(&options.from).map_err(refuse)?;
        let before = first_template(&journal.header)?;
        let changes = options.template.as_ref().map(|after| differences(&before, after, &kept)).unwrap_or_default();
        if !changes.is_empty() {
            return Err(refuse(format!("tasks that are kept have changed:\n{changes}")));
        }
        let started = root.started_with();
        let variable =
            |name: &str| started.variables.get(name).filter(|v| !v.is_null()).map(|v| v.to_text().to_string());
        let header = journal.header;
        let start = StartOptions {
            template_name: header.template_name.map(Into::into),
            mode: started.mode,
            safety_check: started.safety_check,
            loop_mode: started.loop_mode,
            forgive_handled: started.forgive_handled,
            region: variable("RegionId"),
            executed_by: options.executed_by.or_else(|| header.executed_by.map(|by| by.to_string())),
            description: header.description.map(|d| d.to_string()),
            tags: header.tags,
            id: options.id,
            parent: header.parent,
            kept,
            rerun_of: Some(id.clone()),
        };
        self.start_with(options.template.as_ref().unwrap_or(&before), started.parameters, start).await
    }
}

/// The root template as it was pinned.
fn first_template(header: &ExecutionHeader) -> Result<Template, EngineError> {
    let pinned = header.templates.iter().find(|t| t.digest == header.digest);
    let missing = || StoreError::Corrupt(format!("{}: the root template is missing", header.id).into());
    let pinned = pinned.ok_or_else(missing)?;
    let source = SourceText::new(pinned.name.clone(), pinned.text.clone());
    Template::parse_source(source, &Limits::unlimited()).map_err(EngineError::Template)
}

/// How the tasks that are kept differ, one line each; empty when they do not.
fn differences(before: &Template, after: &Template, kept: &Kept) -> String {
    let mut text = String::new();
    let root = kept.steps.iter().filter(|k| k.path.is_root());
    let mut names: Vec<_> = root.map(|k| (k.task.clone(), k.item.is_none())).collect();
    names.sort();
    names.dedup();
    let mut lines = Vec::new();
    for (name, whole) in names {
        let find = |template: &'_ Template| template.tasks.iter().position(|t| t.name.value == name);
        match (find(before).and_then(|i| before.tasks.get(i)), find(after).and_then(|i| after.tasks.get(i))) {
            (Some(old), Some(new)) => compare(name.as_str(), &relevant(old, whole), &relevant(new, whole), &mut lines),
            (_, None) => lines.push(format!("  {name}: is gone")),
            (None, _) => {}
        }
    }
    let more = lines.len().saturating_sub(SHOWN);
    lines.truncate(SHOWN);
    text.push_str(&lines.join("\n"));
    if more > 0 {
        let _ = write!(text, "\n  and {more} more");
    }
    text
}

/// What of a task decides its result: all but texts for people and where it leads. Of a loop that failed only its outputs
/// and items count: what its items do may have been repaired.
fn relevant(task: &Task, whole: bool) -> Value {
    let printed = Template::task_value(task);
    let mut map = printed.as_map().cloned().unwrap_or_default();
    map.retain(|key, _| match key {
        "Outputs" | "Loop" => true,
        "Action" | "Properties" | "When" => whole,
        _ => false,
    });
    if let (false, Some(Value::Map(mut looping))) = (whole, map.get("Loop").cloned()) {
        std::sync::Arc::make_mut(&mut looping).retain(|key, _| matches!(key, "Items" | "Outputs"));
        map.insert("Loop", Value::Map(looping));
    }
    Value::from(map)
}

fn compare(path: &str, old: &Value, new: &Value, lines: &mut Vec<String>) {
    if old == new {
        return;
    }
    let (Some(a), Some(b)) = (old.as_map(), new.as_map()) else {
        lines.push(format!("  {path}: {old} → {new}"));
        return;
    };
    for (key, value) in a.iter() {
        match b.get(key) {
            Some(other) => compare(&format!("{path}.{key}"), value, other, lines),
            None => lines.push(format!("  {path}.{key}: {value} → nothing")),
        }
    }
    for (key, value) in b.iter().filter(|(key, _)| a.get(key).is_none()) {
        lines.push(format!("  {path}.{key}: nothing → {value}"));
    }
}
