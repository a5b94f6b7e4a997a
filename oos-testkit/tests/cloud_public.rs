//! Operations that public templates of the products call beside those of the corpus: state behind them, and the
//! members that the documents name.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use oos_testkit::prelude::*;

fn call(cloud: &FakeCloud, service: &str, api: &str, params: serde_json::Value) -> serde_json::Value {
    match cloud.call_now(service, api, params) {
        Ok(answer) => answer.to_json(),
        Err(error) => panic!("{service}.{api}: {error}"),
    }
}

fn refused(cloud: &FakeCloud, service: &str, api: &str, params: serde_json::Value) -> String {
    cloud.call_now(service, api, params).unwrap_err().code().to_owned()
}

fn has(answer: &serde_json::Value, members: &[&str]) {
    for member in members {
        assert!(answer.get(member).is_some(), "`{member}` is not in {answer}");
    }
}

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
fn balancers_are_made_with_groups_whose_health_is_that_of_the_instances() {
    let cloud = FakeCloud::new();
    let ids = cloud.ecs().instances(2).running().create();
    cloud.ecs().set_status(&ids[1], Stopped);
    let made = call(
        &cloud,
        "SLB",
        "CreateLoadBalancer",
        json!({"RegionId": "cn-hangzhou", "LoadBalancerName": "front", "AddressType": "internet"}),
    );
    has(&made, &["LoadBalancerId", "Address", "NetworkType", "VpcId", "VSwitchId", "OrderId"]);
    let id = made["LoadBalancerId"].as_str().unwrap();
    let servers = json!([{"ServerId": ids[0], "Port": 80, "Weight": 60}, {"ServerId": ids[0], "Port": 81}]);
    let group = call(
        &cloud,
        "SLB",
        "CreateVServerGroup",
        json!({"LoadBalancerId": id, "VServerGroupName": "web", "BackendServers": servers}),
    )["VServerGroupId"]
        .clone();
    let group = group.as_str().unwrap();
    let add = json!([{"ServerId": ids[1], "Port": 80}]);
    let answer =
        call(&cloud, "SLB", "AddVServerGroupBackendServers", json!({"VServerGroupId": group, "BackendServers": add}));
    assert_eq!(answer["BackendServers"]["BackendServer"].as_array().unwrap().len(), 3);
    let health = call(&cloud, "SLB", "DescribeHealthStatus", json!({"LoadBalancerId": id}));
    let states: Vec<_> = health["BackendServers"]["BackendServer"]
        .as_array()
        .unwrap()
        .iter()
        .map(|b| b["ServerHealthStatus"].as_str().unwrap())
        .collect();
    assert_eq!(states, ["normal", "normal", "abnormal"]);
    call(
        &cloud,
        "SLB",
        "RemoveVServerGroupBackendServers",
        json!({"VServerGroupId": group, "BackendServers": [{"ServerId": ids[0], "Port": 81}]}),
    );
    let listed = call(&cloud, "SLB", "DescribeVServerGroups", json!({"LoadBalancerId": id}));
    assert_eq!(listed["VServerGroups"]["VServerGroup"][0]["ServerCount"], 2);
    call(&cloud, "SLB", "SetLoadBalancerName", json!({"LoadBalancerId": id, "LoadBalancerName": "back"}));
    call(&cloud, "SLB", "SetLoadBalancerStatus", json!({"LoadBalancerId": id, "LoadBalancerStatus": "inactive"}));
    assert_eq!(
        refused(&cloud, "SLB", "SetLoadBalancerStatus", json!({"LoadBalancerId": id, "LoadBalancerStatus": "off"})),
        "InvalidParameter.LoadBalancerStatus"
    );
    let shown = call(&cloud, "SLB", "DescribeLoadBalancerAttribute", json!({"LoadBalancerId": id}));
    assert_eq!(
        (shown["LoadBalancerName"].as_str(), shown["LoadBalancerStatus"].as_str()),
        (Some("back"), Some("inactive"))
    );
    let listener = json!({"LoadBalancerId": id, "ListenerPort": 80});
    assert_eq!(refused(&cloud, "SLB", "StopLoadBalancerListener", listener.clone()), "ListenerNotFound");
    cloud.ecs().set(id, json!({"ListenerPorts": {"ListenerPort": [80]}}));
    call(&cloud, "SLB", "StopLoadBalancerListener", listener.clone());
    call(&cloud, "SLB", "StartLoadBalancerListener", listener);
    call(&cloud, "SLB", "DeleteVServerGroup", json!({"VServerGroupId": group}));
    assert_eq!(
        refused(&cloud, "SLB", "DescribeVServerGroupAttribute", json!({"VServerGroupId": group})),
        "InvalidVServerGroupId.NotFound"
    );
}

