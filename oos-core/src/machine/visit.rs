//! Every value and text that an input or a tree carries, for who must replace some of them: secrets are handles in a record and
//! values in the machine. Names, keys and times are no values and stay.

use std::sync::Arc;

use super::{
    input::{Input, InputKind, KeptStep, SignalKind, StepResult},
    state::{Active, LoopState, Phase, Point, State, Step},
    tree::Tree,
};
use crate::{
    Value,
    ports::{
        action::ActionError,
        control::{ChildRequest, ControlEvent},
        store::LinkedTemplate,
    },
};

/// Gives the value that stands in the place of another.
pub type Change<'c> = dyn FnMut(&Value) -> Value + 'c;

impl Input {
    /// Replaces every value in the input.
    pub fn map_values(&mut self, change: &mut Change<'_>) {
        match &mut self.kind {
            InputKind::Started(started) => {
                value(&mut started.parameters, change);
                started.kept.steps.iter_mut().for_each(|step| kept(step, change));
            }
            InputKind::Outcome { result, .. } => match result {
                StepResult::Done { outputs, document } => {
                    values(outputs, change);
                    value(document, change);
                }
                StepResult::NotYet { observed, otherwise } => {
                    value(observed, change);
                    error(otherwise, change);
                }
                StepResult::Failed(failed) => error(failed, change),
                StepResult::Stopped => {}
            },
            InputKind::Fetched { values, .. } => values.iter_mut().for_each(|(_, v)| value(v, change)),
            InputKind::Fired { message, .. } => value(message, change),
            InputKind::Signal(signal) => signal_values(&mut signal.kind, change),
            InputKind::Linked { result, .. } => match result {
                Ok(linked) => linked_texts(linked, change),
                Err(failed) => error(failed, change),
            },
            InputKind::Woke { .. } | InputKind::Admitted => {}
        }
    }
}

fn linked_texts(linked: &mut LinkedTemplate, change: &mut Change<'_>) {
    text(&mut linked.template.text, change);
    linked.below.iter_mut().for_each(|below| text(&mut below.text, change));
}

fn signal_values(kind: &mut SignalKind, change: &mut Change<'_>) {
    match kind {
        SignalKind::ExecuteTask { parameters } | SignalKind::UpdateParameters { parameters } => {
            value(parameters, change);
        }
        SignalKind::Trigger { message } => value(message, change),
        SignalKind::Approve { note: Some(note) } | SignalKind::Reject { note: Some(note) } => {
            *note = change(&Value::from(note.as_str())).to_text().to_string();
        }
        _ => {}
    }
}

pub(super) fn value(value: &mut Value, change: &mut Change<'_>) {
    if !value.is_null() {
        *value = change(value);
    }
}

pub(super) fn values(all: &mut [Value], change: &mut Change<'_>) {
    all.iter_mut().for_each(|v| value(v, change));
}

pub(super) fn text(text: &mut Arc<str>, change: &mut Change<'_>) {
    *text = change(&Value::String(text.clone())).to_text();
}

pub(super) fn error(error: &mut ActionError, change: &mut Change<'_>) {
    text(&mut error.message, change);
    value(&mut error.details, change);
}

impl Tree {
    /// Replaces every value in the tree.
    pub fn map_values(&mut self, change: &mut Change<'_>) {
        self.shared.fetched.values_mut().for_each(|v| value(v, change));
        self.linked.iter_mut().for_each(|linked| linked_texts(linked, change));
        self.kept.steps.iter_mut().for_each(|step| kept(step, change));
        self.machines.values_mut().for_each(|machine| state(&mut machine.state, change));
    }
}

fn kept(step: &mut KeptStep, change: &mut Change<'_>) {
    value(&mut step.outputs, change);
    value(&mut step.document, change);
    value(&mut step.value, change);
}

fn state(state: &mut State, change: &mut Change<'_>) {
    for one in [&mut state.given, &mut state.outputs, &mut state.trigger, &mut state.overrides] {
        value(one, change);
    }
    values(&mut state.parameters, change);
    state.item.iter_mut().chain(&mut state.firing).for_each(|v| value(v, change));
    state.failure.iter_mut().for_each(|failure| error(&mut failure.error, change));
    state.kept.iter_mut().for_each(|step| kept(step, change));
    for (_, point) in &mut state.blocked {
        if let Point::Decide(_, _, event) = point {
            control_event(event, change);
        }
    }
    for task in &mut state.tasks {
        values(&mut task.outputs, change);
        value(&mut task.document, change);
        task.message.iter_mut().for_each(|m| text(m, change));
        task.remains.steps.iter_mut().for_each(|step| kept(step, change));
        match &mut task.active {
            Some(Active::Single(one)) => step(one, change),
            Some(Active::Loop(looping)) => loop_state(looping, change),
            None => {}
        }
    }
}

fn loop_state(looping: &mut LoopState, change: &mut Change<'_>) {
    let items: &mut Vec<Value> = Arc::make_mut(&mut looping.items);
    values(items, change);
    looping.running.values_mut().for_each(|one| step(one, change));
    looping.entries.iter_mut().flatten().for_each(|entry| values(&mut entry.outputs, change));
    looping.first_failure.iter_mut().for_each(|m| text(m, change));
}

fn step(step: &mut Step, change: &mut Change<'_>) {
    value(&mut step.properties, change);
    step.history.iter_mut().for_each(|(_, event)| control_event(event, change));
    step.queue.iter_mut().for_each(|event| control_event(event, change));
    step.subscription.iter_mut().for_each(|(_, rule)| value(&mut rule.properties, change));
    match &mut step.phase {
        Phase::Waiting(wait) => wait.rule.iter_mut().for_each(|rule| value(&mut rule.properties, change)),
        Phase::Linking(request) => child_request(request, change),
        _ => {}
    }
}

fn child_request(request: &mut ChildRequest, change: &mut Change<'_>) {
    match request {
        ChildRequest::Named { parameters, .. } => value(parameters, change),
        ChildRequest::Inline { content, parameters } => {
            value(content, change);
            value(parameters, change);
        }
        ChildRequest::Firing { message, .. } => value(message, change),
    }
}

fn control_event(event: &mut ControlEvent, change: &mut Change<'_>) {
    match event {
        ControlEvent::Notified(Ok(answer)) => value(answer, change),
        ControlEvent::Notified(Err(failed)) => error(failed, change),
        ControlEvent::Fired(message) => value(message, change),
        ControlEvent::ChildEnded { outputs, error: failed, .. } => {
            value(outputs, change);
            failed.iter_mut().for_each(|e| error(e, change));
        }
        ControlEvent::Signalled(vote) => {
            vote.note.iter_mut().for_each(|note| *note = change(&Value::from(note.as_str())).to_text().to_string());
        }
        ControlEvent::Entered | ControlEvent::Woke { .. } => {}
    }
}
