//! Actions as declarations, a few stored templates, and the way from a text to all findings about it.

use std::sync::Arc;

use async_trait::async_trait;
use oos_core::{
    ActionName, Limits, Template, TemplateName,
    check::children,
    diagnostic::Diagnostics,
    plan::{Environment, LinkError, Plan},
    ports::{
        action::{Action, ActionClass, ActionContext, ActionError, Entry, Outcome, Property, RetryRule, Signature},
        control::{ControlAction, ControlContext, ControlError, ControlEvent, Decision},
        store::StoreError,
        template_store::{StoredTemplate, TemplateStore},
    },
    registry::ActionRegistry,
    source::SourceText,
    template::ValueType::{self, Boolean, Json, List, Number, String as Text},
};

/// A signature without a body.
#[derive(Debug)]
struct Declared(Signature);

#[async_trait]
impl Action for Declared {
    fn name(&self) -> &ActionName {
        &self.0.name
    }

    async fn run(&self, _: ActionContext) -> Result<Outcome, ActionError> {
        Err(ActionError::unsupported("Declared", "a declaration does not run"))
    }

    fn signature(&self) -> Signature {
        self.0.clone()
    }
}

impl ControlAction for Declared {
    fn name(&self) -> &ActionName {
        &self.0.name
    }

    fn signature(&self) -> Signature {
        self.0.clone()
    }

    fn decide(&self, _: &ControlContext<'_>, _: &ControlEvent) -> Result<Decision, ControlError> {
        Ok(Decision::Done(oos_core::Value::Null))
    }
}

fn needs(name: &str, types: &[ValueType]) -> Property {
    Property::required(name, types, "")
}

fn takes(name: &str, types: &[ValueType]) -> Property {
    Property::optional(name, types, "")
}

fn signature(name: &str, class: ActionClass, properties: Vec<Property>) -> Signature {
    let base = Signature::open(ActionName::new(name));
    Signature { class, loops: false, retry: RetryRule::None, properties, open: false, ..base }
}

fn api(name: &str, more: Vec<Property>) -> Signature {
    let mut properties = vec![
        needs("Service", &[Text]),
        needs("API", &[Text]),
        takes("Parameters", &[Json]),
        takes("AutoPaging", &[Boolean]),
        takes("Risk", &[Text]).allowed(["Normal", "High"]),
    ];
    properties.extend(more);
    let base = signature(name, ActionClass::Api, properties);
    Signature { loops: true, calls_api: true, retry: RetryRule::Task { default_retries: 0 }, ..base }
}

fn work() -> Vec<Signature> {
    let message = || {
        vec![
            needs("NotifyType", &[Text]).allowed(["WebHook", "Mail"]),
            takes("WebHook", &[Json]),
            takes("Mail", &[Json]),
            takes("Approvers", &[List]),
            takes("MinRequiredApprovals", &[Number]),
        ]
    };
    let wait =
        vec![needs("PropertySelector", &[Text]), takes("DesiredValues", &[List]), takes("NotDesiredValues", &[List])];
    let http = vec![needs("URL", &[Text]), takes("CheckFor", &[Json]), takes("WaitFor", &[Json])];
    vec![
        api("ACS::ExecuteAPI", vec![]),
        api("ACS::WaitFor", wait),
        Signature {
            loops: true,
            retry: RetryRule::Property { name: "WaitFor", default_retries: 10 },
            ..signature("ACS::ExecuteHttpRequest", ActionClass::Api, http)
        },
        signature("ACS::Notify", ActionClass::Control, message()),
        signature("ACS::Approve", ActionClass::Control, message()),
        Signature::open(ActionName::new("Acme::Pager::Page")),
    ]
}

fn control() -> Vec<Signature> {
    let child = vec![takes("TemplateName", &[Text]), takes("TemplateContent", &[Json]), takes("Parameters", &[Json])];
    let several = vec![needs("LoopItems", &[List]), takes("LoopRateControl", &[Json]), needs("LoopTasks", &[List])];
    let timer = vec![
        needs("Type", &[Text]).allowed(["rate", "cron", "at"]),
        needs("Expression", &[Text]),
        needs("EndDate", &[Text]),
    ];
    vec![
        Signature {
            loops: true,
            lazy: vec!["TemplateContent"],
            ..signature("ACS::Template", ActionClass::Embedded, child)
        },
        Signature {
            lazy: vec!["Choices"],
            ..signature(
                "ACS::Choice",
                ActionClass::Control,
                vec![needs("DefaultTask", &[Text]), needs("Choices", &[List])],
            )
        },
        Signature { lazy: vec!["LoopTasks"], ..signature("ACS::Loop", ActionClass::Control, several) },
        signature("ACS::Sleep", ActionClass::Control, vec![needs("Duration", &[Text])]),
        signature("ACS::TimerTrigger", ActionClass::Trigger, timer),
    ]
}

