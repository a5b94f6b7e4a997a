//! What holds for every operation of the fake: unknown names are refused, quotas, client tokens, writes seen later.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use oos_testkit::prelude::*;

fn count(cloud: &FakeCloud, service: &str, api: &str, path: &[&str]) -> usize {
    cloud.call_now(service, api, json!({})).unwrap().at(path).as_list().map_or(0, <[Value]>::len)
}

#[test]
fn every_handler_refuses_unknown_parameters_and_takes_them_when_lenient() {
    let mut wrong = Vec::new();
    for (service, api) in FakeCloud::operations() {
        let unknown = json!({"NoSuchParameter": "x"});
        let strict = FakeCloud::new().call_now(service, api, unknown.clone());
        if !strict.as_ref().is_err_and(|e| e.code() == "InvalidParameter.NoSuchParameter") {
            wrong.push(format!("{service}.{api} takes an unknown name: {strict:?}"));
        }
        let cloud = FakeCloud::new();
        cloud.lenient_parameters();
        let lenient = cloud.call_now(service, api, unknown);
        if lenient.as_ref().is_err_and(|e| e.code() == "InvalidParameter.NoSuchParameter") {
            wrong.push(format!("{service}.{api} refuses an unknown name though lenient"));
        }
    }
    assert!(FakeCloud::operations().len() > 300, "{}", FakeCloud::operations().len());
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Kind, operation that makes one, its parameters, describe and where the list is.
type Made = (&'static str, &'static str, &'static str, serde_json::Value, &'static str, &'static [&'static str]);

fn makers(cloud: &FakeCloud) -> Vec<Made> {
    let id = cloud.ecs().instance().running().data_disk(40).create();
    let disk = cloud.ecs().disks_of(&id).last().unwrap().clone();
    let shown = cloud.ecs().describe(&id);
    let group = shown.at(&["SecurityGroupIds", "SecurityGroupId"]).as_list().unwrap()[0].to_text().to_string();
    let vswitch = shown.at(&["VpcAttributes", "VSwitchId"]).to_text().to_string();
    let vpc = shown.at(&["VpcAttributes", "VpcId"]).to_text().to_string();
    vec![
        (
            "ECS::Disk",
            "ECS",
            "CreateDisk",
            json!({"ZoneId": "cn-hangzhou-h", "Size": 40}),
            "DescribeDisks",
            &["Disks", "Disk"],
        ),
        (
            "ECS::Snapshot",
            "ECS",
            "CreateSnapshot",
            json!({"DiskId": disk}),
            "DescribeSnapshots",
            &["Snapshots", "Snapshot"],
        ),
        (
            "ECS::SecurityGroup",
            "ECS",
            "CreateSecurityGroup",
            json!({"VpcId": vpc}),
            "DescribeSecurityGroups",
            &["SecurityGroups", "SecurityGroup"],
        ),
        (
            "ECS::NetworkInterface",
            "ECS",
            "CreateNetworkInterface",
            json!({"VSwitchId": vswitch, "SecurityGroupId": group}),
            "DescribeNetworkInterfaces",
            &["NetworkInterfaceSets", "NetworkInterfaceSet"],
        ),
        ("VPC::EIP", "VPC", "AllocateEipAddress", json!({}), "DescribeEipAddresses", &["EipAddresses", "EipAddress"]),
        ("VPC::VPC", "VPC", "CreateVpc", json!({"CidrBlock": "10.0.0.0/8"}), "DescribeVpcs", &["Vpcs", "Vpc"]),
        (
            "RDS::Instance",
            "RDS",
            "CreateDBInstance",
            json!({"Engine": "MySQL", "EngineVersion": "8.0", "DBInstanceClass": "c", "DBInstanceStorage": 20, "DBInstanceNetType": "Intranet", "SecurityIPList": "10.0.0.1", "PayType": "Postpaid"}),
            "DescribeDBInstances",
            &["Items", "DBInstance"],
        ),
    ]
}

