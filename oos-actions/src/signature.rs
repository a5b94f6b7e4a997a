//! Short ways to write signatures, so that each action's file shows only what differs.

use std::sync::LazyLock;

use oos_core::{
    ActionName,
    ports::action::{ActionClass, Property, ResultMember, RetryRule, Signature},
    template::ValueType,
};

use crate::failure::{self, WRONG_PROPERTY};

/// A name made once; actions hand it out by reference.
pub(crate) type StaticName = LazyLock<ActionName>;

/// A signature of an action that neither loops nor retries and takes only these properties.
pub(crate) fn closed(name: &ActionName, class: ActionClass, description: &str, properties: Vec<Property>) -> Signature {
    let signature = Signature {
        name: name.clone(),
        class,
        loops: false,
        retry: RetryRule::None,
        properties,
        open: false,
        outputs: Vec::new(),
        failures: Vec::new(),
        lazy: Vec::new(),
        verbatim: Vec::new(),
        calls_api: false,
        calls: Some(Vec::new()),
        description: description.into(),
    };
    if signature.properties.is_empty() { signature } else { failure::list(signature, &[WRONG_PROPERTY]) }
}

/// The result document as a whole, whose members somebody else decides.
pub(crate) fn document(description: &str) -> ResultMember {
    ResultMember::new(".", &[ValueType::Json], description)
}

/// A text in the result document.
pub(crate) fn text(name: &str, description: &str) -> ResultMember {
    ResultMember::new(name, &[ValueType::String], description)
}
