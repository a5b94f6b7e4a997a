//! Text: joining, splitting, replacing.

use std::sync::Arc;

use super::{FunctionContext, args};
use crate::{
    Map, Value,
    expr::{ExprError, bound},
};

/// `[delimiter, list]`; anything else than a list is joined as one element.
pub(super) fn join(argument: &Value, ctx: &FunctionContext<'_>) -> Result<Value, ExprError> {
    let [delimiter, list] = args::exactly(argument)?;
    let delimiter = args::scalar_text(&delimiter)?;
    let limit = ctx.limits.value_bytes;
    let elements = match list.parsed_if_json_text() {
        Value::List(elements) => elements,
        _ => return args::text(&list, limit).map(Value::String),
    };
    let mut text = String::new();
    for (i, element) in elements.iter().enumerate() {
        if i > 0 {
            bound::append_str(&mut text, &delimiter, limit)?;
        }
        bound::append(&mut text, element, limit)?;
    }
    Ok(text.into())
}

/// `[delimiter, text]`. CHOICE: null, as of a task that did not run, has no pieces.
pub(super) fn split(argument: &Value, ctx: &FunctionContext<'_>) -> Result<Value, ExprError> {
    let [delimiter, text] = args::exactly(argument)?;
    let delimiter = args::scalar_text(&delimiter)?;
    if delimiter.is_empty() {
        return Err(ExprError::function("the delimiter is empty"));
    }
    if text.is_null() {
        return Ok(Value::empty_list());
    }
    let limit = ctx.limits.value_bytes;
    let text = args::text(&text, limit)?;
    bound::check_count(text.matches(&*delimiter).count(), limit)?;
    Ok(text.split(&*delimiter).map(Value::from).collect())
}

/// What to replace, and by what.
pub(in crate::expr) type Pairs = Vec<(Arc<str>, Value)>;

/// The pairs of a map.
pub(in crate::expr) fn pairs_of_map(map: &Map) -> Pairs {
    map.iter().map(|(k, v)| (k.clone(), v.clone())).collect()
}

/// The pairs of a list of pairs, which is how keys with references are compiled.
pub(in crate::expr) fn pairs_of_list(list: &Value) -> Result<Pairs, ExprError> {
    let pairs = args::list(list)?;
    let pair = |pair: &Value| args::exactly(pair).map(|[key, value]| (key.to_text(), value));
    pairs.iter().map(pair).collect()
}

/// CHOICE: how often the greatest text may be read for the pairs of one call; templates have a handful of pairs.
const MOST_READINGS: usize = 16;

/// Replaces all occurrences, one pair after the other, as literal text.
pub(in crate::expr) fn replace_pairs(pairs: &Pairs, text: &Value, limit: usize) -> Result<Value, ExprError> {
    let mut text = args::text(text, limit)?;
    let mut readable = limit.saturating_mul(MOST_READINGS);
    for (old, new) in pairs {
        let too_much = || ExprError::new("LimitExceeded.ValueSize", "so many pairs take too long on so long a text");
        readable = readable.checked_sub(text.len()).ok_or_else(too_much)?;
        if old.is_empty() {
            return Err(ExprError::function("the text to be replaced is empty"));
        }
        if text.contains(&**old) {
            text = replace_one(&text, old, &args::text(new, limit)?, limit)?;
        }
    }
    Ok(Value::String(text))
}

fn replace_one(text: &str, old: &str, new: &str, limit: usize) -> Result<Arc<str>, ExprError> {
    let mut replaced = String::with_capacity(text.len());
    for (i, piece) in text.split(old).enumerate() {
        if i > 0 {
            bound::append_str(&mut replaced, new, limit)?;
        }
        bound::append_str(&mut replaced, piece, limit)?;
    }
    Ok(replaced.into())
}

/// `[text, {variable: value}]`, or the text alone: `${variable}` is replaced, `${!x}` becomes `${x}`, an unknown
/// variable stays (it is the shell's). What is put in is not looked at again.
pub(super) fn sub(argument: &Value, ctx: &FunctionContext<'_>) -> Result<Value, ExprError> {
    let limit = ctx.limits.value_bytes;
    let (text, variables) = match argument {
        Value::List(_) => {
            let arguments = args::between(argument, 1, 2)?;
            let variables = arguments.get(1).filter(|v| !v.is_null()).map(args::map).transpose()?;
            (args::text(arguments.first().unwrap_or(&Value::Null), limit)?, variables.unwrap_or_default())
        }
        other => (args::text(other, limit)?, Arc::default()),
    };
    substitute(&text, &variables, limit).map(Value::from)
}

/// Reads the text once: where the next brace closes is kept, and a name longer than all variables is not looked up.
fn substitute(text: &str, variables: &Map, limit: usize) -> Result<String, ExprError> {
    let longest = variables.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let mut out = String::with_capacity(text.len());
    let (mut at, mut close) = (0, 0);
    while let Some(open) = find(text, "${", at) {
        bound::append_str(&mut out, text.get(at..open).unwrap_or(""), limit)?;
        at = open + 2;
        if close < at {
            match find(text, "}", at) {
                Some(next) => close = next,
                None => return finished(out, text.get(open..), limit),
            }
        }
        let name = text.get(at..close).unwrap_or("");
        let value = if name.len() <= longest { variables.get(name) } else { None };
        if let Some(value) = value {
            bound::append(&mut out, value, limit)?;
            at = close + 1;
        } else if let Some(escaped) = name.strip_prefix('!') {
            bound::append_str(&mut out, "${", limit)?;
            bound::append_str(&mut out, escaped, limit)?;
            bound::append_str(&mut out, "}", limit)?;
            at = close + 1;
        } else {
            bound::append_str(&mut out, "${", limit)?;
        }
    }
    finished(out, text.get(at..), limit)
}

fn finished(mut out: String, rest: Option<&str>, limit: usize) -> Result<String, ExprError> {
    bound::append_str(&mut out, rest.unwrap_or(""), limit)?;
    Ok(out)
}

fn find(text: &str, what: &str, from: usize) -> Option<usize> {
    text.get(from..)?.find(what).map(|at| at + from)
}

/// `[text, part]`; null text contains nothing.
pub(super) fn contains_sub_string(argument: &Value, ctx: &FunctionContext<'_>) -> Result<Value, ExprError> {
    let [text, part] = args::exactly(argument)?;
    if text.is_null() {
        return Ok(Value::Bool(false));
    }
    let text = args::text(&text, ctx.limits.value_bytes)?;
    Ok(Value::Bool(text.contains(&*args::scalar_text(&part)?)))
}
