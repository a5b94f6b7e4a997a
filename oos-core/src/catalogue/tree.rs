//! The canonical tree: wire name → place, form, value, with lists and maps not yet numbered.
//!
//! It is the same whether it comes from a template's spelling or is rebuilt by a server from numbered names on the
//! wire: numbers and booleans take the type that the catalogue gives, other scalars are text, and what leaves no trace
//! on the wire (nulls, empty lists of a flattened parameter) is not in it.

use std::{borrow::Cow, sync::Arc};

use super::{
    alias::{self, Seg},
    operation::{Form, Kind, Place},
    shape::Shape,
    wire,
};
use crate::{Map, Value};

/// One wire parameter of a call.
#[derive(Clone, Debug)]
pub struct Canonical {
    /// Wire name without numbers: `Tag`, `InstanceId`.
    pub wire: Arc<str>,
    /// Where it travels.
    pub place: Place,
    /// How it is written there.
    pub form: Form,
    /// The value: lists and maps as structure, JSON text parsed.
    pub value: Value,
    /// JSON text as the template gave it, so that parsing never changes what is sent.
    verbatim: Option<Arc<str>>,
}

/// Two parameters are the same when they mean the same; blanks inside JSON text do not count.
impl PartialEq for Canonical {
    fn eq(&self, other: &Self) -> bool {
        (&self.wire, self.place, self.form, &self.value) == (&other.wire, other.place, other.form, &other.value)
    }
}

impl Canonical {
    /// A parameter whose value has its final form.
    pub(crate) fn new(wire: Arc<str>, place: Place, form: Form, value: Value) -> Self {
        Self { wire, place, form, value, verbatim: None }
    }

    /// A parameter from what a template wrote for a parameter of `form` and `kind`.
    pub(crate) fn from_template(wire: Arc<str>, place: Place, (form, kind): (Form, Kind), value: &Value) -> Self {
        let value = trimmed_id(&wire, value);
        // Which texts are comma lists is a guess of the catalogue's sources; JSON in one (SLB `AclEntrys`) is JSON.
        let form = if form == Form::CommaText && is_json(&value) { Form::JsonText } else { form };
        let verbatim = value.as_str().filter(|_| form == Form::JsonText).map(Arc::from);
        Self { wire, place, form, value: shaped(form, kind, &value), verbatim }
    }

    /// The flat pairs of name and text that are sent for it.
    pub fn pairs(&self) -> Vec<(String, String)> {
        let mut out = Vec::new();
        let text = match self.form {
            Form::Flattened => {
                wire::flatten(&self.wire, &self.value, &mut out);
                return out;
            }
            Form::CommaText => self.value.as_list().map_or_else(
                || wire::scalar_text(&self.value),
                |items| items.iter().map(wire::scalar_text).collect::<Vec<_>>().join(","),
            ),
            _ => self.verbatim.as_deref().map_or_else(|| wire::scalar_text(&self.value), str::to_owned),
        };
        out.push((self.wire.to_string(), text));
        out
    }
}

/// True for JSON text, and for lists and maps that no comma list can hold.
fn is_json(value: &Value) -> bool {
    match value {
        Value::String(_) => value.parsed_if_json_text().as_str().is_none(),
        Value::Map(_) => true,
        Value::List(items) => items.iter().any(|item| item.as_list().is_some() || item.as_map().is_some()),
        _ => false,
    }
}

/// The value that a parameter of `form` and `kind` has in the tree (rule 2 of aliyun-client 2.1).
fn shaped(form: Form, kind: Kind, value: &Value) -> Value {
    match form {
        Form::Scalar => scalar(kind, value),
        Form::Flattened if kind == Kind::List => Value::from(items(value)),
        Form::Flattened => value.parsed_if_json_text(),
        Form::JsonText => match value.parsed_if_json_text() {
            structure @ (Value::List(_) | Value::Map(_)) => structure,
            // On the wire it is a text, and only texts of lists and maps are parsed.
            scalar => Value::String(scalar.to_text()),
        },
        Form::CommaText => match value.as_list() {
            Some(list) => list.iter().map(|item| Value::from(item.to_text())).collect(),
            None => value.to_text().split(',').map(Value::from).collect(),
        },
        Form::Structured if matches!(kind, Kind::List | Kind::Map) => value.parsed_if_json_text(),
        Form::Structured => value.clone(),
    }
}

