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

/// Many executions at once, on one thread.
fn run_many(runtime: &tokio::runtime::Runtime, engine: &Engine, template: &Template, parameters: &Value, n: usize) {
    runtime.block_on(async {
        let mut handles = Vec::with_capacity(n);
        for _ in 0..n {
            handles.push(engine.start(template, parameters.clone()).await.unwrap());
        }
        for handle in handles {
            assert_eq!(handle.wait().await.unwrap().status.as_str(), "Success");
        }
    });
}

/// A wait that is never fulfilled: eleven polls over 2,046 virtual seconds, with the default retries.
fn thirty_minutes(bed: &TestBed) {
    let id = bed.cloud().ecs().instance().stopped().create();
    bed.cloud().ecs().transition(&id, "start").never();
    let run = bed.run_action("ACS::ECS::StartInstance", params! { "instanceId" => id });
    assert_eq!(run.virtual_time(), secs(2_046));
}

/// What the command line picks: all cases, or those whose name contains the word that is given.
struct Chosen(Option<String>);

impl Chosen {
    fn from_arguments() -> Self {
        Self(std::env::args().skip(1).find(|a| !a.starts_with('-')))
    }

    fn has(&self, case: &str) -> bool {
        self.0.as_ref().is_none_or(|word| case.contains(word.as_str()))
    }
}

fn main() {
    let chosen = Chosen::from_arguments();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let engine = engine();
    let floor = || per_step(least(ROUNDS, || runtime.block_on(floor::sequence(1_000))), 1_000);
    let first = floor();

    if chosen.has("seq") {
        let template = sequence(1_000);
        let parameters = params! { "regionId" => "cn-hangzhou", "id" => "i-1" };
        let ours = per_step(least(ROUNDS, || run(&runtime, &engine, &template, parameters.clone())), 1_000);
        line("seq 1,000", floor(), ours, 10.0);
    }
    if chosen.has("map") {
        let template = looped();
        for n in [1_000, 10_000, 100_000] {
            let floor_map = per_step(least(ROUNDS, || runtime.block_on(floor::map(n))), n);
            let ids: Value = (0..n).map(|i| Value::from(format!("i-{i}"))).collect();
            let parameters = params! { "regionId" => "cn-hangzhou", "ids" => ids };
            let ours = per_step(least(ROUNDS, || run(&runtime, &engine, &template, parameters.clone())), n);
            line(&format!("map {n}"), floor_map, ours, 10.0);
        }
    }
    if chosen.has("executions") {
        let (template, n) = (sequence(5), 1_000);
        let floor_executions = per_step(least(ROUNDS, || runtime.block_on(floor::executions(n))), n * 5);
        let parameters = params! { "regionId" => "cn-hangzhou", "id" => "i-1" };
        let ours = least(ROUNDS, || run_many(&runtime, &engine, &template, &parameters, n));
        line("executions 1,000 x 5", floor_executions, per_step(ours, n * 5), 10.0);
    }
    if chosen.has("wait") {
        let show = |what: &str, time: std::time::Duration| {
            println!("{what:<28} {:>7.3} ms of real time (at most 1)", time.as_secs_f64() * 1e3);
        };
        let cold = least(ROUNDS * 10, || thirty_minutes(&TestBed::new(FakeCloud::new())));
        show("34-minute wait, new bed", cold);
        let bed = TestBed::new(FakeCloud::new());
        show("34-minute wait, same bed", least(ROUNDS * 10, || thirty_minutes(&bed)));
    }
    let moved = (floor() / first - 1.0).abs() * 100.0;
    println!("the floor moved by {moved:.0} % between its first and last measurement");
}
