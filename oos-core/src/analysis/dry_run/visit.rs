//! One visit of a task: what it does, what it gives, where it leads.

use std::sync::Arc;

use super::{
    super::{
        evaluate::describe,
        frame::{Frame, Items, Results},
        line_of, ram_action,
        symbolic::Symbolic,
        targets,
    },
    explore::{Explored, Explorer, Way, on_failure, target, unknown_results},
    give::{aggregate, batches, outputs, polls, windows},
    role_of,
    step::{ApiCall, Does, FanOut, Polls, Reach, Step},
};
use crate::{
    TemplateName, Value,
    expr::{ExprError, ExprKind},
    machine::{PauseOption, Rate},
    plan::{Following, TaskKind, TaskPlan, VisibleKind, jump},
    ports::{action::ActionClass, control::WaitingFor},
    time::parse_sleep_duration,
};

/// What a task, or an item of it, came to.
struct Acted {
    does: Does,
    body: Vec<Step>,
    polls: Option<Polls>,
    /// The result document; `None` when nothing is known of it.
    document: Option<Symbolic>,
    failure: Option<Arc<str>>,
}

impl Acted {
    fn doing(does: Does) -> Self {
        Self { does, body: Vec::new(), polls: None, document: None, failure: None }
    }

    fn failing(does: Does, failure: impl Into<Arc<str>>) -> Self {
        Self { failure: Some(failure.into()), ..Self::doing(does) }
    }
}

/// A loop that has been looked at.
pub(super) struct Looped {
    fan_out: FanOut,
    pub(super) items: Items,
    pub(super) rate: Option<Rate>,
}

