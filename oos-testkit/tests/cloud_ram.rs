//! RAM and STS of the fake cloud.

use oos_core::ports::{ApiError, ApiRequest};
use oos_testkit::{
    cloud::{Audit, Off, On},
    prelude::*,
};

const STOP_WEB: &str = r#"{"Version": "1", "Statement": [
    {"Effect": "Allow", "Action": ["ecs:DescribeInstances"], "Resource": "*"},
    {"Effect": "Allow", "Action": "ecs:StopInstance", "Resource": "acs:ecs:*:*:instance/*",
     "Condition": {"StringEquals": {"acs:ResourceTag/team": "web"}}}
]}"#;

fn as_role(cloud: &FakeCloud, role: &str, api: &str, params: serde_json::Value) -> Result<Value, ApiError> {
    cloud.send_now(ApiRequest { role: role.into(), ..ApiRequest::new("ECS", api, params) })
}

#[test]
fn policies_decide_only_when_they_are_enforced() {
    let cloud = FakeCloud::new();
    let web = cloud.ecs().instance().tag("team", "web").create();
    let db = cloud.ecs().instance().tag("team", "db").create();
    cloud.ram().role("OosWorker").trusts_oos().policy(STOP_WEB).create();
    let stop = |id: &str| as_role(&cloud, "OosWorker", "StopInstance", json!({"InstanceId": id}));
    cloud.ram().enforce(On);
    let error = stop(&db).unwrap_err();
    let ApiError::Service { code, http_status, body, .. } = &error else { panic!() };
    assert_eq!((&**code, *http_status), ("Forbidden.RAMSTS", 403));
    assert_eq!(body.at(&["AccessDeniedDetail", "NoPermissionType"]), &Value::from("ImplicitDeny"));
    assert_eq!(body.at(&["AccessDeniedDetail", "AuthAction"]), &Value::from("ecs:StopInstance"));
    stop(&web).unwrap();
    cloud.ram().enforce(Audit);
    cloud.ecs().set_status(&db, Running);
    stop(&db).unwrap();
    assert!(cloud.calls().last().unwrap().warnings[0].contains("RAM would deny ecs:StopInstance"));
    cloud.ram().enforce(Off);
    cloud.ecs().set_status(&db, Running);
    stop(&db).unwrap();
    assert!(cloud.calls().last().unwrap().warnings.is_empty());
    cloud.calls().of("ECS", "*").by_role("oosworker").count(4);
}

#[test]
fn a_call_on_many_ids_needs_all_of_them() {
    let cloud = FakeCloud::new();
    let ids = cloud.ecs().instances(2).create();
    let policy = format!(
        r#"{{"Version": "1", "Statement": {{"Effect": "Allow", "Action": "ecs:*", "Resource": "acs:ecs:*:*:instance/{}"}}}}"#,
        ids[0]
    );
    cloud.ram().role("One").trusts_oos().policy(&policy).create();
    cloud.ram().enforce(On);
    let describe = |ids: &[String]| as_role(&cloud, "One", "DescribeInstances", json!({"InstanceIds": ids}));
    describe(&ids[..1]).unwrap();
    assert_eq!(describe(&ids).unwrap_err().code(), "Forbidden.RAMSTS");
    assert_eq!(as_role(&cloud, "One", "RunInstances", json!({})).unwrap_err().code(), "Forbidden.RAMSTS");
}

#[test]
fn hops_are_recorded_and_kept_until_the_token_ends() {
    let cloud = FakeCloud::new();
    let describe = || as_role(&cloud, "A|654321/B", "DescribeInstances", json!({})).unwrap();
    describe();
    describe();
    cloud.calls().of("Sts", "AssumeRole").count(2).any_params(json!({"RoleArn": "acs:ram::654321:role/B"}));
    assert_eq!(&*cloud.calls().of("ECS", "*").first().unwrap().account, "654321");
    cloud.clock().advance(secs(3600));
    describe();
    cloud.calls().of("Sts", "AssumeRole").count(4);
    assert!(cloud.ram().roles().contains(&"A".to_owned()), "while nothing is enforced a missing role comes to be");
}

#[test]
fn a_wrong_role_is_the_failing_hop() {
    let cloud = FakeCloud::new();
    cloud.ram().role("ForPeople").trusts_account("1234567890123456").allow_all().create();
    cloud.ram().role("Weak").trusts_oos().policy(STOP_WEB).create();
    cloud.ram().enforce(On);
    let code = |role: &str| as_role(&cloud, role, "DescribeInstances", json!({})).unwrap_err().code().to_owned();
    assert_eq!(code("Nobody"), "EntityNotExist.Role");
    assert_eq!(code("ForPeople"), "NoPermission");
    assert_eq!(code("Weak|ForPeople"), "NoPermission", "Weak lacks sts:AssumeRole");
    cloud.calls().of("Sts", "AssumeRole").failed_with("NoPermission").count(2);
    as_role(&cloud, "OOSServiceRole|ForPeople", "DescribeInstances", json!({})).unwrap();
}

#[test]
fn tokens_can_end_early() {
    let cloud = FakeCloud::new();
    let describe = || as_role(&cloud, "A", "DescribeInstances", json!({}));
    describe().unwrap();
    cloud.fault("expiry").expire_token_at(cloud.now() + secs(60));
    describe().unwrap();
    cloud.clock().advance(secs(60));
    assert_eq!(describe().unwrap_err().code(), "InvalidSecurityToken.Expired");
    describe().unwrap();
}

