//! Networks, addresses and NAT of the fake cloud.
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests")]

use oos_testkit::prelude::*;

fn vpc(cloud: &FakeCloud, api: &str, params: serde_json::Value) -> Result<Value, String> {
    cloud.call_now("VPC", api, params).map_err(|e| e.code().to_owned())
}

fn eip(cloud: &FakeCloud, id: &str, member: &str) -> String {
    let answer = vpc(cloud, "DescribeEipAddresses", json!({"AllocationId": id})).unwrap();
    answer.at(&["EipAddresses", "EipAddress"]).as_list().unwrap()[0].at(&[member]).to_text().to_string()
}

#[test]
fn an_eip_is_bound_released_and_guarded() {
    let cloud = FakeCloud::new();
    let instance = cloud.ecs().instance().create();
    let answer = cloud
        .call_now("ECS", "AllocateEipAddress", json!({"Bandwidth": 10, "InternetChargeType": "PayByTraffic"}))
        .unwrap();
    let id = answer.at(&["AllocationId"]).to_text().to_string();
    assert_eq!((eip(&cloud, &id, "Status"), eip(&cloud, &id, "Bandwidth")), ("Available".into(), "10".into()));
    vpc(&cloud, "AssociateEipAddress", json!({"AllocationId": id, "InstanceId": instance})).unwrap();
    assert_eq!(eip(&cloud, &id, "Status"), "Associating");
    assert_eq!(vpc(&cloud, "ReleaseEipAddress", json!({"AllocationId": id})).unwrap_err(), "IncorrectEipStatus");
    cloud.clock().advance(secs(3));
    assert_eq!(eip(&cloud, &id, "Status"), "InUse");
    assert_eq!(cloud.ecs().get(&instance, "EipAddress").at(&["IpAddress"]), answer.at(&["EipAddress"]));
    let unbind =
        |instance: &str| vpc(&cloud, "UnassociateEipAddress", json!({"AllocationId": id, "InstanceId": instance}));
    assert_eq!(unbind("i-0").unwrap_err(), "InvalidAssociation.NotExist");
    unbind(&instance).unwrap();
    cloud.clock().advance(secs(3));
    assert_eq!((eip(&cloud, &id, "Status"), eip(&cloud, &id, "InstanceId")), ("Available".into(), String::new()));
    assert_eq!(cloud.ecs().get(&instance, "EipAddress").at(&["IpAddress"]), &Value::from(""));
    vpc(&cloud, "ReleaseEipAddress", json!({"AllocationId": id})).unwrap();
    assert_eq!(
        vpc(&cloud, "ReleaseEipAddress", json!({"AllocationId": id})).unwrap_err(),
        "InvalidAllocationId.NotFound"
    );
}

#[test]
fn a_public_address_becomes_an_eip_of_the_same_address() {
    let cloud = FakeCloud::new();
    let ids = cloud.ecs().instances(2).public_ip().create();
    let address = cloud.ecs().get(&ids[0], "PublicIpAddress").at(&["IpAddress"]).as_list().unwrap()[0].clone();
    let convert = |id: &str| cloud.call_now("ECS", "ConvertNatPublicIpToEip", json!({"InstanceId": id}));
    convert(&ids[0]).unwrap();
    assert_eq!(convert(&ids[0]).unwrap_err().code(), "InvalidPublicIp.NotFound");
    let found = vpc(&cloud, "DescribeEipAddresses", params_of("EipAddress", &address)).unwrap();
    let row = found.at(&["EipAddresses", "EipAddress"]).as_list().unwrap()[0].clone();
    assert_eq!((row.at(&["InstanceId"]), row.at(&["Status"])), (&Value::from(ids[0].as_str()), &Value::from("InUse")));
    let package = cloud.vpc().bandwidth_package();
    let into = json!({"BandwidthPackageId": package, "IpInstanceId": row.at(&["AllocationId"]).to_json()});
    vpc(&cloud, "AddCommonBandwidthPackageIp", into.clone()).unwrap();
    assert_eq!(cloud.vpc().in_package(&package).len(), 1);
    vpc(&cloud, "RemoveCommonBandwidthPackageIp", into.clone()).unwrap();
    assert_eq!(vpc(&cloud, "RemoveCommonBandwidthPackageIp", into).unwrap_err(), "OperationUnsupported.IpNotInCbwp");
}