#[test]
fn a_quota_counts_what_is_there_of_every_kind() {
    let kinds = makers(&FakeCloud::new()).len();
    for n in 0..kinds {
        let cloud = FakeCloud::new();
        let (kind, service, api, params, ..) = makers(&cloud).swap_remove(n);
        let have = cloud.ecs().ids_of(kind).len();
        cloud.quota(kind, have + 1);
        cloud.call_now(service, api, params.clone()).unwrap();
        let refused = cloud.call_now(service, api, params).unwrap_err();
        assert_eq!(refused.code(), "QuotaExceeded", "{kind}");
        assert_eq!(cloud.ecs().ids_of(kind).len(), have + 1, "{kind}");
    }
}

#[test]
fn a_client_token_gives_the_first_answer_for_a_day_and_minds_other_parameters() {
    let kinds = makers(&FakeCloud::new()).len();
    for n in 0..kinds {
        let cloud = FakeCloud::new();
        let (kind, service, api, mut params, ..) = makers(&cloud).swap_remove(n);
        params["ClientToken"] = json!("t");
        let have = cloud.ecs().ids_of(kind).len();
        let first = cloud.call_now(service, api, params.clone()).unwrap();
        let again = cloud.call_now(service, api, params.clone()).unwrap();
        let ids = |v: &Value| {
            let map = v.as_map().unwrap();
            map.iter()
                .filter(|(k, _)| k.ends_with("Id") && &***k != "RequestId")
                .map(|(_, v)| v.to_text())
                .collect::<Vec<_>>()
        };
        assert_eq!((ids(&first), cloud.ecs().ids_of(kind).len()), (ids(&again), have + 1), "{kind}");
        cloud.clock().advance(hours(25));
        cloud.call_now(service, api, params.clone()).unwrap();
        assert_eq!(cloud.ecs().ids_of(kind).len(), have + 2, "{kind}: a day later it is a new request");
        params["Description"] = json!("other");
        params["DBInstanceDescription"] = json!("other");
        let names: &[&str] = if service == "RDS" { &["Description"] } else { &["DBInstanceDescription"] };
        names.iter().for_each(|name| drop(params.as_object_mut().unwrap().remove(*name)));
        if let Err(error) = cloud.call_now(service, api, params) {
            assert_eq!(error.code(), "IdempotentParameterMismatch", "{kind}");
        } else {
            panic!("{kind}: other parameters under an old token are taken");
        }
    }
}

#[test]
fn what_is_made_is_seen_only_after_the_delay() {
    let kinds = makers(&FakeCloud::new()).len();
    for n in 0..kinds {
        let cloud = FakeCloud::new();
        let (kind, service, api, params, describe, path) = makers(&cloud).swap_remove(n);
        cloud.eventual(service, secs(8));
        let have = count(&cloud, service, describe, path);
        cloud.call_now(service, api, params).unwrap();
        assert_eq!(count(&cloud, service, describe, path), have, "{kind}");
        cloud.clock().advance(secs(7));
        assert_eq!(count(&cloud, service, describe, path), have, "{kind}");
        cloud.clock().advance(secs(1));
        assert_eq!(count(&cloud, service, describe, path), have + 1, "{kind}");
    }
}

