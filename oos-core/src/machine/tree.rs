//! The tree: all machines of one root execution, and the way between them.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use super::{
    effect::Effect,
    input::{ExecutionStatus, Input, InputKind, Kept, Started},
    leaves::RerunFrom,
    risk::{RiskPolicy, VerbRisk},
    scope::{Secret, Shared},
    state::{Failure, Machine, Settings, State},
    transitions::{Cx, MachineInput, NewChild, Out},
};
use crate::{
    ExecutionId, Limits, Timestamp, Value,
    ids::{MachinePath, PathStep},
    plan::{Plan, PlanSet},
    ports::{action::ActionError, event::EventKind, parameter_store::ParameterRef, store::LinkedTemplate},
    selector::SelectorCache,
};

/// What a tree is made with beside plans.
#[derive(Clone, Debug)]
pub struct TreeOptions {
    /// Bounds.
    pub limits: Limits,
    /// Compiled programs, shared by all trees of an engine.
    pub selectors: SelectorCache,
    /// Which calls need a confirmation.
    pub risk: Arc<dyn RiskPolicy>,
}

impl Default for TreeOptions {
    fn default() -> Self {
        Self { limits: Limits::default(), selectors: SelectorCache::default(), risk: Arc::new(VerbRisk) }
    }
}

/// The machines of one root execution.
#[derive(Clone, Debug)]
pub struct Tree {
    pub(super) id: ExecutionId,
    pub(super) plan: Arc<Plan>,
    pub(super) plans: PlanSet,
    pub(super) options: TreeOptions,
    pub(super) shared: Shared,
    /// Boxed: a node of the map has room for eleven, and most trees have one.
    pub(super) machines: BTreeMap<MachinePath, Box<Machine>>,
    pub(super) events: u64,
    pub(super) signals: VecDeque<Arc<str>>,
    pub(super) kept: Kept,
    /// Templates that were found during the run.
    pub(super) linked: Vec<LinkedTemplate>,
    changed: Vec<MachinePath>,
    ended: Vec<Machine>,
}

/// What an input did.
#[derive(Debug, Default)]
pub struct Applied {
    /// What the world is asked to do, in order.
    pub effects: Vec<Effect>,
    /// Why the input changed nothing.
    pub refused: Option<Refusal>,
}

/// Why an input changed nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Refusal {
    /// A stable code.
    pub code: &'static str,
    /// One line.
    pub message: String,
}

/// How a root ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Ended {
    /// Status.
    pub status: ExecutionStatus,
    /// Outputs: a map.
    pub outputs: Value,
    /// The first critical failure.
    pub failure: Option<Failure>,
}

impl Tree {
    /// A tree that waits for its `Started`.
    pub fn new(id: ExecutionId, plan: Arc<Plan>, plans: PlanSet, options: TreeOptions) -> Self {
        let shared =
            Shared { limits: options.limits.clone(), selectors: options.selectors.clone(), ..Shared::default() };
        Self {
            id,
            plan,
            plans,
            options,
            shared,
            machines: BTreeMap::new(),
            events: 0,
            signals: VecDeque::new(),
            kept: Kept::default(),
            linked: Vec::new(),
            changed: Vec::new(),
            ended: Vec::new(),
        }
    }

