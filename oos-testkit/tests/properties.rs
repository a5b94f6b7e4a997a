//! What holds for every template and every order of what happens (machine.md 12, style of the house 3.10).
//!
//! Generated templates of work, loops of both modes, children, `ACS::Loop`, approvals, pauses, sleeps, choices and
//! handlers are driven through the machine alone by a list of numbers that choose what happens next: completions in any
//! order, late and double ones, timers, signals of every kind from the right and the wrong people, cancels, and crashes
//! after which a fresh tree is made of the recorded inputs. The bench itself checks on each input that a refused one
//! changes nothing, that event numbers count without gaps and that an ended run wants nothing; and, when it is dropped,
//! that another replay is equal.

#![expect(clippy::unwrap_used, reason = "tests")]
#![expect(clippy::expect_used, reason = "tests")]
#![expect(clippy::panic, reason = "tests")]
#![expect(clippy::indexing_slicing, reason = "tests")]

#[path = "../../oos-core/tests/machine/support.rs"]
#[expect(dead_code, reason = "the bench of the machine's tests has more than these need")]
mod support;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use oos_core::{
    Value,
    ids::{MachinePath, StepKey},
    machine::{
        ExecutionStatus, InputKind, LoopMode, Mode, SignalKind, SignalTarget, Started, StepResult, TaskStatus,
        UnknownOutcome, step_token,
    },
    params,
    ports::{ActionError, ActionErrorKind, event::EventKind},
};
use proptest::{prelude::*, test_runner::FileFailurePersistence};
use support::{Bench, Open, broken, not_yet, template_with};

/// A generated task.
#[derive(Clone, Debug)]
struct Task {
    kind: Kind,
    on_error: u8,
    on_cancel: bool,
    when: When,
    looped: Option<Loop>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Work { retries: u32 },
    Child,
    Deep,
    Each { items: usize, window: u32, errors: u32 },
    Approve { people: u32 },
    Pause,
    Sleep,
    Choice { last: bool },
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum When {
    Always,
    Never,
    /// All items but the second.
    Item,
}

/// How the items of a task run.
#[derive(Clone, Debug)]
struct Loop {
    items: usize,
    errors: u32,
    rate: Rate,
}

#[derive(Clone, Debug)]
enum Rate {
    Window(u32),
    Percent(u32),
    Batches(Vec<u32>, u8),
}

const CHILD: &str = "FormatVersion: OOS-2019-06-01\nOutputs: {v: {Type: Json, Value: '{{ two.v }}'}}\nTasks:\n  - {Name: one, Action: Acme::Do, OnCancel: two}\n  - {Name: two, Action: Acme::Do, Outputs: {v: {Type: Json, ValueSelector: v}}}";

const DEEP: &str = "FormatVersion: OOS-2019-06-01\nOutputs: {v: {Type: Json, Value: '{{ in.v }}'}}\nTasks:\n  - {Name: in, Action: Acme::Child, OnError: mend, OnCancel: mend, Outputs: {v: {Type: Json, ValueSelector: v}}, Loop: {Items: [1, 2], RateControl: {Mode: Concurrency, Concurrency: 2, MaxErrors: 1}, Outputs: {v: {AggregateType: 'Fn::ListJoin', AggregateField: v}}}}\n  - {Name: mend, Action: Acme::Do}";

fn rate() -> impl Strategy<Value = Rate> {
    prop_oneof![
        3 => (1_u32..5).prop_map(Rate::Window),
        1 => (1_u32..101).prop_map(Rate::Percent),
        2 => (prop::collection::vec(1_u32..4, 1..4), 0_u8..3).prop_map(|(sizes, pause)| Rate::Batches(sizes, pause)),
    ]
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        6 => (0_u32..3).prop_map(|retries| Kind::Work { retries }),
        3 => Just(Kind::Child),
        1 => Just(Kind::Deep),
        1 => (0_usize..4, 1_u32..3, 0_u32..2).prop_map(|(items, window, errors)| Kind::Each { items, window, errors }),
        1 => (1_u32..3).prop_map(|people| Kind::Approve { people }),
        1 => Just(Kind::Pause),
        1 => Just(Kind::Sleep),
        1 => any::<bool>().prop_map(|last| Kind::Choice { last }),
    ]
}

