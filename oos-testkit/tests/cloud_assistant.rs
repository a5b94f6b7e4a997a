//! Cloud Assistant of the fake cloud: statuses on virtual time, outputs, scripts.
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests")]

use base64::{Engine, engine::general_purpose::STANDARD};
use oos_testkit::prelude::*;

fn run(cloud: &FakeCloud, ids: &[String], command: &str) -> Value {
    let params = json!({"Type": "RunShellScript", "InstanceIds": ids, "CommandContent": command});
    cloud.call_now("ECS", "RunCommand", params).unwrap().at(&["InvokeId"]).clone()
}

fn invoke_status(cloud: &FakeCloud, id: &Value) -> (String, String) {
    let answer = cloud.call_now("ECS", "DescribeInvocations", params! { "InvokeId" => id.clone() }).unwrap();
    let first = answer.at(&["Invocations", "Invocation"]).as_list().unwrap()[0].clone();
    (first.at(&["InvokeStatus"]).to_text().to_string(), first.at(&["InvocationStatus"]).to_text().to_string())
}

fn results(cloud: &FakeCloud, id: &Value) -> Vec<Value> {
    let answer = cloud.call_now("ECS", "DescribeInvocationResults", params! { "InvokeId" => id.clone() }).unwrap();
    answer.at(&["Invocation", "InvocationResults", "InvocationResult"]).as_list().unwrap().to_vec()
}

fn text(value: &Value, member: &str) -> String {
    value.at(&[member]).to_text().to_string()
}

#[test]
fn a_command_is_pending_then_running_then_finished() {
    let cloud = FakeCloud::new();
    let ids = cloud.ecs().instances(1).create();
    let id = run(&cloud, &ids, "uptime");
    let status = || invoke_status(&cloud, &id).0;
    assert_eq!(status(), "Pending");
    cloud.clock().advance(secs(1));
    assert_eq!(status(), "Running");
    assert!(results(&cloud, &id)[0].get("ExitCode").is_none());
    cloud.clock().advance(secs(2));
    assert_eq!(invoke_status(&cloud, &id), ("Finished".into(), "Success".into()));
    assert_eq!(results(&cloud, &id)[0].at(&["ExitCode"]), &Value::from(0));
}

#[test]
fn a_bad_exit_code_is_finished_for_the_old_status_and_failed_for_the_new_one() {
    let cloud = FakeCloud::new();
    let ids = cloud.ecs().instances(1).create();
    cloud.assistant().on_command(re("deploy")).on_instance(&ids[0]).then(exit(1).stdout("disk full").takes(secs(50)));
    let id = run(&cloud, &ids, "deploy.sh");
    cloud.clock().advance(secs(51));
    assert_eq!(invoke_status(&cloud, &id), ("Finished".into(), "Failed".into()));
    let result = &results(&cloud, &id)[0];
    assert_eq!(result.at(&["ExitCode"]), &Value::from(1));
    assert_eq!(STANDARD.decode(text(result, "Output")).unwrap(), b"disk full");
    let plain = cloud
        .call_now("ECS", "DescribeInvocationResults", params! { "InvokeId" => id, "ContentEncoding" => "PlainText" })
        .unwrap();
    assert!(plain.to_string().contains("\"disk full\""));
}

#[test]
fn failed_only_when_no_instance_could_run_it() {
    let cloud = FakeCloud::new();
    let ids = cloud.ecs().instances(3).create();
    cloud.assistant().on_command(any()).on_any_of(&ids[..2]).then(agent_offline());
    let some = run(&cloud, &ids, "x");
    let all = run(&cloud, &ids[..2], "x");
    cloud.clock().advance(secs(10));
    assert_eq!(invoke_status(&cloud, &some).0, "PartialFailed");
    assert_eq!(invoke_status(&cloud, &all).0, "Failed");
    let rows = results(&cloud, &some);
    let instances: Vec<_> = rows.iter().map(|r| text(r, "InstanceId")).collect();
    assert_eq!(instances, ids, "the order of the request");
    assert_eq!((text(&rows[0], "ErrorCode"), text(&rows[2], "ErrorCode")), ("ClientNotRunning".into(), String::new()));
}

