//! Parameters: constraints that cannot hold, defaults that do not fit, cycles, and names that nothing uses.

use std::collections::BTreeSet;

use crate::{
    Limits, Value,
    diagnostic::{Code, Diagnostic, Diagnostics},
    expr::{
        Expr,
        coerce::{self, Constraints, Pattern, coerce},
    },
    plan::Plan,
    source::{Node, NodeKind},
    template::{Parameter, Template, ValueType, meant_type},
};

/// Reads the constraints of a parameter and reports those that cannot be meant.
pub(crate) fn constraints(
    parameter: &Parameter,
    pointer: &str,
    limits: &Limits,
    found: &mut Diagnostics,
) -> Constraints {
    let mut reader = Reader { parameter, pointer, found };
    let constraints = Constraints {
        allowed_values: reader.allowed_values(),
        allowed_pattern: reader.pattern(limits),
        min_length: reader.length("MinLength", parameter.min_length.as_ref()),
        max_length: reader.length("MaxLength", parameter.max_length.as_ref()),
        min_value: reader.number("MinValue", parameter.min_value.as_ref()),
        max_value: reader.number("MaxValue", parameter.max_value.as_ref()),
        description: parameter.constraint_description.as_ref().and_then(Node::as_str).map(Into::into),
    };
    if constraints.min_length.zip(constraints.max_length).is_some_and(|(min, max)| min > max) {
        reader.error("`MinLength` is larger than `MaxLength`", parameter.min_length.as_ref());
    }
    if constraints.min_value.zip(constraints.max_value).is_some_and(|(min, max)| min > max) {
        reader.error("`MinValue` is larger than `MaxValue`", parameter.min_value.as_ref());
    }
    reader.fits_type();
    constraints
}

struct Reader<'a> {
    parameter: &'a Parameter,
    pointer: &'a str,
    found: &'a mut Diagnostics,
}

