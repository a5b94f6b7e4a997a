//! Children: named, written in place, computed.

use oos_core::{
    Value,
    analysis::{Does, DryRunOptions, PermissionOptions, link_computed, permissions_with, risks, wanted},
    machine::VerbRisk,
    params,
};

use crate::bed::{Linked, call, linked, linked_with, load, parameter, parent, tasks};

#[test]
fn children_are_explored_and_hand_their_outputs_up() {
    let run = parent().run(params! { "id" => "i-1" });
    let stop = &run.steps[0].body[0];
    assert_eq!(stop.calls()[0].action.as_deref(), Some("ecs:StopInstance"));
    assert_eq!(parameter(stop, "InstanceId").to_string(), r#""i-1""#);
    assert_eq!(parameter(&run.steps[1], "I").to_string(), r#""i-1""#);
    assert_eq!(parameter(&run.steps[1], "S").to_string(), "<child.state>");
    let Does::Child { role: Some(role), .. } = &run.steps[0].does else { panic!("{run}") };
    assert_eq!(role.to_string(), r#""Inner""#);
    assert_eq!(run.actions, ["ecs:ModifyX".into(), "ecs:StopInstance".into()]);
}

#[test]
fn children_of_children_end_at_the_step_budget() {
    let calls = |name: &str| {
        (0..30).map(|i| format!("- {{Name: t{i}, Action: 'ACS::Template', Properties: {{TemplateName: {name}, Parameters: {{p: '{i}{{{{ p }}}}'}}}}}}\n")).collect::<String>()
    };
    let head = "Parameters: {p: {Type: String}}";
    let level = |tasks: String| format!("{head}\nTasks:\n{tasks}");
    let texts: Vec<(String, String)> = (1..6)
        .map(|i| {
            let tasks = if i < 5 { calls(&format!("c{}", i + 1)) } else { call("x", "StopX", "") };
            (format!("c{i}"), level(tasks))
        })
        .collect();
    let children: Vec<(&str, &str)> = texts.iter().map(|(n, t)| (n.as_str(), t.as_str())).collect();
    let linked = linked_with(head, &calls("c1"), &children);
    let run = linked.run(Value::Null);
    let mut steps = 0;
    run.each_step(&mut |_| steps += 1);
    assert!(run.truncated && steps <= DryRunOptions::default().steps, "{steps}");
    assert_eq!(linked.permissions().actions(), ["ecs:StopX".into()]);
}

/// A child in place, whose `word` nothing outside has a say in.
fn in_place(content: &str) -> String {
    format!(
        "- Name: here\n  Action: ACS::Template\n  Properties:\n    Parameters: {{id: '{{{{ id }}}}'}}\n    TemplateContent: {content}\n  Outputs: {{state: {{Type: String, ValueSelector: .state}}}}\n"
    )
}

const CONTENT: &str = "
      FormatVersion: OOS-2019-06-01
      Parameters: {id: {Type: String}, word: {Type: String, Default: w}}
      RamRole: Inner
      Tasks:
      - Name: stop
        Action: ACS::ExecuteAPI
        Properties: {Service: ecs, API: StopInstance, Parameters: {InstanceId: '{{ id }}', W: '{{ word }}'}}
      - Name: open
        Action: ACS::ExecuteAPI
        Properties: {Service: ecs, API: '{{ id }}'}
      - Name: further
        Action: ACS::Template
        Properties: {TemplateName: leaf}
      Outputs: {state: {Type: String, Value: 'stopped {{ id }}'}}";

const LEAF: &str =
    "Tasks:\n- Name: drop\n  Action: ACS::ExecuteAPI\n  Properties: {Service: RDS, API: DeleteDBInstance}\n";

fn with_content(content: &str) -> Linked {
    let after = call("after", "ModifyX", "Parameters: {S: '{{ here.state }}'}");
    linked_with("Parameters: {id: {Type: String}}", &(in_place(content) + &after), &[("leaf", LEAF)])
}

/// The content as JSON text.
fn as_text() -> String {
    let json = r#"{"FormatVersion": "OOS-2019-06-01", "Parameters": {"id": {"Type": "String"}, "word": {"Type": "String", "Default": "w"}},
        "RamRole": "Inner", "Tasks": [
        {"Name": "stop", "Action": "ACS::ExecuteAPI", "Properties": {"Service": "ecs", "API": "StopInstance", "Parameters": {"InstanceId": "{{ id }}", "W": "{{ word }}"}}},
        {"Name": "open", "Action": "ACS::ExecuteAPI", "Properties": {"Service": "ecs", "API": "{{ id }}"}},
        {"Name": "further", "Action": "ACS::Template", "Properties": {"TemplateName": "leaf"}}],
        "Outputs": {"state": {"Type": "String", "Value": "stopped {{ id }}"}}}"#;
    format!("'{json}'")
}

#[test]
fn a_template_in_place_is_explored_like_a_named_one() {
    for (content, line) in [(CONTENT.to_owned(), ":18"), (as_text(), "")] {
        let linked = with_content(&content);
        let run = linked.run(params! { "id" => "i-1" });
        let here = &run.steps[0];
        assert_eq!(tasks(&here.body), ["stop", "open", "further"], "{run}");
        assert_eq!(parameter(&here.body[0], "InstanceId").to_string(), r#""i-1""#);
        assert_eq!(parameter(&here.body[0], "W").to_string(), r#""w""#);
        assert_eq!(parameter(&run.steps[1], "S").to_string(), r#""stopped i-1""#);
        let Does::Child { template, role: Some(role), unexplored: None } = &here.does else { panic!("{run}") };
        assert_eq!((template.is_null(), role.to_string().as_str()), (true, r#""Inner""#));
        assert!(run.to_string().contains("runs the template written in place\n"), "{run}");
        assert!(run.actions.contains(&"rds:DeleteDBInstance".into()), "{run}");

        let found = linked.permissions();
        assert_eq!(found.actions(), ["ecs:ModifyX", "ecs:StopInstance", "rds:DeleteDBInstance"].map(Into::into));
        let unresolved: Vec<_> = found.unresolved.iter().map(ToString::to_string).collect();
        assert_eq!(unresolved, [format!("root{line}: task `open`: API `{{{{ id }}}}`")]);
        assert_eq!(found.roles.len(), 1, "{found}");
        let risky = risks(&linked.0, &linked.1, &VerbRisk);
        let shown: Vec<_> = risky.tasks.iter().map(|t| format!("{} of {}", t.api, t.templates[0])).collect();
        assert_eq!(shown, ["StopInstance of root", "DeleteDBInstance of leaf"]);
    }
}

#[test]
fn a_template_that_an_expression_gives_is_an_unknown_child() {
    for content in ["'{{ id }}'", "{Fn::Select: [0, ['{{ id }}']]}"] {
        let linked = with_content(content);
        let run = linked.run(Value::Null);
        let Does::Child { unexplored: Some(why), .. } = &run.steps[0].does else { panic!("{run}") };
        assert!(why.starts_with("its text is what `") && why.contains("{{ id }}"), "{why}");
        let found = linked.permissions();
        assert_eq!((found.unresolved.len(), found.unresolved[0].property), (1, "TemplateContent"), "{found}");
        assert_eq!(risks(&linked.0, &linked.1, &VerbRisk).unresolved.len(), 1);
    }
}

#[test]
fn templates_in_place_within_each_other_end_at_the_depth() {
    let leaf = r#"{"FormatVersion": "OOS-2019-06-01", "Tasks": [{"Name": "x", "Action": "ACS::ExecuteAPI", "Properties": {"Service": "ECS", "API": "StopX"}}]}"#;
    let nested = (0..12).fold(leaf.to_owned(), |inner, i| {
        format!(
            r#"{{"FormatVersion": "OOS-2019-06-01", "Tasks": [{{"Name": "t{i}", "Action": "ACS::Template", "Properties": {{"TemplateContent": {inner}}}}}]}}"#
        )
    });
    let linked =
        linked("", &format!("- {{Name: top, Action: 'ACS::Template', Properties: {{TemplateContent: {nested}}}}}"));
    let found = linked.permissions();
    assert_eq!((found.actions().len(), found.unresolved.len()), (0, 1), "{found}");
    assert!(found.unresolved[0].text.ends_with("is nested too deep"), "{found}");
    let run = linked.run(Value::Null);
    assert!(run.to_string().contains("it is nested too deep"), "{run}");
}

/// Goes on with a child that a parameter names: `a` names `b`, `b` names itself with a longer name, and so on.
const NEXT: &str = "Parameters: {next: {Type: String}, then: {Type: String, Default: none}}
Tasks:
- Name: call
  Action: ACS::ExecuteAPI
  Properties: {Service: ECS, API: 'Stop{{ next }}'}
- Name: on
  Action: ACS::Template
  Properties: {TemplateName: '{{ next }}', Parameters: {next: '{{ then }}'}}
";

#[test]
fn children_whose_names_parameters_decide_are_followed() {
    let beside = [("one", NEXT), ("two", NEXT), ("leaf", LEAF)];
    let text = NEXT.split_once("Tasks:\n").unwrap().1;
    let mut linked =
        linked_with("Parameters: {next: {Type: String}, then: {Type: String, Default: two}}", text, &beside);
    let options =
        |next: &str| PermissionOptions { parameters: params! { "next" => next }, ..PermissionOptions::default() };
    let names = |wanted: Vec<(oos_core::TemplateName, Option<std::sync::Arc<str>>)>| {
        wanted.iter().map(|(name, _)| name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(names(wanted(&linked.0, &linked.1, &PermissionOptions::default())), [] as [&str; 0]);
    assert_eq!(names(wanted(&linked.0, &linked.1, &options("one"))), ["one"]);

    link_computed(&linked.0, &mut linked.1, &options("one"), 10, &mut load(&beside));
    let found = permissions_with(&linked.0, &linked.1, &options("one"));
    assert_eq!(found.actions(), ["ecs:Stopnone", "ecs:Stopone", "ecs:Stoptwo"].map(Into::into), "{found}");
    assert_eq!(found.unresolved.len(), 1, "{found}");
    assert!(found.unresolved[0].to_string().ends_with("TemplateName `none` is not at hand"), "{found}");
    let run = linked.run(params! { "next" => "one" });
    assert_eq!(tasks(&run.steps[1].body[1].body), ["call", "on"], "{run}");
    // As the service does, nothing is followed without values.
    assert_eq!(linked.permissions().unresolved.len(), 2);
}

#[test]
fn a_template_that_computes_its_own_name_ends_at_the_depth() {
    let own = "Parameters: {n: {Type: String}}\nTasks:\n- Name: again\n  Action: ACS::Template\n  Properties: {TemplateName: 'me{{ n }}', Parameters: {n: 'x{{ n }}'}}\n";
    let names: Vec<String> = (0..30).map(|i| format!("me{}", "x".repeat(i))).collect();
    let beside: Vec<(&str, &str)> = names.iter().map(|n| (n.as_str(), own)).collect();
    let text = own.split_once("Tasks:\n").unwrap().1;
    let mut linked = linked_with("Parameters: {n: {Type: String}}", text, &beside);
    let options = PermissionOptions { parameters: params! { "n" => "x" }, ..PermissionOptions::default() };
    link_computed(&linked.0, &mut linked.1, &options, 10, &mut load(&beside));
    assert!(linked.1.iter().count() <= 10);
    let found = permissions_with(&linked.0, &linked.1, &options);
    assert!(found.unresolved.iter().any(|u| u.text.contains("too deep") || u.text.contains("not at hand")), "{found}");
}
