//! What the test kit costs: `cargo bench -p oos-benches --bench testkit`, with `OOS_CORPUS=DIR` for the official case.
//!
//! Real time is what a suite pays, so every line is real time of one thread, the least of several rounds, beside the
//! bound that the design names.

#![expect(clippy::print_stdout, reason = "a bench program")]

use std::time::Duration;

use oos_benches::least;
use oos_core::{Limits, ports::Clock};
use oos_testkit::prelude::*;

const ROUNDS: usize = 5;

fn line(case: &str, took: Duration, bound: &str) {
    println!("{case:<62} {:>10.3} ms  (at most {bound})", took.as_secs_f64() * 1e3);
}

/// So many timers, one after the other.
fn timers(n: u64) {
    let clock = VirtualClock::default();
    clock.block_on(async {
        for _ in 0..n {
            clock.sleep_until(clock.now() + secs(1)).await;
        }
    });
    assert_eq!(clock.fired(), n);
}

const WAIT: &str = "
FormatVersion: OOS-2019-06-01
Tasks:
  - Name: wait
    Action: ACS::WaitFor
    Properties: {Service: CAS, API: DescribeCertificateState, Parameters: {OrderId: 1}, PropertySelector: Type, DesiredValues: [done]}
";

/// A wait with the default polling: eleven polls over 34 virtual minutes, or one.
fn wait(polls: usize) {
    let cloud = FakeCloud::new();
    let pending = std::iter::repeat_n(ok(json!({"Type": "pending"})), polls - 1);
    cloud.stub("CAS", "DescribeCertificateState").sequence(pending.chain([ok(json!({"Type": "done"}))])).then_last();
    let run = TestBed::on(&cloud).run(WAIT, Value::Null);
    run.expect_success();
    cloud.calls().of("CAS", "*").count(polls);
}

/// A day of polling once a minute. A task takes 300 repeats at most, so five of them share the day.
fn day() {
    let cloud = FakeCloud::new();
    cloud.stub("CAS", "DescribeCertificateState").json(json!({"Type": "pending"}));
    let task = |n: usize| {
        format!(
            "  - Name: wait{n}\n    Action: ACS::WaitFor\n    Retries: 287\n    DelayType: Constant\n    Delay: 60\n    OnError: ACS::NEXT\n    Properties: {{Service: CAS, API: DescribeCertificateState, Parameters: {{OrderId: 1}}, PropertySelector: Type, DesiredValues: [done]}}\n"
        )
    };
    let tasks: String = (0..5).map(task).collect();
    let run = TestBed::on(&cloud).run(&format!("FormatVersion: OOS-2019-06-01\nTasks:\n{tasks}"), Value::Null);
    assert_eq!(cloud.calls().len(), 1_440);
    assert!(run.virtual_time() >= hours(23));
}

/// A loop of so many items, each of which polls twice before it is done.
fn waits_of_items(n: usize) {
    let cloud = FakeCloud::new();
    let (pending, done) = (ok(json!({"Type": "pending"})), ok(json!({"Type": "done"})));
    cloud.stub("CAS", "DescribeCertificateState").per("OrderId").sequence([pending.clone(), pending, done]).then_last();
    let items: Value = (0..n).map(Value::from).collect();
    let template = "
FormatVersion: OOS-2019-06-01
Parameters:
  items: {Type: List}
Tasks:
  - Name: wait
    Action: ACS::WaitFor
    Properties: {Service: CAS, API: DescribeCertificateState, Parameters: {OrderId: '{{ ACS::TaskLoopItem }}'}, PropertySelector: Type, DesiredValues: [done]}
    Loop: {Items: '{{ items }}', RateControl: {Mode: Concurrency, Concurrency: 100, MaxErrors: 0}}
";
    let bed = TestBed::on(&cloud).limits(Limits::unlimited());
    bed.run(template, params! { "items" => items }).expect_success();
    cloud.calls().count(3 * n);
}

/// So many instances, started by the product action in a loop.
fn starts(n: usize) {
    let cloud = FakeCloud::new();
    let ids = cloud.ecs().instances(n).stopped().create();
    let template = "
FormatVersion: OOS-2019-06-01
Parameters:
  ids: {Type: List}
Tasks:
  - Name: start
    Action: ACS::ECS::StartInstance
    Properties: {instanceId: '{{ ACS::TaskLoopItem }}'}
    Loop: {Items: '{{ ids }}', RateControl: {Mode: Concurrency, Concurrency: 100, MaxErrors: 0}}
";
    let bed = TestBed::on(&cloud).limits(Limits::unlimited());
    bed.run(template, params! { "ids" => ids }).expect_success();
    cloud.calls().of("ECS", "StartInstance").count(n);
}

/// The first of the cases of the fake cloud: three instances, started as needed.
fn case() {
    let cloud = FakeCloud::new();
    let ids = cloud.ecs().instances(3).stopped().create();
    cloud.ecs().set_status(ids.first().map_or("", String::as_str), Running);
    TestBed::on(&cloud).run("ACS-ECS-BulkyStartInstances", json!({"targets": by_ids(&ids)})).expect_success();
}

fn main() {
    let per_timer = least(ROUNDS, || timers(100_000)) / 100_000;
    line("one timer event", per_timer, "0.002");
    let (long, short) = (least(ROUNDS * 10, || wait(11)), least(ROUNDS * 10, || wait(1)));
    line("a test with a wait of 17 virtual minutes, default polling", long, "1");
    line("  of which ten more polls", long.saturating_sub(short), "0.05");
    line("a day of polling, 1,440 polls", least(ROUNDS, day), "4");
    line("a loop of 10,000 items with two waits each", least(3, || waits_of_items(10_000)), "1000");
    for n in [100, 1_000, 10_000] {
        let took = least(3, || starts(n));
        let per = took / u32::try_from(n).unwrap_or(1);
        println!("{n:>6} instances started by a loop: {took:>10.1?}, {per:?} each");
    }
    if oos_testkit::corpus().is_some() {
        let one = least(ROUNDS * 10, case);
        println!("an official template, start to end: {one:?}, {:.0} cases per second", 1.0 / one.as_secs_f64());
    }
}
