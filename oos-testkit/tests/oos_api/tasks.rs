//! Task executions, logs, resources, invocations.

use serde_json::json;

use crate::{Desk, column, list, sleeping, text};

const LOOP: &str = "
FormatVersion: OOS-2019-06-01
Tasks:
  - Name: read
    Action: ACS::ExecuteAPI
    Properties: {Service: ECS, API: DescribeInstances, Parameters: {InstanceIds: ['{{ ACS::TaskLoopItem }}']}}
    Outputs: {status: {Type: String, ValueSelector: 'Instances.Instance[0].Status'}}
    Loop: {Items: [i-1, i-2, i-none], RateControl: {Mode: Concurrency, Concurrency: 3, MaxErrors: 3}}
  - Name: nap
    Action: ACS::Sleep
    Properties: {Duration: PT1S}
";

fn ran() -> (Desk, String) {
    let desk = Desk::new();
    for id in ["i-1", "i-2"] {
        desk.cloud.ecs().instance().id(id).running().create();
    }
    let id = text(&desk.ok("StartExecution", json!({"TemplateContent": LOOP})), &["Execution", "ExecutionId"]);
    desk.run_for(30);
    assert_eq!(desk.status(&id), "Success");
    (desk, id)
}

#[test]
fn tasks_are_rows_and_items_are_asked_for() {
    let (desk, id) = ran();
    let tasks = desk.tasks(&id);
    assert_eq!(column(&tasks, "TaskName"), ["read", "nap"]);
    let read = &tasks[0];
    for (member, value) in [
        ("ExecutionId", id.as_str()),
        ("TaskAction", "ACS::ExecuteAPI"),
        ("Status", "Success"),
        ("StatusMessage", ""),
        ("StartDate", "2026-01-01T00:00:00Z"),
        ("EndDate", "2026-01-01T00:00:00Z"),
        ("ParentTaskExecutionId", ""),
        ("LoopItem", ""),
    ] {
        assert_eq!(text(read, &[member]), value, "{member}");
    }
    assert!(text(read, &["Properties"]).starts_with(r#"{"Service":"ECS","API":"DescribeInstances""#), "{read}");
    assert_eq!(text(read, &["Loop", "Total"]), "3");
    assert_eq!(text(read, &["Loop", "Items"]), r#"["i-1","i-2","i-none"]"#);
    desk.ok("CreateTemplate", json!({"TemplateName": "Looped", "Content": LOOP}));
    let stored = desk.ok("StartExecution", json!({"TemplateName": "Looped"}));
    let (stored, template) = ["ExecutionId", "TemplateId"].map(|key| text(&stored, &["Execution", key])).into();
    assert!(template.starts_with("t-"), "{template}");
    assert_eq!(text(&desk.tasks(&stored)[0], &["TemplateId"]), template);
    let whole = text(read, &["TaskExecutionId"]);

    let rows = |parameters| list(&desk.ok("ListTaskExecutions", parameters), "TaskExecutions");
    let items = rows(json!({"ExecutionId": id, "ParentTaskExecutionId": whole}));
    assert_eq!(column(&items, "LoopItem"), ["i-1", "i-2", "i-none"]);
    assert_eq!(column(&items, "TaskExecutionId"), [1, 2, 3].map(|n| format!("{whole}#{n}")));
    assert_eq!(column(&items, "Outputs")[0], r#"{"status":"Running"}"#);
    assert_eq!(rows(json!({"ExecutionId": id, "IncludeChildTaskExecution": true})).len(), 5);
    let second = format!("{whole}#2");
    assert_eq!(column(&rows(json!({"TaskExecutionId": second})), "LoopItem"), ["i-2"]);
    assert_eq!(column(&rows(json!({"ExecutionId": id, "TaskAction": "acs::sleep"})), "TaskName"), ["nap"]);
    assert_eq!(column(&rows(json!({"ExecutionId": id, "TaskName": "read"})), "TaskName"), ["read"]);
    assert!(rows(json!({"ExecutionId": id, "Status": "Waiting"})).is_empty());
    assert_eq!(
        column(&rows(json!({"ExecutionId": id, "SortField": "EndDate", "SortOrder": "Descending"})), "TaskName"),
        ["nap", "read"]
    );
    assert_eq!(column(&rows(json!({"ExecutionId": id, "EndDateAfter": "2026-01-01T00:00:01Z"})), "TaskName"), ["nap"]);

    assert_eq!(desk.code("ListTaskExecutions", json!({})), "MissingParameter.ExecutionId");
    assert_eq!(desk.code("ListTaskExecutions", json!({"ExecutionId": "exec-none"})), "EntityNotExists.Execution");
    assert_eq!(
        desk.code("ListTaskExecutions", json!({"TaskExecutionId": "task-exec-none"})),
        "EntityNotExists.TaskExecution"
    );
    assert_eq!(desk.code("ListTaskExecutions", json!({"ExecutionId": id, "Status": "Odd"})), "InvalidParameter.Status");
}

#[test]
fn a_log_tells_calls_ends_and_outputs() {
    let (desk, id) = ran();
    let lines = |more: serde_json::Value| {
        let mut request = json!({"ExecutionId": id, "MaxResults": 100});
        request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        list(&desk.ok("ListExecutionLogs", request), "ExecutionLogs")
    };
    let all = lines(json!({}));
    assert_eq!(text(&all[0], &["Message"]).split(' ').next(), Some("Execution"));
    assert_eq!(text(all.last().unwrap(), &["Message"]), "Execution ended: Success.");
    assert_eq!(text(all.last().unwrap(), &["Timestamp"]), "2026-01-01T00:00:01Z");
    let calls = column(&lines(json!({"LogType": "Action"})), "Message");
    assert_eq!(
        calls.iter().filter(|line| line.starts_with("ECS.DescribeInstances done, request ")).count(),
        3,
        "{calls:?}"
    );
    let task = text(&desk.tasks(&id)[0], &["TaskExecutionId"]);
    let item = lines(json!({"TaskExecutionId": format!("{task}#1")}));
    assert_eq!(column(&item, "LogType"), ["System", "Action", "Output"]);
    assert_eq!(column(&item, "Message")[2], r#"Task read ended: Success. Outputs: {"status":"Running"}"#);
    assert!(item.iter().all(|line| text(line, &["TaskExecutionId"]) == format!("{task}#1")));

    let first = desk.ok("ListExecutionLogs", json!({"ExecutionId": id, "MaxResults": 10}));
    assert_eq!((list(&first, "ExecutionLogs").len(), text(&first, &["IsTruncated"])), (10, "false".into()));
    let next = desk.ok(
        "ListExecutionLogs",
        json!({"ExecutionId": id, "MaxResults": 10, "NextToken": text(&first, &["NextToken"])}),
    );
    assert_eq!(text(&list(&next, "ExecutionLogs")[0], &["Message"]), text(&all[10], &["Message"]));

    assert_eq!(desk.code("ListExecutionLogs", json!({})), "MissingParameter.ExecutionId");
    assert_eq!(desk.code("ListExecutionLogs", json!({"ExecutionId": "exec-none"})), "EntityNotExists.Execution");
    assert_eq!(
        desk.code("ListExecutionLogs", json!({"ExecutionId": id, "LogType": "Odd"})),
        "InvalidParameter.LogType"
    );
    assert_eq!(
        desk.code("ListExecutionLogs", json!({"ExecutionId": id, "TaskExecutionId": "task-exec-none"})),
        "EntityNotExists.TaskExecution"
    );
}

#[test]
fn a_log_that_grows_too_large_is_cut_and_says_so() {
    let desk = Desk::new();
    desk.cloud.ecs().instances(100).create();
    let long = "FormatVersion: OOS-2019-06-01\nTasks:\n  - Name: read\n    Action: ACS::ExecuteAPI\n    Properties: {Service: ECS, API: DescribeInstances, Parameters: {MaxResults: 100}}\n    Outputs: {all: {Type: Json, ValueSelector: .}}\n";
    let id = text(&desk.ok("StartExecution", json!({"TemplateContent": long})), &["Execution", "ExecutionId"]);
    desk.run_for(10);
    assert_eq!(desk.status(&id), "Success");
    let logs = desk.ok("ListExecutionLogs", json!({"ExecutionId": id}));
    assert_eq!(text(&logs, &["IsTruncated"]), "true");
    let output = list(&desk.ok("ListExecutionLogs", json!({"ExecutionId": id, "LogType": "Output"})), "ExecutionLogs");
    assert!((60_000..=65_536).contains(&text(&output[0], &["Message"]).len()), "what fits is kept");
    let system = list(&desk.ok("ListExecutionLogs", json!({"ExecutionId": id, "LogType": "System"})), "ExecutionLogs");
    assert!(
        text(system.last().unwrap(), &["Message"]).starts_with("Execution ended: Success"),
        "the end is always told"
    );
}

#[test]
fn secrets_are_in_no_answer() {
    let desk = Desk::new();
    let secret = "FormatVersion: OOS-2019-06-01\nParameters:\n  password: {Type: String, NoEcho: true}\nTasks:\n  - Name: nap\n    Action: ACS::Sleep\n    Properties: {Duration: PT1S}\nOutputs:\n  said: {Type: String, Value: 'it is {{ password }}'}\n";
    desk.template("Secret", secret);
    let started =
        desk.ok("StartExecution", json!({"TemplateName": "Secret", "Parameters": {"password": "hunter2hunter2"}}));
    let id = text(&started, &["Execution", "ExecutionId"]);
    desk.run_for(5);
    let answers = [
        started,
        desk.row(&id),
        desk.ok("ListTaskExecutions", json!({"ExecutionId": id})),
        desk.ok("ListExecutionLogs", json!({"ExecutionId": id})),
        desk.ok("GetExecutionTemplate", json!({"ExecutionId": id})),
    ];
    assert_eq!(text(&answers[1], &["Outputs"]), r#"{"said":"it is ******"}"#);
    assert!(answers.iter().all(|answer| !answer.to_string().contains("hunter2")), "{answers:?}");
}

#[test]
fn resources_are_the_items_of_loops() {
    let (desk, id) = ran();
    let rows = list(&desk.ok("ListResourceExecutionStatus", json!({"ExecutionId": id})), "ResourceExecutionStatus");
    assert_eq!(column(&rows, "ResourceId"), ["i-1", "i-2", "i-none"]);
    assert_eq!(column(&rows, "Status"), ["Success"; 3]);
    assert_eq!(text(&rows[0], &["Outputs"]), r#"{"status":"Running"}"#);
    assert_eq!(
        desk.code("ListResourceExecutionStatus", json!({"ExecutionId": "exec-none"})),
        "EntityNotExists.Execution"
    );
    // The resource is also what executions can be found by.
    let found = list(&desk.ok("ListExecutions", json!({"ResourceId": "i-2"})), "Executions");
    assert_eq!(column(&found, "ExecutionId"), [id]);
}

#[test]
fn invocations_belong_to_tasks() {
    let desk = Desk::new();
    desk.template("Nap", &sleeping(1));
    let id = desk.start("Nap", json!({}));
    let task = text(&desk.tasks(&id)[0], &["TaskExecutionId"]);
    let rows = desk.ok("ListTaskExecutionInvocations", json!({"TaskExecutionId": task}));
    assert!(list(&rows, "TaskExecutionInvocations").is_empty());
    assert_eq!(
        desk.code("ListTaskExecutionInvocations", json!({"TaskExecutionId": "task-exec-none"})),
        "EntityNotExists.TaskExecution"
    );
}
