//! Cloud Assistant: commands that run on instances, as a script of the test says.
//!
//! An invocation is computed from the clock: each instance has a begin, an end and an outcome, and the statuses follow
//! from the present instant. `InvokeStatus` follows the older reading (`Finished` for whatever ran to its end,
//! `Failed` only if all instances could not run it), `InvocationStatus` the newer one (`Failed` for an exit code that
//! is not 0).

mod api;
mod script;
mod status;

use std::{collections::BTreeMap, fmt, sync::Arc};

pub(crate) use api::{APIS, invoke};
use oos_core::{Timestamp, Value};
pub use script::{
    CommandContext, Output, Script, Scripts, aborted, agent_offline, crash_mid_way, exit, output_bytes, timeout,
};

use self::script::Rule;
use crate::cloud::store::Kind;

/// Commands, invocations and scripts.
#[derive(Default)]
pub(crate) struct Assistant {
    pub(crate) rules: Vec<Rule>,
    pub(crate) default: Option<Output>,
    pub(crate) strict: bool,
    pub(crate) unmatched: Vec<String>,
    pub(crate) invocations: BTreeMap<Arc<str>, Invocation>,
    /// Ids of invocations by what they ran on.
    by_instance: BTreeMap<Arc<str>, Vec<Arc<str>>>,
}

impl Assistant {
    /// Keeps an invocation.
    fn add(&mut self, invocation: Invocation) {
        for run in &invocation.runs {
            let of_instance = self.by_instance.entry(Arc::clone(&run.instance)).or_default();
            if of_instance.last() != Some(&invocation.id) {
                of_instance.push(Arc::clone(&invocation.id));
            }
        }
        self.invocations.insert(Arc::clone(&invocation.id), invocation);
    }

    /// The invocations that ran on an instance.
    fn on(&self, instance: &str) -> impl Iterator<Item = &Invocation> {
        let ids = self.by_instance.get(instance).into_iter().flatten();
        ids.filter_map(|id| self.invocations.get(id))
    }
}

impl fmt::Debug for Assistant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Assistant({} scripts, {} invocations)", self.rules.len(), self.invocations.len())
    }
}

/// A command as it is invoked.
#[derive(Clone, Debug)]
pub(crate) struct Command {
    pub(crate) id: Arc<str>,
    pub(crate) name: Arc<str>,
    pub(crate) kind: Arc<str>,
    /// Decoded, parameters filled in.
    pub(crate) content: String,
    pub(crate) working_dir: Arc<str>,
    pub(crate) timeout: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct Invocation {
    pub(crate) id: Arc<str>,
    /// Kind of what it runs on: instances or desktops.
    pub(crate) target: Kind,
    pub(crate) region: Arc<str>,
    pub(crate) account: Arc<str>,
    pub(crate) command: Command,
    pub(crate) username: Arc<str>,
    pub(crate) parameters: Value,
    pub(crate) created: Timestamp,
    pub(crate) runs: Vec<Run>,
}

/// The run on one instance.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) instance: Arc<str>,
    pub(crate) begins: Timestamp,
    /// `None` when it never ends by itself.
    pub(crate) ends: Option<Timestamp>,
    /// When it was stopped from outside.
    pub(crate) stopped: Option<Timestamp>,
    pub(crate) output: Output,
    pub(crate) how: How,
}

/// How a run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    Exits,
    TimesOut,
    /// The agent cannot be reached.
    Offline,
    /// It was not delivered.
    Aborted,
    /// The instance stops on the way.
    Crashes,
}