impl Explorer<'_> {
    /// Visits a task in a frame that holds what tasks gave before.
    pub(super) fn visit(&mut self, frame: &mut Frame<'_>, i: usize, depth: usize) -> (Step, Vec<Way>) {
        let plan = frame.plan;
        let Some(task) = plan.tasks.get(i) else { return (empty_step(frame), Vec::new()) };
        let mut step = Step {
            task: task.name.clone(),
            action: task.action.clone(),
            line: line_of(plan, task.span),
            on_error: on_failure(plan, task.on_error),
            ..empty_step(frame)
        };
        let decided = match task.when.as_ref().filter(|_| !task.when_per_item) {
            Some(when) => frame.decide(when),
            None => Ok(Some(true)),
        };
        match decided {
            Err(error) => return self.fails(frame, i, step, error.message),
            Ok(Some(false)) => {
                step.does = Does::Nothing("When is false".into());
                let ways = vec![way_on(frame, i, Following::Next, None, None)];
                return (step, ways);
            }
            Ok(Some(true)) => {}
            Ok(None) => step.when = task.when.as_ref().map(|w| describe(w).into()),
        }
        let looped = match self.looped(frame, task) {
            Ok(looped) => looped,
            Err(error) => return self.fails(frame, i, step, error.message),
        };
        self.act_and_go(frame, i, step, looped, depth)
    }

    fn act_and_go(
        &mut self,
        frame: &mut Frame<'_>,
        i: usize,
        mut step: Step,
        looped: Option<Looped>,
        depth: usize,
    ) -> (Step, Vec<Way>) {
        let plan = frame.plan;
        let Some(task) = plan.tasks.get(i) else { return (step, Vec::new()) };
        let outer_item = frame.item.clone();
        if let Some(looped) = &looped {
            frame.item = Some(looped.items.any());
        }
        let acted = match &looped {
            Some(Looped { items: Items::Exact(items), .. }) if items.is_empty() => {
                Acted::doing(Does::Nothing("the loop has no items".into()))
            }
            _ => self.act_per_item(frame, task, &mut step, depth),
        };
        let results = self.results(frame, task, &acted, looped.as_ref());
        frame.item = outer_item;
        step.fan_out = looped.map(|l| l.fan_out);
        (step.does, step.body, step.polls) = (acted.does, acted.body, acted.polls);
        let skipped = step.when.as_ref().filter(|_| !task.when_per_item).map(|when| {
            way_on(frame, i, Following::Next, Some(format!("{} is skipped unless {when}", task.name).into()), None)
        });
        if let Some(failure) = acted.failure {
            let (step, mut ways) = self.fails(frame, i, step, failure);
            ways.extend(skipped);
            return (step, ways);
        }
        let mut ways = match results {
            Ok(results) => self.ways(frame, i, &mut step, Arc::new(results)),
            Err(error) => {
                let (failed, mut ways) = self.fails(frame, i, step, error.message);
                ways.extend(skipped);
                return (failed, ways);
            }
        };
        ways.extend(skipped);
        (step, ways)
    }

    /// A condition that reads the item, then the action.
    fn act_per_item(&mut self, frame: &mut Frame<'_>, task: &TaskPlan, step: &mut Step, depth: usize) -> Acted {
        if let Some(when) = task.when.as_ref().filter(|_| task.when_per_item) {
            match frame.decide(when) {
                Ok(Some(true)) => {}
                Ok(Some(false)) => return Acted::doing(Does::Nothing("When is false for every item".into())),
                Ok(None) => step.when = Some(describe(when).into()),
                Err(error) => return Acted::failing(Does::Acts(Vec::new()), error.message),
            }
        }
        self.act(frame, task, depth)
    }

    /// A step that would fail in every run.
    fn fails(&self, frame: &Frame<'_>, i: usize, step: Step, failure: Arc<str>) -> (Step, Vec<Way>) {
        let following = frame.plan.tasks.get(i).map_or(Following::End, |t| t.on_error);
        let mut way = way_on(frame, i, following, None, None);
        way.failed = following == Following::End;
        (Step { failure: Some(failure), ..step }, vec![way])
    }

    fn looped(&self, frame: &Frame<'_>, task: &TaskPlan) -> Result<Option<Looped>, ExprError> {
        let Some(looping) = &task.looping else { return Ok(None) };
        let items = frame.items(looping)?;
        let (number, origin) = match &items {
            Items::Exact(list) => (Some(list.len()), None),
            Items::Unknown(origin) => (None, Some(origin.clone())),
        };
        let (written, rate) = frame.rate(looping, number)?;
        let batches = rate.as_ref().map(|r| batches(r, number.unwrap_or(0))).unwrap_or_default();
        let fan_out = FanOut {
            items: number,
            origin,
            windows: rate.as_ref().map(|r| windows(r, &batches)).unwrap_or_default(),
            batches,
            max_errors: rate.as_ref().map(|r| r.max_errors),
            pause: rate.as_ref().map_or(PauseOption::Automatic, |r| r.pause),
            rate_control: if rate.is_none() && !written.is_null() { Some(written) } else { None },
        };
        Ok(Some(Looped { fan_out, items, rate }))
    }

    fn act(&mut self, frame: &mut Frame<'_>, task: &TaskPlan, depth: usize) -> Acted {
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
        if task.signature.calls_api {
            let calls = vec![self.call(&properties)];
            return Acted { polls, ..Acted::doing(Does::Calls(calls)) };
        }
        if task.action.is(targets::ACTION) {
            return Acted::doing(Does::Calls(self.selection(&properties)));
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

    /// The calls of `ACS::SelectTargets`.
    fn selection(&self, properties: &Symbolic) -> Vec<ApiCall> {
        let listing = properties.member("ResourceType").known_text().map(|t| targets::listing(&t));
        let (service, api, action) = match listing.flatten() {
            Some((service, api)) => (known(service), known(api), Some(ram_action(service, api))),
            None => (Symbolic::unknown("ResourceType"), Symbolic::unknown("ResourceType"), None),
        };
        let parameters = properties.entries().unwrap_or_default();
        let list = ApiCall { service, api, parameters, action, high_risk: false };
        let (service, api) = targets::GROUPS;
        // CHOICE: only a target that is an application group is looked up; what is given shows whether it is one.
        let filters = properties.member("Filters");
        if filters.known().is_some() {
            return vec![list];
        }
        let group = ApiCall {
            service: known(service),
            api: known(api),
            parameters: Vec::new(),
            action: Some(ram_action(service, api)),
            high_risk: false,
        };
        vec![list, group]
    }

    fn control(&mut self, frame: &Frame<'_>, task: &TaskPlan, properties: &Symbolic, depth: usize) -> Acted {
        let entries = || properties.entries().unwrap_or_default();
        let waits = |waiting_for| Acted::doing(Does::Waits { waiting_for, properties: entries() });
        if task.signature.class == ActionClass::Embedded {
            return self.embedded(frame, properties, depth);
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

    fn embedded(&mut self, frame: &Frame<'_>, properties: &Symbolic, depth: usize) -> Acted {
        let (template, version) = (properties.member("TemplateName"), properties.member("TemplateVersion"));
        if template.is_null() {
            let unexplored = Some("a template written in place is not looked into".into());
            return Acted::doing(Does::Child { template, role: None, unexplored });
        }
        self.child(frame, template, version.known_text().as_deref(), &properties.member("Parameters"), depth)
    }

    fn child(
        &mut self,
        frame: &Frame<'_>,
        template: Symbolic,
        version: Option<&str>,
        given: &Symbolic,
        depth: usize,
    ) -> Acted {
        let unexplored = |template: Symbolic, why: &str| {
            Acted::doing(Does::Child { template, role: None, unexplored: Some(why.into()) })
        };
        let Some(name) = template.known_text() else { return unexplored(template, "its name is not known") };
        let Some(plan) = self.plans.named(&TemplateName::new(name), version).cloned() else {
            return unexplored(template, "it is not at hand");
        };
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
        let mut below = Frame::new(frame.facts, &plan, given, true);
        let (role, _) = role_of(&below);
        // A value that only looks wrong because it is not known yet is no problem, so these are all certain.
        let refused = below.problems.first().filter(|p| !p.contains("is not declared")).map(|p| Arc::from(p.as_str()));
        let Explored { steps, outputs, failure } = self.run(&mut below, depth + 1);
        let does = Does::Child { template, role, unexplored: None };
        let failure = refused.or(failure);
        Acted { body: steps, failure, document: Some(Symbolic::map(outputs)), ..Acted::doing(does) }
    }

    /// What the task gives after a success.
    fn results(
        &self,
        frame: &Frame<'_>,
        task: &TaskPlan,
        acted: &Acted,
        looped: Option<&Looped>,
    ) -> Result<Results, ExprError> {
        let acts = !matches!(acted.does, Does::Nothing(_));
        let outputs = match acts {
            true => outputs(frame, task, acted.document.as_ref())?,
            false => vec![Symbolic::NULL; task.outputs.len()],
        };
        let unknown = unknown_results(task);
        let document = acted.document.clone().unwrap_or(unknown.document);
        let visible = task.visible.iter().zip(unknown.outputs).map(|(v, origin)| match (&v.kind, looped) {
            (VisibleKind::Output(index), _) => outputs.get(*index).cloned().unwrap_or(Symbolic::NULL),
            (VisibleKind::Aggregate { field, function, .. }, Some(looped)) => {
                let value = field.and_then(|f| outputs.get(f)).cloned().unwrap_or_else(|| origin.clone());
                aggregate(frame, task, function, &value, looped).unwrap_or(origin)
            }
            (VisibleKind::Aggregate { .. }, None) => origin,
        });
        Ok(Results { outputs: visible.collect(), document })
    }

    /// Where the run goes on after a success.
    fn ways(&self, frame: &Frame<'_>, i: usize, step: &mut Step, results: Arc<Results>) -> Vec<Way> {
        let Some(task) = frame.plan.tasks.get(i) else { return Vec::new() };
        if !matches!(step.does, Does::Chooses(_)) {
            return vec![way_on(frame, i, task.on_success, None, Some(results))];
        }
        let mut ways: Vec<Way> = Vec::new();
        for (number, choice) in choices(task).iter().enumerate() {
            let when = choice.member("When");
            let decided = when.as_ref().map_or(Ok(Some(false)), |w| frame.decide(w));
            let label = |when: &str| format!("choice {} of {}: {when}", number + 1, task.name);
            let named = choice.member("NextTask");
            let (following, name) = next_task(frame, named.as_ref());
            match decided {
                Ok(Some(false)) => {}
                Ok(Some(true)) => return self.chosen(frame, i, step, ways, following, &name),
                Ok(None) => {
                    let label = label(&when.as_ref().map(describe).unwrap_or_default());
                    step.branches.push(format!("{label} → {name}").into());
                    ways.push(way_on(frame, i, following, Some(label.into()), Some(results.clone())));
                }
                Err(error) => {
                    // Behind an open choice the error may never be met.
                    if ways.is_empty() {
                        step.failure = Some(error.message.clone());
                        let mut way = way_on(frame, i, task.on_error, None, None);
                        way.failed = task.on_error == Following::End;
                        ways.push(way);
                    }
                    return ways;
                }
            }
        }
        let default = task.properties.member("DefaultTask");
        let (following, name) = next_task(frame, default.as_ref());
        self.chosen(frame, i, step, ways, following, &name)
    }

    /// The way that is taken when none of the open ones before it is.
    fn chosen(
        &self,
        frame: &Frame<'_>,
        i: usize,
        step: &mut Step,
        mut ways: Vec<Way>,
        following: Following,
        name: &str,
    ) -> Vec<Way> {
        let label = (!ways.is_empty()).then(|| Arc::from(format!("otherwise at {}", step.task)));
        match &label {
            None => step.does = Does::Chooses(Some(name.into())),
            Some(_) => step.branches.push(format!("otherwise → {name}").into()),
        }
        ways.push(way_on(frame, i, following, label, None));
        ways
    }
}

fn empty_step(frame: &Frame<'_>) -> Step {
    Step {
        task: frame.plan.tasks.first().map_or_else(|| crate::TaskName::new(""), |t| t.name.clone()),
        action: crate::ActionName::new(""),
        line: None,
        reach: Reach::Maybe(Vec::new()),
        when: None,
        fan_out: None,
        does: Does::Acts(Vec::new()),
        polls: None,
        branches: Vec::new(),
        on_error: None,
        failure: None,
        body: Vec::new(),
    }
}

/// A way to where a following leads, with what the task gave.
fn way_on(
    frame: &Frame<'_>,
    from: usize,
    following: Following,
    label: Option<Arc<str>>,
    results: Option<Arc<Results>>,
) -> Way {
    let mut state = frame.tasks.clone().unwrap_or_default();
    if let Some(slot) = state.get_mut(from) {
        *slot = results;
    }
    Way { to: target(frame.plan, from, following), label, state, failed: false }
}

fn known(text: &str) -> Symbolic {
    Symbolic::Known(text.into())
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

/// The choices of `ACS::Choice` as expressions.
fn choices(task: &TaskPlan) -> Vec<crate::expr::Expr> {
    let Some(choices) = task.lazy.member("Choices") else { return Vec::new() };
    match choices.kind {
        ExprKind::List(list) => list.to_vec(),
        ExprKind::Literal(value) => {
            value.as_list().unwrap_or_default().iter().cloned().map(crate::expr::Expr::literal).collect()
        }
        _ => Vec::new(),
    }
}

/// A jump target and its name; the end for one that does not exist, which the check has refused.
fn next_task(frame: &Frame<'_>, target: Option<&crate::expr::Expr>) -> (Following, String) {
    let name = target.and_then(|t| frame.evaluate(t).ok()).and_then(|t| t.known_text());
    let name = name.map_or_else(|| "ACS::END".to_owned(), |n| n.to_string());
    (jump(frame.plan, &name).unwrap_or(Following::End), name)
}
