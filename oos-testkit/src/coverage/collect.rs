//! Events → points that were seen.

use std::collections::BTreeMap;

use oos_core::{
    ExecutionId,
    ids::StepKey,
    machine::TaskStatus,
    ports::event::{EventKind, ExecutionEvent},
    source::SourceText,
};

use super::{
    Coverage, Covered, Point, Record,
    points::{Left, Points},
};

/// Where an execution stands.
struct Place {
    template: (String, std::sync::Arc<str>),
    /// Path of its list of tasks; see [`Points`].
    scope: String,
    /// The task that ended last and how, until it is known where the run went on.
    last: Option<(String, TaskStatus)>,
    /// The task that is under way.
    open: Option<String>,
    /// Items that are under way.
    items: Vec<(String, u32)>,
}

pub(super) fn add(coverage: &Coverage, covered: &Covered) {
    let mut places: BTreeMap<ExecutionId, Place> = BTreeMap::new();
    for event in &covered.events {
        if let EventKind::ExecutionStarted { template, parent } = &event.kind {
            let source = match parent {
                None => covered.roots.get(&event.execution),
                Some(_) => template.as_ref().and_then(|name| covered.named.get(name)),
            };
            let place = match (source, parent) {
                (Some(source), _) => Some(begin(coverage, source)),
                (None, Some((above, key))) => places.get(above).and_then(|place| nested(coverage, place, key)),
                (None, None) => None,
            };
            places.extend(place.map(|place| (event.execution.clone(), place)));
        } else if let Some(place) = places.get_mut(&event.execution) {
            let mut templates = coverage.lock();
            if let Some(record) = templates.get_mut(&place.template) {
                step(record, place, event);
            }
        }
    }
}

fn begin(coverage: &Coverage, source: &SourceText) -> Place {
    let template = (source.name.to_string(), source.text.clone());
    let new = || Record { points: Points::of(source), hits: BTreeMap::new(), runs: 0 };
    coverage.lock().entry(template.clone()).or_insert_with(new).runs += 1;
    Place { template, scope: String::new(), last: None, open: None, items: Vec::new() }
}

/// The tasks of a loop are an execution of the same text.
fn nested(coverage: &Coverage, above: &Place, key: &StepKey) -> Option<Place> {
    let scope = coverage.lock().get(&above.template)?.points.below(&above.scope, key.task.as_str())?;
    Some(Place { template: above.template.clone(), scope, last: None, open: None, items: Vec::new() })
}

fn step(record: &mut Record, place: &mut Place, event: &ExecutionEvent) {
    match &event.kind {
        EventKind::StepStarted { key, .. } => started(record, place, key),
        EventKind::StepEnded { key, status, .. } => ended(record, place, key, *status),
        EventKind::ExecutionEnded { .. } => arrive(record, place, None),
        _ => {}
    }
}

fn started(record: &mut Record, place: &mut Place, key: &StepKey) {
    let task = key.task.as_str().to_owned();
    let (has_when, per_item) = record.points.when(&place.scope, &task);
    if let Some(item) = key.item {
        place.items.push((task.clone(), item));
        if per_item {
            hit(record, place, &task, Point::When(true));
        }
        return;
    }
    // A choice is entered and left at one instant, a waiting step may be told twice.
    if place.open.as_deref() != Some(&task) {
        arrive(record, place, Some(&task));
        hit(record, place, &task, Point::Task);
        if has_when && !per_item {
            hit(record, place, &task, Point::When(true));
        }
    }
    place.open = Some(task);
}

fn ended(record: &mut Record, place: &mut Place, key: &StepKey, status: TaskStatus) {
    let task = key.task.as_str().to_owned();
    if let Some(item) = key.item {
        let under_way = place.items.iter().position(|(t, n)| *t == task && *n == item);
        match under_way {
            Some(at) => _ = place.items.swap_remove(at),
            None if status == TaskStatus::Skipped && record.points.when(&place.scope, &task).1 => {
                hit(record, place, &task, Point::When(false));
            }
            None => {}
        }
        return;
    }
    if place.open.as_deref() != Some(&task) {
        arrive(record, place, Some(&task));
        if status == TaskStatus::Skipped && record.points.when(&place.scope, &task).0 {
            hit(record, place, &task, Point::When(false));
        }
    }
    place.open = None;
    place.last = Some((task, status));
}

/// The run has come to a task, or to its end: now it is known where the last one led.
fn arrive(record: &mut Record, place: &mut Place, to: Option<&str>) {
    let Some((from, status)) = place.last.take() else { return };
    let left = match status {
        TaskStatus::Success => Left::Success,
        TaskStatus::Failed => Left::Failed,
        _ => return,
    };
    if let Some(point) = record.points.edge(&place.scope, &from, left, to) {
        hit(record, place, &from, point);
    }
}

fn hit(record: &mut Record, place: &Place, task: &str, point: Point) {
    *record.hits.entry((format!("{}{task}", place.scope).to_lowercase(), point)).or_default() += 1;
}
