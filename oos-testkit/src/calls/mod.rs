//! The log of calls, with matchers and assertions.
//!
//! [`Calls`] is a view on what was called up to the moment it was taken: filters narrow it, assertions check it and
//! panic with the near misses and the last calls when they do not hold. Parameters are the normalised ones; secrets
//! are masked in every text.

mod flight;
mod matcher;
mod render;

use std::{
    fmt,
    ops::{Bound, RangeBounds},
    sync::Arc,
};

pub use flight::{InFlight, InOrder, Items, Pattern, call, loop_items, max_in_flight_of_events};
pub use matcher::{Matcher, any, eq, is, matching, re, subset};
pub(crate) use matcher::{glob, texts_in};
use oos_core::{Timestamp, Value, ports::api::Origin};
pub(crate) use render::is_secret;
pub use render::masked;

/// How a call ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// Not yet.
    Pending,
    /// With a body.
    Ok(Value),
    /// With an error of the cloud.
    Error {
        /// Its code.
        code: Arc<str>,
        /// HTTP status; 0 when there was no answer.
        status: u16,
        /// Its message.
        message: Arc<str>,
    },
}

/// One recorded call.
#[derive(Clone, Debug)]
pub struct Call {
    /// Number from 0.
    pub number: usize,
    /// Product in the spelling of the fake, e.g. `ECS`.
    pub service: Arc<str>,
    /// Operation in its official spelling where it is known.
    pub api: Arc<str>,
    /// Region.
    pub region: Arc<str>,
    /// Account, 16 digits.
    pub account: Arc<str>,
    /// Who called: `root`, `user/<name>` or `role/<name>`.
    pub caller: Arc<str>,
    /// Normalised parameters: a map of wire names.
    pub params: Value,
    /// Parameters as the template gave them.
    pub raw: Value,
    /// When it started.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// Which time this same step makes this same call, from 1.
    pub attempt: u32,
    /// The step that called.
    pub origin: Origin,
    /// The answer.
    pub answer: Answer,
    /// What the fake took note of: names that the real API does not know, missing parameters, what RAM would deny.
    pub warnings: Vec<String>,
    /// The permission that the call needs, and whether a policy gave it.
    pub needs: Vec<Permission>,
    /// Names of the faults and stubs that answered or delayed it.
    pub touched_by: Vec<String>,
    pub(crate) ticks: (u64, u64),
}

/// A permission that a call needed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Permission {
    /// `ecs:StartInstance`.
    pub action: String,
    /// `acs:ecs:cn-hangzhou:…:instance/i-1`.
    pub resource: String,
    /// False when enforcement would have refused it.
    pub allowed: bool,
}

impl Call {
    /// The error code, if it failed.
    pub fn error_code(&self) -> Option<&str> {
        match &self.answer {
            Answer::Error { code, .. } => Some(code),
            _ => None,
        }
    }

    /// The body, if it succeeded.
    pub fn body(&self) -> Option<&Value> {
        match &self.answer {
            Answer::Ok(body) => Some(body),
            _ => None,
        }
    }

    /// A normalised parameter as text; empty when it is not there.
    pub fn param(&self, name: &str) -> Arc<str> {
        self.params.get(name).map_or_else(|| Arc::from(""), Value::to_text)
    }

    /// True when service and API match the patterns, in which `*` stands for any text and case does not matter.
    pub fn is(&self, service: &str, api: &str) -> bool {
        glob(service, &self.service) && glob(api, &self.api)
    }
}

/// How many calls are expected: `2`, `1..=3`, `4..`.
pub trait Count: fmt::Debug {
    /// True when `n` is expected.
    fn takes(&self, n: usize) -> bool;
}

impl Count for usize {
    fn takes(&self, n: usize) -> bool {
        *self == n
    }
}

impl Count for u32 {
    fn takes(&self, n: usize) -> bool {
        usize::try_from(*self) == Ok(n)
    }
}

/// Integer literals without a suffix are `i32`.
impl Count for i32 {
    fn takes(&self, n: usize) -> bool {
        usize::try_from(*self) == Ok(n)
    }
}

