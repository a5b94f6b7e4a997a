//! The engine against the floor: `cargo bench -p oos-benches --bench engine`.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench program")]

use std::fmt::Write as _;

use oos_benches::{floor, least, line, per_step};
use oos_core::{
    Limits, Template,
    engine::Engine,
    ports::{EventSink, ExecutionEvent, Outcome},
    registry::ActionRegistry,
    source::SourceText,
};
use oos_testkit::prelude::*;

const ROUNDS: usize = 9;

#[derive(Debug)]
struct Silent;

impl EventSink for Silent {
    fn emit(&self, event: &ExecutionEvent) {
        std::hint::black_box(event);
    }
}

fn engine() -> Engine {
    let registry = ActionRegistry::new().with_fn("Bench::Noop", |_| async { Ok(Outcome::Done(Value::Null)) });
    Engine::builder().actions(registry).events(Silent).limits(Limits::unlimited()).build().unwrap()
}

const PROPERTIES: &str = "Service: ECS
      API: DescribeInstances
      RegionId: '{{ regionId }}'";

fn sequence(n: usize) -> Template {
    let mut text = String::from(
        "FormatVersion: OOS-2019-06-01\nParameters:\n  regionId: {Type: String}\n  id: {Type: String}\nTasks:\n",
    );
    for i in 0..n {
        writeln!(text, "  - Name: t{i}\n    Action: Bench::Noop\n    Properties:\n      {PROPERTIES}\n      InstanceId: '{{{{ id }}}}'\n      Name: 'run-{{{{ id }}}}-in-{{{{ regionId }}}}'").unwrap();
    }
    Template::parse_source(SourceText::new("seq", text), &Limits::unlimited()).unwrap()
}

fn looped() -> Template {
    let text = format!(
        "FormatVersion: OOS-2019-06-01\nParameters:\n  regionId: {{Type: String}}\n  ids: {{Type: List}}\nTasks:\n  - Name: t\n    Action: Bench::Noop\n    Properties:\n      {PROPERTIES}\n      InstanceId: '{{{{ ACS::TaskLoopItem }}}}'\n      Name: 'run-{{{{ ACS::TaskLoopItem }}}}-in-{{{{ regionId }}}}'\n    Loop:\n      Items: '{{{{ ids }}}}'\n      RateControl: {{Mode: Concurrency, Concurrency: 100, MaxErrors: 0}}\n"
    );
    Template::parse(&text).unwrap()
}

fn run(runtime: &tokio::runtime::Runtime, engine: &Engine, template: &Template, parameters: Value) {
    runtime.block_on(async {
        let finished = engine.start(template, parameters).await.unwrap().wait().await.unwrap();
        assert_eq!(finished.status.as_str(), "Success");
    });
}

/// A wait that is never fulfilled: eleven polls over 2,046 virtual seconds, with the default retries.
fn thirty_minutes() {
    let cloud = FakeCloud::new();
    let id = cloud.ecs().instance().stopped().create();
    cloud.ecs().transition(&id, "start").never();
    let run = TestBed::new(cloud).run_action("ACS::ECS::StartInstance", params! { "instanceId" => id });
    assert_eq!(run.virtual_time(), secs(2_046));
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let engine = engine();

    let floor_seq = per_step(least(ROUNDS, || runtime.block_on(floor::sequence(1_000))), 1_000);
    let template = sequence(1_000);
    let parameters = params! { "regionId" => "cn-hangzhou", "id" => "i-1" };
    run(&runtime, &engine, &template, parameters.clone());
    let ours = per_step(least(ROUNDS, || run(&runtime, &engine, &template, parameters.clone())), 1_000);
    line("seq 1,000", floor_seq, ours, 10.0);

    let template = looped();
    for n in [1_000, 10_000, 100_000] {
        let floor_map = per_step(least(ROUNDS, || runtime.block_on(floor::map(n))), n);
        let ids: Value = (0..n).map(|i| Value::from(format!("i-{i}"))).collect();
        let parameters = params! { "regionId" => "cn-hangzhou", "ids" => ids };
        let ours = per_step(least(ROUNDS, || run(&runtime, &engine, &template, parameters.clone())), n);
        line(&format!("map {n}"), floor_map, ours, 10.0);
    }
    let waited = least(ROUNDS, thirty_minutes);
    println!("{:<28} {:.3} ms of real time (at most 1)", "WaitFor of 34 virtual minutes", waited.as_secs_f64() * 1e3);
    let floor_again = per_step(least(ROUNDS, || runtime.block_on(floor::sequence(1_000))), 1_000);
    println!(
        "floor moved by {:.0} % between its first and last measurement",
        (floor_again / floor_seq - 1.0).abs() * 100.0
    );
}
