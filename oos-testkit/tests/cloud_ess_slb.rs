//! Scaling groups and load balancers of the fake cloud.

use oos_testkit::prelude::*;

fn ask(cloud: &FakeCloud, service: &str, api: &str, params: serde_json::Value) -> Result<Value, String> {
    cloud.call_now(service, api, params).map_err(|e| e.code().to_owned())
}

#[test]
fn only_listed_servers_change_their_weight() {
    let cloud = FakeCloud::new();
    let lb = cloud.slb().balancer(&[("i-1", 100), ("i-2", 50)]);
    let set = |servers: serde_json::Value| {
        ask(&cloud, "SLB", "SetBackendServers", json!({"LoadBalancerId": lb, "BackendServers": servers}))
    };
    set(json!([{"ServerId": "i-1", "Weight": "0"}])).unwrap();
    assert_eq!((cloud.slb().weight(&lb, "i-1"), cloud.slb().weight(&lb, "i-2")), (Some(0), Some(50)));
    set(json!("[{\"ServerId\": \"i-2\", \"Weight\": 7}]")).unwrap();
    assert_eq!(cloud.slb().weight(&lb, "i-2"), Some(7));
    assert_eq!(set(json!([{"ServerId": "i-2", "Weight": 101}])).unwrap_err(), "InvalidParameter.BackendServers");
    let found = ask(&cloud, "SLB", "DescribeLoadBalancers", json!({"ServerId": "i-2"})).unwrap();
    assert_eq!(
        found.at(&["LoadBalancers", "LoadBalancer"]).as_list().unwrap()[0].at(&["LoadBalancerId"]),
        &Value::from(lb.as_str())
    );
    ask(&cloud, "SLB", "RemoveBackendServers", json!({"LoadBalancerId": lb, "BackendServers": ["i-2"]})).unwrap();
    assert_eq!(cloud.slb().weight(&lb, "i-2"), None);
    let error = ask(&cloud, "SLB", "DescribeLoadBalancerAttribute", json!({"LoadBalancerId": "lb-0"})).unwrap_err();
    assert_eq!(error, "InvalidLoadBalancerId.NotFound");
}

#[test]
fn a_vserver_group_tells_ports_apart_and_may_be_busy() {
    let cloud = FakeCloud::new();
    let lb = cloud.slb().balancer::<&str>(&[]);
    let group = cloud.slb().vserver_group(&lb, &[("i-1", 100, 80), ("i-1", 100, 443)]);
    let set = |weight: i32, port: i32| {
        let servers = json!([{"ServerId": "i-1", "Weight": weight, "Port": port}]);
        ask(&cloud, "SLB", "SetVServerGroupAttribute", json!({"VServerGroupId": group, "BackendServers": servers}))
    };
    set(5, 443).unwrap();
    let rows = ask(&cloud, "SLB", "DescribeVServerGroupAttribute", json!({"VServerGroupId": group})).unwrap();
    let weights: Vec<_> = rows
        .at(&["BackendServers", "BackendServer"])
        .as_list()
        .unwrap()
        .iter()
        .map(|r| r.at(&["Weight"]).clone())
        .collect();
    assert_eq!(weights, [Value::from(100), Value::from(5)]);
    cloud.slb().busy_after_write(secs(2));
    set(6, 443).unwrap();
    assert_eq!(set(7, 443).unwrap_err(), "BackendServer.configuring");
    cloud.clock().advance(secs(2));
    set(7, 443).unwrap();
}

#[test]
fn access_lists_and_protection() {
    let cloud = FakeCloud::new();
    let (acl, lb) = (cloud.slb().acl(), cloud.slb().balancer::<&str>(&[]));
    let entries = json!({"AclId": acl, "AclEntrys": "[{\"entry\":\"10.0.0.0/8\",\"comment\":\"c\"}]"});
    ask(&cloud, "SLB", "AddAccessControlListEntry", entries.clone()).unwrap();
    assert_eq!(cloud.slb().acl_entries(&acl), ["10.0.0.0/8"]);
    ask(&cloud, "SLB", "RemoveAccessControlListEntry", entries).unwrap();
    assert!(cloud.slb().acl_entries(&acl).is_empty());
    ask(&cloud, "SLB", "SetLoadBalancerDeleteProtection", json!({"LoadBalancerId": lb, "DeleteProtection": "on"}))
        .unwrap();
    assert_eq!(
        ask(&cloud, "SLB", "DeleteLoadBalancer", json!({"LoadBalancerId": lb})).unwrap_err(),
        "OperationFailed.DeleteProtection"
    );
}

