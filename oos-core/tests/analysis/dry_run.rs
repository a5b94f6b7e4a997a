//! What a dry run tells of one template.

use std::fmt::Write as _;

use oos_core::{
    Timestamp, Value,
    analysis::{Does, DryRunOptions, OnFailure, Reach},
    params,
};

use crate::bed::{Linked, call, linked, parameter, tasks};

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