#[test]
fn time_outs_and_crashes_are_failures() {
    let cloud = FakeCloud::new();
    let ids = cloud.ecs().instances(3).create();
    cloud.assistant().on_command(any()).on_instance(&ids[0]).then(timeout());
    cloud.assistant().on_command(any()).on_instance(&ids[1]).then(exit(0).takes(secs(61)));
    cloud.assistant().on_command(any()).on_instance(&ids[2]).then(crash_mid_way(secs(5)));
    let id = run(&cloud, &ids, "x");
    cloud.clock().advance(secs(61));
    let statuses: Vec<_> = results(&cloud, &id).iter().map(|r| text(r, "InvocationStatus")).collect();
    assert_eq!(statuses, ["Timeout", "Timeout", "Terminated"]);
    assert_eq!(cloud.ecs().status(&ids[2]), "Stopped");
}

#[test]
fn long_output_keeps_its_end() {
    let cloud = FakeCloud::new();
    let ids = cloud.ecs().instances(1).create();
    cloud.assistant().default(output_bytes(30_000));
    let id = run(&cloud, &ids, "x");
    cloud.clock().advance(secs(10));
    let result = &results(&cloud, &id)[0];
    assert_eq!(result.at(&["Dropped"]), &Value::from(30_000 - 24 * 1024));
    assert_eq!(STANDARD.decode(text(result, "Output")).unwrap().len(), 24 * 1024);
}

#[test]
fn scripts_go_by_sequence_and_by_closure() {
    let cloud = FakeCloud::new();
    let ids = cloud.ecs().instances(1).tag("role", "db").create();
    cloud.assistant().on_command(re("flaky")).tagged("role", "db").sequence([exit(75), exit(0)]);
    cloud.assistant().on_command(re("echo")).run(|ctx| exit(0).stdout(&format!("{}@{}", ctx.content, ctx.instance)));
    let codes: Vec<_> = (0..3)
        .map(|_| {
            let id = run(&cloud, &ids, "flaky");
            cloud.clock().advance(secs(5));
            results(&cloud, &id)[0].at(&["ExitCode"]).clone()
        })
        .collect();
    assert_eq!(codes, [Value::from(75), Value::from(0), Value::from(0)]);
    let id = run(&cloud, &ids, "echo");
    cloud.clock().advance(secs(5));
    assert_eq!(
        STANDARD.decode(text(&results(&cloud, &id)[0], "Output")).unwrap(),
        format!("echo@{}", ids[0]).as_bytes()
    );
    run(&cloud, &ids, "other");
    assert_eq!(cloud.assistant().unmatched(), [format!("`other` on {}", ids[0])]);
}

#[test]
fn parameters_are_filled_in_and_content_is_decoded() {
    let cloud = FakeCloud::new();
    let id = cloud.ecs().instance().create();
    cloud.assistant().default(exit(0).echo_command());
    let answer = cloud
        .call_now(
            "ECS",
            "RunCommand",
            json!({
                "Type": "RunShellScript", "InstanceId": [id], "ContentEncoding": "Base64", "EnableParameter": true,
                "CommandContent": STANDARD.encode("echo {{ Who }} {{none}}"), "Parameters": {"who": "me"},
            }),
        )
        .unwrap();
    cloud.clock().advance(secs(5));
    let output = text(&results(&cloud, answer.at(&["InvokeId"]))[0], "Output");
    assert_eq!(STANDARD.decode(output).unwrap(), b"echo me {{none}}");
    assert_eq!(cloud.assistant().ran_on(&id), ["echo me {{none}}"]);
}

#[test]
fn refuses_unknown_and_stopped_instances_and_wrong_types() {
    let cloud = FakeCloud::new();
    let stopped = cloud.ecs().instance().stopped().create();
    let code = |id: &str, kind: &str| {
        let params = json!({"Type": kind, "InstanceIds": [id], "CommandContent": "x"});
        cloud.call_now("ECS", "RunCommand", params).unwrap_err().code().to_owned()
    };
    assert_eq!(code("i-none", "RunShellScript"), "InvalidInstance.NotFound");
    assert_eq!(code(&stopped, "RunShellScript"), "InvalidInstance.NotRunning");
    assert_eq!(code(&stopped, "RunPythonScript"), "InvalidParameter.Type");
    cloud.rename_error("InvalidInstance.NotRunning", "InstanceNotRunning", 400);
    assert_eq!(code(&stopped, "RunShellScript"), "InstanceNotRunning");
}

