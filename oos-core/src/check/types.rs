//! A literal property against the types and values that its action declares.
//!
//! Only what fails for certain is said. Values that convert without loss are fine (template-language 2.3, actions.md
//! 3.5): numbers and booleans as text, a lone scalar where a list is declared, JSON text of a map.

use super::walk::is_plain;
use crate::{
    Value,
    diagnostic::{Code, Diagnostic, Severity},
    expr::coerce::coerce,
    ports::action::{ActionClass, Property},
    source::{Node, NodeKind},
    template::ValueType,
};

/// What is wrong with the literal, if anything.
pub(super) fn misfit(node: &Node, property: &Property, class: ActionClass, pointer: &str) -> Option<Diagnostic> {
    if node.is_null() || !is_plain(node) {
        return None;
    }
    // An embedder's action reads its properties as it likes.
    let severity = if class == ActionClass::Custom { Severity::Warning } else { Severity::Error };
    let is_child = class == ActionClass::Product;
    let fits = |declared: &ValueType| if is_child { fits_child(node, *declared) } else { fits(node, *declared) };
    let finding = if !property.types.is_empty() && !property.types.iter().any(fits) {
        wrong_type(node, property, pointer)
    } else {
        wrong_value(node, property, is_child, pointer)?
    };
    Some(Diagnostic { severity: finding.severity.min(severity), ..finding })
}

/// A parameter of a template takes what converts.
fn fits_child(node: &Node, declared: ValueType) -> bool {
    match &node.kind {
        // A list or map with references in it has a kind, but its value is not known.
        NodeKind::List(_) => !matches!(declared, ValueType::Number | ValueType::Boolean),
        NodeKind::Map(_) => matches!(declared, ValueType::String | ValueType::Json),
        NodeKind::Scalar(value) => coerce(value.clone(), declared).is_ok(),
    }
}

/// A property of an action; the empty text means "not given" (actions.md 3.5).
fn fits(node: &Node, declared: ValueType) -> bool {
    match (&node.kind, declared) {
        (NodeKind::Scalar(value), _) if value.as_str().is_some_and(|text| text.trim().is_empty()) => true,
        (NodeKind::Scalar(value), ValueType::Json) => {
            matches!(value.parsed_if_json_text(), Value::Map(_) | Value::List(_))
        }
        (NodeKind::Scalar(value), ValueType::List) => !matches!(value.parsed_if_json_text(), Value::Map(_)),
        (NodeKind::Scalar(value), _) => coerce(value.clone(), declared).is_ok(),
        (NodeKind::List(_), ValueType::List) | (NodeKind::Map(_), ValueType::Json) => true,
        (NodeKind::List(_) | NodeKind::Map(_), _) => false,
    }
}

fn wrong_type(node: &Node, property: &Property, pointer: &str) -> Diagnostic {
    let declared: Vec<&str> = property.types.iter().map(|t| t.as_str()).collect();
    let message =
        format!("`{}` takes a value of type {}, not {}", property.name, declared.join(" or "), node.describe());
    Diagnostic::error(Code::PROPERTY_TYPE, message, narrow(node), pointer)
}

/// A value that is not among the allowed ones; of a list each member must be allowed.
fn wrong_value(node: &Node, property: &Property, is_child: bool, pointer: &str) -> Option<Diagnostic> {
    if property.allowed.is_empty() {
        return None;
    }
    let members: Vec<&Node> = match &node.kind {
        NodeKind::List(list) => list.iter().collect(),
        _ => vec![node],
    };
    let scalar = |node: &&Node| is_plain(node) && matches!(node.kind, NodeKind::Scalar(_)) && !node.is_null();
    let mut literals = members.into_iter().filter(scalar).filter(|node| {
        let empty = node.as_str().is_some_and(|text| text.trim().is_empty());
        is_child || !empty
    });
    let wrong = literals.find(|node| !property.allowed.iter().any(|a| a.to_text() == node.to_value().to_text()))?;
    let text = wrong.to_value().to_text();
    let message = format!("`{text}` is not allowed for `{}`", property.name);
    let alike = property.allowed.iter().map(Value::to_text).find(|a| a.eq_ignore_ascii_case(&text));
    Some(match alike.filter(|_| !is_child) {
        Some(alike) => {
            let message = format!("`{text}` matches only when case is ignored");
            let finding = Diagnostic::warning(Code::PROPERTY_TYPE, message, wrong.span, pointer);
            finding.help(format!("it is spelled `{alike}`"))
        }
        None => {
            let allowed = property.allowed.iter().map(|a| format!("`{}`", a.to_text())).collect::<Vec<_>>();
            let finding = Diagnostic::error(Code::PROPERTY_TYPE, message, wrong.span, pointer);
            finding.help(format!("it is one of {}", allowed.join(", ")))
        }
    })
}

/// A whole map or list is no good place to underline: its first key or member is.
fn narrow(node: &Node) -> Option<crate::source::Span> {
    match &node.kind {
        NodeKind::Map(map) => map.first().map_or(node.span, |(key, _)| key.span),
        _ => node.span,
    }
}
