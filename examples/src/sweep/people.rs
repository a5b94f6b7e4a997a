//! The people and triggers around an execution: triggers fire once, approvers say yes, pauses are resumed.
//!
//! A trigger's execution goes on for ever. When the execution that it started has ended, it is cancelled, and the status
//! of the started one counts.

use oos_core::{
    Template, Value,
    machine::{SignalKind, SignalTarget},
    ports::control::WaitingFor,
    source::Node,
};
use oos_testkit::prelude::*;

use super::{Line, line_of, world::World};

/// Virtual time that one template may take.
const MOST_TIME: Duration = Duration::from_secs(60 * 86_400);
/// Virtual time between two looks at who waits.
const STEP: Duration = Duration::from_secs(6 * 3600);
/// Events that one template may cause.
const MOST_EVENTS: usize = 200_000;

/// Runs an execution to its end.
pub(crate) fn to_the_end(world: &World, bed: &TestBed, run: &Run, template: &Template) -> Line {
    let (trigger, start) = (template.has_trigger(), bed.clock().now());
    let (mut why, mut fired) = (String::new(), false);
    while run.finished().is_none() {
        if let Err(runaway) = bed.try_run_for(if trigger && !fired { secs(1) } else { STEP }) {
            why = runaway;
            break;
        }
        if bed.clock().now().since(start) > MOST_TIME || bed.events().all().len() > MOST_EVENTS {
            why = "too much time or too many events".to_owned();
            break;
        }
        if run.finished().is_some() {
            break;
        }
        if trigger && !fired {
            fired = true;
            let kind = SignalKind::Trigger { message: message(world, template) };
            if let Err(refused) = bed.try_signal(run, "tester", SignalTarget::default(), kind) {
                why = format!("the trigger does not fire: {refused}");
                break;
            }
            continue;
        }
        match help(bed, run) {
            Help::Given | Help::NotNeeded => {}
            Help::TriggerWaits => drop(bed.try_signal(run, "tester", SignalTarget::default(), SignalKind::Cancel)),
            Help::Impossible(what) => {
                why = format!("waits for {what}");
                break;
            }
        }
    }
    line_of(bed, run, fired, why)
}

/// The message that a trigger fires with: what its rule asks for, about an instance. It looks like an event and like an
/// alarm.
fn message(world: &World, template: &Template) -> Value {
    let id = world.instances.first().cloned().unwrap_or_default();
    let rule = template.tasks.iter().find(|t| t.action.value.as_str().to_lowercase().ends_with("trigger"));
    let rule = rule.and_then(|t| t.properties.as_ref()).map(Node::to_value).unwrap_or_default();
    let asked = |name: &str, usual: &str| {
        let value = one(rule.at(&[name]));
        if value.to_text().is_empty() { Value::from(usual) } else { value }
    };
    let mut content = oos_core::Map::new();
    content.insert("resourceId", id.as_str());
    content.insert("instanceId", id.as_str());
    for (key, value) in rule.at(&["Content"]).as_map().into_iter().flat_map(oos_core::Map::iter) {
        content.insert(key.clone(), one(value));
    }
    params! {
        "product" => asked("Product", "ECS"), "name" => asked("Name", "Instance:StateChange"), "level" => asked("Level", "INFO"),
        "regionId" => "cn-hangzhou", "content" => content, "instanceId" => id.as_str(), "alertState" => "ALERT",
        "userId" => &*world.cloud.account_id(),
    }
}

/// One of the values that a rule allows.
fn one(value: &Value) -> Value {
    value.as_list().map_or_else(|| value.clone(), |list| list.first().cloned().unwrap_or_default())
}

enum Help {
    NotNeeded,
    Given,
    TriggerWaits,
    Impossible(&'static str),
}

/// Answers whoever waits for a person.
fn help(bed: &TestBed, run: &Run) -> Help {
    let mut help = Help::NotNeeded;
    let reports = run.reports();
    for (n, report) in reports.iter().enumerate() {
        for (task, waiting) in
            report.tasks.iter().flat_map(|t| t.steps.iter().filter_map(move |s| Some((t, s.waiting.as_ref()?))))
        {
            let target =
                SignalTarget { path: report.path.clone(), task: Some(task.name.clone()), ..SignalTarget::default() };
            let Some(what) = waiting.waiting_for else { continue };
            let person = waiting.voters.first().map_or("tester", String::as_str).to_owned();
            match what {
                WaitingFor::Timer | WaitingFor::Event | WaitingFor::Alarm if n == 0 && reports.len() == 1 => {
                    help = Help::TriggerWaits;
                }
                WaitingFor::Timer | WaitingFor::Event | WaitingFor::Alarm => {}
                WaitingFor::Approval => {
                    // Every approver says yes; votes that are no longer needed are refused.
                    let voters = if waiting.voters.is_empty() { vec![person] } else { waiting.voters.clone() };
                    for voter in voters {
                        drop(bed.try_signal(run, &voter, target.clone(), SignalKind::Approve { note: None }));
                    }
                    help = Help::Given;
                }
                WaitingFor::Pause | WaitingFor::Batch | WaitingFor::RiskConfirmation => {
                    drop(bed.try_signal(run, &person, target, SignalKind::Approve { note: None }));
                    help = Help::Given;
                }
                other => return Help::Impossible(other.as_str()),
            }
        }
    }
    help
}
