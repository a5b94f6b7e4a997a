//! High-risk tasks, as ListExecutionRiskyTasks gives them: by service and operation, through children
//! (service-model 3.5).

use std::{collections::BTreeMap, fmt, sync::Arc};

use super::{
    official_api,
    published::published,
    symbolic::Symbolic,
    walk::{Site, Unresolved, Visitor, Walk, facts},
};
use crate::{
    TaskName, TemplateName, Value,
    machine::RiskPolicy,
    params,
    plan::{Plan, PlanSet},
};

/// A high-risk operation and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RiskyTask {
    /// The service as the template writes it.
    pub service: Arc<str>,
    /// The operation in its official spelling.
    pub api: Arc<str>,
    /// Tasks that call it.
    pub tasks: Vec<TaskName>,
    /// Templates that those tasks belong to, where they have names.
    pub templates: Vec<TemplateName>,
}

/// All high-risk operations, sorted, and the calls of which only a run tells what they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Risks {
    /// High-risk operations.
    pub tasks: Vec<RiskyTask>,
    /// Calls that may be high-risk.
    pub unresolved: Vec<Unresolved>,
}

impl Risks {
    /// `RiskyTasks` as ListExecutionRiskyTasks answers.
    pub fn to_value(&self) -> Value {
        let texts = |names: &[TemplateName]| names.iter().map(Value::from).collect::<Value>();
        let tasks = self.tasks.iter().map(|t| {
            params! {
                "Service" => t.service.clone(),
                "API" => t.api.clone(),
                "Task" => t.tasks.iter().map(Value::from).collect::<Value>(),
                "Template" => texts(&t.templates),
            }
        });
        tasks.collect()
    }
}

/// One line for each operation, one for each call that is unresolved.
impl fmt::Display for Risks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for risk in &self.tasks {
            let tasks = risk.tasks.iter().map(TaskName::as_str).collect::<Vec<_>>().join(", ");
            write!(f, "{} {}: task {tasks}", risk.service, risk.api)?;
            let templates = risk.templates.iter().map(TemplateName::as_str).collect::<Vec<_>>().join(", ");
            writeln!(f, "{}{templates}", if templates.is_empty() { "" } else { " of " })?;
        }
        self.unresolved.iter().try_for_each(|u| writeln!(f, "unresolved: {u}"))
    }
}

/// The high-risk tasks of a template and its children by a policy, e.g. [`crate::machine::VerbRisk`].
pub fn risks(plan: &Plan, plans: &PlanSet, policy: &dyn RiskPolicy) -> Risks {
    let facts = facts(&Value::Null);
    let mut collector = Collector { policy, found: BTreeMap::new(), unresolved: Vec::new() };
    Walk::new(&facts, plans, false).run(plan, &Symbolic::unknown("parameters"), false, &mut collector);
    Risks { tasks: collector.found.into_values().collect(), unresolved: collector.unresolved }
}

struct Collector<'p> {
    policy: &'p dyn RiskPolicy,
    found: BTreeMap<(String, String), RiskyTask>,
    unresolved: Vec<Unresolved>,
}

impl Collector<'_> {
    /// Notes a call when it is high-risk; `risk` is what the task says about it.
    fn call(&mut self, site: &Site<'_>, service: &Arc<str>, api: &str, risk: &str) {
        if !self.policy.is_high(service, api, risk) {
            return;
        }
        let key = (service.to_ascii_lowercase(), api.to_ascii_lowercase());
        let risk = self.found.entry(key).or_insert_with(|| RiskyTask {
            api: official_api(service, api),
            service: service.clone(),
            tasks: Vec::new(),
            templates: Vec::new(),
        });
        push_new(&mut risk.tasks, Some(&site.task.name));
        push_new(&mut risk.templates, site.template);
    }
}

impl Visitor for Collector<'_> {
    fn task(&mut self, site: &Site<'_>) {
        let text = |key: &str| site.properties.member(key).known_text();
        let risk = text("Risk").unwrap_or_default();
        for call in published(&site.task.signature, site.properties).calls.iter().filter(|c| c.made) {
            self.call(site, &call.service, &call.api, &risk);
        }
        if !site.task.signature.calls_api {
            return;
        }
        match (text("Service"), text("API")) {
            (Some(service), Some(api)) => self.call(site, &service, &api, &risk),
            (_, None) => self.unresolved(site.unresolved("API")),
            (None, _) => self.unresolved(site.unresolved("Service")),
        }
    }

    fn unresolved(&mut self, unresolved: Unresolved) {
        push_new(&mut self.unresolved, Some(&unresolved));
    }
}

fn push_new<T: Clone + PartialEq>(list: &mut Vec<T>, value: Option<&T>) {
    list.extend(value.filter(|v| !list.contains(v)).cloned());
}
