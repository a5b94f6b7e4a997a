//! Instances, snapshots, key pairs, interfaces, scaling groups.

use oos_testkit::prelude::*;

use super::{call, has, refused};

#[test]
fn several_instances_change_together_or_one_by_one() {
    let cloud = FakeCloud::new();
    let ids = cloud.ecs().instances(3).stopped().create();
    cloud.ecs().set_status(&ids[0], Running);
    let all = json!({"RegionId": "cn-hangzhou", "InstanceId": ids});
    assert_eq!(refused(&cloud, "ECS", "StartInstances", all.clone()), "IncorrectInstanceStatus");
    assert_eq!(cloud.ecs().status(&ids[1]), "Stopped", "nothing has changed");
    let mut first = all.clone();
    first["BatchOptimization"] = json!("SuccessFirst");
    let answer = call(&cloud, "ECS", "StartInstances", first);
    let rows = answer["InstanceResponses"]["InstanceResponse"].as_array().unwrap();
    let codes: Vec<_> = rows.iter().map(|r| r["Code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["IncorrectInstanceStatus", "200", "200"]);
    has(&rows[1], &["InstanceId", "Message", "PreviousStatus", "CurrentStatus"]);
    assert_eq!(
        (rows[1]["PreviousStatus"].as_str(), rows[1]["CurrentStatus"].as_str()),
        (Some("Stopped"), Some("Starting"))
    );
    cloud.clock().advance(secs(20));
    assert!(cloud.ecs().all(&ids).are(Running));
    call(&cloud, "ECS", "RebootInstances", all.clone());
    cloud.clock().advance(secs(20));
    let mut stop = all.clone();
    stop["StoppedMode"] = json!("StopCharging");
    call(&cloud, "ECS", "StopInstances", stop);
    cloud.clock().advance(secs(20));
    assert!(cloud.ecs().all(&ids).are(Stopped));
    assert_eq!(cloud.get(&ids[2], "StoppedMode").as_str(), Some("StopCharging"));
    cloud.ecs().set(&ids[1], json!({"DeletionProtection": true}));
    assert_eq!(refused(&cloud, "ECS", "DeleteInstances", all.clone()), "InvalidOperation.DeletionProtection");
    cloud.ecs().set(&ids[1], json!({"DeletionProtection": false}));
    call(&cloud, "ECS", "DeleteInstances", all);
    cloud.clock().advance(secs(5));
    assert!(cloud.ecs().gone(&ids));
}

#[test]
fn instances_tell_renewal_user_data_and_events() {
    let cloud = FakeCloud::new();
    let id = cloud.ecs().instance().prepaid().create();
    let one = json!({"InstanceId": id});
    call(
        &cloud,
        "ECS",
        "ModifyInstanceAutoRenewAttribute",
        json!({"InstanceId": id, "RenewalStatus": "AutoRenewal", "Duration": 3}),
    );
    let rows = call(&cloud, "ECS", "DescribeInstanceAutoRenewAttribute", one.clone());
    let row = &rows["InstanceRenewAttributes"]["InstanceRenewAttribute"][0];
    assert_eq!(
        (row["AutoRenewEnabled"].as_bool(), row["RenewalStatus"].as_str(), row["Duration"].as_i64()),
        (Some(true), Some("AutoRenewal"), Some(3))
    );
    call(&cloud, "ECS", "ModifyInstanceAttribute", json!({"InstanceId": id, "UserData": "ZWNobw=="}));
    assert_eq!(call(&cloud, "ECS", "DescribeUserData", one)["UserData"], "ZWNobw==");

    cloud.put("ECS::SystemEvent", "e-1", json!({"InstanceId": id, "EventType": "SystemMaintenance.Reboot", "EventCycleStatus": "Inquiring", "NotBefore": "2026-01-02T00:00:00Z"}));
    cloud.put(
        "ECS::SystemEvent",
        "e-2",
        json!({"InstanceId": "i-other", "EventType": "SystemFailure.Reboot", "EventCycleStatus": "Executed"}),
    );
    let events = |filter: serde_json::Value| {
        call(&cloud, "ECS", "DescribeInstanceHistoryEvents", filter)["InstanceSystemEventSet"]["InstanceSystemEventType"].as_array().unwrap().clone()
    };
    let found = events(json!({"InstanceEventCycleStatus": ["Inquiring", "Scheduled"]}));
    assert_eq!(
        (found.len(), found[0]["EventId"].as_str(), found[0]["EventType"]["Name"].as_str()),
        (1, Some("e-1"), Some("SystemMaintenance.Reboot"))
    );
    call(&cloud, "ECS", "AcceptInquiredSystemEvent", json!({"EventId": "e-1"}));
    assert_eq!(events(json!({"InstanceId": id}))[0]["EventCycleStatus"]["Name"], "Executing");
}

#[test]
fn snapshot_policies_come_and_go_with_their_disks() {
    let cloud = FakeCloud::new();
    let disk = cloud.ecs().disk("cn-hangzhou-h", 40);
    let made = call(
        &cloud,
        "ECS",
        "CreateAutoSnapshotPolicy",
        json!({"regionId": "cn-hangzhou", "timePoints": "[\"3\"]", "repeatWeekdays": "[\"1\"]", "retentionDays": 30, "autoSnapshotPolicyName": "nightly"}),
    );
    let id = made["AutoSnapshotPolicyId"].as_str().unwrap();
    call(
        &cloud,
        "ECS",
        "ApplyAutoSnapshotPolicy",
        json!({"regionId": "cn-hangzhou", "autoSnapshotPolicyId": id, "diskIds": [disk]}),
    );
    let shown = call(&cloud, "ECS", "DescribeAutoSnapshotPolicyEx", json!({"AutoSnapshotPolicyId": id}));
    let policy = &shown["AutoSnapshotPolicies"]["AutoSnapshotPolicy"][0];
    assert_eq!(
        (policy["AutoSnapshotPolicyName"].as_str(), policy["TimePoints"].as_str(), policy["DiskNums"].as_i64()),
        (Some("nightly"), Some("[\"3\"]"), Some(1))
    );
    call(&cloud, "ECS", "DeleteAutoSnapshotPolicy", json!({"regionId": "cn-hangzhou", "autoSnapshotPolicyId": id}));
    assert_eq!(cloud.get(&disk, "AutoSnapshotPolicyId").as_str(), Some(""));
    let snapshot = cloud.ecs().snapshot(&disk, "old");
    call(
        &cloud,
        "ECS",
        "ModifySnapshotAttribute",
        json!({"SnapshotId": snapshot, "SnapshotName": "new", "RetentionDays": 3}),
    );
    assert_eq!(cloud.get(&snapshot, "SnapshotName").as_str(), Some("new"));
}

#[test]
fn key_pairs_groups_interfaces_and_deployment_sets_are_kept() {
    let cloud = FakeCloud::new();
    let id = cloud.ecs().instance().create();
    call(&cloud, "ECS", "ImportKeyPair", json!({"KeyPairName": "mine", "PublicKeyBody": "ssh-rsa AAAA"}));
    call(&cloud, "ECS", "AttachKeyPair", json!({"KeyPairName": "mine", "InstanceIds": [id]}));
    let pair = json!({"KeyPairNames": ["mine", "unknown"]});
    assert_eq!(
        refused(&cloud, "ECS", "DeleteKeyPairs", pair.clone()),
        "InvalidParameter.KeypairAlreadyAttachedInstance"
    );
    call(&cloud, "ECS", "DetachKeyPair", json!({"KeyPairName": "mine", "InstanceIds": [id]}));
    call(&cloud, "ECS", "DeleteKeyPairs", pair);
    assert_eq!(call(&cloud, "ECS", "DescribeKeyPairs", json!({}))["TotalCount"], 0);

    let shown = cloud.ecs().describe(&id).to_json();
    let group = shown["SecurityGroupIds"]["SecurityGroupId"][0].as_str().unwrap();
    call(&cloud, "ECS", "ModifySecurityGroupAttribute", json!({"SecurityGroupId": group, "SecurityGroupName": "web"}));
    assert_eq!(cloud.get(group, "SecurityGroupName").as_str(), Some("web"));
    let eni = shown["NetworkInterfaces"]["NetworkInterface"][0]["NetworkInterfaceId"].as_str().unwrap();
    let two = json!({"NetworkInterfaceId": eni, "SecondaryPrivateIpAddressCount": 2});
    let assigned = call(&cloud, "ECS", "AssignPrivateIpAddresses", two)["AssignedPrivateIpAddressesSet"]["PrivateIpSet"]["PrivateIpAddress"].clone();
    assert_eq!(assigned.as_array().unwrap().len(), 2);
    let count = || cloud.get(eni, "PrivateIpSets").at(&["PrivateIpSet"]).as_list().unwrap().len();
    assert_eq!(count(), 3);
    call(&cloud, "ECS", "UnassignPrivateIpAddresses", json!({"NetworkInterfaceId": eni, "PrivateIpAddress": assigned}));
    assert_eq!(count(), 1, "the primary address stays");
    call(
        &cloud,
        "ECS",
        "ModifyNetworkInterfaceAttribute",
        json!({"NetworkInterfaceId": eni, "NetworkInterfaceName": "first", "SecurityGroupId": [group]}),
    );
    assert_eq!(cloud.get(eni, "NetworkInterfaceName").as_str(), Some("first"));

    let set = call(
        &cloud,
        "ECS",
        "CreateDeploymentSet",
        json!({"DeploymentSetName": "far", "Strategy": "Availability"}),
    )["DeploymentSetId"]
        .clone();
    call(&cloud, "ECS", "ModifyDeploymentSetAttribute", json!({"DeploymentSetId": set, "Description": "apart"}));
    let listed = call(&cloud, "ECS", "DescribeDeploymentSets", json!({"DeploymentSetIds": [set]}));
    assert_eq!(
        (listed["TotalCount"].as_i64(), listed["DeploymentSets"]["DeploymentSet"][0]["Description"].as_str()),
        (Some(1), Some("apart"))
    );
    call(&cloud, "ECS", "DeleteDeploymentSet", json!({"DeploymentSetId": set}));
    assert_eq!(
        refused(&cloud, "ECS", "DeleteDeploymentSet", json!({"DeploymentSetId": set})),
        "InvalidDeploymentSetId.NotFound"
    );
}

#[test]
fn a_scaling_group_is_made_filled_and_removed_by_calls() {
    let cloud = FakeCloud::new();
    let ids = cloud.ecs().instances(2).running().create();
    let group = call(
        &cloud,
        "ESS",
        "CreateScalingGroup",
        json!({"RegionId": "cn-hangzhou", "MinSize": 0, "MaxSize": 2, "ScalingGroupName": "web"}),
    )["ScalingGroupId"]
        .clone();
    let of_group = json!({"ScalingGroupId": group});
    assert_eq!(
        refused(&cloud, "ESS", "EnableScalingGroup", of_group.clone()),
        "InvalidScalingConfigurationId.NotFound"
    );
    let config = call(&cloud, "ESS", "CreateScalingConfiguration", json!({"ScalingGroupId": group, "ImageId": "m-1", "InstanceType": "ecs.g7.large", "SystemDiskCategory": "cloud_essd"}))["ScalingConfigurationId"].clone();
    call(&cloud, "ESS", "EnableScalingGroup", json!({"ScalingGroupId": group, "ActiveScalingConfigurationId": config}));
    assert_eq!(
        refused(&cloud, "ESS", "DeleteScalingConfiguration", json!({"ScalingConfigurationId": config})),
        "IncorrectScalingConfigurationLifecycleState"
    );
    let attach = json!({"ScalingGroupId": group, "InstanceId": ids});
    has(&call(&cloud, "ESS", "AttachInstances", attach.clone()), &["ScalingActivityId"]);
    assert_eq!(refused(&cloud, "ESS", "AttachInstances", attach.clone()), "ScalingActivityInProgress");
    cloud.clock().advance(secs(60));
    assert_eq!(cloud.ess(group.as_str().unwrap()).members(), ids);
    assert_eq!(refused(&cloud, "ESS", "AttachInstances", attach), "InvalidInstanceId.InUse");
    call(&cloud, "ESS", "DetachInstances", json!({"ScalingGroupId": group, "InstanceId": [ids[0]]}));
    cloud.clock().advance(secs(60));
    assert_eq!(cloud.ess(group.as_str().unwrap()).members(), ids[1..]);
    assert_eq!(cloud.ecs().status(&ids[0]), "Running", "what is detached goes on running");

    let rule = call(
        &cloud,
        "ESS",
        "CreateScalingRule",
        json!({"ScalingGroupId": group, "AdjustmentType": "TotalCapacity", "AdjustmentValue": 1, "ScalingRuleName": "one"}),
    );
    call(&cloud, "ESS", "ModifyScalingRule", json!({"ScalingRuleId": rule["ScalingRuleId"], "AdjustmentValue": 2}));
    let rules =
        call(&cloud, "ESS", "DescribeScalingRules", json!({"RegionId": "cn-hangzhou", "ScalingRuleName": ["one"]}));
    assert_eq!(rules["ScalingRules"]["ScalingRule"][0]["AdjustmentValue"], 2);

    let task = call(&cloud, "ESS", "CreateScheduledTask", json!({"RegionId": "cn-hangzhou", "ScheduledTaskName": "night", "ScheduledAction": rule["ScalingRuleAri"], "LaunchTime": "2026-01-02T00:00Z"}))["ScheduledTaskId"].clone();
    call(&cloud, "ESS", "ModifyScheduledTask", json!({"ScheduledTaskId": task, "TaskEnabled": false}));
    let tasks =
        call(&cloud, "ESS", "DescribeScheduledTasks", json!({"RegionId": "cn-hangzhou", "ScheduledTaskId": [task]}));
    let row = &tasks["ScheduledTasks"]["ScheduledTask"][0];
    assert_eq!(
        (row["ScheduledTaskName"].as_str(), row["TaskEnabled"].as_bool(), tasks["TotalCount"].as_i64()),
        (Some("night"), Some(false), Some(1))
    );
    call(&cloud, "ESS", "DeleteScheduledTask", json!({"ScheduledTaskId": task}));

    assert_eq!(refused(&cloud, "ESS", "DeleteScalingGroup", of_group.clone()), "IncorrectScalingGroupStatus");
    call(&cloud, "ESS", "DisableScalingGroup", of_group);
    call(&cloud, "ESS", "DeleteScalingConfiguration", json!({"ScalingConfigurationId": config}));
    call(&cloud, "ESS", "DeleteScalingGroup", json!({"ScalingGroupId": group, "ForceDelete": true}));
    assert_eq!(call(&cloud, "ESS", "DescribeScalingGroups", json!({}))["TotalCount"], 0);
}
