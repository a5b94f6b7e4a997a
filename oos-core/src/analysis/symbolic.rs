//! The value lattice: values that are known, not known, or known in parts.

use std::{fmt, sync::Arc};

use crate::{Map, Value};

/// Characters of an origin that are kept. CHOICE: enough for a reference and a function around it.
const LONGEST_ORIGIN: usize = 120;

/// A value of an analysis. The constructors keep one form for each: a list or map whose parts are all known is
/// [`Symbolic::Known`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Symbolic {
    /// Known.
    Known(Value),
    /// Not known; the text says where it would come from, e.g. `getInstance.instanceIds`.
    Unknown(Arc<str>),
    /// Text of which parts are not known; those stand in angle brackets.
    Text(Arc<str>),
    /// A list of known length with at least one part that is not known.
    List(Arc<Vec<Symbolic>>),
    /// A map of known keys with at least one part that is not known.
    Map(Arc<Vec<(Arc<str>, Symbolic)>>),
}

impl Symbolic {
    /// Null, known.
    pub const NULL: Self = Self::Known(Value::Null);

    /// A value that is not known.
    pub fn unknown(origin: impl AsRef<str>) -> Self {
        Self::Unknown(shortened(origin.as_ref()).into())
    }

    /// A list.
    pub fn list(members: Vec<Self>) -> Self {
        match members.iter().map(|m| m.known().cloned()).collect::<Option<Vec<_>>>() {
            Some(known) => Self::Known(Value::from(known)),
            None => Self::List(Arc::new(members)),
        }
    }

    /// A map.
    pub fn map(members: Vec<(Arc<str>, Self)>) -> Self {
        let known = members.iter().map(|(k, m)| Some((k.clone(), m.known()?.clone()))).collect::<Option<Map>>();
        match known {
            Some(known) => Self::Known(Value::from(known)),
            None => Self::Map(Arc::new(members)),
        }
    }

    /// The value, when all of it is known.
    pub fn known(&self) -> Option<&Value> {
        match self {
            Self::Known(value) => Some(value),
            _ => None,
        }
    }

    /// Its text, when it is known and neither null nor empty.
    pub fn known_text(&self) -> Option<Arc<str>> {
        self.known().map(Value::to_text).filter(|t| !t.trim().is_empty())
    }

    /// True when it is known to be null: not given.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Known(Value::Null))
    }

    /// The member of a map, null when the map is known not to have it.
    #[must_use]
    pub fn member(&self, key: &str) -> Self {
        match self {
            Self::Known(value) => Self::Known(value.parsed_if_json_text().get(key).cloned().unwrap_or_default()),
            Self::Map(members) => {
                members.iter().find(|(k, _)| &**k == key).map_or(Self::NULL, |(_, member)| member.clone())
            }
            Self::List(_) => Self::NULL,
            Self::Unknown(origin) | Self::Text(origin) => Self::unknown(format!("{origin}.{key}")),
        }
    }

    /// The members of a list of known length.
    pub fn members(&self) -> Option<Vec<Self>> {
        match self {
            Self::Known(value) => match value.parsed_if_json_text() {
                Value::List(list) => Some(list.iter().cloned().map(Self::Known).collect()),
                _ => None,
            },
            Self::List(members) => Some(members.to_vec()),
            _ => None,
        }
    }

    /// The members of a map of known keys.
    pub fn entries(&self) -> Option<Vec<(Arc<str>, Self)>> {
        match self {
            Self::Known(value) => match value.parsed_if_json_text() {
                Value::Map(map) => Some(map.iter().map(|(k, v)| (k.clone(), Self::Known(v.clone()))).collect()),
                _ => None,
            },
            Self::Map(members) => Some(members.to_vec()),
            _ => None,
        }
    }

    /// What holds of both values; parts that differ are not known and come from `origin`.
    #[must_use]
    pub fn join(&self, other: &Self, origin: &str) -> Self {
        if self == other {
            return self.clone();
        }
        if let (Some(a), Some(b)) = (self.entries(), other.entries())
            && a.len() == b.len()
            && a.iter().zip(&b).all(|(x, y)| x.0 == y.0)
        {
            let joined = a.iter().zip(&b).map(|((k, x), (_, y))| (k.clone(), x.join(y, &format!("{origin}.{k}"))));
            return Self::map(joined.collect());
        }
        Self::unknown(origin)
    }

    /// The value without the null members of its maps (template-language 3.7).
    #[must_use]
    pub fn without_nulls(self) -> Self {
        match self {
            Self::Known(value) => Self::Known(crate::expr::drop_nulls(value)),
            Self::List(list) => Self::list(list.iter().cloned().map(Self::without_nulls).collect()),
            Self::Map(map) => {
                let kept = map.iter().filter(|(_, v)| !v.is_null());
                Self::map(kept.map(|(k, v)| (k.clone(), v.clone().without_nulls())).collect())
            }
            unknown => unknown,
        }
    }

    /// Calls `visit` with the origin of every part that is not known.
    pub fn origins(&self, visit: &mut dyn FnMut(&Arc<str>)) {
        match self {
            Self::Known(_) => {}
            Self::Unknown(origin) | Self::Text(origin) => visit(origin),
            Self::List(list) => list.iter().for_each(|m| m.origins(visit)),
            Self::Map(map) => map.iter().for_each(|(_, m)| m.origins(visit)),
        }
    }

    /// The value as JSON: a part that is not known is the map `{"unknown": origin}`.
    pub fn to_value(&self) -> Value {
        match self {
            Self::Known(value) => value.clone(),
            Self::Unknown(origin) | Self::Text(origin) => crate::params! { "unknown" => origin.clone() },
            Self::List(list) => list.iter().map(Self::to_value).collect(),
            Self::Map(map) => Value::from(map.iter().map(|(k, m)| (k.clone(), m.to_value())).collect::<Map>()),
        }
    }

    /// What stands for the value inside other text, and whether all of it is known.
    pub(super) fn inside_text(&self) -> (Arc<str>, bool) {
        match self {
            Self::Known(value) => (value.to_text(), true),
            Self::Text(text) => (text.clone(), false),
            other => (other.to_string().into(), false),
        }
    }
}

