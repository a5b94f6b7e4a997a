//! What a run leaves for a re-run: the finished tasks, the ended items of its failed loop, what failed children had done,
//! and where to go on (machine.md 9). A re-run is another execution, so runs in the paths start anew.

use std::sync::Arc;

use super::{
    input::{Kept, KeptCursor, KeptStep, Started, TaskStatus},
    state::{Entry, LoopState, Machine, TaskRun},
};
use crate::{
    Map, TaskName, Value,
    ids::{MachinePath, PathStep},
    plan::TaskPlan,
};

/// Where a re-run begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum RerunFrom {
    /// At the task that failed or was cancelled, with the ended items of its loop kept.
    #[default]
    Failed,
    /// At this task, with what ended before it was first entered.
    Task(TaskName),
    /// At the start; nothing is kept.
    Start,
}

impl Kept {
    /// Everything at or below a path goes.
    pub(super) fn forget_below(&mut self, path: &MachinePath) {
        self.steps.retain(|k| !k.path.starts_with(path));
        self.cursors.retain(|k| !k.path.starts_with(path));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.steps.is_empty() && self.cursors.is_empty()
    }
}

fn is_good(status: TaskStatus) -> bool {
    matches!(status, TaskStatus::Success | TaskStatus::Skipped)
}

/// The path as it will be in another execution.
fn first_run(path: &MachinePath) -> MachinePath {
    let anew = |step: &PathStep| PathStep { run: 1, ..step.clone() };
    path.steps().iter().map(anew).fold(MachinePath::root(), |path, step| path.child(step))
}

impl Machine {
    /// The parameters and choices that this run was started with.
    pub(crate) fn started_with(&self) -> Started {
        Started {
            parameters: self.state.given.clone(),
            mode: self.settings.mode,
            safety_check: self.settings.safety_check,
            loop_mode: self.settings.loop_mode,
            forgive_handled: self.settings.forgive_handled,
            variables: self.settings.variables.clone(),
            queued: false,
            unknown_outcome: self.settings.unknown_outcome,
            kept: Kept::default(),
        }
    }

    /// What an ended run leaves.
    ///
    /// # Errors
    /// When it has no such task, or did not come to it.
    pub(crate) fn leaves(&self, from: &RerunFrom) -> Result<Kept, String> {
        let (limit, next, failed) = match from {
            RerunFrom::Start => return Ok(Kept::default()),
            RerunFrom::Task(name) => {
                let i = self.plan.task_index(name.as_str()).ok_or_else(|| format!("there is no task `{name}`"))?;
                let first = self.task(i).map_or(0, |t| t.first);
                if first == 0 {
                    return Err(format!("the execution did not come to task `{name}`"));
                }
                (first, Some(name.clone()), None)
            }
            RerunFrom::Failed => match self.ended_at() {
                Some((i, task)) => (task.last, self.plan.tasks.get(i).map(|t| t.name.clone()), Some(task)),
                // The outputs could not be made: all tasks are done.
                None if self.state.finishing => (u64::MAX, None, None),
                None => return Ok(Kept::default()),
            },
        };
        let path = first_run(&self.path);
        let finished = self.plan.tasks.iter().zip(&self.state.tasks);
        let finished = finished.filter(|(_, run)| is_good(run.status) && run.last < limit);
        let mut kept = Kept {
            steps: finished.map(|(task, run)| kept_task(&path, task, run)).collect(),
            cursors: vec![KeptCursor { path, digest: self.plan.digest.clone(), next }],
        };
        if let Some(failed) = failed {
            kept.steps.extend(failed.remains.steps.iter().cloned());
            kept.cursors.extend(failed.remains.cursors.iter().cloned());
        }
        Ok(kept)
    }

    /// The task that the run ended for: the first critical failure, else the last that was cancelled.
    fn ended_at(&self) -> Option<(usize, &TaskRun)> {
        let named = self.state.failure.as_ref().and_then(|f| f.task.as_ref());
        if let Some(i) = named.and_then(|name| self.plan.task_index(name.as_str())) {
            return Some((i, self.task(i)?));
        }
        let stopped = |t: &TaskRun| t.status == TaskStatus::Cancelled || (t.last > 0 && !t.status.is_final());
        self.state.tasks.iter().enumerate().filter(|(_, t)| stopped(t)).max_by_key(|(_, t)| t.last)
    }