#[test]
fn created_commands_can_be_invoked_stopped_and_deleted() {
    let cloud = FakeCloud::new();
    let instance = cloud.ecs().instance().create();
    cloud.assistant().default(exit(0).takes(secs(30)));
    let command = cloud
        .call_now("ECS", "CreateCommand", json!({"Name": "n", "Type": "RunShellScript", "CommandContent": "sleep"}))
        .unwrap();
    let params = json!({"CommandId": command.at(&["CommandId"]).to_json(), "InstanceIds": [instance]});
    let id = cloud.call_now("ECS", "InvokeCommand", params.clone()).unwrap().at(&["InvokeId"]).clone();
    cloud.clock().advance(secs(5));
    cloud.call_now("ECS", "StopInvocation", params! { "InvokeId" => id.clone() }).unwrap();
    assert_eq!(invoke_status(&cloud, &id).0, "Stopped");
    cloud.call_now("ECS", "DeleteCommand", json!({"CommandId": command.at(&["CommandId"]).to_json()})).unwrap();
    assert_eq!(cloud.call_now("ECS", "InvokeCommand", params).unwrap_err().code(), "InvalidCmdId.NotFound");
}

#[test]
fn the_agent_reports_every_minute() {
    let cloud = FakeCloud::new();
    let id = cloud.ecs().instance().stopped().create();
    let beat = || {
        let answer = cloud.call_now("ECS", "DescribeCloudAssistantStatus", json!({"InstanceIds": [id]})).unwrap();
        let row = answer.at(&["InstanceCloudAssistantStatusSet", "InstanceCloudAssistantStatus"]).as_list().unwrap()[0]
            .clone();
        (text(&row, "CloudAssistantStatus"), text(&row, "LastHeartbeatTime"))
    };
    assert_eq!(beat(), ("false".into(), String::new()));
    cloud.call_now("ECS", "StartInstance", json!({"InstanceId": id})).unwrap();
    cloud.clock().advance(secs(29));
    assert_eq!(beat().0, "false");
    cloud.clock().advance(secs(1));
    assert_eq!(beat(), ("true".into(), "2026-01-01T00:00:30Z".into()));
    cloud.clock().advance(secs(60));
    assert_eq!(beat().1, "2026-01-01T00:01:30Z");
}

#[test]
fn a_command_without_a_script_can_be_a_failure() {
    let cloud = FakeCloud::new();
    let id = cloud.ecs().instance().create();
    let run = || {
        cloud.call_now(
            "ECS",
            "RunCommand",
            json!({"Type": "RunShellScript", "CommandContent": "uptime", "InstanceId": [id]}),
        )
    };
    run().unwrap();
    assert!(cloud.rules_report().iter().any(|line| line.contains("uptime")), "{:?}", cloud.rules_report());
    cloud.assistant().strict_commands();
    assert_eq!(run().unwrap_err().code(), "Testkit.UnscriptedCommand");
    cloud.assistant().default(exit(0));
    run().unwrap();
}

#[test]
fn invocations_are_found_by_instance_the_newest_first() {
    let cloud = FakeCloud::new();
    let ids = cloud.ecs().instances(2).create();
    let run = |on: &[String]| {
        let call = json!({"Type": "RunShellScript", "CommandContent": "uptime", "InstanceId": on});
        let made = cloud.call_now("ECS", "RunCommand", call).unwrap();
        cloud.clock().advance(secs(1));
        made.at(&["InvokeId"]).to_text().to_string()
    };
    let (one, both) = (run(&ids[..1]), run(&ids));
    let found = |filter: serde_json::Value| {
        let answer = cloud.call_now("ECS", "DescribeInvocations", filter).unwrap();
        let rows = answer.at(&["Invocations", "Invocation"]).as_list().unwrap().to_vec();
        rows.iter().map(|r| r.at(&["InvokeId"]).to_text().to_string()).collect::<Vec<_>>()
    };
    assert_eq!(found(json!({})), [both.clone(), one.clone()]);
    assert_eq!(found(json!({"InstanceId": ids[0]})), [both.clone(), one.clone()]);
    assert_eq!(found(json!({"InstanceId": ids[1]})), [both]);
    assert!(found(json!({"InvokeId": one, "InstanceId": ids[1]})).is_empty());
}
