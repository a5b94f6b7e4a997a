//! The worked execution of template-language Appendix A: the run and both variants.

use oos_core::{
    Value,
    machine::{ExecutionStatus::*, Started, TaskStatus},
    params,
};

use crate::support::{Bench, json};

const TEMPLATE: &str = r"
FormatVersion: OOS-2019-06-01
Parameters:
  regionId: {Type: String, Default: '{{ ACS::RegionId }}'}
  names: {Type: List}
  note: {Type: String, Default: 'run {{ ACS::ExecutionId }}'}
  reboot: {Type: Boolean, Default: false}
Conditions:
  wantReboot: {Fn::Equals: ['{{ reboot }}', true]}
Tasks:
  - Name: list
    Action: ACS::ExecuteAPI
    Properties: {Service: ecs, API: DescribeInstances, Parameters: {RegionId: '{{ RegionID }}', InstanceName: '{{ ACS::TaskLoopItem }}', Tags: null}}
    Outputs:
      id: {Type: String, ValueSelector: 'Instances.Instance[].InstanceId'}
      disks: {Type: List, ValueSelector: '.Instances.Instance[].Disks[]'}
    Loop:
      Items: '{{ names }}'
      RateControl: {Mode: Concurrency, Concurrency: 50%, MaxErrors: MAX}
      Outputs:
        ids: {AggregateType: 'Fn::ListJoin', AggregateField: id}
        disks: {AggregateType: 'Fn::ListJoin', AggregateField: disks}
  - Name: any
    Action: ACS::Choice
    Properties:
      DefaultTask: boot
      Choices:
        - When: {Fn::Equals: [[], {Fn::MergeList: '{{ list.ids }}'}]}
          NextTask: ACS::END
  - Name: boot
    When: wantReboot
    Action: ACS::ECS::RebootInstance
    Properties: {regionId: '{{ regionId }}', instanceId: '{{ ACS::TaskLoopItem }}'}
    Outputs:
      done: {Type: String, ValueSelector: instanceId}
    Loop: {Items: {Fn::MergeList: '{{ list.ids }}'}, Outputs: {done: {AggregateType: Fn::ListJoin, AggregateField: done}}}
Outputs:
  ids: {Type: List, Value: '{{ list.ids }}'}
  text: {Type: String, Value: 'ids={{ list.IDS }} done={{ boot.done }} {{ note }}'}
";

fn start(max_errors: &str, given: Value) -> Bench {
    let text = TEMPLATE.replace("MAX", max_errors);
    Bench::run_with(&text, &[], Started { parameters: given, ..Started::default() })
}

/// Answers the items as the fake API does; the order of two in flight does not matter.
fn answer_list(bench: &mut Bench) {
    bench.fail_item("list", 2);
    bench.done_item("list", 1, json(r#"{"Instances": {"Instance": [{"InstanceId": "i-1", "Disks": ["d1", "d2"]}]}}"#));
    if bench.outstanding() == ["list#3"] {
        bench.done_item("list", 3, json(r#"{"Instances": {"Instance": []}}"#));
    }
}

#[test]
fn the_run_gives_every_value_of_the_table() {
    let mut bench = start("1", params! { "names" => ["a", "b", "c"] });
    assert_eq!(bench.outstanding(), ["list#1", "list#2"], "half of three is two");
    let given =
        json(r#"{"regionId": "cn-x", "names": ["a", "b", "c"], "note": "run exec-00112233445566aa", "reboot": false}"#);
    assert_eq!(bench.root().parameters, given);
    let expected = json(
        r#"{"Service": "ecs", "API": "DescribeInstances", "Parameters": {"RegionId": "cn-x", "InstanceName": "a"}}"#,
    );
    assert_eq!(bench.item("list", 1).properties, expected);
    answer_list(&mut bench);
    let list = bench.task("list").outputs;
    assert_eq!(list.at(&["ids"]), &json(r#"["i-1", null, null]"#));
    assert_eq!(list.at(&["disks"]), &json(r#"[["d1", "d2"], null, []]"#));
    assert_eq!(bench.statuses(), [TaskStatus::Success, TaskStatus::Success, TaskStatus::Skipped]);
    assert_eq!((bench.status(), bench.output("ids")), (Success, json(r#"["i-1", null, null]"#)));
    let text = r#"ids=["i-1",null,null] done= run exec-00112233445566aa"#;
    assert_eq!(bench.output("text"), Value::from(text));
}

#[test]
fn without_tolerated_errors_the_run_fails_and_the_rest_never_starts() {
    let mut bench = start("0", params! { "names" => ["a", "b", "c"] });
    answer_list(&mut bench);
    assert_eq!(bench.status(), Failed);
    assert_eq!(bench.statuses(), [TaskStatus::Failed, TaskStatus::Pending, TaskStatus::Pending]);
    assert!(bench.message().starts_with("LoopMaxErrorsExceeded"), "{}", bench.message());
    let mut late = start("0", params! { "names" => ["a", "b", "c"] });
    let instance = json(r#"{"Instances": {"Instance": []}}"#);
    late.done_item("list", 1, instance.clone());
    late.fail_item("list", 2);
    assert_eq!(late.outstanding(), ["list#3"], "what runs is awaited");
    assert_eq!(late.status(), Running);
    late.done_item("list", 3, instance);
    assert_eq!(late.status(), Failed);
}

#[test]
fn with_reboot_the_last_task_runs_for_what_was_found() {
    let mut bench = start("1", params! { "names" => ["a", "b", "c"], "reboot" => true });
    answer_list(&mut bench);
    assert_eq!(bench.below().len(), 1);
    assert_eq!(bench.below()[0].parameters.at(&["instanceId"]), &Value::from("i-1"));
    for _ in 0..200 {
        if let Some(open) = bench.open.first().cloned() {
            let document = json(
                r#"{"Instances": {"Instance": [{"InstanceId": "i-1", "Status": "Running", "StartTime": "2026-01-01T00:00Z"}]}}"#,
            );
            bench.answer(&open, Bench::result(&open, document));
        } else if !bench.timers.is_empty() {
            bench.wake();
        }
    }
    assert_eq!(bench.status(), Success, "{}", bench.message());
    let done = bench.task("boot").outputs.at(&["done"]).clone();
    assert!(done == json(r#"["i-1"]"#) || done == json("[null]"), "{done}");
}
