//! A bench for one tree: inputs in, effects out, no runtime. It keeps what is outstanding, refuses to let a refused
//! input change anything, counts event numbers, and replays every run once more when it is dropped.

use std::{collections::BTreeMap, sync::Arc};

use futures::FutureExt;
use oos_actions::product::MemoryTemplates;
use oos_core::{
    ActionName, ExecutionId, Limits, Template, TemplateName, Timestamp, Value,
    ids::{MachinePath, StepKey},
    machine::{
        Beside, Effect, ExecutionStatus, Extract, Input, InputKind, MachineReport, PlanRef, Refusal, SavedTree, Signal,
        SignalKind, SignalTarget, Started, StepResult, TaskReport, TaskStatus, Tree, TreeOptions,
    },
    params,
    plan::{Environment, Plan, PlanSet},
    ports::{
        ActionError, Outcome,
        control::Purpose,
        event::EventKind,
        parameter_store::ParameterRef,
        store::{LinkedTemplate, PinnedTemplate},
        trigger::Rule,
    },
    registry::ActionRegistry,
};

/// When every run starts: 2026-01-01T00:00:00Z, a Thursday.
pub(crate) const START: Timestamp = Timestamp::from_millis(1_767_225_600_000);

/// A task that was asked for and not answered.
#[derive(Clone, Debug)]
pub(crate) struct Open {
    pub(crate) path: MachinePath,
    pub(crate) key: StepKey,
    pub(crate) action: ActionName,
    pub(crate) properties: Value,
    pub(crate) role: Arc<str>,
    pub(crate) token_run: u32,
    pub(crate) answers: u32,
    pub(crate) extract: Arc<Extract>,
    pub(crate) stopped: bool,
}

/// A timer that is set.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Timer {
    pub(crate) at: Timestamp,
    pub(crate) path: MachinePath,
    pub(crate) key: StepKey,
    pub(crate) purpose: Purpose,
}

/// A template that was asked for by a computed name.
type Link = (MachinePath, StepKey, PlanRef);

pub(crate) struct Bench {
    plan: Arc<Plan>,
    plans: PlanSet,
    registry: ActionRegistry,
    limits: Limits,
    pub(crate) tree: Tree,
    pub(crate) now: Timestamp,
    pub(crate) inputs: Vec<Input>,
    pub(crate) open: Vec<Open>,
    pub(crate) timers: Vec<Timer>,
    pub(crate) events: Vec<(ExecutionId, EventKind)>,
    pub(crate) fetches: Vec<Vec<ParameterRef>>,
    pub(crate) links: Vec<Link>,
    pub(crate) rules: Vec<(MachinePath, StepKey, Rule)>,
    linked: Vec<(usize, Arc<Plan>)>,
    signals: u32,
    /// True to look at the whole tree before and after each input, and to load and replay it at the end; costly.
    pub(crate) thorough: bool,
}

/// A template of tasks, each the inside of a YAML flow map, with other sections in front.
pub(crate) fn template_with(sections: &str, tasks: &[&str]) -> String {
    let tasks: Vec<_> = tasks.iter().map(|task| format!("  - {{{task}}}\n")).collect();
    format!("FormatVersion: OOS-2019-06-01\n{sections}\nTasks:\n{}", tasks.concat())
}

/// A template of tasks.
pub(crate) fn template(tasks: &[&str]) -> String {
    template_with("", tasks)
}

/// The standard actions, a work action that the test answers, and these templates.
pub(crate) fn registry(templates: &[(&str, &str)]) -> ActionRegistry {
    let store = templates.iter().fold(MemoryTemplates::new(), |store, (name, text)| store.with(*name, text));
    oos_actions::standard().with_fn("Acme::Do", |_| async { Ok(Outcome::Done(Value::Null)) }).with_templates(store)
}

