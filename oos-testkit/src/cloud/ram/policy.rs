//! Evaluation of policy documents.
//!
//! A matching `Deny` wins over everything, else a matching `Allow`, else it is denied implicitly. `NotAction`,
//! `NotResource` and `Condition` count: leaving them out would allow too much.

use std::{collections::BTreeMap, net::IpAddr, sync::Arc};

use oos_core::{Timestamp, Value};

use crate::{calls::glob, cloud::params::texts};

/// What somebody wants to do.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wish {
    /// `ecs:StartInstance`.
    pub(crate) action: String,
    /// `acs:ecs:cn-hangzhou:…:instance/i-1`.
    pub(crate) resource: String,
    /// Condition keys and their values.
    pub(crate) context: BTreeMap<String, String>,
}

/// What the policies say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    Allow,
    ExplicitDeny,
    ImplicitDeny,
}

/// What all these documents say together.
pub(crate) fn decide(documents: &[Value], wish: &Wish) -> Decision {
    let statements = documents.iter().flat_map(|d| as_list(d.at(&["Statement"])));
    let effects: Vec<Arc<str>> = statements.filter(|s| applies(s, wish)).map(|s| s.at(&["Effect"]).to_text()).collect();
    let any = |effect: &str| effects.iter().any(|e| e.eq_ignore_ascii_case(effect));
    if any("Deny") {
        Decision::ExplicitDeny
    } else if any("Allow") {
        Decision::Allow
    } else {
        Decision::ImplicitDeny
    }
}

fn as_list(value: &Value) -> Vec<Value> {
    match value {
        Value::List(list) => list.to_vec(),
        Value::Null => Vec::new(),
        one => vec![one.clone()],
    }
}

fn applies(statement: &Value, wish: &Wish) -> bool {
    part(statement, "Action", "NotAction", |pattern| glob(pattern, &wish.action))
        && part(statement, "Resource", "NotResource", |pattern| resource_matches(pattern, &wish.resource))
        && conditions(statement.at(&["Condition"]), wish)
}

fn part(statement: &Value, positive: &str, negative: &str, matches: impl Fn(&str) -> bool) -> bool {
    let any = |name: &str| statement.get(name).map(|v| texts(v).iter().any(|p| matches(p)));
    match (any(positive), any(negative)) {
        (Some(found), _) => found,
        (None, Some(found)) => !found,
        (None, None) => false,
    }
}

/// A resource pattern; parts between colons that are empty in the wish match anything.
fn resource_matches(pattern: &str, resource: &str) -> bool {
    if pattern == "*" || glob(pattern, resource) {
        return true;
    }
    let (p, r): (Vec<&str>, Vec<&str>) = (pattern.splitn(5, ':').collect(), resource.splitn(5, ':').collect());
    p.len() == 5
        && r.len() == 5
        && p.iter().zip(&r).all(|(p, r)| *r == "*" || r.is_empty() || glob(p, r))
        && p.last().zip(r.last()).is_some_and(|(p, r)| glob(p, r))
}

/// All operators and all keys must hold; one of the listed values suffices.
fn conditions(condition: &Value, wish: &Wish) -> bool {
    let Some(operators) = condition.as_map() else { return true };
    operators.iter().all(|(operator, keys)| {
        keys.as_map().is_some_and(|keys| keys.iter().all(|(key, values)| holds(operator, key, &texts(values), wish)))
    })
}

fn holds(operator: &str, key: &str, values: &[Arc<str>], wish: &Wish) -> bool {
    let found = wish.context.iter().find(|(k, _)| k.eq_ignore_ascii_case(key)).map(|(_, v)| v.as_str());
    let (positive, negated) = positive_of(operator);
    // CHOICE: an absent key makes a plain operator false and a negative one true.
    let Some(found) = found else { return negated };
    values.iter().any(|value| compare(positive, found, value)) != negated
}

/// The plain operator of a negative one.
fn positive_of(operator: &str) -> (&str, bool) {
    match operator {
        "StringNotEquals" => ("StringEquals", true),
        "StringNotEqualsIgnoreCase" => ("StringEqualsIgnoreCase", true),
        "StringNotLike" => ("StringLike", true),
        "NumericNotEquals" => ("NumericEquals", true),
        "DateNotEquals" => ("DateEquals", true),
        "NotIpAddress" => ("IpAddress", true),
        other => (other, false),
    }
}

fn compare(operator: &str, found: &str, value: &str) -> bool {
    match operator {
        "StringEquals" => found == value,
        "StringEqualsIgnoreCase" | "Bool" => found.eq_ignore_ascii_case(value),
        "StringLike" => like(value, found),
        "IpAddress" => in_network(found, value),
        _ => match operator.strip_prefix("Numeric") {
            Some(how) => ordered(how, found.parse::<f64>().ok(), value.parse::<f64>().ok()),
            None => operator
                .strip_prefix("Date")
                .is_some_and(|how| ordered(how, Timestamp::parse(found).ok(), Timestamp::parse(value).ok())),
        },
    }
}

/// `*` and `?`, case matters.
fn like(pattern: &str, text: &str) -> bool {
    // Case-blind matching with every upper-case letter marked is matching with case.
    let marked =
        |s: &str| s.chars().flat_map(|c| if c.is_uppercase() { vec!['\u{1}', c] } else { vec![c] }).collect::<String>();
    if pattern.contains('?') { glob(pattern, text) } else { glob(&marked(pattern), &marked(text)) }
}

