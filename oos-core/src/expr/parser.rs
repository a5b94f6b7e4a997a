//! Node → expression, with every name resolved (`resolve.rs`) and every function looked up.
//!
//! Subtrees without references and functions fold to one literal. A part with an error becomes a null literal, so
//! that one compilation reports everything.

use std::sync::Arc;

use super::{
    Call, Expr, ExprKind, Function, NameKind, Names, functions::Kind, functions::shape, program::selector_error,
};
use crate::{
    Map, Value,
    diagnostic::{Code, Diagnostic, Diagnostics, Severity, nearest},
    selector::Selector,
    source::{Key, Node, NodeKind, SourceText, Span, push_key},
};

/// CHOICE: nesting of one expression, so that neither compiling nor evaluating can run out of stack. Documents nest
/// 64 levels by default (`Limits::document_depth`).
pub(crate) const NESTING: usize = 256;

/// What compiling needs beside the node.
pub struct Compiler<'a> {
    /// What names mean here.
    pub names: &'a dyn Names,
    /// The text that spans point into, to underline the very reference inside a scalar.
    pub source: Option<&'a SourceText>,
    /// Takes findings.
    pub diagnostics: &'a mut Diagnostics,
}

impl std::fmt::Debug for Compiler<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Compiler").finish_non_exhaustive()
    }
}

/// Compiles a node; `pointer` is its JSON pointer, for findings. A part with an error becomes a null literal.
pub fn compile(node: &Node, pointer: &str, compiler: &mut Compiler<'_>) -> Expr {
    Parser::new(pointer, compiler).node(node)
}

/// Compiles a node that stands where a condition is expected: `When`, `Choices[].When` and the entries of
/// `Conditions`. A plain text must name a condition or be `true` or `false` (template-language 5.3, 5.4).
pub fn compile_condition(node: &Node, pointer: &str, compiler: &mut Compiler<'_>) -> Expr {
    Parser::new(pointer, compiler).condition(node, Code::WHEN, Code::WHEN)
}

/// The state of one compilation.
pub(super) struct Parser<'c> {
    pub(super) names: &'c dyn Names,
    pub(super) source: Option<&'c SourceText>,
    diagnostics: &'c mut Diagnostics,
    pointer: String,
    depth: usize,
    functions: usize,
    errors: usize,
}

impl<'c> Parser<'c> {
    fn new(pointer: &str, compiler: &'c mut Compiler<'_>) -> Self {
        Self {
            names: compiler.names,
            source: compiler.source,
            diagnostics: compiler.diagnostics,
            pointer: pointer.to_owned(),
            depth: 0,
            functions: 0,
            errors: 0,
        }
    }

    /// Takes a finding.
    pub(super) fn report(&mut self, diagnostic: Diagnostic) {
        self.errors += usize::from(diagnostic.severity == Severity::Error);
        self.diagnostics.push(diagnostic);
    }

    /// Errors so far.
    pub(super) fn error_count(&self) -> usize {
        self.errors
    }

    pub(super) fn error(&self, code: Code, message: impl Into<String>, span: Option<Span>) -> Diagnostic {
        Diagnostic::error(code, message, span, self.pointer.clone())
    }

    pub(super) fn warning(&self, code: Code, message: impl Into<String>, span: Option<Span>) -> Diagnostic {
        Diagnostic::warning(code, message, span, self.pointer.clone())
    }

    /// Runs `inner` one step deeper in the document.
    fn below<T>(&mut self, step: &str, inner: impl FnOnce(&mut Self) -> T) -> T {
        let length = self.pointer.len();
        push_key(&mut self.pointer, step);
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        self.pointer.truncate(length);
        result
    }

    /// Compiles a node that stands where any value may stand.
    fn node(&mut self, node: &Node) -> Expr {
        match &node.kind {
            NodeKind::Scalar(value) => self.scalar(node, value),
            NodeKind::List(_) | NodeKind::Map(_) if self.depth >= NESTING => self.too_deep(node.span),
            NodeKind::List(list) => self.list(list, node.span),
            NodeKind::Map(map) => self.map(map, node.span),
        }
    }

    fn too_deep(&mut self, span: Option<Span>) -> Expr {
        self.report(self.error(Code::LIMIT_DEPTH, format!("the value nests deeper than {NESTING} levels"), span));
        null(span)
    }

    fn scalar(&mut self, node: &Node, value: &Value) -> Expr {
        match value {
            Value::String(text) => self.text(node, text),
            other => Expr { kind: ExprKind::Literal(other.clone()), span: node.span },
        }
    }

    fn list(&mut self, list: &[Node], span: Option<Span>) -> Expr {
        let members = self.members(list, Self::node);
        fold_list(members, span)
    }

    fn members(&mut self, list: &[Node], mut compile: impl FnMut(&mut Self, &Node) -> Expr) -> Vec<Expr> {
        let members = list.iter().enumerate();
        members.map(|(i, member)| self.below(&i.to_string(), |p| compile(p, member))).collect()
    }

