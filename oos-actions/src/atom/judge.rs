//! Is a value the one that a wait is for? Shared by WaitFor, CheckFor and the rules of ExecuteHttpRequest; pure.

use oos_core::{
    Value,
    ports::{ActionError, ActionErrorKind},
};

use crate::{failure::Failure, properties::Properties};

pub(super) const NO_VALUES: Failure = Failure::new(
    ActionErrorKind::InvalidProperty,
    "InvalidTemplate",
    "neither DesiredValues nor NotDesiredValues is given",
);

/// One value for the results of a selector: none is null, one is itself, more are their list (actions.md 5.4).
pub fn observed(results: Vec<Value>) -> Value {
    match results.len() {
        0 | 1 => results.into_iter().next().unwrap_or_default(),
        _ => results.into_iter().collect(),
    }
}

/// Equality of values where texts and other scalars compare by their text: `0` = `"0"`, `true` = `"true"`. Null equals
/// only null, lists and maps compare as they are, text compares with case (actions.md 5.4).
pub fn loosely_equal(a: &Value, b: &Value) -> bool {
    let is_scalar = |v: &Value| !matches!(v, Value::Null | Value::List(_) | Value::Map(_));
    a == b || (is_scalar(a) && is_scalar(b) && a.kind() != b.kind() && a.to_text() == b.to_text())
}

/// What a judgement came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The value is the one.
    Met,
    /// It never will be.
    Stopped,
    /// It may become so.
    NotYet,
}

/// The three lists of a wait.
#[derive(Clone, Debug, PartialEq)]
pub struct Judge {
    /// `DesiredValues`.
    pub desired: Vec<Value>,
    /// `NotDesiredValues`.
    pub not_desired: Vec<Value>,
    /// `StopRetryValues`.
    pub stop: Vec<Value>,
}

impl Judge {
    /// Reads the lists; an empty one counts as absent.
    ///
    /// # Errors
    /// `InvalidTemplate` when there is nothing to wait for, naming the action.
    pub fn of(properties: &Value, action: &str) -> Result<Self, ActionError> {
        let list = |name| Ok::<_, ActionError>(Properties(properties).list(name)?.unwrap_or_default());
        let (desired, not_desired) = (list("DesiredValues")?, list("NotDesiredValues")?);
        if desired.is_empty() && not_desired.is_empty() {
            return Err(NO_VALUES.error(format_args!("{action} needs DesiredValues or NotDesiredValues")));
        }
        Ok(Self { desired, not_desired, stop: list("StopRetryValues")? })
    }

    /// Judges a value. Several values are met when each is desired and stopped when any is a stop value.
    // CHOICE: stop values come first (actions.md 5.2, 25), but a value that is listed as desired never stops:
    // seven official waits (ACS::HBR::RestoreHanaDatabaseBackup, ACS::SAE::CreateApplication,
    // ACS-HBR-SAPHanaRestorationAutomation) list what they desire among the stop values too and could never succeed.
    pub fn judge(&self, value: &Value) -> Verdict {
        let stops = |v: &Value| is_in(v, &self.stop) && !is_in(v, &self.desired);
        if stops(value) || members(value).is_some_and(|all| all.iter().any(stops)) {
            Verdict::Stopped
        } else if self.desires(value) || members(value).is_some_and(|all| all.iter().all(|v| self.desires(v))) {
            Verdict::Met
        } else {
            Verdict::NotYet
        }
    }

    fn desires(&self, value: &Value) -> bool {
        let unwanted = is_in(value, &self.not_desired)
            || members(value).is_some_and(|all| all.iter().any(|v| is_in(v, &self.not_desired)));
        (self.desired.is_empty() || is_in(value, &self.desired)) && !unwanted
    }

