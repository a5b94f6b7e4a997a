//! From canonical values to texts on the wire (aliyun-client 1.1, 2.2).

use crate::Value;

/// Percent-encodes the UTF-8 bytes of `text`; letters, digits, `-_.~` and the bytes of `keep` stay.
pub fn encode(text: &str, keep: &[u8]) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) || keep.contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// Undoes percent-encoding; a `%` that begins no triplet stays, as do bytes that are not UTF-8 together.
pub fn decode(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let hex = tail.get(..2).and_then(|h| std::str::from_utf8(h).ok()).filter(|h| !h.starts_with('+'));
        match hex.and_then(|h| u8::from_str_radix(h, 16).ok()).filter(|_| *first == b'%') {
            Some(byte) => {
                out.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                out.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8(out).unwrap_or_else(|_| text.to_owned())
}

/// The text of a scalar: `true`, `60`, whole floats without a point; a list or map as compact JSON.
pub fn scalar_text(value: &Value) -> String {
    value.to_text().to_string()
}

/// Appends the flat pairs of `value`: `Name.1`, `Name.Key`, nested freely. Null and empty lists and maps give nothing;
/// a null in a list leaves its number out.
pub fn flatten(name: &str, value: &Value, out: &mut Vec<(String, String)>) {
    match value {
        Value::Null => {}
        Value::List(items) => {
            for (i, item) in items.iter().enumerate() {
                flatten(&format!("{name}.{}", i + 1), item, out);
            }
        }
        Value::Map(members) => {
            for (key, member) in members.iter() {
                flatten(&format!("{name}.{key}"), member, out);
            }
        }
        scalar => out.push((name.to_owned(), scalar_text(scalar))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params;

    #[test]
    fn every_byte_outside_the_unreserved_set_is_encoded() {
        assert_eq!(encode("a b*~/你+", b""), "a%20b%2A~%2F%E4%BD%A0%2B");
        assert_eq!(encode("/a b", b"/"), "/a%20b");
    }

    #[test]
    fn decoding_leaves_what_is_not_encoded() {
        assert_eq!(decode("a%20b%2"), "a b%2");
        assert_eq!(decode("100%"), "100%");
        assert_eq!(decode("%+1%ff"), "%+1%ff");
    }

    #[test]
    fn flattening_numbers_from_one_and_skips_nothing_else() {
        let mut out = Vec::new();
        let value =
            params! { "A" => Value::from(vec![Value::Null, params! { "B" => ["x", ""] }]), "C" => Value::empty_list() };
        flatten("P", &value, &mut out);
        assert_eq!(out, [("P.A.2.B.1".into(), "x".into()), ("P.A.2.B.2".into(), String::new())]);
    }
}
