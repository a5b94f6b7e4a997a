//! The trace of a run as text: its events and, where they were made, its calls.
//!
//! One line each, virtual time relative to the start, stable ids (testkit 2.6): two runs that did the same give the
//! same text, byte for byte.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use oos_core::{
    ExecutionId, Timestamp,
    ids::StepKey,
    ports::event::{EventKind, ExecutionEvent},
    view,
};

use crate::{Call, Calls};

/// Which step a call belongs to.
type Step = (ExecutionId, String, Option<u32>);

/// Where an attempt of a step ended: index of the event, instant.
type Ends<'a> = BTreeMap<Step, VecDeque<(usize, Timestamp, &'a StepKey)>>;

/// The text of events with the calls between them.
pub(super) fn text(events: &[ExecutionEvent], calls: &Calls) -> String {
    // What the engine tells about its calls would say the same with less.
    let told: Vec<&ExecutionEvent> = events.iter().filter(|e| !matches!(e.kind, EventKind::ApiCall { .. })).collect();
    let mut before = place(&told, calls);
    let (mut merged, mut is_call) = (Vec::new(), Vec::new());
    for (index, event) in told.iter().enumerate() {
        for call in before.remove(&index).unwrap_or_default() {
            merged.push(call);
            is_call.push(true);
        }
        merged.push((*event).clone());
        is_call.push(false);
    }
    let rest: Vec<ExecutionEvent> = before.into_values().flatten().collect();
    is_call.resize(is_call.len() + rest.len(), true);
    merged.extend(rest);
    let text = view::events(&merged);
    let lines = text.lines().zip(is_call).map(|(line, call)| {
        // A call stands in the text as a line of its own kind, without the word of a log line.
        if call { line.replacen("  Log ", "  ", 1) + "\n" } else { format!("{line}\n") }
    });
    lines.collect()
}

/// The calls as events, by the index of the event that they come before: the end of the attempt that made them.
fn place(events: &[&ExecutionEvent], calls: &Calls) -> BTreeMap<usize, Vec<ExecutionEvent>> {
    let mut ends: Ends<'_> = BTreeMap::new();
    for (index, event) in events.iter().enumerate() {
        if let EventKind::Retrying { key, .. } | EventKind::StepEnded { key, .. } = &event.kind {
            let step = (event.execution.clone(), key.task.as_str().to_lowercase(), key.item);
            ends.entry(step).or_default().push_back((index, event.at, key));
        }
    }
    let mut placed: BTreeMap<usize, Vec<ExecutionEvent>> = BTreeMap::new();
    for call in calls.iter() {
        let Some(execution) = call.origin.execution.clone() else { continue };
        let (index, key) = end_of(&mut ends, call, &execution)
            // The attempt is under way: behind all that has happened by then.
            .unwrap_or_else(|| (events.partition_point(|e| e.at <= call.started), None));
        let kind = EventKind::Log { key, message: Arc::from(call.trace_line()) };
        placed.entry(index).or_default().push(ExecutionEvent { number: 0, at: call.started, execution, kind });
    }
    placed
}

fn end_of(ends: &mut Ends<'_>, call: &Call, execution: &ExecutionId) -> Option<(usize, Option<StepKey>)> {
    let task = call.origin.task.as_ref()?.as_str().to_lowercase();
    let queue = ends.get_mut(&(execution.clone(), task, call.origin.item))?;
    let done = call.ended.unwrap_or(call.started);
    while queue.front().is_some_and(|(_, at, _)| *at < done) {
        queue.pop_front();
    }
    queue.front().map(|(index, _, key)| (*index, Some((*key).clone())))
}