#[test]
fn standby_takes_the_weight_and_gives_it_back() {
    let cloud = FakeCloud::new();
    let lb = cloud.slb().balancer::<&str>(&[]);
    let group = cloud.scaling_group().members(2).behind(&lb).create();
    let ids = cloud.ess(&group).members();
    ask(
        &cloud,
        "SLB",
        "AddBackendServers",
        json!({"LoadBalancerId": lb, "BackendServers": [{"ServerId": ids[0], "Weight": 60}]}),
    )
    .unwrap();
    let standby = |api: &str| ask(&cloud, "ESS", api, json!({"ScalingGroupId": group, "InstanceId": [ids[0]]}));
    standby("EnterStandby").unwrap();
    assert_eq!(
        (cloud.ess(&group).states(), cloud.slb().weight(&lb, &ids[0])),
        (vec!["Standby".into(), "InService".into()], Some(0))
    );
    assert_eq!(standby("EnterStandby").unwrap_err(), "IncorrectInstanceStatus");
    standby("ExitStandBy").unwrap();
    assert_eq!(cloud.slb().weight(&lb, &ids[0]), Some(60));
    cloud.ess(&group).set_state("Inactive");
    assert_eq!(standby("EnterStandby").unwrap_err(), "IncorrectScalingGroupStatus");
}

#[test]
fn processes_and_protection_are_recorded() {
    let cloud = FakeCloud::new();
    let group = cloud.scaling_group().members(1).create();
    let ids = cloud.ess(&group).members();
    let processes =
        |api: &str| ask(&cloud, "ESS", api, json!({"ScalingGroupId": group, "Process": ["ScaleIn", "HealthCheck"]}));
    processes("SuspendProcesses").unwrap();
    assert_eq!(cloud.ess(&group).suspended(), ["ScaleIn", "HealthCheck"]);
    processes("ResumeProcesses").unwrap();
    assert!(cloud.ess(&group).suspended().is_empty());
    let protect = |on: &str| {
        ask(
            &cloud,
            "ESS",
            "SetInstancesProtection",
            json!({"ScalingGroupId": group, "InstanceIds": ids, "ProtectedFromScaleIn": on}),
        )
    };
    protect("true").unwrap();
    assert_eq!(cloud.ess(&group).states(), ["Protected"]);
    protect("false").unwrap();
    let listed = ask(
        &cloud,
        "ESS",
        "DescribeScalingInstances",
        json!({"ScalingGroupId": group, "LifecycleStates": ["InService"], "InstanceId1": ids[0]}),
    )
    .unwrap();
    assert_eq!(listed.at(&["ScalingInstances", "ScalingInstance"]).as_list().unwrap().len(), 1);
    let groups = ask(&cloud, "ESS", "DescribeScalingGroups", json!({"ScalingGroupId1": group})).unwrap();
    assert_eq!(
        groups.at(&["ScalingGroups", "ScalingGroup"]).as_list().unwrap()[0].at(&["TotalCapacity"]),
        &Value::from(1)
    );
}

#[test]
fn a_rule_scales_within_the_limits() {
    let cloud = FakeCloud::new();
    let group = cloud.scaling_group().members(3).min(1).max(10).create();
    let rule = |value: i32| {
        let params = json!({"ScalingGroupId": group, "AdjustmentType": "TotalCapacity", "AdjustmentValue": value});
        let ari = ask(&cloud, "ESS", "CreateScalingRule", params).unwrap().at(&["ScalingRuleAri"]).to_json();
        ask(&cloud, "ESS", "ExecuteScalingRule", json!({"ScalingRuleAri": ari}))
    };
    assert_eq!(
        [rule(0), rule(11), rule(3)].map(Result::unwrap_err),
        ["IncorrectCapacity.MinSize", "IncorrectCapacity.MaxSize", "IncorrectCapacity.NoChange"]
    );
    let activity = rule(5).unwrap().at(&["ScalingActivityId"]).to_json();
    assert_eq!(rule(6).unwrap_err(), "ScalingActivityInProgress");
    let status = || {
        let answer = ask(&cloud, "ESS", "DescribeScalingActivities", json!({"ScalingActivityId1": activity})).unwrap();
        answer.at(&["ScalingActivities", "ScalingActivity"]).as_list().unwrap()[0].at(&["StatusCode"]).to_text()
    };
    assert_eq!((status(), cloud.ess(&group).members().len()), ("InProgress".into(), 3));
    cloud.clock().advance(secs(60));
    assert_eq!((status(), cloud.ess(&group).members().len()), ("Successful".into(), 5));
    let detail = ask(&cloud, "ESS", "DescribeScalingActivityDetail", json!({"ScalingActivityId": activity})).unwrap();
    assert!(detail.at(&["Detail"]).to_text().contains("\"3\" to \"5\""));
    let ids = cloud.ess(&group).members();
    ask(&cloud, "ESS", "RemoveInstances", json!({"ScalingGroupId": group, "InstanceIds": ids[..2]})).unwrap();
    cloud.clock().advance(secs(60));
    assert_eq!(cloud.ess(&group).members(), ids[2..]);
    assert!(cloud.ecs().gone(&ids[..2]));
}

