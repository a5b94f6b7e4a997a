//! Instances of the fake cloud: attributes, roles, keys, interfaces, groups, prices, reports.

use oos_testkit::prelude::*;

fn ecs(cloud: &FakeCloud, api: &str, params: serde_json::Value) -> Result<Value, String> {
    cloud.call_now("ECS", api, params).map_err(|e| e.code().to_owned())
}

fn text(cloud: &FakeCloud, id: &str, member: &str) -> String {
    cloud.ecs().get(id, member).to_text().to_string()
}

#[test]
fn attributes_are_set() {
    let cloud = FakeCloud::new();
    let id = cloud.ecs().instance().create();
    ecs(
        &cloud,
        "ModifyInstanceAttribute",
        json!({"InstanceId": id, "InstanceName": "n", "DeletionProtection": "true", "SecurityGroupIds": ["sg-1"]}),
    )
    .unwrap();
    assert_eq!(
        (text(&cloud, &id, "InstanceName"), text(&cloud, &id, "DeletionProtection")),
        ("n".into(), "true".into())
    );
    assert_eq!(cloud.ecs().get(&id, "SecurityGroupIds"), Value::from(json!({"SecurityGroupId": ["sg-1"]})));
    assert_eq!(
        ecs(&cloud, "ModifyInstanceAttribute", json!({"InstanceId": "i-0"})).unwrap_err(),
        "InvalidInstanceId.NotFound"
    );
}

#[test]
fn bandwidth_goes_back_at_the_end_time() {
    let cloud = FakeCloud::new();
    let id = cloud.ecs().instance().public_ip().create();
    let params = json!({"InstanceId": id, "InternetMaxBandwidthOut": 50, "StartTime": "2026-01-01T00Z", "EndTime": "2026-01-01T02:00:00Z"});
    assert!(ecs(&cloud, "ModifyInstanceNetworkSpec", params).unwrap().get("OrderId").is_some());
    assert_eq!(text(&cloud, &id, "InternetMaxBandwidthOut"), "50");
    cloud.clock().advance(hours(2));
    assert_eq!(text(&cloud, &id, "InternetMaxBandwidthOut"), "5");
}

#[test]
fn a_new_type_wants_a_stopped_instance() {
    let cloud = FakeCloud::new();
    let id = cloud.ecs().instance().create();
    let change = || ecs(&cloud, "ModifyInstanceSpec", json!({"InstanceId": id, "InstanceType": "ecs.r7.large"}));
    assert_eq!(change().unwrap_err(), "IncorrectInstanceStatus");
    cloud.ecs().set_status(&id, Stopped);
    change().unwrap();
    assert_eq!(text(&cloud, &id, "InstanceTypeFamily"), "ecs.r7");
}

#[test]
fn billing_changes_after_a_moment() {
    let cloud = FakeCloud::new();
    let id = cloud.ecs().instance().create();
    assert_eq!(
        ecs(&cloud, "RenewInstance", json!({"InstanceId": id, "Period": 1})).unwrap_err(),
        "ChargeTypeViolation"
    );
    ecs(&cloud, "ModifyInstanceChargeType", json!({"InstanceIds": [id], "InstanceChargeType": "PrePaid"})).unwrap();
    assert_eq!(text(&cloud, &id, "InstanceChargeType"), "PostPaid");
    cloud.clock().advance(secs(5));
    assert_eq!(text(&cloud, &id, "InstanceChargeType"), "PrePaid");
    ecs(&cloud, "RenewInstance", json!({"InstanceId": id, "Period": 1, "PeriodUnit": "Year"})).unwrap();
    ecs(&cloud, "ModifyPrepayInstanceSpec", json!({"InstanceId": id, "InstanceType": "ecs.g7.xlarge"})).unwrap();
    ecs(&cloud, "ModifyInstanceAutoRenewAttribute", json!({"InstanceId": id, "AutoRenew": true, "Duration": 1}))
        .unwrap();
}

