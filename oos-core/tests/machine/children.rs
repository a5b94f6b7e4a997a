//! Children: product actions and `ACS::Template` (template-language 8, machine.md 6).

use oos_core::{
    Limits, Value,
    machine::{ExecutionStatus::*, SignalKind, SignalTarget, Started, TaskStatus},
    params,
};

use crate::support::{Bench, json, template, template_with};

fn child() -> String {
    template_with(
        "Parameters: {x: {Type: Number, Default: 1}}\nOutputs: {y: {Type: Number, Value: '{{ work.v }}'}}",
        &["Name: work, Action: Acme::Do, Properties: {x: '{{ x }}'}, Outputs: {v: {Type: Number, ValueSelector: v}}"],
    )
}

fn run(tasks: &[&str]) -> Bench {
    Bench::run_with(&template(tasks), &[("Acme::Child", &child())], Started::default())
}

const OUTPUTS: &str = "Outputs: {y: {Type: Number, ValueSelector: y}, none: {Type: Json, ValueSelector: none}}";

#[test]
fn properties_are_the_parameters_and_outputs_are_the_document() {
    let mut bench = run(&[&format!("Name: a, Action: Acme::Child, Properties: {{x: 5}}, {OUTPUTS}")]);
    assert_eq!(bench.work("work").properties, params! { "x" => 5 });
    assert_eq!(bench.below()[0].id.as_str(), "exec-00112233445566aa.0001");
    bench.done("work", params! { "v" => 7 });
    assert_eq!((bench.status(), bench.task("a").outputs), (Success, params! { "y" => 7, "none" => Value::Null }));
    assert!(bench.below().is_empty(), "an ended child is dropped");
}

#[test]
fn the_failure_text_goes_up_and_the_outputs_do_not() {
    let mut bench = run(&[&format!("Name: a, Action: Acme::Child, {OUTPUTS}")]);
    bench.fail("work");
    assert_eq!((bench.status(), bench.message()), (Failed, "Broken: it broke".to_owned()));
    assert_eq!(bench.task("a").outputs, Value::Null);
}

#[test]
fn a_cancelled_child_cancels_its_task_and_is_an_error_of_a_loop() {
    let to = |bench: &Bench| SignalTarget { path: bench.below()[0].path.clone(), ..SignalTarget::default() };
    let mut bench = run(&["Name: a, Action: Acme::Child, OnError: b", "Name: b, Action: Acme::Do"]);
    let target = to(&bench);
    bench.send("tester", target, SignalKind::Cancel).unwrap();
    bench.report_stopped();
    assert_eq!((bench.status(), bench.task("a").status), (Cancelled, TaskStatus::Cancelled), "OnError never sees it");
    for (max, status) in [(0, Failed), (1, Success)] {
        let task = format!(
            "Name: a, Action: Acme::Child, Loop: {{Items: [1], RateControl: {{Mode: Concurrency, MaxErrors: {max}}}}}"
        );
        let mut bench = run(&[&task]);
        let target = to(&bench);
        bench.send("tester", target, SignalKind::Cancel).unwrap();
        bench.report_stopped();
        assert_eq!(bench.status(), status);
    }
}