impl From<Value> for Symbolic {
    fn from(value: Value) -> Self {
        Self::Known(value)
    }
}

/// Compact JSON; a part that is not known is its origin in angle brackets.
impl fmt::Display for Symbolic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(value) => write!(f, "{value}"),
            Self::Unknown(origin) => write!(f, "<{origin}>"),
            Self::Text(text) => write!(f, "{}", Value::from(text.clone())),
            Self::List(list) => {
                f.write_str("[")?;
                for (i, member) in list.iter().enumerate() {
                    write!(f, "{}{member}", if i > 0 { "," } else { "" })?;
                }
                f.write_str("]")
            }
            Self::Map(map) => {
                f.write_str("{")?;
                for (i, (key, member)) in map.iter().enumerate() {
                    write!(f, "{}{}:{member}", if i > 0 { "," } else { "" }, Value::from(key.clone()))?;
                }
                f.write_str("}")
            }
        }
    }
}

/// The text in one line, cut to what people read.
pub(super) fn shortened(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LONGEST_ORIGIN) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params;

    fn known(value: impl Into<Value>) -> Symbolic {
        Symbolic::Known(value.into())
    }

    #[test]
    fn containers_of_known_parts_are_known() {
        assert_eq!(Symbolic::list(vec![known(1), known("a")]), known(vec![Value::from(1), Value::from("a")]));
        let partly = Symbolic::map(vec![("a".into(), known(1)), ("b".into(), Symbolic::unknown("t.x"))]);
        assert_eq!(partly.to_string(), r#"{"a":1,"b":<t.x>}"#);
        assert_eq!(partly.to_value().to_string(), r#"{"a":1,"b":{"unknown":"t.x"}}"#);
        assert_eq!((partly.member("a"), partly.member("c")), (known(1), Symbolic::NULL));
        assert_eq!(Symbolic::unknown("t.x").member("y"), Symbolic::unknown("t.x.y"));
    }

    #[test]
    fn a_join_keeps_what_both_have() {
        let a = known(params! { "region" => "r", "role" => "x" });
        let b = known(params! { "region" => "s", "role" => "x" });
        assert_eq!(a.join(&b, "item").to_string(), r#"{"region":<item.region>,"role":"x"}"#);
        assert_eq!(known(1).join(&known(2), "t.x"), Symbolic::unknown("t.x"));
        assert_eq!(known(1).join(&known(1), "t.x"), known(1));
    }

    #[test]
    fn origins_are_one_short_line() {
        let origin = Symbolic::unknown(format!("a\n  b {}", "x".repeat(500))).to_string();
        assert!(origin.starts_with("<a b xxx") && origin.chars().count() < 130);
    }
}
