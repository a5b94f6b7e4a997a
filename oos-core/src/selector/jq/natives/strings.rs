//! Text: prefixes, case, characters, joining.

use super::{Spec, once};
use crate::value::{
    Value,
    jaq::{JqError, JqResult, JqValue, access, fail, meter, ops, show, text},
};

pub(super) static NATIVES: [Spec; 14] = [
    Spec::new("startswith", "v", |mut cv| {
        let prefix = cv.0.pop_var();
        once(both(&cv.1, &prefix, "startswith() requires string inputs").map(|(s, p)| s.starts_with(p).into()))
    }),
    Spec::new("endswith", "v", |mut cv| {
        let suffix = cv.0.pop_var();
        once(both(&cv.1, &suffix, "endswith() requires string inputs").map(|(s, p)| s.ends_with(p).into()))
    }),
    Spec::new("ltrimstr", "v", |mut cv| {
        let prefix = cv.0.pop_var();
        once(
            both(&cv.1, &prefix, "startswith() requires string inputs")
                .map(|(s, p)| JqValue::scalar(s.strip_prefix(p).unwrap_or(s))),
        )
    }),
    Spec::new("rtrimstr", "v", |mut cv| {
        let suffix = cv.0.pop_var();
        once(
            both(&cv.1, &suffix, "endswith() requires string inputs")
                .map(|(s, p)| JqValue::scalar(s.strip_suffix(p).unwrap_or(s))),
        )
    }),
    Spec::new("trimstr", "v", |mut cv| {
        let fix = cv.0.pop_var();
        once(both(&cv.1, &fix, "startswith() requires string inputs").map(|(s, p)| {
            let s = s.strip_prefix(p).unwrap_or(s);
            JqValue::scalar(s.strip_suffix(p).unwrap_or(s))
        }))
    }),
    Spec::new("trim", "", |cv| once(trimmed(&cv.1, str::trim))),
    Spec::new("ltrim", "", |cv| once(trimmed(&cv.1, str::trim_start))),
    Spec::new("rtrim", "", |cv| once(trimmed(&cv.1, str::trim_end))),
    Spec::new("ascii_downcase", "", |cv| {
        once(mapped(&cv.1, "ascii_downcase input must be a string", str::to_ascii_lowercase))
    }),
    Spec::new("ascii_upcase", "", |cv| {
        once(mapped(&cv.1, "ascii_upcase input must be a string", str::to_ascii_uppercase))
    }),
    Spec::new("explode", "", |cv| once(explode(&cv.1))),
    Spec::new("split", "v", |mut cv| {
        let separator = cv.0.pop_var();
        once(
            both(&cv.1, &separator, "split input and separator must be strings")
                .and_then(|(text, separator)| ops::split(text, separator)),
        )
    }),
    Spec::new("join", "v", |mut cv| {
        let separator = cv.0.pop_var();
        once(join(&cv.1, &separator))
    }),
    Spec::new("ascii", "", |cv| {
        once(cv.1.number().map(|code| {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
            let c = char::from(code as u8);
            JqValue::scalar(c.to_string())
        }))
    }),
];

fn both<'a>(a: &'a JqValue, b: &'a JqValue, otherwise: &str) -> Result<(&'a str, &'a str), JqError> {
    match (&a.value, &b.value) {
        (Value::String(a), Value::String(b)) => {
            meter::take(a.len())?;
            Ok((a, b))
        }
        _ => fail(otherwise),
    }
}

fn trimmed(value: &JqValue, trim: fn(&str) -> &str) -> JqResult {
    match &value.value {
        Value::String(text) => {
            meter::take(text.len())?;
            Ok(JqValue::scalar(trim(text)))
        }
        _ => fail("trim input must be a string"),
    }
}

fn mapped(value: &JqValue, otherwise: &str, f: fn(&str) -> String) -> JqResult {
    match &value.value {
        Value::String(text) => {
            meter::take(text.len())?;
            Ok(JqValue::scalar(f(text)))
        }
        _ => fail(otherwise),
    }
}

fn explode(value: &JqValue) -> JqResult {
    match &value.value {
        Value::String(text) => {
            meter::take(text.len() * size_of::<Value>())?;
            Ok(JqValue::derived(text.chars().map(|c| Value::from(u32::from(c))).collect(), 1))
        }
        other => fail(format!("{} cannot be exploded", show(other))),
    }
}

/// Numbers and booleans join as text, null as nothing, lists and maps not at all.
fn join(value: &JqValue, separator: &JqValue) -> JqResult {
    let items: Vec<Value> = match &value.value {
        Value::List(list) => list.to_vec(),
        Value::Map(map) => map.values().cloned().collect(),
        other => return Err(access::not_iterable(other)),
    };
    let separator = match (&separator.value, items.len()) {
        (Value::String(separator), _) => separator,
        (_, 0) => return Ok(JqValue::scalar("")),
        (other, _) => return fail(format!("string (\"\") and {} cannot be added", show(other))),
    };
    let mut out = String::new();
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            out.push_str(separator);
        }
        let text = match item {
            Value::Null => "".into(),
            Value::String(text) => text.clone(),
            Value::Bool(_) | Value::Int(_) | Value::Float(_) => text::plain(item)?,
            other => return fail(format!("{} and {} cannot be added", show(&out.into()), show(other))),
        };
        meter::take(separator.len() + text.len())?;
        out.push_str(&text);
    }
    Ok(JqValue::scalar(out))
}