    /// Applies an input.
    pub fn apply(&mut self, input: &Input) -> Applied {
        let mut applied = Applied::default();
        match &input.kind {
            InputKind::Started(started) => self.start(started, input.at, &mut applied),
            InputKind::Outcome { path, key, result } => {
                self.send(
                    path,
                    MachineInput::Outcome { key: key.clone(), result: result.clone() },
                    input.at,
                    &mut applied,
                );
            }
            InputKind::Woke { path, key, purpose, scheduled } => {
                let input_ = MachineInput::Woke { key: key.clone(), purpose: *purpose, scheduled: *scheduled };
                self.send(path, input_, input.at, &mut applied);
            }
            InputKind::Fired { path, key, message } => {
                let fired = MachineInput::Fired { key: key.clone(), message: message.clone() };
                self.send(path, fired, input.at, &mut applied);
            }
            InputKind::Linked { path, key, result } => {
                if let Ok(linked) = result
                    && !self.linked.contains(linked)
                {
                    self.linked.push(linked.clone());
                }
                let result = match result {
                    Ok(linked) => self.plans.digest(&linked.template.digest).cloned().ok_or_else(|| {
                        let message = format!("`{}` is not at hand", linked.template.name);
                        ActionError::unsupported("EntityNotExists.Template", message)
                    }),
                    Err(error) => Err(error.clone()),
                };
                let result = result.and_then(|plan| self.no_recursion(path, plan));
                self.send(path, MachineInput::Linked { key: key.clone(), result }, input.at, &mut applied);
            }
            InputKind::Fetched { values, missing } => self.fetched(values, missing, input.at, &mut applied),
            InputKind::Signal(signal) => self.signal(signal, input.at, &mut applied),
            InputKind::Admitted => self.admit(input.at, &mut applied),
        }
        applied
    }

    fn start(&mut self, started: &Started, at: Timestamp, applied: &mut Applied) {
        if !self.machines.is_empty() {
            applied.refused = Some(stale("the execution has started already"));
            return;
        }
        self.kept.clone_from(&started.kept);
        // Sorted, so that a child finds its part among those of 100,000 others.
        self.kept.steps.sort_by(|a, b| a.path.cmp(&b.path));
        self.kept.cursors.sort_by(|a, b| a.path.cmp(&b.path));
        let settings = Settings {
            mode: started.mode,
            safety_check: started.safety_check,
            loop_mode: started.loop_mode,
            forgive_handled: started.forgive_handled,
            unknown_outcome: started.unknown_outcome,
            variables: started.variables.clone(),
        };
        let machine = Machine {
            plan: self.plan.clone(),
            path: MachinePath::root(),
            id: self.id.clone(),
            parent: None,
            settings: Arc::new(settings),
            outer: None,
            state: State { given: started.parameters.clone(), ..State::default() },
        };
        self.machines.insert(MachinePath::root(), Box::new(machine));
        if started.queued {
            return self.queue(at, applied);
        }
        let kept = self.kept_at(&MachinePath::root());
        self.send(&MachinePath::root(), MachineInput::Start { lenient: false, kept }, at, applied);
    }

    /// The root waits for a place; it has not begun.
    fn queue(&mut self, at: Timestamp, applied: &mut Applied) {
        let path = MachinePath::root();
        let Some(machine) = self.machines.get_mut(&path) else { return };
        machine.state.status = ExecutionStatus::Queued;
        (machine.state.started, machine.state.updated) = (at, at);
        machine.tell_secrets(&mut self.shared, &machine.state.given, "");
        self.changed.push(path.clone());
        let kind = EventKind::ExecutionStatus { status: ExecutionStatus::Queued, waiting_for: None, message: None };
        applied.effects.push(self.emit(&path, at, kind));
    }

    fn admit(&mut self, at: Timestamp, applied: &mut Applied) {
        let path = MachinePath::root();
        if self.root().is_none_or(|m| m.state.status != ExecutionStatus::Queued) {
            applied.refused = Some(stale("the execution does not wait for a place"));
            return;
        }
        let kept = self.kept_at(&path);
        self.send(&path, MachineInput::Start { lenient: false, kept }, at, applied);
    }

    fn kept_at(&self, path: &MachinePath) -> Kept {
        if self.kept.is_empty() {
            return Kept::default();
        }
        let steps = self.kept.steps.partition_point(|k| k.path < *path);
        let steps = self.kept.steps.iter().skip(steps).take_while(|k| k.path == *path).cloned().collect();
        let cursors = self.kept.cursors.partition_point(|k| k.path < *path);
        let cursors = self.kept.cursors.iter().skip(cursors).take_while(|k| k.path == *path).cloned().collect();
        Kept { steps, cursors }
    }