macro_rules! count_range {
    ($($range:ident),*) => {$(
        impl Count for std::ops::$range<usize> {
            fn takes(&self, n: usize) -> bool {
                in_bounds(self, n)
            }
        }
    )*};
}
count_range!(Range, RangeInclusive, RangeFrom, RangeTo, RangeToInclusive);

fn in_bounds(range: &impl RangeBounds<usize>, n: usize) -> bool {
    let low = match range.start_bound() {
        Bound::Included(low) => n >= *low,
        Bound::Excluded(low) => n > *low,
        Bound::Unbounded => true,
    };
    low && match range.end_bound() {
        Bound::Included(high) => n <= *high,
        Bound::Excluded(high) => n < *high,
        Bound::Unbounded => true,
    }
}

/// A view on the log. Filters give a narrower view; assertions give the view back, to go on.
#[derive(Clone)]
pub struct Calls {
    all: Arc<Vec<Arc<Call>>>,
    picked: Vec<usize>,
    what: String,
    pattern: Option<(String, String)>,
    start: Timestamp,
    context: Option<Arc<dyn Context>>,
}

/// What a failed assertion about calls tells besides the calls: the bed behind the cloud knows it.
pub(crate) trait Context: fmt::Debug + Send + Sync {
    /// The report of a failure with this cause; `None` when the bed is gone.
    fn explain(&self, cause: &str, near: &[String]) -> Option<String>;
}

impl Calls {
    pub(crate) fn new(all: Vec<Arc<Call>>, start: Timestamp, context: Option<Arc<dyn Context>>) -> Self {
        let picked = (0..all.len()).collect();
        Self { all: Arc::new(all), picked, what: "call".to_owned(), pattern: None, start, context }
    }