pub(crate) fn compile(text: &str, registry: &ActionRegistry) -> Plan {
    let template = Template::parse(text).unwrap_or_else(|found| panic!("{found}\n{text}"));
    let environment = Environment::new(Arc::new(registry.clone()));
    Plan::compile(&template, &environment).unwrap_or_else(|found| panic!("{found}\n{text}"))
}

fn named(name: &TemplateName, registry: &ActionRegistry) -> Arc<Plan> {
    let stored = registry.template(name, None).now_or_never().unwrap().unwrap().unwrap();
    Arc::new(Plan { name: Some(name.clone()), ..compile(&stored.source.text, registry) })
}

fn children(plan: &Plan, registry: &ActionRegistry) -> PlanSet {
    PlanSet::link(plan, Limits::default().template_depth, &mut |name: &TemplateName, _: Option<&str>| {
        Ok(named(name, registry))
    })
    .unwrap()
}

impl Bench {
    /// A tree that has not started.
    pub(crate) fn idle(text: &str, templates: &[(&str, &str)], limits: Limits) -> Self {
        let registry = registry(templates);
        let plan = Arc::new(compile(text, &registry));
        let plans = children(&plan, &registry);
        Self::over(plan, plans, registry, limits)
    }

    fn over(plan: Arc<Plan>, plans: PlanSet, registry: ActionRegistry, limits: Limits) -> Self {
        let options = TreeOptions { limits: limits.clone(), ..TreeOptions::default() };
        let id = ExecutionId::new("exec-00112233445566aa");
        Self {
            tree: Tree::new(id, plan.clone(), plans.clone(), options),
            plan,
            plans,
            registry,
            limits,
            now: START,
            inputs: Vec::new(),
            open: Vec::new(),
            timers: Vec::new(),
            events: Vec::new(),
            fetches: Vec::new(),
            links: Vec::new(),
            rules: Vec::new(),
            linked: Vec::new(),
            signals: 0,
            thorough: true,
        }
    }

    /// A run of a template without parameters.
    pub(crate) fn run(text: &str) -> Self {
        Self::run_with(text, &[], Started::default())
    }

    /// A run of tasks.
    pub(crate) fn tasks(tasks: &[&str]) -> Self {
        Self::run(&template(tasks))
    }

    /// A run with templates and start options.
    pub(crate) fn run_with(text: &str, templates: &[(&str, &str)], started: Started) -> Self {
        let mut bench = Self::idle(text, templates, Limits::default());
        bench.start(started);
        bench
    }

    pub(crate) fn start(&mut self, mut started: Started) {
        if started.parameters.is_null() {
            started.parameters = Value::empty_map();
        }
        if started.variables.is_null() {
            started.variables = params! { "RegionId" => "cn-x", "AccountId" => "1", "ExecuteUser" => "tester" };
        }
        self.take(InputKind::Started(Box::new(started)));
    }

    /// Applies an input that must be taken.
    pub(crate) fn take(&mut self, kind: InputKind) {
        if let Err(refusal) = self.try_take(kind) {
            panic!("refused: {refusal}");
        }
    }

    /// Applies an input. A refused one must change nothing, and an ended tree must want nothing.
    pub(crate) fn try_take(&mut self, kind: InputKind) -> Result<(), Refusal> {
        let looks = self.thorough || matches!(kind, InputKind::Signal(_));
        let before = looks.then(|| (self.reports(), self.tree.events()));
        let over = self.tree.ended().is_some();
        let input = Input { at: self.now, kind };
        let applied = self.tree.apply(&input);
        if over {
            assert!(applied.effects.is_empty(), "an ended machine has effects: {:?}", applied.effects);
        }
        if let Some(refusal) = applied.refused {
            assert!(applied.effects.is_empty(), "a refused input has effects: {:?}", applied.effects);
            let same = before.is_none_or(|before| before == (self.reports(), self.tree.events()));
            assert!(same, "a refused input changed something");
            return Err(refusal);
        }
        self.answered(&input.kind);
        self.inputs.push(input);
        applied.effects.into_iter().for_each(|effect| self.note(effect));
        Ok(())
    }