fn tasks() -> impl Strategy<Value = Vec<Task>> {
    let looped = (0_usize..7, rate(), 0_u32..4).prop_map(|(items, rate, errors)| Loop { items, errors, rate });
    let when = prop_oneof![6 => Just(When::Always), 1 => Just(When::Never), 1 => Just(When::Item)];
    let task = (kind(), 0_u8..3, any::<bool>(), when, prop::option::of(looped));
    let task = task.prop_map(|(kind, on_error, on_cancel, when, looped)| {
        let loops = matches!(kind, Kind::Work { .. } | Kind::Child | Kind::Deep);
        let looped = looped.filter(|_| loops);
        let when = if when == When::Item && looped.is_none() { When::Always } else { when };
        Task { kind, on_error, on_cancel, when, looped }
    });
    prop::collection::vec(task, 1..5)
}

impl Loop {
    fn text(&self) -> String {
        let items: Vec<_> = (1..=self.items).collect();
        let errors = self.errors;
        let rate = match &self.rate {
            Rate::Window(window) => format!("Mode: Concurrency, Concurrency: {window}"),
            Rate::Percent(percent) => format!("Mode: Concurrency, Concurrency: {percent}%"),
            Rate::Batches(sizes, pause) => {
                let pause = ["Automatic", "FirstBatchPause", "EveryBatchPause"][usize::from(*pause)];
                format!("Mode: Batch, Batch: {sizes:?}, BatchPauseOption: {pause}")
            }
        };
        format!(
            "Loop: {{Items: {items:?}, RateControl: {{{rate}, MaxErrors: {errors}}}, Outputs: {{vs: {{AggregateType: 'Fn::ListJoin', AggregateField: v}}}}}}"
        )
    }

    /// The most items that may be in flight at once.
    fn window(&self) -> u32 {
        match &self.rate {
            Rate::Window(window) => *window,
            Rate::Percent(percent) => (u32::try_from(self.items).unwrap() * percent).div_ceil(100).max(1),
            Rate::Batches(sizes, _) => sizes.iter().copied().max().unwrap_or(1),
        }
    }
}

impl Task {
    /// Action, properties and outputs.
    fn action(&self, next: &str) -> String {
        let v = "Outputs: {v: {Type: Json, ValueSelector: v}}";
        match self.kind {
            Kind::Work { retries: 0 } => format!("Action: Acme::Do, {v}"),
            Kind::Work { retries } => format!("Action: Acme::Do, Retries: {retries}, {v}"),
            Kind::Child => format!("Action: Acme::Child, {v}"),
            Kind::Deep => format!("Action: Acme::Deep, {v}"),
            Kind::Each { items, window, errors } => {
                let items: Vec<_> = (1..=items).collect();
                format!(
                    "Action: ACS::Loop, Properties: {{LoopItems: {items:?}, LoopRateControl: {{Mode: Concurrency, Concurrency: {window}, MaxErrors: {errors}}}, LoopTasks: [{{Name: a, Action: Acme::Do, OnError: b, {v}}}, {{Name: b, Action: Acme::Do}}]}}, Outputs: {{v: {{Type: Json, ValueSelector: '{{{{ a.v }}}}'}}}}"
                )
            }
            Kind::Approve { people } => format!(
                "Action: ACS::Approve, Properties: {{NotifyType: WebHook, Approvers: [anna, ben], MinRequiredApprovals: {people}, WebHook: {{URI: 'https://x', Content: {{a: b}}}}}}"
            ),
            Kind::Pause => "Action: ACS::Pause".to_owned(),
            Kind::Sleep => "Action: ACS::Sleep, Properties: {Duration: PT1H}".to_owned(),
            Kind::Choice { last } => {
                let holds = if last { "[1, 1]" } else { "[1, 2]" };
                format!(
                    "Action: ACS::Choice, Properties: {{DefaultTask: {next}, Choices: [{{When: {{'Fn::Equals': {holds}}}, NextTask: last}}]}}"
                )
            }
        }
    }

    fn text(&self, i: usize, next: &str) -> String {
        let mut line = format!("Name: t{i}, {}", self.action(next));
        line.push_str(match self.on_error {
            0 => "",
            1 => ", OnError: 'ACS::NEXT'",
            _ => ", OnError: last",
        });
        line.push_str(if self.on_cancel { ", OnCancel: last" } else { "" });
        line.push_str(match self.when {
            When::Always => "",
            When::Never => ", When: {'Fn::Equals': [1, 2]}",
            When::Item => ", When: {'Fn::Not': {'Fn::Equals': ['{{ ACS::TaskLoopItem }}', 2]}}",
        });
        if let Some(looped) = &self.looped {
            line.push_str(", ");
            line.push_str(&looped.text());
        }
        line
    }

