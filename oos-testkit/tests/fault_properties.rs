//! A fault that hits no call changes nothing, whatever it would do.

use oos_testkit::{cloud::FakeCloud, fault::Fault, prelude::*};
use proptest::prelude::*;

const TEMPLATE: &str = "
FormatVersion: OOS-2019-06-01
Parameters:
  ids: {Type: List}
Tasks:
  - Name: start
    Action: ACS::ECS::StartInstance
    Properties: {instanceId: '{{ ACS::TaskLoopItem }}'}
    Loop: {Items: '{{ ids }}', RateControl: {Mode: Concurrency, Concurrency: 2, MaxErrors: 1}}
  - Name: command
    Action: ACS::ECS::RunCommand
    Properties: {instanceId: '{{ ACS::TaskLoopItem }}', commandType: RunShellScript, commandContent: uptime}
    Loop: {Items: '{{ ids }}'}
";

/// Which calls: none of them, said in several ways.
#[derive(Clone, Copy, Debug)]
enum Rate {
    ZeroOf(u64),
    FirstNone,
    EveryZeroth,
    ForNobody,
    Never,
}

/// What would happen to them.
#[derive(Clone, Copy, Debug)]
enum Harm {
    Error,
    Throttle,
    Slow,
    Lost,
    Dropped,
    Empty,
}

#[derive(Clone, Copy, Debug)]
struct Rule {
    on: (&'static str, &'static str),
    rate: Rate,
    harm: Harm,
}

fn rule() -> impl Strategy<Value = Rule> {
    let on =
        prop::sample::select(vec![("*", "*"), ("ECS", "Describe*"), ("ECS", "StartInstance"), ("ecs", "RunCommand")]);
    let rate = prop_oneof![
        (1_u64..5).prop_map(Rate::ZeroOf),
        Just(Rate::FirstNone),
        Just(Rate::EveryZeroth),
        Just(Rate::ForNobody),
        Just(Rate::Never),
    ];
    let harm =
        prop::sample::select(vec![Harm::Error, Harm::Throttle, Harm::Slow, Harm::Lost, Harm::Dropped, Harm::Empty]);
    (on, rate, harm).prop_map(|(on, rate, harm)| Rule { on, rate, harm })
}

fn install(cloud: &FakeCloud, rule: Rule) {
    let fault: Fault = cloud.fault("of no effect").on(rule.on.0, rule.on.1);
    let fault = match rule.rate {
        Rate::ZeroOf(n) => fault.k_of_n(0, n),
        Rate::FirstNone => fault.first(0),
        Rate::EveryZeroth => fault.every_nth(0),
        Rate::ForNobody => fault.for_ids(["i-nobody"]),
        Rate::Never => fault.between(cloud.now(), cloud.now()),
    };
    match rule.harm {
        Harm::Error => fault.error("InternalError", 500),
        Harm::Throttle => fault.throttle(),
        Harm::Slow => fault.latency(secs(1)..secs(9)),
        Harm::Lost => fault.lost_response(),
        Harm::Dropped => fault.drop_connection(),
        Harm::Empty => fault.empty_wrapper_as_string(),
    }
}

/// Everything that a run shows: events, calls with times and answers, and the state behind.
fn shown(rules: &[Rule]) -> (String, String) {
    let cloud = FakeCloud::new();
    let ids = cloud.ecs().instances(3).stopped().create();
    cloud.ecs().set_status(&ids[1], Running);
    rules.iter().for_each(|rule| install(&cloud, *rule));
    let bed = TestBed::on(&cloud).seed(1);
    bed.run(TEMPLATE, params! { "ids" => ids }).expect_success();
    (bed.trace_text(), cloud.calls().tail(usize::MAX))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn a_rule_with_rate_zero_equals_no_rule(rules in prop::collection::vec(rule(), 1..4)) {
        prop_assert_eq!(shown(&rules), shown(&[]));
    }
}

#[test]
fn a_rule_that_hits_would_show() {
    let cloud = |nth| {
        let cloud = FakeCloud::new().instance("i-1", "Stopped");
        cloud.fault("throttled").on("ECS", "Describe*").nth(nth).throttle();
        let bed = TestBed::on(&cloud).seed(1);
        bed.run(TEMPLATE, json!({"ids": ["i-1"]})).expect_success();
        bed.trace_text()
    };
    assert_ne!(cloud(1), cloud(0), "else the comparison above could not fail");
}