#[test]
fn a_change_is_seen_only_after_the_delay_and_counts_for_writes_at_once() {
    let cloud = FakeCloud::new().with_profile(Profile::Instant);
    let id = cloud.ecs().instance().running().create();
    cloud.eventual("ECS", secs(8));
    let seen = || {
        let answer = cloud.call_now("ECS", "DescribeInstances", json!({"InstanceIds": [id]})).unwrap();
        answer.at(&["Instances", "Instance"]).as_list().unwrap()[0].at(&["Status"]).to_text().to_string()
    };
    cloud.call_now("ECS", "StopInstance", json!({"InstanceId": id})).unwrap();
    assert_eq!(seen(), "Running");
    let again = cloud.call_now("ECS", "StopInstance", json!({"InstanceId": id})).unwrap_err();
    assert_eq!(again.code(), "IncorrectInstanceStatus");
    cloud.clock().advance(secs(4));
    cloud.call_now("ECS", "ModifyInstanceAttribute", json!({"InstanceId": id, "InstanceName": "late"})).unwrap();
    cloud.clock().advance(secs(4));
    assert_eq!(seen(), "Stopped");
    let name = || {
        let answer = cloud.call_now("ECS", "DescribeInstances", json!({"InstanceIds": [id]})).unwrap();
        answer.at(&["Instances", "Instance"]).as_list().unwrap()[0].at(&["InstanceName"]).to_text().to_string()
    };
    assert_ne!(name(), "late");
    cloud.clock().advance(secs(4));
    assert_eq!(name(), "late");
}

#[test]
fn too_many_calls_are_throttled_until_time_has_passed() {
    let cloud = FakeCloud::new();
    let describe = || cloud.call_now("ECS", "DescribeRegions", json!({}));
    (0..600).for_each(|_| drop(describe().unwrap()));
    cloud.rate_limit("ECS", "Describe*", 3, secs(60));
    (0..3).for_each(|_| drop(describe().unwrap()));
    let throttled = describe().unwrap_err();
    assert_eq!(throttled.code(), "Throttling.User");
    assert!(matches!(throttled, oos_core::ports::ApiError::Service { http_status: 400, .. }));
    cloud.call_now("VPC", "DescribeVpcs", json!({})).unwrap();
    cloud.clock().advance(secs(20));
    describe().unwrap();
    assert!(describe().is_err(), "one call has come back");
    cloud.clock().advance(mins(5));
    (0..3).for_each(|_| drop(describe().unwrap()));
    assert!(describe().is_err(), "more than there is room for never comes back");

    let cloud = FakeCloud::new();
    cloud.documented_rate_limits();
    let orders = || cloud.call_now("SAE", "DescribeChangeOrder", json!({"ChangeOrderId": "x"})).unwrap_err();
    (0..60).for_each(|_| assert_eq!(orders().code(), "InvalidChangeOrderId.NotFound"));
    assert_eq!(orders().code(), "Throttling.User", "all operations of the product share the limit");
}

#[test]
fn types_and_regions_are_checked_before_the_handler() {
    let cloud = FakeCloud::new();
    let code = |service: &str, api: &str, params: serde_json::Value| {
        cloud.call_now(service, api, params).unwrap_err().code().to_owned()
    };
    assert_eq!(code("ECS", "DescribeInstances", json!({"PageSize": "many"})), "InvalidParameter.PageSize");
    assert_eq!(
        code("ECS", "StopInstance", json!({"InstanceId": "i-1", "ForceStop": "perhaps"})),
        "InvalidParameter.ForceStop"
    );
    cloud.call_now("ECS", "DescribeInstances", json!({"PageSize": "20", "DryRun": "False"})).unwrap();
    assert_eq!(code("ECS", "DescribeInstances", json!({"RegionId": "cn-nowhere"})), "InvalidRegionId.NotFound");
    cloud.ecs().instance().in_region("cn-nowhere").create();
    cloud.call_now("ECS", "DescribeInstances", json!({"RegionId": "cn-nowhere"})).unwrap();
}

#[test]
fn what_an_operation_without_a_model_lacks_is_noted_and_no_more() {
    let cloud = FakeCloud::new();
    cloud.unmodelled(oos_testkit::cloud::Unmodelled::Echo);
    cloud.call_now("OOS", "CancelExecution", json!({})).unwrap();
    let warnings = cloud.calls().of("OOS", "CancelExecution").one().warnings.clone();
    assert_eq!(warnings, ["the required parameter `ExecutionId` is missing"]);
}