    fn answered(&mut self, kind: &InputKind) {
        match kind {
            InputKind::Outcome { path, key, .. } => self.open.retain(|o| !(o.path == *path && o.key == *key)),
            InputKind::Woke { path, key, purpose, scheduled } => self
                .timers
                .retain(|t| !(t.path == *path && t.key == *key && t.purpose == *purpose && t.at == *scheduled)),
            InputKind::Linked { path, key, .. } => self.links.retain(|l| !(l.0 == *path && l.1 == *key)),
            _ => {}
        }
    }

    fn note(&mut self, effect: Effect) {
        match effect {
            Effect::Run { path, key, action, properties, role, token_run, answers, extract, .. } => {
                self.open.push(Open {
                    path,
                    key,
                    action,
                    properties,
                    role,
                    token_run,
                    answers,
                    extract,
                    stopped: false,
                });
            }
            Effect::Wake { path, key, purpose, at } => self.timers.push(Timer { at, path, key, purpose }),
            Effect::Unwake { path, key } => self.timers.retain(|t| !(t.path == path && t.key == key)),
            Effect::Stop { path, key } => {
                let stopped = self.open.iter_mut().find(|o| o.path == path && o.key == key);
                stopped.expect("only work in flight is stopped").stopped = true;
            }
            Effect::Fetch { names } => self.fetches.push(names),
            Effect::Link { path, key, plan } => self.links.push((path, key, plan)),
            Effect::Subscribe { path, key, rule } => self.rules.push((path, key, rule)),
            Effect::Unsubscribe { path, key } => self.rules.retain(|r| !(r.0 == path && r.1 == key)),
            Effect::Emit { execution, number, kind, .. } => {
                self.events.push((execution, *kind));
                assert_eq!(number, self.events.len() as u64, "events are numbered without gaps");
            }
        }
    }

    /// The only outstanding work of a task, whatever its machine.
    pub(crate) fn work(&self, task: &str) -> Open {
        let found: Vec<_> = self.open.iter().filter(|o| o.key.task == task.into() && !o.stopped).collect();
        assert_eq!(found.len(), 1, "work of `{task}`; outstanding: {:?}", self.outstanding());
        found[0].clone()
    }

    /// The outstanding work of a loop item: the item's own, or that of a task in its child.
    pub(crate) fn item(&self, task: &str, item: u32) -> Open {
        let below = |o: &&Open| {
            let own = o.key.task == task.into() && o.key.item == Some(item);
            own || o.path.steps().iter().any(|s| s.task == task.into() && s.item == Some(item))
        };
        self.open.iter().find(below).unwrap_or_else(|| panic!("item {item}: {:?}", self.outstanding())).clone()
    }

    /// What is outstanding, as `task` or `task#item`.
    pub(crate) fn outstanding(&self) -> Vec<String> {
        let name = |o: &Open| o.key.item.map_or_else(|| o.key.task.to_string(), |n| format!("{}#{n}", o.key.task));
        self.open.iter().filter(|o| !o.stopped).map(name).collect()
    }

    pub(crate) fn answer(&mut self, open: &Open, result: StepResult) {
        self.take(InputKind::Outcome { path: open.path.clone(), key: open.key.clone(), result });
    }

    /// The result of a document under the selectors of the work.
    pub(crate) fn result(open: &Open, document: impl Into<Value>) -> StepResult {
        let document = document.into();
        match open.extract.apply(&document, &Limits::default()) {
            Ok(outputs) => {
                StepResult::Done { outputs, document: if open.extract.keep_document { document } else { Value::Null } }
            }
            Err(error) => StepResult::Failed(error),
        }
    }

    /// Ends a task well.
    pub(crate) fn done(&mut self, task: &str, document: impl Into<Value>) -> &mut Self {
        let open = self.work(task);
        self.answer(&open, Self::result(&open, document));
        self
    }