    /// The calls of the view, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Call> {
        self.picked.iter().filter_map(|n| self.all.get(*n)).map(|call| &**call)
    }

    /// Number of calls in the view.
    pub fn len(&self) -> usize {
        self.picked.len()
    }

    /// True without calls.
    pub fn is_empty(&self) -> bool {
        self.picked.is_empty()
    }

    /// The first call of the view.
    pub fn first(&self) -> Option<&Call> {
        self.iter().next()
    }

    /// The last call of the view.
    pub fn last(&self) -> Option<&Call> {
        self.picked.last().and_then(|n| self.all.get(*n)).map(|call| &**call)
    }

    fn narrowed(&self, what: &str, keep: impl Fn(&Call) -> bool) -> Self {
        let picked = self.iter().filter(|c| keep(c)).map(|c| c.number).collect();
        Self { picked, what: format!("{} {what}", self.what), ..self.clone() }
    }

    /// Calls of a service and API; `*` stands for any text, case does not matter.
    #[must_use]
    pub fn of(&self, service: &str, api: &str) -> Self {
        let mut out = self.narrowed(&format!("of {service}.{api}"), |c| c.is(service, api));
        out.pattern = Some((service.to_owned(), api.to_owned()));
        out
    }

    /// Calls made as a role, by its name.
    #[must_use]
    pub fn by_role(&self, role: &str) -> Self {
        let caller = format!("role/{role}");
        self.narrowed(&format!("by role `{role}`"), |c| c.caller.eq_ignore_ascii_case(&caller))
    }

    /// Calls made by a task, in any execution, loop items and child executions included.
    #[must_use]
    pub fn by_task(&self, task: &str) -> Self {
        self.narrowed(&format!("by task `{task}`"), |c| {
            c.origin.task.as_ref().is_some_and(|t| t.as_str().eq_ignore_ascii_case(task))
                || c.origin.parents.iter().any(|(t, _)| t.as_str().eq_ignore_ascii_case(task))
        })
    }

    /// Calls that started from `from` up to, not including, `to`.
    #[must_use]
    pub fn between(&self, from: Timestamp, to: Timestamp) -> Self {
        self.narrowed(&format!("between {from} and {to}"), |c| c.started >= from && c.started < to)
    }

    /// Calls in a region.
    #[must_use]
    pub fn in_region(&self, region: &str) -> Self {
        self.narrowed(&format!("in {region}"), |c| &*c.region == region)
    }

    /// Calls that ended with an error; `*` in the code stands for any text.
    #[must_use]
    pub fn failed_with(&self, code: &str) -> Self {
        self.narrowed(&format!("that failed with {code}"), |c| c.error_code().is_some_and(|found| glob(code, found)))
    }

    /// Calls whose parameters match: a JSON map is matched as a [`subset`].
    #[must_use]
    pub fn with(&self, params: impl Into<Matcher>) -> Self {
        let matcher = params.into();
        self.narrowed(&format!("with {matcher:?}"), |c| matcher.matches(&c.params))
    }

    /// Calls for which `keep` is true.
    #[must_use]
    pub fn when(&self, keep: impl Fn(&Call) -> bool) -> Self {
        self.narrowed("that pass the test's filter", keep)
    }

    /// Asserts the number of calls.
    ///
    /// # Panics
    /// When it is another; the text shows the near misses.
    #[track_caller]
    pub fn count(&self, expected: impl Count) -> &Self {
        if !expected.takes(self.len()) {
            self.complain(&format!("expected {expected:?} {}, found {}", self.what, self.len()));
        }
        self
    }

    /// Asserts that there was no such call.
    ///
    /// # Panics
    /// When there was one.
    #[track_caller]
    pub fn never(&self) -> &Self {
        self.count(0_usize)
    }

    /// Asserts that there was no such call; the same as [`never`](Self::never).
    ///
    /// # Panics
    /// When there was one.
    #[track_caller]
    pub fn none(&self) -> &Self {
        self.never()
    }

    /// Asserts that exactly one call is in the view and gives it.
    ///
    /// # Panics
    /// When there is none, or more than one.
    #[track_caller]
    pub fn one(&self) -> &Call {
        self.count(1_usize);
        match self.first() {
            Some(call) => call,
            None => fail("there is no call"),
        }
    }

    /// Asserts that the view holds every call of the log.
    ///
    /// # Panics
    /// When a call is not in it.
    #[track_caller]
    pub fn all(&self) -> &Self {
        if let Some(other) = self.all.iter().find(|c| self.picked.binary_search(&c.number).is_err()) {
            self.complain(&format!("expected every call to be a {}, but not this: {}", self.what, self.line(other)));
        }
        self
    }

    /// Asserts that the parameters of every call match: a JSON map is matched as a [`subset`].
    ///
    /// # Panics
    /// When those of a call do not.
    #[track_caller]
    pub fn params(&self, expected: impl Into<Matcher>) -> &Self {
        let matcher = expected.into();
        if let Some(other) = self.iter().find(|c| !matcher.matches(&c.params)) {
            self.complain(&format!("expected {} with {matcher:?}, but: {}", self.what, self.line(other)));
        }
        self
    }

    /// Asserts that the parameters of at least one call match.
    ///
    /// # Panics
    /// When those of none do.
    #[track_caller]
    pub fn any_params(&self, expected: impl Into<Matcher>) -> &Self {
        let matcher = expected.into();
        if !self.iter().any(|c| matcher.matches(&c.params)) {
            self.complain(&format!("expected a {} with {matcher:?}", self.what));
        }
        self
    }

    /// Starts an assertion on the order of calls; say [`InOrder::per`] or [`InOrder::overall`].
    pub fn in_order<const N: usize>(&self, patterns: [Pattern; N]) -> InOrder<'_> {
        InOrder { calls: self, patterns: patterns.to_vec() }
    }

    /// How many items of a loop were in flight at once, seen by their calls: an item is in flight from the start of
    /// its first call to the end of its last one. See [`max_in_flight_of_events`] for the exact number.
    pub fn max_in_flight(&self, items: Items) -> InFlight {
        flight::max_of_calls(self.iter(), &items)
    }

    #[track_caller]
    pub(crate) fn complain(&self, cause: &str) -> ! {
        if let Some(text) = self.context.as_ref().and_then(|c| c.explain(cause, &self.near_lines())) {
            fail(&text);
        }
        fail(&format!("{cause}\nlast calls:\n{}{}", self.tail(20), self.near_misses()))
    }
}

/// Ends the test with a text.
#[track_caller]
#[expect(clippy::panic, reason = "this is how an assertion of a test kit fails")]
pub(crate) fn fail(text: &str) -> ! {
    panic!("{text}")
}
