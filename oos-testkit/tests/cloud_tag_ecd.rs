//! The tag service, the resource centre and cloud desktops of the fake cloud.

use base64::{Engine, engine::general_purpose::STANDARD};
use oos_testkit::prelude::*;

fn ask(cloud: &FakeCloud, service: &str, api: &str, params: serde_json::Value) -> Result<Value, String> {
    cloud.call_now(service, api, params).map_err(|e| e.code().to_owned())
}

#[test]
fn tagging_answers_well_even_when_a_part_fails() {
    let cloud = FakeCloud::new();
    let id = cloud.ecs().instance().create();
    let arn = |id: &str| format!("arn:acs:ecs:cn-hangzhou:1234567890123456:instance/{id}");
    let answer =
        ask(&cloud, "TAG", "TagResources", json!({"ResourceARN": [arn(&id), arn("i-gone")], "Tags": {"team": "web"}}))
            .unwrap();
    let failed = answer.at(&["FailedResources", "FailedResource"]).as_list().unwrap().to_vec();
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0].at(&["Result", "Code"]), &Value::from("InvalidResourceId.NotFound"));
    assert_eq!(cloud.ecs().tags(&id), Value::from(json!({"team": "web"})));
    let rows = |params: serde_json::Value| {
        ask(&cloud, "TAG", "ListTagResources", params).unwrap().at(&["TagResources"]).as_list().unwrap().to_vec()
    };
    let expected = json!([{"ResourceARN": arn(&id), "Tags": [{"Key": "team", "Value": "web", "Category": "Custom"}]}]);
    assert_eq!(Value::from(rows(json!({"Tags": {"team": "web"}}))), Value::from(expected.clone()));
    assert_eq!(Value::from(rows(json!({"ResourceARN": [arn(&id)]}))), Value::from(expected));
    assert!(rows(json!({"Tags": {"team": "db"}})).is_empty());
    let values = ask(&cloud, "TAG", "ListTagValues", json!({"Key": "team"})).unwrap();
    assert_eq!(values.at(&["Values", "Value"]), &Value::from(json!(["web"])));
    ask(&cloud, "TAG", "UntagResources", json!({"ResourceARN": [arn(&id)], "TagKey": ["team"]})).unwrap();
    assert_eq!(cloud.ecs().tags(&id), Value::empty_map());
}

#[test]
fn the_resource_centre_lists_everything_and_ghosts() {
    let cloud = FakeCloud::new();
    let a = cloud.ecs().instance().create();
    cloud.ecs().instance().in_region("cn-beijing").create();
    cloud.ghost_resource("i-gone", "ACS::ECS::Instance", "cn-hangzhou");
    let filter = json!([{"Key": "ResourceType", "Value": ["ACS::ECS::Instance"]}, {"Key": "RegionId", "Value": ["cn-hangzhou"]}]);
    let found = ask(&cloud, "resourcecenter", "SearchResources", json!({"Filter": filter})).unwrap();
    let ids: Vec<_> = found
        .at(&["Resources"])
        .as_list()
        .unwrap()
        .iter()
        .map(|r| r.at(&["ResourceId"]).to_text().to_string())
        .collect();
    assert_eq!(ids, [a.clone(), "i-gone".to_owned()]);
    let moved = json!({"ResourceGroupId": "rg-1", "Resources": [{"ResourceId": a, "ResourceType": "instance", "Service": "ecs", "ResourceRegionId": "cn-hangzhou"}]});
    ask(&cloud, "ResourceManager", "MoveResources", moved).unwrap();
    assert_eq!(cloud.ecs().get(&a, "ResourceGroupId"), Value::from("rg-1"));
}

#[test]
fn desktops_start_stop_and_are_rebuilt() {
    let cloud = FakeCloud::new();
    let id = cloud.ecd().create("Stopped");
    let call = |api: &str| ask(&cloud, "ECD", api, json!({"DesktopId": [id]}));
    call("StartDesktops").unwrap();
    assert_eq!(cloud.ecd().status(&id), "Starting");
    cloud.clock().advance(secs(30));
    let row = call("DescribeDesktops").unwrap().at(&["Desktops"]).as_list().unwrap()[0].clone();
    assert_eq!(
        (row.at(&["DesktopStatus"]), row.at(&["ConnectionStatus"])),
        (&Value::from("Running"), &Value::from("Disconnected"))
    );
    let refused = call("RebuildDesktops").unwrap();
    assert_eq!(
        refused.at(&["RebuildResults"]).as_list().unwrap()[0].at(&["Code"]),
        &Value::from("IncorrectDesktopStatus")
    );
    call("StopDesktops").unwrap();
    cloud.clock().advance(secs(30));
    call("RebuildDesktops").unwrap();
    assert_eq!(
        ask(&cloud, "ECD", "StartDesktops", json!({"DesktopId": ["ecd-0"]})).unwrap_err(),
        "InvalidDesktopId.NotFound"
    );
    let snapshot =
        ask(&cloud, "ECD", "CreateSnapshot", json!({"DesktopId": id, "SourceDiskType": "SYSTEM", "SnapshotName": "s"}))
            .unwrap();
    cloud.clock().advance(secs(60));
    let rows =
        ask(&cloud, "ECD", "DescribeSnapshots", json!({"SnapshotId": snapshot.at(&["SnapshotId"]).to_json()})).unwrap();
    assert_eq!(rows.at(&["Snapshots"]).as_list().unwrap()[0].at(&["Status"]), &Value::from("ACCOMPLISHED"));
    ask(&cloud, "ECD", "ModifyDesktopChargeType", json!({"DesktopId": [id], "ChargeType": "PrePaid"})).unwrap();
    cloud.clock().advance(secs(5));
    assert!(call("RenewDesktops").unwrap().get("OrderId").is_some());
}

#[test]
fn desktop_commands_show_their_output_only_on_demand() {
    let cloud = FakeCloud::new();
    let id = cloud.ecd().create("Running");
    cloud.assistant().on_command(re("dir")).on_instance(&id).then(exit(3).stdout("list"));
    let params = json!({"DesktopId": [id], "Type": "RunPowerShellScript", "CommandContent": "dir"});
    let invoke = ask(&cloud, "ECD", "RunCommand", params).unwrap().at(&["InvokeId"]).to_json();
    cloud.clock().advance(secs(5));
    let run = |output: bool| {
        let answer =
            ask(&cloud, "ECD", "DescribeInvocations", json!({"InvokeId": invoke, "IncludeOutput": output})).unwrap();
        answer.at(&["Invocations"]).as_list().unwrap()[0].at(&["InvokeDesktops"]).as_list().unwrap()[0].clone()
    };
    let row = run(true);
    assert_eq!((row.at(&["InvocationStatus"]), row.at(&["ExitCode"])), (&Value::from("Failed"), &Value::from(3)));
    assert_eq!(STANDARD.decode(&*row.at(&["Output"]).to_text()).unwrap(), b"list");
    assert!(run(false).get("Output").is_none());
    assert!(
        ask(&cloud, "ECD", "DescribeCloudAssistantStatus", json!({"DesktopId": [id]}))
            .unwrap()
            .at(&["StatusModels"])
            .as_list()
            .unwrap()[0]
            .get("LastHeartbeatTime")
            .is_some()
    );
    cloud.ecd().set_status(&id, "Stopped");
    assert_eq!(
        ask(&cloud, "ECD", "RunCommand", json!({"DesktopId": [id], "Type": "RunBatScript", "CommandContent": "x"}))
            .unwrap_err(),
        "IncorrectDesktopStatus"
    );
}