    /// The name of what its outputs are called from outside.
    fn output(&self) -> Option<&'static str> {
        match self.kind {
            _ if self.looped.is_some() => Some("vs"),
            Kind::Work { .. } | Kind::Child | Kind::Deep | Kind::Each { .. } => Some("v"),
            _ => None,
        }
    }
}

/// The text of a template; handlers and choices lead forward, so every run ends.
fn text(tasks: &[Task]) -> String {
    let next = |i: usize| if i + 1 < tasks.len() { format!("t{}", i + 1) } else { "last".to_owned() };
    let mut lines: Vec<_> = tasks.iter().enumerate().map(|(i, task)| task.text(i, &next(i))).collect();
    lines.push("Name: last, Action: Acme::Do".to_owned());
    let outputs = tasks
        .iter()
        .enumerate()
        .filter_map(|(i, task)| Some(format!("o{i}: {{Type: Json, Value: '{{{{ t{i}.{} }}}}'}}", task.output()?)));
    let outputs: Vec<_> = outputs.collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    template_with(&format!("Outputs: {{{}}}", outputs.join(", ")), &lines)
}

fn started() -> impl Strategy<Value = Started> {
    let mode = prop_oneof![4 => Just(Mode::Automatic), 3 => Just(Mode::FailurePause), 1 => Just(Mode::Debug)];
    let loops = prop_oneof![5 => Just(LoopMode::Automatic), 1 => Just(LoopMode::EveryBatchPause)];
    let unknown = prop_oneof![2 => Just(UnknownOutcome::Fail), 1 => Just(UnknownOutcome::Pause)];
    (mode, loops, unknown, any::<bool>()).prop_map(|(mode, loop_mode, unknown_outcome, forgive_handled)| Started {
        mode,
        loop_mode,
        unknown_outcome,
        forgive_handled,
        ..Started::default()
    })
}

fn start(tasks: &[Task], started: Started) -> Bench {
    Bench::run_with(&text(tasks), &[("Acme::Child", CHILD), ("Acme::Deep", DEEP)], started)
}

/// A document that tells which step it answers, so that outputs show a mix-up.
fn document(open: &Open) -> Value {
    let path: Vec<String> = open.path.steps().iter().map(|s| format!("{}{:?}", s.task, s.item)).collect();
    params! { "v" => format!("{}/{}{:?}", path.join("/"), open.key.task, open.key.item) }
}

fn unknown() -> StepResult {
    StepResult::Failed(ActionError::new(ActionErrorKind::UnknownOutcome, "OutcomeUnknown", "nobody knows"))
}

/// One generated run: what has happened, what may happen, and what must hold all the time.
struct Run {
    bench: Bench,
    tasks: Vec<Task>,
    started: Started,
    cancels: u32,
    /// Tokens of calls that were asked for, by what they are for; a fresh tree must ask with the same ones.
    tokens: BTreeMap<Arc<str>, String>,
    asked: BTreeSet<(MachinePath, StepKey)>,
    /// Steps whose last outcome is unknown: a retry keeps their token.
    lost: BTreeSet<Arc<str>>,
}

impl Run {
    fn new(tasks: &[Task], started: Started) -> Self {
        let mut run = Self {
            bench: start(tasks, started.clone()),
            tasks: tasks.to_vec(),
            started,
            cancels: 2,
            tokens: BTreeMap::new(),
            asked: BTreeSet::new(),
            lost: BTreeSet::new(),
        };
        run.invariants();
        run
    }

