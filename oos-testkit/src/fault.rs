//! Faults and stubs: rules that bend the answers of the fake cloud.
//!
//! A fault makes something go wrong with a call that the fake would answer; a stub answers instead of the fake. Both
//! have names or patterns, count what they matched, and are listed when they never did. Rules see calls, not retries
//! of anybody: they sit below every repeating layer.

mod builder;
mod stub;

use std::{fmt, ops::Range, time::Duration};

pub use builder::{Fault, Times, x};
use oos_core::{Timestamp, Value, ports::ApiError};
pub use stub::{Model, Reply, Stub, StubHandle, err, ok, pass};
pub(crate) use stub::{StubAnswer, StubRule, merged};

use crate::{
    calls::{Call, texts_in},
    cloud::ids::mix,
};

/// Which of the matching calls a fault hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pick {
    Every,
    Nth(u64),
    EveryNth(u64),
    First(u64),
    KOfN { k: u64, n: u64 },
}

#[derive(Clone, Debug)]
pub(crate) enum Effect {
    Error {
        code: String,
        status: u16,
        message: String,
    },
    Throttle,
    Latency(Range<Duration>),
    LostResponse,
    DropConnection,
    EmptyWrapper,
    /// The rule bends transitions, tokens or consistency instead of calls.
    Elsewhere,
}

#[derive(Clone, Debug)]
pub(crate) struct FaultRule {
    pub(crate) name: String,
    pub(crate) service: String,
    pub(crate) api: String,
    pub(crate) pick: Pick,
    pub(crate) ids: Vec<String>,
    pub(crate) between: Option<(Timestamp, Timestamp)>,
    pub(crate) seed: u64,
    pub(crate) effect: Effect,
    pub(crate) matched: u64,
    pub(crate) hits: u64,
}

/// What the faults say about a call.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    pub(crate) latency: Duration,
    pub(crate) error: Option<ApiError>,
    pub(crate) lost: bool,
    pub(crate) empty_wrapper: bool,
    pub(crate) names: Vec<String>,
}

/// All rules of a cloud.
#[derive(Default)]
pub(crate) struct Rules {
    pub(crate) faults: Vec<FaultRule>,
    pub(crate) stubs: Vec<StubRule>,
    pub(crate) expire_tokens_at: Option<Timestamp>,
}

impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rules({} faults, {} stubs)", self.faults.len(), self.stubs.len())
    }
}

impl FaultRule {
    fn matches(&self, call: &Call) -> bool {
        call.is(&self.service, &self.api)
            && self.between.is_none_or(|(from, to)| call.started >= from && call.started < to)
            && (self.ids.is_empty()
                || texts_in(&call.params).iter().any(|(_, text)| self.ids.iter().any(|id| **id == **text)))
    }

    /// Counts a matching call and says whether this one is hit.
    fn hit(&mut self) -> bool {
        let n = self.matched;
        self.matched += 1;
        let hit = match self.pick {
            Pick::Every => true,
            Pick::Nth(nth) => n + 1 == nth,
            Pick::EveryNth(nth) => nth > 0 && (n + 1).is_multiple_of(nth),
            Pick::First(first) => n < first,
            Pick::KOfN { k, n: of } => of > 0 && rank(self.seed, n / of * of, of, n) < k,
        };
        self.hits += u64::from(hit);
        hit
    }
}

/// The rank of number `n` among the `of` numbers from `from` on, in the order of their seeded hashes.
fn rank(seed: u64, from: u64, of: u64, n: u64) -> u64 {
    let mine = (mix(seed, n), n);
    (from..from + of).map(|m| (mix(seed, m), m)).filter(|other| *other < mine).count() as u64
}

impl Rules {
    /// What the faults say about a call: every latency that matches, and the first other effect.
    pub(crate) fn judge(&mut self, call: &Call) -> Verdict {
        let mut out = Verdict::default();
        let mut decided = false;
        for rule in &mut self.faults {
            let slow = matches!(rule.effect, Effect::Latency(_));
            let elsewhere = matches!(rule.effect, Effect::Elsewhere);
            if elsewhere || (decided && !slow) || !rule.matches(call) || !rule.hit() {
                continue;
            }
            out.names.push(rule.name.clone());
            decided |= !slow;
            apply(&rule.effect, rule.seed, rule.matched, call, &mut out);
        }
        out
    }

