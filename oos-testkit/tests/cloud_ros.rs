//! Stacks and functions of the fake cloud.
#![expect(clippy::unwrap_used, reason = "tests")]

use oos_core::ports::ApiRequest;
use oos_testkit::{cloud::ros::fails_at, prelude::*};

const NETWORK: &str = r#"
ROSTemplateFormatVersion: '2015-09-01'
Parameters:
  Zone: {Type: String}
  Count: {Type: Number, Default: 2}
Resources:
  Group:
    Type: ALIYUN::ECS::InstanceGroup
    Properties: {MaxAmount: {Ref: Count}, ImageId: aliyun_3, VSwitchId: {Ref: Switch}, SecurityGroupId: {Ref: Wall}}
  Wall:
    Type: ALIYUN::ECS::SecurityGroup
    Properties: {VpcId: {Ref: Net}, SecurityGroupName: {Ref: 'ALIYUN::StackName'}}
  Switch:
    Type: ALIYUN::ECS::VSwitch
    Properties: {VpcId: {Ref: Net}, ZoneId: {Ref: Zone}, CidrBlock: 192.168.1.0/24}
  Net:
    Type: ALIYUN::ECS::VPC
    Properties: {CidrBlock: 192.168.0.0/16}
Outputs:
  InstanceIds: {Value: {'Fn::GetAtt': [Group, InstanceIds]}}
  VSwitchId: {Value: {Ref: Switch}}
"#;

fn ros(cloud: &FakeCloud, api: &str, params: serde_json::Value) -> Result<Value, String> {
    cloud.call_now("ROS", api, params).map_err(|e| e.code().to_owned())
}

fn create(cloud: &FakeCloud, name: &str, more: serde_json::Value) -> Result<String, String> {
    let parameters = json!([{"ParameterKey": "Zone", "ParameterValue": "cn-hangzhou-b"}]);
    let mut params = json!({"StackName": name, "TemplateBody": NETWORK, "Parameters": parameters});
    params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    ros(cloud, "CreateStack", params).map(|v| v.at(&["StackId"]).to_text().to_string())
}

fn get(cloud: &FakeCloud, id: &str) -> Value {
    ros(cloud, "GetStack", json!({"StackId": id})).unwrap()
}

#[test]
fn resources_appear_at_the_end_and_vanish_with_the_stack() {
    let cloud = FakeCloud::new();
    let id = create(&cloud, "OOS-exec-1", json!({})).unwrap();
    assert_eq!(get(&cloud, &id).at(&["Status"]), &Value::from("CREATE_IN_PROGRESS"));
    assert!(cloud.ecs().ids().is_empty());
    cloud.clock().advance(secs(90));
    let stack = get(&cloud, &id);
    assert_eq!(stack.at(&["Status"]), &Value::from("CREATE_COMPLETE"));
    let outputs = stack.at(&["Outputs"]).as_list().unwrap().to_vec();
    assert_eq!(outputs[0].at(&["OutputKey"]), &Value::from("InstanceIds"), "declaration order");
    assert_eq!(outputs[0].at(&["OutputValue"]), &Value::from(cloud.ecs().ids()));
    assert_eq!(
        cloud.ecs().describe(&cloud.ecs().ids()[0]).at(&["VpcAttributes", "VSwitchId"]),
        outputs[1].at(&["OutputValue"])
    );
    assert_eq!(create(&cloud, "OOS-exec-1", json!({})).unwrap_err(), "StackExists");
    ros(&cloud, "DeleteStack", json!({"StackId": id, "RetainAllResources": false})).unwrap();
    assert_eq!(cloud.ros().status(&id), "DELETE_IN_PROGRESS");
    cloud.clock().advance(secs(45));
    assert_eq!(get(&cloud, &id).at(&["Status"]), &Value::from("DELETE_COMPLETE"));
    assert!(cloud.ecs().ids().is_empty() && cloud.ecs().ids_of("VPC::VPC").is_empty());
}

#[test]
fn names_and_parameters_are_checked() {
    let cloud = FakeCloud::new();
    assert_eq!(create(&cloud, "exec-1.2", json!({})).unwrap_err(), "InvalidParameter.StackName");
    assert_eq!(create(&cloud, "a", json!({"TimeoutInMinutes": 5})).unwrap_err(), "InvalidParameter.TimeoutInMinutes");
    assert_eq!(create(&cloud, "a", json!({"Parameters": []})).unwrap_err(), "StackValidationFailed");
    assert_eq!(ros(&cloud, "GetStack", json!({"StackId": "none"})).unwrap_err(), "StackNotFound");
    let url = json!({"StackName": "u", "TemplateURL": "https://x/y.yml"});
    assert_eq!(ros(&cloud, "CreateStack", url.clone()).unwrap_err(), "TemplateNotFound");
    cloud.ros().template_url("https://x/y.yml", json!({"Outputs": {"A": {"Value": 1}}}));
    let id = ros(&cloud, "CreateStack", url).unwrap().at(&["StackId"]).to_text();
    cloud.clock().advance(secs(90));
    assert_eq!(get(&cloud, &id).at(&["Outputs"]).as_list().unwrap()[0].at(&["OutputValue"]), &Value::from(1));
}

