//! The spans of a run, as a program that exports them would see them: names, parents, fields, ends.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::{
    collections::BTreeMap,
    fmt::{self, Write as _},
    sync::{Arc, Mutex},
};

use oos_core::{
    engine::{ApiRetryPolicy, ExecutionHandle, MemoryStore},
    machine::{ExecutionStatus, SignalKind, SignalTarget},
};
use oos_testkit::{FaultyStore, prelude::*};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
    subscriber::DefaultGuard,
};
use tracing_subscriber::{Layer, layer::Context, layer::SubscriberExt, registry::LookupSpan};

#[derive(Clone, Debug, Default)]
struct Seen {
    name: &'static str,
    parent: Option<u64>,
    fields: BTreeMap<&'static str, String>,
    closed: bool,
}

impl Visit for Seen {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.fields.insert(field.name(), format!("{value:?}"));
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.fields.insert(field.name(), value.to_owned());
    }
}

/// Everything that was told, in order of the spans' beginnings.
#[derive(Clone, Debug, Default)]
struct Told {
    order: Arc<Mutex<Vec<u64>>>,
    spans: Arc<Mutex<BTreeMap<u64, Seen>>>,
    events: Arc<Mutex<String>>,
}

impl<S: Subscriber + for<'l> LookupSpan<'l>> Layer<S> for Told {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, ctx: Context<'_, S>) {
        let mut seen = Seen { name: attributes.metadata().name(), ..Seen::default() };
        seen.parent = ctx.span(id).and_then(|span| span.parent()).map(|parent| parent.id().into_u64());
        attributes.record(&mut seen);
        self.order.lock().unwrap().push(id.into_u64());
        self.spans.lock().unwrap().insert(id.into_u64(), seen);
    }
    fn on_record(&self, id: &Id, values: &Record<'_>, _: Context<'_, S>) {
        values.record(self.spans.lock().unwrap().get_mut(&id.into_u64()).unwrap());
    }
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut seen = Seen::default();
        event.record(&mut seen);
        writeln!(self.events.lock().unwrap(), "{:?}", seen.fields).unwrap();
    }
    fn on_close(&self, id: Id, _: Context<'_, S>) {
        let mut spans = self.spans.lock().unwrap();
        let seen = spans.get_mut(&id.into_u64()).unwrap();
        assert!(!seen.closed);
        seen.closed = true;
    }
}

impl Told {
    /// Listens on this thread, on which a bed does everything.
    fn listen() -> (Self, DefaultGuard) {
        let told = Self::default();
        let guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(told.clone()));
        (told, guard)
    }

    /// The spans as an indented tree: kind, name, status code, what tells them apart, the code of the error.
    fn tree(&self) -> String {
        let spans = self.spans.lock().unwrap();
        let mut text = String::new();
        for id in self.order.lock().unwrap().iter() {
            let seen = &spans[id];
            let depth = std::iter::successors(seen.parent, |p| spans[p].parent).count();
            let field = |key: &str| seen.fields.get(key).map(String::as_str);
            write!(text, "{}{} {}", "  ".repeat(depth), &seen.name[4..], field("otel.name").unwrap_or("?")).unwrap();
            for key in ["item", "attempt"] {
                field(key).into_iter().for_each(|value| write!(text, " {key}={value}").unwrap());
            }
            for key in ["status", "otel.status_code", "error.code"] {
                field(key).into_iter().for_each(|value| write!(text, " {value}").unwrap());
            }
            text.push_str(if seen.closed { "\n" } else { " open\n" });
        }
        text
    }

    fn all(&self) -> String {
        format!("{:?}\n{}", self.spans.lock().unwrap(), self.events.lock().unwrap())
    }
}

const RUN: &str = "FormatVersion: OOS-2019-06-01
Parameters:
  word: {Type: String, NoEcho: true}
Tasks:
- Name: first
  Action: ACS::ExecuteAPI
  Retries: 2
  Properties: {Service: ECS, API: StopInstance, Parameters: {InstanceId: i-1}}
- Name: wait
  Action: ACS::WaitFor
  Properties: {Service: ECS, API: DescribeInstances, Parameters: {InstanceIds: [i-1]}, DesiredValues: [Stopped],
    PropertySelector: 'Instances.Instance[].Status'}
- Name: each
  Action: ACS::ExecuteAPI
  Properties: {Service: ECS, API: DescribeInstances, Parameters: {InstanceName: '{{ ACS::TaskLoopItem }}-{{ word }}'}}
  Loop: {Items: [a, b]}
- Name: below
  Action: ACS::Template
  Properties:
    Parameters: {word: '{{ word }}'}
    TemplateContent:
      FormatVersion: OOS-2019-06-01
      Parameters: {word: {Type: String}}
      Tasks:
      - Name: inside
        Action: ACS::ExecuteAPI
        Properties: {Service: ECS, API: DescribeInstances, Parameters: {InstanceName: '{{ word }}'}}
      - Name: nap
        Action: ACS::Sleep
        Properties: {Duration: PT1S}
- Name: body
  Action: ACS::Loop
  Properties:
    LoopItems: [1]
    LoopTasks:
    - Name: look
      Action: ACS::ExecuteAPI
      Properties: {Service: ECS, API: DescribeInstances}
- Name: bad
  Action: ACS::ExecuteAPI
  OnError: tidy
  Properties: {Service: ECS, API: StartInstance, Parameters: {InstanceId: '{{ word }}'}}
- Name: tidy
  Action: ACS::ExecuteAPI
  Properties: {Service: ECS, API: StartInstance, Parameters: {InstanceId: i-1}}
";

