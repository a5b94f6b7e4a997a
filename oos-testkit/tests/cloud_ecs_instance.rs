//! Instances of the fake cloud: effects, errors, transitions on virtual time.
#![expect(clippy::unwrap_used, reason = "tests")]

use oos_testkit::prelude::*;

fn status(cloud: &FakeCloud, id: &str) -> String {
    let answer = cloud.call_now("ecs", "describeinstances", json!({"InstanceIds": [id]})).unwrap();
    let list = answer.at(&["Instances", "Instance"]).as_list().unwrap().to_vec();
    list.first().map_or_else(|| "gone".to_owned(), |i| i.at(&["Status"]).to_text().to_string())
}

#[test]
fn start_takes_twenty_virtual_seconds() {
    let cloud = FakeCloud::new();
    let id = cloud.ecs().instance().stopped().create();
    assert_eq!(id, "i-bp1fake000000001");
    cloud.call_now("ECS", "StartInstance", json!({"InstanceId": id})).unwrap();
    assert_eq!(status(&cloud, &id), "Starting");
    cloud.clock().advance(ms(19_999));
    assert_eq!(status(&cloud, &id), "Starting");
    cloud.clock().advance(ms(1));
    assert_eq!(status(&cloud, &id), "Running");
}

#[test]
fn wrong_states_are_refused_with_the_error_of_the_gateway() {
    let cloud = FakeCloud::new();
    let id = cloud.ecs().instance().running().create();
    let error = cloud.call_now("ECS", "StartInstance", json!({"InstanceId": id})).unwrap_err();
    let oos_core::ports::ApiError::Service { code, http_status, body, .. } = error else { panic!() };
    assert_eq!((&*code, http_status), ("IncorrectInstanceStatus", 403));
    assert_eq!(body.at(&["HostId"]), &Value::from("ecs.cn-hangzhou.aliyuncs.com"));
    assert_eq!(body.at(&["Code"]), &Value::from("IncorrectInstanceStatus"));
    assert_eq!(body.at(&["RequestId"]).as_str().unwrap().len(), 36);
    let error = cloud.call_now("ECS", "StopInstance", json!({"InstanceId": "i-none"})).unwrap_err();
    assert_eq!(error.code(), "InvalidInstanceId.NotFound");
    let error = cloud.call_now("ECS", "StopInstance", json!({})).unwrap_err();
    assert_eq!(error.code(), "MissingParameter.InstanceId");
}

#[test]
fn reboot_leaves_running_inside_the_call() {
    let cloud = FakeCloud::new();
    let id = cloud.ecs().instance().running().create();
    cloud.call_now("ECS", "RebootInstance", json!({"InstanceId": id})).unwrap();
    assert_eq!(status(&cloud, &id), "Starting");
    cloud.clock().advance(secs(20));
    assert_eq!(status(&cloud, &id), "Running");
}

#[test]
fn stop_is_faster_by_force_and_keeps_the_mode() {
    let cloud = FakeCloud::new();
    let ids = cloud.ecs().instances(2).running().create();
    cloud.call_now("ECS", "StopInstance", json!({"InstanceId": ids[0], "StoppedMode": "StopCharging"})).unwrap();
    cloud.call_now("ECS", "StopInstance", json!({"InstanceId": ids[1], "ForceStop": "true"})).unwrap();
    cloud.clock().advance(secs(5));
    assert_eq!(cloud.ecs().all(&ids).statuses(), ["Stopping", "Stopped"]);
    assert_eq!(cloud.ecs().describe(&ids[0]).at(&["StoppedMode"]), &Value::from("StopCharging"));
}

