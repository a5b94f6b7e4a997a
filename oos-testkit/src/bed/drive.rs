//! Driving a bed: to the end, for a time, until somebody is needed; and the people and triggers around it.

use std::{collections::BTreeMap, future::Future, sync::Arc, time::Duration};

use oos_actions::trigger;
use oos_core::{
    TaskName, Timestamp, Value,
    engine::SignalError,
    machine::{SignalKind, SignalTarget},
    ports::event::EventKind,
};

use super::{Run, TestBed};
use crate::{calls::fail, executor::Stop};

impl TestBed {
    /// Runs until nothing can move on: everything has ended, or waits for a person, an event or a trigger without
    /// timers. A timer trigger goes on firing until its end date; see [`TestBed::run_for`].
    ///
    /// # Panics
    /// When more virtual time passes, or more timers fire, than a test may take.
    #[track_caller]
    pub fn run_to_end(&self) {
        let bed = self.clone();
        self.drive(None, move || bed.all_ended());
    }

    /// Runs until every execution has ended or waits for somebody.
    ///
    /// # Panics
    /// As [`TestBed::run_to_end`].
    #[track_caller]
    pub fn run_until_waiting(&self) {
        self.run_to_end();
    }

    /// Runs for that much virtual time.
    ///
    /// # Panics
    /// When more timers fire than a test may take.
    #[track_caller]
    pub fn run_for(&self, duration: Duration) {
        let deadline = self.clock().now() + duration;
        self.drive(Some(deadline), || false);
    }

    /// Runs for that much virtual time, for programs that go on when it does not end.
    ///
    /// # Errors
    /// When more timers fire than a test may take: which they are.
    pub fn try_run_for(&self, duration: Duration) -> Result<(), String> {
        let deadline = self.clock().now() + duration;
        match self.try_drive(Some(deadline), || false) {
            Stop::Runaway(why) => Err(why),
            _ => Ok(()),
        }
    }

    /// Runs until a condition holds; `false` when it never came to hold.
    ///
    /// # Panics
    /// As [`TestBed::run_to_end`].
    #[track_caller]
    pub fn run_until(&self, mut condition: impl FnMut() -> bool) -> bool {
        self.drive(None, &mut condition) == Stop::Reached
    }

    /// Runs what is ready, without letting time pass.
    pub fn step(&self) {
        self.0.executor.run_ready();
    }

