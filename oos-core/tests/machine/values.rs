//! Values that a run is given and gives: parameters, defaults, children, direct references (template-language 2, 3, 8).

use oos_core::{
    Value,
    machine::{ExecutionStatus::*, Started},
    params,
};

use crate::support::{Bench, json, template, template_with};

const WORK: &str = "Name: a, Action: Acme::Do";

fn given(sections: &str, parameters: Value) -> Bench {
    Bench::run_with(&template_with(sections, &[WORK]), &[], Started { parameters, ..Started::default() })
}

#[test]
fn defaults_read_other_parameters_as_they_were_given() {
    let sections = "Parameters: {image: {Default: 'from_{{ instance }}_at_{{ACS::CurrentDate}}'}, instance: {Default: '{{ base }}-1'}, base: {Default: x}}";
    assert_eq!(given(sections, Value::Null).root().parameters.at(&["image"]), &Value::from("from_x-1_at_2026-01-01"));
    let bench = given(sections, params! { "base" => "y" });
    let expected = params! { "image" => "from_y-1_at_2026-01-01", "instance" => "y-1", "base" => "y" };
    assert_eq!(bench.root().parameters, expected);
}

#[test]
fn given_names_match_without_case_and_null_counts_as_missing() {
    let sections = "Parameters: {regionId: {Type: String}, note: {Default: d}, n: {Type: Number, Default: '7'}, l: {Type: List, Default: one}}";
    let bench = given(sections, params! { "REGIONID" => "cn-y", "note" => Value::Null });
    let expected = params! { "regionId" => "cn-y", "note" => "d", "n" => 7, "l" => ["one"] };
    assert_eq!((bench.root().parameters, bench.outstanding().len()), (expected, 1));
    let bench = given(sections, params! { "regionId" => Value::Null });
    assert_eq!(
        (bench.status(), bench.message()),
        (Failed, "MissingParameter: parameter `regionId` is required".into())
    );
}

#[test]
fn a_constraint_that_does_not_hold_is_told_in_the_words_of_the_author() {
    let sections = "Parameters: {n: {Type: Number, MaxValue: 5, ConstraintDescription: 'at most five, please'}, s: {AllowedPattern: 'i-', Default: i-1}}";
    let bench = given(sections, params! { "n" => 6 });
    assert_eq!((bench.status(), bench.message()), (Failed, "InvalidParameter.Range: at most five, please".into()));
    let bench = given(sections, params! { "n" => 5, "s" => "x-1" });
    assert!(bench.message().starts_with("InvalidParameter.AllowedPattern"), "{}", bench.message());
}

/// Each default names the next one twice: evaluated anew each time, that never ends.
#[test]
fn defaults_that_name_each_other_over_and_over_are_evaluated_once() {
    let chain = |last: &str| {
        let names = (0..190).map(|i| format!("p{i}: {{Default: '{{{{p{0}}}}}{{{{ p{0} }}}}'}}", i + 1));
        format!("Parameters: {{{}, p190: {{Default: {last}}}}}", names.collect::<Vec<_>>().join(", "))
    };
    let bench = given(&chain("''"), Value::Null);
    assert_eq!(bench.root().parameters.at(&["p0"]), &Value::from(""));
    let mut bench = given(&chain("'{{ oos:x }}'"), Value::Null);
    bench.fetched(&[("x", Value::from(""))], &[]);
    assert_eq!(bench.outstanding(), ["a"]);
    assert_eq!(given(&chain("xxxxxxxx"), Value::Null).message().split(':').next(), Some("LimitExceeded.ValueSize"));
}

/// The values nest without end, and the stack is no deeper for that.
#[test]
fn a_long_chain_of_defaults_takes_no_deep_stack() {
    let deep =
        |i: usize| format!("p{i}: {{Type: Json, Default: {}'{{{{p{}}}}}'{}}}", "[".repeat(50), i + 1, "]".repeat(50));
    let chain: Vec<_> = (0..199).map(deep).collect();
    let bench = given(&format!("Parameters: {{{}, p199: {{Default: x}}}}", chain.join(", ")), Value::Null);
    assert_eq!((bench.status(), bench.message().split(':').next()), (Failed, Some("LimitExceeded.ValueSize")));
}

