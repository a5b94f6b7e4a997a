//! Every failure that a signature lists is provoked here: the reference page promises no code that never comes. That no
//! other code comes, `support` checks in each test.

use std::{collections::BTreeSet, time::Duration};

use oos_actions::{
    atom::{CheckFor, ExecuteApi, ExecuteHttpRequest, GitCodeRepo, WaitFor, address},
    control::{Approve, ApproveOptions, Choice, ForEach, Sleep, Template},
    notify::Notify,
    select_targets::SelectTargets,
    trigger::{AlarmTrigger, EventTrigger, TimerTrigger},
};
use oos_core::{
    Value,
    machine::ExecutionStatus,
    params,
    ports::{
        Action, ActionError, ActionErrorKind, ApiResponse, ControlAction, ControlEvent, Decision, Outcome,
        action::Entry,
        control::{ControlError, Purpose},
    },
};

use crate::support::{Steps, World, at, broken, ended, json};

/// Raised by the machine, which drives the loop; `a_loop_with_too_many_errors_ends` of the test kit provokes it.
const BY_THE_MACHINE: [(&str, &str); 1] = [("ACS::Loop", "LoopMaxErrorsExceeded")];

const URL: &str = "https://api.example.com/";

/// The error of an attempt that fails, or would without another retry.
fn of(world: &World, action: &dyn Action, properties: Value) -> ActionError {
    match world.run(action, properties) {
        Err(error) | Ok(Outcome::NotYet { otherwise: error, .. }) => error,
        Ok(Outcome::Done(document)) => panic!("it gave {document}"),
    }
}

/// The error of a control action after these events.
fn after(action: impl ControlAction, properties: Value, events: Vec<ControlEvent>) -> ActionError {
    let mut steps = Steps::of(action, properties);
    let last = events.into_iter().map(|event| steps.send(event)).last().unwrap();
    match last {
        Err(ControlError::Failed(error)) | Ok(Decision::Fail(error)) => error,
        other => panic!("it went on with {other:?}"),
    }
}

fn entered(action: impl ControlAction, properties: Value) -> ActionError {
    after(action, properties, vec![ControlEvent::Entered])
}