fn params_of(name: &str, value: &Value) -> serde_json::Value {
    json!({ name: value.to_json() })
}

#[test]
fn networks_are_made_and_are_not_deleted_while_in_use() {
    let cloud = FakeCloud::new();
    let id = vpc(&cloud, "CreateVpc", json!({"CidrBlock": "10.0.0.0/8"})).unwrap().at(&["VpcId"]).to_text().to_string();
    let status = || vpc(&cloud, "DescribeVpcAttribute", json!({"VpcId": id})).unwrap().at(&["Status"]).to_text();
    assert_eq!(status(), "Pending".into());
    cloud.clock().advance(secs(3));
    assert_eq!(status(), "Available".into());
    let params = json!({"VpcId": id, "ZoneId": "cn-hangzhou-b", "CidrBlock": "10.0.1.0/24"});
    let vswitch = vpc(&cloud, "CreateVSwitch", params).unwrap().at(&["VSwitchId"]).to_text().to_string();
    assert_eq!(vpc(&cloud, "DeleteVpc", json!({"VpcId": id})).unwrap_err(), "DependencyViolation.VSwitch");
    let instance = cloud.ecs().instance().in_vswitch(&vswitch).stopped().create();
    assert_eq!(vpc(&cloud, "DeleteVSwitch", json!({"VSwitchId": vswitch})).unwrap_err(), "DependencyViolation");
    cloud.call_now("ECS", "DeleteInstance", json!({"InstanceId": instance})).unwrap();
    cloud.clock().advance(secs(5));
    vpc(&cloud, "DeleteVSwitch", json!({"VSwitchId": vswitch})).unwrap();
    let gone = cloud.call_now("ECS", "DescribeVSwitches", json!({"VSwitchId": vswitch})).unwrap();
    assert_eq!(gone.at(&["VSwitches", "VSwitch"]), &Value::empty_list());
    assert_eq!(vpc(&cloud, "DeleteVpc", json!({"VpcId": id})).unwrap_err(), "DependencyViolation.SecurityGroup");
    assert_eq!(vpc(&cloud, "DescribeVpcAttribute", json!({"VpcId": "vpc-0"})).unwrap_err(), "InvalidVpcId.NotFound");
}

#[test]
fn forward_entries_are_found_by_port_and_deleted() {
    let cloud = FakeCloud::new();
    let gateway = cloud.vpc().nat_gateway();
    for port in [22, 80] {
        cloud.vpc().forward_entry(&gateway, port, "172.16.0.9", port);
    }
    let answer = vpc(&cloud, "DescribeNatGateways", json!({"NatGatewayId": gateway})).unwrap();
    let table = answer.at(&["NatGateways", "NatGateway"]).as_list().unwrap()[0]
        .at(&["ForwardTableIds", "ForwardTableId"])
        .as_list()
        .unwrap()[0]
        .to_json();
    let found =
        vpc(&cloud, "DescribeForwardTableEntries", json!({"ForwardTableId": table, "InternalPort": "22"})).unwrap();
    let entries = found.at(&["ForwardTableEntries", "ForwardTableEntry"]).as_list().unwrap().to_vec();
    assert_eq!(entries.len(), 1);
    let delete = || {
        vpc(
            &cloud,
            "DeleteForwardEntry",
            json!({"ForwardTableId": table, "ForwardEntryId": entries[0].at(&["ForwardEntryId"]).to_json()}),
        )
    };
    delete().unwrap();
    assert_eq!(delete().unwrap_err(), "InvalidForwardEntryId.NotFound");
    assert_eq!(cloud.vpc().forward_entries(&gateway).len(), 1);
}

#[test]
fn protection_is_set_by_type() {
    let cloud = FakeCloud::new();
    let id = cloud.vpc().eip();
    vpc(&cloud, "DeletionProtection", json!({"InstanceId": id, "Type": "EIP", "ProtectionEnable": true})).unwrap();
    assert_eq!(
        vpc(&cloud, "ReleaseEipAddress", json!({"AllocationId": id})).unwrap_err(),
        "InvalidOperation.DeletionProtection"
    );
    vpc(
        &cloud,
        "TagResources",
        json!({"ResourceType": "EIP", "ResourceIds": [id], "Tags": [{"Key": "a", "Value": "b"}]}),
    )
    .unwrap();
    assert_eq!(cloud.ecs().tags(&id), Value::from(json!({"a": "b"})));
}
