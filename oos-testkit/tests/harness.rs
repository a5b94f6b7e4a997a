//! One action without a template: the harness, and the contract of work actions on every atom and on a closure.

#![expect(clippy::unwrap_used, reason = "tests")]

use oos_core::{
    outputs,
    ports::{
        Action, ActionContext, ActionErrorKind, Outcome,
        action::{Property, ResultMember, Signature},
    },
    registry::FnAction,
    template::ValueType,
};
use oos_testkit::{
    ActionHarness, HttpRecorder,
    conformance::action::{Case, World, suite},
    prelude::*,
};

fn stop() -> impl Action {
    FnAction::new("Acme::Stop", |ctx: ActionContext| async move {
        let id = ctx.raw_properties().at(&["id"]).to_text();
        if id.is_empty() {
            return Err(oos_core::ports::ActionError::invalid_property("property `id` is missing"));
        }
        ctx.emit(format!("stopping {id}"));
        ctx.link("instance", id.clone());
        let answer = ctx.call(ctx.request("ECS", "StopInstance", params! { "InstanceId" => id })).await?;
        Ok(outputs! { "request" => answer.body.at(&["RequestId"]).clone(), "repeat" => ctx.is_repeat() })
    })
}

#[test]
fn a_run_goes_through_an_engine() {
    let cloud = FakeCloud::new().instance("i-1", "Running");
    cloud.fault("busy").on("ECS", "StopInstance").first(1).throttle();
    let run = ActionHarness::new(stop()).properties(json!({ "id": "i-1" })).cloud(&cloud).run();
    run.expect_success();
    assert!(run.output("result").value().at(&["request"]).as_str().is_some());
    cloud.calls().of("ECS", "StopInstance").count(2).params(json!({ "InstanceId": "i-1" }));
    assert!(run.virtual_time() >= secs(1), "the engine waits before it repeats a throttled call");
    let text = json!({ "id": "{{ not.a.reference }}" });
    ActionHarness::new(stop()).properties(text).run().expect_failure().code("InvalidInstanceId.NotFound");
}

#[test]
fn a_run_goes_under_a_role() {
    let cloud = FakeCloud::new().instance("i-1", "Running");
    cloud.ram().role("Operator").trusts_oos().create();
    ActionHarness::new(stop()).properties(json!({ "id": "i-1" })).cloud(&cloud).role("Operator").run();
    cloud.calls().of("ECS", "StopInstance").by_role("Operator").count(1);
}

#[test]
fn an_attempt_is_one_call_of_the_action() {
    let cloud = FakeCloud::new().instance("i-1", "Running");
    let harness = ActionHarness::new(stop()).properties(json!({ "id": "i-1" })).cloud(&cloud);
    let attempt = harness.attempt();
    assert_eq!(attempt.said, ["stopping i-1", "instance: i-1"]);
    let Ok(Outcome::Done(document)) = attempt.result else { unreachable!("{attempt:?}") };
    assert_eq!(document.at(&["repeat"]), &Value::from(false));
    let again = harness.repeat().attempt();
    assert_eq!(again.result.unwrap_err().code.as_ref(), "IncorrectInstanceStatus");
    let missing = ActionHarness::new(stop()).attempt();
    assert_eq!(missing.result.unwrap_err().kind, ActionErrorKind::InvalidProperty);
}

/// The report of a run whose properties do not fit says what the action takes.
#[test]
fn a_wrong_property_is_explained() {
    let task = json!({ "Name": "a", "Action": "ACS::Sleep", "Properties": { "Duration": "{{ none }}" } });
    let parameters = json!({ "none": { "Type": "String", "Default": "" } });
    let text = json!({ "FormatVersion": "OOS-2019-06-01", "Parameters": parameters, "Tasks": [task] });
    let run = TestBed::new(FakeCloud::new()).run(&text.to_string(), params! {});
    run.expect_failure().code("InvalidProperty");
    assert!(run.report().contains("ACS::Sleep takes\n  Duration (String, required): ISO 8601"), "{}", run.report());
}

/// Says that it gives a number, and gives a text.
#[derive(Debug)]
struct Boaster(oos_core::ActionName);

#[async_trait::async_trait]
impl Action for Boaster {
    fn name(&self) -> &oos_core::ActionName {
        &self.0
    }

    async fn run(&self, _: ActionContext) -> Result<Outcome, oos_core::ports::ActionError> {
        Ok(outputs! { "count" => "many" })
    }

    fn signature(&self) -> Signature {
        let whom = Property::required("whom", &[ValueType::String], "who listens");
        let count = ResultMember::new("count", &[ValueType::Number], "how many");
        Signature { properties: vec![whom], open: false, ..Signature::open(self.0.clone()) }.gives([count])
    }
}

#[test]
#[should_panic(expected = "says that `count` is in the result, found \"many\"")]
fn a_result_that_is_not_the_declared_one_is_found() {
    ActionHarness::new(Boaster("Acme::Boast".into())).properties(json!({ "whom": "ana" })).run();
}

#[test]
#[should_panic(expected = "`Acme::Boast` needs the property `whom`")]
fn a_property_that_the_signature_requires_is_missed() {
    ActionHarness::new(Boaster("Acme::Boast".into())).properties(json!({ "who": "bo" })).run();
}

