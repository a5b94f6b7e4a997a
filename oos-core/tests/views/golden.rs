//! Golden files.

use std::{fs, path::PathBuf};

use oos_core::{
    TemplateName,
    plan::Plan,
    ports::ExecutionEvent,
    registry::ActionRegistry,
    view::{self, TextOptions, Trace},
};

use crate::bed;

pub(crate) const RESTART: &str = "
FormatVersion: OOS-2019-06-01
Parameters:
  host: {Type: String}
  fails: {Type: String, Default: ''}
Tasks:
- {Name: stop, Action: ACS::ExecuteAPI, Properties: {Service: ECS, API: StopInstance}}
- {Name: untilStopped, Action: Acme::Do, Retries: 5, DelayType: Constant, Delay: 10, Properties: {after: 3}}
- {Name: check, Action: Acme::Do, OnError: tell, Properties: {fails: '{{ fails }}'}}
- {Name: start, Action: ACS::ExecuteAPI, OnSuccess: ACS::END, Properties: {Service: ECS, API: StartInstance}}
- {Name: tell, Action: Acme::Do}
Outputs:
  host: {Type: String, Value: '{{ host }}'}
";

pub(crate) const BULKY: &str = "
FormatVersion: OOS-2019-06-01
Tasks:
- Name: getHosts
  Action: ACS::ExecuteAPI
  Properties:
    result: {hosts: [web-1, web-2, web-3, web-4]}
  Outputs:
    hosts: {Type: List, ValueSelector: '.hosts[]'}
- Name: restart
  Action: Acme::Host::Restart
  OnError: cleanUp
  Properties:
    host: '{{ ACS::TaskLoopItem }}'
    fails: {'Fn::If': [{'Fn::Equals': ['{{ ACS::TaskLoopItem }}', web-2]}, 'host did not answer', '']}
  Loop:
    Items: '{{ getHosts.hosts }}'
    RateControl: {Mode: Concurrency, Concurrency: 2, MaxErrors: 0}
- {Name: announce, Action: Acme::Do}
- {Name: cleanUp, Action: ACS::ExecuteAPI}
";

const BRANCHES: &str = "
FormatVersion: OOS-2019-06-01
Tasks:
- Name: describe
  Action: ACS::ExecuteAPI
  OnError: release
  Properties: {result: {status: Stopped}}
  Outputs: {status: {Type: String, ValueSelector: .status}}
- Name: byStatus
  Action: ACS::Choice
  Properties:
    DefaultTask: ACS::END
    Choices:
    - {When: {'Fn::Equals': ['{{ describe.status }}', Running]}, NextTask: stop}
    - {When: {'Fn::Equals': ['{{ describe.status }}', Stopped]}, NextTask: snapshot}
- {Name: stop, Action: ACS::ExecuteAPI, OnError: release, OnCancel: release}
- {Name: coolDown, Action: ACS::Sleep, Properties: {seconds: 60}}
- {Name: snapshot, Action: Acme::Do, OnError: ACS::NEXT, Properties: {fails: 'quota \"disks\" is used up'}}
- Name: resize
  Action: ACS::ExecuteAPI
  When: {'Fn::Equals': ['{{ describe.status }}', Running]}
  OnSuccess: ACS::END
- {Name: pauseBit, Action: ACS::Sleep, Properties: {seconds: 4000}}
- {Name: approve, Action: ACS::Approve}
- {Name: release, Action: ACS::ExecuteAPI}
";

const TIMER: &str = "
FormatVersion: OOS-2019-06-01
Tasks:
- {Name: everyHour, Action: ACS::TimerTrigger}
- {Name: backUp, Action: ACS::ExecuteAPI, Properties: {Service: HBR, API: CreateBackupJob}}
- {Name: wait, Action: ACS::Sleep, Properties: {seconds: 90}}
";