#[test]
fn run_instances_makes_everything_that_belongs_to_them() {
    let cloud = FakeCloud::new();
    let answer = cloud
        .call_now("ECS", "RunInstances", json!({
            "ImageId": "aliyun_3", "InstanceType": "ecs.c7.large", "Amount": 2, "InstanceName": "web",
            "SystemDiskCategory": "cloud_ssd", "SystemDiskSize": "60", "DataDisks": [{"Size": 100, "Category": "cloud_essd"}],
            "Tags": [{"Key": "team", "Value": "a"}],
        }))
        .unwrap();
    let ids = answer.at(&["InstanceIdSets", "InstanceIdSet"]).as_list().unwrap().to_vec();
    assert_eq!(ids.len(), 2);
    let id = ids[0].to_text();
    assert_eq!(status(&cloud, &id), "Pending");
    cloud.clock().advance(secs(10));
    assert_eq!(status(&cloud, &id), "Starting");
    cloud.clock().advance(secs(20));
    assert_eq!(status(&cloud, &id), "Running");
    let view = cloud.ecs().describe(&id);
    assert_eq!(view.at(&["InstanceTypeFamily"]), &Value::from("ecs.c7"));
    assert_eq!(view.at(&["Tags", "Tag"]), &Value::from(json!([{"TagKey": "team", "TagValue": "a"}])));
    assert_eq!(view.at(&["InnerIpAddress", "IpAddress"]), &Value::empty_list());
    assert_eq!(view.at(&["NetworkInterfaces", "NetworkInterface"]).as_list().unwrap().len(), 1);
}

#[test]
fn amounts_are_all_or_nothing_under_a_quota() {
    let cloud = FakeCloud::new();
    cloud.quota("ECS::Instance", 3);
    let error = cloud.call_now("ECS", "RunInstances", json!({"Amount": 4})).unwrap_err();
    assert_eq!(error.code(), "QuotaExceeded");
    let answer = cloud.call_now("ECS", "RunInstances", json!({"Amount": 4, "MinAmount": 2})).unwrap();
    assert_eq!(answer.at(&["InstanceIdSets", "InstanceIdSet"]).as_list().unwrap().len(), 3);
}

#[test]
fn deletion_wants_stopped_or_force_and_no_protection() {
    let cloud = FakeCloud::new();
    let delete =
        |id: &str, force: bool| cloud.call_now("ECS", "DeleteInstance", json!({"InstanceId": id, "Force": force}));
    let ids = cloud.ecs().instances(2).running().create();
    assert_eq!(delete(&ids[0], false).unwrap_err().code(), "IncorrectInstanceStatus");
    delete(&ids[0], true).unwrap();
    cloud.clock().advance(secs(5));
    assert_eq!(status(&cloud, &ids[0]), "gone");
    assert!(cloud.ecs().gone(&ids[..1]));
    let protected = cloud.ecs().instance().stopped().deletion_protected().create();
    assert_eq!(delete(&protected, true).unwrap_err().code(), "InvalidOperation.DeletionProtection");
    let prepaid = cloud.ecs().instance().stopped().prepaid().create();
    assert_eq!(delete(&prepaid, true).unwrap_err().code(), "ChargeTypeViolation");
}

#[test]
fn describe_filters_and_pages_as_the_real_api_does() {
    let cloud = FakeCloud::new();
    let ids = cloud.ecs().instances(25).named("web-{n}").tag("team", "web").create();
    cloud.ecs().instance().named("db").stopped().tag("team", "db").in_region("cn-beijing").create();
    let describe = |params| cloud.call_now("ECS", "DescribeInstances", params).unwrap();
    let count = |answer: &Value| answer.at(&["Instances", "Instance"]).as_list().unwrap().len();
    let first = describe(json!({}));
    assert_eq!((count(&first), first.at(&["TotalCount"])), (10, &Value::from(25)));
    assert_eq!(count(&describe(json!({"PageSize": 100}))), 25);
    assert_eq!(count(&describe(json!({"PageSize": 100, "InstanceName": "web-1*"}))), 11);
    assert_eq!(count(&describe(json!({"Tags": [{"Key": "team", "Value": "db"}]}))), 0);
    assert_eq!(count(&describe(json!({"RegionId": "cn-beijing", "Status": "Stopped"}))), 1);
    assert_eq!(count(&describe(json!({"InstanceIds": ["i-none"]}))), 0);
    assert_eq!(count(&describe(json!({"InstanceIds": format!("[\"{}\"]", ids[3])}))), 1);
    let tokens = describe(json!({"MaxResults": 5}));
    assert_eq!(count(&tokens), 10, "below 10 counts as 10");
    assert!(tokens.at(&["NextToken"]).as_str().is_some_and(|t| !t.is_empty()));
    // The real API does not know `InstanceId` here.
    assert_eq!(count(&describe(json!({"InstanceId": ids[0]}))), 1);
    assert_eq!(cloud.calls().last().unwrap().warnings.len(), 1);
}

