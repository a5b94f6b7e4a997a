//! Reading a map by its key table: shapes are checked, unknown keys are kept and reported.

use super::Lowering;
use crate::{
    diagnostic::{Code, Diagnostic, nearest},
    ids::Name,
    source::{Key, Node, Span, push_key},
    template::{
        Spanned, ValueType,
        keys::{Rule, Shape, Table},
    },
};

/// A node, the key it stands under, and its JSON pointer.
#[derive(Clone, Debug)]
pub(super) struct Place<'n> {
    pub(super) node: &'n Node,
    pub(super) key: Option<&'n Key>,
    pub(super) pointer: String,
}

impl<'n> Place<'n> {
    pub(super) fn root(node: &'n Node) -> Self {
        Self { node, key: None, pointer: String::new() }
    }

    pub(super) fn member(&self, key: &'n Key, node: &'n Node) -> Self {
        let mut pointer = self.pointer.clone();
        push_key(&mut pointer, &key.text);
        Self { node, key: Some(key), pointer }
    }

    pub(super) fn item(&self, index: usize, node: &'n Node) -> Self {
        Self { node, key: None, pointer: format!("{}/{index}", self.pointer) }
    }

    /// Where findings about the value point.
    pub(super) fn span(&self) -> Option<Span> {
        self.node.span.filter(|s| s.start < s.end).or(self.key_span())
    }

    /// Where findings about the entry as such point: its key, or the value in a list.
    pub(super) fn key_span(&self) -> Option<Span> {
        self.key.map_or(self.node.span, |k| k.span)
    }

    /// The name of an entry that stands under its name.
    pub(super) fn name(&self) -> Spanned<Name> {
        Spanned::new(Name::from(self.key.map_or("", |k| &*k.text)), self.key_span())
    }
}

/// The members of a map that the table knows, and the others.
#[derive(Debug)]
pub(super) struct Fields<'n> {
    known: Vec<(&'static str, Place<'n>)>,
    pub(super) unknown: Vec<(Key, Node)>,
}

impl<'n> Fields<'n> {
    /// The value under a key; null where it was written as such.
    pub(super) fn place(&self, key: &str) -> Option<&Place<'n>> {
        self.known.iter().find(|(name, _)| *name == key).map(|(_, place)| place)
    }

    /// The value under a key, null counting as not given.
    pub(super) fn given(&self, key: &str) -> Option<&Place<'n>> {
        self.place(key).filter(|place| !place.node.is_null())
    }

    /// The node under a key.
    pub(super) fn node(&self, key: &str) -> Option<Node> {
        self.place(key).map(|place| place.node.clone())
    }

    /// The text under a key as a name.
    pub(super) fn text<T: for<'t> From<&'t str>>(&self, key: &str) -> Option<Spanned<T>> {
        let place = self.given(key)?;
        Some(Spanned::new(T::from(place.node.as_str()?), place.span()))
    }
}

