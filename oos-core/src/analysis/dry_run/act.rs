//! What a task, or one item of it, does: calls, a child, the tasks of a loop, a wait.

use std::sync::Arc;

use super::{
    super::{evaluate::describe, frame::Frame, published::published, ram_action, symbolic::Symbolic},
    explore::{Explored, Explorer},
    give::polls,
    role_of,
    step::{ApiCall, Does, Polls, Step},
};
use crate::{
    TemplateName, Value,
    plan::{Plan, TaskKind, TaskPlan},
    ports::{
        action::{ActionClass, ApiUse},
        control::WaitingFor,
    },
    time::parse_sleep_duration,
};

/// What a task, or an item of it, came to.
pub(super) struct Acted {
    pub(super) does: Does,
    pub(super) body: Vec<Step>,
    pub(super) polls: Option<Polls>,
    /// The result document; `None` when nothing is known of it.
    pub(super) document: Option<Symbolic>,
    pub(super) failure: Option<Arc<str>>,
}

impl Acted {
    pub(super) fn doing(does: Does) -> Self {
        Self { does, body: Vec::new(), polls: None, document: None, failure: None }
    }

    pub(super) fn failing(does: Does, failure: impl Into<Arc<str>>) -> Self {
        Self { failure: Some(failure.into()), ..Self::doing(does) }
    }
}