#[test]
fn unknown_parameters_are_refused_unless_lenient() {
    let cloud = FakeCloud::new();
    let id = cloud.ecs().instance().stopped().create();
    let params = json!({"InstanceId": id, "InstanceIdd": 1});
    assert_eq!(
        cloud.call_now("ECS", "StartInstance", params.clone()).unwrap_err().code(),
        "InvalidParameter.InstanceIdd"
    );
    cloud.lenient_parameters();
    cloud.call_now("ECS", "StartInstance", params).unwrap();
}

#[test]
fn transitions_can_be_bent() {
    let cloud = FakeCloud::new();
    let ids = cloud.ecs().instances(5).stopped().create();
    cloud.ecs().transition(&ids[0], "start").never();
    cloud.ecs().transition(&ids[1], "start").immediate();
    cloud.ecs().transition(&ids[2], "start").after_polls(2);
    cloud.ecs().transition(&ids[3], "start").fail("NoStock");
    cloud.transitions("ECS::Instance").on("start").after(secs(3));
    for id in &ids {
        cloud.call_now("ECS", "StartInstance", json!({"InstanceId": id})).unwrap();
    }
    cloud.clock().advance(secs(3));
    assert_eq!(cloud.ecs().all(&ids).statuses(), ["Starting", "Running", "Starting", "Starting", "Running"]);
    cloud.clock().advance(hours(1));
    assert_eq!(status(&cloud, &ids[2]), "Starting");
    assert_eq!(status(&cloud, &ids[2]), "Running");
    assert_eq!((status(&cloud, &ids[0]), status(&cloud, &ids[3])), ("Starting".into(), "Stopped".into()));
}

#[test]
fn the_instant_profile_ends_transitions_inside_the_call() {
    let cloud = FakeCloud::new().with_profile(oos_testkit::cloud::Profile::Instant).instance("i-1", "Stopped");
    cloud.call_now("ECS", "StartInstance", json!({"InstanceId": "i-1"})).unwrap();
    assert_eq!(status(&cloud, "i-1"), "Running");
}

#[test]
fn a_client_token_gives_the_first_answer_again() {
    let cloud = FakeCloud::new();
    let run = |amount, token| cloud.call_now("ECS", "RunInstances", json!({"Amount": amount, "ClientToken": token}));
    let first = run(1, "a").unwrap();
    assert_eq!(run(1, "a").unwrap().at(&["InstanceIdSets"]), first.at(&["InstanceIdSets"]));
    assert_eq!(run(2, "a").unwrap_err().code(), "IdempotentParameterMismatch");
    run(2, "b").unwrap();
    assert_eq!(cloud.ecs().ids().len(), 3);
    cloud.clock().advance(hours(24));
    run(2, "a").unwrap();
    assert_eq!(cloud.ecs().ids().len(), 5);
}

#[test]
fn a_dry_run_checks_and_changes_nothing() {
    let cloud = FakeCloud::new();
    let id = cloud.ecs().instance().stopped().create();
    let dry = |id: &str| cloud.call_now("ECS", "StartInstance", json!({"InstanceId": id, "DryRun": true})).unwrap_err();
    assert_eq!(dry(&id).code(), "DryRunOperation");
    assert_eq!(dry("i-none").code(), "InvalidInstanceId.NotFound");
    assert_eq!(status(&cloud, &id), "Stopped");
}

