//! The smallest policy that would have sufficed, and whether a given one does.

use std::collections::{BTreeMap, BTreeSet};

use oos_core::{Value, params};

use super::policy::{Decision, Wish, decide};
use crate::calls::{Calls, Permission, fail};

impl Calls {
    /// The permissions that the calls of the view needed, each once, ordered.
    pub fn permissions(&self) -> Vec<Permission> {
        self.iter().flat_map(|c| c.needs.clone()).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// The smallest policy that would have sufficed for the calls of the view: actions and resources seen.
    pub fn least_privilege(&self) -> Value {
        let mut by_resources: BTreeMap<BTreeSet<String>, BTreeSet<String>> = BTreeMap::new();
        let mut by_action: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for need in self.permissions() {
            by_action.entry(need.action).or_default().insert(need.resource);
        }
        for (action, resources) in by_action {
            by_resources.entry(resources).or_default().insert(action);
        }
        let mut statements: Vec<(Vec<String>, Vec<String>)> = by_resources
            .into_iter()
            .map(|(resources, actions)| (actions.into_iter().collect(), resources.into_iter().collect()))
            .collect();
        statements.sort();
        let list = statements.into_iter().map(|(actions, resources)| {
            params! { "Effect" => "Allow", "Action" => actions, "Resource" => resources }
        });
        params! { "Version" => "1", "Statement" => list.collect::<Value>() }
    }

    /// Asserts that a policy covers all that the calls of the view needed, and has no statement that none of them
    /// needed.
    ///
    /// # Panics
    /// When a permission is missing or a statement is of no use; the text names them.
    #[track_caller]
    pub fn assert_policy_covers(&self, policy: &str) -> &Self {
        assert_covers(policy, &self.permissions());
        self
    }
}

/// Asserts that a policy covers these permissions, and has no statement that none of them needs.
#[track_caller]
pub(crate) fn assert_covers(policy: &str, needs: &[Permission]) {
    let document = match Value::from_json_str(policy) {
        Ok(document) => document,
        Err(error) => fail(&format!("the policy is no JSON: {error}")),
    };
    let wish =
        |need: &Permission| Wish { action: need.action.clone(), resource: need.resource.clone(), ..Wish::default() };
    // Conditions depend on the moment of the call; here only actions and resources are compared.
    let bare: Vec<Value> = statements(&document).iter().map(without_condition).collect();
    let whole = params! { "Statement" => bare.clone() };
    let missing: Vec<String> = needs
        .iter()
        .filter(|n| decide(std::slice::from_ref(&whole), &wish(n)) != Decision::Allow)
        .map(|n| format!("missing: {} on {}", n.action, n.resource))
        .collect();
    let unused = bare.iter().filter(|s| {
        let one = params! { "Statement" => vec![(*s).clone()] };
        !needs.iter().any(|n| decide(std::slice::from_ref(&one), &wish(n)) != Decision::ImplicitDeny)
    });
    let lines: Vec<String> = missing.into_iter().chain(unused.map(|s| format!("of no use: {s}"))).collect();
    if !lines.is_empty() {
        fail(&lines.join("\n"));
    }
}

fn statements(document: &Value) -> Vec<Value> {
    match document.at(&["Statement"]) {
        Value::List(list) => list.to_vec(),
        Value::Null => Vec::new(),
        one => vec![one.clone()],
    }
}

fn without_condition(statement: &Value) -> Value {
    let mut map = statement.as_map().cloned().unwrap_or_default();
    map.remove("Condition");
    Value::from(map)
}