#[test]
fn roles_and_keys_are_attached() {
    let cloud = FakeCloud::new();
    let id = cloud.ecs().instance().create();
    ecs(&cloud, "AttachInstanceRamRole", json!({"InstanceIds": [id], "RamRoleName": "R"})).unwrap();
    let role = || {
        let answer = ecs(&cloud, "DescribeInstanceRAMRole", json!({"InstanceIds": [id]})).unwrap();
        answer.at(&["InstanceRamRoleSets", "InstanceRamRoleSet"]).as_list().unwrap()[0].at(&["RamRoleName"]).to_text()
    };
    assert_eq!(role(), "R".into());
    ecs(&cloud, "DetachInstanceRamRole", json!({"InstanceIds": [id], "RamRoleName": "R"})).unwrap();
    assert_eq!(role(), "".into());
    let attach = || ecs(&cloud, "AttachKeyPair", json!({"InstanceIds": [id], "KeyPairName": "k"}));
    assert_eq!(attach().unwrap_err(), "InvalidKeyPair.NotFound");
    cloud.ecs().key_pair("k");
    attach().unwrap();
    let keys = ecs(&cloud, "DescribeKeyPairs", json!({"KeyPairName": "k", "IncludePublicKey": true})).unwrap();
    assert!(keys.at(&["KeyPairs", "KeyPair"]).as_list().unwrap()[0].get("PublicKey").is_some());
    ecs(&cloud, "DetachKeyPair", json!({"InstanceIds": [id], "KeyPairName": "k"})).unwrap();
    assert_eq!(text(&cloud, &id, "KeyPairName"), "");
}

#[test]
fn interfaces_come_and_go() {
    let cloud = FakeCloud::new();
    let id = cloud.ecs().instance().create();
    let vpc = cloud.vpc().vpc("10.0.0.0/8");
    let (vswitch, group) = (cloud.vpc().vswitch(&vpc, "cn-hangzhou-b"), cloud.vpc().security_group(&vpc));
    let answer =
        ecs(&cloud, "CreateNetworkInterface", json!({"VSwitchId": vswitch, "SecurityGroupId": group})).unwrap();
    let eni = answer.at(&["NetworkInterfaceId"]).to_text().to_string();
    let attach = || ecs(&cloud, "AttachNetworkInterface", json!({"NetworkInterfaceId": eni, "InstanceId": id}));
    assert_eq!(attach().unwrap_err(), "InvalidEniStatus");
    cloud.clock().advance(secs(3));
    assert_eq!(attach().unwrap().at(&["NetworkInterfaceId"]), &Value::from(eni.as_str()));
    cloud.clock().advance(secs(5));
    let list = ecs(&cloud, "DescribeNetworkInterfaces", json!({"InstanceId": id, "Type": "Secondary"})).unwrap();
    assert_eq!(
        list.at(&["NetworkInterfaceSets", "NetworkInterfaceSet"]).as_list().unwrap()[0].at(&["Status"]),
        &Value::from("InUse")
    );
    assert_eq!(cloud.ecs().get(&id, "NetworkInterfaces").at(&["NetworkInterface"]).as_list().unwrap().len(), 2);
    assert_eq!(
        ecs(&cloud, "DeleteNetworkInterface", json!({"NetworkInterfaceId": eni})).unwrap_err(),
        "InvalidEniStatus"
    );
    ecs(&cloud, "DetachNetworkInterface", json!({"NetworkInterfaceId": eni, "InstanceId": id})).unwrap();
    cloud.clock().advance(secs(5));
    ecs(&cloud, "DeleteNetworkInterface", json!({"NetworkInterfaceId": eni})).unwrap();
}

#[test]
fn security_groups_have_members_and_rules() {
    let cloud = FakeCloud::new();
    let id = cloud.ecs().instance().create();
    let group = cloud.vpc().security_group("vpc-x");
    let join = || ecs(&cloud, "JoinSecurityGroup", json!({"SecurityGroupId": group, "InstanceId": id}));
    join().unwrap();
    assert_eq!(join().unwrap_err(), "InvalidInstanceId.AlreadyExists");
    assert_eq!(
        ecs(&cloud, "DeleteSecurityGroup", json!({"SecurityGroupId": group})).unwrap_err(),
        "DependencyViolation"
    );
    let rule = json!({"SecurityGroupId": group, "IpProtocol": "tcp", "PortRange": "22/22", "SourceCidrIp": "0.0.0.0/0", "Policy": "accept"});
    ecs(&cloud, "AuthorizeSecurityGroup", rule.clone()).unwrap();
    ecs(&cloud, "AuthorizeSecurityGroup", rule.clone()).unwrap();
    let rules = |direction: &str| {
        let answer =
            ecs(&cloud, "DescribeSecurityGroupAttribute", json!({"SecurityGroupId": group, "Direction": direction}))
                .unwrap();
        answer.at(&["Permissions", "Permission"]).as_list().unwrap().to_vec()
    };
    assert_eq!((rules("ingress").len(), rules("egress").len()), (1, 0));
    assert_eq!(rules("ingress")[0].at(&["Policy"]), &Value::from("Accept"));
    ecs(&cloud, "RevokeSecurityGroup", rule).unwrap();
    assert!(rules("ingress").is_empty());
    ecs(&cloud, "LeaveSecurityGroup", json!({"SecurityGroupId": group, "InstanceId": id})).unwrap();
    ecs(&cloud, "DeleteSecurityGroup", json!({"SecurityGroupId": group})).unwrap();
}