#[test]
fn eventual_consistency_hides_fresh_instances() {
    let cloud = FakeCloud::new();
    cloud.eventual("ECS", secs(8));
    let answer = cloud.call_now("ECS", "RunInstances", json!({})).unwrap();
    let id = answer.at(&["InstanceIdSets", "InstanceIdSet"]).as_list().unwrap()[0].to_text();
    assert_eq!(status(&cloud, &id), "gone");
    assert_eq!(
        cloud.call_now("ECS", "StopInstance", json!({"InstanceId": &*id})).unwrap_err().code(),
        "InvalidInstanceId.NotFound"
    );
    cloud.clock().advance(secs(8));
    assert_eq!(status(&cloud, &id), "Pending");
}

#[test]
fn an_api_without_a_model_says_how_to_stub_it() {
    let cloud = FakeCloud::new();
    let error = cloud.call_now("CAS", "DescribeCertificateState", json!({})).unwrap_err();
    assert_eq!(error.code(), "Testkit.UnmodelledApi");
    assert!(error.to_string().contains("cloud.stub(\"CAS\", \"DescribeCertificateState\")"), "{error}");
}

#[test]
fn tags_are_written_read_and_limited() {
    let cloud = FakeCloud::new();
    let id = cloud.ecs().instance().create();
    let tag = |ids: serde_json::Value, tags: serde_json::Value| {
        cloud.call_now("ECS", "TagResources", json!({"ResourceType": "Instance", "ResourceIds": ids, "Tags": tags}))
    };
    tag(json!([id]), json!([{"Key": "a", "Value": "1"}, {"Key": "b", "Value": ""}])).unwrap();
    assert_eq!(cloud.ecs().tags(&id), Value::from(json!({"a": "1", "b": ""})));
    assert_eq!(
        tag(json!(["i-none"]), json!([{"Key": "a", "Value": "1"}])).unwrap_err().code(),
        "InvalidResourceId.NotFound"
    );
    let many: Vec<_> = (0..19).map(|n| json!({"Key": format!("k{n}"), "Value": "v"})).collect();
    assert_eq!(tag(json!([id]), json!(many)).unwrap_err().code(), "QuotaExceeded.TagsPerResource");
    let listed = cloud
        .call_now("ECS", "ListTagResources", json!({"ResourceType": "instance", "Tag.1.Key": "a", "ResourceId.1": id}))
        .unwrap();
    assert_eq!(listed.at(&["TagResources", "TagResource"]).as_list().unwrap().len(), 2);
    cloud
        .call_now("ECS", "UnTagResources", json!({"ResourceType": "instance", "ResourceId": [id], "TagKey": ["a"]}))
        .unwrap();
    assert_eq!(cloud.ecs().tags(&id), Value::from(json!({"b": ""})));
}

#[test]
fn a_lock_for_security_reasons_keeps_an_instance_as_it_is() {
    let cloud = FakeCloud::new();
    let id = cloud.ecs().instance().stopped().create();
    cloud.ecs().set(&id, json!({"OperationLocks": {"LockReason": [{"LockReason": "security"}]}}));
    let start = || cloud.call_now("ECS", "StartInstance", json!({"InstanceId": id}));
    assert_eq!(start().unwrap_err().code(), "InstanceLockedForSecurity");
    cloud.ecs().set(&id, json!({"OperationLocks": {"LockReason": [{"LockReason": "financial"}]}}));
    start().unwrap();
}

#[test]
fn changes_of_state_are_events_only_when_a_test_wants_them() {
    let cloud = FakeCloud::new();
    let id = cloud.ecs().instance().stopped().create();
    let start_and_stop = || {
        cloud.call_now("ECS", "StartInstance", json!({"InstanceId": id})).unwrap();
        cloud.clock().advance(secs(20));
        cloud.call_now("ECS", "StopInstance", json!({"InstanceId": id})).unwrap();
        cloud.clock().advance(secs(20));
        cloud.take_events()
    };
    assert!(start_and_stop().is_empty());
    cloud.auto_events(true);
    let events = start_and_stop();
    let states: Vec<String> = events.iter().map(|e| e.at(&["content", "state"]).to_text().to_string()).collect();
    assert_eq!(states, ["Starting", "Running", "Stopping", "Stopped"]);
    assert_eq!(events.first().unwrap().at(&["name"]).as_str(), Some("Instance:StateChange"));
}