#[test]
fn a_closure_keeps_the_contract() {
    let running = |world: &World| drop(world.cloud.ecs().instance().id("i-1").running().create());
    let stops = |world: &World| Value::from(world.cloud.calls().of("ECS", "StopInstance").len() as u64 > 0);
    suite(
        stop,
        [
            Case::new("missing", params! { "id" => "i-0" }).fails("InvalidInstanceId.NotFound"),
            Case::new("no id", params! {}).fails("InvalidProperty").set_up(running),
            Case::new("stopped", params! { "id" => "i-2" })
                .set_up(|world| drop(world.cloud.ecs().instance().id("i-2").stopped().create()))
                .fails("IncorrectInstanceStatus")
                .effect(stops),
        ],
    );
}

fn call(api: &str, more: Value) -> Value {
    let base = params! { "Service" => "ECS", "API" => api, "Parameters" => params! { "InstanceIds" => ["i-1"] } };
    let pairs = base.as_map().into_iter().chain(more.as_map()).flat_map(oos_core::Map::iter);
    Value::from(pairs.map(|(key, value)| (key.clone(), value.clone())).collect::<oos_core::Map>())
}

fn status_in<const N: usize>(wanted: [&str; N], stop: &[&str]) -> Value {
    let stop = stop.iter().map(|s| Value::from(*s)).collect::<Vec<_>>();
    params! { "PropertySelector" => ".Instances.Instance[].Status", "DesiredValues" => wanted, "StopRetryValues" => stop }
}

fn with_instance(world: &World) {
    world.cloud.ecs().instance().id("i-1").running().create();
}

#[test]
fn waits_and_checks_keep_the_contract() {
    let describe = |more: Value| call("DescribeInstances", more);
    suite(
        oos_actions::atom::WaitFor::default,
        [
            Case::new("met", describe(status_in(["Running"], &[])))
                .set_up(with_instance)
                .output("Instances", ValueType::Json),
            Case::new("not yet", describe(status_in(["Stopped"], &[]))).set_up(with_instance).not_yet(),
            Case::new("stopped", describe(status_in(["Stopped"], &["Running"])))
                .set_up(with_instance)
                .fails("WaitForStopped"),
        ],
    );
    suite(
        oos_actions::atom::CheckFor::default,
        [
            Case::new("met", describe(status_in(["Running"], &[])))
                .set_up(with_instance)
                .output("Instances", ValueType::Json),
            Case::new("not met", describe(status_in(["Stopped"], &[]))).set_up(with_instance).not_yet(),
        ],
    );
}

#[test]
fn selections_keep_the_contract() {
    let targets = params! {
        "ResourceType" => "ALIYUN::ECS::Instance", "Filters" => vec![by_ids(&["i-1"])],
    };
    let unknown = params! { "ResourceType" => "ALIYUN::ECS::Nothing", "Filters" => vec![by_ids(&["i-1"])] };
    suite(
        || oos_actions::select_targets::SelectTargets,
        [
            Case::new("by id", targets).set_up(with_instance).output("Instances", ValueType::Json),
            Case::new("unknown type", unknown).fails("UnsupportedResourceType"),
        ],
    );
}

#[test]
fn requests_and_messages_keep_the_contract() {
    let answers = |status: u16| {
        move |world: &World| {
            for _ in 0..8 {
                world.http.answer(status, r#"{"a": 1}"#);
            }
        }
    };
    let post = params! { "URL" => "https://api.example.com/x", "Body" => params! { "token" => "hunter2" } };
    suite(
        oos_actions::atom::ExecuteHttpRequest::default,
        [
            Case::new("post", post.clone()).set_up(answers(200)).output("a", ValueType::Number).secret("hunter2"),
            Case::new("refused", post).set_up(answers(404)).fails("HttpRequestFailed"),
        ],
    );
    let hook = params! { "URI" => "https://hooks.example.com/x", "Content" => params! { "msgtype" => "text" } };
    let notify = params! { "NotifyType" => "WebHook", "WebHook" => hook };
    suite(
        || oos_actions::notify::Notify,
        [
            Case::new("sent", notify.clone()).set_up(answers(200)).output("StatusCode", ValueType::Number),
            Case::new("refused", notify).set_up(answers(404)).fails("NotifyFailed"),
        ],
    );
}

#[test]
fn a_repository_without_an_account_keeps_the_contract() {
    let repository = params! { "Platform" => "github", "Owner" => "ana", "Repository" => "r" };
    suite(|| oos_actions::atom::GitCodeRepo, [Case::new("no account", repository).fails("GitAccountNotAuthorized")]);
}

#[test]
fn http_of_an_attempt_goes_to_the_recorder() {
    let http = HttpRecorder::default();
    let url = params! { "URL" => "https://api.example.com/x", "Method" => "GET" };
    let action = oos_actions::atom::ExecuteHttpRequest::default();
    let attempt = ActionHarness::new(action).properties(url).http(&http).attempt();
    assert!(matches!(attempt.result, Ok(Outcome::Done(_))), "{attempt:?}");
    assert_eq!(http.requests().len(), 1);
}