    /// Sends an input to one machine and follows what it causes between machines until all is quiet.
    pub(super) fn send(&mut self, path: &MachinePath, input: MachineInput, at: Timestamp, applied: &mut Applied) {
        let mut queue = VecDeque::from([(path.clone(), input)]);
        let mut first = true;
        while let Some((path, input)) = queue.pop_front() {
            let mut out = Vec::new();
            let Some(machine) = self.machines.get_mut(&path) else {
                if std::mem::take(&mut first) {
                    applied.refused = Some(stale("there is no such execution any more"));
                }
                continue;
            };
            let mut cx =
                Cx { shared: &mut self.shared, plans: &self.plans, risk: &*self.options.risk, at, out: &mut out };
            let taken = machine.apply(input, &mut cx);
            if std::mem::take(&mut first) && !taken {
                applied.refused = Some(stale("the step has moved on"));
            }
            self.deliver(&path, out, at, &mut queue, applied);
        }
    }

    /// Hands out what a machine wants: effects and events to the world, the rest to other machines.
    pub(super) fn deliver(
        &mut self,
        path: &MachinePath,
        out: Vec<Out>,
        at: Timestamp,
        queue: &mut VecDeque<(MachinePath, MachineInput)>,
        applied: &mut Applied,
    ) {
        if !out.is_empty() && self.changed.last() != Some(path) {
            self.changed.push(path.clone());
        }
        for out in out {
            match out {
                Out::Effect(effect) => applied.effects.push(effect),
                Out::Event(kind) => applied.effects.push(self.emit(path, at, kind)),
                Out::RunChild(child) => self.create(path, *child, queue),
                Out::StopChild(step) => queue.push_back((path.child(step), MachineInput::Cancel)),
                Out::End => self.end(path, queue),
            }
        }
    }

    fn emit(&mut self, path: &MachinePath, at: Timestamp, kind: EventKind) -> Effect {
        self.events += 1;
        let execution = self.machines.get(path).map_or_else(|| self.id.clone(), |m| m.id.clone());
        Effect::Emit { execution, path: path.clone(), number: self.events, at, kind: Box::new(kind) }
    }

    fn create(&mut self, parent: &MachinePath, child: NewChild, queue: &mut VecDeque<(MachinePath, MachineInput)>) {
        let Some(above) = self.machines.get(parent) else { return };
        let path = parent.child(child.step);
        let settings = above.settings.clone();
        let parent = Some((above.id.clone(), child.key));
        let state = State {
            given: child.given,
            inherited_role: child.role,
            firing: child.firing,
            item: child.item,
            paused: above.state.paused,
            born: self.events,
            ..State::default()
        };
        let machine =
            Machine { plan: child.plan, path: path.clone(), id: child.id, parent, settings, outer: child.outer, state };
        self.machines.insert(path.clone(), Box::new(machine));
        let kept = self.kept_at(&path);
        queue.push_back((path, MachineInput::Start { lenient: child.lenient, kept }));
    }

    /// A child that ended is dropped with the news to its parent; the root stays for its report.
    fn end(&mut self, path: &MachinePath, queue: &mut VecDeque<(MachinePath, MachineInput)>) {
        let Some((above, _)) = path.split_last() else { return };
        let Some(machine) = self.machines.remove(path).map(|machine| *machine) else { return };
        let key = machine.parent.as_ref().map(|(_, key)| key.clone());
        if let Some(key) = key {
            let good = machine.state.status == ExecutionStatus::Success || machine.is_firing();
            let kept = if good { None } else { machine.leaves(&RerunFrom::Failed).ok().map(Box::new) };
            let input = MachineInput::ChildEnded {
                key,
                status: machine.state.status,
                outputs: machine.state.outputs.clone(),
                error: machine.state.failure.as_ref().map(|f| f.error.clone()),
                kept,
            };
            queue.push_back((above, input));
        }
        if machine.outer.is_none() {
            self.ended.push(machine);
        }
    }