    /// Ends a task badly.
    pub(crate) fn fail(&mut self, task: &str) -> &mut Self {
        let open = self.work(task);
        self.answer(&open, broken());
        self
    }

    pub(crate) fn done_item(&mut self, task: &str, item: u32, document: impl Into<Value>) -> &mut Self {
        let open = self.item(task, item);
        self.answer(&open, Self::result(&open, document));
        self
    }

    pub(crate) fn fail_item(&mut self, task: &str, item: u32) -> &mut Self {
        let open = self.item(task, item);
        self.answer(&open, broken());
        self
    }

    /// Stopped work reports.
    pub(crate) fn report_stopped(&mut self) {
        let stopped: Vec<_> = self.open.iter().filter(|o| o.stopped).cloned().collect();
        for open in stopped {
            let _ = self.try_take(InputKind::Outcome { path: open.path, key: open.key, result: StepResult::Stopped });
        }
        // What was given up after its grace is refused, and has reported all the same.
        self.open.retain(|o| !o.stopped);
    }

    /// Ends all outstanding work well until nothing is left.
    pub(crate) fn finish_all(&mut self, document: &Value) {
        while let Some(open) = self.open.first().cloned() {
            self.answer(&open, Self::result(&open, document.clone()));
        }
    }

    /// Lets the earliest timer fire at its instant.
    pub(crate) fn wake(&mut self) -> Timer {
        let timer = self.timers.iter().min_by_key(|t| t.at).expect("a timer is set").clone();
        self.now = self.now.max(timer.at);
        self.woke(&timer);
        timer
    }

    pub(crate) fn woke(&mut self, timer: &Timer) {
        let Timer { at, path, key, purpose } = timer.clone();
        self.take(InputKind::Woke { path, key, purpose, scheduled: at });
    }

    pub(crate) fn fetched(&mut self, values: &[(&str, Value)], missing: &[&str]) {
        let name = |name: &str| ParameterRef { secret: false, name: name.into(), version: None };
        let values = values.iter().map(|(n, v)| (name(n), v.clone())).collect();
        self.take(InputKind::Fetched { values, missing: missing.iter().map(|n| name(n)).collect() });
    }

    /// Answers the only outstanding question for a template from the registry.
    pub(crate) fn linked(&mut self) {
        let (path, key, plan) = self.links.first().cloned().expect("a template was asked for");
        let (plan, name) = match plan {
            PlanRef::Named(name, _) => (named(&name, &self.registry), name.to_string()),
            PlanRef::Inline(content) => (Arc::new(compile(&content.to_string(), &self.registry)), String::new()),
        };
        let below = children(&plan, &self.registry);
        self.tree.add_plan(plan.clone(), below);
        self.linked.push((self.inputs.len(), plan.clone()));
        let pinned = PinnedTemplate { digest: plan.digest.clone(), name: name.into(), version: None, text: "".into() };
        self.take(InputKind::Linked { path, key, result: Ok(LinkedTemplate { template: pinned, below: Vec::new() }) });
    }

    pub(crate) fn fire(&mut self, message: impl Into<Value>) {
        let (path, key, _) = self.rules.first().cloned().expect("somebody listens");
        self.take(InputKind::Fired { path, key, message: message.into() });
    }

