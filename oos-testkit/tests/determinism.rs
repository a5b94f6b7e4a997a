//! Same seed, same run, byte for byte.

use oos_testkit::prelude::*;

#[test]
fn a_hundred_runs_with_one_seed_are_equal_byte_for_byte() {
    let run = || {
        let cloud = FakeCloud::seeded(7);
        let ids = cloud.ecs().instances(6).stopped().create();
        cloud.ecs().set_status(&ids[1], Running);
        cloud.fault("throttled now and then").on("ECS", "Describe*").every_nth(3).throttle();
        let template = "
FormatVersion: OOS-2019-06-01
Parameters:
  ids: {Type: List}
Tasks:
  - Name: start
    Action: ACS::ECS::StartInstance
    Properties: {instanceId: '{{ ACS::TaskLoopItem }}'}
    Loop: {Items: '{{ ids }}', RateControl: {Mode: Concurrency, Concurrency: 4, MaxErrors: 0}}
";
        let run = TestBed::new(cloud.clone()).run(template, params! { "ids" => ids });
        run.expect_success();
        format!("{}\n{}", run.trace_text(), cloud.calls().tail(usize::MAX))
    };
    let first = run();
    assert!(first.lines().count() > 50, "{first}");
    for n in 1..100 {
        assert_eq!(run(), first, "run {n} differs");
    }
}

const PRODUCT_LOOP: &str = "
FormatVersion: OOS-2019-06-01
Tasks:
  - {Name: find, Action: ACS::ExecuteAPI, Properties: {Service: ECS, API: DescribeInstances, Parameters: {}}, Outputs: {ids: {Type: List, ValueSelector: 'Instances.Instance[].InstanceId'}}}
  - {Name: start, Action: ACS::ECS::StartInstance, Properties: {instanceId: '{{ ACS::TaskLoopItem }}'}, Loop: {Items: '{{ find.ids }}', RateControl: {Mode: Concurrency, Concurrency: 2}}}
";

#[test]
fn equal_seeds_shuffle_equally_byte_for_byte() {
    let trace = |seed| {
        let cloud = FakeCloud::at("2026-01-05T10:00:00Z");
        let bed = TestBed::shuffled(&cloud, seed);
        cloud.ecs().instances(3).stopped().create();
        let run = bed.run(PRODUCT_LOOP, Value::empty_map());
        run.expect_success();
        run.trace_text()
    };
    let first = trace(7);
    assert!(first.lines().count() > 20, "{first}");
    for _ in 1..100 {
        assert_eq!(trace(7), first);
    }
}

#[test]
fn half_an_hour_of_waiting_is_exact_in_virtual_time() {
    let text = "
FormatVersion: OOS-2019-06-01
Tasks:
  - {Name: wait, Action: ACS::WaitFor, Retries: 30, DelayType: Constant, Delay: 60, Properties: {Service: ECS, API: DescribeInstances, Parameters: {}, PropertySelector: TotalCount, DesiredValues: [99]}}
";
    let cloud = FakeCloud::new();
    let run = TestBed::on(&cloud).run(text, Value::empty_map());
    run.expect_failure();
    assert_eq!(run.virtual_time(), secs(1_800));
    cloud.calls().of("ECS", "DescribeInstances").count(31);
}