impl Lowering<'_> {
    /// The members of a map by its table; what has a wrong shape is reported and left out.
    pub(super) fn fields<'n>(&mut self, node: &'n Node, table: &Table, at: &Place<'n>) -> Fields<'n> {
        let mut fields = Fields { known: Vec::new(), unknown: Vec::new() };
        for (key, member) in node.as_map().unwrap_or_default() {
            let place = at.member(key, member);
            match table.rule(&key.text) {
                Some(rule) if self.has_shape(&place, rule) => fields.known.push((rule.name, place)),
                Some(_) => {}
                None => {
                    self.unknown_key(&place, table);
                    fields.unknown.push((key.clone(), member.clone()));
                }
            }
        }
        fields
    }

    fn unknown_key(&mut self, place: &Place<'_>, table: &Table) {
        let key = place.key.map_or("", |k| &*k.text);
        let message = format!("{} has no key `{}`", table.what, super::shown(key));
        let mut finding = Diagnostic::warning(Code::UNKNOWN_KEY, message, place.key_span(), place.pointer.clone());
        if let Some(near) = nearest(key, table.keys.iter().map(|rule| rule.name)) {
            finding = finding.help(format!("a key named `{near}` exists"));
        }
        self.found.push(finding);
    }

    /// True when the value has the shape of its rule. Null has every shape: it counts as not given.
    fn has_shape(&mut self, place: &Place<'_>, rule: &Rule) -> bool {
        let node = place.node;
        let fits = node.is_null()
            || match rule.shape {
                Shape::Any | Shape::Word(_) => true,
                Shape::Text | Shape::Name | Shape::Type => node.as_str().is_some(),
                Shape::Flag => flag(node).is_some(),
                Shape::Map | Shape::Object(_) | Shape::Named(_) | Shape::NamedAny => node.as_map().is_some(),
                Shape::TextOrMap => node.as_list().is_none(),
                Shape::Each(_) => node.as_list().is_some_and(|list| !list.is_empty()),
            };
        if !fits {
            self.wrong_shape(place, rule);
        }
        fits
    }

    fn wrong_shape(&mut self, place: &Place<'_>, rule: &Rule) {
        let wanted = match rule.shape {
            Shape::Any | Shape::Word(_) => "something else",
            Shape::Text | Shape::Name | Shape::Type => "text",
            Shape::Flag => "true or false",
            Shape::TextOrMap => "text or a map",
            Shape::Each(_) => "a list with at least one task",
            Shape::Map | Shape::Object(_) | Shape::Named(_) | Shape::NamedAny => "a map",
        };
        let message = format!("`{}` must be {wanted}, not {}", rule.name, described(place.node));
        let mut finding = Diagnostic::error(rule.code, message, place.span(), place.pointer.clone());
        let scalar = place.node.as_map().is_none() && place.node.as_list().is_none();
        if scalar && matches!(rule.shape, Shape::Text | Shape::Name | Shape::Type) {
            finding = finding.help("quote it to make it text");
        }
        self.found.push(finding);
    }

    /// Reports a needed key that is missing or null; gives whether it is there.
    pub(super) fn needs(&mut self, fields: &Fields<'_>, at: &Place<'_>, table: &Table, key: &str) -> bool {
        let Some(rule) = table.rule(key) else { return true };
        if fields.given(key).is_some() || at.node.get(key).is_some_and(|n| !n.is_null()) {
            return true;
        }
        let message = format!("{} needs `{key}`", table.what);
        let span = at.key.map_or_else(|| first_key(at.node), |k| k.span);
        self.found.push(Diagnostic::error(rule.code, message, span, at.pointer.clone()));
        false
    }

    /// `Type` as written, judged.
    pub(super) fn value_type(&mut self, fields: &Fields<'_>, code: Code) -> Option<Spanned<Name>> {
        let place = fields.given("Type")?;
        let text = place.node.as_str()?;
        if ValueType::parse(text).is_none() {
            self.odd_type(text, place, code);
        }
        Some(Spanned::new(Name::from(text), place.span()))
    }

    fn odd_type(&mut self, text: &str, place: &Place<'_>, code: Code) {
        let message = format!("`{}` is not a type", super::shown(text));
        let finding = match text {
            "Array" => Diagnostic::warning(code, message, place.span(), place.pointer.clone()).help("read as `List`"),
            "Object" => Diagnostic::warning(code, message, place.span(), place.pointer.clone()).help("read as `Json`"),
            _ => {
                let names = ValueType::ALL.map(ValueType::as_str);
                let help = match nearest(text, names) {
                    Some(near) => format!("a type named `{near}` exists"),
                    None => format!("the types are {}", names.map(|n| format!("`{n}`")).join(", ")),
                };
                Diagnostic::error(code, message, place.span(), place.pointer.clone()).help(help)
            }
        };
        self.found.push(finding);
    }
}

/// True or false, also as text.
pub(super) fn flag(node: &Node) -> Option<bool> {
    let value = node.to_value();
    value.as_bool().or_else(|| match value.as_str()? {
        text if text.eq_ignore_ascii_case("true") => Some(true),
        text if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    })
}

/// What a node is, in words.
pub(super) fn described(node: &Node) -> &'static str {
    match node.describe() {
        "Null" => "null",
        "Boolean" => "a boolean",
        "Number" => "a number",
        "String" => "text",
        "List" if node.as_list().is_some_and(<[Node]>::is_empty) => "an empty list",
        "List" => "a list",
        _ => "a map",
    }
}

/// A whole map is no good place to underline: its first key is.
fn first_key(node: &Node) -> Option<Span> {
    node.as_map().and_then(|map| map.first()).map_or(node.span, |(key, _)| key.span)
}