    /// Lets one thing happen.
    fn happen(&mut self, choice: u32) {
        let bench = &mut self.bench;
        let open = (!bench.open.is_empty()).then(|| bench.open[choice as usize / 32 % bench.open.len()].clone());
        match (choice % 32, open) {
            (0, _) if self.cancels > 0 => {
                self.cancels -= 1;
                let _ = bench.signal(SignalKind::Cancel);
            }
            (1, _) => _ = bench.signal(SignalKind::Pause),
            (2 | 3, _) => _ = bench.signal(SignalKind::Resume),
            (4, _) => self.signal_somebody(choice, SignalKind::RetryTask),
            (5, _) => self.signal_somebody(choice, SignalKind::SkipTask),
            (6, _) => self.signal_somebody(choice, SignalKind::Approve { note: None }),
            (7, _) => self.signal_somebody(choice, SignalKind::ExecuteTask { parameters: Value::Null }),
            (8, _) => self.signal_somebody(choice, SignalKind::CancelTask),
            (9, _) if choice.is_multiple_of(7) => self.signal_somebody(choice, SignalKind::Reject { note: None }),
            (10, _) => {
                let to = SignalTarget { items: vec![choice / 64 % 7], ..SignalTarget::default() };
                let kind = if choice.is_multiple_of(3) { SignalKind::RetryTask } else { SignalKind::SkipTask };
                let _ = bench.send("ops", to, kind);
            }
            (11, _) => {
                let _ = bench.signal(SignalKind::Trigger { message: Value::Null });
                let _ = bench.signal(SignalKind::UpdateParameters { parameters: Value::empty_map() });
                let _ = bench.signal(SignalKind::SecretSupplied);
            }
            (12, _) => self.late(choice),
            (13, _) => self.crash(),
            (14 | 15, _) if !bench.timers.is_empty() => _ = bench.wake(),
            (_, Some(open)) if open.stopped => bench.report_stopped(),
            (16..=19, Some(open)) => bench.answer(&open, broken()),
            (20 | 21, Some(open)) => bench.answer(&open, not_yet("x")),
            (22, Some(open)) => {
                self.lost.insert(self.token(&open));
                self.bench.answer(&open, unknown());
            }
            (_, Some(open)) => bench.answer(&open, Bench::result(&open, document(&open))),
            (_, None) if !bench.timers.is_empty() => _ = bench.wake(),
            (_, None) => self.signal_somebody(choice, SignalKind::Approve { note: None }),
        }
        self.invariants();
    }

    /// A signal to any living machine, from anybody.
    fn signal_somebody(&mut self, choice: u32, kind: SignalKind) {
        let reports = self.bench.reports();
        let path = reports[choice as usize / 128 % reports.len()].path.clone();
        let from = ["anna", "ben", "eve"][choice as usize / 32 % 3];
        let _ = self.bench.send(from, SignalTarget { path, ..SignalTarget::default() }, kind);
    }

    /// An earlier input comes once more: an outcome, a timer, a signal. The bench sees to it that a refused one changes
    /// nothing; that it is refused is seen here.
    fn late(&mut self, choice: u32) {
        let old = self.bench.inputs[choice as usize / 32 % self.bench.inputs.len()].kind.clone();
        let again = match &old {
            // The same step may be in flight in a tree that was reopened; then the outcome is no copy.
            InputKind::Outcome { path, key, .. } => self.bench.open.iter().any(|o| o.path == *path && o.key == *key),
            InputKind::Woke { path, key, purpose, scheduled } => self
                .bench
                .timers
                .iter()
                .any(|t| t.path == *path && t.key == *key && t.purpose == *purpose && t.at == *scheduled),
            InputKind::Started(_) | InputKind::Signal(_) => false,
            _ => true,
        };
        if !again {
            let thorough = std::mem::replace(&mut self.bench.thorough, true);
            assert!(self.bench.try_take(old.clone()).is_err(), "taken twice: {old:?}");
            self.bench.thorough = thorough;
        }
    }

    /// A crash: a fresh tree of the recorded inputs wants the same and goes on instead.
    fn crash(&mut self) {
        let mut fresh = self.bench.replay(self.bench.inputs.len());
        assert_eq!(wanted(&fresh), wanted(&self.bench), "a fresh tree wants something else");
        std::mem::swap(&mut fresh, &mut self.bench);
        // The old one has been compared.
        fresh.thorough = false;
    }

    fn token(&self, open: &Open) -> Arc<str> {
        let execution = self.bench.tree.machine(&open.path).expect("who asks is there").id().clone();
        step_token(&execution, &StepKey { run: open.token_run, ..open.key.clone() }, open.answers)
    }

    fn invariants(&mut self) {
        let root = self.bench.root();
        for (i, task) in self.tasks.iter().enumerate() {
            let Some(looped) = &task.looped else { continue };
            let Some(counts) = root.tasks.get(i).and_then(|t| t.counts) else { continue };
            let window = looped.window();
            assert!(counts.running <= window, "{} run, the window is {window}", counts.running);
            let most = looped.errors + window;
            assert!(counts.failed <= most, "{} failed, at most {most} may with {window} in flight", counts.failed);
        }
        let asked = &self.asked;
        let new = |o: &&Open| !asked.contains(&(o.path.clone(), o.key.clone()));
        for open in self.bench.open.iter().filter(new).cloned().collect::<Vec<_>>() {
            let (token, what) = (self.token(&open), format!("{:?} {:?}", open.path, open.key));
            self.asked.insert((open.path, open.key));
            if let Some(other) = self.tokens.insert(token.clone(), what.clone()) {
                assert!(self.lost.contains(&token), "{what} has the token of {other}");
            }
        }
    }

