//! The tree of a run at any time, and the questions that templates ask about executions and tasks.

use oos_core::{
    ExecutionId,
    engine::StartOptions,
    machine::{ExecutionStatus, Mode},
};
use oos_testkit::prelude::*;

use crate::support::{World, named, nothing, template};

const CHILD: &str = "Name: below, Action: ACS::Template, Properties: {TemplateContent: {FormatVersion: OOS-2019-06-01,
    Tasks: [{Name: look, Action: Acme::Do, Properties: {of: b}}, {Name: doze, Action: ACS::Sleep, Properties: {Duration: PT1H}}]}}";

fn text() -> String {
    template(
        "Parameters: {word: {Type: String, NoEcho: true, Default: sesame}}",
        &[
            "Name: each, Action: Acme::Do, Properties: {of: '{{ ACS::TaskLoopItem }}', word: '{{ word }}'},
             Outputs: {of: {Type: String, ValueSelector: .of}, word: {Type: String, ValueSelector: .word}}, Loop: {Items: [x, y]}",
            CHILD,
        ],
    )
}

fn snapshot(bed: &TestBed, id: &ExecutionId) -> Option<oos_core::Value> {
    let (engine, id) = (bed.engine().clone(), id.clone());
    bed.block_on(async move { engine.snapshot(&id).await }).unwrap()
}

fn texts(list: &oos_core::Value, key: &str) -> Vec<String> {
    list.as_list().unwrap_or_default().iter().map(|row| row.at(&[key]).to_text().to_string()).collect()
}

#[test]
fn a_snapshot_has_the_whole_tree_while_it_runs_and_after() {
    let world = World::new();
    let bed = world.bed();
    let run = bed.start_with(&text(), nothing(), named("exec-tree"));
    bed.run_for(mins(1));
    let during = snapshot(&bed, run.id()).unwrap();
    assert_eq!(during.at(&["Status"]).to_text().as_ref(), "Running");
    assert_eq!(texts(during.at(&["CurrentTasks"]), "TaskName"), ["below"]);
    assert_eq!(during.at(&["Mode"]).to_text().as_ref(), "Automatic");
    assert_eq!(during.at(&["Parameters", "word"]).to_text().as_ref(), "******");
    assert_eq!(during.at(&["Counters", "Total"]).as_i64(), Some(2));
    let tasks = during.at(&["TaskExecutions"]).as_list().unwrap();
    assert_eq!(texts(tasks[0].at(&["TaskExecutions"]), "LoopItem"), ["x", "y"]);
    assert_eq!(tasks[0].at(&["Loop", "Success"]).as_i64(), Some(2));
    let child = &tasks[1].at(&["Executions"]).as_list().unwrap()[0];
    assert_eq!(child.at(&["ExecutionId"]), tasks[1].at(&["ChildExecutionId"]));
    assert_eq!(texts(child.at(&["TaskExecutions"]), "Status"), ["Success", "Running"]);
    assert_eq!(child.at(&["ParentExecutionId"]).to_text().as_ref(), "exec-tree");

    bed.run_to_end();
    let after = snapshot(&bed, run.id()).unwrap();
    assert_eq!(after.at(&["Status"]).to_text().as_ref(), "Success");
    // The same as what somebody sees who was there all the time, but for the calls, which no journal has.
    let seen = run.trace().root().unwrap().snapshot();
    assert_eq!(after.at(&["TaskExecutions"]).as_list().unwrap()[0], seen.at(&["TaskExecutions"]).as_list().unwrap()[0]);
    let child = ExecutionId::new(child.at(&["ExecutionId"]).to_text());
    let alone = snapshot(&bed, &child).unwrap();
    assert_eq!(texts(alone.at(&["TaskExecutions"]), "TaskName"), ["look", "doze"]);
    assert_eq!(snapshot(&bed, &"exec-none".into()), None);
    assert!(!format!("{during}{after}").contains("sesame"), "{after}");
}

/// The answer of an OOS call that a template makes.
fn ask(bed: &TestBed, api: &str, parameters: &str) -> Result<oos_core::Value, String> {
    let task = format!(
        "Name: ask, Action: ACS::ExecuteAPI, Properties: {{Service: OOS, API: {api}, AutoPaging: false, Parameters: {parameters}}}, Outputs: {{all: {{Type: Json, ValueSelector: .}}}}"
    );
    let run = bed.run(&template("Outputs: {all: {Type: Json, Value: '{{ ask.all }}'}}", &[&task]), nothing());
    match run.status() {
        ExecutionStatus::Success => Ok(run.outputs().at(&["all"]).clone()),
        _ => Err(run.message().unwrap_or_default()),
    }
}