    fn map(&mut self, map: &[(Key, Node)], span: Option<Span>) -> Expr {
        let function = map.iter().find(|(key, _)| is_function(key));
        match (function, map) {
            (None, _) => self.plain_map(map, span),
            (Some(_), [(key, argument)]) => self.call(key, argument, span),
            (Some((key, _)), _) => {
                let other = map.iter().find(|(k, _)| k != key).map_or("", |(k, _)| &*k.text).to_owned();
                let message = format!("`{}` has another key `{other}` beside it", key.text);
                let finding = self.error(Code::FUNCTION_SHAPE, message, key.span);
                self.report(finding.help("a function is a map with exactly one key"));
                null(span)
            }
        }
    }

    fn plain_map(&mut self, map: &[(Key, Node)], span: Option<Span>) -> Expr {
        let members = map.iter().map(|(key, node)| (key.text.clone(), self.below(&key.text, |p| p.node(node))));
        let members: Vec<(Arc<str>, Expr)> = members.collect();
        let literal: Option<Map> =
            members.iter().map(|(k, e)| e.as_literal().map(|v| (k.clone(), v.clone()))).collect();
        let kind = match literal {
            Some(map) => ExprKind::Literal(map.into()),
            None => ExprKind::Map(members.into()),
        };
        Expr { kind, span }
    }

    /// Compiles a node that stands where a condition is expected; the codes are for text that names no condition and
    /// for values that can be no condition.
    fn condition(&mut self, node: &Node, unknown: Code, wrong: Code) -> Expr {
        match &node.kind {
            NodeKind::Scalar(Value::Bool(_)) => self.node(node),
            NodeKind::Scalar(Value::String(text)) => self.condition_text(node, text, unknown),
            NodeKind::Map(map) => match map.as_slice() {
                [(key, name)] if &*key.text == "Condition" => self.condition_map(name),
                map if map.iter().any(|(key, _)| is_function(key)) => self.node(node),
                _ => self.no_condition(node, wrong),
            },
            _ => self.no_condition(node, wrong),
        }
    }

    fn no_condition(&mut self, node: &Node, code: Code) -> Expr {
        let message = format!("a value of type {} is no condition", node.describe());
        let finding = self.error(code, message, node.span);
        self.report(finding.help("a condition is a function, a reference to a boolean, or the name of a condition"));
        null(node.span)
    }

    fn condition_text(&mut self, node: &Node, text: &Arc<str>, unknown: Code) -> Expr {
        let name = text.trim();
        if let Some(expr) = self.named_condition(name, node.span) {
            return expr;
        }
        let expr = self.text(node, text);
        match &expr.kind {
            ExprKind::Literal(Value::String(_)) if !is_truth_text(text) => {
                self.unknown_condition(name, node.span, unknown)
            }
            _ => expr,
        }
    }

    fn condition_map(&mut self, name: &Node) -> Expr {
        self.below("Condition", |p| match name.as_str().map(str::trim) {
            Some(text) => match p.named_condition(text, name.span) {
                Some(expr) => expr,
                None => p.unknown_condition(text, name.span, Code::CONDITION),
            },
            None => p.no_condition(name, Code::CONDITION),
        })
    }

    fn named_condition(&mut self, name: &str, span: Option<Span>) -> Option<Expr> {
        let found = self.names.condition(name)?;
        if !found.exact {
            let message = format!("condition `{name}` is declared with other upper and lower case");
            self.report(self.warning(Code::REFERENCE_CASE, message, span));
        }
        Some(Expr { kind: ExprKind::Condition(found.found), span })
    }

    fn unknown_condition(&mut self, name: &str, span: Option<Span>, code: Code) -> Expr {
        let candidates = self.names.candidates(NameKind::Condition);
        let message = format!("`{name}` is neither a reference nor the name of a condition");
        let mut finding = self.error(code, message, span).label("not found under `Conditions`");
        if let Some(near) = nearest(name, candidates.iter().map(String::as_str)) {
            finding = finding.help(format!("a condition named `{near}` exists"));
        }
        self.report(finding);
        null(span)
    }

    fn call(&mut self, key: &Key, argument: &Node, span: Option<Span>) -> Expr {
        let Some(function) = self.names.functions().get(&key.text).cloned() else {
            self.unknown_function(key);
            self.below(&key.text, |p| p.node(argument));
            return null(span);
        };
        let limit = self.names.function_depth();
        if self.functions >= limit {
            self.report(self.error(Code::LIMIT_DEPTH, format!("functions nest deeper than {limit} levels"), key.span));
            return null(span);
        }
        self.functions += 1;
        let errors = self.errors;
        let node = argument;
        let argument = self.below(&key.text, |p| p.argument(&function, node));
        self.functions -= 1;
        if self.errors > errors {
            return null(span);
        }
        self.check_call(&function, &argument, node, key.span);
        if self.errors > errors {
            return null(span);
        }
        Expr { kind: ExprKind::Call(Arc::new(Call { function, argument, span: key.span })), span }
    }