fn endless_pages() -> World {
    let world = World::new();
    for n in 0..1_001 {
        let text = format!(r#"{{"NextToken":"t-{n}","Instances":{{"Instance":[{{"InstanceId":"i-{n}"}}]}}}}"#);
        world.api.push(Ok(ApiResponse { body: json(&text), request_id: None }));
    }
    world
}

fn call(api: &str) -> Value {
    params! { "Service" => "ECS", "API" => api }
}

fn with(base: &Value, more: &[(&str, Value)]) -> Value {
    let mut map = base.as_map().unwrap().clone();
    more.iter().for_each(|(key, value)| {
        map.insert(*key, value.clone());
    });
    map.into()
}

fn judged(more: &[(&str, Value)]) -> Value {
    with(&call("DescribeInstances"), &[&[("PropertySelector", ".Status".into())], more].concat())
}

fn desired() -> (&'static str, Value) {
    ("DesiredValues", ["Running"].into())
}

fn answering(status: &str) -> World {
    World::answering([params! { "Status" => status }])
}

/// What WaitFor and CheckFor share.
fn judging(action: &dyn Action) -> Vec<ActionError> {
    let stays = "Pending";
    vec![
        of(&World::new(), action, params! { "DesiredValues" => ["Running"] }),
        of(&World::new(), action, params! {}),
        of(&endless_pages(), action, judged(&[desired()])),
        of(&World::new(), action, judged(&[desired(), ("PropertySelector", ".a[".into())])),
        of(&answering(stays), action, judged(&[desired()])),
        of(&answering(stays), action, judged(&[desired(), ("StopRetryValues", [stays].into())])),
    ]
}

fn http(more: &[(&str, Value)]) -> Value {
    with(&params! { "URL" => URL, "Method" => "GET" }, more)
}

fn rules(selector: &str) -> Value {
    params! { "Rules" => [params! { "PropertySelector" => selector, "Operator" => "Equals", "Value" => 1 }] }
}

fn web(status: u16, body: &str) -> World {
    let world = World::new();
    world.web(status, body);
    world
}

fn requests() -> Vec<ActionError> {
    let action = ExecuteHttpRequest::default();
    let refused = address::AddressPolicy::default().check_url("http://127.0.0.1/").unwrap_err();
    let world = World::new();
    world.http.push(Err(refused));
    vec![
        of(&world, &action, http(&[])),
        of(&World::new(), &action, params! {}),
        of(&web(404, ""), &action, http(&[])),
        of(&web(200, &"x".repeat((1 << 20) + 1)), &action, http(&[])),
        of(&web(200, "{}"), &action, http(&[("CheckFor", rules(".a"))])),
        of(&web(200, "{}"), &action, http(&[("WaitFor", rules(".a"))])),
        of(&web(200, "{}"), &action, http(&[("WaitFor", rules(".a["))])),
    ]
}

fn no_account() -> World {
    let world = World::new();
    world.git.push(Err(ActionError::unsupported("GitAccountNotAuthorized", "no account")));
    world
}

fn unsent() -> World {
    let world = World::new();
    world.messages.push(Err(ActionError::failed("NotifyFailed", "no such host")));
    world
}

fn targets(resources: &str, kind: &str) -> Value {
    params! { "ResourceType" => resources, "Filters" => [params! { "Type" => kind }] }
}

/// What a trigger with an `OutputTransformer` fails with.
fn transformed<A: ControlAction + Default>(properties: &Value) -> Vec<ActionError> {
    let transformer = |selector: &str| with(properties, &[("OutputTransformer", params! { "x" => selector })]);
    let fired = || vec![ControlEvent::Entered, ControlEvent::Fired(params! { "name" => "text" })];
    vec![
        entered(A::default(), params! {}),
        after(A::default(), transformer(".a["), fired()),
        after(A::default(), transformer(".name + 1"), fired()),
    ]
}

fn timers() -> Vec<ActionError> {
    let timer = |expression: &str| {
        params! { "Type" => "at", "Expression" => expression, "EndDate" => "2099-01-01" }
    };
    let mut steps = Steps::of(TimerTrigger::default(), timer("2024-03-02T00:00:00Z"));
    steps.on(ControlEvent::Entered);
    steps.at("2024-03-03T00:00:00Z");
    let woke = ControlEvent::Woke { purpose: Purpose::Firing, scheduled: at("2024-03-02T00:00:00Z") };
    let Decision::Fail(missed) = steps.on(woke) else { panic!("it was missed") };
    vec![missed, entered(TimerTrigger::default(), params! {}), entered(TimerTrigger::default(), timer("never"))]
}

fn approvals() -> Vec<ActionError> {
    let limited = || Approve::new(ApproveOptions { time_out: Some(Duration::from_secs(1)), ..Default::default() });
    let asks = || params! { "NotifyType" => "WebHook" };
    let unsent = ControlEvent::Notified(Err(ActionError::failed("Smtp", "no such host")));
    let woke = ControlEvent::Woke { purpose: Purpose::TimeOut, scheduled: at("2024-03-01T00:00:01Z") };
    vec![
        entered(Approve::default(), params! {}),
        after(limited(), asks(), vec![ControlEvent::Entered, unsent]),
        after(limited(), asks(), vec![ControlEvent::Entered, woke]),
    ]
}

/// What can be made to go wrong with an action.
fn provoked(action: &str) -> Vec<ActionError> {
    let lost = World::new();
    match action {
        "ACS::ExecuteAPI" => {
            lost.fails(broken(true));
            vec![
                of(&World::new(), &ExecuteApi, params! {}),
                of(&endless_pages(), &ExecuteApi, call("DescribeInstances")),
                of(&lost, &ExecuteApi, call("CreateSecurityGroup")),
            ]
        }
        "ACS::WaitFor" => judging(&WaitFor::default()),
        "ACS::CheckFor" => judging(&CheckFor::default()),
        "ACS::ExecuteHttpRequest" => requests(),
        "ACS::GitCodeRepo" => {
            let repository = params! { "Platform" => "github", "Owner" => "o", "Repository" => "r" };
            vec![of(&World::new(), &GitCodeRepo, params! {}), of(&no_account(), &GitCodeRepo, repository)]
        }
        "ACS::Notify" => {
            let message = params! { "NotifyType" => "Mail" };
            vec![of(&World::new(), &Notify, params! {}), of(&unsent(), &Notify, message)]
        }
        "ACS::SelectTargets" => vec![
            of(&World::new(), &SelectTargets, params! {}),
            of(&World::new(), &SelectTargets, targets("ALIYUN::X::Y", "All")),
            of(&World::new(), &SelectTargets, targets("ALIYUN::ECS::Instance", "Inventory")),
            of(&endless_pages(), &SelectTargets, targets("ALIYUN::ECS::Instance", "All")),
        ],
        "ACS::TimerTrigger" => timers(),
        "ACS::EventTrigger" => {
            transformed::<EventTrigger>(&params! { "Product" => "ECS", "Name" => ["Instance:StateChange"] })
        }
        "ACS::AlarmTrigger" => transformed::<AlarmTrigger>(&params! {
            "Namespace" => "n", "MetricName" => "m", "ComparisonOperator" => "LessThanThreshold", "Threshold" => 1,
        }),
        "ACS::Approve" => approvals(),
        "ACS::Choice" => {
            let unclear = params! { "DefaultTask" => "a", "Choices" => [params! { "When" => "x", "NextTask" => "a" }] };
            vec![entered(Choice, params! {}), entered(Choice, unclear)]
        }
        "ACS::Sleep" => vec![entered(Sleep, params! {}), entered(Sleep, params! { "Duration" => "soon" })],
        "ACS::Pause" => Vec::new(),
        "ACS::Template" => vec![
            entered(Template, params! {}),
            after(
                Template,
                params! { "TemplateName" => "t" },
                vec![ControlEvent::Entered, ended(ExecutionStatus::Failed)],
            ),
        ],
        "ACS::Loop" => vec![
            entered(ForEach, params! {}),
            // A wrong property of a loop is the machine's finding too.
            ActionError::new(ActionErrorKind::InvalidProperty, "InvalidProperty", "LoopItems is no list"),
        ],
        other => panic!("no way to make {other} fail is known"),
    }
}

#[test]
fn every_listed_failure_can_be_provoked_and_no_other() {
    for entry in oos_actions::all_actions() {
        let signature = match &entry {
            Entry::Work(action) => action.signature(),
            Entry::Control(action) => action.signature(),
            Entry::Template => continue,
        };
        let name = signature.name.as_str();
        let listed: BTreeSet<String> = signature.failures.iter().map(|failure| failure.code.to_string()).collect();
        let mut seen: BTreeSet<String> = provoked(name).iter().map(|error| error.code.to_string()).collect();
        seen.extend(BY_THE_MACHINE.iter().filter(|(action, _)| *action == name).map(|(_, code)| (*code).to_owned()));
        assert_eq!(seen, listed, "{name}");
        assert_eq!(listed.len(), signature.failures.len(), "{name} lists a code twice");
        for failure in &signature.failures {
            assert!(!failure.when.is_empty() && !failure.when.ends_with('.'), "{name} {}", failure.code);
        }
    }
}
