//! Analysis of plans over small actions of its own; `oos-actions` runs it over the real ones.

#![cfg(feature = "catalogue")]
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::{fmt::Write as _, sync::Arc};

use async_trait::async_trait;
use oos_core::{
    ActionName, Template, TemplateName, Timestamp, Value,
    analysis::{
        Does, DryRun, DryRunOptions, OnFailure, PermissionOptions, Permissions, Policy, Reach, Step, Symbolic, dry_run,
        permissions, permissions_with, risks, used,
    },
    machine::{RiskPolicy, VerbRisk},
    params,
    plan::{Environment, LinkError, Plan, PlanSet},
    ports::{
        Action, ActionContext, ActionError, ControlAction, ControlContext, ControlEvent, Decision, Outcome,
        action::{ActionClass, RetryRule, Signature},
        control::ControlError,
    },
    registry::ActionRegistry,
};

/// An action that must not run.
#[derive(Debug)]
struct Never(ActionName, Signature);

impl Never {
    fn new(name: &str, change: impl FnOnce(Signature) -> Signature) -> Self {
        let name = ActionName::new(name);
        Self(name.clone(), change(Signature { class: ActionClass::Api, ..Signature::open(name) }))
    }
}

#[async_trait]
impl Action for Never {
    fn name(&self) -> &ActionName {
        &self.0
    }
    async fn run(&self, _: ActionContext) -> Result<Outcome, ActionError> {
        panic!("an analysis runs nothing")
    }
    fn signature(&self) -> Signature {
        self.1.clone()
    }
}

impl ControlAction for Never {
    fn name(&self) -> &ActionName {
        &self.0
    }
    fn signature(&self) -> Signature {
        self.1.clone()
    }
    fn decide(&self, _: &ControlContext<'_>, _: &ControlEvent) -> Result<Decision, ControlError> {
        panic!("an analysis decides nothing")
    }
}

fn registry() -> ActionRegistry {
    let api = |retries| {
        move |s: Signature| Signature { calls_api: true, retry: RetryRule::Task { default_retries: retries }, ..s }
    };
    let control = |class| move |s: Signature| Signature { class, ..s };
    ActionRegistry::new()
        .with(Never::new("ACS::ExecuteAPI", api(0)))
        .with(Never::new("ACS::WaitFor", api(10)))
        .with(Never::new("ACS::SelectTargets", |s| s))
        .with(Never::new("Acme::Page", control(ActionClass::Custom)))
        .with_control(Never::new("ACS::Sleep", control(ActionClass::Control)))
        .with_control(Never::new("ACS::Loop", control(ActionClass::Control)))
        .with_control(Never::new("ACS::Template", control(ActionClass::Embedded)))
        .with_control(Never::new("ACS::Choice", |s| Signature {
            class: ActionClass::Control,
            lazy: vec!["Choices"],
            ..s
        }))
}

struct Linked(Plan, PlanSet);

/// Compiles `tasks` behind a head, and links children that stand beside it.
fn linked_with(head: &str, tasks: &str, children: &[(&str, &str)]) -> Linked {
    let environment = Environment::new(Arc::new(registry()));
    let compile = |name: &str, text: &str| {
        let template = Template::parse(text).unwrap_or_else(|e| panic!("{name}: {e}"));
        let plan = Plan::compile(&template, &environment).unwrap_or_else(|e| panic!("{name}: {e}"));
        Plan { name: Some(TemplateName::new(name)), ..plan }
    };
    let text = format!("FormatVersion: OOS-2019-06-01\n{head}\nTasks:\n{tasks}");
    let plan = compile("root", &text);
    let plans = PlanSet::link(&plan, 10, &mut |name, _| {
        let found = children.iter().find(|(n, _)| *n == name.as_str());
        let (_, text) = found.ok_or_else(|| LinkError::Missing { name: name.clone() })?;
        Ok(Arc::new(compile(name.as_str(), &format!("FormatVersion: OOS-2019-06-01\n{text}"))))
    });
    Linked(plan, plans.unwrap())
}