    /// Runs a future together with the bed.
    ///
    /// # Panics
    /// When nothing can move the future on.
    #[track_caller]
    pub fn block_on<T: Send + 'static>(&self, future: impl Future<Output = T> + Send + 'static) -> T {
        match self.0.executor.block_on(self.clock(), future) {
            Some(value) => value,
            None => fail("the future waits for something that never comes"),
        }
    }

    #[track_caller]
    fn drive(&self, deadline: Option<Timestamp>, reached: impl FnMut() -> bool) -> Stop {
        match self.try_drive(deadline, reached) {
            Stop::Runaway(why) => fail(&self.explain(&why, &[], None)),
            stop => stop,
        }
    }

    fn try_drive(&self, deadline: Option<Timestamp>, mut reached: impl FnMut() -> bool) -> Stop {
        loop {
            let bed = self.clone();
            match self.0.executor.drive(self.clock(), deadline, || reached() || bed.has_events()) {
                Stop::Reached if self.has_events() => self.deliver_events(),
                Stop::Runaway(why) => return Stop::Runaway(format!("{why}; {}", self.busiest())),
                stop => return stop,
            }
        }
    }

    /// The step that kept the clock busy, in words.
    fn busiest(&self) -> String {
        let mut actions: BTreeMap<TaskName, Arc<str>> = BTreeMap::new();
        let mut counts: BTreeMap<(TaskName, &str), u64> = BTreeMap::new();
        for event in self.0.events.all() {
            let (task, what) = match event.kind {
                EventKind::StepStarted { key, action, .. } => {
                    actions.insert(key.task.clone(), action);
                    (key.task, "entered")
                }
                EventKind::Retrying { key, .. } => (key.task, "polled"),
                EventKind::ExecutionStarted { parent: Some((_, key)), .. } => (key.task, "fired"),
                _ => continue,
            };
            *counts.entry((task, what)).or_default() += 1;
        }
        let Some(((task, what), n)) = counts.into_iter().max_by_key(|(_, n)| *n) else {
            return "no step of an execution set them".to_owned();
        };
        let action = actions.get(&task).map(|a| format!("{a} ")).unwrap_or_default();
        format!("the busiest timer is of {action}`{task}`, {what} {n} times")
    }

    fn all_ended(&self) -> bool {
        !self.0.events.is_empty() && self.engine().is_idle()
    }

    fn has_events(&self) -> bool {
        self.0.cloud.has_events()
    }

    /// Hands the cloud's events to the triggers that listen.
    fn deliver_events(&self) {
        for event in self.0.cloud.take_events() {
            self.raise_event(event);
        }
    }

    /// An event happens: every trigger whose rule it matches fires. Gives their number.
    pub fn raise_event(&self, event: impl Into<Value>) -> usize {
        let event = event.into();
        let cloud = self.0.cloud.clone();
        self.0.triggers.emit("ACS::EventTrigger", &event, |rule, message| {
            let resource = message.at(&["content", "resourceId"]).to_text();
            trigger::event::matches(&rule.properties, message)
                && trigger::event::tags_match(&rule.properties, &cloud.tags_of(&resource))
        })
    }

    /// CloudMonitor raises an alarm, whatever the silence time of the rule (fake-cloud 16). Gives the number of
    /// triggers that fired.
    pub fn raise_alarm(&self, alarm: impl Into<Value>) -> usize {
        let alarm = alarm.into();
        let cloud = self.0.cloud.clone();
        self.0.triggers.emit("ACS::AlarmTrigger", &alarm, |rule, message| {
            // CHOICE: the dimension `instanceId` tells which resource's tags count.
            let resource = message.at(&["instanceId"]).to_text();
            trigger::alarm::matches(&rule.properties, message)
                && trigger::event::tags_match(&rule.properties, &cloud.tags_of(&resource))
        })
    }

    /// Lets time pass until a trigger fires by itself; false when none does.
    ///
    /// # Panics
    /// As [`TestBed::run_to_end`].
    #[track_caller]
    pub fn advance_to_next_fire(&self) -> bool {
        let events = self.0.events.clone();
        let count = move || events.count(|e| matches!(e.kind, EventKind::ExecutionStarted { parent: Some(_), .. }));
        let before = count();
        self.run_until(|| count() > before)
    }

    /// Fires the trigger of an execution by hand.
    ///
    /// # Panics
    /// When the execution does not wait for a trigger.
    #[track_caller]
    pub fn fire_trigger(&self, run: &Run, message: impl Into<Value>) {
        self.signal(run, "tester", SignalTarget::default(), SignalKind::Trigger { message: message.into() });
    }

    /// One yes of a person to a task; the execution then runs on until it ends or waits again.
    ///
    /// # Panics
    /// When nothing waits for it, or the person may not.
    #[track_caller]
    pub fn approve(&self, run: &Run, task: &str, person: &str) {
        self.signal(run, person, target(task), SignalKind::Approve { note: None });
    }

    /// One no of a person to a task.
    ///
    /// # Panics
    /// As [`TestBed::approve`].
    #[track_caller]
    pub fn reject(&self, run: &Run, task: &str, person: &str) {
        self.signal(run, person, target(task), SignalKind::Reject { note: None });
    }

    /// Goes on with a paused task or batch.
    ///
    /// # Panics
    /// As [`TestBed::approve`].
    #[track_caller]
    pub fn resume(&self, run: &Run, task: &str) {
        self.approve(run, task, "tester");
    }

    /// Cancels an execution.
    ///
    /// # Panics
    /// When it has ended.
    #[track_caller]
    pub fn cancel(&self, run: &Run) {
        self.signal(run, "tester", SignalTarget::default(), SignalKind::Cancel);
    }

    /// Sends a signal.
    ///
    /// # Panics
    /// When it is refused.
    #[track_caller]
    pub fn signal(&self, run: &Run, from: &str, to: SignalTarget, kind: SignalKind) {
        if let Err(error) = self.try_signal(run, from, to, kind) {
            run.complain(&format!("the signal was refused: {error}"));
        }
    }

    /// Sends a signal.
    ///
    /// # Errors
    /// Why it was refused.
    pub fn try_signal(&self, run: &Run, from: &str, to: SignalTarget, kind: SignalKind) -> Result<(), SignalError> {
        let (handle, from) = (run.handle().clone(), from.to_owned());
        let answer = self.0.executor.block_on(self.clock(), async move { handle.send(&from, to, kind).await });
        answer.unwrap_or_else(|| Err(SignalError::Gone(run.id().clone())))
    }
}

fn target(task: &str) -> SignalTarget {
    SignalTarget { task: (!task.is_empty()).then(|| task.into()), ..SignalTarget::default() }
}
