//! NotifyExecution: each type, where it is legal, and what it leads to.

use serde_json::json;

use crate::{Desk, column, list, text};

const APPROVAL: &str = "
FormatVersion: OOS-2019-06-01
Tasks:
  - Name: ask
    Action: ACS::Approve
    Properties:
      NotifyType: WebHook
      Approvers: [ana, bob]
      MinRequiredApprovals: 2
      WebHook: {URI: 'https://example.com/hook', Content: {msgtype: text}}
  - Name: nap
    Action: ACS::Sleep
    Properties: {Duration: PT1S}
";

/// A call that cannot go well, for each item.
const FAILING: &str = "
FormatVersion: OOS-2019-06-01
Tasks:
  - Name: stop
    Action: ACS::ExecuteAPI
    Properties: {Service: ECS, API: StopInstance, Parameters: {InstanceId: '{{ ACS::TaskLoopItem }}'}}
    Loop: {Items: [i-1, i-2], RateControl: {Mode: Concurrency, Concurrency: 2, MaxErrors: 0}}
  - Name: nap
    Action: ACS::Sleep
    Properties: {Duration: PT1S}
";

const USER: &str = "acs:ram::1234567890123456:user/";

fn started(desk: &Desk, template: &str, more: serde_json::Value) -> String {
    let mut request = json!({"TemplateContent": template});
    request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let id = text(&desk.ok("StartExecution", request), &["Execution", "ExecutionId"]);
    desk.run_for(1);
    id
}

fn notify(desk: &Desk, user: &str, id: &str, kind: &str, more: serde_json::Value) -> Result<(), String> {
    let mut request = json!({"ExecutionId": id, "NotifyType": kind});
    request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let role = if user.is_empty() { String::new() } else { format!("{USER}{user}") };
    let taken = desk.by(&role, "NotifyExecution", request).map(|_| ());
    desk.run_for(2);
    taken
}

#[test]
fn an_approval_counts_each_user_once() {
    let desk = Desk::new();
    let id = started(&desk, APPROVAL, json!({}));
    let row = desk.row(&id);
    assert_eq!(
        (text(&row, &["Status"]), text(&row, &["WaitingStatus"])),
        ("Waiting".into(), "WaitingForApproval".into())
    );
    assert_eq!(desk.service.http().requests().len(), 1, "the approvers were told");
    let task = text(&desk.tasks(&id)[0], &["TaskExecutionId"]);
    let vote = json!({"TaskExecutionId": task, "NotifyNote": "fine"});
    assert_eq!(notify(&desk, "carl", &id, "Approve", vote.clone()), Err("NoPermission".into()));
    notify(&desk, "ana", &id, "Approve", vote.clone()).unwrap();
    notify(&desk, "ana", &id, "Approve", vote.clone()).unwrap();
    assert_eq!(desk.status(&id), "Waiting");
    notify(&desk, "bob", &id, "Approve", json!({"TaskExecutionIds": [task]})).unwrap();
    assert_eq!(desk.status(&id), "Success");
    assert_eq!(notify(&desk, "bob", &id, "Approve", vote), Err("EntityStatusConflict.Execution".into()));
}

#[test]
fn one_rejection_cancels() {
    let desk = Desk::new();
    let id = started(&desk, APPROVAL, json!({}));
    notify(&desk, "bob", &id, "Reject", json!({})).unwrap();
    assert_eq!(desk.status(&id), "Cancelled");
    assert_eq!(column(&desk.tasks(&id), "Status"), ["Cancelled"]);
}

#[test]
fn wrong_notifications_are_refused_and_change_nothing() {
    let desk = Desk::new();
    let id = started(&desk, APPROVAL, json!({}));
    for (kind, more, code) in [
        ("ChooseTask", json!({}), "InvalidParameter.NotifyType"),
        ("Approve", json!({"TaskExecutionId": "task-exec-none"}), "EntityNotExists.TaskExecution"),
        ("RetryTask", json!({}), "EntityStatusConflict.Execution"),
        ("SkipTask", json!({}), "EntityStatusConflict.Execution"),
        ("ExecuteTask", json!({"TaskName": "nap"}), "EntityStatusConflict.Execution"),
        ("ExecuteTask", json!({"TaskName": "nap", "LoopItem": "x"}), "InvalidParameter.LoopItem"),
        ("ExecuteTask", json!({"TaskName": "nap", "Parameters": "[1]"}), "InvalidParameter.Parameters"),
        ("CancelTask", json!({}), "EntityStatusConflict.Execution"),
        ("CompleteExecution", json!({}), "EntityStatusConflict.Execution"),
        ("CompleteExecution", json!({"ExecutionStatus": "Odd"}), "InvalidParameter.ExecutionStatus"),
    ] {
        assert_eq!(notify(&desk, "ana", &id, kind, more.clone()), Err(code.into()), "{kind} {more}");
    }
    assert_eq!(desk.status(&id), "Waiting");
    assert_eq!(notify(&desk, "", "exec-none", "Approve", json!({})), Err("EntityNotExists.Execution".into()));
    assert_eq!(desk.code("NotifyExecution", json!({"ExecutionId": id})), "MissingParameter.NotifyType");
}

