//! A dry run as text for people and as JSON for programs.

use std::{fmt, sync::Arc};

use super::{
    super::symbolic::Symbolic,
    step::{ApiCall, Does, DryRun, FanOut, OnFailure, Polls, Reach, Step},
};
use crate::{Map, TaskName, Value, machine::PauseOption, params, time::human};

/// Characters of a value that the text shows. CHOICE: one line of a terminal.
const SHOWN: usize = 100;

impl fmt::Display for DryRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.template.as_ref().map_or("<template>", |n| n.as_str());
        writeln!(f, "dry run of {name}")?;
        named(f, "parameters", &self.parameters)?;
        match &self.role {
            Some(role) => writeln!(f, "role: {role}")?,
            None => writeln!(f, "role: the caller's own identity")?,
        }
        for problem in &self.problems {
            writeln!(f, "problem: {problem}")?;
        }
        writeln!(f, "steps:")?;
        write_steps(f, &self.steps, 1)?;
        if self.truncated {
            writeln!(f, "  … more steps than are told")?;
        }
        named(f, "outputs", &self.outputs)?;
        if let Some(failure) = &self.failure {
            writeln!(f, "every run fails: {failure}")?;
        }
        writeln!(
            f,
            "RAM actions: {}",
            if self.actions.is_empty() { "none".to_owned() } else { self.actions.join(", ") }
        )
    }
}

fn named(f: &mut fmt::Formatter<'_>, title: &str, values: &[(Arc<str>, Symbolic)]) -> fmt::Result {
    if values.is_empty() {
        return Ok(());
    }
    writeln!(f, "{title}:")?;
    values.iter().try_for_each(|(name, value)| writeln!(f, "  {name} = {}", cut(value)))
}