    /// Drives the run to its end: what is held goes on, people agree, what failed is skipped, all work ends well.
    fn finish(&mut self) -> u32 {
        let debug = self.started.mode == Mode::Debug;
        for inputs in 0..3_000 {
            if self.bench.status().is_final() {
                return inputs;
            }
            let bench = &mut self.bench;
            if bench.open.iter().any(|o| o.stopped) {
                bench.report_stopped();
            } else if let Some(open) = bench.open.first().cloned() {
                bench.answer(&open, Bench::result(&open, document(&open)));
            } else if !bench.timers.is_empty() {
                bench.wake();
            } else {
                decide(bench, debug);
            }
            self.invariants();
        }
        panic!("the run does not end: {:?}", self.bench.root());
    }
}

/// What is outstanding, in an order that does not hang on when it was asked for.
fn wanted(bench: &Bench) -> Vec<String> {
    let open = bench.open.iter().filter(|o| !o.stopped);
    let open = open.map(|o| format!("{:?} {:?} {} {} {}", o.path, o.key, o.properties, o.token_run, o.answers));
    let timers = bench.timers.iter().map(|t| format!("{t:?}"));
    let mut all: Vec<_> = open.chain(timers).collect();
    all.push(format!("{:?} {}", bench.reports(), bench.tree.events()));
    all.sort();
    all
}

/// Somebody decides about the first thing that waits for a person; each is asked by its path, the deepest first.
fn decide(bench: &mut Bench, debug: bool) {
    if bench.signal(SignalKind::Resume).is_ok() {
        return;
    }
    // One after the other: a second vote of the same person is no second vote.
    let people = if bench.inputs.len().is_multiple_of(2) { ["anna", "ben"] } else { ["ben", "anna"] };
    for report in bench.reports().into_iter().rev() {
        for from in people {
            for kind in [
                SignalKind::Approve { note: None },
                SignalKind::SkipTask,
                SignalKind::ExecuteTask { parameters: Value::Null },
                SignalKind::CompleteExecution { status: ExecutionStatus::Failed },
            ] {
                if matches!(kind, SignalKind::ExecuteTask { .. } | SignalKind::CompleteExecution { .. }) && !debug {
                    continue;
                }
                let to = SignalTarget { path: report.path.clone(), ..SignalTarget::default() };
                if bench.send(from, to, kind).is_ok() {
                    return;
                }
            }
        }
    }
}

/// Every run of a step has ended exactly once.
fn one_end_per_step(bench: &Bench) {
    let mut ends: BTreeMap<String, u32> = BTreeMap::new();
    for (id, kind) in &bench.events {
        if let EventKind::StepEnded { key, status, .. } = kind {
            assert!(status.is_final());
            // A failure that people decided to skip is told a second time, as Skipped.
            if *status != TaskStatus::Skipped {
                *ends.entry(format!("{id}/{}/{}/{:?}", key.task, key.run, key.item)).or_default() += 1;
            }
        }
    }
    // A loop that people reopened ends again in the same run.
    let twice: Vec<_> = ends.iter().filter(|(key, n)| **n > 1 && !key.ends_with("None")).collect();
    assert!(twice.is_empty(), "{twice:?}");
    let ended =
        bench.events.iter().filter(|(id, k)| id == bench.tree.id() && matches!(k, EventKind::ExecutionEnded { .. }));
    assert_eq!(ended.count(), 1);
    assert!(bench.root().tasks.iter().all(|t| t.status == TaskStatus::Pending || t.status.is_final()));
}

/// Cases of each property. They are counted, so that the number that is promised is the number that ran.
const CASES: u32 = 2_500;

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: CASES,
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("seeds"))),
        max_shrink_iters: 300,
        ..ProptestConfig::default()
    }
}

/// Each so many cases are loaded from snapshots in the middle, and looked at before and after each input.
const THOROUGH: usize = 16;

