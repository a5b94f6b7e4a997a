//! The log of calls: filters, assertions, texts; faults and stubs.

use oos_core::{
    TaskName,
    ports::{ApiCaller, ApiError, ApiRequest, api::Origin},
};
use oos_testkit::{
    fault::{err, ok},
    prelude::*,
};

fn describe(cloud: &FakeCloud) -> Result<Value, ApiError> {
    cloud.call_now("ECS", "DescribeInstances", json!({}))
}

#[test]
fn calls_are_counted_matched_and_ordered() {
    let cloud = FakeCloud::new();
    let ids = cloud.ecs().instances(2).stopped().create();
    for id in &ids {
        cloud.call_now("ECS", "DescribeInstances", json!({"InstanceIds": [id]})).unwrap();
        cloud.call_now("ECS", "StartInstance", json!({"InstanceId": id})).unwrap();
    }
    let calls = cloud.calls();
    calls.of("ecs", "startinstance").count(2);
    calls.of("ECS", "*Instance*").count(2..=4).any_params(json!({"InstanceId": ids[1]}));
    calls.of("ECS", "Delete*").never();
    calls.of("ECS", "StartInstance").with(json!({"InstanceId": ids[0]})).count(1).params(json!({"InstanceId": ids[0]}));
    calls.in_order([call("ECS", "DescribeInstances"), call("ECS", "StartInstance")]).per("InstanceId");
    calls.in_order([call("ECS", "Start*"), call("ECS", "Start*")]).overall();
}

#[test]
#[should_panic(expected = "near misses")]
fn a_wrong_count_shows_the_near_misses() {
    let cloud = FakeCloud::new().instance("i-1", "Stopped");
    cloud.call_now("ECS", "StartInstance", json!({"InstanceId": "i-1"})).unwrap();
    cloud.calls().of("ECS", "StartInstances").count(1);
}

#[test]
#[should_panic(expected = "did not come in its turn")]
fn a_wrong_order_is_found() {
    let cloud = FakeCloud::new().instance("i-1", "Stopped");
    cloud.call_now("ECS", "StartInstance", json!({"InstanceId": "i-1"})).unwrap();
    describe(&cloud).unwrap();
    cloud.calls().in_order([call("ECS", "DescribeInstances"), call("ECS", "StartInstance")]).overall();
}

#[test]
fn the_text_has_virtual_times_and_no_secrets() {
    let cloud = FakeCloud::new();
    cloud.clock().advance(secs(90));
    cloud.call_now("ECS", "RunInstances", json!({"Password": "hunter2", "InstanceName": "web"})).unwrap();
    cloud.call_now("ECS", "StartInstance", json!({"InstanceId": "i-0"})).unwrap_err();
    let text = cloud.calls().tail(5);
    assert!(!text.contains("hunter2"), "{text}");
    assert!(text.contains("+1m 30s    ECS.RunInstances") && text.contains("InstanceName=web → ok"), "{text}");
    assert!(text.contains("ECS.StartInstance InstanceId=i-0 → 404 InvalidInstanceId.NotFound"), "{text}");
}

#[test]
fn the_same_call_of_the_same_step_counts_attempts() {
    let cloud = FakeCloud::new();
    describe(&cloud).unwrap();
    describe(&cloud).unwrap();
    cloud.call_now("ECS", "DescribeInstances", json!({"Status": "Running"})).unwrap();
    let attempts: Vec<_> = cloud.calls().iter().map(|c| c.attempt).collect();
    assert_eq!(attempts, [1, 2, 1]);
}

#[test]
fn items_in_flight_are_seen_by_their_calls() {
    let cloud = FakeCloud::new();
    cloud.fault("slow").on("ECS", "*").latency(secs(5)..secs(5));
    let one = |item: u32, after: u64| {
        let cloud = cloud.clone();
        async move {
            let clock = cloud.clock();
            oos_core::ports::Clock::sleep_until(clock, clock.now() + secs(after)).await;
            let origin = Origin { task: Some(TaskName::new("Start")), item: Some(item), ..Origin::default() };
            let request = ApiRequest { origin, ..ApiRequest::new("ECS", "DescribeInstances", Value::Null) };
            cloud.call(request).await.unwrap();
        }
    };
    cloud.clock().block_on(futures::future::join_all([one(1, 0), one(2, 3), one(3, 6), one(4, 20)]));
    cloud.calls().max_in_flight(loop_items("start")).at_most(2).exactly(2);
    assert_eq!(cloud.now().since(oos_testkit::clock::DEFAULT_START), secs(25));
}