/// Templates that others call.
const STORED: [(&str, &str); 6] = [
    (
        "ACS::ECS::RebootInstance",
        "{FormatVersion: OOS-2019-06-01, Parameters: {regionId: {Type: String, Default: '{{ ACS::RegionId }}'},
          instanceId: {Type: String}, forceStop: {Type: Boolean, Default: false},
          mode: {Type: String, AllowedValues: [Soft, Hard], Default: Soft}},
          Tasks: [{Name: nap, Action: ACS::Sleep,
            Properties: {Duration: '{{ regionId }}{{ instanceId }}{{ forceStop }}{{ mode }}'}}]}",
    ),
    (
        "ACS::ECS::RunCommand",
        "{FormatVersion: OOS-2019-06-01, Parameters: {commandContent: {Type: String}},
          Tasks: [{Name: nap, Action: ACS::Sleep, Properties: {Duration: '{{ commandContent }}'}}]}",
    ),
    (
        "ACS::Test::Nightly",
        "{FormatVersion: OOS-2019-06-01, Tasks: [{Name: every, Action: ACS::TimerTrigger,
          Properties: {Type: rate, Expression: 1 day, EndDate: '2099-01-01'}}]}",
    ),
    ("ACS::Test::Ring", "{FormatVersion: OOS-2019-06-01, Tasks: [{Name: again, Action: ACS::Test::Ring}]}"),
    (
        "ACS::Test::Broken",
        "{FormatVersion: OOS-2019-06-01, Tasks: [{Name: nap, Action: ACS::Sleep, Properties: {Duration: '{{ pause }}'}}]}",
    ),
    ("ACS::Test::CallsBroken", "{FormatVersion: OOS-2019-06-01, Tasks: [{Name: call, Action: ACS::Test::Broken}]}"),
];

#[derive(Debug)]
struct Stored;

#[async_trait]
impl TemplateStore for Stored {
    async fn get(&self, name: &TemplateName, _: Option<&str>) -> Result<Option<StoredTemplate>, StoreError> {
        let found = STORED.iter().find(|(known, _)| known.eq_ignore_ascii_case(name.as_str()));
        Ok(found.map(|(name, text)| StoredTemplate {
            name: TemplateName::new(*name),
            version: "v1".into(),
            source: SourceText::new(*name, *text),
        }))
    }

    async fn list(&self) -> Result<Vec<TemplateName>, StoreError> {
        Ok(STORED.iter().map(|(name, _)| TemplateName::new(*name)).collect())
    }
}

/// The declared actions and the stored templates.
pub(crate) fn environment(limits: Limits) -> Environment {
    let registry = ActionRegistry::new().with_templates(Stored);
    let registry = work().into_iter().fold(registry, |r, s| r.with_entry(Entry::Work(Arc::new(Declared(s)))));
    let registry = control().into_iter().fold(registry, |r, s| r.with_entry(Entry::Control(Arc::new(Declared(s)))));
    Environment { limits, ..Environment::new(Arc::new(registry)) }
}

/// All findings about a text: of parsing, compiling, and about the children it names.
pub(crate) fn compile(source: SourceText, environment: &Environment) -> Diagnostics {
    let template = match Template::parse_source(source, &environment.limits) {
        Ok(template) => template,
        Err(found) => return found,
    };
    let plan = match Plan::compile(&template, environment) {
        Ok(plan) => plan,
        Err(found) => return found,
    };
    let mut found = plan.warnings.clone();
    found.append(children(&template, &plan, environment.limits.template_depth, &mut |name, _| load(name, environment)));
    found
}

fn load(name: &TemplateName, environment: &Environment) -> Result<Arc<Plan>, LinkError> {
    let missing = || LinkError::Missing { name: name.clone() };
    let (known, text) = STORED.iter().find(|(known, _)| *known == name.as_str()).ok_or_else(missing)?;
    let invalid = |findings| LinkError::Invalid { name: name.clone(), findings };
    let template = Template::parse_source(SourceText::new(*known, *text), &environment.limits).map_err(invalid)?;
    let plan = Plan::compile(&template, environment).map_err(invalid)?;
    Ok(Arc::new(Plan { name: Some(name.clone()), ..plan }))
}