impl Reader<'_> {
    fn error(&mut self, message: impl Into<String>, node: Option<&Node>) {
        let span = node.and_then(|n| n.span).or(self.parameter.name.span);
        self.found.push(Diagnostic::error(Code::PARAMETER_CONSTRAINT, message, span, self.pointer));
    }

    fn allowed_values(&mut self) -> Option<Vec<Value>> {
        let node = self.parameter.allowed_values.as_ref()?;
        match &node.kind {
            NodeKind::List(list) if !list.is_empty() => Some(list.iter().map(Node::to_value).collect()),
            _ => {
                self.error("`AllowedValues` must be a list with at least one value", Some(node));
                None
            }
        }
    }

    fn pattern(&mut self, limits: &Limits) -> Option<Pattern> {
        let node = self.parameter.allowed_pattern.as_ref()?;
        let Some(text) = node.as_str() else {
            self.error("`AllowedPattern` must be text", Some(node));
            return None;
        };
        let pattern = Pattern::parse(text, limits);
        pattern.map_err(|e| self.error(format!("`AllowedPattern` does not compile: {}", cause(&e)), Some(node))).ok()
    }

    fn length(&mut self, key: &str, node: Option<&Node>) -> Option<usize> {
        let node = node?;
        let number = coerce(node.to_value(), ValueType::Number).ok().and_then(|v| v.as_i64());
        let length = number.and_then(|n| usize::try_from(n).ok());
        if length.is_none() {
            self.error(format!("`{key}` must be a whole number, zero or more"), Some(node));
        }
        length
    }

    fn number(&mut self, key: &str, node: Option<&Node>) -> Option<f64> {
        let node = node?;
        let number = coerce(node.to_value(), ValueType::Number).ok().and_then(|v| v.as_f64());
        if number.is_none() {
            self.error(format!("`{key}` must be a number"), Some(node));
        }
        number
    }

    fn fits_type(&mut self) {
        let parameter = self.parameter;
        let value_type = meant_type(parameter.value_type.as_ref());
        let text = [
            ("AllowedPattern", &parameter.allowed_pattern),
            ("MinLength", &parameter.min_length),
            ("MaxLength", &parameter.max_length),
        ];
        let number = [("MinValue", &parameter.min_value), ("MaxValue", &parameter.max_value)];
        let wrong = |keys: &[(&'static str, &Option<Node>)],
                     fits: ValueType|
         -> Vec<(&'static str, Option<crate::source::Span>)> {
            let given = keys.iter().filter(|(_, node)| node.is_some() && value_type != fits);
            given.map(|(key, node)| (*key, node.as_ref().and_then(|n| n.span))).collect()
        };
        for (key, span) in wrong(&text, ValueType::String).into_iter().chain(wrong(&number, ValueType::Number)) {
            let message = format!("`{key}` does not constrain a parameter of type {}", value_type.as_str());
            let span = span.or(parameter.name.span);
            self.found.push(Diagnostic::warning(Code::PARAMETER_CONSTRAINT, message, span, self.pointer));
        }
    }
}

/// The cause without the position, which counts in a longer text than the one written.
fn cause(error: &str) -> String {
    let cause = error.rsplit(": ").next().unwrap_or(error);
    let mut letters = cause.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

pub(super) fn check(template: &Template, plan: &Plan, found: &mut Diagnostics) {
    for (parameter, compiled) in template.parameters.iter().zip(&plan.parameters) {
        let pointer = format!("/Parameters/{}", crate::plan::escape(parameter.name.value.as_str()));
        if let (Some(node), Some(expr)) = (&parameter.default, &compiled.default) {
            default(parameter, node, expr, &compiled.constraints, &pointer, found);
        }
        secret(parameter, &pointer, found);
    }
    cycles(template, plan, found);
    unused(template, plan, found);
}

fn default(
    parameter: &Parameter,
    node: &Node,
    expr: &Expr,
    constraints: &Constraints,
    pointer: &str,
    found: &mut Diagnostics,
) {
    let Some(value) = expr.as_literal().filter(|v| !v.is_null()) else { return };
    let value_type = meant_type(parameter.value_type.as_ref());
    let pointer = format!("{pointer}/Default");
    let accepted = coerce(value.clone(), value_type).and_then(|v| coerce::check(constraints, &v).map(|()| v));
    match accepted {
        Err(error) => {
            let message = format!("the default of `{}` does not fit: {}", parameter.name.value, error.message);
            found.push(Diagnostic::error(Code::PARAMETER_DEFAULT, message, node.span, pointer));
        }
        // A Json parameter may hold text; it stays text.
        Ok(accepted) if accepted.kind() != value.kind() && value_type != ValueType::Json => {
            let message = format!(
                "the default of `{}` is of type {}, {} is declared",
                parameter.name.value,
                value.kind(),
                value_type.as_str()
            );
            found.push(
                Diagnostic::warning(Code::PARAMETER_DEFAULT, message, node.span, pointer)
                    .help(format!("it is read as `{accepted}`")),
            );
        }
        Ok(_) => {}
    }
}

fn secret(parameter: &Parameter, pointer: &str, found: &mut Diagnostics) {
    let name = parameter.name.value.as_str();
    if name.to_ascii_lowercase().ends_with("password") && !parameter.is_no_echo() {
        let message = format!("parameter `{name}` looks like a secret and is shown in records");
        found.push(
            Diagnostic::warning(Code::SECRET_ECHO, message, parameter.name.span, pointer).help("set `NoEcho: true`"),
        );
    }
}

fn cycles(template: &Template, plan: &Plan, found: &mut Diagnostics) {
    let reads: Vec<BTreeSet<usize>> =
        plan.parameters.iter().map(|p| p.default.as_ref().map(Expr::parameters).unwrap_or_default()).collect();
    for (i, parameter) in template.parameters.iter().enumerate() {
        let mut reached = BTreeSet::new();
        let mut stack: Vec<usize> = reads.get(i).into_iter().flatten().copied().collect();
        while let Some(next) = stack.pop() {
            if reached.insert(next) {
                stack.extend(reads.get(next).into_iter().flatten());
            }
        }
        if reached.contains(&i) {
            let message = format!("the default of `{}` leads back to itself", parameter.name.value);
            let pointer = format!("/Parameters/{}/Default", crate::plan::escape(parameter.name.value.as_str()));
            let span = parameter.default.as_ref().and_then(|d| d.span).or(parameter.name.span);
            found.push(Diagnostic::error(Code::PARAMETER_CYCLE, message, span, pointer));
        }
    }
}

/// Named by no reference and by no `AssociationPropertyMetadata` of another parameter (template-language 9.2).
fn unused(template: &Template, plan: &Plan, found: &mut Diagnostics) {
    let mut read = BTreeSet::new();
    plan.expressions(&mut |expr| read.extend(expr.parameters()));
    inner_reads(plan, &mut read);
    // With errors the plan has holes, so the document itself is looked at.
    let document = found.has_errors().then(|| template.to_node());
    for (i, parameter) in template.parameters.iter().enumerate().filter(|(i, _)| !read.contains(i)) {
        let name = parameter.name.value.as_str();
        let others = template.parameters.iter().enumerate().filter(|(j, _)| *j != i).map(|(_, p)| p);
        let mentioned =
            others.filter_map(|p| p.console("AssociationPropertyMetadata")).any(|metadata| mentions(metadata, name));
        let mended = document.as_ref().is_some_and(|document| meant(document, name, found));
        if !mentioned && !mended {
            let message = format!("nothing uses parameter `{name}`");
            let pointer = format!("/Parameters/{}", crate::plan::escape(name));
            let finding = Diagnostic::warning(Code::UNUSED_PARAMETER, message, parameter.name.span, pointer);
            found.push(finding.label("no reference names it"));
        }
    }
}

/// True when the name stands in a part that has errors, or is the hint about a name that is not declared: once those
/// are mended, the parameter is used.
fn meant(document: &Node, name: &str, found: &Diagnostics) -> bool {
    let quoted = format!("`{name}`");
    let hinted = |finding: &Diagnostic| {
        finding.code == Code::UNDEFINED_PARAMETER && finding.help.as_deref().is_some_and(|help| help.contains(&quoted))
    };
    found.iter().any(hinted) || written(document, &name.to_ascii_lowercase())
}

/// True when text with braces names the parameter, whose name is given in lower case.
fn written(node: &Node, folded: &str) -> bool {
    match &node.kind {
        NodeKind::Scalar(value) => {
            let text = value.as_str().filter(|text| text.contains("{{")).map(str::to_ascii_lowercase);
            text.is_some_and(|text| text.contains(folded))
        }
        NodeKind::List(list) => list.iter().any(|n| written(n, folded)),
        NodeKind::Map(map) => map.iter().any(|(_, n)| written(n, folded)),
    }
}

fn inner_reads(plan: &Plan, read: &mut BTreeSet<usize>) {
    for inner in plan.tasks.iter().filter_map(|t| t.loop_tasks()) {
        inner.expressions(&mut |expr| read.extend(expr.parameters()));
        inner_reads(inner, read);
    }
}

/// True when the console metadata names the parameter, as a value or as `${name}`.
fn mentions(metadata: &Node, name: &str) -> bool {
    match &metadata.kind {
        NodeKind::Scalar(value) => value.as_str().is_some_and(|text| {
            text.eq_ignore_ascii_case(name)
                || text.to_ascii_lowercase().contains(&format!("${{{}", name.to_ascii_lowercase()))
        }),
        NodeKind::List(list) => list.iter().any(|n| mentions(n, name)),
        NodeKind::Map(map) => map.iter().any(|(_, n)| mentions(n, name)),
    }
}