#[test]
fn faults_hit_the_calls_they_are_meant_for() {
    let cloud = FakeCloud::new().instance("i-1", "Stopped").instance("i-2", "Stopped");
    cloud.fault("third").on("ECS", "Describe*").every_nth(3).throttle();
    cloud.fault("one").on("ECS", "Start*").for_ids(["i-2"]).error("IncorrectInstanceStatus", 403);
    let codes: Vec<_> =
        (0..6).map(|_| describe(&cloud).map_or_else(|e| e.code().to_owned(), |_| "ok".to_owned())).collect();
    assert_eq!(codes, ["ok", "ok", "Throttling.User", "ok", "ok", "Throttling.User"]);
    cloud.call_now("ECS", "StartInstance", json!({"InstanceId": "i-1"})).unwrap();
    assert_eq!(
        cloud.call_now("ECS", "StartInstance", json!({"InstanceId": "i-2"})).unwrap_err().code(),
        "IncorrectInstanceStatus"
    );
    assert_eq!(cloud.ecs().status("i-2"), "Stopped");
    cloud.assert_rules_used();
}

#[test]
fn faults_can_be_chosen_by_seed_time_and_number() {
    let cloud = FakeCloud::new();
    cloud.fault("seeded").on("ECS", "DescribeInstances").k_of_n(2, 10).seed(7).error("InternalError", 500);
    let failed: Vec<_> = (0..20).map(|_| describe(&cloud).is_err()).collect();
    assert_eq!(failed[..10].iter().filter(|f| **f).count(), 2);
    assert_eq!(failed[10..].iter().filter(|f| **f).count(), 2);
    let again = FakeCloud::new();
    again.fault("seeded").on("ECS", "DescribeInstances").k_of_n(2, 10).seed(7).error("InternalError", 500);
    assert_eq!((0..20).map(|_| describe(&again).is_err()).collect::<Vec<_>>(), failed);

    let cloud = FakeCloud::new();
    let t0 = cloud.now();
    cloud.fault("window").on("*", "*").between(t0 + secs(10), t0 + secs(20)).error("X", 500);
    assert!(describe(&cloud).is_ok());
    cloud.clock().advance(secs(10));
    assert!(describe(&cloud).is_err());
    cloud.clock().advance(secs(10));
    assert!(describe(&cloud).is_ok());
}

#[test]
fn a_lost_answer_was_carried_out_and_a_dropped_connection_was_not() {
    let cloud = FakeCloud::new().instance("i-1", "Stopped").instance("i-2", "Stopped");
    cloud.fault("lost").on("ECS", "Start*").for_ids(["i-1"]).lost_response();
    cloud.fault("dropped").on("ECS", "Start*").for_ids(["i-2"]).drop_connection();
    for id in ["i-1", "i-2"] {
        let error = cloud.call_now("ECS", "StartInstance", json!({"InstanceId": id})).unwrap_err();
        assert!(matches!(error, ApiError::Transport { sent: true, .. }));
    }
    assert_eq!((cloud.ecs().status("i-1"), cloud.ecs().status("i-2")), ("Starting".into(), "Stopped".into()));
}

#[test]
fn states_can_be_slow_stuck_or_failing() {
    let cloud = FakeCloud::new().instance("i-1", "Stopped").instance("i-2", "Stopped");
    cloud.fault("slow").slow_transition("ECS::Instance", x(5));
    cloud.fault("stuck").stuck("i-2");
    for id in ["i-1", "i-2"] {
        cloud.call_now("ECS", "StartInstance", json!({"InstanceId": id})).unwrap();
    }
    cloud.clock().advance(secs(99));
    assert_eq!(cloud.ecs().status("i-1"), "Starting");
    cloud.clock().advance(hours(9));
    assert_eq!((cloud.ecs().status("i-1"), cloud.ecs().status("i-2")), ("Running".into(), "Starting".into()));
}

