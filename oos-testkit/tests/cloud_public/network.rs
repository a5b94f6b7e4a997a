//! Balancers, server groups, gateways, names.

use oos_testkit::prelude::*;

use super::{call, has, refused};

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
