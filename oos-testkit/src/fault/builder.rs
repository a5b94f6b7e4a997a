//! How a test writes a fault.

use std::{ops::Range, time::Duration};

use oos_core::Timestamp;

use super::{Effect, FaultRule, Pick};
use crate::{FakeCloud, cloud::transition::Transitions};

/// A factor; see [`x`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times(pub u32);

/// That many times: `slow_transition("ECS::Instance", x(5))`.
pub const fn x(times: u32) -> Times {
    Times(times)
}

/// A fault in the making: says which calls, then what happens to them. The last word puts it in force.
///
/// ```
/// # use oos_testkit::FakeCloud;
/// let cloud = FakeCloud::new();
/// cloud.fault("describe is throttled").on("ECS", "Describe*").every_nth(3).throttle();
/// ```
#[derive(Debug)]
#[must_use = "say what happens, e.g. `throttle()`"]
pub struct Fault {
    cloud: FakeCloud,
    rule: FaultRule,
}

impl Fault {
    pub(crate) fn new(cloud: FakeCloud, name: &str, seed: u64) -> Self {
        let rule = FaultRule {
            name: name.to_owned(),
            service: "*".to_owned(),
            api: "*".to_owned(),
            pick: Pick::Every,
            ids: Vec::new(),
            between: None,
            seed,
            effect: Effect::Elsewhere,
            matched: 0,
            hits: 0,
        };
        Self { cloud, rule }
    }

    /// Only calls of that service and API; `*` stands for any text.
    pub fn on(mut self, service: &str, api: &str) -> Self {
        (self.rule.service, self.rule.api) = (service.to_owned(), api.to_owned());
        self
    }

    /// Only every n-th matching call.
    pub fn every_nth(self, n: u64) -> Self {
        self.pick(Pick::EveryNth(n))
    }

    /// Only the n-th matching call.
    pub fn nth(self, n: u64) -> Self {
        self.pick(Pick::Nth(n))
    }

    /// Only the first n matching calls.
    pub fn first(self, n: u64) -> Self {
        self.pick(Pick::First(n))
    }

    /// Only k of every n matching calls, chosen by the seed.
    pub fn k_of_n(self, k: u64, n: u64) -> Self {
        self.pick(Pick::KOfN { k, n })
    }

    /// The seed of what is chosen at random; the cloud's seed by default.
    pub fn seed(mut self, seed: u64) -> Self {
        self.rule.seed = seed;
        self
    }

    /// Only calls that mention one of these ids in their parameters.
    pub fn for_ids<S: Into<String>>(mut self, ids: impl IntoIterator<Item = S>) -> Self {
        self.rule.ids = ids.into_iter().map(Into::into).collect();
        self
    }

    /// Only calls that start from `from` up to, not including, `to`.
    pub fn between(mut self, from: Timestamp, to: Timestamp) -> Self {
        self.rule.between = Some((from, to));
        self
    }

    fn pick(mut self, pick: Pick) -> Self {
        self.rule.pick = pick;
        self
    }

    fn install(mut self, effect: Effect) {
        self.rule.effect = effect;
        let rule = self.rule;
        self.cloud.with(|state| state.rules.faults.push(rule));
    }

    /// They are answered with an error; nothing has changed.
    pub fn error(self, code: &str, status: u16) {
        let message = format!("Injected by the fault `{}`.", self.rule.name);
        self.install(Effect::Error { code: code.to_owned(), status, message });
    }

    /// They are throttled: `Throttling.User`, with the status that the service uses.
    pub fn throttle(self) {
        self.install(Effect::Throttle);
    }

    /// They take a time of this range, chosen by the seed, on virtual time.
    pub fn latency(self, range: Range<Duration>) {
        self.install(Effect::Latency(range));
    }

    /// They are carried out, and the answer is lost.
    pub fn lost_response(self) {
        self.install(Effect::LostResponse);
    }

    /// The connection breaks before they are carried out; the caller cannot know that.
    pub fn drop_connection(self) {
        self.install(Effect::DropConnection);
    }

    /// Wrappers of empty lists arrive as the empty string.
    pub fn empty_wrapper_as_string(self) {
        self.install(Effect::EmptyWrapper);
    }

    /// Transitions of a kind take that many times longer.
    pub fn slow_transition(self, kind: &str, times: Times) {
        Transitions::new(self.cloud.clone(), Some(kind), None).slower(times.0);
        self.install(Effect::Elsewhere);
    }

    /// Transitions of a resource never end.
    pub fn stuck(self, id: &str) {
        Transitions::new(self.cloud.clone(), None, Some(id)).never();
        self.install(Effect::Elsewhere);
    }

    /// Transitions of a kind end in its failure state.
    pub fn fail_state(self, kind: &str) {
        Transitions::new(self.cloud.clone(), Some(kind), None).fail("Testkit.Injected");
        self.install(Effect::Elsewhere);
    }

    /// Temporary keys end at that instant: the next call with one is answered with `InvalidSecurityToken.Expired`.
    pub fn expire_token_at(self, at: Timestamp) {
        self.cloud.with(|state| state.rules.expire_tokens_at = Some(at));
        self.install(Effect::Elsewhere);
    }

    /// What is written to the services of the pattern becomes visible only after that long.
    pub fn eventual(self, delay: Duration) {
        self.cloud.eventual(&self.rule.service, delay);
        self.install(Effect::Elsewhere);
    }
}
