//! The monitor, keys and secrets.

use oos_testkit::prelude::*;

use super::{call, has, refused};

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