#[test]
fn items_that_have_ended_are_listed_when_they_are_asked_for() {
    let world = World::new();
    let bed = world.bed();
    let run = bed.start_with(&text(), nothing(), named("exec-items"));
    bed.run_to_end();
    run.expect_success();
    let rows = |more: &str| {
        let answer = ask(&bed, "ListTaskExecutions", &format!("{{ExecutionId: exec-items{more}}}")).unwrap();
        answer.at(&["TaskExecutions"]).clone()
    };
    assert_eq!(texts(&rows(""), "TaskName"), ["each", "below"]);
    let all = rows(", IncludeChildTaskExecution: true");
    assert_eq!(texts(&all, "LoopItem"), ["", "x", "y", ""]);
    let parent = texts(&all, "TaskExecutionId")[0].clone();
    let items = rows(&format!(", ParentTaskExecutionId: {parent}"));
    assert_eq!(texts(&items, "Outputs"), [r#"{"of":"x","word":"******"}"#, r#"{"of":"y","word":"******"}"#]);
    assert_eq!(texts(&rows(&format!(", TaskExecutionId: '{parent}#2'")), "LoopItem"), ["y"]);
}

#[test]
fn executions_are_filtered_as_the_service_does() {
    let world = World::new();
    let bed = world.bed();
    let start = |id: &str, of: &str, change: fn(StartOptions) -> StartOptions| {
        let text =
            template("Parameters: {of: {Type: String}}", &["Name: a, Action: Acme::Do, Properties: {of: '{{ of }}'}"]);
        bed.start_with(&text, params! { "of" => of }, change(named(id)));
        bed.run_for(secs(10));
    };
    start("exec-1", "i-1", |o| StartOptions { template_name: Some("One".into()), ..o });
    start("exec-2", "i-2", |o| StartOptions { executed_by: Some("ana(1)".into()), ..o });
    start("exec-3", "i-1", |o| StartOptions { mode: Mode::FailurePause, ..o });
    bed.start_with(&text(), nothing(), named("exec-4"));
    bed.run_for(mins(1));

    // A template that asks is an execution too, so only those that were started before it count.
    let found = |filter: &str| {
        let parameters = format!("{{SortOrder: Ascending, EndDateAfter: '2026-01-05T10:00:00Z', {filter}}}");
        let answer = ask(&bed, "ListExecutions", &parameters).unwrap();
        let ids = texts(answer.at(&["Executions"]), "ExecutionId");
        ids.into_iter().filter(|id| id.starts_with("exec-") && id.len() < 8).collect::<Vec<_>>()
    };
    assert_eq!(found("ResourceId: i-1"), ["exec-1", "exec-3"]);
    assert_eq!(found("ResourceTemplateName: one"), ["exec-1"]);
    assert_eq!(found("ExecutedBy: ana"), ["exec-2"]);
    assert_eq!(found("Mode: FailurePause"), ["exec-3"]);
    assert_eq!(found("EndDateBefore: '2026-01-05T10:00:15Z'"), ["exec-1", "exec-2"]);
    assert_eq!(found("Categories: [TimerTrigger]"), [] as [&str; 0]);
    assert_eq!(found("Categories: [Other], StartDateAfter: '2026-01-05T10:00:15Z', MaxResults: 1"), ["exec-3"]);
    assert_eq!(found("Status: Pending"), [] as [&str; 0]);
    assert_eq!(found("SortField: EndDate, MaxResults: 2"), ["exec-1", "exec-2"]);

    let below = ask(&bed, "ListExecutions", "{Depth: FirstChildDepth, Mode: Automatic}").unwrap();
    assert_eq!(texts(below.at(&["Executions"]), "ParentExecutionId"), ["exec-4"]);
    let parent = ask(&bed, "ListExecutions", "{ExecutionId: exec-4}").unwrap();
    assert_eq!(texts(parent.at(&["Executions"]), "IsParent"), ["true"]);
    let childless = ask(&bed, "ListExecutions", "{ExecutionId: exec-1}").unwrap();
    assert_eq!(texts(childless.at(&["Executions"]), "IsParent"), ["false"]);
    for (parameters, code) in [
        ("{Description: x}", "InvalidParameter.Description"),
        ("{Depth: Deep}", "InvalidParameter.Depth"),
        ("{SortField: Name}", "InvalidParameter.SortField"),
        ("{StartDateAfter: soon}", "InvalidParameter.StartDateAfter"),
    ] {
        let refused = ask(&bed, "ListExecutions", parameters).unwrap_err();
        assert!(refused.starts_with(code), "{parameters}: {refused}");
    }
}
