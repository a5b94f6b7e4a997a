//! Beds share nothing: five hundred of them in the threads of one process are each as they would be alone.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::{sync::Mutex, thread};

use oos_testkit::prelude::*;

const TEMPLATE: &str = "
FormatVersion: OOS-2019-06-01
Parameters:
  ids: {Type: List}
Tasks:
  - Name: start
    Action: ACS::ECS::StartInstance
    Properties: {instanceId: '{{ ACS::TaskLoopItem }}'}
    Loop: {Items: '{{ ids }}', RateControl: {Mode: Concurrency, Concurrency: 3, MaxErrors: 0}}
Outputs:
  ids: {Type: List, Value: '{{ ids }}'}
";

/// A test of its own: number of instances, faults, start of the clock and seed differ by `n`. Gives all that it shows.
fn one(n: u64) -> String {
    let cloud = FakeCloud::at(&format!("2026-01-{:02}T00:00:00Z", n % 28 + 1)).with_seed(n);
    let count = usize::try_from(n % 5 + 1).unwrap();
    let ids = cloud.ecs().instances(count).stopped().create();
    cloud.fault("throttled").on("ECS", "Describe*").every_nth(n % 4 + 2).throttle();
    let bed = TestBed::on(&cloud).seed(n);
    bed.parameters().set("who", n.to_string());
    let run = bed.run(TEMPLATE, params! { "ids" => ids.clone() });
    run.expect_success();
    run.output("ids").eq(ids.clone());
    assert!(cloud.ecs().all(&ids).are(Running));
    cloud.calls().of("ECS", "StartInstance").count(count);
    assert_eq!(cloud.ecs().ids().len(), count, "no instance of another test");
    format!("{}\n{}\n{}", run.id(), bed.trace_text(), cloud.calls().tail(usize::MAX))
}

#[test]
fn five_hundred_tests_in_one_process_share_nothing() {
    const TESTS: u64 = 500;
    const THREADS: u64 = 16;
    let shown: Mutex<Vec<(u64, String)>> = Mutex::default();
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let shown = &shown;
            scope.spawn(move || {
                for n in (thread..TESTS).step_by(THREADS as usize) {
                    let text = one(n);
                    shown.lock().unwrap().push((n, text));
                }
            });
        }
    });
    let shown = shown.into_inner().unwrap();
    assert_eq!(shown.len(), 500);
    // Alone each shows the same, byte for byte; every eighth suffices to say so.
    for (n, text) in shown.iter().filter(|(n, _)| n % 8 == 0) {
        assert_eq!(*text, one(*n), "test {n} differs beside others");
    }
}
