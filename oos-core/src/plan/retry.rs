//! Retry settings: the five task keys as expressions, and the policy they evaluate to (actions.md 20).

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Value, expr::Expr, ports::action::RetryRule};

/// First exponent of the exponential delay. CHOICE: 1, so that the first wait is 2 s (actions.md 20.1, 25 row 1).
pub const FIRST_EXPONENT: u32 = 1;
const DEFAULT_DELAY: u64 = 2;
const DEFAULT_BACK_OFF: u64 = 2;
const DEFAULT_CAP: u64 = 1800;
const MAX_RETRIES: u32 = 300;

/// The retry settings of a task as compiled.
#[derive(Clone, Debug)]
pub struct RetryPlan {
    /// The rule of the action.
    pub rule: RetryRule,
    /// A map of the keys that were written; a literal map in nearly every template.
    pub keys: Expr,
}

/// How the wait grows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum DelayType {
    /// 2^n seconds.
    #[default]
    Exponential,
    /// `Delay` seconds.
    Constant,
    /// `Delay + BackOff * n` seconds.
    Linear,
}

impl DelayType {
    /// The type of that spelling; case is tolerated (template-language 8.1).
    pub fn parse(text: &str) -> Option<Self> {
        [("Exponential", Self::Exponential), ("Constant", Self::Constant), ("Linear", Self::Linear)]
            .into_iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(text))
            .map(|(_, t)| t)
    }
}

/// Evaluated retry settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetryPolicy {
    /// Further attempts after the first.
    pub retries: u32,
    /// How the wait grows.
    pub delay_type: DelayType,
    /// `Delay` in seconds.
    pub delay: u64,
    /// `BackOff` in seconds.
    pub back_off: u64,
    /// `MaxRetryInterval` in seconds.
    pub cap: u64,
}

impl RetryPolicy {
    /// No retry.
    pub const NONE: Self = Self {
        retries: 0,
        delay_type: DelayType::Exponential,
        delay: DEFAULT_DELAY,
        back_off: DEFAULT_BACK_OFF,
        cap: DEFAULT_CAP,
    };

    /// The policy of evaluated keys (a map or null); numbers out of range are clamped (actions.md 20.1).
    pub fn from_keys(keys: &Value, default_retries: u32) -> Self {
        let number = |key: &str, low: u64, high: u64, default: u64| {
            keys.get(key).and_then(as_number).map_or(default, |n| n.clamp(low, high))
        };
        Self {
            retries: keys
                .get("Retries")
                .and_then(as_number)
                .map_or(default_retries, |n| u32::try_from(n).unwrap_or(MAX_RETRIES).min(MAX_RETRIES)),
            delay_type: keys.get("DelayType").and_then(|t| DelayType::parse(&t.to_text())).unwrap_or_default(),
            delay: number("Delay", 1, 3600, DEFAULT_DELAY),
            back_off: number("BackOff", 1, 3600, DEFAULT_BACK_OFF),
            cap: number("MaxRetryInterval", 1, 1800, DEFAULT_CAP),
        }
    }

    /// The wait before retry `n`, from 1.
    pub fn interval(&self, n: u32) -> Duration {
        let seconds = match self.delay_type {
            DelayType::Exponential => {
                1_u64.checked_shl(n.saturating_sub(1).saturating_add(FIRST_EXPONENT)).unwrap_or(u64::MAX)
            }
            DelayType::Constant => self.delay,
            DelayType::Linear => self.back_off.saturating_mul(n.into()).saturating_add(self.delay),
        };
        Duration::from_secs(seconds.min(self.cap))
    }
}

fn as_number(value: &Value) -> Option<u64> {
    let number = value.as_i64().or_else(|| value.as_str().and_then(|s| s.trim().parse().ok()))?;
    Some(u64::try_from(number).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params;

    fn total(keys: &Value, default_retries: u32) -> (u32, u64) {
        let policy = RetryPolicy::from_keys(keys, default_retries);
        (policy.retries + 1, (1..=policy.retries).map(|n| policy.interval(n).as_secs()).sum())
    }

    /// The table of actions.md 20.1: calls at most, total waiting in seconds.
    #[test]
    fn intervals_reproduce_the_table() {
        assert_eq!(total(&Value::Null, 10), (11, 2_046));
        assert_eq!(total(&params! { "Retries" => 57 }, 10), (58, 86_646));
        assert_eq!(total(&params! { "Retries" => 296, "MaxRetryInterval" => 300 }, 10), (297, 86_910));
        assert_eq!(total(&params! { "Retries" => 7, "DelayType" => "Constant", "Delay" => 15 }, 10), (8, 105));
        assert_eq!(total(&params! { "Retries" => 7, "Delay" => 15 }, 10), (8, 254));
        assert_eq!(total(&params! { "Retries" => 30, "DelayType" => "Constant", "Delay" => 10 }, 10), (31, 300));
        assert_eq!(total(&params! { "Retries" => 300, "DelayType" => "Constant", "Delay" => 120 }, 10), (301, 36_000));
        assert_eq!(
            total(&params! { "Retries" => 3, "DelayType" => "Linear", "Delay" => 1, "BackOff" => 5 }, 10),
            (4, 33)
        );
    }

    #[test]
    fn large_exponents_saturate() {
        assert_eq!(RetryPolicy { retries: 300, ..RetryPolicy::NONE }.interval(300).as_secs(), 1800);
    }
}
