//! The state of a tree as bytes: loading it and applying the records after it equals applying all of them.
//!
//! Plans are not in it: a machine is saved with what tells its plan, and the host compiles the pinned texts again. Nor
//! is the frozen scope of `ACS::Loop` items: the machine above still has it.

use std::{borrow::Cow, collections::VecDeque, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{
    input::Kept,
    state::{Machine, Settings, State},
    tree::Tree,
};
use crate::{
    ExecutionId, TemplateName, Value,
    ids::{MachinePath, StepKey},
    plan::{Plan, PlanSet, TaskKind},
    ports::{
        ExecutionEvent,
        parameter_store::ParameterRef,
        store::{LinkedTemplate, StoreError},
    },
};

/// Version of the format; bytes of a newer one are refused.
pub const SNAPSHOT_FORMAT: u32 = 1;

/// A tree as it was saved, before its plans are found.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SavedTree<'t> {
    format: u32,
    events: u64,
    signals: Cow<'t, VecDeque<Arc<str>>>,
    settings: Option<Cow<'t, Settings>>,
    kept: Cow<'t, Kept>,
    linked: Cow<'t, [LinkedTemplate]>,
    fetched: Vec<(ParameterRef, Value)>,
    missing: Vec<ParameterRef>,
    asked: Vec<ParameterRef>,
    machines: Vec<SavedMachine<'t>>,
    #[serde(default, skip_serializing_if = "Beside::is_empty")]
    beside: Cow<'t, Beside>,
}

/// What a host saves beside the state of the tree.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Beside {
    /// Handles of all secrets that came in, also of children that have ended.
    pub secrets: Vec<String>,
    /// Events of the inputs that are saved with the state, masked: nobody may have seen them yet.
    pub events: Vec<ExecutionEvent>,
}

impl Beside {
    fn is_empty(&self) -> bool {
        self.secrets.is_empty() && self.events.is_empty()
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct SavedMachine<'t> {
    path: MachinePath,
    id: ExecutionId,
    key: Option<StepKey>,
    plan: PlanOf,
    state: Cow<'t, State>,
}

/// What tells the plan of a machine.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum PlanOf {
    /// The root's.
    Root,
    /// That of the machine above: a firing.
    Above,
    /// The tasks of `ACS::Loop` of the machine above.
    LoopTasks,
    /// A template of its own.
    Template { name: Option<TemplateName>, version: Option<Arc<str>>, digest: Arc<str> },
}

impl PlanOf {
    fn of(machine: &Machine) -> Self {
        if machine.path.is_root() {
            Self::Root
        } else if machine.outer.is_some() {
            Self::LoopTasks
        } else if machine.is_firing() {
            Self::Above
        } else {
            let plan = &machine.plan;
            Self::Template { name: plan.name.clone(), version: plan.version.clone(), digest: plan.digest.clone() }
        }
    }
}

fn corrupt(what: impl std::fmt::Display) -> StoreError {
    StoreError::Corrupt(format!("the snapshot: {what}").into())
}

impl Tree {
    /// What there is to save.
    fn saved<'t>(&'t self, beside: &'t Beside) -> SavedTree<'t> {
        let machine = |m: &'_ Machine| (m.path.clone(), m.id.clone(), m.parent.as_ref().map(|(_, key)| key.clone()));
        SavedTree {
            format: SNAPSHOT_FORMAT,
            events: self.events,
            signals: Cow::Borrowed(&self.signals),
            settings: self.root().map(|m| Cow::Borrowed(&*m.settings)),
            kept: Cow::Borrowed(&self.kept),
            linked: Cow::Borrowed(&self.linked),
            fetched: self.shared.fetched.iter().map(|(n, v)| (n.clone(), v.clone())).collect(),
            missing: self.shared.missing.iter().cloned().collect(),
            asked: self.shared.asked.iter().cloned().collect(),
            machines: self
                .machines
                .values()
                .map(|m| {
                    let (path, id, key) = machine(m);
                    SavedMachine { path, id, key, plan: PlanOf::of(m), state: Cow::Borrowed(&m.state) }
                })
                .collect(),
            beside: Cow::Borrowed(beside),
        }
    }