    fn fetched(
        &mut self,
        values: &[(ParameterRef, Value)],
        missing: &[ParameterRef],
        at: Timestamp,
        applied: &mut Applied,
    ) {
        self.shared.fetched.extend(values.iter().cloned());
        self.shared.missing.extend(missing.iter().cloned());
        let blocked: Vec<_> =
            self.machines.values().filter(|m| !m.state.blocked.is_empty()).map(|m| m.path.clone()).collect();
        if blocked.is_empty() {
            applied.refused = Some(stale("nothing waits for these parameters"));
        }
        for path in blocked {
            let mut ignored = Applied::default();
            self.send(&path, MachineInput::Fetched, at, &mut ignored);
            applied.effects.append(&mut ignored.effects);
        }
    }

    /// A template found by a computed name may not be one that is running above.
    fn no_recursion(&self, path: &MachinePath, plan: Arc<Plan>) -> Result<Arc<Plan>, ActionError> {
        let mut at = Some(path.clone());
        while let Some(here) = at {
            if self.machines.get(&here).is_some_and(|m| m.plan.digest == plan.digest && m.state.firing.is_none()) {
                let message = "a template cannot call itself, directly or through others";
                return Err(ActionError::failed("InvalidTemplate.Recursion", message));
            }
            at = here.split_last().map(|(above, _)| above);
        }
        Ok(plan)
    }

    /// Adds the plan of a template that was found during the run, before its `Linked` is applied. Children that are pinned
    /// already stay as they are.
    pub fn add_plan(&mut self, plan: Arc<Plan>, below: PlanSet) {
        self.plans.extend(below);
        self.plans.insert_anonymous(plan);
    }

    /// Tells the secrets of all living machines anew, for a tree that was restored.
    pub fn tell_secrets(&mut self) {
        for machine in self.machines.values() {
            machine.tell_secrets(&mut self.shared, &machine.state.given, "");
            machine.tell_bound_secrets(&mut self.shared);
        }
    }

    /// Tells a secret that no living machine holds, for a tree that was restored: of a child that has ended.
    pub fn tell_secret(&mut self, secret: Secret) {
        self.shared.secrets.push(secret);
    }

    /// Says that people should see the root anew, although nothing in it changed.
    pub fn touch(&mut self) {
        self.changed.push(MachinePath::root());
    }

    /// Secrets that came in since the last call.
    pub fn take_secrets(&mut self) -> Vec<Secret> {
        std::mem::take(&mut self.shared.secrets)
    }

    /// The plans at hand.
    pub fn plans(&self) -> &PlanSet {
        &self.plans
    }

    /// The id of the root execution.
    pub fn id(&self) -> &ExecutionId {
        &self.id
    }

    /// The root machine; `None` before `Started`.
    pub fn root(&self) -> Option<&Machine> {
        self.machines.get(&MachinePath::root()).map(Box::as_ref)
    }

    /// All living machines, in order of their paths.
    pub fn machines(&self) -> impl Iterator<Item = &Machine> {
        self.machines.values().map(Box::as_ref)
    }

    /// The machine at a path.
    pub fn machine(&self, path: &MachinePath) -> Option<&Machine> {
        self.machines.get(path).map(Box::as_ref)
    }

    /// How the root ended; `None` while it runs.
    pub fn ended(&self) -> Option<Ended> {
        let root = self.root().filter(|m| m.state.status.is_final())?;
        Some(Ended {
            status: root.state.status,
            outputs: root.state.outputs.clone(),
            failure: root.state.failure.clone(),
        })
    }

    /// Number of the last event.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// Paths of machines that changed, and children that ended, since the last call.
    pub fn take_changes(&mut self) -> (Vec<MachinePath>, Vec<Machine>) {
        let mut paths = std::mem::take(&mut self.changed);
        paths.sort();
        paths.dedup();
        (paths, std::mem::take(&mut self.ended))
    }

    /// The step of a parent that a path's last step stands for.
    pub fn step_of(path: &MachinePath) -> Option<&PathStep> {
        path.steps().last()
    }
}

pub(super) fn stale(message: &str) -> Refusal {
    Refusal { code: "Stale", message: message.to_owned() }
}
