//! Properties, those that a control action asks for, and templates that are named or written in a task.

use std::borrow::Cow;

use super::{Pass, escape};
use crate::{
    TemplateName, Value,
    expr::{Expr, ExprKind},
    plan::ChildName,
    ports::action::{ActionClass, Signature},
    source::{Key, Node, NodeKind},
    template::Task,
};

/// The property of `ACS::Template` that holds a template written in place.
pub(super) const INLINE: &str = "TemplateContent";

impl Pass<'_> {
    pub(super) fn properties(&mut self, task: &Task, signature: &Signature, pointer: &str) -> (Expr, Expr) {
        let nothing = || Expr::literal(Value::empty_map());
        let Some(node) = &task.properties else { return (nothing(), nothing()) };
        let pointer = format!("{pointer}/Properties");
        let Some(map) = node.as_map() else { return (self.expr(node, &pointer), nothing()) };
        let loops = signature.name.is("ACS::Loop");
        let skip = |key: &Key, node| (loops && key.text.starts_with("Loop")) || is_verbatim(signature, key, node);
        let part = |lazy: bool| {
            let wanted = |key: &Key, node| signature.lazy.contains(&&*key.text) == lazy && !skip(key, node);
            // Most actions take all their properties as they are.
            if map.iter().all(|(key, node)| wanted(key, node)) {
                return Cow::Borrowed(node);
            }
            let members = map.iter().filter(|(key, node)| wanted(key, node)).cloned().collect();
            Cow::Owned(Node { span: node.span, kind: NodeKind::Map(members) })
        };
        let properties = with_verbatim(self.expr(&part(false), &pointer), map, signature);
        let lazy = match part(true) {
            none if none.as_map().is_some_and(<[_]>::is_empty) => nothing(),
            lazy => self.lazy(&lazy, signature, &pointer),
        };
        (properties, lazy)
    }

    /// Lazy properties are compiled like others, but a `When` inside is a condition, and a template written in place
    /// is a literal: references in it are about its own names.
    fn lazy(&mut self, node: &Node, signature: &Signature, pointer: &str) -> Expr {
        let Some(members) = node.as_map() else { return self.expr(node, pointer) };
        let members = members.iter().map(|(key, node)| {
            let pointer = format!("{pointer}/{}", escape(&key.text));
            let inline = signature.class == ActionClass::Embedded && &*key.text == INLINE;
            let value = match &node.kind {
                _ if inline && is_document(node) => Expr { kind: ExprKind::Literal(node.to_value()), span: node.span },
                NodeKind::List(list) => {
                    let items =
                        list.iter().enumerate().map(|(i, n)| self.choice(n, &format!("{pointer}/{i}"))).collect();
                    Expr { kind: ExprKind::List(items), span: node.span }
                }
                _ => self.expr(node, &pointer),
            };
            (key.text.clone(), value)
        });
        let members = members.collect();
        Expr { kind: ExprKind::Map(members), span: node.span }
    }

    fn choice(&mut self, node: &Node, pointer: &str) -> Expr {
        let Some(members) = node.as_map() else { return self.expr(node, pointer) };
        let members = members
            .iter()
            .map(|(key, node)| {
                let pointer = format!("{pointer}/{}", escape(&key.text));
                let value =
                    if &*key.text == "When" { self.condition_expr(node, &pointer) } else { self.expr(node, &pointer) };
                (key.text.clone(), value)
            })
            .collect();
        Expr { kind: ExprKind::Map(members), span: node.span }
    }

    /// `ACS::Template` with a literal name: the child is known before the run.
    pub(super) fn literal_child(&mut self, i: usize, task: &Task, signature: &Signature) {
        if signature.class != ActionClass::Embedded {
            return;
        }
        let literal = |key: &str| {
            let text = task.properties.as_ref()?.get(key)?.as_str()?;
            (!text.contains("{{")).then(|| text.to_owned())
        };
        if let Some(name) = literal("TemplateName") {
            let version = literal("TemplateVersion").map(Into::into);
            self.children.push(ChildName { name: TemplateName::new(name), version, task: i });
        }
    }
}

/// Properties with the verbatim ones beside them, as literals.
fn with_verbatim(properties: Expr, map: &[(Key, Node)], signature: &Signature) -> Expr {
    let verbatim = map.iter().filter(|(key, node)| is_verbatim(signature, key, node));
    let literals: Vec<_> = verbatim.map(|(k, n)| (k.text.clone(), Expr::literal(n.to_value()))).collect();
    if literals.is_empty() {
        return properties;
    }
    let span = properties.span;
    let members: Vec<_> = match properties.kind {
        ExprKind::Literal(Value::Map(map)) => map.iter().map(|(k, v)| (k.clone(), Expr::literal(v.clone()))).collect(),
        ExprKind::Map(members) => members.to_vec(),
        _ => Vec::new(),
    };
    Expr { kind: ExprKind::Map(members.into_iter().chain(literals).collect()), span }
}

/// True for a property that is taken as written. A template is only one when it is written in place: a reference or
/// function gives one.
fn is_verbatim(signature: &Signature, key: &Key, node: &Node) -> bool {
    let computed = || signature.class == ActionClass::Embedded && &*key.text == INLINE && is_computed(node);
    signature.verbatim.contains(&&*key.text) && !computed()
}

/// True for one function, or for text that begins and ends with references.
fn is_computed(node: &Node) -> bool {
    match &node.kind {
        NodeKind::Scalar(value) => {
            let text = value.as_str().unwrap_or_default().trim();
            text.starts_with("{{") && text.ends_with("}}") && !is_document(node)
        }
        NodeKind::Map(map) => map.iter().any(|(key, _)| key.text.starts_with("Fn::")),
        NodeKind::List(_) => false,
    }
}

/// True for a template written as a map, or as the JSON text of one; not for a reference or a function.
pub(crate) fn is_document(node: &Node) -> bool {
    document(node).as_map().is_some_and(|map| !map.iter().any(|(key, _)| key.text.starts_with("Fn::")))
}

/// The template in a property: a map, or the JSON text of one.
pub(crate) fn document(node: &Node) -> Node {
    match &node.kind {
        NodeKind::Scalar(value) => {
            let inner = Node::from_value(&value.parsed_if_json_text());
            Node { span: node.span, ..inner }
        }
        _ => node.clone(),
    }
}
