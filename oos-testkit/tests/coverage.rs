//! Coverage of templates over several runs.

#![expect(clippy::unwrap_used, reason = "tests")]

use oos_testkit::{Coverage, coverage::Point, prelude::*};

const TEMPLATE: &str = "
FormatVersion: OOS-2019-06-01
Parameters:
  way: {Type: String}
  ids: {Type: List}
Tasks:
  - Name: choose
    Action: ACS::Choice
    Properties:
      DefaultTask: other
      Choices:
        - When: {'Fn::Equals': [left, '{{ way }}']}
          NextTask: left
        - When: {'Fn::Equals': [end, '{{ way }}']}
          NextTask: ACS::END
  - Name: left
    Action: ACS::ExecuteAPI
    OnError: clean
    Properties: {Service: ECS, API: StartInstance, Parameters: {InstanceId: i-none}}
  - Name: other
    Action: ACS::Sleep
    When: {'Fn::Equals': [wait, '{{ way }}']}
    Properties: {Duration: PT1S}
  - Name: each
    Action: ACS::Loop
    Properties:
      LoopItems: '{{ ids }}'
      LoopTasks:
        - Name: inner
          Action: ACS::Sleep
          Properties: {Duration: PT1S}
        - Name: odd
          Action: ACS::Sleep
          When: {'Fn::Equals': [x, '{{ ACS::TaskLoopItem }}']}
          Properties: {Duration: PT1S}
  - Name: clean
    Action: ACS::Sleep
    OnError: ACS::END
    Properties: {Duration: PT1S}
";

fn run(coverage: &Coverage, way: &str, ids: &[&str]) {
    let cloud = FakeCloud::new();
    let bed = TestBed::on(&cloud);
    bed.run(TEMPLATE, params! { "way" => way, "ids" => ids.to_vec() });
    coverage.add(&bed);
}

#[test]
fn a_suite_sees_tasks_branches_values_and_handlers_one_by_one() {
    let coverage = Coverage::default();
    run(&coverage, "end", &[]);
    let text = coverage.report();
    let first = text.lines().next().unwrap();
    assert_eq!(first, "<template>: 1 runs, 1 of 7 tasks, 1 of 3 branches, 0 of 4 values of When, 0 of 2 OnError edges");
    for line in [
        "  line 10: `choose` never went to `other`",
        "  line 13: `choose` never went to `left`",
        "  line 16: task `left` never ran",
        "  line 18: `OnError` of `left` never led to `clean`",
        "  line 22: `When` of `other` was never false",
        "  line 28: task `each/inner` never ran",
    ] {
        let number = line.trim_start_matches("  line ").split(':').next().unwrap();
        assert!(text.lines().any(|l| l.ends_with(line.split_once(": ").unwrap().1)), "{number}: {line}\n{text}");
    }

    run(&coverage, "left", &[]);
    let text = coverage.report();
    assert!(!text.contains("never led to `clean`") && !text.contains("went to `left`"), "{text}");
    assert!(!text.contains("task `left`") && !text.contains("task `clean`"), "{text}");
    assert!(text.contains("task `other` never ran") && text.contains("`When` of `other` was never true"), "{text}");

    run(&coverage, "elsewhere", &[]);
    let text = coverage.report();
    assert!(!text.contains("`When` of `other` was never false"), "{text}");
    assert!(text.contains("`When` of `other` was never true") && text.contains("task `other` never ran"), "{text}");

    run(&coverage, "wait", &["x", "y"]);
    let text = coverage.report();
    // Only the handler of the last task is left: nothing made it fail.
    let missed: Vec<&str> = text.lines().filter(|l| l.starts_with("  line")).collect();
    assert_eq!(missed.len(), 1, "{text}");
    assert!(missed[0].ends_with("`OnError` of `clean` never led to `ACS::END`"), "{text}");
    assert!(
        text.ends_with("1 templates: 7 of 7 tasks, 3 of 3 branches, 4 of 4 values of When, 1 of 2 OnError edges\n"),
        "{text}"
    );

    let templates = coverage.templates();
    assert_eq!((templates.len(), templates[0].runs), (1, 4));
    let hits = |task: &str, point: Point| {
        templates[0].points.iter().find(|p| p.task == task && p.point == point).unwrap().hits
    };
    assert_eq!(hits("each/inner", Point::Task), 2);
    assert_eq!((hits("each/odd", Point::When(true)), hits("each/odd", Point::When(false))), (1, 1));
    assert_eq!(hits("choose", Point::Branch("other".to_owned())), 2);
    let line = |point: Point| {
        TEMPLATE.lines().nth(templates[0].points.iter().find(|p| p.point == point).unwrap().line - 1).unwrap()
    };
    assert!(line(Point::Branch("ACS::END".to_owned())).contains("NextTask: ACS::END"));
    assert!(line(Point::OnError("clean".to_owned())).contains("OnError: clean"));
    let data = coverage.to_value();
    assert_eq!(
        data.at(&["0", "Template"]).as_str().or(data.as_list().unwrap()[0].at(&["Template"]).as_str()),
        Some("<template>")
    );
}

#[test]
fn children_are_templates_of_their_own() {
    let coverage = Coverage::default();
    let cloud = FakeCloud::new();
    let id = cloud.ecs().instance().stopped().create();
    let bed = TestBed::on(&cloud);
    bed.run_action("ACS::ECS::StartInstance", json!({"instanceId": id})).expect_success();
    coverage.add(&bed);
    let templates = coverage.templates();
    let child = templates.iter().find(|t| t.name.contains("StartInstance")).unwrap();
    let ran = |task: &str| child.points.iter().any(|p| p.task == task && p.point == Point::Task && p.hits == 1);
    assert!(ran("getInstanceStatus") && ran("startInstance") && ran("untilInstanceReady"), "{}", coverage.report());
    assert!(child.missed().any(|p| matches!(p.point, Point::Branch(_))), "a running instance was never given");
}
