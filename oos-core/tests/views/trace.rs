//! The trace against what the machine says, and against records that are not whole.

use std::time::Duration;

use oos_core::{
    ExecutionId, Timestamp, Value,
    ids::StepKey,
    machine::{ExecutionStatus, TaskStatus},
    ports::{
        ExecutionEvent,
        control::WaitingFor,
        event::{EventKind, LoopCounts},
    },
    view::{TextOptions, Trace, events, text},
};

use crate::{
    bed,
    golden::{BULKY, RESTART},
};

fn bulky() -> bed::Run {
    bed::run("bulky", BULKY, &bed::registry(&[("Acme::Host::Restart", RESTART)]))
}

#[test]
fn statuses_are_those_of_the_machine() {
    let mut run = bulky();
    let trace = Trace::from_events(&run.events);
    let root = trace.root().unwrap();
    for (name, status) in run.reported() {
        let traced = root.task(name.as_str()).map_or(TaskStatus::Pending, |t| t.status());
        assert_eq!(traced, status, "{name}");
    }
    let finished = run.handle.finished().unwrap().unwrap();
    assert_eq!((root.status(), root.message.as_deref()), (finished.status, finished.message().as_deref()));
}

#[test]
fn paths_lead_through_loops_and_children() {
    let trace = Trace::from_events(&bulky().events);
    let failed = trace.find_task("restart[2]/check").unwrap();
    assert_eq!(failed.status(), TaskStatus::Failed);
    assert_eq!(failed.message.as_deref(), Some("Broken: host did not answer (RequestId: 6F1A-77)"));
    let waited = trace.find_task("RESTART[1]/untilStopped").unwrap();
    assert_eq!((waited.attempts, waited.retries(), waited.took()), (3, 2, Some(Duration::from_secs(20))));
    assert_eq!(trace.find_task("restart[1]").unwrap().value, Some(Value::from("web-1")));
    assert_eq!(trace.find_task("restart[1]#1/check#1").unwrap().run, 1);
    for path in ["", "restart[", "restart[9]", "restart[x]/check", "restart/check", "nothing", "restart[1]/check#2"] {
        assert!(trace.find_task(path).is_none(), "{path}");
    }
}

#[test]
fn loops_are_counted_while_they_run_and_after() {
    let events = bulky().events;
    let trace = Trace::from_events(&events);
    let restart = trace.find_task("restart").unwrap();
    let counts = restart.counts.unwrap();
    assert_eq!((counts.total, counts.failed, counts.success, counts.skipped), (4, 1, 2, 1));
    let mut live = Trace::default();
    for event in &events {
        live.push(event);
        let Some(task) = live.root().and_then(|r| r.task("restart")) else { continue };
        let counts = task.counts.unwrap_or_default();
        let sum = counts.pending + counts.running + counts.success + counts.failed + counts.skipped + counts.cancelled;
        assert_eq!(counts.total, sum);
        let running = task.items().filter(|i| !i.status().is_final()).count();
        assert_eq!(counts.running as usize, running);
    }
    let statistics = trace.statistics();
    assert_eq!((statistics.executions, statistics.retries, statistics.items.values().sum::<u32>()), (4, 6, 3));
    assert_eq!(statistics.tasks[&TaskStatus::Failed], 2);
    assert_eq!(statistics.took, Duration::from_secs(40));
}

#[test]
fn events_that_come_twice_change_nothing() {
    let events = bulky().events;
    let once = Trace::from_events(&events);
    let numbered: Vec<_> = events.iter().filter(|e| e.number > 0).cloned().collect();
    let twice: Vec<_> = numbered.iter().chain(&numbered).cloned().collect();
    let shown = |trace: &Trace| text(trace, &TextOptions::default());
    assert_eq!(shown(&Trace::from_events(&twice)), shown(&once));
}

#[test]
fn any_piece_of_a_record_can_be_read() {
    let all = bulky().events;
    for from in 0..all.len() {
        for until in [from, from + 1, from + 3, all.len()] {
            let piece = &all[from..until.min(all.len())];
            let trace = Trace::from_events(piece);
            assert!(text(&trace, &TextOptions { width: 0, ..TextOptions::default() }).is_ascii() == piece.is_empty());
            assert_eq!(events(piece).lines().count(), piece.len());
            trace.statistics();
        }
    }
}