fn linked(head: &str, tasks: &str) -> Linked {
    linked_with(head, tasks, &[])
}

impl Linked {
    fn run(&self, parameters: Value) -> DryRun {
        self.run_with(parameters, &DryRunOptions::default())
    }
    fn run_with(&self, parameters: Value, options: &DryRunOptions) -> DryRun {
        dry_run(&self.0, &self.1, &parameters, options)
    }
    fn permissions(&self) -> Permissions {
        permissions(&self.0, &self.1)
    }
}

/// A call whose parameter `P` is an expression.
fn call(name: &str, api: &str, more: &str) -> String {
    format!("- Name: {name}\n  Action: ACS::ExecuteAPI\n  Properties: {{Service: ECS, API: {api}, {more}}}\n")
}

fn tasks(steps: &[Step]) -> Vec<String> {
    let mark = |s: &Step| match &s.reach {
        Reach::Always => s.task.to_string(),
        Reach::Maybe(_) => format!("{}?", s.task),
        Reach::AfterFailure(_) => format!("{}!", s.task),
    };
    steps.iter().map(mark).collect()
}

fn parameter<'s>(step: &'s Step, name: &str) -> &'s Symbolic {
    let parameters = &step.calls()[0].parameters;
    &parameters.iter().find(|(n, _)| &**n == name).unwrap_or_else(|| panic!("{parameters:?}")).1
}

/// What the expression of the second task becomes when the first task's outputs are not known.
fn evaluated(expression: &str) -> String {
    let first = call("look", "DescribeInstances", "").trim_end().to_owned()
        + "\n  Outputs: {id: {Type: String, ValueSelector: .id}, list: {Type: List, ValueSelector: '.l[]'}}\n";
    let second = call("use", "ModifyX", &format!("Parameters: {{P: {expression}}}"));
    let head = "Parameters: {known: {Type: String, Default: a}, open: {Type: String}}";
    let run = linked(head, &(first + &second)).run(Value::Null);
    match run.steps[1].failure.clone() {
        Some(failure) => format!("fails: {failure}"),
        None => parameter(&run.steps[1], "P").to_string(),
    }
}