fn interleaved(
    tasks: &[Task],
    started: Started,
    choices: &[u32],
    cut: prop::sample::Index,
) -> Result<(), TestCaseError> {
    let mut run = Run::new(tasks, started);
    run.bench.thorough = choices.len().is_multiple_of(THOROUGH);
    for choice in choices {
        if run.bench.status().is_final() {
            break;
        }
        run.happen(*choice);
    }
    let cut = cut.index(run.bench.inputs.len() + 1);
    let there = run.bench.inputs.len() == cut;
    let mut prefix = run.bench.replay(cut);
    prefix.thorough = false;
    if there {
        prop_assert_eq!(prefix.reports(), run.bench.reports());
    }
    run.finish();
    one_end_per_step(&run.bench);
    // The prefix goes on to the same end with the rest of the inputs, and tells the same.
    for input in run.bench.inputs[cut..].iter().cloned() {
        prefix.now = input.at;
        prefix.take(input.kind);
    }
    prop_assert_eq!(prefix.reports(), run.bench.reports());
    prop_assert_eq!(&prefix.events, &run.bench.events);
    Ok(())
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn whatever_happens_bounds_hold_and_the_run_ends(
        tasks in tasks(),
        started in started(),
        choices in prop::collection::vec(any::<u32>(), 0..60),
        cut in any::<prop::sample::Index>(),
    ) {
        interleaved(&tasks, started, &choices, cut)?;
    }

    #[test]
    fn whatever_happens_to_long_runs_bounds_hold_and_they_end(
        tasks in tasks(),
        started in started(),
        choices in prop::collection::vec(any::<u32>(), 40..160),
        cut in any::<prop::sample::Index>(),
    ) {
        interleaved(&tasks, started, &choices, cut)?;
    }

    #[test]
    fn a_cancelled_run_ends_after_finitely_many_inputs(
        tasks in tasks(),
        choices in prop::collection::vec(any::<u32>(), 0..30),
    ) {
        let mut run = Run::new(&tasks, Started::default());
        run.bench.thorough = choices.len().is_multiple_of(THOROUGH);
        run.cancels = 0;
        for choice in choices {
            // A person who rejects has cancelled already.
            if run.bench.status().is_final() || choice % 32 == 9 {
                break;
            }
            run.happen(choice);
        }
        if !run.bench.status().is_final() {
            run.bench.cancel();
            let inputs = run.finish();
            prop_assert!(inputs < 300, "{} inputs", inputs);
            prop_assert_eq!(run.bench.status(), ExecutionStatus::Cancelled);
        }
    }

    #[test]
    fn outputs_do_not_depend_on_the_order_of_completions(
        tasks in tasks(),
        failing in prop::collection::btree_set(1_u32..7, 0..4),
        orders in prop::collection::vec(prop::collection::vec(any::<u32>(), 64), 2),
    ) {
        // Which items are started before a loop gives up hangs on the order; so budgets are wide here, and nobody waits.
        let quiet = |kind| match kind {
            Kind::Each { items, window, .. } => Kind::Each { items, window, errors: 9 },
            Kind::Approve { .. } | Kind::Pause | Kind::Sleep | Kind::Choice { .. } => Kind::Work { retries: 0 },
            Kind::Deep => Kind::Child,
            other => other,
        };
        let tasks: Vec<Task> = tasks.into_iter().map(|task| Task {
            kind: quiet(task.kind),
            looped: task.looped.map(|l| Loop { errors: 9, rate: Rate::Window(l.window()), ..l }),
            ..task
        }).collect();
        let ends = orders.iter().map(|order| {
            let mut bench = start(&tasks, Started::default());
            bench.thorough = false;
            for choice in order.iter().cycle().take(5_000) {
                if bench.open.is_empty() {
                    break;
                }
                let open = bench.open[*choice as usize % bench.open.len()].clone();
                let item = open.key.item.or(open.path.steps().last().and_then(|s| s.item));
                let fails = item.is_some_and(|n| failing.contains(&n));
                let result = if fails { broken() } else { Bench::result(&open, document(&open)) };
                bench.answer(&open, result);
                if bench.open.is_empty() && !bench.timers.is_empty() {
                    bench.wake();
                }
            }
            (bench.status(), bench.root().outputs, bench.message())
        });
        let ends: Vec<_> = ends.collect();
        prop_assert!(ends[0].0.is_final());
        prop_assert_eq!(&ends[0], &ends[1]);
    }
}

#[test]
fn there_are_as_many_cases_as_promised() {
    const PROPERTIES: u32 = 4;
    const { assert!(CASES * PROPERTIES >= 10_000) };
}
