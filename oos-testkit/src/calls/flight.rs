//! Order of calls, and loop items in flight.

use std::collections::{BTreeMap, BTreeSet};

use oos_core::{
    ExecutionId,
    ports::event::{EventKind, ExecutionEvent},
};

use super::{Call, Calls, Matcher, any, fail, texts_in};

/// A call that is meant: service, API and parameters.
#[derive(Clone, Debug)]
pub struct Pattern {
    service: String,
    api: String,
    params: Matcher,
}

/// A call of that service and API; `*` stands for any text.
pub fn call(service: &str, api: &str) -> Pattern {
    Pattern { service: service.to_owned(), api: api.to_owned(), params: any() }
}

impl Pattern {
    /// Only with these parameters.
    #[must_use]
    pub fn with(mut self, params: impl Into<Matcher>) -> Self {
        self.params = params.into();
        self
    }

    fn matches(&self, call: &Call) -> bool {
        call.is(&self.service, &self.api) && self.params.matches(&call.params)
    }
}

/// An assertion on the order of calls. Other calls may stand between.
#[derive(Debug)]
#[must_use = "say `per` or `overall`, else nothing is asserted"]
pub struct InOrder<'a> {
    pub(super) calls: &'a Calls,
    pub(super) patterns: Vec<Pattern>,
}

impl InOrder<'_> {
    /// Asserts that the calls came in this order.
    ///
    /// # Panics
    /// When they did not.
    #[track_caller]
    pub fn overall(self) {
        self.check(&self.calls.iter().collect::<Vec<_>>(), "");
    }

    /// Asserts the order for each value that a parameter member of that name has: among the calls that mention the
    /// value anywhere in their parameters.
    ///
    /// # Panics
    /// When the calls of one value came in another order, or no call has such a member.
    #[track_caller]
    pub fn per(self, key: &str) {
        let mentions: Vec<(&Call, Vec<_>)> = self.calls.iter().map(|c| (c, texts_in(&c.params))).collect();
        let values: BTreeSet<_> =
            mentions.iter().flat_map(|(_, texts)| texts).filter(|(k, _)| k == key).map(|(_, v)| v.clone()).collect();
        if values.is_empty() {
            self.calls.complain(&format!("no call has a parameter `{key}`"));
        }
        for value in values {
            let group: Vec<&Call> =
                mentions.iter().filter(|(_, texts)| texts.iter().any(|(_, v)| *v == value)).map(|(c, _)| *c).collect();
            self.check(&group, &format!(" for {key} `{value}`"));
        }
    }

    #[track_caller]
    fn check(&self, calls: &[&Call], of: &str) {
        let mut rest = calls.iter();
        for (n, pattern) in self.patterns.iter().enumerate() {
            if !rest.any(|c| pattern.matches(c)) {
                let (service, api) = (&pattern.service, &pattern.api);
                self.calls
                    .complain(&format!("call {} of the order, {service}.{api}, did not come in its turn{of}", n + 1));
            }
        }
    }
}

/// The items of a looped task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Items(String);

/// The items of the loop of that task, in any execution.
pub fn loop_items(task: &str) -> Items {
    Items(task.to_owned())
}

/// How many were in flight at once, at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InFlight(pub usize);

impl InFlight {
    /// Asserts an upper bound, and that there was at least one.
    ///
    /// # Panics
    /// When there were more, or none.
    #[track_caller]
    pub fn at_most(self, n: usize) -> Self {
        if self.0 > n || self.0 == 0 {
            fail(&format!("expected at most {n} in flight at once and at least one, found {}", self.0));
        }
        self
    }

    /// Asserts the exact number.
    ///
    /// # Panics
    /// When it is another.
    #[track_caller]
    pub fn exactly(self, n: usize) -> Self {
        if self.0 != n {
            fail(&format!("expected {n} in flight at once, found {}", self.0));
        }
        self
    }
}

/// Which item of which execution's loop a call belongs to.
fn item_of(call: &Call, items: &Items) -> Option<(String, u32)> {
    let is = |name: &oos_core::TaskName| name.as_str().eq_ignore_ascii_case(&items.0);
    let own = call.origin.task.as_ref().filter(|t| is(t)).and(call.origin.item);
    let item = own.or_else(|| call.origin.parents.iter().find(|(task, _)| is(task)).and_then(|(_, item)| *item))?;
    // Children of one loop are separate executions; the root part of the id tells the trees apart.
    let root = call.origin.execution.as_ref().map_or("", |id| id.as_str().split('.').next().unwrap_or(""));
    Some((root.to_owned(), item))
}

pub(super) fn max_of_calls<'a>(calls: impl Iterator<Item = &'a Call>, items: &Items) -> InFlight {
    let mut spans: BTreeMap<(String, u32), (u64, u64)> = BTreeMap::new();
    for call in calls {
        if let Some(key) = item_of(call, items) {
            let span = spans.entry(key).or_insert(call.ticks);
            *span = (span.0.min(call.ticks.0), span.1.max(call.ticks.1));
        }
    }
    let mut edges: Vec<(u64, i32)> = spans.values().flat_map(|(from, to)| [(*from, 1), (*to, -1)]).collect();
    edges.sort_unstable();
    InFlight(highest(edges.into_iter().map(|(_, step)| step)))
}

/// How many items of a loop were in flight at once, by the events of the executions.
pub fn max_in_flight_of_events<'a>(events: impl IntoIterator<Item = &'a ExecutionEvent>, items: &Items) -> InFlight {
    let mut open: BTreeSet<(ExecutionId, u32, u32)> = BTreeSet::new();
    let mut most = 0;
    for event in events {
        let (EventKind::StepStarted { key, .. } | EventKind::StepEnded { key, .. }) = &event.kind else { continue };
        let Some(item) = key.item.filter(|_| key.task.as_str().eq_ignore_ascii_case(&items.0)) else { continue };
        let which = (event.execution.clone(), key.run, item);
        if matches!(event.kind, EventKind::StepStarted { .. }) {
            open.insert(which);
        } else {
            open.remove(&which);
        }
        most = most.max(open.len());
    }
    InFlight(most)
}

fn highest(steps: impl Iterator<Item = i32>) -> usize {
    let highest = steps
        .scan(0, |open, step| {
            *open += step;
            Some(*open)
        })
        .max();
    usize::try_from(highest.unwrap_or(0)).unwrap_or(0)
}