    /// The tree as bytes, between two inputs.
    ///
    /// # Errors
    /// Never in practice; the encoder's error.
    pub fn encode(&self, beside: &Beside) -> Result<Vec<u8>, StoreError> {
        serde_json::to_vec(&self.saved(beside)).map_err(corrupt)
    }
}

impl SavedTree<'static> {
    /// Reads bytes of [`Tree::encode`].
    ///
    /// # Errors
    /// [`StoreError::Corrupt`], or [`StoreError::TooNew`] for bytes of newer code.
    pub fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        // Told first: the rest of a newer one may not even be readable.
        let found = serde_json::from_slice::<Format>(bytes).map_err(corrupt)?.format;
        if found > SNAPSHOT_FORMAT {
            return Err(StoreError::TooNew { found, known: SNAPSHOT_FORMAT });
        }
        serde_json::from_slice(bytes).map_err(corrupt)
    }

    /// Templates that were found during the run: the host adds their plans to the tree before it is restored.
    pub fn linked(&self) -> &[LinkedTemplate] {
        &self.linked
    }

    /// What the host saved beside it.
    pub fn beside(&self) -> &Beside {
        &self.beside
    }

    /// Number of the last event that the saved tree had told.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// Puts the state into a tree that has plans and has not started.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when a plan is not at hand.
    pub fn restore(self, tree: &mut Tree) -> Result<(), StoreError> {
        tree.events = self.events;
        tree.signals = self.signals.into_owned();
        tree.kept = self.kept.into_owned();
        tree.linked = self.linked.into_owned();
        tree.shared.fetched = self.fetched.into_iter().collect();
        tree.shared.missing = self.missing.into_iter().collect();
        tree.shared.asked = self.asked.into_iter().collect();
        let settings = Arc::new(self.settings.map(Cow::into_owned).unwrap_or_default());
        // In the order of paths: what is above comes first.
        for saved in self.machines {
            let machine = saved.restore(tree, &settings)?;
            tree.machines.insert(machine.path.clone(), Box::new(machine));
        }
        Ok(())
    }
}

impl SavedMachine<'static> {
    fn restore(self, tree: &Tree, settings: &Arc<Settings>) -> Result<Machine, StoreError> {
        let above = self.path.split_last().and_then(|(path, step)| Some((tree.machine(&path)?, step)));
        let plan = match (&self.plan, above) {
            (PlanOf::Root, _) => Some(tree.plan.clone()),
            (PlanOf::Above, Some((above, _))) => Some(above.plan.clone()),
            (PlanOf::LoopTasks, Some((above, step))) => {
                let task = above.plan.tasks.iter().find(|t| t.name == step.task);
                task.and_then(|t| if let TaskKind::LoopTasks(plan) = &t.kind { Some(plan.clone()) } else { None })
            }
            (PlanOf::Template { name, version, digest }, _) => {
                find(&tree.plans, name.as_ref(), version.as_deref(), digest)
            }
            (_, None) => None,
        };
        let plan = plan.ok_or_else(|| corrupt(format_args!("no plan for {}", self.id)))?;
        let outer = above.filter(|_| matches!(self.plan, PlanOf::LoopTasks)).map(|(above, _)| above.freeze());
        Ok(Machine {
            plan,
            parent: above.and_then(|(above, _)| Some((above.id.clone(), self.key?))),
            path: self.path,
            id: self.id,
            settings: settings.clone(),
            outer,
            state: self.state.into_owned(),
        })
    }
}

/// The plan of that name whose text is the same, else any of that text: a name may have come in another version.
fn find(plans: &PlanSet, name: Option<&TemplateName>, version: Option<&str>, digest: &str) -> Option<Arc<Plan>> {
    let same = |plan: &&Arc<Plan>| *plan.digest == *digest;
    let named = name.and_then(|name| plans.named(name, version).filter(same).or_else(|| plans.named(name, None)));
    named.filter(same).or_else(|| plans.digest(digest)).cloned()
}