fn event(number: u64, seconds: i64, execution: &str, kind: EventKind) -> ExecutionEvent {
    ExecutionEvent { number, at: Timestamp::from_millis(seconds * 1000), execution: ExecutionId::new(execution), kind }
}

fn key(task: &str, run: u32, item: Option<u32>) -> StepKey {
    StepKey { task: task.into(), run, item, attempt: 1 }
}

fn begun() -> EventKind {
    EventKind::ExecutionStarted { template: None, parent: None }
}

fn started(task: &str, run: u32, item: Option<u32>) -> EventKind {
    EventKind::StepStarted {
        key: key(task, run, item),
        action: "Acme::Do".into(),
        item: item.map(i64::from).map(Value::from),
    }
}

fn ended(task: &str, run: u32, item: Option<u32>, status: TaskStatus) -> EventKind {
    EventKind::StepEnded { key: key(task, run, item), status, message: None, outputs: Value::Null }
}

fn waits(task: &str, item: Option<u32>, waiting_for: Option<WaitingFor>) -> EventKind {
    EventKind::StepWaiting { key: key(task, 1, item), waiting_for, until: None }
}

fn numbered(kinds: Vec<EventKind>) -> Vec<ExecutionEvent> {
    (1..).zip(kinds).map(|(n, kind)| event(n, i64::try_from(n).unwrap(), "exec-1", kind)).collect()
}

#[test]
fn an_execution_waits_when_everything_in_it_waits() {
    let loop_of_two = vec![begun(), started("each", 1, None), started("each", 1, Some(1)), started("each", 1, Some(2))];
    let mut trace = Trace::from_events(&numbered(loop_of_two));
    let status = |trace: &Trace| (trace.root().unwrap().status(), trace.root().unwrap().waiting_for());
    trace.push(&event(5, 5, "exec-1", waits("each", Some(1), Some(WaitingFor::Approval))));
    assert_eq!(status(&trace), (ExecutionStatus::Running, None));
    assert_eq!(trace.find_task("each[1]").unwrap().status(), TaskStatus::Waiting);
    trace.push(&event(6, 6, "exec-1", waits("each", Some(2), Some(WaitingFor::Approval))));
    assert_eq!(status(&trace), (ExecutionStatus::Waiting, Some(WaitingFor::Approval)));
    trace.push(&event(7, 7, "exec-1", ended("each", 1, Some(2), TaskStatus::Success)));
    trace.push(&event(8, 8, "exec-1", waits("each", Some(1), None)));
    assert_eq!(status(&trace), (ExecutionStatus::Running, None));
}

#[test]
fn a_child_that_waits_makes_its_parents_wait() {
    let mut trace = Trace::from_events(&numbered(vec![begun(), started("child", 1, None)]));
    let parent = Some((ExecutionId::new("exec-1"), key("child", 1, None)));
    trace.push(&event(3, 3, "exec-1.0001", EventKind::ExecutionStarted { template: None, parent }));
    trace.push(&event(4, 3, "exec-1.0001", started("ask", 1, None)));
    trace.push(&event(5, 3, "exec-1.0001", waits("ask", None, Some(WaitingFor::Pause))));
    assert_eq!(trace.root().unwrap().status(), ExecutionStatus::Waiting);
    assert_eq!(trace.find_task("child").unwrap().waiting_for(), Some(WaitingFor::Pause));
    assert_eq!(trace.execution(&"exec-1.0001".into()).unwrap().tasks.len(), 1);
    trace.push(&event(6, 4, "exec-1.0001", ended("ask", 1, None, TaskStatus::Success)));
    assert_eq!(trace.root().unwrap().status(), ExecutionStatus::Running);
}