#[test]
fn each_item_has_a_child_of_its_own() {
    let mut bench = run(&[
        "Name: a, Action: Acme::Child, Properties: {x: '{{ ACS::TaskLoopItem }}'}, Outputs: {y: {Type: Number, ValueSelector: y}}, Loop: {Items: [4, 5], RateControl: {Mode: Concurrency, Concurrency: 2}, Outputs: {ys: {AggregateType: 'Fn::ListJoin', AggregateField: y}}}",
    ]);
    let ids: Vec<_> = bench.below().iter().map(|r| r.id.to_string()).collect();
    assert_eq!(ids, ["exec-00112233445566aa.0001.0001", "exec-00112233445566aa.0001.0002"]);
    bench.done_item("a", 2, params! { "v" => 50 }).done_item("a", 1, params! { "v" => 40 });
    assert_eq!(bench.task("a").outputs.at(&["ys"]), &json(r#"[40, 50]"#));
}

#[test]
fn a_second_run_of_a_child_has_an_id_of_its_own() {
    let mut bench = run(&["Name: a, Action: Acme::Child", "Name: b, Action: Acme::Do, OnSuccess: a"]);
    bench.done("work", params! {}).done("b", Value::Null);
    assert_eq!(bench.below()[0].id.as_str(), "exec-00112233445566aa.0001-2");
}

#[test]
fn a_waiting_child_makes_its_parent_wait() {
    let hold = template(&["Name: hold, Action: ACS::Pause"]);
    let mut bench =
        Bench::run_with(&template(&["Name: a, Action: Acme::Hold"]), &[("Acme::Hold", &hold)], Started::default());
    assert_eq!(bench.status(), Waiting);
    bench.approve("anybody").unwrap();
    assert_eq!(bench.status(), Success);
}

#[test]
fn a_computed_name_is_asked_for_and_may_not_recur() {
    let by_name = "Name: a, Action: ACS::Template, Properties: {TemplateName: {'Fn::Join': ['', ['Acme::', Child]]}, Parameters: {x: 3, other: 9}}, Outputs: {y: {Type: Number, ValueSelector: y}}";
    let mut bench = run(&[by_name]);
    assert_eq!(bench.links.len(), 1);
    bench.linked();
    assert_eq!(bench.below()[0].parameters, params! { "x" => 3 }, "names that the child does not declare are dropped");
    bench.done("work", params! { "v" => 2 });
    assert_eq!(bench.task("a").outputs, params! { "y" => 2 });
    let again = "Name: a, Action: ACS::Template, Properties: {TemplateName: {'Fn::Join': ['', ['Acme::', Self]]}}";
    let text = template(&[again]);
    let mut bench = Bench::run_with(&text, &[("Acme::Self", &text)], Started::default());
    bench.linked();
    assert_eq!(bench.status(), Failed);
    assert!(bench.message().starts_with("InvalidTemplate.Recursion"), "{}", bench.message());
}

#[test]
fn a_product_action_refuses_names_that_it_does_not_declare() {
    let bench = run(&["Name: a, Action: Acme::Child, Properties: {X: 5}"]);
    assert_eq!(bench.below()[0].parameters, params! { "x" => 5 }, "case is tolerated");
}

#[test]
fn templates_are_nested_no_deeper_than_the_limit() {
    let mut limits = Limits::default();
    limits.template_depth = 3;
    let leaf = template(&["Name: work, Action: Acme::Do"]);
    let calls = |name: &str| {
        template(&[&format!(
            "Name: call, Action: ACS::Template, Properties: {{TemplateName: {{'Fn::Join': ['', ['{name}']]}}}}"
        )])
    };
    let (two, one) = (calls("Leaf"), calls("Two"));
    for (root, status) in [(calls("Two"), Running), (calls("One"), Failed)] {
        let mut bench = Bench::idle(&root, &[("Leaf", &leaf), ("Two", &two), ("One", &one)], limits.clone());
        bench.start(Started::default());
        while !bench.links.is_empty() {
            bench.linked();
        }
        assert_eq!(bench.status(), status, "{}", bench.message());
        if status == Failed {
            assert!(bench.message().starts_with("LimitExceeded.Depth"), "{}", bench.message());
        }
    }
}

#[test]
fn a_template_with_a_trigger_cannot_be_a_child() {
    let trigger = template(&[
        "Name: t, Action: ACS::TimerTrigger, Properties: {Type: rate, Expression: 1 hour, EndDate: '2027-01-01T00:00:00Z'}",
        "Name: b, Action: Acme::Do",
    ]);
    let bench =
        Bench::run_with(&template(&["Name: a, Action: Acme::Timed"]), &[("Acme::Timed", &trigger)], Started::default());
    assert_eq!(bench.status(), Failed);
}

#[test]
fn the_role_goes_down_unless_the_child_names_its_own() {
    let own = template_with("RamRole: 'child-role'", &["Name: work, Action: Acme::Do"]);
    let text = template_with("RamRole: 'root-role'", &["Name: a, Action: Acme::Child", "Name: b, Action: Acme::Own"]);
    let mut bench = Bench::run_with(&text, &[("Acme::Child", &child()), ("Acme::Own", &own)], Started::default());
    assert_eq!(&*bench.work("work").role, "root-role");
    bench.done("work", params! {});
    assert_eq!(&*bench.work("work").role, "child-role");
}
