//! One round of WaitFor or CheckFor: call, select, judge (actions.md 5.2-5.6).
//!
//! A cloud error is a value here: its document goes to the selector like any answer. The machine counts rounds and
//! waits between them; it fills count and time into the message ([`UNMET`]). Errors that end a wait at once are of
//! kinds that no retry rule covers.

use oos_core::{
    Limits, Value, params,
    ports::{
        ActionContext, ActionError, ActionErrorKind, ApiError, ApiErrorKind, Outcome,
        action::{Property, Signature},
    },
    selector::{Selector, SelectorCache},
    template::ValueType,
};

use super::{
    judge::{Judge, NO_VALUES, Verdict, observed, show, show_list},
    request::Call,
};
use crate::{
    failure::{self, Failure},
    properties::Properties,
};

/// How the message of a wait begins; the machine puts numbers for the names in braces.
pub(super) const UNMET: &str = "condition not met after {retries} retries ({seconds} s)";

const NO_SELECTOR: Failure =
    Failure::new(ActionErrorKind::InvalidProperty, "InvalidSelector", "PropertySelector does not compile");
pub(super) const WAIT_FOR_TIMEOUT: Failure =
    Failure::new(ActionErrorKind::TimedOut, "WaitForTimeout", "the value was not as desired after the last retry");
pub(super) const WAIT_FOR_STOPPED: Failure =
    Failure::new(ActionErrorKind::TimedOut, "WaitForStopped", "the value is among StopRetryValues");
pub(super) const CHECK_FOR_FAILED: Failure =
    Failure::new(ActionErrorKind::TimedOut, "CheckForFailed", "the value is not as desired");

/// Which of the two asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    WaitFor,
    CheckFor,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::WaitFor => "WaitFor",
            Self::CheckFor => "CheckFor",
        }
    }
}

/// What a round saw.
struct Seen {
    document: Value,
    value: Value,
    error: Option<String>,
    /// False when the value says nothing about the condition.
    counts: bool,
}

/// Runs one round.
pub(super) async fn round(kind: Kind, selectors: &SelectorCache, ctx: &ActionContext) -> Result<Outcome, ActionError> {
    let judge = Judge::of(ctx.raw_properties(), kind.name())?;
    let text = Properties(ctx.raw_properties()).required_text("PropertySelector")?;
    let selector = selectors.selector(&text).map_err(|e| NO_SELECTOR.error(e))?;
    match Call::of(ctx)?.make(ctx).await {
        Ok(answer) => Ok(decide(kind, &judge, select(&selector, answer.body, None))?),
        Err(error) => after_error(kind, &judge, &selector, error),
    }
}

fn select(selector: &Selector, document: Value, error: Option<String>) -> Seen {
    match selector.run(&document, &Limits::default()).map(observed) {
        // Null out of an error answer is not the "nothing left" of `DesiredValues: [null]` (actions.md 5.3).
        Ok(value) => Seen { counts: error.is_none() || !value.is_null(), value, document, error },
        // A selector that fails on this answer may fit the next one (template-language 7.6).
        Err(e) => {
            let error = error.or(Some(format!("SelectorError: {e}")));
            Seen { value: Value::Null, document, error, counts: false }
        }
    }
}

fn decide(kind: Kind, judge: &Judge, seen: Seen) -> Result<Outcome, ActionError> {
    match judge.judge(&seen.value) {
        Verdict::Met if seen.counts => Ok(Outcome::Done(seen.document)),
        Verdict::Stopped if seen.counts => Err(stopped(kind, judge, &seen)),
        _ => Ok(Outcome::NotYet { otherwise: unmet(kind, judge, &seen), observed: seen.value }),
    }
}