fn ordered<T: PartialOrd>(how: &str, found: Option<T>, value: Option<T>) -> bool {
    let (Some(found), Some(value)) = (found, value) else { return false };
    match how {
        "Equals" => found == value,
        "LessThan" => found < value,
        "LessThanEquals" => found <= value,
        "GreaterThan" => found > value,
        "GreaterThanEquals" => found >= value,
        _ => false,
    }
}

fn in_network(found: &str, network: &str) -> bool {
    let (address, bits) = network.split_once('/').unwrap_or((network, ""));
    let bits_of = |ip: IpAddr| match ip {
        IpAddr::V4(ip) => (u128::from(u32::from(ip)) << 96, 32_u32),
        IpAddr::V6(ip) => (u128::from(ip), 128),
    };
    let (Ok(found), Ok(address)) = (found.parse::<IpAddr>(), address.parse::<IpAddr>()) else { return false };
    if found.is_ipv4() != address.is_ipv4() {
        return false;
    }
    let ((a, width), (b, _)) = (bits_of(found), bits_of(address));
    let bits = bits.parse::<u32>().unwrap_or(width).min(width);
    bits == 0 || (a ^ b) >> (128 - bits) == 0
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn wish(context: &[(&str, &str)]) -> Wish {
        Wish {
            action: "ecs:StopInstance".to_owned(),
            resource: "acs:ecs:cn-hangzhou:1:instance/i-1".to_owned(),
            context: context.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
        }
    }

    fn statement(json: serde_json::Value, context: &[(&str, &str)]) -> Decision {
        decide(&[Value::from(json!({"Version": "1", "Statement": json}))], &wish(context))
    }

    #[test]
    fn deny_wins_and_nothing_is_denied_implicitly() {
        let allow = json!({"Effect": "Allow", "Action": "ecs:*", "Resource": "*"});
        assert_eq!(statement(json!([allow]), &[]), Decision::Allow);
        let deny = json!({"Effect": "Deny", "Action": "ecs:stop*", "Resource": "acs:ecs:*:*:instance/i-1"});
        assert_eq!(statement(json!([allow, deny]), &[]), Decision::ExplicitDeny);
        assert_eq!(statement(json!([]), &[]), Decision::ImplicitDeny);
        assert_eq!(
            statement(json!({"Effect": "Allow", "Action": "rds:*", "Resource": "*"}), &[]),
            Decision::ImplicitDeny
        );
    }

    #[test]
    fn not_action_and_not_resource_count() {
        let of = |part: serde_json::Value| {
            let mut s = json!({"Effect": "Allow"});
            s.as_object_mut().unwrap().extend(part.as_object().unwrap().clone());
            statement(s, &[])
        };
        assert_eq!(of(json!({"NotAction": "ecs:Stop*", "Resource": "*"})), Decision::ImplicitDeny);
        assert_eq!(of(json!({"NotAction": ["ram:*"], "Resource": "*"})), Decision::Allow);
        assert_eq!(of(json!({"Action": "*", "NotResource": "acs:ecs:*:*:instance/i-1"})), Decision::ImplicitDeny);
        assert_eq!(of(json!({"Action": "*", "NotResource": "acs:ecs:*:*:instance/i-2"})), Decision::Allow);
    }

    #[test]
    fn conditions_are_and_over_keys_and_or_over_values() {
        let of = |condition: serde_json::Value, context: &[(&str, &str)]| {
            let s = json!({"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": condition});
            statement(s, context) == Decision::Allow
        };
        let tag = [
            ("acs:ResourceTag/team", "web"),
            ("acs:CurrentTime", "2026-01-01T00:00:00Z"),
            ("acs:SourceIp", "10.1.2.3"),
        ];
        assert!(of(json!({"StringEquals": {"acs:ResourceTag/team": ["db", "web"]}}), &tag));
        assert!(!of(json!({"StringEquals": {"acs:ResourceTag/team": "web", "acs:ResourceTag/x": "y"}}), &tag));
        assert!(
            of(json!({"StringNotEquals": {"acs:ResourceTag/x": "y"}}), &tag),
            "an absent key makes a negative one true"
        );
        assert!(!of(json!({"StringNotEquals": {"acs:ResourceTag/team": ["db", "web"]}}), &tag));
        assert!(of(json!({"StringLike": {"acs:ResourceTag/team": "w*"}}), &tag));
        assert!(of(json!({"DateLessThan": {"acs:CurrentTime": "2026-01-02T00:00:00Z"}}), &tag));
        assert!(!of(json!({"DateGreaterThan": {"acs:CurrentTime": "2026-01-02T00:00:00Z"}}), &tag));
        assert!(of(json!({"IpAddress": {"acs:SourceIp": ["192.168.0.0/16", "10.0.0.0/8"]}}), &tag));
        assert!(!of(json!({"NotIpAddress": {"acs:SourceIp": "10.0.0.0/8"}}), &tag));
        assert!(!of(json!({"Bool": {"acs:MFAPresent": "true"}}), &tag));
        assert!(!of(json!({"Nonsense": {"acs:SourceIp": "x"}}), &tag));
    }

    #[test]
    fn numbers_compare_as_numbers() {
        assert!(compare("NumericLessThan", "9", "10") && !compare("NumericGreaterThanEquals", "9", "10"));
    }
}