#[test]
fn spans_nest_as_the_run_does_and_say_how_it_went() {
    let (told, guard) = Told::listen();
    let cloud = FakeCloud::at("2026-01-05T10:00:00Z").instance("i-1", "Running");
    cloud.fault("busy").on("ECS", "StopInstance").first(1).error("ServiceUnavailable", 503);
    {
        let bed = TestBed::on(&cloud).api_retry(ApiRetryPolicy::none());
        let run = bed.run(RUN, params! { "word" => "open sesame" });
        run.expect_status(ExecutionStatus::Failed);
    }
    drop(guard);
    assert_eq!(told.tree(), TREE, "{}", told.tree());
    assert!(!told.all().contains("sesame"), "{}", told.all());
    let spans = told.spans.lock().unwrap();
    let call = spans.values().find(|span| span.name == "oos.call").unwrap();
    let fields = ["service", "api", "otel.kind", "region"].map(|key| call.fields[key].as_str());
    assert_eq!(fields, ["ECS", "StopInstance", "client", "cn-hangzhou"]);
    assert!(spans.values().filter(|span| span.name == "oos.call").all(|span| span.fields.contains_key("request_id")));
}

const TREE: &str = "execution execution Failed ERROR
  task first attempt=1 ERROR ServiceUnavailable
    call ECS StopInstance ERROR ServiceUnavailable
  task first attempt=2 OK
    call ECS StopInstance OK
  task wait attempt=1
    call ECS DescribeInstances OK
  task wait attempt=2
    call ECS DescribeInstances OK
  task wait attempt=3
    call ECS DescribeInstances OK
  task wait attempt=4
    call ECS DescribeInstances OK
  task wait attempt=5 OK
    call ECS DescribeInstances OK
  task each Success OK
    task each item=1 attempt=1 OK
      call ECS DescribeInstances OK
    task each item=2 attempt=1 OK
      call ECS DescribeInstances OK
  task below Success OK
    execution execution Success OK
      task inside attempt=1 OK
        call ECS DescribeInstances OK
      task nap Success OK
  task body Success OK
    task body item=1 Success OK
      task look attempt=1 OK
        call ECS DescribeInstances OK
  task bad attempt=1 ERROR InvalidInstanceId.NotFound
    call ECS StartInstance ERROR InvalidInstanceId.NotFound
  task tidy attempt=1 OK
    call ECS StartInstance OK
";

const APPROVED: &str = "FormatVersion: OOS-2019-06-01
Tasks:
- Name: child
  Action: ACS::Template
  Properties:
    TemplateContent:
      FormatVersion: OOS-2019-06-01
      Tasks:
      - Name: ask
        Action: ACS::Approve
        Properties: {NotifyType: WebHook, WebHook: {URI: 'http://hook.example', Content: {}}, Approvers: [ana]}
      - Name: then
        Action: ACS::ExecuteAPI
        Properties: {Service: ECS, API: DescribeInstances}
";

/// Approves what waits in the only child.
fn approve(bed: &TestBed, handle: &ExecutionHandle) {
    let sender = handle.clone();
    bed.block_on(async move {
        let reports = sender.report().await;
        let path = reports.into_iter().map(|r| r.path).find(|path| !path.is_root()).unwrap();
        let to = SignalTarget { path, ..SignalTarget::default() };
        sender.send("ana", to, SignalKind::Approve { note: None }).await
    })
    .unwrap();
    bed.run_to_end();
}

#[test]
fn a_parked_execution_keeps_its_spans() {
    let (told, guard) = Told::listen();
    let bed = TestBed::on(&FakeCloud::at("2026-01-05T10:00:00Z"));
    let run = bed.start(APPROVED, params! {});
    bed.run_until_waiting();
    let parked = told.tree();
    bed.clock().advance(mins(5));
    approve(&bed, run.handle());
    run.expect_success();
    drop((run, bed, guard));
    assert_eq!(parked, WAITING);
    assert_eq!(told.tree(), ENDED);
}

const WAITING: &str = "execution execution open
  task child open
    execution execution open
      task ask open
        task ask attempt=1 OK
";

const ENDED: &str = "execution execution Success OK
  task child Success OK
    execution execution Success OK
      task ask Success OK
        task ask attempt=1 OK
      task then attempt=1 OK
        call ECS DescribeInstances OK
";

#[test]
fn an_execution_that_is_taken_up_after_a_crash_has_a_whole_tree() {
    let store = Arc::new(MemoryStore::new());
    let cloud = FakeCloud::at("2026-01-05T10:00:00Z");
    let bed = || TestBed::on(&cloud).store(FaultyStore::over(store.clone()));
    let (told, guard) = Told::listen();
    let first = bed();
    let run = first.start(APPROVED, params! {});
    first.run_until_waiting();
    let id = run.id().clone();
    drop((run, first));
    drop(guard);
    // The process is gone in the middle of them.
    assert_eq!(told.tree(), WAITING);

    let (told, guard) = Told::listen();
    let second = bed();
    let engine = second.engine().clone();
    let handle = second.block_on(async move { engine.resume(&id).await }).unwrap();
    approve(&second, &handle);
    drop((handle, second, guard));
    // The message to approvers is not sent again.
    assert_eq!(told.tree(), ENDED.replace("        task ask attempt=1 OK\n", ""));
}

#[test]
fn a_cancelled_execution_is_neither_good_nor_an_error() {
    let (told, guard) = Told::listen();
    let bed = TestBed::on(&FakeCloud::at("2026-01-05T10:00:00Z"));
    let run = bed.start(APPROVED, params! {});
    bed.run_until_waiting();
    bed.cancel(&run);
    bed.run_to_end();
    drop((run, bed, guard));
    let tree = "execution execution Cancelled
  task child Cancelled
    execution execution Cancelled
      task ask Cancelled
        task ask attempt=1 OK
";
    assert_eq!(told.tree(), tree);
}