#[test]
fn a_task_that_is_entered_again_is_there_twice() {
    let kinds = vec![
        begun(),
        started("step", 1, None),
        ended("step", 1, None, TaskStatus::Failed),
        ended("left", 1, None, TaskStatus::Skipped),
        started("step", 2, None),
        ended("step", 2, None, TaskStatus::Success),
        ended("left", 2, None, TaskStatus::Skipped),
    ];
    let trace = Trace::from_events(&numbered(kinds));
    let root = trace.root().unwrap();
    assert_eq!(root.tasks.len(), 4);
    assert_eq!(root.task("step").unwrap().status(), TaskStatus::Success);
    assert_eq!(root.runs("step").map(|t| t.run).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(trace.find_task("step#1").unwrap().status(), TaskStatus::Failed);
    assert_eq!(trace.find_task("left").unwrap().took(), None);
}

#[test]
fn a_failed_item_that_starts_again_is_counted_once_and_reopens_its_loop() {
    let counts = LoopCounts { total: 2, failed: 1, success: 1, ..LoopCounts::default() };
    let kinds = vec![
        begun(),
        started("each", 1, None),
        started("each", 1, Some(1)),
        started("each", 1, Some(2)),
        ended("each", 1, Some(1), TaskStatus::Failed),
        ended("each", 1, Some(2), TaskStatus::Success),
        EventKind::LoopProgress { task: "each".into(), counts },
        ended("each", 1, None, TaskStatus::Failed),
        started("each", 2, Some(1)),
    ];
    let mut trace = Trace::from_events(&numbered(kinds));
    let counts = |trace: &Trace| trace.find_task("each").unwrap().counts.unwrap();
    assert_eq!((counts(&trace).running, counts(&trace).failed, counts(&trace).total), (1, 0, 2));
    assert_eq!(trace.find_task("each").unwrap().status(), TaskStatus::Running);
    trace.push(&event(10, 10, "exec-1", ended("each", 2, Some(1), TaskStatus::Success)));
    assert_eq!((counts(&trace).running, counts(&trace).success), (0, 2));
    assert_eq!(trace.find_task("each[1]#2").unwrap().status(), TaskStatus::Success);
}

#[test]
fn a_large_loop_shows_its_failures_and_counts_the_rest() {
    let mut kinds = vec![begun(), started("each", 1, None)];
    for item in 1..=100 {
        kinds.push(started("each", 1, Some(item)));
        let status = if item % 40 == 0 { TaskStatus::Failed } else { TaskStatus::Success };
        kinds.push(ended("each", 1, Some(item), status));
    }
    let shown = text(&Trace::from_events(&numbered(kinds)), &TextOptions::default());
    assert_eq!(shown.lines().count(), 5, "{shown}");
    assert!(shown.contains("[40] 40") && shown.contains("[80] 80"), "{shown}");
    assert!(shown.contains("… 98 more: 98 Success"), "{shown}");
}

#[test]
fn a_live_view_moves_with_its_present() {
    let mut trace = Trace::from_events(&numbered(vec![begun(), started("step", 1, None)]));
    trace.advance(Timestamp::from_millis(62_000));
    assert!(text(&trace, &TextOptions::default()).contains("1m 1s"));
    assert_eq!(trace.statistics().took, Duration::from_secs(61));
    trace.advance(Timestamp::from_millis(0));
    assert_eq!(trace.now(), Timestamp::from_millis(62_000));
}

#[test]
fn identifiers_of_one_run_become_ordinals() {
    let call = |id: &str| EventKind::ApiCall {
        key: Some(key("step", 1, None)),
        service: "ECS".into(),
        api: "StartInstance".into(),
        error: None,
        request_id: Some(id.into()),
        took: Duration::ZERO,
    };
    let lines = |root: &str, ids: [&str; 2]| {
        let message = Some(format!("Broken: no (RequestId: {})", ids[1]).into());
        let outputs = Value::from([format!("{root}.0001"), format!("{root}2")]);
        events(&[
            event(1, 5, root, begun()),
            event(2, 5, root, started("step", 1, None)),
            event(0, 6, root, call(ids[0])),
            event(3, 7, root, EventKind::ExecutionEnded { status: ExecutionStatus::Failed, outputs, message }),
        ])
    };
    let (a, b) = (lines("exec-a", ["A-1", "B-2"]), lines("exec-b", ["x_y", "z"]));
    assert_eq!(a.replace("exec-a2", ""), b.replace("exec-b2", ""));
    assert!(a.contains("ApiCall ECS.StartInstance ok request-1") && a.contains("(RequestId: request-2)"), "{a}");
    assert!(a.contains("execution-1.0001"), "{a}");
}
