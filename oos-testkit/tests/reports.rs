//! What failed expectations print, seeds, bounds of time, and assertions that tests write about runs.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex},
};

use oos_core::{
    machine::TaskStatus,
    outputs,
    ports::{ActionContext, ApiRequest},
    registry::FnAction,
};
use oos_testkit::prelude::*;

/// The text that a failing test would print.
fn failure(test: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(test)).unwrap_err();
    panic.downcast_ref::<String>().unwrap().clone()
}

const START: &str = "
FormatVersion: OOS-2019-06-01
Parameters:
  ids: {Type: List}
Tasks:
  - Name: make
    Action: ACS::ExecuteAPI
    Properties: {Service: ECS, API: RunInstances, Parameters: {ImageId: m-1, InstanceType: ecs.g7.large, Amount: 1, Password: hunter2}}
  - Name: start
    Action: ACS::ECS::StartInstance
    Properties: {instanceId: '{{ ACS::TaskLoopItem }}'}
    Loop: {Items: '{{ ids }}', RateControl: {Mode: Concurrency, Concurrency: 50, MaxErrors: 0}}
";

/// A run of forty instances, one of which cannot start.
fn forty() -> (FakeCloud, TestBed, Run) {
    let cloud = FakeCloud::new();
    let ids = cloud.ecs().instances(40).stopped().create();
    cloud.fault("no stock").on("ECS", "StartInstance").for_ids([&ids[7]]).error("OperationDenied.NoStock", 403);
    cloud.stub("ECS", "RunInstances").ok();
    cloud.fault("never seen").on("ECS", "StartInstances").throttle();
    let bed = TestBed::on(&cloud);
    let run = bed.run(START, params! { "ids" => ids });
    (cloud, bed, run)
}

#[test]
fn a_failed_expectation_tells_the_parts_in_order_and_in_few_lines() {
    let (cloud, _bed, run) = forty();
    let text = failure(|| {
        run.expect_success();
    });
    let parts = [
        "expected Success, found Failed: ",
        "OperationDenied.NoStock",
        "start ",
        "last calls of ",
        "ECS.DescribeInstances InstanceIds=",
        "near misses:",
        "ECS.StartInstance InstanceId=",
        "stubs and faults that matched nothing:",
        "fault `never seen` never fired (0 calls matched)",
        "faults, stubs and commands:",
        "the full trace: ",
        "; run it again: OOS_SEED=",
    ];
    let mut rest = text.as_str();
    for part in parts {
        let at = rest.find(part).unwrap_or_else(|| panic!("`{part}` does not stand in its place:\n{text}"));
        rest = &rest[at..];
    }
    assert!(text.lines().count() < 80, "{} lines:\n{text}", text.lines().count());
    let test = "a_failed_expectation_tells_the_parts_in_order_and_in_few_lines";
    assert!(text.trim_end().ends_with("cargo test") || text.trim_end().ends_with(test), "{text}");

    let path = text.lines().find_map(|line| line.strip_prefix("the full trace: ")).unwrap();
    assert!(path.contains("target") && path.contains("oos-testkit"), "{path}");
    let full = std::fs::read_to_string(path).unwrap();
    assert_eq!(
        full.matches("ECS.StartInstance InstanceId=").count(),
        2 * cloud.calls().of("ECS", "StartInstance").len()
    );
    assert!(!text.contains("hunter2") && !full.contains("hunter2"));
}

#[test]
fn a_wrong_count_of_calls_tells_the_same_parts() {
    let (cloud, _bed, run) = forty();
    let text = failure(|| {
        cloud.calls().of("ECS", "StartInstance").with(json!({"InstanceId": "i-none"})).count(1);
    });
    let parts = ["expected 1 call", "execution ", "last calls of", "near misses:\n  +0s", "matched nothing", "seed "];
    let found: Vec<_> = parts.iter().map(|part| text.find(part).unwrap_or_else(|| panic!("{part}: {text}"))).collect();
    assert!(found.is_sorted(), "{text}");
    assert!(text.lines().count() < 80, "{text}");
    drop(run);
}

#[test]
fn every_view_shows_the_report_when_it_fails() {
    let (_cloud, _bed, run) = forty();
    let complaints: Vec<String> = vec![
        failure(|| _ = run.task("start").status(TaskStatus::Success)),
        failure(|| _ = run.task("start").attempts(2..=3)),
        failure(|| _ = run.task("start").took(secs(1))),
        failure(|| run.task("start").items().failed().eq(&[1])),
        failure(|| _ = run.task("nowhere")),
        failure(|| _ = run.skipped(["start"])),
        failure(|| _ = run.output("nothing")),
        failure(|| _ = run.expect_outputs(json!({"a": 1}))),
        failure(|| _ = run.error().code("Other")),
        failure(|| _ = run.assert_waiting_for_approval("start")),
    ];
    for text in complaints {
        assert!(text.contains("last calls of") && text.contains("; run it again: "), "{text}");
    }
    run.error().code("*").task("start");
    run.task("start").items().failed().eq(&[7]);
}

