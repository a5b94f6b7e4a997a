//! A crash after every record of a journal: another engine over the same store and the same cloud takes the run up and
//! ends it as if nothing had happened (durability.md 1). And: equal seeds give equal traces, byte for byte.

#![expect(clippy::unwrap_used, reason = "tests")]
#![expect(clippy::panic, reason = "tests")]

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use oos_core::{
    ExecutionId, Timestamp, Value,
    engine::{ExecutionHandle, MemoryStore, StartOptions},
    machine::{InputKind, SignalKind, SignalTarget},
    ports::{
        control::WaitingFor,
        index::{ExecutionIndex, ExecutionQuery, OwnerId, Page, Summary},
        store::{Epoch, ExecutionHeader, ExecutionStore, Journal, JournalWrite, StoreError},
    },
};
use oos_testkit::prelude::*;

/// A store whose process dies: it keeps the first `limit` records and answers no write after them.
#[derive(Clone, Debug)]
struct Dying {
    below: Arc<MemoryStore>,
    limit: u64,
    refused: Arc<AtomicU64>,
}

#[async_trait::async_trait]
impl ExecutionStore for Dying {
    async fn create(&self, header: &ExecutionHeader) -> Result<(), StoreError> {
        self.below.create(header).await
    }

    async fn append(&self, write: JournalWrite) -> Result<(), StoreError> {
        if write.records.last().is_some_and(|r| r.seq > self.limit) {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return Err(StoreError::Unavailable("the process died".into()));
        }
        self.below.append(write).await
    }

    async fn load(&self, id: &ExecutionId) -> Result<Journal, StoreError> {
        self.below.load(id).await
    }
}