    /// `desired <list>`, `not desired <list>` or both, for messages.
    pub fn wanted(&self) -> String {
        let part = |word: &str, list: &[Value]| (!list.is_empty()).then(|| format!("{word} {}", show_list(list)));
        let parts = [part("desired", &self.desired), part("not desired", &self.not_desired)];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

fn is_in(value: &Value, list: &[Value]) -> bool {
    list.iter().any(|member| loosely_equal(value, member))
}

/// The members of a list of at least two: those are judged one by one.
fn members(value: &Value) -> Option<&[Value]> {
    value.as_list().filter(|list| list.len() > 1)
}

/// A list as it stands in messages.
pub(crate) fn show_list(list: &[Value]) -> String {
    show(&list.iter().cloned().collect())
}

/// A value as it stands in messages: compact JSON, cut with a visible mark.
pub(crate) fn show(value: &Value) -> String {
    const LONGEST: usize = 512;
    let text = value.to_string();
    let rest = text.chars().count().saturating_sub(LONGEST);
    if rest == 0 {
        return text;
    }
    let head: String = text.chars().take(LONGEST).collect();
    format!("{head}… ({rest} characters more)")
}

#[cfg(test)]
mod tests {
    use oos_core::params;

    use super::*;

    fn judge(desired: Value, not_desired: Value, stop: Value, value: impl Into<Value>) -> Verdict {
        let properties =
            params! { "DesiredValues" => desired, "NotDesiredValues" => not_desired, "StopRetryValues" => stop };
        Judge::of(&properties, "WaitFor").unwrap().judge(&value.into())
    }

    fn list<const N: usize>(values: [&str; N]) -> Value {
        Value::from(values)
    }

    #[test]
    fn a_stream_becomes_one_value() {
        assert_eq!(observed(Vec::new()), Value::Null);
        assert_eq!(observed(vec![Value::Int(1)]), Value::Int(1));
        assert_eq!(observed(vec![Value::Int(1), Value::Null]), Value::from(vec![Value::Int(1), Value::Null]));
    }

    #[test]
    fn scalars_compare_by_their_text_and_nothing_else_does() {
        let equal = |a: Value, b: Value| loosely_equal(&a, &b);
        assert!(equal(Value::Int(0), "0".into()));
        assert!(equal("0".into(), Value::Float(0.0)));
        assert!(equal(true.into(), "true".into()));
        assert!(!equal("True".into(), true.into()));
        assert!(!equal(Value::Null, "null".into()));
        assert!(!equal(Value::Null, "".into()));
        assert!(!equal(Value::empty_list(), "[]".into()));
        assert!(equal(Value::empty_list(), Value::empty_list()));
        assert!(!equal("running".into(), "Running".into()));
    }

    #[test]
    fn nothing_left_is_null() {
        let nothing = || Value::from(vec![Value::Null]);
        assert_eq!(judge(nothing(), Value::Null, Value::Null, Value::Null), Verdict::Met);
        assert_eq!(judge(nothing(), Value::Null, Value::Null, "i-1"), Verdict::NotYet);
    }

    #[test]
    fn whole_lists_compare_with_listed_lists() {
        let no_empty_list = || Value::from(vec![Value::empty_list()]);
        assert_eq!(judge(Value::Null, no_empty_list(), Value::Null, Value::empty_list()), Verdict::NotYet);
        assert_eq!(judge(Value::Null, no_empty_list(), Value::Null, ["eip-1"]), Verdict::Met);
        assert_eq!(judge(Value::Null, no_empty_list(), Value::Null, ["eip-1", "eip-2"]), Verdict::Met);
    }

    #[test]
    fn a_vanished_value_is_not_the_undesired_one() {
        assert_eq!(judge(Value::Null, list(["Deleting"]), Value::Null, Value::Null), Verdict::Met);
        assert_eq!(judge(Value::Null, list(["Deleting"]), Value::Null, "Deleting"), Verdict::NotYet);
    }

    #[test]
    fn an_empty_list_is_no_list() {
        assert_eq!(judge(list(["x"]), Value::empty_list(), Value::Null, "x"), Verdict::Met);
        assert_eq!(judge(list(["x"]), Value::empty_list(), Value::Null, "y"), Verdict::NotYet);
        let error = Judge::of(&params! { "DesiredValues" => Value::empty_list() }, "WaitFor").unwrap_err();
        assert_eq!(error.to_string(), "InvalidTemplate: WaitFor needs DesiredValues or NotDesiredValues");
    }

    #[test]
    fn both_lists_must_agree() {
        assert_eq!(judge(list(["Finished"]), list(["Failed"]), Value::Null, "Finished"), Verdict::Met);
        // Undesired alone does not stop.
        assert_eq!(judge(list(["Finished"]), list(["Failed"]), Value::Null, "Failed"), Verdict::NotYet);
    }

    #[test]
    fn stop_values_stop_unless_they_are_desired() {
        let stop = || list(["COMPLETE", "FAILED"]);
        assert_eq!(judge(list(["COMPLETE"]), Value::Null, stop(), "COMPLETE"), Verdict::Met);
        assert_eq!(judge(list(["COMPLETE"]), Value::Null, stop(), "FAILED"), Verdict::Stopped);
        assert_eq!(judge(list(["COMPLETE"]), Value::Null, stop(), "RUNNING"), Verdict::NotYet);
        assert_eq!(judge(Value::Null, list(["Deleting"]), list(["Error"]), "Error"), Verdict::Stopped);
        assert_eq!(judge(Value::from([true]), Value::Null, Value::from([true]), true), Verdict::Met);
        assert_eq!(judge(Value::from([2]), Value::Null, Value::from([2, 3, 6, 10]), "6"), Verdict::Stopped);
    }

    #[test]
    fn several_values_are_met_together_and_stopped_by_one() {
        let (desired, stop) = (|| list(["Running"]), || list(["Failed"]));
        assert_eq!(judge(desired(), Value::Null, stop(), ["Running", "Running"]), Verdict::Met);
        assert_eq!(judge(desired(), Value::Null, stop(), ["Running", "Pending"]), Verdict::NotYet);
        assert_eq!(judge(desired(), Value::Null, stop(), ["Pending", "Failed"]), Verdict::Stopped);
        assert_eq!(judge(Value::Null, list(["Deleting"]), stop(), ["Gone", "Deleting"]), Verdict::NotYet);
    }

    #[test]
    fn a_long_value_is_cut_with_a_mark() {
        let text = show(&Value::from("x".repeat(600)));
        assert!(text.ends_with("x… (90 characters more)"), "{text}");
        assert_eq!(show(&params! { "a" => 1 }), r#"{"a":1}"#);
    }
}