const FOR_EACH: &str = "
FormatVersion: OOS-2019-06-01
Tasks:
- Name: eachRegion
  Action: ACS::Loop
  Properties:
    LoopItems: [杭州, 上海, 北京]
    LoopRateControl: {Mode: Concurrency, Concurrency: 1, MaxErrors: 1}
    LoopTasks:
    - Name: copyImage
      Action: ACS::ExecuteAPI
      OnError: discard
      Properties: {fails: 镜像不存在}
    - {Name: publish, Action: ACS::ExecuteAPI, OnSuccess: ACS::END}
    - {Name: discard, Action: Acme::Do}
- {Name: report, Action: Acme::Do}
";

pub(crate) fn check(case: &str, file: &str, text: &str, different: &mut Vec<String>) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden_views").join(case).join(file);
    if std::env::var("OOS_BLESS").is_ok() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
    } else if fs::read_to_string(&path).unwrap_or_default() != text {
        different.push(format!("{case}/{file} is now:\n{text}"));
    }
}

/// All views of a run against their files.
fn views(case: &str, plan: &Plan, events: &[ExecutionEvent], registry: &ActionRegistry) {
    let (trace, half) = (Trace::from_events(events), Trace::from_events(&events[..events.len() / 2]));
    let plans = bed::children(plan, registry);
    let options = TextOptions::default();
    let texts = [
        ("plan.mmd", view::mermaid(plan, None)),
        ("plan.dot", view::dot(plan, None)),
        ("plan.svg", view::svg(plan, None)),
        ("run.mmd", view::mermaid_with(plan, Some(&trace), &plans)),
        ("run.dot", view::dot_with(plan, Some(&trace), &plans)),
        ("run.svg", view::svg_with(plan, Some(&trace), &plans)),
        ("half.mmd", view::mermaid(plan, Some(&half))),
        ("half.dot", view::dot(plan, Some(&half))),
        ("half.svg", view::svg(plan, Some(&half))),
        ("half.json", snapshot(&half)),
        ("snapshot.json", snapshot(&trace)),
        ("tree.txt", view::text(&trace, &options)),
        ("half.txt", view::text(&half, &options)),
        ("narrow.txt", view::text(&trace, &TextOptions { width: 72, items: 2, colour: true, ..options })),
        ("events.txt", view::events(events)),
    ];
    let mut different = Vec::new();
    texts.iter().for_each(|(file, text)| check(case, file, text, &mut different));
    assert!(different.is_empty(), "{}", different.join("\n"));
}

fn snapshot(trace: &Trace) -> String {
    let text = trace.root().map(|root| serde_json::to_string_pretty(&root.snapshot().to_json()).unwrap());
    format!("{}\n", text.unwrap_or_default())
}

fn case(case: &str, text: &str, templates: &[(&str, &str)]) {
    let registry = bed::registry(templates);
    let mut plan = bed::compile(text, &registry);
    plan.name = Some(TemplateName::new(case));
    let run = bed::run(case, text, &registry);
    views(case, &plan, &run.events, &registry);
}

#[test]
fn a_loop_over_a_child_template_with_a_failure() {
    case("bulky", BULKY, &[("Acme::Host::Restart", RESTART)]);
}

#[test]
fn branches_and_a_wait_for_a_person() {
    case("branches", BRANCHES, &[]);
}

/// The child in place has a child with a name, which is not the child of the task.
const IN_PLACE: &str = "
FormatVersion: OOS-2019-06-01
Tasks:
- Name: outer
  Action: ACS::Template
  Properties:
    TemplateContent:
      FormatVersion: OOS-2019-06-01
      Tasks:
      - {Name: inner, Action: ACS::ExecuteAPI}
      - {Name: named, Action: 'Acme::Host::Restart', Properties: {host: web-1}}
";

#[test]
fn a_template_written_in_place() {
    case("in-place", IN_PLACE, &[("Acme::Host::Restart", RESTART)]);
}

#[test]
fn a_trigger_with_its_firings() {
    case("timer", TIMER, &[]);
}

#[test]
fn tasks_of_a_loop_with_names_in_chinese() {
    case("for-each", FOR_EACH, &[]);
}