#[test]
fn a_failing_stack_rolls_back_unless_it_is_told_not_to() {
    let cloud = FakeCloud::new();
    cloud.ros().next_stack(fails_at("Group", "quota"));
    cloud.ros().next_stack(fails_at("Group", "quota"));
    let (back, stay) =
        (create(&cloud, "a", json!({})).unwrap(), create(&cloud, "b", json!({"DisableRollback": "true"})).unwrap());
    cloud.clock().advance(secs(90));
    assert_eq!(
        [cloud.ros().status(&back), cloud.ros().status(&stay)],
        ["CREATE_ROLLBACK_IN_PROGRESS", "CREATE_FAILED"]
    );
    cloud.clock().advance(secs(45));
    assert_eq!(cloud.ros().status(&back), "CREATE_ROLLBACK_COMPLETE");
    assert!(get(&cloud, &back).at(&["StatusReason"]).to_text().contains("quota"));
    assert!(get(&cloud, &stay).at(&["StatusReason"]).to_text().contains("Group: quota"));
}

#[test]
fn a_vswitch_in_use_stops_the_deletion() {
    let cloud = FakeCloud::new();
    let id = create(&cloud, "a", json!({})).unwrap();
    cloud.clock().advance(secs(90));
    let vswitch = get(&cloud, &id).at(&["Outputs"]).as_list().unwrap()[1].at(&["OutputValue"]).to_text();
    let other = cloud.ecs().instance().in_vswitch(&vswitch).stopped().create();
    ros(&cloud, "DeleteStack", json!({"StackId": id})).unwrap();
    cloud.clock().advance(secs(45));
    assert_eq!(cloud.ros().status(&id), "DELETE_FAILED");
    cloud.call_now("ECS", "DeleteInstance", json!({"InstanceId": other})).unwrap();
    ros(&cloud, "DeleteStack", json!({"StackId": id})).unwrap();
    cloud.clock().advance(secs(45));
    assert_eq!(cloud.ros().status(&id), "DELETE_COMPLETE");
}

#[test]
fn roles_policies_and_functions_are_made_for_real() {
    let cloud = FakeCloud::new();
    cloud.fc().on(re("upload_backup"), "oss://done");
    let trust = json!({"Version": "1", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": ["fc.aliyuncs.com"]}}]});
    let body = json!({"Resources": {
        "Invoke": {"Type": "ALIYUN::FC::FunctionInvoker", "DependsOn": "F", "Properties": {"ServiceName": "s", "FunctionName": "f", "Event": "{}"}},
        "F": {"Type": "ALIYUN::FC::Function", "DependsOn": "S", "Properties": {"ServiceName": "s", "FunctionName": "f", "Code": {"SourceCode": "upload_backup()"}}},
        "S": {"Type": "ALIYUN::FC::Service", "Properties": {"ServiceName": "s"}},
        "R": {"Type": "ALIYUN::RAM::Role", "Properties": {"RoleName": {"Fn::Sub": "${ALIYUN::StackName}-role"}, "AssumeRolePolicyDocument": trust}},
        "P": {"Type": "ALIYUN::RAM::ManagedPolicy", "Properties": {"PolicyName": "p", "Roles": [{"Fn::GetAtt": ["R", "RoleName"]}], "PolicyDocument": {"Statement": []}}},
        "Q": {"Type": "ALIYUN::Foo::Bar"},
    }, "Outputs": {"Result": {"Value": {"Fn::GetAtt": ["Invoke", "Result"]}}, "Q": {"Value": {"Ref": "Q"}}}});
    let service = |name: &str| {
        let mut request = ApiRequest::new("FC", "GetService", json!({"AccountId": "1"}));
        (request.method, request.uri) = (Some("GET".into()), Some(format!("/services/{name}").into()));
        cloud.send_now(request).map_err(|e| e.code().to_owned())
    };
    assert_eq!(service("s").unwrap_err(), "ServiceNotFound");
    let id =
        ros(&cloud, "CreateStack", json!({"StackName": "x", "TemplateBody": body})).unwrap().at(&["StackId"]).to_text();
    cloud.clock().advance(secs(90));
    let outputs = get(&cloud, &id).at(&["Outputs"]).clone();
    assert!(outputs.to_string().contains("oss://done"), "{outputs} {}", get(&cloud, &id));
    assert_eq!(cloud.ram().attached_to("x-role"), ["p"]);
    service("s").unwrap();
    ros(&cloud, "DeleteStack", json!({"StackId": &*id})).unwrap();
    cloud.clock().advance(secs(45));
    assert!(!cloud.ram().roles().contains(&"x-role".to_owned()));
    assert_eq!(service("s").unwrap_err(), "ServiceNotFound");
}