#[test]
fn the_trace_has_the_calls_where_they_were_made() {
    let cloud = FakeCloud::new();
    let id = cloud.ecs().instance().stopped().create();
    let run = TestBed::on(&cloud).run_action("ACS::ECS::StartInstance", json!({"instanceId": id}));
    run.expect_success();
    let trace = run.trace_text();
    let lines: Vec<&str> = trace.lines().collect();
    let call = lines.iter().position(|l| l.contains(&format!("ECS.StartInstance InstanceId={id} → ok"))).unwrap();
    assert!(lines[call - 1].contains("StepStarted ACS::ExecuteAPI"), "{trace}");
    assert!(lines[call + 1].contains("StepEnded Success"), "{trace}");
    assert!(trace.contains("ECS.DescribeInstances") && trace.contains(" → 1"), "{trace}");
    assert!(!trace.contains("ClientToken") && !trace.contains("RegionId="), "{trace}");
    assert_eq!(trace.matches("ECS.").count(), cloud.calls().len());
}

#[test]
fn a_seed_makes_the_ids_and_a_test_has_one_of_its_own() {
    let id = |bed: TestBed| bed.run_action("ACS::Sleep", json!({"Duration": "PT1S"})).id().clone();
    let cloud = FakeCloud::new();
    assert_eq!(id(TestBed::on(&cloud)), id(TestBed::on(&cloud)));
    assert_eq!(id(TestBed::on(&cloud).seed(5)), id(TestBed::on(&cloud).seed(5)));
    assert_ne!(id(TestBed::on(&cloud).seed(5)), id(TestBed::on(&cloud).seed(6)));
}

const RACE: &str = "
FormatVersion: OOS-2019-06-01
Tasks:
  - Name: ask
    Action: Acme::Ask
    Properties: {n: '{{ ACS::TaskLoopItem }}'}
    Loop: {Items: [1, 2, 3, 4], RateControl: {Mode: Concurrency, Concurrency: 4, MaxErrors: 0}}
";

/// The order in which the answers of four items that ask at one instant come.
fn order_of_answers() -> Vec<String> {
    let cloud = FakeCloud::new();
    cloud.stub("CAS", "Ask").ok();
    let order = Arc::new(Mutex::new(Vec::new()));
    let seen = order.clone();
    let bed = TestBed::on(&cloud).register(FnAction::new("Acme::Ask", move |ctx: ActionContext| {
        let seen = seen.clone();
        async move {
            ctx.call(ApiRequest::new("CAS", "Ask", Value::Null)).await?;
            seen.lock().unwrap().push(ctx.raw_properties().at(&["n"]).to_text().to_string());
            Ok(outputs! {})
        }
    }));
    bed.run(RACE, Value::Null).expect_success();
    let order = order.lock().unwrap().clone();
    order
}

#[test]
fn explore_finds_what_hangs_on_an_order_and_names_the_first_seed() {
    let tried = Mutex::new(Vec::new());
    let expected = order_of_answers();
    let text = failure(|| {
        explore(50, |seed| {
            tried.lock().unwrap().push(seed);
            assert_eq!(order_of_answers(), expected, "the items answered in another order");
        });
    });
    let tried = tried.lock().unwrap();
    let failing = *tried.last().unwrap();
    assert!(failing < 50, "one of the first seeds must show it");
    assert!(text.starts_with(&format!("seed {failing} of 50 fails; run it again: OOS_SEED={failing} ")), "{text}");
    assert!(text.contains("another order"), "{text}");
    assert_eq!(order_of_answers(), expected, "outside of `explore` the order is that of the items");
}

#[test]
fn what_hangs_on_no_order_passes_every_seed() {
    explore(10, |seed| {
        let cloud = FakeCloud::seeded(seed);
        let ids = cloud.ecs().instances(5).stopped().create();
        let bed = TestBed::on(&cloud);
        bed.run(
            "
FormatVersion: OOS-2019-06-01
Parameters: {ids: {Type: List}}
Tasks:
  - Name: start
    Action: ACS::ECS::StartInstance
    Properties: {instanceId: '{{ ACS::TaskLoopItem }}'}
    Loop: {Items: '{{ ids }}', RateControl: {Mode: Concurrency, Concurrency: 3, MaxErrors: 0}}
",
            params! { "ids" => ids.clone() },
        )
        .expect_success();
        assert!(cloud.ecs().all(&ids).are(Running));
    });
}