#[test]
fn unknowns_flow_through_expressions() {
    for (expression, expected) in [
        ("'{{ known }}'", r#""a""#),
        ("'{{ open }}'", "<open>"),
        ("'{{ look.id }}'", "<look.id>"),
        ("'x-{{ look.id }}-{{ known }}'", r#""x-<look.id>-a""#),
        ("['{{ known }}', '{{ look.id }}']", r#"["a",<look.id>]"#),
        ("{Fn::If: [{Fn::Equals: ['{{ known }}', a]}, yes, '{{ look.id }}']}", r#""yes""#),
        ("{Fn::If: [{Fn::Equals: ['{{ look.id }}', a]}, same, same]}", r#""same""#),
        ("{Fn::And: [{Fn::Equals: ['{{ look.id }}', a]}, {Fn::Equals: [a, b]}]}", "false"),
        ("{Fn::Or: [{Fn::Equals: ['{{ look.id }}', a]}, {Fn::Equals: [a, a]}]}", "true"),
        ("{Fn::Equals: ['{{ look.id }}', a]}", "<Fn::Equals of look.id>"),
        ("{Fn::Select: [1, ['{{ look.id }}', b]]}", r#""b""#),
        ("{Fn::Select: [k, {k: 1, l: '{{ look.id }}'}]}", "1"),
        ("{Fn::Select: ['{{ look.id }}', [a, b]]}", "<Fn::Select of look.id>"),
        ("{Fn::Join: ['/', [a, '{{ look.id }}']]}", r#""a/<look.id>""#),
        ("{Fn::Replace: [{'{{ known }}': z}, banana]}", r#""bznznz""#),
        ("{Fn::CalculateTimeByOpsWindow: ['01:00:00Z', '02:00:00Z']}", "<Fn::CalculateTimeByOpsWindow>"),
        ("'{{ ACS::RegionId }} {{ oos:greeting }}'", r#""<ACS::RegionId> <oos:greeting>""#),
        ("'{{ oos-secret:word }}'", r#""{{oos-secret:word}}""#),
        ("{Fn::Select: [0, '{{ known }}']}", "fails: `Fn::Select`: needs a list or map, not a value of type String"),
        ("{Fn::If: ['{{ look.id }}', {Fn::Select: [0, '{{ known }}']}, a]}", "<Fn::If>"),
    ] {
        assert_eq!(evaluated(expression), expected, "{expression}");
    }
}

#[test]
fn options_make_variables_and_time_known() {
    let task =
        call("a", "ModifyX", "Parameters: {R: '{{ ACS::RegionId }}', T: '{{ ACS::CurrentUTCTime }}', D: '{{ d }}'}");
    let linked = linked("Parameters: {d: {Type: String, Default: x}}", &task);
    let options = DryRunOptions {
        variables: params! { "RegionId" => "cn-beijing" },
        now: Some(Timestamp::parse("2024-03-01T00:00:00Z").unwrap()),
        defaults: false,
        ..DryRunOptions::default()
    };
    let run = linked.run_with(Value::Null, &options);
    let shown = ["R", "T", "D"].map(|name| parameter(&run.steps[0], name).to_string());
    assert_eq!(shown, [r#""cn-beijing""#, r#""2024-03-01T00:00:00Z""#, "<d>"]);
}

const CHOICE: &str = "- Name: decide
  Action: ACS::Choice
  Properties:
    DefaultTask: small
    Choices:
    - {When: {Fn::Equals: ['{{ size }}', never]}, NextTask: ACS::END}
    - {When: {Fn::Equals: ['{{ size }}', '{{ look.id }}']}, NextTask: large}
";

fn branching() -> Linked {
    let look =
        call("look", "DescribeX", "").trim_end().to_owned() + "\n  Outputs: {id: {Type: String, ValueSelector: .id}}\n";
    let branch = |name: &str| {
        call(name, "ModifyX", "") + "  OnSuccess: meet\n  Outputs: {v: {Type: String, ValueSelector: .v}}\n"
    };
    let meet = call("meet", "ModifyX", "Parameters: {L: '{{ large.v }}', S: '{{ look.id }}'}");
    linked(
        "Parameters: {size: {Type: String}}",
        &[look, CHOICE.to_owned(), branch("large"), branch("small"), meet].concat(),
    )
}

#[test]
fn both_ways_of_an_open_choice_are_explored_and_meet() {
    let run = branching().run(params! { "size" => "big" });
    assert_eq!(tasks(&run.steps), ["look", "decide", "large?", "small?", "meet"]);
    assert_eq!(run.steps[1].branches.len(), 2);
    let Reach::Maybe(why) = &run.steps[2].reach else { panic!("{run}") };
    assert_eq!(&*why[0], r#"choice 2 of decide: Fn::Equals({{ size }}, {{ look.id }})"#);
    // One way gave a value, the other null.
    assert_eq!(parameter(&run.steps[4], "L").to_string(), "<large.v>");
}

#[test]
fn a_choice_that_can_be_decided_leaves_out_the_rest() {
    let run = branching().run(params! { "size" => "never" });
    assert_eq!(tasks(&run.steps), ["look", "decide"]);
    assert_eq!(run.steps[1].does, Does::Chooses(Some("ACS::END".into())));
    assert!(run.steps[1].branches.is_empty());
}

#[test]
fn a_jump_back_is_followed_until_nothing_new_comes() {
    let text = call("look", "DescribeX", "").trim_end().to_owned()
        + "\n  Outputs: {id: {Type: String, ValueSelector: .id}}\n- Name: again
  Action: ACS::Choice
  Properties:
    DefaultTask: ACS::NEXT
    Choices: [{When: {Fn::Equals: ['{{ look.id }}', more]}, NextTask: look}]\n"
        + &call("done", "ModifyX", "");
    let linked = linked("", &text);
    let run = linked.run(Value::Null);
    assert_eq!(tasks(&run.steps), ["look", "again", "look?", "again?", "done"]);
    let once = DryRunOptions { visits: 1, ..DryRunOptions::default() };
    assert_eq!(tasks(&linked.run_with(Value::Null, &once).steps), ["look", "again", "done"]);
    assert!(run.to_string().contains("again as in step 1"), "{run}");
}

#[test]
fn an_endless_jump_ends_the_analysis() {
    let text = call("a", "ModifyX", "") + "  OnSuccess: b\n" + &call("b", "ModifyX", "") + "  OnSuccess: a\n";
    assert_eq!(tasks(&linked("", &text).run(Value::Null).steps), ["a", "b", "a", "b"]);
}

#[test]
fn an_open_condition_leaves_the_task_open_and_its_outputs_too() {
    let text = call("look", "DescribeX", "").trim_end().to_owned()
        + "\n  When: {Fn::Equals: ['{{ go }}', yes]}\n  Outputs: {id: {Type: String, ValueSelector: .id}}\n"
        + &call("use", "ModifyX", "Parameters: {P: '{{ look.id }}'}");
    let linked = linked("Parameters: {go: {Type: String}}", &text);
    let run = linked.run(Value::Null);
    assert_eq!(tasks(&run.steps), ["look", "use"]);
    assert_eq!(run.steps[0].when.as_deref(), Some(r#"Fn::Equals({{ go }}, "yes")"#));
    let skipped = linked.run(params! { "go" => "no" });
    assert_eq!(skipped.steps[0].does, Does::Nothing("When is false".into()));
    // A member that is null is not sent.
    assert!(skipped.steps[1].calls()[0].parameters.is_empty());
}

#[test]
fn handlers_come_last_with_what_was_known_before_the_failure() {
    let text = call("make", "CreateX", "")
        + "  OnError: clean\n"
        + &call("wait", "ModifyX", "")
        + "  OnError: clean\n  OnSuccess: ACS::END\n"
        + &call("clean", "DeleteX", "Parameters: {P: '{{ p }}'}");
    let run = linked("Parameters: {p: {Type: String}}", &text).run(params! { "p" => 1 });
    assert_eq!(tasks(&run.steps), ["make", "wait", "clean!"]);
    assert_eq!(run.steps[0].on_error, Some(OnFailure::Task("clean".into())));
    assert_eq!(run.steps[2].reach, Reach::AfterFailure(vec!["make".into(), "wait".into()]));
    assert_eq!(parameter(&run.steps[2], "P").to_string(), r#""1""#);
    assert!(run.steps[2].calls()[0].high_risk);
}

#[test]
fn a_certain_failure_goes_where_failures_go() {
    let (head, bad) = ("Parameters: {p: {Type: String, Default: x}}", "Parameters: {P: {Fn::Select: [0, '{{ p }}']}}");
    let end = linked(head, &(call("a", "ModifyX", bad) + &call("b", "ModifyX", ""))).run(Value::Null);
    assert_eq!(tasks(&end.steps), ["a"]);
    assert!(end.failure.as_deref().unwrap().contains("Fn::Select"), "{end}");
    let on = linked(head, &(call("a", "ModifyX", bad) + "  OnError: ACS::NEXT\n" + &call("b", "ModifyX", "")));
    assert_eq!(tasks(&on.run(Value::Null).steps), ["a", "b"]);
}

#[test]
fn loops_tell_their_fan_out_and_hand_on_the_number_of_results() {
    let looped = |name: &str, items: &str, rate: &str| {
        call(name, "ModifyX", "Parameters: {P: '{{ ACS::TaskLoopItem }}'}").trim_end().to_owned()
            + &format!(
                "\n  Outputs: {{v: {{Type: String, ValueSelector: .v}}}}\n  Loop: {{Items: {items}, RateControl: {rate}}}\n"
            )
    };
    let text = looped("a", "'{{ ids }}'", "{Mode: Batch, Batch: [1, 50%], ConcurrencyInBatches: [1, 3]}")
        + &looped("b", "'{{ a.v }}'", "{Mode: Concurrency, Concurrency: 50%}")
        + &looped("c", "'{{ open }}'", "{Mode: Concurrency, Concurrency: 4, MaxErrors: 2}")
        + &looped("d", "'{{ open }}'", "{Mode: Concurrency, Concurrency: 50%}")
        + &looped("e", "[]", "{Mode: Concurrency, Concurrency: 1}");
    let linked = linked("Parameters: {ids: {Type: List}, open: {Type: List}}", &text);
    let run = linked.run(params! { "ids" => ["x", "y", "z", "w"] });
    let fan = |i: usize| run.steps[i].fan_out.clone().unwrap();
    assert_eq!((fan(0).items, fan(0).windows, fan(0).batches), (Some(4), vec![1, 2, 1], vec![1, 2, 1]));
    assert_eq!((fan(1).items, fan(1).windows), (Some(4), vec![2]));
    assert_eq!((fan(2).items, fan(2).windows, fan(2).max_errors), (None, vec![4], Some(2)));
    assert_eq!((fan(3).items, fan(3).windows.len(), fan(3).rate_control.is_some()), (None, 0, true));
    assert_eq!((fan(4).items, &run.steps[4].does), (Some(0), &Does::Nothing("the loop has no items".into())));
    assert_eq!(parameter(&run.steps[0], "P").to_string(), "<item>");
    let one = linked.run(params! { "ids" => ["x"] });
    assert_eq!(parameter(&one.steps[0], "P").to_string(), r#""x""#);
}

#[test]
fn too_many_items_fail() {
    let text = call("a", "ModifyX", "").trim_end().to_owned() + "\n  Loop: {Items: '{{ ids }}'}\n";
    let ids: Vec<i64> = (0..1_001).collect();
    let run = linked("Parameters: {ids: {Type: List}}", &text).run(params! { "ids" => ids });
    assert_eq!(run.failure.as_deref(), Some("the loop has 1001 items, at most 1000 are allowed"));
}

#[test]
fn tasks_of_a_loop_see_the_template_around_them() {
    let inner = call("in", "ModifyX", "Parameters: {P: '{{ p }}', I: '{{ ACS::TaskLoopItem }}', O: '{{ out.v }}'}")
        .trim_end()
        .to_owned()
        + "\n  Outputs: {w: {Type: String, ValueSelector: .w}}\n";
    let indented = inner.lines().fold(String::new(), |mut all, line| {
        writeln!(all, "    {line}").unwrap();
        all
    });
    let text = call("out", "DescribeX", "").trim_end().to_owned()
        + "\n  Outputs: {v: {Type: String, ValueSelector: .v}}\n"
        + "- Name: each\n  Action: ACS::Loop\n  Properties:\n    LoopItems: [1, 1]\n    LoopTasks:\n"
        + &indented
        + "  Outputs: {ws: {Type: List, ValueSelector: '{{ in.w }}'}}\n";
    let run = linked("Parameters: {p: {Type: String}}\nOutputs: {ws: {Type: List, Value: '{{ each.ws }}'}}", &text)
        .run(params! { "p" => "q" });
    let step = &run.steps[1].body[0];
    let shown = ["P", "I", "O"].map(|name| parameter(step, name).to_string());
    assert_eq!(shown, [r#""q""#, "1", "<out.v>"]);
    assert_eq!(run.outputs[0].1.to_string(), "[<in.w>,<in.w>]");
}

const CHILD: &str = "Parameters:
  service: {Type: String}
  id: {Type: String}
  api: {Type: String, Default: StopInstance}
RamRole: Inner
Tasks:
- Name: stop
  Action: ACS::ExecuteAPI
  Properties: {Service: '{{ service }}', API: '{{ api }}', Parameters: {InstanceId: '{{ id }}'}}
  Outputs: {state: {Type: String, ValueSelector: .State}}
Outputs:
  id: {Type: String, Value: '{{ id }}'}
  state: {Type: String, Value: '{{ stop.state }}'}
";

fn parent() -> Linked {
    let text = "- Name: child
  Action: ACS::Template
  Properties:
    TemplateName: child
    Parameters: {service: ecs, id: '{{ id }}'}
  Outputs:
    id: {Type: String, ValueSelector: id}
    state: {Type: String, ValueSelector: .state}
";
    let after = call("after", "ModifyX", "Parameters: {I: '{{ child.id }}', S: '{{ child.state }}'}");
    linked_with("Parameters: {id: {Type: String}}", &(text.to_owned() + &after), &[("child", CHILD)])
}

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
fn what_a_parent_passes_literally_is_known_in_the_child() {
    let found = parent().permissions();
    assert_eq!(found.actions(), ["ecs:ModifyX".into(), "ecs:StopInstance".into()]);
    assert!(found.unresolved.is_empty(), "{found}");
    assert_eq!(&*found.caller_policy().statements[0].resources[0], "acs:ram::*:role/inner");
}

#[test]
fn resources_are_named_where_parameters_name_them() {
    let linked = parent();
    let options =
        |id: Value| PermissionOptions { parameters: params! { "id" => id }, resources: true, variables: Value::Null };
    let found = permissions_with(&linked.0, &linked.1, &options("i-1".into()));
    let text = found.policy().to_string();
    assert!(
        text.contains(r#"{"Action":["ecs:StopInstance"],"Resource":"acs:ecs:*:*:instance/i-1","Effect":"Allow"}"#),
        "{text}"
    );
    let without = PermissionOptions { resources: true, ..PermissionOptions::default() };
    let open = permissions_with(&linked.0, &linked.1, &without);
    assert!(open.statements.iter().all(|s| s.resources == ["*".into()]), "{open}");
    // A policy for one instance is not enough for any instance.
    let coverage = open.covered_by(&found.policy());
    assert_eq!((coverage.partial.len(), coverage.missing.len()), (1, 0));
}

#[test]
fn known_items_name_one_resource_each() {
    let text = call("a", "StopInstance", "Parameters: {InstanceId: '{{ ACS::TaskLoopItem }}', RegionId: r}")
        .trim_end()
        .to_owned()
        + "\n  Loop: {Items: '{{ ids }}'}\n";
    let linked = linked("Parameters: {ids: {Type: List}}", &text);
    let options =
        PermissionOptions { parameters: params! { "ids" => ["i-1", "i-2"] }, resources: true, variables: Value::Null };
    let found = permissions_with(&linked.0, &linked.1, &options);
    let needs: Vec<_> = found.needs().iter().map(|n| n.resource.to_string()).collect();
    assert_eq!(needs, ["acs:ecs:r:*:instance/i-1", "acs:ecs:r:*:instance/i-2"]);
}

#[test]
fn computed_names_are_unresolved_with_their_lines() {
    let text = "- Name: a
  Action: ACS::ExecuteAPI
  Properties:
    Service: '{{ service }}'
    API: DescribeX
- Name: b
  Action: ACS::Template
  Properties:
    TemplateName: '{{ name }}'
- Name: c
  Action: Acme::Page
- Name: d
  Action: ACS::SelectTargets
  Properties:
    ResourceType: '{{ name }}'
    Filters: []
";
    let linked = linked("Parameters: {service: {Type: String, Default: ECS}, name: {Type: String}}", text);
    let found = linked.permissions();
    let unresolved: Vec<_> = found.unresolved.iter().map(ToString::to_string).collect();
    assert_eq!(
        unresolved,
        ["root:7: task `a`: Service `{{ service }}`", "root:12: task `b`: TemplateName `{{ name }}`"]
    );
    assert_eq!(found.notes.len(), 2, "{found}");
    assert!(found.actions().contains(&"kvstore:DescribeInstances".into()), "{found}");
    // With values the same template has less that is open.
    let options = PermissionOptions { parameters: params! {}, ..PermissionOptions::default() };
    let found = permissions_with(&linked.0, &linked.1, &options);
    assert!(found.actions().contains(&"ecs:DescribeX".into()), "{found}");
}

#[test]
fn the_policy_of_a_finished_run_holds_what_was_called() {
    let call = |service: &str, api: &str, resources: &[&str]| {
        (service.to_owned(), api.to_owned(), resources.iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    let found = used([
        call("ECS", "stopinstance", &["acs:ecs:r:1:instance/i-1"]),
        call("ecs", "StopInstance", &["acs:ecs:r:1:instance/i-2"]),
        call("Redis", "DescribeInstances", &[]),
    ]);
    assert_eq!(
        found.policy().to_string(),
        concat!(
            r#"{"Version":"1","Statement":[{"Action":["ecs:StopInstance"],"#,
            r#""Resource":["acs:ecs:r:1:instance/i-1","acs:ecs:r:1:instance/i-2"],"Effect":"Allow"},"#,
            r#"{"Action":["kvstore:DescribeInstances"],"Resource":"*","Effect":"Allow"}]}"#
        )
    );
    assert!(found.covered_by(&Policy::parse(&found.policy().to_string()).unwrap()).is_sufficient());
}

#[test]
fn risks_follow_the_policy_that_is_given() {
    #[derive(Debug)]
    struct Reads;
    impl RiskPolicy for Reads {
        fn is_high(&self, _: &str, api: &str, _: &str) -> bool {
            api.starts_with("Modify")
        }
    }
    let linked = parent();
    let of = |policy: &dyn RiskPolicy| risks(&linked.0, &linked.1, policy).to_value().to_string();
    assert_eq!(of(&VerbRisk), r#"[{"Service":"ecs","API":"StopInstance","Task":["stop"],"Template":["child"]}]"#);
    assert_eq!(of(&Reads), r#"[{"Service":"ECS","API":"ModifyX","Task":["after"],"Template":["root"]}]"#);
}

#[test]
fn a_secret_is_never_shown() {
    let head = "Parameters: {word: {Type: String, NoEcho: true, Default: hidden}}\nOutputs: {w: {Type: String, Value: '{{ word }}'}}";
    let linked = linked(head, &call("a", "ModifyX", "Parameters: {P: 'x{{ word }}'}"));
    for parameters in [Value::Null, params! { "word" => "hidden" }] {
        let run = linked.run(parameters);
        let told = format!("{run} {} {run:?}", run.to_value());
        assert!(!told.contains("hidden"), "{told}");
    }
}

#[test]
fn parameters_that_would_be_refused_are_problems() {
    let linked =
        linked("Parameters: {n: {Type: Number, MaxValue: 5}}", &call("a", "ModifyX", "Parameters: {P: '{{ n }}'}"));
    let run = linked.run(params! { "n" => 7, "m" => 1 });
    assert_eq!(run.problems.len(), 2, "{run}");
    assert_eq!(parameter(&run.steps[0], "P").to_string(), "<n>");
}

#[test]
fn waits_are_bounded_by_the_retry_settings() {
    let wait = |more: &str| {
        format!(
            "- Name: w\n  Action: ACS::WaitFor\n{more}  Properties: {{Service: ECS, API: DescribeInstances, DesiredValues: [a], PropertySelector: .x}}\n"
        )
    };
    let polls = |more: &str| linked("", &wait(more)).run(Value::Null).steps[0].polls.unwrap();
    assert_eq!((polls("").attempts, polls("").longest.as_secs()), (11, 2_046));
    assert_eq!(polls("  Retries: 7\n  DelayType: Constant\n  Delay: 15\n").longest.as_secs(), 105);
    let run = linked("", "- {Name: s, Action: 'ACS::Sleep', Properties: {Duration: PT1H2M}}\n").run(Value::Null);
    let Does::Sleeps { time: Some(time), .. } = &run.steps[0].does else { panic!("{run}") };
    assert_eq!(time.as_secs(), 3_720);
}

#[test]
fn conditions_that_double_at_every_step_end_soon() {
    let mut head = String::from("Parameters: {p: {Type: String}}\nConditions:\n  c0: {Fn::Equals: ['{{ p }}', a]}\n");
    for i in 1..25 {
        writeln!(head, "  c{i}: {{Fn::Or: [c{0}, c{0}]}}", i - 1).unwrap();
    }
    let text = call("a", "ModifyX", "").trim_end().to_owned() + "\n  When: c24\n";
    let run = linked(&head, &text).run(Value::Null);
    assert!(run.steps[0].when.is_some(), "{run}");
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
