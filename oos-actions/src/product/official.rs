//! What the official product actions take: names and parameters of all of them, so that a template which calls one can
//! be checked where its definition is not at hand.
//!
//! Facts only, in `official.json`: parameter to type, `!` behind the type of one without default, allowed values behind
//! it in a list. A test holds them against the official definitions. Nothing here can run: [`OfficialActions`] is for
//! checking, an engine takes a registry with the definitions.

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
};

use oos_core::{
    ActionName, Value,
    ports::action::{ActionCatalog, ActionClass, Entry, Property, RetryRule, Signature},
    template::ValueType,
};

static OFFICIAL: LazyLock<BTreeMap<ActionName, Arc<Signature>>> = LazyLock::new(|| {
    let table = Value::from_json_str(include_str!("official.json")).unwrap_or_default();
    let actions = table.as_map().into_iter().flat_map(|table| table.iter());
    actions.map(|(name, parameters)| signature(name, parameters)).collect()
});

fn signature(name: &Arc<str>, parameters: &Value) -> (ActionName, Arc<Signature>) {
    let name = ActionName::new(name.clone());
    let properties = parameters.as_map().into_iter().flat_map(|p| p.iter()).map(|(name, facts)| property(name, facts));
    let base = Signature { class: ActionClass::Product, retry: RetryRule::None, open: false, ..Signature::open(name) };
    (base.name.clone(), Arc::new(Signature { properties: properties.collect(), ..base }))
}

fn property(name: &Arc<str>, facts: &Value) -> Property {
    let (kind, allowed) = match facts.as_list().and_then(<[Value]>::split_first) {
        Some((kind, allowed)) => (kind.to_text(), allowed.to_vec()),
        None => (facts.to_text(), Vec::new()),
    };
    Property {
        name: name.clone(),
        types: ValueType::parse(kind.trim_end_matches('!')).into_iter().collect(),
        required: kind.ends_with('!'),
        default: None,
        allowed,
        description: "".into(),
    }
}

/// What an official product action takes; case ignored.
pub fn official_signature(name: &ActionName) -> Option<Arc<Signature>> {
    OFFICIAL.get(name).cloned()
}

/// A catalog for checking: its own actions, and what is known of the official product actions that it lacks.
#[derive(Clone, Debug)]
pub struct OfficialActions(pub Arc<dyn ActionCatalog>);

impl ActionCatalog for OfficialActions {
    fn entry(&self, name: &ActionName) -> Option<Entry> {
        self.0.entry(name).or_else(|| official_signature(name).map(|_| Entry::Template))
    }

    fn signature(&self, name: &ActionName) -> Option<Arc<Signature>> {
        self.0.signature(name).or_else(|| official_signature(name))
    }

    fn names(&self) -> Vec<ActionName> {
        let mut names = self.0.names();
        names.extend(OFFICIAL.keys().cloned());
        names.sort();
        names.dedup();
        names
    }
}