#[test]
fn a_wait_without_end_names_the_busiest_timer() {
    let cloud = FakeCloud::new();
    cloud.stub("CAS", "DescribeCertificateState").json(json!({"Type": "process"}));
    let bed = TestBed::on(&cloud).caps(hours(10_000), 100);
    let text = failure(|| {
        bed.run("
FormatVersion: OOS-2019-06-01
Tasks:
  - Name: untilReady
    Action: ACS::WaitFor
    Retries: 300
    DelayType: Constant
    Delay: 1
    Properties: {Service: CAS, API: DescribeCertificateState, Parameters: {}, PropertySelector: Type, DesiredValues: [x]}
", Value::Null);
    });
    let cause = text.lines().next().unwrap();
    assert!(cause.starts_with("more than 100 timers fired; "), "{cause}");
    assert!(cause.contains("the busiest timer is of ACS::WaitFor `untilReady`, polled 10"), "{cause}");
    assert!(text.lines().count() < 80, "{text}");
}

#[test]
fn a_trigger_without_end_is_stopped_by_the_virtual_time() {
    let cloud = FakeCloud::new();
    let bed = TestBed::on(&cloud);
    let text = failure(|| {
        bed.run(
            "
FormatVersion: OOS-2019-06-01
Tasks:
  - Name: everyWeek
    Action: ACS::TimerTrigger
    Properties: {Type: rate, Expression: 7 days, EndDate: '2036-01-01T00:00:00Z'}
  - {Name: rest, Action: 'ACS::Sleep', Properties: {Duration: PT1S}}
",
            Value::Null,
        );
    });
    let cause = text.lines().next().unwrap();
    assert!(cause.starts_with("more than 400d of virtual time passed; the busiest timer is of "), "{cause}");
}

#[test]
fn one_policy_covers_several_runs() {
    let cloud = FakeCloud::new();
    let id = cloud.ecs().instance().stopped().create();
    let bed = TestBed::on(&cloud);
    let start = bed.run_action("ACS::ECS::StartInstance", json!({"instanceId": id}));
    let stop = bed.run_action("ACS::ECS::StopInstance", json!({"instanceId": id}));
    let policy = |actions: &[&str]| {
        json!({"Statement": [
            {"Effect": "Allow", "Action": actions, "Resource": "*"},
        ]})
        .to_string()
    };
    assert_policy_covers(&policy(&["ecs:Describe*", "ecs:StartInstance", "ecs:StopInstance"]), [&start, &stop]);
    let text = failure(|| assert_policy_covers(&policy(&["ecs:Describe*", "ecs:StopInstance"]), [&start, &stop]));
    assert!(text.contains("missing: ecs:StartInstance on acs:ecs:cn-hangzhou:"), "{text}");
    assert!(!text.contains("StopInstance on"), "{text}");
    let wide = json!({"Statement": [
        {"Effect": "Allow", "Action": "ecs:*", "Resource": "*"},
        {"Effect": "Allow", "Action": "rds:*", "Resource": "*"},
    ]});
    let text = failure(|| assert_policy_covers(&wide.to_string(), [&start, &stop]));
    assert!(text.contains("of no use: ") && text.contains("rds:*"), "{text}");
}

#[test]
fn matchers_are_values_and_counts_take_ranges() {
    let cloud = FakeCloud::new().instance("i-1", "Stopped").instance("i-2", "Running");
    for id in ["i-1", "i-1", "i-2"] {
        cloud.call_now("ECS", "DescribeInstances", json!({"InstanceIds": [id]})).unwrap();
    }
    let calls = cloud.calls().of("ECS", "Describe*");
    let ids = |n: &str| Value::from(json!([n]));
    calls.count(3).count(1..).count(..=3).count(2..4);
    calls.with(any()).count(3);
    calls.with(eq(calls.first().unwrap().params.clone())).count(2);
    calls.with(subset(json!({"InstanceIds": ["i-2"]}))).count(1);
    calls.with(re("i-[12]")).count(3);
    calls
        .with(is(move |params: &Value| {
            params.get("InstanceIds").is_some_and(|v| v.parsed_if_json_text() == ids("i-1"))
        }))
        .count(2);
    let (t0, t1) = (cloud.now(), cloud.now() + secs(5));
    cloud.calls().between(t0, t1).of("ECS", "StartInstance").none();
    cloud.calls().of("ECS", "Delete*").never();
    cloud.calls().by_role("Nobody").never();
}