#[test]
fn an_empty_wrapper_can_arrive_as_text() {
    let cloud = FakeCloud::new();
    cloud.fault("odd").on("ECS", "DescribeInstances").empty_wrapper_as_string();
    assert_eq!(describe(&cloud).unwrap().at(&["Instances"]), &Value::from(""));
}

#[test]
#[should_panic(expected = "fault `unused` never fired")]
fn a_fault_that_never_fired_is_an_error() {
    let cloud = FakeCloud::new();
    cloud.fault("unused").on("RDS", "*").throttle();
    cloud.assert_rules_used();
}

#[test]
fn a_sequence_advances_per_matching_call_and_key() {
    let cloud = FakeCloud::new();
    let stub = cloud.stub("CAS", "DescribeCertificateState").per("OrderId").sequence([
        ok(json!({"Type": "process"})),
        err("Throttling.User", 429, "slow down"),
        ok(json!({"Type": "certificate"})),
    ]);
    stub.then_last();
    let ask = |order: i32| {
        let answer = cloud.call_now("CAS", "DescribeCertificateState", json!({"OrderId": order}));
        answer.map_or_else(|e| e.code().to_owned(), |b| b.at(&["Type"]).to_text().to_string())
    };
    assert_eq!(
        [ask(1), ask(1), ask(2), ask(1), ask(1)],
        ["process", "Throttling.User", "process", "certificate", "certificate"]
    );
    assert_eq!(stub.hits(), 5);
}

#[test]
fn stubs_answer_merge_compute_and_pass() {
    let cloud = FakeCloud::new().instance("i-1", "Stopped");
    cloud.stub("X", "Fixed").json(json!({"A": 1})).times(1..=1);
    cloud.stub("X", "Counts").respond(|_, memory| {
        let n = memory.get("n").and_then(Value::as_i64).unwrap_or(0) + 1;
        memory.insert("n", n);
        ok(json!({"N": n}))
    });
    cloud.stub("ECS", "DescribeInstances").merge(json!({"Extra": true}));
    cloud.stub("ECS", "StartInstance").when(|c| &*c.param("InstanceId") == "i-9").ok().times(0);
    assert_eq!(cloud.call_now("X", "Fixed", json!({})).unwrap().at(&["A"]), &Value::from(1));
    cloud.call_now("X", "Counts", json!({})).unwrap();
    assert_eq!(cloud.call_now("X", "Counts", json!({})).unwrap().at(&["N"]), &Value::from(2));
    let merged = describe(&cloud).unwrap();
    assert_eq!((merged.at(&["Extra"]), merged.at(&["TotalCount"])), (&Value::from(true), &Value::from(1)));
    cloud.call_now("ECS", "StartInstance", json!({"InstanceId": "i-1"})).unwrap();
    assert_eq!(cloud.ecs().status("i-1"), "Starting");
    cloud.assert_rules_used();
}

#[test]
fn a_model_of_the_test_can_stand_for_a_service() {
    struct Counter(i64);
    impl oos_testkit::fault::Model for Counter {
        fn call(&mut self, call: &oos_testkit::Call) -> Option<Result<Value, ApiError>> {
            self.0 += 1;
            Some(Ok(params! { "Api" => call.api.clone(), "N" => self.0 }))
        }
    }
    let cloud = FakeCloud::new();
    cloud.stub("MINE", "*").stateful_model(Counter(0));
    cloud.call_now("MINE", "A", json!({})).unwrap();
    let answer = cloud.call_now("mine", "B", json!({})).unwrap();
    assert_eq!((answer.at(&["Api"]), answer.at(&["N"])), (&Value::from("B"), &Value::from(2)));
}

#[test]
fn operations_without_a_model_can_be_echoed_or_shaped() {
    use oos_testkit::cloud::Unmodelled;
    let cloud = FakeCloud::new();
    let call = || cloud.call_now("ECS", "DescribeDedicatedHosts", json!({}));
    assert_eq!(call().unwrap_err().code(), "Testkit.UnmodelledApi");
    cloud.unmodelled(Unmodelled::Echo);
    assert!(call().unwrap().get("RequestId").is_some());
    cloud.unmodelled(Unmodelled::Shaped);
    let shaped = cloud.call_now("OOS", "ListExecutions", json!({})).unwrap();
    assert_eq!(shaped.at(&["Executions"]), &Value::empty_list());
}