#[test]
fn assume_role_checks_its_parameters_and_its_caller() {
    let cloud = FakeCloud::new();
    cloud.ram().user("ana").allow_all().create();
    let assume = |params: serde_json::Value| {
        let mut all = json!({"RoleArn": "acs:ram::1234567890123456:role/OOSServiceRole", "RoleSessionName": "me"});
        all.as_object_mut().unwrap().extend(params.as_object().unwrap().clone());
        cloud.call_now("STS", "AssumeRole", all).map_err(|e| e.code().to_owned())
    };
    assert_eq!(assume(json!({})).unwrap_err(), "NoPermission", "root may not");
    cloud.ram().call_as_user("ana");
    let answer = assume(json!({})).unwrap();
    assert_eq!(answer.at(&["Credentials", "Expiration"]), &Value::from("2026-01-01T01:00:00Z"));
    assert_eq!(assume(json!({"RoleSessionName": "a b"})).unwrap_err(), "InvalidParameter.RoleSessionName");
    assert_eq!(assume(json!({"DurationSeconds": 60})).unwrap_err(), "InvalidParameter.DurationSeconds");
    assert_eq!(assume(json!({"Policy": "x"})).unwrap_err(), "InvalidParameter.PolicyGrammar");
    cloud.ram().enforce(On);
    assert_eq!(assume(json!({})).unwrap_err(), "NoPermission", "the role trusts OOS only");
}

#[test]
fn policies_and_roles_are_made_by_calls() {
    let cloud = FakeCloud::new();
    let ram =
        |api: &str, params: serde_json::Value| cloud.call_now("RAM", api, params).map_err(|e| e.code().to_owned());
    let get = || ram("GetPolicy", json!({"PolicyName": "P", "PolicyType": "Custom"}));
    assert_eq!(get().unwrap_err(), "EntityNotExist.Policy");
    ram("CreatePolicy", json!({"PolicyName": "P", "PolicyDocument": STOP_WEB})).unwrap();
    assert!(get().unwrap().at(&["DefaultPolicyVersion", "PolicyDocument"]).as_str().is_some());
    let trust = r#"{"Version": "1", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": ["oos.aliyuncs.com"]}}]}"#;
    ram("CreateRole", json!({"RoleName": "R", "AssumeRolePolicyDocument": trust})).unwrap();
    assert_eq!(
        ram("CreateRole", json!({"RoleName": "r", "AssumeRolePolicyDocument": trust})).unwrap_err(),
        "EntityAlreadyExists.Role"
    );
    ram("AttachPolicyToRole", json!({"RoleName": "R", "PolicyName": "P", "PolicyType": "Custom"})).unwrap();
    assert_eq!(cloud.ram().attached_to("R"), ["P"]);
    assert_eq!(ram("DeleteRole", json!({"RoleName": "R"})).unwrap_err(), "DeleteConflict.Role.Policy");
    ram("DetachPolicyFromRole", json!({"RoleName": "R", "PolicyName": "P", "PolicyType": "Custom"})).unwrap();
    ram("DeleteRole", json!({"RoleName": "R"})).unwrap();
    cloud.ram().user("ana").create();
    ram("UpdateLoginProfile", json!({"UserName": "ana", "MFABindRequired": true})).unwrap();
    assert_eq!(ram("UpdateLoginProfile", json!({"UserName": "bo"})).unwrap_err(), "EntityNotExist.User");
    ram("SetPasswordPolicy", json!({"MinimumPasswordLength": 12})).unwrap();
    assert_eq!(cloud.ram().password_policy().at(&["MinimumPasswordLength"]).to_text(), "12".into());
}

#[test]
fn the_smallest_policy_is_known_and_checked() {
    let cloud = FakeCloud::new();
    let id = cloud.ecs().instance().create();
    cloud.call_now("ECS", "DescribeInstances", json!({"InstanceIds": [id]})).unwrap();
    cloud.call_now("ECS", "StopInstance", json!({"InstanceId": id})).unwrap();
    let least = cloud.calls().least_privilege();
    let arn = format!("acs:ecs:cn-hangzhou:1234567890123456:instance/{id}");
    let expected = json!({"Version": "1", "Statement": [
        {"Effect": "Allow", "Action": ["ecs:DescribeInstances", "ecs:StopInstance"], "Resource": [arn]},
    ]});
    assert_eq!(least, Value::from(expected));
    cloud.calls().assert_policy_covers(&least.to_string());
    cloud.calls().assert_policy_covers(STOP_WEB);
}

#[test]
#[should_panic(expected = "missing: ecs:StopInstance")]
fn a_policy_that_is_too_small_is_found() {
    let cloud = FakeCloud::new().instance("i-1", "Running");
    cloud.call_now("ECS", "StopInstance", json!({"InstanceId": "i-1"})).unwrap();
    cloud.calls().assert_policy_covers(r#"{"Statement": []}"#);
}

#[test]
#[should_panic(expected = "of no use")]
fn a_policy_that_is_too_wide_is_found() {
    let cloud = FakeCloud::new();
    cloud.call_now("ECS", "DescribeInstances", json!({})).unwrap();
    let wide = r#"{"Statement": [{"Effect": "Allow", "Action": "ecs:Describe*", "Resource": "*"}, {"Effect": "Allow", "Action": "rds:*", "Resource": "*"}]}"#;
    cloud.calls().assert_policy_covers(wide);
}