#[async_trait::async_trait]
impl ExecutionIndex for Dying {
    async fn claim(
        &self,
        id: &ExecutionId,
        by: &OwnerId,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Epoch, StoreError> {
        self.below.claim(id, by, now, until).await
    }

    async fn list(&self, query: &ExecutionQuery) -> Result<Page<Summary>, StoreError> {
        self.below.list(query).await
    }

    async fn remove(&self, ids: &[ExecutionId]) -> Result<(), StoreError> {
        self.below.remove(ids).await
    }
}

/// A run to crash: its tasks, what the cloud and the bed are given, and whether somebody cancels it after a minute.
struct Case {
    name: &'static str,
    template: &'static str,
    setup: fn(&FakeCloud, &TestBed),
    cancel: bool,
}

const RUN_THREE: &str = "
FormatVersion: OOS-2019-06-01
Tasks:
  - {Name: make, Action: ACS::ExecuteAPI, Properties: {Service: ECS, API: RunInstances, Parameters: {Amount: 1}}, Outputs: {id: {Type: String, ValueSelector: 'InstanceIdSets.InstanceIdSet[]'}}, Loop: {Items: [1, 2, 3], RateControl: {Mode: Concurrency, Concurrency: 2}, Outputs: {ids: {AggregateType: 'Fn::ListJoin', AggregateField: id}}}}
  - {Name: count, Action: ACS::ExecuteAPI, Properties: {Service: ECS, API: DescribeInstances, Parameters: {}}, Outputs: {n: {Type: Number, ValueSelector: TotalCount}}}
Outputs: {n: {Type: Number, Value: '{{ count.n }}'}, made: {Type: Number, Value: {'Fn::Jq': [First, length, '{{ make.ids }}']}}}
";

const PRODUCT_LOOP: &str = "
FormatVersion: OOS-2019-06-01
Tasks:
  - {Name: find, Action: ACS::ExecuteAPI, Properties: {Service: ECS, API: DescribeInstances, Parameters: {}}, Outputs: {ids: {Type: List, ValueSelector: 'Instances.Instance[].InstanceId'}}}
  - {Name: start, Action: ACS::ECS::StartInstance, Properties: {instanceId: '{{ ACS::TaskLoopItem }}'}, Loop: {Items: '{{ find.ids }}', RateControl: {Mode: Concurrency, Concurrency: 2}}}
  - {Name: see, Action: ACS::ExecuteAPI, Properties: {Service: ECS, API: DescribeInstances, Parameters: {}}, Outputs: {all: {Type: List, ValueSelector: 'Instances.Instance[].Status'}}}
Outputs: {all: {Type: List, Value: '{{ see.all }}'}}
";

const APPROVAL: &str = "
FormatVersion: OOS-2019-06-01
Tasks:
  - {Name: ask, Action: ACS::Approve, Properties: {NotifyType: WebHook, Approvers: [anna, ben], MinRequiredApprovals: 2, WebHook: {URI: 'https://x.example', Content: {a: b}}}, Outputs: {who: {Type: Json, ValueSelector: Approvers}}}
  - {Name: make, Action: ACS::ExecuteAPI, Properties: {Service: ECS, API: RunInstances, Parameters: {Amount: 1}}}
Outputs: {who: {Type: Json, Value: '{{ ask.who }}'}}
";

const TIMER: &str = "
FormatVersion: OOS-2019-06-01
Tasks:
  - {Name: tick, Action: ACS::TimerTrigger, Properties: {Type: rate, Expression: 1 hours, EndDate: '2026-01-05T12:30:00Z'}}
  - {Name: make, Action: ACS::ExecuteAPI, Properties: {Service: ECS, API: RunInstances, Parameters: {Amount: 1}}}
";

const HANDLER: &str = "
FormatVersion: OOS-2019-06-01
Tasks:
  - {Name: bad, Action: ACS::ExecuteAPI, OnError: clean, Properties: {Service: ECS, API: StopInstance, Parameters: {InstanceId: i-none}}}
  - {Name: never, Action: ACS::ExecuteAPI, Properties: {Service: ECS, API: RunInstances, Parameters: {Amount: 9}}}
  - {Name: clean, Action: ACS::ExecuteAPI, Properties: {Service: ECS, API: RunInstances, Parameters: {Amount: 1}}, Outputs: {n: {Type: Json, ValueSelector: 'InstanceIdSets.InstanceIdSet | length'}}}
Outputs: {n: {Type: Json, Value: '{{ clean.n }}'}}
";

const CANCELLED: &str = "
FormatVersion: OOS-2019-06-01
Tasks:
  - {Name: make, Action: ACS::ExecuteAPI, Properties: {Service: ECS, API: RunInstances, Parameters: {Amount: 1}}}
  - {Name: doze, Action: ACS::Sleep, OnCancel: clean, Properties: {Duration: PT30M}}
  - {Name: never, Action: ACS::ExecuteAPI, Properties: {Service: ECS, API: RunInstances, Parameters: {Amount: 9}}}
  - {Name: clean, Action: ACS::ExecuteAPI, Properties: {Service: ECS, API: RunInstances, Parameters: {Amount: 2}}}
";

const RETRIES: &str = "
FormatVersion: OOS-2019-06-01
Tasks:
  - {Name: make, Action: ACS::ExecuteAPI, Properties: {Service: ECS, API: RunInstances, Parameters: {Amount: 1}}, Outputs: {id: {Type: String, ValueSelector: 'InstanceIdSets.InstanceIdSet[]'}}}
  - {Name: ready, Action: ACS::WaitFor, DelayType: Constant, Delay: 3, Retries: 100, Properties: {Service: ECS, API: DescribeInstances, Parameters: {InstanceIds: ['{{ make.id }}']}, PropertySelector: 'Instances.Instance[].Status', DesiredValues: [Running]}}
  - {Name: doze, Action: ACS::Sleep, Properties: {Duration: PT5M}}
";

const NESTED: &str = "
FormatVersion: OOS-2019-06-01
Tasks:
  - {Name: find, Action: ACS::ExecuteAPI, Properties: {Service: ECS, API: DescribeInstances, Parameters: {}}, Outputs: {id: {Type: String, ValueSelector: 'Instances.Instance[0].InstanceId'}}}
  - {Name: call, Action: ACS::Template, Properties: {TemplateName: {'Fn::Join': ['::', [ACS, ECS, StartInstance]]}, Parameters: {instanceId: '{{ find.id }}'}}}
  - {Name: see, Action: ACS::ExecuteAPI, Properties: {Service: ECS, API: DescribeInstances, Parameters: {}}, Outputs: {all: {Type: List, ValueSelector: 'Instances.Instance[].Status'}}}
Outputs: {all: {Type: List, Value: '{{ see.all }}'}}
";

const STORED: &str = "
FormatVersion: OOS-2019-06-01
Tasks:
  - {Name: make, Action: ACS::ExecuteAPI, Properties: {Service: ECS, API: RunInstances, Parameters: {Amount: '{{ oos:amount }}'}}}
  - {Name: many, Action: ACS::ExecuteAPI, Properties: {Service: ECS, API: RunInstances, Parameters: {Amount: {'Fn::If': [{'Fn::Equals': ['{{ ACS::TaskLoopItem }}', 1]}, '{{ oos:one }}', '{{ oos:two }}']}}}, Loop: {Items: [1, 2], RateControl: {Mode: Concurrency, Concurrency: 2}}}
Outputs: {amount: {Type: Json, Value: '{{ oos:amount }}-{{ oos:late }}'}}
";

fn nothing(_: &FakeCloud, _: &TestBed) {}

fn stopped(cloud: &FakeCloud, _: &TestBed) {
    cloud.ecs().instances(3).stopped().create();
}

fn stored(_: &FakeCloud, bed: &TestBed) {
    bed.parameters().set("amount", "2").set("one", "1").set("two", "2").set("late", "x");
}

const fn case(name: &'static str, template: &'static str, setup: fn(&FakeCloud, &TestBed)) -> Case {
    Case { name, template, setup, cancel: false }
}

const CASES: [Case; 9] = [
    case("loop of calls", RUN_THREE, nothing),
    case("loop of product actions", PRODUCT_LOOP, stopped),
    case("approval", APPROVAL, nothing),
    case("timer trigger", TIMER, nothing),
    case("failure with handler", HANDLER, nothing),
    Case { cancel: true, ..case("cancel", CANCELLED, nothing) },
    case("retries", RETRIES, nothing),
    case("nested template", NESTED, stopped),
    case("stored parameters", STORED, stored),
];

/// How a run ended, and what there is in the cloud afterwards.
#[derive(Debug, PartialEq)]
struct End {
    status: String,
    outputs: Value,
    message: Option<String>,
    instances: Value,
}

fn signal(bed: &TestBed, handle: &ExecutionHandle, from: &str, kind: SignalKind) {
    let (handle, from) = (handle.clone(), from.to_owned());
    let _ = bed.block_on(async move { handle.send(&from, SignalTarget::default(), kind).await });
}

fn cancelled(bed: &TestBed, store: &Dying, id: &ExecutionId) -> bool {
    let (store, id) = (store.clone(), id.clone());
    let journal = bed.block_on(async move { store.load(&id).await.unwrap() });
    let is_cancel = |kind: &InputKind| matches!(kind, InputKind::Signal(s) if s.kind == SignalKind::Cancel);
    journal.records.iter().any(|r| is_cancel(&r.input.kind))
}

/// Drives a run to its end, or to the death of the process: people approve, and cancel after a minute if they do.
fn drive(case: &Case, bed: &TestBed, store: &Dying, handle: &ExecutionHandle) {
    if case.cancel && !cancelled(bed, store, handle.id()) {
        bed.run_for(secs(60));
        if handle.finished().is_none() {
            signal(bed, handle, "tester", SignalKind::Cancel);
        }
    }
    for _ in 0..5 {
        bed.run_to_end();
        if handle.finished().is_some() {
            return;
        }
        let asking = handle.clone();
        let reports = bed.block_on(async move { asking.report().await });
        let waits = reports.first().and_then(|r| r.waiting_for);
        let at: Vec<_> =
            reports.iter().flat_map(|r| r.tasks.iter().map(|t| (t.name.clone(), t.status, t.steps.clone()))).collect();
        assert_eq!(waits, Some(WaitingFor::Approval), "{}: {at:?}", case.name);
        signal(bed, handle, "anna", SignalKind::Approve { note: None });
        signal(bed, handle, "ben", SignalKind::Approve { note: None });
    }
}

fn end(cloud: &FakeCloud, handle: &ExecutionHandle) -> End {
    let finished = handle.finished().expect_ended();
    let instances = cloud.call_now("ECS", "DescribeInstances", Value::empty_map()).unwrap();
    End {
        status: finished.status.to_string(),
        // A repeated call is another request with another id.
        message: finished.message().map(|m| m.split(" (RequestId").next().unwrap_or_default().to_owned()),
        outputs: finished.outputs,
        instances: instances.at(&["TotalCount"]).clone(),
    }
}

trait Ended {
    fn expect_ended(self) -> oos_core::engine::Finished;
}

impl Ended for Option<Result<oos_core::engine::Finished, StoreError>> {
    fn expect_ended(self) -> oos_core::engine::Finished {
        self.unwrap_or_else(|| panic!("the run has not ended")).unwrap()
    }
}

fn bed(case: &Case, cloud: &FakeCloud, store: &Dying, first: bool) -> TestBed {
    let bed = TestBed::on(cloud).store(store.clone());
    if first {
        (case.setup)(cloud, &bed);
    } else {
        (case.setup)(&FakeCloud::new(), &bed);
    }
    bed
}

/// Runs a case in a process that dies after that many records, then in another; gives the end and the records.
fn crash_after(case: &Case, limit: u64) -> (End, u64, bool) {
    let cloud = FakeCloud::at("2026-01-05T10:00:00Z");
    let below = Arc::new(MemoryStore::new().keeping_history());
    let dying = Dying { below: below.clone(), limit, refused: Arc::default() };
    let first = bed(case, &cloud, &dying, true);
    let options = StartOptions { id: Some("exec-crash".into()), ..StartOptions::default() };
    let mut handle = first.start_with(case.template, Value::empty_map(), options).handle().clone();
    drive(case, &first, &dying, &handle);
    let died = dying.refused.load(Ordering::Relaxed) > 0;
    let whole = Dying { limit: u64::MAX, ..dying };
    let last = if died { bed(case, &cloud, &whole, false) } else { first };
    if died {
        assert!(handle.finished().is_some_and(|f| f.is_err()), "{}: the first engine has stopped", case.name);
        let engine = last.engine().clone();
        let resumed = last.block_on(async move { engine.resume_all().await }).unwrap();
        assert_eq!(resumed.len(), 1, "{} after {limit}", case.name);
        handle = resumed.into_iter().map(|(_, handle)| handle.unwrap()).next().unwrap();
        drive(case, &last, &whole, &handle);
    }
    let journal = last.block_on(async move { below.history(&"exec-crash".into()).await.unwrap() });
    (end(&cloud, &handle), journal.records.len() as u64, died)
}

#[test]
fn a_run_that_crashes_after_any_record_ends_as_if_it_had_not() {
    for case in &CASES {
        let (expected, records, died) = crash_after(case, u64::MAX);
        assert!(!died && records > 2, "{}: {records} records", case.name);
        let mut crashes = 0;
        for limit in 1..records {
            let (found, _, died) = crash_after(case, limit);
            crashes += u64::from(died);
            assert_eq!(found, expected, "{}: crash after {limit} of {records} records", case.name);
        }
        println!("{}: {records} records, {crashes} crashes, {expected:?}", case.name);
        assert!(crashes > 0, "{}", case.name);
    }
}

#[test]
fn a_cancelled_run_makes_what_its_handler_makes_and_no_more() {
    let case = &CASES[5];
    let (expected, ..) = crash_after(case, u64::MAX);
    assert_eq!((expected.status.as_str(), expected.instances), ("Cancelled", Value::from(3)));
}

#[test]
fn equal_seeds_give_equal_traces_byte_for_byte() {
    let trace = |seed| {
        let cloud = FakeCloud::at("2026-01-05T10:00:00Z");
        let bed = TestBed::shuffled(&cloud, seed);
        stopped(&cloud, &bed);
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
