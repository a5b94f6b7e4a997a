//! Actions that nothing runs, and templates over them.

use std::sync::Arc;

use async_trait::async_trait;
use oos_core::{
    ActionName, Template, TemplateName, Value,
    analysis::{DryRun, DryRunOptions, Permissions, Reach, Step, Symbolic, dry_run, permissions},
    plan::{Environment, LinkError, Plan, PlanSet},
    ports::{
        Action, ActionContext, ActionError, ControlAction, ControlContext, ControlEvent, Decision, Outcome,
        action::{ActionClass, ApiUse, RetryRule, Signature},
        control::ControlError,
    },
    registry::ActionRegistry,
};

/// An action that must not run.
#[derive(Debug)]
struct Never(ActionName, Signature);

impl Never {
    fn new(name: &str, change: impl FnOnce(Signature) -> Signature) -> Self {
        let name = ActionName::new(name);
        Self(name.clone(), change(Signature { class: ActionClass::Api, ..Signature::open(name) }))
    }
}

#[async_trait]
impl Action for Never {
    fn name(&self) -> &ActionName {
        &self.0
    }
    async fn run(&self, _: ActionContext) -> Result<Outcome, ActionError> {
        panic!("an analysis runs nothing")
    }
    fn signature(&self) -> Signature {
        self.1.clone()
    }
}

impl ControlAction for Never {
    fn name(&self) -> &ActionName {
        &self.0
    }
    fn signature(&self) -> Signature {
        self.1.clone()
    }
    fn decide(&self, _: &ControlContext<'_>, _: &ControlEvent) -> Result<Decision, ControlError> {
        panic!("an analysis decides nothing")
    }
}

fn registry() -> ActionRegistry {
    let api = |retries| {
        move |s: Signature| Signature { calls_api: true, retry: RetryRule::Task { default_retries: retries }, ..s }
    };
    let control = |class| move |s: Signature| Signature { class, ..s };
    ActionRegistry::new()
        .with(Never::new("ACS::ExecuteAPI", api(0)))
        .with(Never::new("ACS::WaitFor", api(10)))
        .with(Never::new("ACS::SelectTargets", |s| {
            s.calls([
                ApiUse::new("ECS", "DescribeInstances").when("ResourceType", "ALIYUN::ECS::Instance"),
                ApiUse::new("R-KVSTORE", "DescribeInstances").when("ResourceType", "ALIYUN::Redis::Instance"),
                ApiUse::new("OOS", "GetApplicationGroup").only_listed(),
            ])
        }))
        .with(Never::new("Acme::Page", control(ActionClass::Custom)))
        .with(Never::new("Acme::Wipe", |s| {
            Signature { class: ActionClass::Custom, ..s }
                .calls([ApiUse::new("ecs", "describedisks"), ApiUse::new("ECS", "DeleteDisk")])
        }))
        .with(Never::new("Acme::Print", |s| Signature { class: ActionClass::Custom, ..s }.calls([])))
        .with_control(Never::new("ACS::Sleep", control(ActionClass::Control)))
        .with_control(Never::new("ACS::Loop", control(ActionClass::Control)))
        .with_control(Never::new("ACS::Template", |s| Signature {
            class: ActionClass::Embedded,
            verbatim: vec!["TemplateContent"],
            ..s
        }))
        .with_control(Never::new("ACS::Choice", |s| Signature {
            class: ActionClass::Control,
            lazy: vec!["Choices"],
            ..s
        }))
}

pub(crate) struct Linked(pub(crate) Plan, pub(crate) PlanSet);

/// Compiles a template without its first line under a name.
pub(crate) fn compile(name: &str, text: &str) -> Plan {
    let template = Template::parse(&format!("FormatVersion: OOS-2019-06-01\n{text}"));
    let template = template.unwrap_or_else(|e| panic!("{name}: {e}"));
    let plan = Plan::compile(&template, &Environment::new(Arc::new(registry())));
    Plan { name: Some(TemplateName::new(name)), ..plan.unwrap_or_else(|e| panic!("{name}: {e}")) }
}

/// Gives children that stand beside a template.
pub(crate) fn load(
    children: &[(&str, &str)],
) -> impl FnMut(&TemplateName, Option<&str>) -> Result<Arc<Plan>, LinkError> {
    move |name, _| {
        let found = children.iter().find(|(n, _)| *n == name.as_str());
        let (_, text) = found.ok_or_else(|| LinkError::Missing { name: name.clone() })?;
        Ok(Arc::new(compile(name.as_str(), text)))
    }
}

/// Compiles `tasks` behind a head, and links children that stand beside it.
pub(crate) fn linked_with(head: &str, tasks: &str, children: &[(&str, &str)]) -> Linked {
    let plan = compile("root", &format!("{head}\nTasks:\n{tasks}"));
    let plans = PlanSet::link(&plan, 10, &mut load(children));
    Linked(plan, plans.unwrap())
}

pub(crate) fn linked(head: &str, tasks: &str) -> Linked {
    linked_with(head, tasks, &[])
}

impl Linked {
    pub(crate) fn run(&self, parameters: Value) -> DryRun {
        self.run_with(parameters, &DryRunOptions::default())
    }
    pub(crate) fn run_with(&self, parameters: Value, options: &DryRunOptions) -> DryRun {
        dry_run(&self.0, &self.1, &parameters, options)
    }
    pub(crate) fn permissions(&self) -> Permissions {
        permissions(&self.0, &self.1)
    }
}

/// A call whose parameter `P` is an expression.
pub(crate) fn call(name: &str, api: &str, more: &str) -> String {
    format!("- Name: {name}\n  Action: ACS::ExecuteAPI\n  Properties: {{Service: ECS, API: {api}, {more}}}\n")
}

pub(crate) fn tasks(steps: &[Step]) -> Vec<String> {
    let mark = |s: &Step| match &s.reach {
        Reach::Always => s.task.to_string(),
        Reach::Maybe(_) => format!("{}?", s.task),
        Reach::AfterFailure(_) => format!("{}!", s.task),
    };
    steps.iter().map(mark).collect()
}

pub(crate) fn parameter<'s>(step: &'s Step, name: &str) -> &'s Symbolic {
    let parameters = &step.calls()[0].parameters;
    &parameters.iter().find(|(n, _)| &**n == name).unwrap_or_else(|| panic!("{parameters:?}")).1
}

const CHILD: &str = "Parameters:
  service: {Type: String}
  id: {Type: String}
  api: {Type: String, Default: StopInstance}
RamRole: Inner
Tasks:
- Name: stop
  Action: ACS::ExecuteAPI
  Properties: {Service: '{{ service }}', API: '{{ api }}', Parameters: {InstanceId: '{{ id }}'}}
  Outputs: {state: {Type: String, ValueSelector: .State}}
Outputs:
  id: {Type: String, Value: '{{ id }}'}
  state: {Type: String, Value: '{{ stop.state }}'}
";

pub(crate) fn parent() -> Linked {
    let text = "- Name: child
  Action: ACS::Template
  Properties:
    TemplateName: child
    Parameters: {service: ecs, id: '{{ id }}'}
  Outputs:
    id: {Type: String, ValueSelector: id}
    state: {Type: String, ValueSelector: .state}
";
    let after = call("after", "ModifyX", "Parameters: {I: '{{ child.id }}', S: '{{ child.state }}'}");
    linked_with("Parameters: {id: {Type: String}}", &(text.to_owned() + &after), &[("child", CHILD)])
}