fn cut(value: &Symbolic) -> String {
    let text = value.to_string();
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

fn write_steps(f: &mut fmt::Formatter<'_>, steps: &[Step], level: usize) -> fmt::Result {
    for (i, step) in steps.iter().enumerate() {
        let indent = "  ".repeat(level);
        let line = step.line.map(|l| format!(" (line {l})")).unwrap_or_default();
        writeln!(f, "{indent}{}. {}: {}{line}", i + 1, step.task, step.action)?;
        let inner = "  ".repeat(level + 1);
        let before = steps.get(..i).unwrap_or_default();
        if let Some(same) = before.iter().position(|s| is_repeated(s, step)) {
            reach(&step.reach).iter().try_for_each(|why| writeln!(f, "{inner}{why}"))?;
            writeln!(f, "{inner}again as in step {}", same + 1)?;
            continue;
        }
        for detail in details(step) {
            writeln!(f, "{inner}{detail}")?;
        }
        write_steps(f, &step.body, level + 2)?;
    }
    Ok(())
}

/// True when the other visit does the same.
fn is_repeated(step: &Step, other: &Step) -> bool {
    step.task == other.task && *step == Step { reach: step.reach.clone(), ..other.clone() }
}

fn reach(reach: &Reach) -> Option<String> {
    match reach {
        Reach::Always => None,
        Reach::Maybe(why) if why.is_empty() => Some("maybe".to_owned()),
        Reach::Maybe(why) => Some(format!("maybe: {}", why.join("; or "))),
        Reach::AfterFailure(tasks) => {
            let tasks = tasks.iter().map(TaskName::as_str).collect::<Vec<_>>().join(", ");
            Some(format!("only after a failure of {tasks}"))
        }
    }
}

/// What is said about a step, one line each.
fn details(step: &Step) -> Vec<String> {
    let mut lines: Vec<String> = reach(&step.reach).into_iter().collect();
    lines.extend(step.when.iter().map(|when| format!("only if {when}")));
    lines.extend(step.fan_out.as_ref().map(fan_out));
    does(&step.does, &mut lines);
    lines.extend(step.polls.map(polls));
    lines.extend(step.branches.iter().map(|b| format!("open: {b}")));
    lines.extend(step.failure.iter().map(|why| format!("fails: {why}")));
    lines.extend(step.on_error.as_ref().map(|to| match to {
        OnFailure::GoesOn => "on failure: goes on".to_owned(),
        OnFailure::Task(task) => format!("on failure: goes to {task}"),
    }));
    lines
}

fn does(does: &Does, lines: &mut Vec<String>) {
    let properties = |lines: &mut Vec<String>, list: &[(Arc<str>, Symbolic)]| {
        lines.extend(list.iter().map(|(name, value)| format!("  {name}: {}", cut(value))));
    };
    match does {
        Does::Nothing(why) => lines.push(format!("does nothing: {why}")),
        Does::Calls(calls) => {
            for call in calls {
                lines.push(call_line(call));
                properties(lines, &call.parameters);
            }
        }
        Does::Child { template, role, unexplored } => {
            lines.push(match (template.is_null(), unexplored) {
                (true, None) => "runs the template written in place".to_owned(),
                (true, Some(_)) => "runs a template".to_owned(),
                (false, _) => format!("runs the template {}", plain(template)),
            });
            lines.extend(role.iter().map(|r| format!("  as role {r}")));
            lines.extend(unexplored.iter().map(|why| format!("  not looked into: {why}")));
        }
        Does::Tasks => lines.push("runs these tasks:".to_owned()),
        Does::Chooses(Some(target)) => lines.push(format!("goes to {target}")),
        Does::Chooses(None) => lines.push("decides where to go on".to_owned()),
        Does::Sleeps { duration, time } => {
            lines.push(format!("sleeps {}", time.map_or_else(|| plain(duration), human)));
        }
        Does::Waits { waiting_for, properties: list } => {
            lines.push(format!("waits: {waiting_for}"));
            properties(lines, list);
        }
        Does::Acts(list) => {
            lines.push("acts with".to_owned());
            properties(lines, list);
        }
    }
}

fn plain(value: &Symbolic) -> String {
    value.known_text().map_or_else(|| value.to_string(), |t| t.to_string())
}

fn call_line(call: &ApiCall) -> String {
    let action = call.action.as_ref().map(|a| format!(" ({a})")).unwrap_or_default();
    let risk = if call.high_risk { ", high risk" } else { "" };
    format!("calls {} {}{action}{risk}", plain(&call.service), plain(&call.api))
}

fn polls(polls: Polls) -> String {
    format!("asks up to {} times, waiting up to {}", polls.attempts, human(polls.longest))
}

fn fan_out(fan: &FanOut) -> String {
    let list = |numbers: &[u32]| numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let items = match (fan.items, &fan.origin) {
        (Some(1), _) => "1 item".to_owned(),
        (Some(n), _) => format!("{n} items"),
        (None, origin) => format!("for each of <{}>", origin.as_deref().unwrap_or_default()),
    };
    let mut text = format!("loop: {items}");
    if !fan.batches.is_empty() {
        text.push_str(&format!("; batches of {}", list(&fan.batches)));
    }
    if !fan.windows.is_empty() && fan.items != Some(0) {
        text.push_str(&format!("; at once {}", list(&fan.windows)));
    }
    match fan.max_errors {
        Some(0) | None => {}
        Some(n) => text.push_str(&format!("; {n} may fail")),
    }
    match fan.pause {
        PauseOption::Automatic => {}
        PauseOption::FirstBatchPause => text.push_str("; pauses after the first batch"),
        PauseOption::EveryBatchPause => text.push_str("; pauses after every batch"),
    }
    if let Some(rate) = &fan.rate_control {
        text.push_str(&format!("; rate control {}", cut(rate)));
    }
    text
}

impl DryRun {
    /// The dry run as JSON. What is not known is `{"unknown": origin}`.
    pub fn to_value(&self) -> Value {
        params! {
            "Template" => self.template.as_ref().map(Value::from),
            "Parameters" => values(&self.parameters),
            "Role" => self.role.as_ref().map(Symbolic::to_value),
            "Steps" => self.steps.iter().map(Step::to_value).collect::<Value>(),
            "Outputs" => values(&self.outputs),
            "Failure" => self.failure.clone(),
            "Actions" => self.actions.clone(),
            "Problems" => self.problems.clone(),
            "Truncated" => self.truncated,
        }
    }
}

impl Step {
    /// The step as JSON; what does not apply is left out.
    pub fn to_value(&self) -> Value {
        let (reach, why) = match &self.reach {
            Reach::Always => ("Always", Vec::new()),
            Reach::Maybe(why) => ("Maybe", why.iter().map(|w| Value::from(w.clone())).collect()),
            Reach::AfterFailure(tasks) => ("AfterFailure", tasks.iter().map(Value::from).collect()),
        };
        let on_error = self.on_error.as_ref().map(|to| match to {
            OnFailure::GoesOn => Value::from("ACS::NEXT"),
            OnFailure::Task(task) => Value::from(task),
        });
        let mut value = params! {
            "Task" => &self.task,
            "Action" => &self.action,
            "Line" => self.line.map(|l| Value::from(l as u64)),
            "Reach" => reach,
            "Because" => some(why),
            "When" => self.when.clone(),
            "Loop" => self.fan_out.as_ref().map(FanOut::to_value),
            "Attempts" => self.polls.map(|p| p.attempts),
            "LongestWaitSeconds" => self.polls.map(|p| p.longest.as_secs()),
            "Branches" => some(self.branches.iter().map(|b| Value::from(b.clone())).collect()),
            "OnError" => on_error,
            "Failure" => self.failure.clone(),
            "Steps" => some(self.body.iter().map(Self::to_value).collect()),
        };
        let (key, done) = self.does.to_value();
        if let Value::Map(map) = &mut value {
            let map = Arc::make_mut(map);
            map.insert(key, done);
            map.retain(|_, v| !v.is_null());
        }
        value
    }
}

impl Does {
    fn to_value(&self) -> (&'static str, Value) {
        match self {
            Self::Nothing(why) => ("Nothing", why.clone().into()),
            Self::Calls(calls) => ("Calls", calls.iter().map(ApiCall::to_value).collect()),
            Self::Child { template, role, unexplored } => {
                let child = params! {
                    "Template" => template.to_value(),
                    "InPlace" => if template.is_null() { Value::from(true) } else { Value::Null },
                    "Role" => role.as_ref().map(Symbolic::to_value),
                    "Unexplored" => unexplored.clone(),
                };
                ("Child", crate::expr::drop_nulls(child))
            }
            Self::Tasks => ("Tasks", true.into()),
            Self::Chooses(target) => {
                ("Chooses", target.clone().map_or_else(|| params! { "unknown" => "choice" }, Value::from))
            }
            Self::Sleeps { duration, time } => {
                let seconds = time.map(|t| t.as_secs());
                ("Sleeps", params! { "Duration" => duration.to_value(), "Seconds" => seconds })
            }
            Self::Waits { waiting_for, properties } => {
                ("Waits", params! { "WaitingStatus" => waiting_for.as_str(), "Properties" => values(properties) })
            }
            Self::Acts(properties) => ("Properties", values(properties)),
        }
    }
}

impl ApiCall {
    fn to_value(&self) -> Value {
        params! {
            "Service" => self.service.to_value(),
            "API" => self.api.to_value(),
            "Action" => self.action.clone(),
            "HighRisk" => self.high_risk,
            "Parameters" => values(&self.parameters),
        }
    }
}

impl FanOut {
    fn to_value(&self) -> Value {
        let numbers = |list: &[u32]| some(list.iter().copied().map(Value::from).collect());
        let items = match self.items {
            Some(n) => Value::from(n as u64),
            None => params! { "unknown" => self.origin.clone() },
        };
        let pause = match self.pause {
            PauseOption::Automatic => None,
            PauseOption::FirstBatchPause => Some("FirstBatchPause"),
            PauseOption::EveryBatchPause => Some("EveryBatchPause"),
        };
        crate::expr::drop_nulls(params! {
            "Items" => items,
            "Windows" => numbers(&self.windows),
            "Batches" => numbers(&self.batches),
            "MaxErrors" => self.max_errors,
            "BatchPauseOption" => pause,
            "RateControl" => self.rate_control.as_ref().map(Symbolic::to_value),
        })
    }
}

/// The list, or null when it is empty.
fn some(list: Vec<Value>) -> Value {
    if list.is_empty() { Value::Null } else { Value::from(list) }
}

fn values(list: &[(Arc<str>, Symbolic)]) -> Value {
    Value::from(list.iter().map(|(name, value)| (name.clone(), value.to_value())).collect::<Map>())
}