#[test]
fn the_newest_spot_price_is_the_last() {
    let cloud = FakeCloud::new();
    cloud.ecs().spot_discount("ecs.c7.large", 0.1);
    let answer = ecs(
        &cloud,
        "DescribeSpotPriceHistory",
        json!({"InstanceType": "ecs.c7.large", "ZoneId": "cn-hangzhou-b", "NetworkType": "vpc"}),
    )
    .unwrap();
    let rows = answer.at(&["SpotPrices", "SpotPriceType"]).as_list().unwrap();
    assert_eq!(rows.last().unwrap().at(&["Timestamp"]), &Value::from("2026-01-01T00:00:00Z"));
    assert_eq!((rows[0].at(&["OriginPrice"]), rows[0].at(&["SpotPrice"])), (&Value::from(0.5), &Value::from(0.05)));
}

#[test]
fn account_attributes_are_read_by_index() {
    let cloud = FakeCloud::new();
    cloud.ecs().account_attribute("used-postpaid-instance-vcpu-count", 0, "85");
    let answer = ecs(&cloud, "DescribeAccountAttributes", json!({})).unwrap();
    let items = answer.at(&["AccountAttributeItems", "AccountAttributeItem"]).as_list().unwrap().to_vec();
    let value = |n: usize, k: usize| {
        items[n].at(&["AttributeValues", "ValueItem"]).as_list().unwrap()[k].at(&["Value"]).to_text()
    };
    assert_eq!(
        (value(6, 0), value(13, 0), value(14, 0), value(16, 2)),
        ("100".into(), "85".into(), "0".into(), "0".into())
    );
}

#[test]
fn what_is_sold_out_is_shown() {
    let cloud = FakeCloud::new();
    cloud.ecs().sell_out("ecs.g7.large");
    let answer = ecs(
        &cloud,
        "DescribeAvailableResource",
        json!({"DestinationResource": "InstanceType", "InstanceType": "ecs.g7.large", "ZoneId": "cn-hangzhou-b"}),
    )
    .unwrap();
    let text = answer.to_string();
    assert!(
        text.contains("\"StatusCategory\":\"WithoutStock\"") && text.contains("\"Value\":\"ecs.g7.large\""),
        "{text}"
    );
}

#[test]
fn a_diagnostic_report_is_finished_after_half_a_minute() {
    let cloud = FakeCloud::new();
    let id = cloud.ecs().instance().create();
    let report = ecs(&cloud, "CreateDiagnosticReport", json!({"ResourceId": id})).unwrap().at(&["ReportId"]).to_json();
    let status = || {
        ecs(&cloud, "DescribeDiagnosticReportAttributes", json!({"ReportId": report}))
            .unwrap()
            .at(&["Status"])
            .to_text()
    };
    assert_eq!(status(), "InProgress".into());
    cloud.clock().advance(secs(30));
    assert_eq!(status(), "Finished".into());
    assert_eq!(
        ecs(&cloud, "CreateDiagnosticReport", json!({"ResourceId": "i-0"})).unwrap_err(),
        "InvalidInstanceId.NotFound"
    );
}

#[test]
fn versions_of_launch_templates_show_empty_lists() {
    let cloud = FakeCloud::new();
    cloud.ecs().launch_template("web", [json!({"InstanceType": "ecs.g7.large"})]);
    let answer = cloud.call_now("ECS", "DescribeLaunchTemplateVersions", json!({"LaunchTemplateName": "web"})).unwrap();
    let data = answer.at(&["LaunchTemplateVersionSets", "LaunchTemplateVersionSet"]).as_list().unwrap()[0]
        .at(&["LaunchTemplateData"])
        .clone();
    assert_eq!(data.at(&["DataDisks", "DataDisk"]), &Value::empty_list());
    assert_eq!(data.at(&["Tags", "InstanceTag"]), &Value::empty_list());
}