impl Explorer<'_> {
    pub(super) fn act(&mut self, frame: &mut Frame<'_>, task: &TaskPlan, depth: usize) -> Acted {
        if let TaskKind::LoopTasks(plan) = &task.kind {
            let mut inner = frame.inner(plan, frame.item.clone().unwrap_or(Symbolic::NULL));
            let Explored { steps, outputs, failure } = self.run(&mut inner, depth);
            let document = Some(Symbolic::map(outputs));
            return Acted { body: steps, failure, document, ..Acted::doing(Does::Tasks) };
        }
        let properties = match frame.properties(task) {
            Ok(properties) => properties,
            Err(error) => return Acted::failing(Does::Acts(Vec::new()), error.message),
        };
        let polls = polls(frame, task);
        let calls = self.calls(task, &properties);
        if !calls.is_empty() && matches!(task.kind, TaskKind::Work) {
            return Acted { polls, ..Acted::doing(Does::Calls(calls)) };
        }
        match &task.kind {
            TaskKind::Child => {
                let name = TemplateName::new(task.action.text().clone());
                self.child(frame, Symbolic::Known(Value::from(&name)), None, &properties, depth)
            }
            TaskKind::Control(_) => self.control(frame, task, &properties, depth),
            _ => Acted { polls, ..Acted::doing(Does::Acts(properties.entries().unwrap_or_default())) },
        }
    }

    /// The calls of an action: the one that its properties name, and those that it makes of its own accord.
    fn calls(&self, task: &TaskPlan, properties: &Symbolic) -> Vec<ApiCall> {
        let mut calls = Vec::new();
        if task.signature.calls_api {
            calls.push(self.call(properties));
        }
        let risk = properties.member("Risk").known_text().unwrap_or_default();
        let parameters = || properties.entries().unwrap_or_default();
        let found = published(&task.signature, properties);
        let open = |call: &ApiUse| call.given.as_ref().is_some_and(|(property, _)| found.open.contains(property));
        for call in found.calls.iter().filter(|call| call.made && !open(call)) {
            calls.push(ApiCall {
                service: Symbolic::Known(call.service.clone().into()),
                api: Symbolic::Known(call.api.clone().into()),
                parameters: parameters(),
                action: Some(ram_action(&call.service, &call.api)),
                high_risk: self.options.risk.is_high(&call.service, &call.api, &risk),
            });
        }
        // One of several: which one, only a run tells.
        for property in &found.open {
            let (service, api) = (Symbolic::unknown(property), Symbolic::unknown(property));
            calls.push(ApiCall { service, api, parameters: parameters(), action: None, high_risk: false });
        }
        calls
    }

    /// The call that `Service` and `API` name.
    fn call(&self, properties: &Symbolic) -> ApiCall {
        let (service, api) = (properties.member("Service"), properties.member("API"));
        let known = service.known_text().zip(api.known_text());
        let risk = properties.member("Risk").known_text().unwrap_or_default();
        ApiCall {
            action: known.as_ref().map(|(service, api)| ram_action(service, api)),
            high_risk: known.is_some_and(|(service, api)| self.options.risk.is_high(&service, &api, &risk)),
            parameters: request(properties),
            service,
            api,
        }
    }

    fn control(&mut self, frame: &Frame<'_>, task: &TaskPlan, properties: &Symbolic, depth: usize) -> Acted {
        let entries = || properties.entries().unwrap_or_default();
        let waits = |waiting_for| Acted::doing(Does::Waits { waiting_for, properties: entries() });
        if task.signature.class == ActionClass::Embedded {
            return self.embedded(frame, task, properties, depth);
        }
        match task.action.as_str().to_ascii_lowercase().as_str() {
            "acs::sleep" => sleep(properties.member("Duration")),
            "acs::choice" => Acted::doing(Does::Chooses(None)),
            "acs::approve" => waits(WaitingFor::Approval),
            "acs::pause" => waits(WaitingFor::Pause),
            "acs::timertrigger" => waits(WaitingFor::Timer),
            "acs::alarmtrigger" => waits(WaitingFor::Alarm),
            _ if task.signature.class == ActionClass::Trigger => waits(WaitingFor::Event),
            _ => Acted::doing(Does::Acts(entries())),
        }
    }

    fn embedded(&mut self, frame: &Frame<'_>, task: &TaskPlan, properties: &Symbolic, depth: usize) -> Acted {
        let parameters = properties.member("Parameters");
        if let Some(plan) = &task.inline {
            return self.below(frame, Symbolic::NULL, plan, &parameters, depth);
        }
        let content = properties.member("TemplateContent");
        if !content.is_null() {
            let written = task.properties.member("TemplateContent").map(|expr| describe(&expr));
            let why = format!("its text is what `{}` gives", written.unwrap_or_default());
            return unexplored(Symbolic::NULL, &why);
        }
        let (template, version) = (properties.member("TemplateName"), properties.member("TemplateVersion"));
        self.child(frame, template, version.known_text().as_deref(), &parameters, depth)
    }

    fn child(
        &mut self,
        frame: &Frame<'_>,
        template: Symbolic,
        version: Option<&str>,
        given: &Symbolic,
        depth: usize,
    ) -> Acted {
        let Some(name) = template.known_text() else { return unexplored(template, "its name is not known") };
        let Some(plan) = self.plans.named(&TemplateName::new(name), version).cloned() else {
            return unexplored(template, "it is not at hand");
        };
        self.below(frame, template, &plan, given, depth)
    }

    /// Explores the plan of a child; `template` is its name, null for one that is written in place.
    fn below(&mut self, frame: &Frame<'_>, template: Symbolic, plan: &Plan, given: &Symbolic, depth: usize) -> Acted {
        if depth >= frame.facts.limits.template_depth {
            return unexplored(template, "it is nested too deep");
        }
        if self.steps >= self.options.steps {
            self.truncated = true;
            return unexplored(template, "there are too many steps");
        }
        if plan.has_trigger() {
            let does = Does::Child { template, role: None, unexplored: None };
            return Acted::failing(does, "a template with a trigger cannot be a child");
        }
        let mut below = Frame::new(frame.facts, plan, given, true);
        let (role, _) = role_of(&below);
        // A value that only looks wrong because it is not known yet is no problem, so these are all certain.
        let refused = below.problems.first().filter(|p| !p.contains("is not declared")).map(|p| Arc::from(p.as_str()));
        let Explored { steps, outputs, failure } = self.run(&mut below, depth + 1);
        let does = Does::Child { template, role, unexplored: None };
        let failure = refused.or(failure);
        Acted { body: steps, failure, document: Some(Symbolic::map(outputs)), ..Acted::doing(does) }
    }
}

fn unexplored(template: Symbolic, why: &str) -> Acted {
    Acted::doing(Does::Child { template, role: None, unexplored: Some(why.into()) })
}

/// What a call sends: `Parameters`, and of a ROA call what decides about it.
fn request(properties: &Symbolic) -> Vec<(Arc<str>, Symbolic)> {
    let parameters = properties.member("Parameters");
    let whole = || vec![("Parameters".into(), parameters.clone())];
    let mut list = match parameters.entries() {
        Some(entries) => entries,
        None if parameters.is_null() => Vec::new(),
        None => whole(),
    };
    let beside = ["Method", "URI", "Body"].map(|key| (Arc::from(key), properties.member(key)));
    list.extend(beside.into_iter().filter(|(_, value)| !value.is_null()));
    list
}

fn sleep(duration: Symbolic) -> Acted {
    let parsed = duration.known_text().map(|text| parse_sleep_duration(&text));
    match parsed {
        Some(Err(error)) => Acted::failing(Does::Sleeps { duration, time: None }, error.to_string()),
        Some(Ok(time)) => Acted::doing(Does::Sleeps { duration, time: Some(time) }),
        None => Acted::doing(Does::Sleeps { duration, time: None }),
    }
}
