//! What a tree still waits for, from its state alone: after a restart the host asks the world for it again.

use super::{
    effect::{Effect, PlanRef},
    state::{Active, Machine, Phase, Step},
    transitions::{Cx, Out},
    tree::Tree,
};
use crate::{
    ActionName,
    ports::control::{ChildRequest, Purpose},
};

impl Tree {
    /// Everything that was asked for and not answered: work, timers with their instants, subscriptions, templates and
    /// stored parameters.
    pub fn outstanding(&mut self) -> Vec<Effect> {
        let mut out = Vec::new();
        for machine in self.machines.values().filter(|m| !m.state.status.is_final()) {
            let at = machine.state.updated;
            let mut cx =
                Cx { shared: &mut self.shared, plans: &self.plans, risk: &*self.options.risk, at, out: &mut out };
            machine.outstanding(&mut cx);
        }
        let shared = &self.shared;
        let open = shared.asked.iter().filter(|n| !shared.fetched.contains_key(*n) && !shared.missing.contains(*n));
        let names: Vec<_> = open.cloned().collect();
        let fetch = (!names.is_empty()).then_some(Effect::Fetch { names });
        let effects = out.into_iter().filter_map(|out| if let Out::Effect(effect) = out { Some(effect) } else { None });
        effects.chain(fetch).collect()
    }
}

impl Machine {
    fn outstanding(&self, cx: &mut Cx<'_>) {
        let Some(i) = self.state.current else { return };
        match self.task(i).and_then(|t| t.active.as_ref()) {
            Some(Active::Single(step)) => self.step_outstanding(cx, i, None, step),
            Some(Active::Loop(state)) => {
                state.running.iter().for_each(|(item, step)| self.step_outstanding(cx, i, Some(*item), step));
            }
            None => {}
        }
    }

    fn step_outstanding(&self, cx: &mut Cx<'_>, i: usize, item: Option<u32>, step: &Step) {
        let (Some(key), Some(task)) = (self.key(i, item), self.plan.tasks.get(i)) else { return };
        let path = self.path.clone();
        let wake = |purpose, at| Out::Effect(Effect::Wake { path: self.path.clone(), key: key.clone(), purpose, at });
        match &step.phase {
            Phase::Running => {
                // It was evaluated before, at the same instant and with the same values.
                if let Ok(extract) = self.extract(cx, i, item, task, step.started) {
                    self.send_run(cx, i, item, task.action.clone(), extract);
                }
            }
            Phase::Notifying => self.send_run(cx, i, item, ActionName::new("ACS::Notify"), Self::message_extract()),
            Phase::Retrying(at) => cx.out.push(wake(Purpose::Retry, *at)),
            Phase::Stopping(Some(grace)) => cx.out.push(wake(Purpose::Grace, *grace)),
            Phase::Waiting(wait) => cx.out.extend(wait.timers.iter().map(|&(purpose, at)| wake(purpose, at))),
            Phase::Linking(request) => {
                if let Some(plan) = plan_ref(request) {
                    cx.out.push(Out::Effect(Effect::Link { path: path.clone(), key: key.clone(), plan }));
                }
            }
            Phase::Evaluating | Phase::Confirming | Phase::Child | Phase::Stopping(None) => {}
        }
        if let Some((key, rule)) = &step.subscription {
            cx.out.push(Out::Effect(Effect::Subscribe { path, key: key.clone(), rule: rule.clone() }));
        }
    }
}

/// The template that a request asks for.
pub(super) fn plan_ref(request: &ChildRequest) -> Option<PlanRef> {
    match request {
        ChildRequest::Named { name, version, .. } => Some(PlanRef::Named(name.clone(), version.clone())),
        ChildRequest::Inline { content, .. } => Some(PlanRef::Inline(content.clone())),
        ChildRequest::Firing { .. } => None,
    }
}