    /// Sends a signal and gives the code of the refusal.
    pub(crate) fn send(&mut self, from: &str, to: SignalTarget, kind: SignalKind) -> Result<(), &'static str> {
        self.signals += 1;
        let id = format!("s{}", self.signals).into();
        let signal = Signal { id, from: from.into(), to, kind };
        self.try_take(InputKind::Signal(signal)).map_err(|r| r.code)
    }

    pub(crate) fn signal(&mut self, kind: SignalKind) -> Result<(), &'static str> {
        self.send("tester", SignalTarget::default(), kind)
    }

    pub(crate) fn signal_items(&mut self, items: &[u32], kind: SignalKind) -> Result<(), &'static str> {
        self.send("tester", SignalTarget { items: items.to_vec(), ..SignalTarget::default() }, kind)
    }

    pub(crate) fn approve(&mut self, from: &str) -> Result<(), &'static str> {
        self.send(from, SignalTarget::default(), SignalKind::Approve { note: None })
    }

    pub(crate) fn reject(&mut self, from: &str) -> Result<(), &'static str> {
        self.send(from, SignalTarget::default(), SignalKind::Reject { note: None })
    }

    pub(crate) fn cancel(&mut self) {
        self.signal(SignalKind::Cancel).unwrap();
    }

    pub(crate) fn root(&self) -> MachineReport {
        self.tree.report(&MachinePath::root()).expect("started")
    }

    pub(crate) fn reports(&self) -> Vec<MachineReport> {
        self.tree.machines().filter_map(|m| self.tree.report(m.path())).collect()
    }

    /// Reports of machines below the root.
    pub(crate) fn below(&self) -> Vec<MachineReport> {
        self.reports().into_iter().filter(|r| !r.path.is_root()).collect()
    }

    pub(crate) fn task(&self, name: &str) -> TaskReport {
        self.root().tasks.into_iter().find(|t| t.name == name.into()).unwrap_or_else(|| panic!("no task `{name}`"))
    }

    pub(crate) fn status(&self) -> ExecutionStatus {
        self.root().status
    }

    /// Statuses of the tasks of the root in short.
    pub(crate) fn statuses(&self) -> Vec<TaskStatus> {
        self.root().tasks.iter().map(|t| t.status).collect()
    }

    pub(crate) fn output(&self, name: &str) -> Value {
        self.root().outputs.at(&[name]).clone()
    }

    pub(crate) fn message(&self) -> String {
        self.root().message.map(|m| m.to_string()).unwrap_or_default()
    }

    /// Tasks of the root in the order in which they were entered.
    pub(crate) fn order(&self) -> Vec<String> {
        let root = self.tree.id();
        let started = self.events.iter().filter(|(id, _)| id == root).filter_map(|(_, kind)| match kind {
            EventKind::StepStarted { key, .. } if key.item.is_none() => Some(key.task.to_string()),
            _ => None,
        });
        started.collect()
    }

    /// Final statuses of items, by number, as the events tell; the last one counts.
    pub(crate) fn items(&self, task: &str) -> BTreeMap<u32, TaskStatus> {
        let ended = self.events.iter().filter_map(|(_, kind)| match kind {
            EventKind::StepEnded { key, status, .. } if key.task == task.into() => Some((key.item?, *status)),
            _ => None,
        });
        ended.collect()
    }

    /// Applies the first `n` recorded inputs to a fresh tree.
    #[allow(dead_code, reason = "the properties of the test kit use it")]
    pub(crate) fn replay(&self, n: usize) -> Self {
        let mut fresh = Self::over(self.plan.clone(), self.plans.clone(), self.registry.clone(), self.limits.clone());
        for (at, input) in self.inputs.iter().take(n).enumerate() {
            for (_, plan) in self.linked.iter().filter(|(index, _)| *index == at) {
                fresh.tree.add_plan(plan.clone(), PlanSet::default());
            }
            fresh.now = input.at;
            fresh.take(input.kind.clone());
        }
        (fresh.now, fresh.signals, fresh.thorough) = (self.now, self.signals, self.thorough);
        fresh
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        // A fresh tree that takes the same inputs is the same tree: checked for every run of every test.
        if std::thread::panicking() || self.inputs.is_empty() || !self.thorough {
            return;
        }
        let mut tree = self.fresh();
        // A few cuts: at each the state is saved as bytes, loaded, and takes the rest.
        let step = self.inputs.len().div_ceil(CUTS);
        let mut cuts = Vec::new();
        for at in 0..self.inputs.len() {
            self.apply_nth(&mut tree, at);
            if at % step == 0 {
                cuts.push((at + 1, tree.encode(&Beside::default()).unwrap(), format!("{:?}", tree.outstanding())));
            }
        }
        self.expect_same(&tree, "a replay");
        self.expect_outstanding(&mut tree);
        for (at, bytes, outstanding) in cuts {
            let mut loaded = self.fresh();
            for (_, plan) in self.linked.iter().filter(|(index, _)| *index < at) {
                loaded.add_plan(plan.clone(), PlanSet::default());
            }
            SavedTree::decode(&bytes).unwrap().restore(&mut loaded).unwrap();
            assert_eq!(format!("{:?}", loaded.outstanding()), outstanding, "loaded after {at} inputs");
            (at..self.inputs.len()).for_each(|at| self.apply_nth(&mut loaded, at));
            self.expect_same(&loaded, &format!("a run from a snapshot after {at} inputs"));
        }
    }
}

