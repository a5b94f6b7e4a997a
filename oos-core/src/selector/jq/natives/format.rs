//! The formats: `@csv`, `@tsv`, `@html`, `@uri`, `@sh`, `@base64`, `@base32` and the ways back.

use std::fmt::Write as _;

use base64::{
    Engine,
    alphabet::STANDARD as STANDARD_ALPHABET,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD},
};

use super::{Spec, once};
use crate::value::{
    Value,
    jaq::{JqError, JqResult, JqValue, fail, meter, show, text},
};

pub(super) static NATIVES: [Spec; 1] = [Spec::new("format", "v", |mut cv| {
    let name = cv.0.pop_var();
    once(format(&cv.1.value, &name.value))
})];

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

fn format(value: &Value, name: &Value) -> JqResult {
    let text = || -> Result<_, JqError> {
        let text = text::plain(value)?;
        meter::take(4 * text.len())?;
        Ok(text)
    };
    let out = match name.as_str() {
        Some("text") => text()?.to_string(),
        Some("json") => text::json(value)?,
        Some("csv") => row(value, "csv", ",", csv_field)?,
        Some("tsv") => row(value, "tsv", "\t", tsv_field)?,
        Some("html") => escaped(&text()?, html_escape),
        Some("uri") => uri(&text()?),
        Some("urid") => unescaped_uri(&text()?)?,
        Some("sh") => shell(value)?,
        Some("base64") => STANDARD.encode(text()?.as_bytes()),
        Some("base64d") => from_base64(&text()?)?,
        Some("base32") => base32(text()?.as_bytes()),
        Some("base32d") => from_base32(&text()?)?,
        _ => return fail(format!("{} is not a valid format", text::plain(name)?)),
    };
    Ok(JqValue::scalar(out))
}

fn row(
    value: &Value,
    name: &str,
    separator: &str,
    field: fn(&Value) -> Result<Option<String>, JqError>,
) -> Result<String, JqError> {
    let Some(list) = value.as_list() else {
        return fail(format!("{} cannot be {name}-formatted, only an array can be", show(value)));
    };
    let mut fields = Vec::with_capacity(list.len());
    for item in list {
        match field(item)? {
            Some(field) => fields.push(field),
            None => return fail(format!("{} is not valid in a {name} row", show(item))),
        }
    }
    Ok(fields.join(separator))
}

/// Null, booleans and numbers in a row.
fn plain_field(value: &Value) -> Result<Option<String>, JqError> {
    Ok(match value {
        Value::Null => Some(String::new()),
        Value::Bool(_) | Value::Int(_) | Value::Float(_) => Some(text::json(value)?),
        _ => None,
    })
}

fn csv_field(value: &Value) -> Result<Option<String>, JqError> {
    match value {
        Value::String(s) => {
            meter::take(2 * s.len())?;
            Ok(Some(format!("\"{}\"", s.replace('"', "\"\""))))
        }
        other => plain_field(other),
    }
}

fn tsv_field(value: &Value) -> Result<Option<String>, JqError> {
    let escape = |c| match c {
        '\t' => Some("\\t"),
        '\n' => Some("\\n"),
        '\r' => Some("\\r"),
        '\\' => Some("\\\\"),
        _ => None,
    };
    match value {
        Value::String(s) => {
            meter::take(2 * s.len())?;
            Ok(Some(escaped(s, escape)))
        }
        other => plain_field(other),
    }
}

fn escaped(text: &str, escape: impl Fn(char) -> Option<&'static str>) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match escape(c) {
            Some(escape) => out.push_str(escape),
            None => out.push(c),
        }
    }
    out
}

fn html_escape(c: char) -> Option<&'static str> {
    match c {
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        '&' => Some("&amp;"),
        '\'' => Some("&apos;"),
        '"' => Some("&quot;"),
        _ => None,
    }
}

fn uri(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

fn unescaped_uri(text: &str) -> Result<String, JqError> {
    let invalid = || fail(format!("{} is not a valid uri encoding", show(&text.into())));
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let mut digit = || bytes.next().and_then(|b| char::from(b).to_digit(16)).and_then(|d| u8::try_from(d).ok());
        match (digit(), digit()) {
            (Some(high), Some(low)) => out.push(16 * high + low),
            _ => return invalid(),
        }
    }
    String::from_utf8(out).or_else(|_| invalid())
}

/// Text in single quotes, a list as words.
fn shell(value: &Value) -> Result<String, JqError> {
    let word = |value: &Value| match value {
        Value::String(s) => {
            meter::take(4 * s.len())?;
            Ok(format!("'{}'", s.replace('\'', "'\\''")))
        }
        Value::List(_) | Value::Map(_) => fail(format!("{} can not be escaped for shell", show(value))),
        other => text::json(other),
    };
    match value {
        Value::List(list) => Ok(list.iter().map(word).collect::<Result<Vec<_>, _>>()?.join(" ")),
        other => word(other),
    }
}

fn from_base64(text: &str) -> Result<String, JqError> {
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &STANDARD_ALPHABET,
        GeneralPurposeConfig::new()
            .with_decode_padding_mode(DecodePaddingMode::Indifferent)
            .with_decode_allow_trailing_bits(true),
    );
    let digits = text.trim_end_matches('=');
    match LENIENT.decode(digits) {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(_)
            if digits.len() % 4 == 1 && LENIENT.decode(digits.get(..digits.len() - 1).unwrap_or_default()).is_ok() =>
        {
            fail(format!("{} trailing base64 byte found", show(&text.into())))
        }
        Err(_) => fail(format!("{} is not valid base64 data", show(&text.into()))),
    }
}

fn base32(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 8 / 5 + 8);
    for chunk in bytes.chunks(5) {
        let bits =
            chunk.iter().chain(std::iter::repeat(&0)).take(5).fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
        let digits = (chunk.len() * 8).div_ceil(5);
        for i in 0..8 {
            let digit = BASE32.get((bits >> (35 - 5 * i) & 31) as usize).copied().unwrap_or(b'A');
            out.push(if i < digits { char::from(digit) } else { '=' });
        }
    }
    out
}

fn from_base32(text: &str) -> Result<String, JqError> {
    let mut out = Vec::with_capacity(text.len());
    let (mut bits, mut count) = (0_u32, 0);
    for digit in text.trim_end_matches('=').bytes() {
        let Some(five) = BASE32.iter().position(|known| *known == digit) else {
            return fail(format!("{} is not valid base32 data", show(&text.into())));
        };
        bits = bits << 5 | u32::try_from(five).unwrap_or(0);
        count += 5;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count & 0xff) as u8);
            bits &= (1 << count) - 1;
        }
    }
    Ok(String::from_utf8_lossy(&out).into_owned())
}