#[test]
fn failed_items_are_retried_and_skipped_by_their_ids() {
    let desk = Desk::new();
    let id = started(&desk, FAILING, json!({"Mode": "FailurePause"}));
    let row = desk.row(&id);
    assert_eq!(text(&row, &["WaitingStatus"]), "WaitingForFailureDecision");
    let items = list(
        &desk.ok(
            "ListTaskExecutions",
            json!({"ExecutionId": id, "IncludeChildTaskExecution": true, "Status": "Failed"}),
        ),
        "TaskExecutions",
    );
    let ids: Vec<String> = column(&items, "TaskExecutionId").into_iter().filter(|id| id.contains('#')).collect();
    assert_eq!(ids.len(), 2);
    assert!(text(&items[1], &["StatusMessage"]).contains("InvalidInstanceId.NotFound"), "{}", items[1]);
    // The instance of one item comes to be; the other item is given up.
    desk.cloud.ecs().instance().id("i-1").running().create();
    notify(&desk, "", &id, "RetryTask", json!({"TaskExecutionId": ids[0]})).unwrap();
    desk.run_for(60);
    assert_eq!(desk.status(&id), "Waiting");
    notify(&desk, "", &id, "SkipTask", json!({"TaskExecutionIds": [ids[1]]})).unwrap();
    desk.run_for(60);
    assert_eq!(desk.status(&id), "Success");
    desk.cloud.calls().of("ECS", "StopInstance").count(3);
}

#[test]
fn debug_mode_runs_what_is_named() {
    let desk = Desk::new();
    let naps = "
FormatVersion: OOS-2019-06-01
Tasks:
  - Name: first
    Action: ACS::Sleep
    Properties: {Duration: PT1H}
  - Name: second
    Action: ACS::Sleep
    Properties: {Duration: PT1H}
  - Name: third
    Action: ACS::Sleep
    Properties: {Duration: PT1H}
";
    let id = started(&desk, naps, json!({"Mode": "Debug"}));
    assert_eq!(text(&desk.row(&id), &["WaitingStatus"]), "WaitingForDebugStep");
    assert!(desk.tasks(&id).is_empty());
    assert_eq!(
        notify(&desk, "", &id, "ExecuteTask", json!({"TaskName": "none"})),
        Err("EntityNotExists.TaskExecution".into())
    );
    notify(&desk, "", &id, "ExecuteTask", json!({"TaskName": "second", "Parameters": {"Duration": "PT1S"}})).unwrap();
    assert_eq!(
        (column(&desk.tasks(&id), "TaskName"), column(&desk.tasks(&id), "Status")),
        (vec!["second".into()], vec!["Success".into()])
    );
    notify(&desk, "", &id, "ExecuteTask", json!({"TaskName": "first"})).unwrap();
    let running = desk.tasks(&id).into_iter().find(|task| text(task, &["Status"]) == "Running").unwrap();
    notify(&desk, "", &id, "CancelTask", json!({"TaskExecutionId": text(&running, &["TaskExecutionId"])})).unwrap();
    assert_eq!(text(&desk.row(&id), &["WaitingStatus"]), "WaitingForDebugStep");
    notify(&desk, "", &id, "CompleteExecution", json!({"ExecutionStatus": "Failed"})).unwrap();
    assert_eq!(desk.status(&id), "Failed");
}

#[test]
fn batches_and_risks_wait_for_a_yes() {
    let desk = Desk::new();
    let batches = "
FormatVersion: OOS-2019-06-01
Tasks:
  - Name: read
    Action: ACS::ExecuteAPI
    Properties: {Service: ECS, API: DescribeInstances, Parameters: {}}
    Loop: {Items: [a, b], RateControl: {Mode: Batch, Batch: [1]}}
";
    let id = started(&desk, batches, json!({"LoopMode": "EveryBatchPause"}));
    desk.run_for(5);
    assert_eq!(text(&desk.row(&id), &["WaitingStatus"]), "WaitingForBatch");
    notify(&desk, "", &id, "Approve", json!({})).unwrap();
    assert_eq!(desk.status(&id), "Success");

    let i = desk.cloud.ecs().instance().running().create();
    let risky = FAILING.replace("[i-1, i-2]", &format!("[{i}]"));
    let id = started(&desk, &risky, json!({"SafetyCheck": "ConfirmEveryHighRiskAction"}));
    assert_eq!(text(&desk.row(&id), &["WaitingStatus"]), "WaitingForRiskConfirmation");
    desk.cloud.calls().of("ECS", "StopInstance").count(0);
    notify(&desk, "", &id, "Approve", json!({})).unwrap();
    desk.run_for(60);
    assert_eq!(desk.status(&id), "Success");
    desk.cloud.calls().of("ECS", "StopInstance").count(1);
}

#[test]
fn a_vote_reaches_the_child_that_waits() {
    let desk = Desk::new();
    desk.template("Ask", APPROVAL);
    let parent = "FormatVersion: OOS-2019-06-01\nTasks:\n  - Name: below\n    Action: ACS::Template\n    Properties: {TemplateName: Ask}\n";
    let id = started(&desk, parent, json!({}));
    let child = text(&desk.tasks(&id)[0], &["ChildExecutionId"]);
    assert_eq!(text(&desk.row(&child), &["WaitingStatus"]), "WaitingForApproval");
    notify(&desk, "ana", &id, "Approve", json!({})).unwrap();
    let task = text(&desk.tasks(&child)[0], &["TaskExecutionId"]);
    notify(&desk, "bob", &child, "Approve", json!({"TaskExecutionId": task})).unwrap();
    assert_eq!((desk.status(&child), desk.status(&id)), ("Success".into(), "Success".into()));
}