/// Snapshots that every run is loaded from.
const CUTS: usize = 6;

impl Bench {
    fn fresh(&self) -> Tree {
        let options = TreeOptions { limits: self.limits.clone(), ..TreeOptions::default() };
        Tree::new(self.tree.id().clone(), self.plan.clone(), self.plans.clone(), options)
    }

    fn apply_nth(&self, tree: &mut Tree, at: usize) {
        for (_, plan) in self.linked.iter().filter(|(index, _)| *index == at) {
            tree.add_plan(plan.clone(), PlanSet::default());
        }
        tree.apply(&self.inputs[at]);
    }

    fn expect_same(&self, tree: &Tree, what: &str) {
        let reports: Vec<_> = tree.machines().filter_map(|m| tree.report(m.path())).collect();
        assert_eq!(reports, self.reports(), "{what} differs");
        assert_eq!(tree.events(), self.tree.events(), "{what} counts other events");
        let bytes = |tree: &Tree| String::from_utf8(tree.encode(&Beside::default()).unwrap()).unwrap();
        assert_eq!(bytes(tree), bytes(&self.tree), "{what} has another state");
    }

    /// What the state says is outstanding is what was asked for and not answered.
    fn expect_outstanding(&self, tree: &mut Tree) {
        let sorted = |mut keys: Vec<String>| {
            keys.sort();
            keys
        };
        let (mut work, mut timers, mut rules) = (Vec::new(), Vec::new(), Vec::new());
        for effect in tree.outstanding() {
            match effect {
                Effect::Run { path, key, properties, answers, .. } => {
                    work.push(format!("{path:?} {key:?} {properties} {answers}"));
                }
                Effect::Wake { path, key, purpose, at } => timers.push(format!("{path:?} {key:?} {purpose:?} {at}")),
                Effect::Subscribe { path, key, rule } => rules.push(format!("{path:?} {key:?} {rule:?}")),
                _ => {}
            }
        }
        let open = self.open.iter().filter(|o| !o.stopped && self.tree.machine(&o.path).is_some());
        let open = open.map(|o| format!("{:?} {:?} {} {}", o.path, o.key, o.properties, o.answers)).collect();
        assert_eq!(sorted(work), sorted(open), "outstanding work");
        let set = self.timers.iter().map(|t| format!("{:?} {:?} {:?} {}", t.path, t.key, t.purpose, t.at)).collect();
        assert_eq!(sorted(timers), sorted(set), "outstanding timers");
        let listening = self.rules.iter().map(|(path, key, rule)| format!("{path:?} {key:?} {rule:?}")).collect();
        assert_eq!(sorted(rules), sorted(listening), "subscriptions");
    }
}

/// A failure.
pub(crate) fn broken() -> StepResult {
    StepResult::Failed(ActionError::failed("Broken", "it broke"))
}

/// Not yet.
pub(crate) fn not_yet(value: &str) -> StepResult {
    let otherwise = ActionError::failed("TimedOut", "still not after {retries} retries and {seconds} s");
    StepResult::NotYet { observed: Value::from(value), otherwise }
}

/// A value from JSON text.
pub(crate) fn json(text: &str) -> Value {
    Value::from_json_str(text).unwrap()
}