    /// A loop that failed or was cancelled leaves its ended items.
    pub(super) fn leave_items(&mut self, i: usize) {
        let (path, plan) = (first_run(&self.path), self.plan.clone());
        let (Some(task), Some(state)) = (plan.tasks.get(i), self.loop_state(i)) else { return };
        let steps = kept_items(&path, task, state);
        if let Some(run) = self.task_mut(i) {
            run.remains.steps.retain(|k| k.path != path);
            run.remains.steps.extend(steps);
        }
    }

    /// A child that did not succeed leaves what it had done.
    pub(super) fn leave_child(&mut self, i: usize, item: Option<u32>, kept: Kept) {
        let Some(task) = self.plan.tasks.get(i).map(|t| t.name.clone()) else { return };
        let path = first_run(&self.path).child(PathStep { task, run: 1, item });
        if let Some(run) = self.task_mut(i) {
            run.remains.forget_below(&path);
            run.remains.steps.extend(kept.steps);
            run.remains.cursors.extend(kept.cursors);
        }
    }
}

fn kept_task(path: &MachinePath, task: &TaskPlan, run: &TaskRun) -> KeptStep {
    let names = task.visible.iter().map(|v| v.name.text().clone());
    KeptStep {
        path: path.clone(),
        task: task.name.clone(),
        item: None,
        status: run.status,
        outputs: Value::from(names.zip(run.outputs.iter().cloned()).collect::<Map>()),
        document: run.document.clone(),
        value: Value::Null,
    }
}

fn kept_items(path: &MachinePath, task: &TaskPlan, state: &LoopState) -> Vec<KeptStep> {
    // An item that never ran was given up, not skipped by its own condition.
    let ran = |entry: &&Entry| is_good(entry.status) && entry.run > state.run_base;
    let numbered = state.entries.iter().zip(&*state.items).zip(1_u32..);
    let kept = numbered.filter_map(|((entry, value), n)| Some((entry.as_ref().filter(ran)?, value, n)));
    kept.map(|(entry, value, n)| {
        let names = task.outputs.iter().map(|o| o.name.text().clone());
        KeptStep {
            path: path.clone(),
            task: task.name.clone(),
            item: Some(n),
            status: entry.status,
            outputs: Value::from(names.zip(entry.outputs.iter().cloned()).collect::<Map>()),
            document: if task.keep_document { entry.outputs.last().cloned().unwrap_or_default() } else { Value::Null },
            value: value.clone(),
        }
    })
    .collect()
}

impl LoopState {
    /// Takes over items that an earlier execution already did, if they are the same items.
    pub(super) fn take_kept(&mut self, task: &TaskPlan, kept: &[KeptStep]) {
        let (run, ended) = (self.run_base + 1, self.started);
        for step in kept.iter().filter(|k| k.task == task.name) {
            let Some(at) = step.item.and_then(|n| (n as usize).checked_sub(1)) else { continue };
            if self.items.get(at).is_none_or(|item| *item != step.value) {
                continue;
            }
            let outputs = task.outputs.iter().map(|o| step.outputs.get(o.name.as_str()).cloned().unwrap_or_default());
            let document = task.keep_document.then(|| step.document.clone());
            let outputs =
                if step.status == TaskStatus::Success { outputs.chain(document).collect() } else { Box::default() };
            if let Some(slot) = self.entries.get_mut(at) {
                *slot = Some(Entry { status: step.status, run, outputs, ended });
            }
        }
        self.recount();
    }

    /// Passes over items that need not run.
    pub(super) fn pass_kept(&mut self) {
        while self.next < self.batch_end && self.entries.get(self.next).is_some_and(Option::is_some) {
            self.next += 1;
        }
    }
}

/// True when a machine may take over what another one left: the root's tasks were compared one by one, a child must run
/// the same text.
pub(super) fn same_plan(cursor: &KeptCursor, digest: &Arc<str>) -> bool {
    cursor.path.is_root() || cursor.digest == *digest
}