/// A scalar in the type of the catalogue, when that does not change its text; else as text.
fn scalar(kind: Kind, value: &Value) -> Value {
    let text = value.to_text();
    let typed = match kind {
        Kind::Integer => text.parse::<i64>().ok().map(Value::from),
        Kind::Number => text.parse::<f64>().ok().filter(|f| f.is_finite()).map(Value::from),
        Kind::Boolean if text.eq_ignore_ascii_case("true") => return Value::Bool(true),
        Kind::Boolean if text.eq_ignore_ascii_case("false") => return Value::Bool(false),
        _ => None,
    };
    typed.filter(|t| t.to_text() == text).unwrap_or(Value::String(text))
}

/// The items of what was given for a list: a list, JSON text of one, or one item.
fn items(value: &Value) -> Vec<Value> {
    match value.parsed_if_json_text() {
        Value::List(items) => items.to_vec(),
        Value::Null => Vec::new(),
        // Text of a JSON map is a text: only arrays are parsed.
        Value::Map(_) if value.as_str().is_some() => vec![value.clone()],
        one => vec![one],
    }
}

/// Ids lose surrounding blanks: an official template passes one with a trailing blank (fake-cloud 1.3).
fn trimmed_id(wire: &str, value: &Value) -> Value {
    let trim = |v: &Value| match v {
        Value::String(s) if s.trim().len() != s.len() => Value::from(s.trim()),
        other => other.clone(),
    };
    match value {
        _ if !wire.ends_with("Id") && !wire.ends_with("Ids") => value.clone(),
        Value::List(items) => items.iter().map(trim).collect(),
        other => trim(other),
    }
}

/// Sets `value` at `path` under `slot`. `merge`: a map for a final name is the map around that name (an alias such as
/// `ImageOptions` → `ImageOptions.LoginAsNonRoot` takes a map of such members). False when something else is in the way.
pub(crate) fn insert(slot: &mut Value, path: &[Seg], value: &Value, merge: bool) -> bool {
    match path {
        [] => set(slot, value),
        [Seg::Name(_)] if merge && value.as_map().is_some() => set(slot, value),
        [Seg::Name(name), rest @ ..] => {
            if slot.is_null() {
                *slot = Value::empty_map();
            }
            let Value::Map(map) = slot else { return false };
            let map = Arc::make_mut(map);
            if !map.contains_key(name) {
                map.insert(name.clone(), Value::Null);
            }
            map.get_mut(name).is_some_and(|member| insert(member, rest, value, merge))
        }
        [Seg::Index(n), rest @ ..] => {
            if slot.is_null() {
                *slot = Value::empty_list();
            }
            let Value::List(list) = slot else { return false };
            let list = Arc::make_mut(list);
            list.resize(list.len().max(*n), Value::Null);
            list.get_mut(n - 1).is_some_and(|item| insert(item, rest, value, merge))
        }
        [Seg::Each, rest @ ..] => items(value).iter().enumerate().all(|(i, item)| {
            let path: Vec<_> = [Seg::Index(i + 1)].iter().chain(rest).cloned().collect();
            item.is_null() || insert(slot, &path, item, merge)
        }),
    }
}

fn set(slot: &mut Value, value: &Value) -> bool {
    match (&mut *slot, value) {
        (Value::Map(old), Value::Map(new)) => {
            Arc::make_mut(old).extend(new.iter().map(|(k, v)| (k.clone(), v.clone())));
        }
        _ => *slot = value.clone(),
    }
    true
}

/// A flattened value as it would come back from the wire: scalars typed by `shape` or text, without what leaves no
/// trace. `None` when nothing is left.
pub(crate) fn settled(value: &Value, shape: &Shape) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::Map(map) => {
            let left = nested(map).into_iter().filter_map(|(k, v)| {
                let settled = settled(&v, &member_shape(shape, &k))?;
                Some((k, settled))
            });
            let left: Map = left.collect();
            (!left.is_empty()).then(|| left.into())
        }
        Value::List(items) => {
            let item = shape.item().unwrap_or(&Shape::Any);
            let mut left: Vec<_> = items.iter().map(|v| settled(v, item).unwrap_or_default()).collect();
            while left.last().is_some_and(Value::is_null) {
                left.pop();
            }
            (!left.is_empty()).then(|| left.into())
        }
        leaf => Some(scalar(kind_of(shape), leaf)),
    }
}