/// Each condition asks the next one twice.
#[test]
fn conditions_that_name_each_other_over_and_over_are_evaluated_once() {
    let chain: Vec<_> = (0..60).map(|i| format!("c{i}: {{'Fn::And': [c{0}, {{Condition: c{0}}}]}}", i + 1)).collect();
    let sections = format!("Conditions: {{{}, c60: {{'Fn::Equals': [1, 1]}}}}", chain.join(", "));
    let bench = Bench::run(&template_with(&sections, &["Name: a, Action: Acme::Do, When: c0"]));
    assert_eq!(bench.outstanding(), ["a"]);
}

#[test]
fn a_role_that_cannot_be_told_fails_the_run_before_any_task() {
    let text = template_with("RamRole: 'role-{{ ACS::OOSUtilVersion }}'", &[WORK]);
    let bench = Bench::run(&text);
    assert_eq!((bench.status(), bench.outstanding().len()), (Failed, 0));
    assert!(bench.message().starts_with("UndefinedReference"), "{}", bench.message());
    let bench = Bench::run(&template_with("Parameters: {r: {Default: x}}\nRamRole: 'role-{{ r }}'", &[WORK]));
    assert_eq!(&*bench.work("a").role, "role-x");
}

fn child() -> String {
    template_with(
        "Parameters: {v: {Type: Number, Default: 7}}\nOutputs: {y: {Type: Number, Value: '{{ work.y }}'}}",
        &["Name: work, Action: Acme::Do, Properties: {v: '{{ v }}'}, Outputs: {y: {Type: Number, ValueSelector: y}}"],
    )
}

fn calls(tasks: &[&str]) -> Bench {
    Bench::run_with(&template(tasks), &[("Acme::Child", &child())], Started::default())
}

#[test]
fn null_given_to_a_child_is_not_given() {
    let bench =
        calls(&["Name: a, Action: Acme::Child, Properties: {v: {'Fn::If': [{'Fn::Equals': [1, 2]}, 1, null]}}"]);
    assert_eq!(bench.work("work").properties, params! { "v" => 7 });
}

#[test]
fn a_named_template_takes_no_notice_of_parameters_that_it_does_not_declare() {
    let properties = "{TemplateName: 'Acme::Child', Parameters: {v: '8', OOSAssumeRole: x}}";
    let bench = calls(&[&format!("Name: a, Action: ACS::Template, Properties: {properties}")]);
    assert_eq!(bench.work("work").properties, params! { "v" => 8 });
}

#[test]
fn an_output_that_the_child_does_not_declare_is_null() {
    let outputs = "Outputs: {y: {ValueSelector: y}, Y: {ValueSelector: Y}, l: {Type: List, ValueSelector: none}}";
    let mut bench =
        calls(&[&format!("Name: a, Action: Acme::Child, {}", outputs.replace(", Y: {ValueSelector: Y}", ""))]);
    bench.done("work", params! { "y" => 3 });
    assert_eq!(bench.task("a").outputs, json(r#"{"y": 3, "l": [null]}"#));
}

#[test]
fn outputs_read_raw_results_by_paths_and_by_undeclared_names() {
    let outputs = "Outputs: {id: {Value: '{{ a.RequestId }}'}, names: {Type: List, Value: '{{ a.Regions.Region[]?.LocalName }}'}, odd: {Value: '{{ a.x-y.2nd }}'}, none: {Value: '{{ a.Nothing }}'}, each: {Type: List, Value: '{{ l.[].RequestId }}'}}";
    let text = template_with(outputs, &[WORK, "Name: l, Action: Acme::Do, Loop: {Items: [1, 2]}"]);
    let mut bench = Bench::run(&text);
    bench.done(
        "a",
        json(
            r#"{"RequestId": "r", "Regions": {"Region": [{"LocalName": "p"}, {"LocalName": "q"}]}, "x-y": {"2nd": 5}}"#,
        ),
    );
    bench.done_item("l", 1, params! { "RequestId" => "s" }).done_item("l", 2, params! { "RequestId" => "t" });
    let expected = json(r#"{"id": "r", "names": ["p", "q"], "odd": 5, "none": null, "each": ["s", "t"]}"#);
    assert_eq!((bench.status(), bench.root().outputs), (Success, expected));
}
