//! Short ways to write signatures, so that each action's file shows only what differs.

use std::sync::LazyLock;

use oos_core::{
    ActionName,
    ports::action::{ActionClass, Property, RetryRule, Signature},
};

/// A name made once; actions hand it out by reference.
pub(crate) type StaticName = LazyLock<ActionName>;

/// A signature of an action that neither loops nor retries and takes only these properties.
pub(crate) fn closed(name: &ActionName, class: ActionClass, description: &str, properties: Vec<Property>) -> Signature {
    Signature {
        name: name.clone(),
        class,
        loops: false,
        retry: RetryRule::None,
        properties,
        open: false,
        lazy: Vec::new(),
        verbatim: Vec::new(),
        calls_api: false,
        description: description.into(),
    }
}
