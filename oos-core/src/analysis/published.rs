//! What an action calls of its own accord, by its signature and as far as its properties decide (service-model 6.3).

use std::sync::Arc;

use super::symbolic::Symbolic;
use crate::ports::action::{ApiUse, Signature};

/// The published calls of a task.
#[derive(Debug, Default)]
pub(super) struct Published<'s> {
    /// Calls that are not ruled out.
    pub(super) calls: Vec<&'s ApiUse>,
    /// Properties that decide about calls and are not known.
    pub(super) open: Vec<&'static str>,
    /// Properties that decide about calls and have a value that leads to none.
    pub(super) unfit: Vec<(&'static str, Arc<str>)>,
}

/// The published calls of an action with these properties.
pub(super) fn published<'s>(signature: &'s Signature, properties: &Symbolic) -> Published<'s> {
    let mut found = Published::default();
    let calls = signature.calls.as_deref().unwrap_or_default();
    for call in calls {
        let Some((property, value)) = &call.given else {
            found.calls.push(call);
            continue;
        };
        let given = properties.member(property);
        match given.known_text() {
            Some(given) if given.trim().eq_ignore_ascii_case(value) => found.calls.push(call),
            Some(given) => {
                let leads = |c: &ApiUse| {
                    c.given.as_ref().is_some_and(|(p, v)| p == property && given.trim().eq_ignore_ascii_case(v))
                };
                if !calls.iter().any(leads) && !found.unfit.iter().any(|(p, _)| p == property) {
                    found.unfit.push((property, given));
                }
            }
            None if given.is_null() => {}
            None => {
                found.calls.push(call);
                if !found.open.contains(property) {
                    found.open.push(property);
                }
            }
        }
    }
    found
}