/// Members whose names hold dots as members of members: on the wire they are the same.
fn nested(map: &Map) -> Map {
    if !map.keys().any(|name| name.contains('.')) {
        return map.clone();
    }
    let mut out = Value::empty_map();
    for (name, value) in map.iter() {
        let path = alias::dotted(name).filter(|path| path.len() > 1);
        let path = path.unwrap_or_else(|| vec![Seg::Name(name.clone())]);
        insert(&mut out, &path, value, true);
    }
    out.as_map().cloned().unwrap_or_default()
}

/// The shape of a member; the tables write members of members with dots, too.
fn member_shape<'a>(shape: &'a Shape, name: &str) -> Cow<'a, Shape> {
    if let Some(member) = shape.member(name) {
        return Cow::Borrowed(member);
    }
    let Shape::Map(members) = shape else { return Cow::Owned(Shape::Any) };
    let inner = members.iter().filter_map(|(n, s)| {
        let rest = n.strip_prefix(name)?.strip_prefix('.')?;
        Some((Arc::from(rest), s.clone()))
    });
    Cow::Owned(Shape::Map(inner.collect()))
}

fn kind_of(shape: &Shape) -> Kind {
    match shape {
        Shape::Integer => Kind::Integer,
        Shape::Number => Kind::Number,
        Shape::Boolean => Kind::Boolean,
        _ => Kind::String,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params;

    #[test]
    fn scalars_take_the_type_only_when_the_text_survives() {
        assert_eq!(scalar(Kind::Integer, &"10".into()), Value::Int(10));
        assert_eq!(scalar(Kind::Integer, &"010".into()), Value::from("010"));
        assert_eq!(scalar(Kind::Boolean, &"True".into()), Value::Bool(true));
        assert_eq!(scalar(Kind::String, &Value::Int(60)), Value::from("60"));
        assert_eq!(scalar(Kind::String, &["i-1"].into()), Value::from(r#"["i-1"]"#));
    }

    #[test]
    fn comma_text_is_a_list_and_comes_back_unchanged() {
        let from = |v: Value| Canonical::from_template("X".into(), Place::Query, (Form::CommaText, Kind::String), &v);
        assert_eq!(from("a,b".into()), from(["a", "b"].into()));
        assert_eq!(from("a, b,".into()).pairs(), [("X".to_owned(), "a, b,".to_owned())]);
    }

    #[test]
    fn json_in_a_comma_text_stays_json() {
        let from = |v: Value| Canonical::from_template("X".into(), Place::Query, (Form::CommaText, Kind::String), &v);
        let entries = Value::from(vec![params! { "entry" => "10.0.0.0/8", "comment" => "a, b" }]);
        let text = entries.to_string();
        assert_eq!(from(entries.clone()).pairs(), [("X".to_owned(), text.clone())]);
        assert_eq!(from(text.as_str().into()), from(entries.clone()));
        assert_eq!(from(text.into()).value, entries);
        assert_eq!(from("[a,b".into()).value, ["[a", "b"].into());
    }

    #[test]
    fn json_text_is_parsed_for_readers_and_sent_as_given() {
        let text = r#"{ "a": 1.50 }"#;
        let it = Canonical::from_template("X".into(), Place::Query, (Form::JsonText, Kind::Map), &text.into());
        assert_eq!(it.value, params! { "a" => 1.5 });
        assert_eq!(it.pairs(), [("X".to_owned(), text.to_owned())]);
    }

    #[test]
    fn inserting_builds_nested_lists_and_refuses_what_is_in_the_way() {
        let mut slot = Value::Null;
        let name = |n: &str| Seg::Name(n.into());
        assert!(insert(&mut slot, &[Seg::Index(2), name("Key")], &"k".into(), false));
        assert!(insert(&mut slot, &[Seg::Index(2), name("Value")], &"v".into(), false));
        assert_eq!(slot.to_string(), r#"[null,{"Key":"k","Value":"v"}]"#);
        assert!(!insert(&mut slot, &[name("Key")], &"k".into(), false));
        assert_eq!(settled(&slot, &Shape::Any).map(|v| v.to_string()), Some(slot.to_string()));
    }

    #[test]
    fn what_leaves_no_trace_on_the_wire_is_dropped() {
        let value = params! { "A" => Value::empty_list(), "B" => Value::from(vec![Value::Null]), "C" => true };
        assert_eq!(settled(&value, &Shape::Any), Some(params! { "C" => "true" }));
        assert_eq!(settled(&Value::empty_map(), &Shape::Any), None);
    }
}
