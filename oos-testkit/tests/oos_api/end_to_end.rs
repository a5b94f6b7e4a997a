//! A run from its start to its outputs, as a client follows one: start, follow, approve, logs, outputs, cancel.

use serde_json::json;

use crate::{Desk, column, list, text};

const PATCH: &str = "
FormatVersion: OOS-2019-06-01
Description: Stops instances after somebody has agreed.
Parameters:
  tag: {Type: String}
Tasks:
  - Name: find
    Action: ACS::ExecuteAPI
    Properties:
      Service: ECS
      API: DescribeInstances
      Parameters: {Tags: [{Key: team, Value: '{{ tag }}'}]}
    Outputs:
      ids: {Type: List, ValueSelector: 'Instances.Instance[].InstanceId'}
  - Name: ask
    Action: ACS::Approve
    Properties:
      NotifyType: WebHook
      Approvers: [ana]
      WebHook: {URI: 'https://example.com/hook', Content: {msgtype: text}}
  - Name: stop
    Action: ACS::ECS::StopInstance
    Properties: {instanceId: '{{ ACS::TaskLoopItem }}'}
    Loop: {Items: '{{ find.ids }}', RateControl: {Mode: Concurrency, Concurrency: 2, MaxErrors: 0}}
Outputs:
  stopped: {Type: List, Value: '{{ find.ids }}'}
";

#[test]
fn a_client_starts_follows_approves_and_reads() {
    let desk = Desk::new();
    let ids = desk.cloud.ecs().instances(2).running().tag("team", "blue").create();
    desk.cloud.ecs().instances(1).running().create();
    desk.template("Patch", PATCH);
    desk.ok("ValidateTemplateContent", json!({"Content": PATCH}));
    let id = desk.start("Patch", json!({"tag": "blue"}));

    desk.run_for(3);
    let row = desk.row(&id);
    assert_eq!(text(&row, &["WaitingStatus"]), "WaitingForApproval");
    let waiting = list(&row, "CurrentTasks").remove(0);
    assert_eq!(text(&waiting, &["TaskName"]), "ask");
    let vote =
        json!({"ExecutionId": id, "NotifyType": "Approve", "TaskExecutionId": text(&waiting, &["TaskExecutionId"])});
    desk.by("acs:ram::1234567890123456:user/ana", "NotifyExecution", vote).unwrap();

    let mut polls = 0;
    while !["Success", "Failed", "Cancelled"].contains(&desk.status(&id).as_str()) {
        desk.run_for(3);
        polls += 1;
        assert!(polls < 100, "{}", desk.row(&id));
    }
    let row = desk.row(&id);
    assert_eq!(text(&row, &["Outputs"]), json!({ "stopped": ids }).to_string());
    assert_eq!(text(&row, &["Counters", "Success"]), "3");
    assert!(desk.cloud.ecs().all(&ids).are(oos_testkit::prelude::Stopped));
    desk.cloud.calls().of("ECS", "StopInstance").count(2);

    let tasks = desk.tasks(&id);
    assert_eq!(column(&tasks, "TaskName"), ["find", "ask", "stop"]);
    let stop = text(&tasks[2], &["TaskExecutionId"]);
    let items = list(
        &desk.ok("ListTaskExecutions", json!({"ExecutionId": id, "ParentTaskExecutionId": stop})),
        "TaskExecutions",
    );
    assert_eq!(column(&items, "LoopItem"), ids);
    let child = text(&items[0], &["ChildExecutionId"]);
    assert_eq!(text(&desk.row(&child), &["ParentExecutionId"]), id);
    let log = column(&list(&desk.ok("ListExecutionLogs", json!({"ExecutionId": child})), "ExecutionLogs"), "Message");
    assert!(log.iter().any(|line| line.starts_with("ECS.StopInstance done")), "{log:?}");
}

#[test]
fn a_client_changes_its_mind() {
    let desk = Desk::new();
    let ids = desk.cloud.ecs().instances(1).running().tag("team", "blue").create();
    desk.template("Patch", PATCH);
    let id = desk.start("Patch", json!({"tag": "blue"}));
    desk.run_for(3);
    desk.ok("CancelExecution", json!({"ExecutionId": id}));
    desk.run_for(30);
    assert_eq!(desk.status(&id), "Cancelled");
    assert!(desk.cloud.ecs().all(&ids).are(oos_testkit::prelude::Running));
    let log = column(&list(&desk.ok("ListExecutionLogs", json!({"ExecutionId": id})), "ExecutionLogs"), "Message");
    assert!(log.last().unwrap().starts_with("Execution ended: Cancelled"), "{log:?}");
    desk.ok("DeleteExecutions", json!({"ExecutionIds": [id]}));
    assert_eq!(text(&desk.ok("ListExecutions", json!({})), &["TotalCount"]), "0");
}
