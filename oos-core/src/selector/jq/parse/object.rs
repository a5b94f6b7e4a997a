//! Object construction: `{a, $b, "c": 1, (f): g}`.

use jaq_core::{
    load::parse::{BinaryOp, Term},
    ops::Math,
    path::{Opt, Part, Path},
};

use super::{
    Parsed, Parser,
    node::{Node, above},
};
use crate::value::{Map, Value};

/// Members that are put together one after another; more of them make a balanced sum of objects.
const GROUP: usize = 16;

impl<'s> Parser<'s> {
    /// An object from its opening brace.
    pub(super) fn object(&mut self) -> Parsed<Node<'s>> {
        let mut members: Vec<Node<'s>> = Vec::new();
        self.expect("{")?;
        while !self.eat("}") {
            let (key, value) = self.member()?;
            members.extend([key, value]);
            if !self.eat(",") {
                if !self.eat("}") {
                    return self.unexpected("`,` or `}`");
                }
                break;
            }
        }
        if let Some(map) = constant_map(&members) {
            return Ok(Node::Constant(map));
        }
        let bound = self.bind_several(&mut members)?;
        let single = members.iter().all(Node::is_single);
        let mut groups = Vec::new();
        let mut members = members.into_iter().peekable();
        while groups.is_empty() || members.peek().is_some() {
            let group: Vec<Node<'s>> = members.by_ref().take(2 * GROUP).collect();
            groups.push(self.object_of(group, single)?);
        }
        let body = self.balanced(groups, &BinaryOp::Math(Math::Add), single)?;
        self.bound(body, bound)
    }

    /// The object of keys and values in turn.
    fn object_of(&mut self, members: Vec<Node<'s>>, single: bool) -> Parsed<Node<'s>> {
        let depth = above(&members) + u32::try_from(members.len() / 2).unwrap_or(u32::MAX);
        let mut entries = Vec::new();
        let mut members = members.into_iter();
        while let (Some(key), Some(value)) = (members.next(), members.next()) {
            entries.push((self.term_of(key)?, Some(self.term_of(value)?)));
        }
        self.node(Term::Obj(entries), single, depth)
    }

    fn member(&mut self) -> Parsed<(Node<'s>, Node<'s>)> {
        let start = self.at;
        if self.eat("(") {
            let key = self.pipe()?;
            self.expect(")")?;
            let key = self.checked_key(key, start)?;
            self.expect(":")?;
            return Ok((key, self.pipe_without_comma()?));
        }
        if self.starts_with("$") {
            let (name, value) = self.variable_term()?;
            return if self.eat(":") {
                Ok((value, self.pipe_without_comma()?))
            } else {
                Ok((Node::Constant(name.into()), value))
            };
        }
        let key = self.literal_key()?;
        if self.eat(":") {
            let value = self.pipe_without_comma()?;
            return Ok((key, value));
        }
        let (single, depth) = (key.is_single(), above([&key]));
        let index = self.term_of(key.clone())?;
        let path = Path(vec![(Part::Index(index), Opt::Essential)]);
        let value = self.node(Term::Path(Box::new(Term::Id), path), single, depth)?;
        Ok((key, value))
    }

    /// A key that is written out: a name, a keyword, a string or a formatted string.
    pub(super) fn literal_key(&mut self) -> Parsed<Node<'s>> {
        if self.starts_with("\"") {
            return self.string(None);
        }
        if self.starts_with("@") {
            return self.format();
        }
        match self.word() {
            Some(word) => {
                self.at += word.len();
                Ok(Node::Constant(word.into()))
            }
            None => self.unexpected("a key"),
        }
    }

    /// Refuses constant keys that are not text.
    pub(super) fn checked_key(&self, key: Node<'s>, at: usize) -> Parsed<Node<'s>> {
        match &key {
            Node::Constant(Value::String(_)) | Node::Term(_) => Ok(key),
            Node::Constant(other) => {
                self.mistake_at(at, format!("cannot use {} as object key", crate::value::jaq::show(other)))
            }
        }
    }
}

/// The map of members that are all constant, keys and values in turn.
fn constant_map(members: &[Node<'_>]) -> Option<Value> {
    let mut map = Map::new();
    for pair in members.chunks(2) {
        let [Node::Constant(Value::String(key)), Node::Constant(value)] = pair else { return None };
        map.insert(key.clone(), value.clone());
    }
    Some(map.into())
}
