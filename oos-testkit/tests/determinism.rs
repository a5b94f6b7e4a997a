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
