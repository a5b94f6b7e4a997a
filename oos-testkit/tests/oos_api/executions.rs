//! Executions: started, listed, changed, cancelled, deleted.

use serde_json::json;

use crate::{Desk, column, list, sleeping, text};

const TIMER: &str = "
FormatVersion: OOS-2019-06-01
Parameters:
  who: {Type: String, Default: nobody}
Tasks:
  - Name: tick
    Action: ACS::TimerTrigger
    Properties: {Type: rate, Expression: 1 hour, EndDate: '2027-01-01T00:00:00Z'}
  - Name: nap
    Action: ACS::Sleep
    Properties: {Duration: PT1S}
Outputs:
  who: {Type: String, Value: '{{ who }}'}
";

#[test]
fn the_answer_of_a_start_has_the_documented_members() {
    let desk = Desk::new();
    desk.template("Nap", &sleeping(10));
    let answer = desk.ok(
        "StartExecution",
        json!({
            "TemplateName": "Nap", "Parameters": "{\"who\": \"ana\"}", "Description": "a nap", "Mode": "FailurePause",
            "LoopMode": "FirstBatchPause", "SafetyCheck": "ConfirmEveryHighRiskAction", "Tags": {"a": "b"},
            "ResourceGroupId": "rg-1",
        }),
    );
    let started = answer.at(&["Execution"]);
    let id = text(started, &["ExecutionId"]);
    assert!(id.starts_with("exec-") && id.len() == 25, "{id}");
    for (member, value) in [
        ("Status", "Started"),
        ("TemplateName", "Nap"),
        ("TemplateVersion", "v1"),
        ("Mode", "FailurePause"),
        ("LoopMode", "FirstBatchPause"),
        ("SafetyCheck", "ConfirmEveryHighRiskAction"),
        ("Description", "a nap"),
        ("ResourceGroupId", "rg-1"),
        ("ExecutedBy", "root(1234567890123456)"),
        ("StartDate", "2026-01-01T00:00:00Z"),
        ("Outputs", "{}"),
        ("IsParent", "false"),
    ] {
        assert_eq!(text(started, &[member]), value, "{member}");
    }
    // Text here, an object in lists (service-model 2.5).
    assert_eq!(started.at(&["Parameters"]).as_str(), Some(r#"{"who":"ana"}"#));
    assert!(text(started, &["TemplateId"]).starts_with("t-"));

    let row = desk.row(&id);
    assert_eq!((text(&row, &["Status"]), text(&row, &["Parameters", "who"])), ("Running".into(), "ana".into()));
    assert_eq!(text(&row, &["Tags", "a"]), "b");
    assert_eq!(text(&row, &["Counters", "Running"]), "1");
    let current = list(&row, "CurrentTasks");
    assert_eq!(text(&current[0], &["TaskName"]), "nap");
    assert_eq!(text(&current[0], &["TaskExecutionId"]), text(&desk.tasks(&id)[0], &["TaskExecutionId"]));
    assert!(row.get("EndDate").is_none() && row.as_map().unwrap().values().all(|value| !value.is_null()), "{row}");
    desk.run_for(10);
    let row = desk.row(&id);
    assert_eq!((text(&row, &["Status"]), text(&row, &["Outputs"])), ("Success".into(), r#"{"who":"ana"}"#.into()));
    assert_eq!(text(&row, &["EndDate"]), "2026-01-01T00:00:10Z");
    assert!(list(&row, "CurrentTasks").is_empty());
}

#[test]
fn wrong_starts_are_refused() {
    let desk = Desk::new();
    desk.template("Nap", &sleeping(1));
    for (parameters, code) in [
        (json!({}), "MissingParameter.TemplateName"),
        (json!({"TemplateName": "None"}), "EntityNotExists.Template"),
        (json!({"TemplateName": "Nap", "TemplateVersion": "v7"}), "EntityNotExists.TemplateVersion"),
        (json!({"TemplateName": "Nap", "Parameters": "{who"}), "InvalidParameter.Parameters"),
        (json!({"TemplateName": "Nap", "Parameters": {"whom": "ana"}}), "InvalidParameter.Parameters"),
        (json!({"TemplateName": "Nap", "Mode": "Slow"}), "InvalidParameter.Mode"),
        (json!({"TemplateName": "Nap", "LoopMode": "Slow"}), "InvalidParameter.LoopMode"),
        (json!({"TemplateName": "Nap", "SafetyCheck": "Never"}), "InvalidParameter.SafetyCheck"),
        (json!({"TemplateName": "Nap", "ParentExecutionId": "exec-none"}), "EntityNotExists.Execution"),
        (json!({"TemplateName": "Nap", "ClientToken": "x".repeat(65)}), "InvalidParameter.ClientToken"),
        (json!({"TemplateContent": "Tasks: []"}), "InvalidTemplate"),
        (json!({"TemplateURL": "https://x/y"}), "InvalidParameter.TemplateURL"),
    ] {
        assert_eq!(desk.code("StartExecution", parameters.clone()), code, "{parameters}");
    }
    assert_eq!(text(&desk.ok("ListExecutions", json!({})), &["TotalCount"]), "0");
}

#[test]
fn a_version_and_a_text_can_be_started_and_are_what_was_run() {
    let desk = Desk::new();
    desk.template("Nap", &sleeping(1));
    desk.ok("UpdateTemplate", json!({"TemplateName": "Nap", "Content": sleeping(2)}));
    let old = desk.ok("StartExecution", json!({"TemplateName": "Nap", "TemplateVersion": "v1"}));
    let old = text(&old, &["Execution", "ExecutionId"]);
    desk.ok("UpdateTemplate", json!({"TemplateName": "Nap", "Content": sleeping(3)}));
    let run = desk.ok("GetExecutionTemplate", json!({"ExecutionId": old}));
    assert_eq!((text(&run, &["Content"]), text(&run, &["Template", "TemplateVersion"])), (sleeping(1), "v1".into()));

    let text_only = desk.ok("StartExecution", json!({"TemplateContent": sleeping(4)}));
    let name = text(&text_only, &["Execution", "TemplateName"]);
    assert!(name.starts_with("Template-"), "{name}");
    let id = text(&text_only, &["Execution", "ExecutionId"]);
    assert_eq!(text(&desk.ok("GetExecutionTemplate", json!({"ExecutionId": id})), &["Content"]), sleeping(4));
    assert_eq!(desk.code("GetExecutionTemplate", json!({"ExecutionId": "exec-none"})), "EntityNotExists.Execution");
}

#[test]
fn a_client_token_starts_once() {
    let desk = Desk::new();
    desk.template("Nap", &sleeping(1));
    let first = desk.ok("StartExecution", json!({"TemplateName": "Nap", "ClientToken": "t"}));
    let again = desk.ok("StartExecution", json!({"TemplateName": "Nap", "ClientToken": "t"}));
    assert_eq!(first.at(&["Execution", "ExecutionId"]), again.at(&["Execution", "ExecutionId"]));
    let other = json!({"TemplateName": "Nap", "ClientToken": "t", "Description": "other"});
    assert_eq!(desk.code("StartExecution", other), "IdempotentParameterMismatch");
    assert_eq!(text(&desk.ok("ListExecutions", json!({})), &["TotalCount"]), "1");
    // A day later the token is forgotten.
    desk.run_for(24 * 3600);
    desk.ok("StartExecution", json!({"TemplateName": "Nap", "ClientToken": "t"}));
    assert_eq!(text(&desk.ok("ListExecutions", json!({})), &["TotalCount"]), "2");
}

#[test]
fn executions_are_filtered() {
    let desk = Desk::new();
    desk.template("Nap", &sleeping(1));
    desk.template("Doze", &sleeping(1000));
    desk.template("Tick", TIMER);
    let nap =
        desk.ok("StartExecution", json!({"TemplateName": "Nap", "Tags": {"team": "blue"}, "Description": "the first"}));
    let nap = text(&nap, &["Execution", "ExecutionId"]);
    desk.run_for(60);
    let doze = desk.start("Doze", json!({"who": "i-1"}));
    let tick = desk.start("Tick", json!({}));
    desk.by("acs:ram::1234567890123456:user/ana", "StartExecution", json!({"TemplateName": "Doze", "Mode": "Debug"}))
        .unwrap();
    let found = |parameters: serde_json::Value| {
        let mut ids = column(&list(&desk.ok("ListExecutions", parameters), "Executions"), "ExecutionId");
        ids.sort();
        ids
    };
    let debug = found(json!({"Mode": "Debug"})).remove(0);
    for (filter, wanted) in [
        (json!({"TemplateName": "ap"}), vec![&nap]),
        (json!({"Status": "Success"}), vec![&nap]),
        (json!({"Status": "Running"}), vec![&doze]),
        (json!({"Status": "Waiting"}), vec![&tick, &debug]),
        (json!({"Status": "Pending"}), vec![]),
        (json!({"Category": "TimerTrigger"}), vec![&tick]),
        (json!({"Categories": "[\"Other\"]"}), vec![&nap, &doze, &debug]),
        (json!({"Tags": "{\"team\": \"blue\"}"}), vec![&nap]),
        (json!({"Tags": {"team": "red"}}), vec![]),
        (json!({"Description": "first"}), vec![&nap]),
        (json!({"ExecutedBy": "ana"}), vec![&debug]),
        (json!({"ResourceId": "i-1"}), vec![&doze]),
        (json!({"StartDateAfter": "2026-01-01T00:00:30Z", "Mode": "Automatic"}), vec![&doze, &tick]),
        (json!({"EndDateBefore": "2026-01-01T00:00:30Z"}), vec![&nap]),
        (json!({"AccountId": "1"}), vec![]),
        (json!({"RamRole": "SomeRole"}), vec![]),
    ] {
        let mut wanted: Vec<String> = wanted.into_iter().cloned().collect();
        wanted.sort();
        assert_eq!(found(filter.clone()), wanted, "{filter}");
    }
    for (filter, code) in [
        (json!({"Status": "Odd"}), "InvalidParameter.Status"),
        (json!({"Depth": "RootDepth", "IncludeChildExecution": true}), "InvalidParameter.IncludeChildExecution"),
        (json!({"Category": "Other", "Categories": ["Other"]}), "InvalidParameter.Categories"),
        (json!({"RdFolderIds": ["r-1"]}), "InvalidParameter.RdFolderIds"),
        (json!({"StartDateAfter": "yesterday"}), "InvalidParameter.StartDateAfter"),
        (json!({"SortOrder": "Up"}), "InvalidParameter.SortOrder"),
    ] {
        assert_eq!(desk.code("ListExecutions", filter.clone()), code, "{filter}");
    }
}

#[test]
fn executions_are_sorted_and_paged() {
    let desk = Desk::new();
    desk.template("Nap", &sleeping(30));
    let ids: Vec<String> = (0..13)
        .map(|_| {
            desk.run_for(5);
            desk.start("Nap", json!({}))
        })
        .collect();
    let pages = |more: serde_json::Value| {
        let (mut out, mut token) = (Vec::new(), None::<String>);
        loop {
            let mut request = json!({"MaxResults": 10});
            request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            if let Some(token) = &token {
                request["NextToken"] = json!(token);
            }
            let page = desk.ok("ListExecutions", request);
            assert_eq!(text(&page, &["TotalCount"]), "13");
            out.extend(column(&list(&page, "Executions"), "ExecutionId"));
            token = Some(text(&page, &["NextToken"])).filter(|token| !token.is_empty());
            if token.is_none() {
                return out;
            }
        }
    };
    assert_eq!(pages(json!({"SortOrder": "Ascending"})), ids);
    assert_eq!(pages(json!({})), ids.iter().rev().cloned().collect::<Vec<_>>());
    let by_status = pages(json!({"SortField": "Status"}));
    assert_eq!(desk.status(&by_status[0]), "Success", "descending by name of the status");
    assert_eq!(desk.status(&by_status[12]), "Running");
    assert_eq!(desk.code("ListExecutions", json!({"NextToken": "made up"})), "InvalidParameter.NextToken");
}

#[test]
fn children_are_hidden_unless_asked_for() {
    let desk = Desk::new();
    desk.template("Child", &sleeping(1));
    desk.template(
        "Parent",
        "FormatVersion: OOS-2019-06-01\nTasks:\n  - Name: below\n    Action: ACS::Template\n    Properties: {TemplateName: Child, Parameters: {who: '{{ ACS::TaskLoopItem }}'}}\n    Loop: {Items: [a, b]}\n",
    );
    let parent = desk.start("Parent", json!({}));
    desk.run_for(10);
    let rows = |parameters| list(&desk.ok("ListExecutions", parameters), "Executions");
    assert_eq!(column(&rows(json!({})), "ExecutionId"), std::slice::from_ref(&parent));
    assert_eq!(text(&rows(json!({}))[0], &["IsParent"]), "true");
    let children = rows(json!({"ParentExecutionId": parent}));
    assert_eq!(children.iter().map(|c| text(c, &["Parameters", "who"])).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(rows(json!({"IncludeChildExecution": true})).len(), 3);
    assert_eq!(rows(json!({"Depth": "FirstChildDepth"})).len(), 2);
    assert_eq!(rows(json!({"Depth": "RootDepth"})).len(), 1);
    let child = text(&children[0], &["ExecutionId"]);
    let run = desk.ok("GetExecutionTemplate", json!({"ExecutionId": child}));
    assert_eq!((text(&run, &["Content"]), text(&run, &["Template", "TemplateName"])), (sleeping(1), "Child".into()));
    assert_eq!(desk.tasks(&child).len(), 1);
    // A caller may hang an execution below another.
    let hung = desk.ok("StartExecution", json!({"TemplateName": "Child", "ParentExecutionId": parent}));
    assert_eq!(text(&hung, &["Execution", "ParentExecutionId"]), parent);
    assert_eq!(rows(json!({"ParentExecutionId": parent})).len(), 3);
}

#[test]
fn cancelling_ends_once() {
    let desk = Desk::new();
    desk.template("Nap", &sleeping(1000));
    let id = desk.start("Nap", json!({}));
    desk.ok("CancelExecution", json!({"ExecutionId": id}));
    desk.run_for(10);
    assert_eq!(desk.status(&id), "Cancelled");
    assert_eq!(text(&desk.tasks(&id)[0], &["Status"]), "Cancelled");
    assert_eq!(
        desk.refusal("CancelExecution", json!({"ExecutionId": id})),
        ("EntityStatusConflict.Execution".into(), 409)
    );
    assert_eq!(
        desk.refusal("CancelExecution", json!({"ExecutionId": "exec-none"})),
        ("EntityNotExists.Execution".into(), 404)
    );
    assert_eq!(desk.code("CancelExecution", json!({})), "MissingParameter.ExecutionId");
}

#[test]
fn deleting_takes_ended_ones_and_by_force_all() {
    let desk = Desk::new();
    desk.template("Nap", &sleeping(5));
    desk.template("Long", &sleeping(1000));
    let (ended, open) = (desk.start("Nap", json!({})), desk.start("Long", json!({})));
    desk.run_for(10);
    let both = json!([ended, open]);
    assert_eq!(desk.code("DeleteExecutions", json!({"ExecutionIds": both})), "EntityStatusConflict.Execution");
    assert_eq!(desk.status(&ended), "Success", "all or none");
    assert_eq!(desk.code("DeleteExecutions", json!({"ExecutionIds": ["exec-none"]})), "EntityNotExists.Execution");
    let many: Vec<String> = (0..101).map(|n| format!("exec-{n}")).collect();
    assert_eq!(desk.code("DeleteExecutions", json!({"ExecutionIds": many})), "LimitExceeded.ExecutionIds");
    desk.ok("DeleteExecutions", json!({"ExecutionIds": both.to_string(), "Force": true}));
    assert_eq!(text(&desk.ok("ListExecutions", json!({})), &["TotalCount"]), "0");
    assert_eq!(desk.code("ListTaskExecutions", json!({"ExecutionId": ended})), "EntityNotExists.Execution");
}

#[test]
fn a_trigger_is_changed_and_fired_by_hand() {
    let desk = Desk::new();
    desk.template("Tick", TIMER);
    desk.template("Nap", &sleeping(1000));
    let id = desk.start("Tick", json!({}));
    let row = desk.row(&id);
    assert_eq!((text(&row, &["Status"]), text(&row, &["WaitingStatus"])), ("Waiting".into(), "WaitingForTimer".into()));
    assert_eq!(text(&row, &["Category"]), "TimerTrigger");
    let update = json!({"ExecutionId": id, "Parameters": "{\"who\": \"ana\"}", "Description": "changed", "Tags": "{\"a\": \"b\"}"});
    desk.ok("UpdateExecution", update);
    let row = desk.row(&id);
    assert_eq!(text(&row, &["Parameters", "who"]), "ana");
    assert_eq!((text(&row, &["Description"]), text(&row, &["Tags", "a"])), ("changed".into(), "b".into()));

    desk.ok(
        "TriggerExecution",
        json!({"ExecutionId": id, "Type": "Timer", "RegionId": "cn-hangzhou", "Content": "{}"}),
    );
    desk.run_for(5);
    let children = list(&desk.ok("ListExecutions", json!({"ParentExecutionId": id})), "Executions");
    assert_eq!(column(&children, "Outputs"), [r#"{"who":"ana"}"#]);
    let row = desk.row(&id);
    assert_eq!((text(&row, &["Status"]), text(&row, &["LastTriggerStatus"])), ("Waiting".into(), "Success".into()));

    let trigger = |id: &str, kind: &str| desk.code("TriggerExecution", json!({"ExecutionId": id, "Type": kind}));
    assert_eq!(trigger(&id, "Event"), "InvalidParameter.Type");
    assert_eq!(trigger(&id, "Odd"), "InvalidParameter.Type");
    assert_eq!(desk.code("TriggerExecution", json!({"ExecutionId": id})), "MissingParameter.Type");
    let nap = desk.start("Nap", json!({}));
    assert_eq!(trigger(&nap, "Timer"), "InvalidParameter.Type");
    // Only a trigger takes new parameters; what describes an execution can always be changed.
    let parameters = json!({"ExecutionId": nap, "Parameters": {"who": "ana"}});
    assert_eq!(desk.code("UpdateExecution", parameters), "EntityStatusConflict.Execution");
    desk.ok("UpdateExecution", json!({"ExecutionId": nap, "Description": "new"}));
    assert_eq!(text(&desk.row(&nap), &["Description"]), "new");
    assert_eq!(desk.code("UpdateExecution", json!({"ExecutionId": "exec-none"})), "EntityNotExists.Execution");
}

#[test]
fn one_action_runs_without_a_template() {
    let desk = Desk::new();
    let started = desk.ok("StartDebugExecution", json!({"TaskType": "ACS::Sleep", "Properties": {"Duration": "PT5S"}}));
    let id = text(&started, &["ExecutionId"]);
    assert_eq!(desk.status(&id), "Running");
    desk.run_for(5);
    assert_eq!(desk.status(&id), "Success");
    assert_eq!(
        desk.code("StartDebugExecution", json!({"TaskType": "ACS::None", "Properties": "{}"})),
        "InvalidTemplate"
    );
    assert_eq!(
        desk.code("StartDebugExecution", json!({"TaskType": "ACS::Sleep", "Properties": "x"})),
        "InvalidParameter.Properties"
    );
}

#[test]
fn what_is_not_served_says_so() {
    let desk = Desk::new();
    assert_eq!(desk.refusal("GetExecution", json!({})), ("InvalidAction.NotFound".into(), 404));
    let error = desk.send(oos_core::ports::ApiRequest::new("OOS", "ListOpsItems", oos_core::Value::Null)).unwrap_err();
    assert_eq!(error.code(), "Testkit.UnmodelledApi");
    assert!(error.to_string().contains("OOS.ListOpsItems"), "{error}");
    // Other products go on to the cloud.
    let answer =
        desk.send(oos_core::ports::ApiRequest::new("ECS", "DescribeInstances", oos_core::Value::Null)).unwrap();
    assert_eq!(text(&answer, &["TotalCount"]), "0");
    // Every operation of the documented groups is served.
    for api in [
        "StartExecution",
        "ListExecutions",
        "CreateTemplate",
        "GetParametersByPath",
        "ListSecretParameterVersions",
        "ListTagValues",
        "DescribeRegions",
        "UpdateInstancePackageState",
        "ListInstancePatchStates",
    ] {
        assert!(oos_testkit::oos_service::OosService::serves(api), "{api}");
    }
}