    /// What the stubs say about a call; the first stub that does not pass on.
    pub(crate) fn answer(&mut self, call: &Call) -> Option<(String, StubAnswer)> {
        self.stubs.iter_mut().find_map(|stub| {
            let answer = stub.answer(call)?;
            Some((stub.name(), answer))
        })
    }

    /// Faults that never fired and stubs whose number of calls is not the expected one, one line each.
    pub(crate) fn unmet(&self) -> Vec<String> {
        let faults = self
            .faults
            .iter()
            .filter(|f| f.hits == 0 && !matches!(f.effect, Effect::Elsewhere))
            .map(|f| format!("fault `{}` never fired ({} calls matched)", f.name, f.matched));
        faults.chain(self.stubs.iter().filter_map(StubRule::unmet)).collect()
    }

    /// Service and API of the rules that matched no call.
    pub(crate) fn unmatched(&self) -> Vec<(String, String)> {
        let faults = self.faults.iter().filter(|f| f.matched == 0 && !matches!(f.effect, Effect::Elsewhere));
        let stubs = self.stubs.iter().filter(|s| s.hits == 0);
        faults.map(|f| (f.service.clone(), f.api.clone())).chain(stubs.map(StubRule::pattern)).collect()
    }

    /// All rules with their counts, one line each.
    pub(crate) fn report(&self) -> Vec<String> {
        let faults = self.faults.iter().map(|f| {
            let seed = if matches!(f.pick, Pick::KOfN { .. }) { format!(", seed {}", f.seed) } else { String::new() };
            format!("fault `{}`: hit {} of {} matching calls{seed}", f.name, f.hits, f.matched)
        });
        faults.chain(self.stubs.iter().map(|s| format!("{}: {} calls", s.name(), s.hits))).collect()
    }
}

fn apply(effect: &Effect, seed: u64, n: u64, call: &Call, out: &mut Verdict) {
    match effect {
        Effect::Error { code, status, message } => {
            out.error = Some(ApiError::service(code.as_str(), *status, message.as_str()));
        }
        Effect::Throttle => out.error = Some(throttled(&call.service)),
        Effect::Latency(range) => out.latency += between(range, mix(seed, n)),
        Effect::LostResponse => out.lost = true,
        Effect::DropConnection => {
            let message = "the connection was dropped by a fault before the call was carried out".into();
            out.error = Some(ApiError::Transport { message, sent: true });
        }
        Effect::EmptyWrapper => out.empty_wrapper = true,
        Effect::Elsewhere => {}
    }
}

fn between(range: &Range<Duration>, random: u64) -> Duration {
    let low = u64::try_from(range.start.as_millis()).unwrap_or(u64::MAX);
    let high = u64::try_from(range.end.as_millis()).unwrap_or(u64::MAX);
    Duration::from_millis(if high > low { low + random % (high - low) } else { low })
}

/// CHOICE: services that answer throttling with status 400; all others with 429.
const CLASSIC: [&str; 7] = ["ECS", "VPC", "SLB", "ESS", "RDS", "R-KVSTORE", "OSS"];

/// The answer to a call too many.
pub(crate) fn throttled(service: &str) -> ApiError {
    let status = if CLASSIC.iter().any(|s| s.eq_ignore_ascii_case(service)) { 400 } else { 429 };
    ApiError::service("Throttling.User", status, "Request was denied due to user flow control.")
}

/// Replaces wrappers of empty lists, `{"Instance": []}`, by the empty string.
pub(crate) fn empty_wrappers(body: &Value) -> Value {
    let Some(map) = body.as_map() else { return body.clone() };
    let members = map.iter().map(|(key, value)| {
        let empty = value
            .as_map()
            .is_some_and(|m| m.len() == 1 && m.values().all(|v| v.as_list().is_some_and(<[Value]>::is_empty)));
        (key.clone(), if empty { Value::from("") } else { value.clone() })
    });
    Value::from(members.collect::<oos_core::Map>())
}