#[test]
fn a_hook_holds_instances_until_the_token_is_completed() {
    let cloud = FakeCloud::new();
    let group = cloud.scaling_group().members(1).create();
    let hook = cloud.ess(&group).hook(
        "SCALE_OUT",
        "ACS-ESS-LifeCycle",
        json!({"dbInstanceId": "r-1", "ids": "${instanceIds}"}),
    );
    let complete = |token: &str, result: &str| {
        ask(
            &cloud,
            "ESS",
            "CompleteLifecycleAction",
            json!({"LifecycleHookId": hook, "LifecycleActionToken": token, "LifecycleActionResult": result}),
        )
    };
    let run = cloud.ess(&group).scale_out(2).remove(0);
    assert_eq!(cloud.take_hook_runs(), std::slice::from_ref(&run));
    assert_eq!(run.template, "ACS-ESS-LifeCycle");
    let expected = json!({
        "dbInstanceId": "r-1", "ids": run.instances, "regionId": "cn-hangzhou", "instanceIds": run.instances,
        "lifecycleHookId": hook, "lifecycleActionToken": run.token,
    });
    assert_eq!(run.parameters, Value::from(expected));
    assert_eq!(cloud.ess(&group).states(), ["InService", "Pending:Wait", "Pending:Wait"]);
    complete(&run.token, "CONTINUE").unwrap();
    assert_eq!(cloud.ess(&group).states(), ["InService"; 3]);
    assert_eq!(cloud.ess(&group).result_of(&run.token).as_deref(), Some("CONTINUE"));
    assert_eq!(complete(&run.token, "CONTINUE").unwrap_err(), "InvalidLifecycleActionToken.NotExist");
    let run = cloud.ess(&group).scale_out(1).remove(0);
    complete(&run.token, "ABANDON").unwrap();
    assert!(cloud.ecs().gone(&run.instances));
    cloud.ess(&group).scale_out(1);
    cloud.clock().advance(secs(600));
    assert_eq!(cloud.ess(&group).states(), ["InService"; 4], "the default result is CONTINUE");
}

#[test]
fn a_scale_in_hook_can_roll_back() {
    let cloud = FakeCloud::new();
    let group = cloud.scaling_group().members(2).create();
    let params = json!({"ScalingGroupId": group, "LifecycleHookName": "h", "LifecycleTransition": "SCALE_IN", "NotificationArn": "acs:ess:cn-hangzhou:1:oos/T"});
    let hook = ask(&cloud, "ESS", "CreateLifecycleHook", params).unwrap().at(&["LifecycleHookId"]).to_json();
    ask(
        &cloud,
        "ESS",
        "ModifyLifecycleHook",
        json!({"ScalingGroupId": group, "LifecycleHookName": "h", "NotificationMetadata": "{}"}),
    )
    .unwrap();
    assert_eq!(
        ask(&cloud, "ESS", "DescribeLifecycleHooks", json!({"ScalingGroupId": group})).unwrap().at(&["TotalCount"]),
        &Value::from(1)
    );
    let ids = cloud.ess(&group).members();
    let run = cloud.ess(&group).scale_in(&ids[..1]).remove(0);
    assert_eq!(cloud.ess(&group).states(), ["Removing:Wait", "InService"]);
    ask(
        &cloud,
        "ESS",
        "CompleteLifecycleAction",
        json!({"LifecycleHookId": hook, "LifecycleActionToken": run.token, "LifecycleActionResult": "ROLLBACK"}),
    )
    .unwrap();
    assert_eq!(cloud.ess(&group).states(), ["InService", "InService"]);
    let run = cloud.ess(&group).scale_in(&ids[..1]).remove(0);
    ask(
        &cloud,
        "ESS",
        "CompleteLifecycleAction",
        json!({"LifecycleHookId": hook, "LifecycleActionToken": run.token, "LifecycleActionResult": "ABANDON"}),
    )
    .unwrap();
    assert_eq!(cloud.ess(&group).members(), ids[1..]);
}

#[test]
fn configurations_are_changed_and_shown() {
    let cloud = FakeCloud::new();
    let group = cloud.scaling_group().config("UserData", "dQ==").create();
    let id = cloud.ess(&group).configuration();
    ask(&cloud, "ESS", "ModifyScalingConfiguration", json!({"ScalingConfigurationId": id, "ImageId": "m-1"})).unwrap();
    let rows = ask(
        &cloud,
        "ESS",
        "DescribeScalingConfigurations",
        json!({"ScalingGroupId": group, "ScalingConfigurationId1": id}),
    )
    .unwrap();
    let row = rows.at(&["ScalingConfigurations", "ScalingConfiguration"]).as_list().unwrap()[0].clone();
    assert_eq!((row.at(&["ImageId"]), row.at(&["UserData"])), (&Value::from("m-1"), &Value::from("dQ==")));
    let error =
        ask(&cloud, "ESS", "ModifyScalingConfiguration", json!({"ScalingConfigurationId": "asc-0", "ImageId": "m"}))
            .unwrap_err();
    assert_eq!(error, "InvalidScalingConfigurationId.NotFound");
}