/// What an error of the call means: a value, a round for nothing, or the end.
fn after_error(kind: Kind, judge: &Judge, selector: &Selector, error: ApiError) -> Result<Outcome, ActionError> {
    let text = format!("{}: {}", error.code(), ActionError::from(error.clone()).message);
    let ends = match error.kind() {
        ApiErrorKind::Denied | ApiErrorKind::Auth | ApiErrorKind::AuthExpired => !mentions_code(selector.text()),
        _ => false,
    };
    match &error {
        ApiError::Service { .. } if ends => Err(ActionError { kind: ActionErrorKind::Unsupported, ..error.into() }),
        ApiError::Service { .. } if error.kind() != ApiErrorKind::Throttled => {
            decide(kind, judge, select(selector, error_document(&error), Some(text)))
        }
        ApiError::Service { .. } | ApiError::Transport { .. } if kind == Kind::WaitFor => {
            let seen = Seen { document: Value::Null, value: Value::Null, error: Some(text), counts: false };
            Ok(Outcome::NotYet { otherwise: unmet(kind, judge, &seen), observed: Value::Null })
        }
        _ => Err(error.into()),
    }
}

/// A selector that reads `.Code` expects errors, permission errors too.
// CHOICE: permission errors end a wait at once otherwise; nobody waits for a permission (actions.md 5.3, 25).
fn mentions_code(selector: &str) -> bool {
    let in_word = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    selector.match_indices("Code").any(|(at, word)| {
        let (before, rest) = selector.split_at_checked(at).unwrap_or_default();
        !before.ends_with(in_word) && !rest.get(word.len()..).unwrap_or_default().starts_with(in_word)
    })
}

/// `{Code, Message, RequestId, HostId}` as the cloud gave it; what it left out is filled in.
fn error_document(error: &ApiError) -> Value {
    let ApiError::Service { code, message, request_id, body, .. } = error else {
        return Value::empty_map();
    };
    let mut document = body.as_map().cloned().unwrap_or_default();
    let missing = [
        ("Code", Value::from(code.clone())),
        ("Message", Value::from(message.clone())),
        ("RequestId", request_id.clone().into()),
    ];
    for (name, value) in missing {
        if !value.is_null() && document.get(name).is_none_or(Value::is_null) {
            document.insert(name, value);
        }
    }
    document.into()
}

/// The error to end with when no retry is left.
fn unmet(kind: Kind, judge: &Judge, seen: &Seen) -> ActionError {
    let last_error = seen.error.as_deref().map(|e| format!("; last error {e}")).unwrap_or_default();
    let error = match kind {
        Kind::WaitFor => {
            let value = show(&seen.value);
            WAIT_FOR_TIMEOUT.error(format_args!("{UNMET}; last value {value}, {}{last_error}", judge.wanted()))
        }
        Kind::CheckFor => CHECK_FOR_FAILED.error(format_args!("{}{last_error}", unwanted(judge, seen))),
    };
    error.with_details(params! { "LastValue" => seen.value.clone(), "LastError" => seen.error.clone() })
}

fn unwanted(judge: &Judge, seen: &Seen) -> String {
    let value = show(&seen.value);
    if judge.desired.is_empty() {
        format!("value {value} is in {}", show_list(&judge.not_desired))
    } else {
        format!("value {value} is not in {}", show_list(&judge.desired))
    }
}

fn stopped(kind: Kind, judge: &Judge, seen: &Seen) -> ActionError {
    let error = match kind {
        Kind::WaitFor => {
            let value = show(&seen.value);
            WAIT_FOR_STOPPED.error(format_args!("value {value} is in StopRetryValues {}", show_list(&judge.stop)))
        }
        Kind::CheckFor => CHECK_FOR_FAILED.error(unwanted(judge, seen)),
    };
    error.with_details(params! { "LastValue" => seen.value.clone() })
}

/// Adds what the two have beside ExecuteAPI's properties.
pub(super) fn with_properties(mut signature: Signature) -> Signature {
    let list = &[ValueType::List];
    signature.properties.extend([
        Property::required("PropertySelector", &[ValueType::String], "selector of the value to judge"),
        Property::optional("DesiredValues", list, "values to wait for; this or NotDesiredValues must be given"),
        Property::optional("NotDesiredValues", list, "values that must be gone"),
        Property::optional("StopRetryValues", list, "values that end the wait at once, as a failure")
            .default(Value::empty_list()),
    ]);
    failure::list(signature, &[NO_VALUES, NO_SELECTOR])
}
