//! What can be said about a call before it runs: the number of arguments, and literal arguments of a wrong type.
//!
//! Only what always fails is reported: text may be JSON, so it passes where a list or map is needed when it looks
//! like one.

use std::sync::Arc;

use super::{Function, args, built_in_shape};
use crate::{
    Value,
    expr::{Expr, ExprKind},
};

/// What an argument may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    /// Anything.
    Any,
    /// No list and no map.
    Scalar,
    /// A number or numeric text.
    Number,
    /// A list, JSON text of one, or null.
    List,
    /// A map, JSON text of one, or null.
    Map,
    /// A map, JSON text of one, or null; a list of pairs is how the parser compiles keys with references.
    Replacements,
    /// A list or map, JSON text of one, or null.
    Container,
    /// `First` or `All`.
    Method,
    /// Text.
    Text,
}

/// How a function takes its argument.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    /// As it is.
    One(Slot),
    /// A list of these, of which the first `usize` are required.
    Fixed(usize, &'static [Slot]),
    /// The same, or the only argument without a list around it.
    OneOrList(usize, &'static [Slot]),
    /// A list of at least `usize` of these.
    Many(usize, Slot),
}

impl Shape {
    /// Fewest and most arguments.
    pub(super) fn arity(self) -> Option<(usize, usize)> {
        match self {
            Self::One(_) | Self::OneOrList(..) => None,
            Self::Fixed(fewest, slots) => Some((fewest, slots.len())),
            Self::Many(fewest, _) => Some((fewest, usize::MAX)),
        }
    }

    fn slot(self, index: usize) -> Slot {
        match self {
            Self::One(slot) | Self::Many(_, slot) => slot,
            Self::Fixed(_, slots) | Self::OneOrList(_, slots) => slots.get(index).copied().unwrap_or(Slot::Any),
        }
    }
}

/// What is wrong with a call, if it can be told.
pub(in crate::expr) fn problem(function: &Arc<Function>, argument: &Expr) -> Option<String> {
    let shape = built_in_shape(function);
    let (arity, is_list_needed) = match shape {
        Some(Shape::OneOrList(fewest, slots)) => (Some((fewest, slots.len())), false),
        _ => (function.arity, true),
    };
    let name = &function.name;
    let counted = arity.and_then(|(fewest, most)| wrong_count(name, argument, fewest, most, is_list_needed));
    counted.or_else(|| wrong_type(name, argument, shape?))
}

fn wrong_count(name: &str, argument: &Expr, fewest: usize, most: usize, is_list_needed: bool) -> Option<String> {
    let count = match &argument.kind {
        ExprKind::Literal(Value::List(list)) => list.len(),
        ExprKind::List(list) => list.len(),
        ExprKind::Literal(Value::String(text)) if is_json_text(text, &['[']) => return None,
        ExprKind::Literal(_) | ExprKind::Map(_) if is_list_needed => {
            return Some(format!("`{name}` takes a list of {}", counted(fewest, most)));
        }
        _ => return None,
    };
    let fits = (fewest..=most).contains(&count);
    (!fits).then(|| format!("`{name}` takes {}, not {count}", counted(fewest, most)))
}

fn wrong_type(name: &str, argument: &Expr, shape: Shape) -> Option<String> {
    match (shape, &argument.kind) {
        (Shape::One(slot), _) => misfit(argument, slot).map(|what| format!("the argument of `{name}` {what}")),
        (_, ExprKind::List(list)) => first_misfit(name, shape, list),
        (_, ExprKind::Literal(Value::List(list))) => {
            let list: Vec<Expr> = list.iter().cloned().map(Expr::literal).collect();
            first_misfit(name, shape, &list)
        }
        _ => None,
    }
}

fn counted(fewest: usize, most: usize) -> String {
    let arguments = |n: usize| if n == 1 { "1 argument".to_owned() } else { format!("{n} arguments") };
    match most {
        usize::MAX => format!("at least {}", arguments(fewest)),
        most if most == fewest => arguments(most),
        most => format!("{fewest} to {}", arguments(most)),
    }
}

fn first_misfit(name: &str, shape: Shape, list: &[Expr]) -> Option<String> {
    let misfits = list.iter().enumerate().filter_map(|(i, expr)| misfit(expr, shape.slot(i)).map(|what| (i + 1, what)));
    misfits.map(|(number, what)| format!("argument {number} of `{name}` {what}")).next()
}

/// Why an argument does not fit, if its kind is known.
fn misfit(expr: &Expr, slot: Slot) -> Option<&'static str> {
    let value = match &expr.kind {
        ExprKind::Literal(value) => value.clone(),
        ExprKind::List(_) => Value::empty_list(),
        ExprKind::Map(_) => Value::empty_map(),
        _ => return None,
    };
    let fits = match slot {
        Slot::Any => true,
        Slot::Scalar => !matches!(value, Value::List(_) | Value::Map(_)),
        Slot::Number => args::numeric(&value).is_some(),
        Slot::List => fits_json(&value, &['[']) && !matches!(value, Value::Map(_)),
        Slot::Map => fits_json(&value, &['{']) && !matches!(value, Value::List(_)),
        Slot::Replacements => fits_json(&value, &['{']),
        Slot::Container => fits_json(&value, &['[', '{']),
        Slot::Method => matches!(value.as_str(), Some("First" | "All")),
        Slot::Text => value.as_str().is_some(),
    };
    if fits { None } else { Some(wanted(slot)) }
}

fn wanted(slot: Slot) -> &'static str {
    match slot {
        Slot::Any => "must be a value",
        Slot::Scalar => "must be no list and no map",
        Slot::Number => "must be a number",
        Slot::List => "must be a list",
        Slot::Map | Slot::Replacements => "must be a map",
        Slot::Container => "must be a list or a map",
        Slot::Method => "must be `First` or `All`",
        Slot::Text => "must be text",
    }
}

fn fits_json(value: &Value, starts: &[char]) -> bool {
    match value {
        Value::Null | Value::List(_) | Value::Map(_) => true,
        Value::String(text) => text.is_empty() || is_json_text(text, starts),
        _ => false,
    }
}

fn is_json_text(text: &str, starts: &[char]) -> bool {
    text.trim_start().starts_with(starts)
}