#[test]
fn server_groups_of_the_newer_balancers_are_configuring_for_a_while() {
    let cloud = FakeCloud::new();
    cloud.put("ServerGroup", "sgp-1", json!({"ServerGroupName": "web", "ServerGroupStatus": "Available"}));
    cloud.put(
        "ALB::LoadBalancer",
        "alb-1",
        json!({"LoadBalancerId": "alb-1", "LoadBalancerStatus": "Active", "DNSName": "alb-1.example.com"}),
    );
    for service in ["ALB", "NLB"] {
        let group = |servers: serde_json::Value| json!({"ServerGroupId": "sgp-1", "Servers": servers});
        let answer = call(
            &cloud,
            service,
            "AddServersToServerGroup",
            group(json!([{"ServerId": "i-1", "Port": 80, "ServerType": "Ecs"}, {"ServerId": "i-2", "Port": 80}])),
        );
        has(&answer, &["JobId"]);
        let changed = group(json!([{"ServerId": "i-1", "Port": 80, "Weight": 0}]));
        assert_eq!(
            refused(&cloud, service, "UpdateServerGroupServersAttribute", changed.clone()),
            "IncorrectStatus.ServerGroup"
        );
        cloud.clock().advance(secs(2));
        call(&cloud, service, "UpdateServerGroupServersAttribute", changed);
        let servers = || call(&cloud, service, "ListServerGroupServers", json!({"ServerGroupId": "sgp-1"}));
        assert_eq!(
            (servers()["Servers"][0]["Weight"].as_i64(), servers()["Servers"][0]["Status"].as_str()),
            (Some(0), Some("Configuring"))
        );
        cloud.clock().advance(secs(2));
        let weights: Vec<_> = servers()["Servers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|s| (s["ServerId"].as_str().unwrap().to_owned(), s["Weight"].as_i64().unwrap()))
            .collect();
        assert_eq!(weights, [("i-1".to_owned(), 0), ("i-2".to_owned(), 100)]);
        call(
            &cloud,
            service,
            "RemoveServersFromServerGroup",
            group(json!([{"ServerId": "i-1", "Port": 80}, {"ServerId": "i-2", "Port": 80}])),
        );
        cloud.clock().advance(secs(2));
        assert_eq!(servers()["TotalCount"], 0);
        assert_eq!(
            refused(
                &cloud,
                service,
                "UpdateServerGroupServersAttribute",
                group(json!([{"ServerId": "i-1", "Port": 80}]))
            ),
            "ResourceNotFound.BackendServer"
        );
    }
    let groups = call(&cloud, "ALB", "ListServerGroups", json!({"ServerGroupNames": ["web"]}));
    assert_eq!(groups["ServerGroups"][0]["ServerGroupStatus"], "Available");
    assert_eq!(
        call(&cloud, "ALB", "ListLoadBalancers", json!({"LoadBalancerIds": ["alb-1"]}))["LoadBalancers"][0]["LoadBalancerStatus"],
        "Active"
    );
    assert_eq!(
        call(&cloud, "ALB", "GetLoadBalancerAttribute", json!({"LoadBalancerId": "alb-1"}))["DNSName"],
        "alb-1.example.com"
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

#[test]
fn gateways_packages_and_networks_are_made_changed_and_removed() {
    let cloud = FakeCloud::new();
    let vpc = cloud.vpc().vpc("10.0.0.0/8");
    let vswitch = cloud.vpc().vswitch(&vpc, "cn-hangzhou-h");
    let made = call(
        &cloud,
        "VPC",
        "CreateNatGateway",
        json!({"VpcId": vpc, "VSwitchId": vswitch, "Name": "out", "NatType": "Enhanced"}),
    );
    has(&made, &["NatGatewayId", "ForwardTableIds", "SnatTableIds"]);
    let (gateway, table) = (made["NatGatewayId"].clone(), made["SnatTableIds"]["SnatTableId"][0].clone());
    let entry = call(
        &cloud,
        "VPC",
        "CreateSnatEntry",
        json!({"SnatTableId": table, "SourceVSwitchId": vswitch, "SnatIp": "198.18.0.1"}),
    )["SnatEntryId"]
        .clone();
    assert_eq!(
        refused(&cloud, "VPC", "CreateSnatEntry", json!({"SnatTableId": "stb-x", "SnatIp": "198.18.0.1"})),
        "InvalidSnatTableId.NotFound"
    );
    let entries = call(&cloud, "VPC", "DescribeSnatTableEntries", json!({"SnatTableId": table}));
    assert_eq!(
        (entries["TotalCount"].as_i64(), entries["SnatTableEntries"]["SnatTableEntry"][0]["SnatEntryId"].clone()),
        (Some(1), entry.clone())
    );
    assert_eq!(
        refused(&cloud, "VPC", "DeleteNatGateway", json!({"NatGatewayId": gateway})),
        "DependencyViolation.NatGateway"
    );
    call(&cloud, "VPC", "DeleteSnatEntry", json!({"SnatTableId": table, "SnatEntryId": entry}));
    call(&cloud, "VPC", "DeleteNatGateway", json!({"NatGatewayId": gateway}));
    assert_eq!(call(&cloud, "VPC", "DescribeNatGateways", json!({"NatGatewayId": gateway}))["TotalCount"], 0);

    let package = call(&cloud, "VPC", "CreateCommonBandwidthPackage", json!({"Bandwidth": 20, "Name": "shared"}))["BandwidthPackageId"].clone();
    let eip = cloud.vpc().eip();
    call(&cloud, "VPC", "AddCommonBandwidthPackageIp", json!({"BandwidthPackageId": package, "IpInstanceId": eip}));
    call(&cloud, "VPC", "ModifyCommonBandwidthPackageSpec", json!({"BandwidthPackageId": package, "Bandwidth": 50}));
    call(
        &cloud,
        "VPC",
        "ModifyCommonBandwidthPackageAttribute",
        json!({"BandwidthPackageId": package, "Name": "wide"}),
    );
    let shown = call(&cloud, "VPC", "DescribeCommonBandwidthPackages", json!({"BandwidthPackageId": package}));
    let row = &shown["CommonBandwidthPackages"]["CommonBandwidthPackage"][0];
    assert_eq!(
        (row["Name"].as_str(), row["Status"].as_str(), row["Bandwidth"].as_str()),
        (Some("wide"), Some("Available"), Some("50"))
    );
    assert_eq!(
        refused(&cloud, "VPC", "DeleteCommonBandwidthPackage", json!({"BandwidthPackageId": package})),
        "InvalidBandwidthPackage.InUse"
    );
    call(&cloud, "VPC", "DeleteCommonBandwidthPackage", json!({"BandwidthPackageId": package, "Force": true}));
    assert_eq!(cloud.get(&eip, "BandwidthPackageId").as_str(), Some(""));

    call(&cloud, "VPC", "ModifyVpcAttribute", json!({"VpcId": vpc, "VpcName": "main"}));
    call(&cloud, "VPC", "ModifyVSwitchAttribute", json!({"VSwitchId": vswitch, "VSwitchName": "first"}));
    let shown = call(&cloud, "VPC", "DescribeVSwitchAttributes", json!({"VSwitchId": vswitch}));
    assert_eq!(
        (shown["VSwitchName"].as_str(), shown["VpcId"].as_str(), shown["Status"].as_str()),
        (Some("first"), Some(vpc.as_str()), Some("Available"))
    );
}

#[test]
fn names_resolve_to_what_was_set_last() {
    let cloud = FakeCloud::new();
    let record = json!({"DomainName": "example.com", "RR": "www", "Type": "A", "Value": "198.18.0.1"});
    let id = call(&cloud, "Alidns", "AddDomainRecord", record)["RecordId"].clone();
    call(
        &cloud,
        "Alidns",
        "AddDomainRecord",
        json!({"DomainName": "example.org", "RR": "www", "Type": "A", "Value": "198.18.0.9"}),
    );
    call(
        &cloud,
        "alidns",
        "UpdateDomainRecord",
        json!({"RecordId": id, "RR": "www", "Type": "A", "Value": "198.18.0.2", "TTL": 60}),
    );
    let off = call(&cloud, "Alidns", "SetDomainRecordStatus", json!({"RecordId": id, "Status": "DISABLE"}));
    assert_eq!((off["RecordId"].clone(), off["Status"].as_str()), (id.clone(), Some("DISABLE")));
    let listed = call(&cloud, "Alidns", "DescribeDomainRecords", json!({"DomainName": "example.com", "Type": "A"}));
    let row = &listed["DomainRecords"]["Record"][0];
    assert_eq!(
        (listed["TotalCount"].as_i64(), row["Value"].as_str(), row["Line"].as_str()),
        (Some(1), Some("198.18.0.2"), Some("default"))
    );
    assert_eq!(call(&cloud, "Alidns", "DescribeDomainRecordInfo", json!({"RecordId": id}))["Value"], "198.18.0.2");
    call(&cloud, "Alidns", "DeleteDomainRecord", json!({"RecordId": id}));
    assert_eq!(
        refused(&cloud, "Alidns", "DescribeDomainRecordInfo", json!({"RecordId": id})),
        "InvalidRecordId.NotFound"
    );
}

#[test]
fn rules_agents_and_metrics_of_the_monitor_are_told() {
    let cloud = FakeCloud::new();
    let id = cloud.ecs().instance().create();
    let rule = json!({
        "RuleId": "cpu", "RuleName": "cpu is high", "Namespace": "acs_ecs_dashboard", "MetricName": "CPUUtilization",
        "Resources": json!([{"instanceId": id}]).to_string(), "ContactGroups": "ops",
    });
    assert_eq!(refused(&cloud, "Cms", "PutResourceMetricRule", rule.clone()), "MissingParameter.Escalations");
    let mut rule = rule;
    rule["Escalations"] = json!({"Critical": {"Statistics": "Average", "ComparisonOperator": "GreaterThanThreshold", "Threshold": 90, "Times": 3}});
    assert_eq!(call(&cloud, "CMS", "PutResourceMetricRule", rule)["Success"], true);
    call(&cloud, "CMS", "DisableMetricRules", json!({"RuleId": ["cpu"]}));
    let listed = call(&cloud, "CMS", "DescribeMetricRuleList", json!({"RuleIds": "cpu", "Page": 1, "PageSize": 10}));
    let row = &listed["Alarms"]["Alarm"][0];
    assert_eq!(
        (listed["Total"].as_str(), row["EnableState"].as_bool(), row["Escalations"]["Critical"]["Threshold"].as_str()),
        (Some("1"), Some(false), Some("90"))
    );
    call(&cloud, "CMS", "EnableMetricRules", json!({"RuleId": ["cpu"]}));
    call(&cloud, "CMS", "DeleteMetricRules", json!({"Id": ["cpu"]}));
    assert_eq!(call(&cloud, "CMS", "DescribeMetricRuleList", json!({}))["Total"], "0");

    let status = || {
        call(&cloud, "CMS", "DescribeMonitoringAgentStatuses", json!({"InstanceIds": id}))["NodeStatusList"]["NodeStatus"][0]["Status"].as_str().unwrap().to_owned()
    };
    assert_eq!(status(), "not_installed");
    call(&cloud, "CMS", "InstallMonitoringAgent", json!({"InstanceIds": [id], "Force": true}));
    assert_eq!(status(), "installing");
    cloud.clock().advance(secs(30));
    assert_eq!(status(), "running");

    cloud.put("CMS::Metric", &format!("acs_ecs_dashboard/CPUUtilization/{id}"), json!({"Value": 95}));
    for api in ["DescribeMetricLast", "DescribeMetricList"] {
        let answer = call(
            &cloud,
            "CMS",
            api,
            json!({"Namespace": "acs_ecs_dashboard", "MetricName": "CPUUtilization", "Dimensions": json!([{"instanceId": id}]).to_string()}),
        );
        let points: serde_json::Value = serde_json::from_str(answer["Datapoints"].as_str().unwrap()).unwrap();
        assert_eq!((points[0]["instanceId"].as_str(), points[0]["Average"].as_i64()), (Some(id.as_str()), Some(95)));
    }
    let group =
        call(&cloud, "CMS", "CreateMonitorGroup", json!({"GroupName": "web", "ContactGroups": "ops"}))["GroupId"]
            .clone();
    call(
        &cloud,
        "CMS",
        "CreateMonitorGroupInstances",
        json!({"GroupId": group.to_string(), "Instances": [{"InstanceId": id, "Category": "ECS", "InstanceName": "web", "RegionId": "cn-hangzhou"}]}),
    );
    call(&cloud, "CMS", "PutContactGroup", json!({"ContactGroupName": "ops", "ContactNames": ["ana"]}));
    let contacts = call(&cloud, "CMS", "DescribeContactGroupList", json!({}));
    assert_eq!(contacts["ContactGroupList"]["ContactGroup"][0]["Contacts"]["Contact"][0], "ana");
}

#[test]
fn keys_and_secrets_have_states_and_versions() {
    let cloud = FakeCloud::new();
    let made = call(&cloud, "KMS", "CreateKey", json!({"Description": "for disks"}));
    has(&made["KeyMetadata"], &["Arn", "KeyId", "KeyState", "KeySpec", "KeyUsage", "Origin", "CreationDate"]);
    let key = made["KeyMetadata"]["KeyId"].clone();
    let of_key = json!({"KeyId": key});
    let state =
        || call(&cloud, "KMS", "DescribeKey", of_key.clone())["KeyMetadata"]["KeyState"].as_str().unwrap().to_owned();
    call(&cloud, "KMS", "DisableKey", of_key.clone());
    assert_eq!(state(), "Disabled");
    call(&cloud, "KMS", "EnableKey", of_key.clone());
    call(&cloud, "KMS", "ScheduleKeyDeletion", json!({"KeyId": key, "PendingWindowInDays": 7}));
    assert_eq!(state(), "PendingDeletion");
    call(&cloud, "KMS", "CancelKeyDeletion", of_key.clone());
    cloud.clock().advance(hours(24 * 8));
    assert_eq!(
        (state().as_str(), call(&cloud, "KMS", "ListKeys", json!({}))["Keys"]["Key"][0]["KeyId"].clone()),
        ("Disabled", key.clone())
    );
    call(&cloud, "KMS", "ScheduleKeyDeletion", json!({"KeyId": key, "PendingWindowInDays": 7}));
    cloud.clock().advance(hours(24 * 7));
    assert_eq!(refused(&cloud, "KMS", "DescribeKey", of_key), "Forbidden.KeyNotFound");

    call(&cloud, "KMS", "CreateSecret", json!({"SecretName": "db", "SecretData": "one", "VersionId": "v1"}));
    call(&cloud, "KMS", "PutSecretValue", json!({"SecretName": "db", "SecretData": "two", "VersionId": "v2"}));
    let value = |more: serde_json::Value| {
        let mut params = json!({"SecretName": "db"});
        params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        call(&cloud, "KMS", "GetSecretValue", params)["SecretData"].as_str().unwrap().to_owned()
    };
    assert_eq!(
        [value(json!({})), value(json!({"VersionId": "v1"})), value(json!({"VersionStage": "ACSPrevious"}))],
        ["two", "one", "one"]
    );
    assert_eq!(
        refused(&cloud, "KMS", "PutSecretValue", json!({"SecretName": "db", "SecretData": "x", "VersionId": "v2"})),
        "Rejected.ResourceExist"
    );
    assert_eq!(call(&cloud, "KMS", "DescribeSecret", json!({"SecretName": "db"}))["SecretType"], "Generic");
    assert_eq!(call(&cloud, "KMS", "ListSecrets", json!({}))["SecretList"]["Secret"][0]["SecretName"], "db");
    call(&cloud, "KMS", "DeleteSecret", json!({"SecretName": "db", "RecoveryWindowInDays": 7}));
    assert_eq!(refused(&cloud, "KMS", "GetSecretValue", json!({"SecretName": "db"})), "Rejected.Disabled");
    cloud.clock().advance(hours(24 * 7));
    assert_eq!(refused(&cloud, "KMS", "DescribeSecret", json!({"SecretName": "db"})), "Forbidden.ResourceNotFound");
}