    fn unknown_function(&mut self, key: &Key) {
        let functions = self.names.functions();
        let near = nearest(&key.text, functions.names());
        let help = near.map(|near| format!("a function named `{near}` exists"));
        let mut finding = self.error(Code::UNKNOWN_FUNCTION, format!("function `{}` is not known", key.text), key.span);
        finding.help = help;
        self.report(finding);
    }

    fn check_call(&mut self, function: &Arc<Function>, argument: &Expr, node: &Node, span: Option<Span>) {
        if let Some(problem) = shape::problem(function, argument) {
            self.report(self.error(Code::FUNCTION_SHAPE, problem, span));
        } else if &*function.name == "Fn::Jq" {
            self.check_program(argument, node, span);
        }
    }

    /// A literal jq program must compile (template-language 10, `InvalidTemplate.Selector`).
    fn check_program(&mut self, argument: &Expr, node: &Node, key: Option<Span>) {
        let program = match &argument.kind {
            ExprKind::List(list) => list.get(1).and_then(Expr::as_literal).cloned(),
            ExprKind::Literal(value) => value.as_list().and_then(|l| l.get(1)).cloned(),
            _ => None,
        };
        let Some(text) = program.as_ref().and_then(Value::as_str) else { return };
        if let Err(error) = Selector::parse_program(text) {
            let written = node.as_list().and_then(|list| list.get(1)).and_then(|program| program.span);
            self.report(selector_error(&error, text, written.or(key), &self.pointer, self.source));
        }
    }

    fn argument(&mut self, function: &Function, argument: &Node) -> Expr {
        let condition = |p: &mut Self, node: &Node| p.condition(node, Code::CONDITION, Code::FUNCTION_SHAPE);
        match (function.kind, &argument.kind) {
            (Kind::And | Kind::Or | Kind::Not, NodeKind::List(list)) => {
                let members = self.members(list, condition);
                fold_list(members, argument.span)
            }
            (Kind::Not, _) => condition(self, argument),
            (Kind::If, NodeKind::List(list)) => self.branches(list, argument.span),
            (Kind::Replace, NodeKind::List(list)) => self.replacements(list, argument.span),
            _ => self.node(argument),
        }
    }

    /// The condition and the two branches of `Fn::If`.
    fn branches(&mut self, list: &[Node], span: Option<Span>) -> Expr {
        let mut first = true;
        let members = self.members(list, |p, node| {
            let is_condition = std::mem::take(&mut first);
            if is_condition { p.condition(node, Code::CONDITION, Code::FUNCTION_SHAPE) } else { p.node(node) }
        });
        fold_list(members, span)
    }

    /// `Fn::Replace`: a map of replacements with references in its keys becomes a list of pairs, because keys of an
    /// [`ExprKind::Map`] are literal (template-language 3.2).
    fn replacements(&mut self, list: &[Node], span: Option<Span>) -> Expr {
        if let Some(written) = list.first().filter(|node| node.as_list().is_some()) {
            let message = "argument 1 of `Fn::Replace` must be a map";
            self.report(self.error(Code::FUNCTION_SHAPE, message, written.span));
        }
        let mut first = true;
        let members = self.members(list, |p, node| {
            let is_replacements = std::mem::take(&mut first);
            match node.as_map().filter(|map| is_replacements && !map.iter().any(|(k, _)| is_function(k))) {
                Some(map) => p.pairs(map, node.span),
                None => p.node(node),
            }
        });
        fold_list(members, span)
    }

    fn pairs(&mut self, map: &[(Key, Node)], span: Option<Span>) -> Expr {
        if !map.iter().any(|(key, _)| key.text.contains("{{")) {
            return self.plain_map(map, span);
        }
        let pairs = map.iter().map(|(key, node)| {
            let scalar = Node { span: key.span, kind: NodeKind::Scalar(Value::String(key.text.clone())) };
            let pair = [self.text(&scalar, &key.text), self.below(&key.text, |p| p.node(node))];
            Expr { kind: ExprKind::List(Arc::new(pair)), span: key.span }
        });
        let pairs: Vec<Expr> = pairs.collect();
        Expr { kind: ExprKind::List(pairs.into()), span }
    }
}

/// The literal that stands for a part with an error.
pub(super) fn null(span: Option<Span>) -> Expr {
    Expr { kind: ExprKind::Literal(Value::Null), span }
}

fn fold_list(members: Vec<Expr>, span: Option<Span>) -> Expr {
    let literal: Option<Vec<Value>> = members.iter().map(|e| e.as_literal().cloned()).collect();
    let kind = match literal {
        Some(list) => ExprKind::Literal(list.into()),
        None => ExprKind::List(members.into()),
    };
    Expr { kind, span }
}

fn is_function(key: &Key) -> bool {
    key.text.starts_with("Fn::")
}

fn is_truth_text(text: &str) -> bool {
    text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false")
}
