//! Text with references → expression: what each name means, and where it stands.

use std::{ops::Range, sync::Arc};

use super::{
    Expr, ExprKind, NameKind, Reference, Segment, Target, Variable,
    lexer::{Body, Found, path_program, scan},
    parser::{Parser, null},
};
use crate::{
    Value,
    diagnostic::{Code, nearest},
    selector::Selector,
    source::{Node, Span},
};

/// True for text after the dot of `{{ task.text }}` that may read the raw result when no output has that name.
///
/// CHOICE: it must look like a path. A plain name that the task does not declare is a mistake far more often than a
/// direct reference (template-language 3.6: the older rule calls it an error, the newer page shows paths only). Where
/// that page allows direct references, in the template's `Outputs`, a plain name is one with a warning, unless the task
/// declares an output that is nearly spelled so.
pub fn is_direct_reference(text: &str) -> bool {
    text.contains(['.', '[', '?'])
}

impl Parser<'_> {
    /// Compiles text: a literal, a whole reference, or text with embedded references.
    pub(super) fn text(&mut self, node: &Node, text: &Arc<str>) -> Expr {
        if !text.contains("{{") {
            return Expr { kind: ExprKind::Literal(Value::String(text.clone())), span: node.span };
        }
        let found = scan(text);
        let source = self.source.map_or("", |s| node.span.map_or("", |span| s.slice(span)));
        let mut places = Places { source, at: 0, scalar: node.span };
        for range in found.braces {
            let braces = text.get(range).unwrap_or("{{");
            let message = one_line(&format!("`{braces}` is no reference and stays as text"));
            self.report(self.warning(Code::LITERAL_BRACES, message, places.next(braces, 0..braces.len())));
        }
        places.at = 0;
        let errors = self.error_count();
        let segments = self.segments(text, found.references, &mut places);
        if self.error_count() > errors {
            return null(node.span);
        }
        Expr { kind: whole_or_text(text, segments), span: node.span }
    }

    fn segments(&mut self, text: &str, references: Vec<Found<'_>>, places: &mut Places<'_>) -> Vec<Segment> {
        let mut segments = Vec::new();
        let mut at = 0;
        for found in references {
            push_literal(&mut segments, text.get(at..found.range.start));
            at = found.range.end;
            let body = found.body.start - found.range.start..found.body.end - found.range.start;
            let span = places.next(text.get(found.range).unwrap_or("{{"), body);
            let name = text.get(found.body).unwrap_or("");
            if let Some(target) = self.target(&found.says, name, span) {
                segments.push(Segment::Reference(Reference { target, text: name.into(), span }));
            }
        }
        push_literal(&mut segments, text.get(at..));
        segments
    }

    fn target(&mut self, says: &Body<'_>, text: &str, span: Option<Span>) -> Option<Target> {
        match says {
            Body::System { name, path } => self.system(name, *path, text, span),
            Body::Store(reference) => Some(Target::Store(reference.clone())),
            Body::Parameter(name) => self.parameter(name, span),
            Body::Output { task, rest } => self.output(task, rest, span),
        }
    }

    fn system(&mut self, name: &str, path: Option<&str>, text: &str, span: Option<Span>) -> Option<Target> {
        let folded = Variable::BUILT_IN.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        let variable = match folded {
            Some((known, variable)) => {
                if *known != name || !text.starts_with("ACS::") {
                    self.case("system variable", text, &format!("ACS::{known}"), span);
                }
                variable.clone()
            }
            None => match self.names.custom_variable(name) {
                Some(variable) => variable,
                None => return self.unknown_variable(name, text, span),
            },
        };
        if variable == Variable::TaskLoopItem && !self.names.in_loop() {
            let message = "`ACS::TaskLoopItem` is read where no loop runs";
            self.report(self.error(Code::LOOP_ITEM_OUTSIDE_LOOP, message, span).label("not inside a `Loop`"));
            return None;
        }
        match (variable, path) {
            (variable, None) => Some(Target::Variable(variable)),
            (Variable::TaskLoopItem, Some(path)) => self.path(path, span).map(Target::LoopItemPath),
            (_, Some(_)) => self.unknown_variable(name, text, span),
        }
    }

    fn unknown_variable(&mut self, name: &str, text: &str, span: Option<Span>) -> Option<Target> {
        let mut finding =
            self.error(Code::UNDEFINED_VARIABLE, format!("system variable `{text}` does not exist"), span);
        let known = Variable::BUILT_IN.iter().map(|(known, _)| *known);
        if let Some(near) = nearest(name, known.clone()) {
            finding = finding.help(format!("a system variable named `ACS::{near}` exists"));
        } else {
            let all: Vec<String> = known.map(|k| format!("`ACS::{k}`")).collect();
            finding = finding.help(format!("system variables are {}", all.join(", ")));
        }
        self.report(finding);
        None
    }

    fn parameter(&mut self, name: &str, span: Option<Span>) -> Option<Target> {
        if let Some(found) = self.names.parameter(name) {
            self.fold("parameter", name, found.exact, NameKind::Parameter, span);
            return Some(Target::Parameter(found.found));
        }
        let message = format!("parameter `{name}` is not declared");
        let mut finding = self.error(Code::UNDEFINED_PARAMETER, message, span).label("not found under `Parameters`");
        finding.help = self.hint(name, NameKind::Parameter, "parameter");
        if finding.help.is_none() && self.names.task(name).is_some() {
            finding = finding.help(format!("`{name}` is a task; name one of its outputs as `{name}.output`"));
        }
        self.report(finding);
        None
    }

    fn output(&mut self, name: &str, rest: &str, span: Option<Span>) -> Option<Target> {
        let Some(task) = self.names.task(name) else {
            return self.unknown_task(name, span);
        };
        self.fold("task", name, task.exact, NameKind::Task, span);
        let task = task.found;
        let target = match self.names.output(task, rest) {
            Some(found) => {
                self.fold("output", rest, found.exact, NameKind::Output(task), span);
                Target::Output { task, output: found.found }
            }
            None if is_direct_reference(rest) => self.raw(task, rest, span)?,
            None if self.names.in_outputs() && self.hint(rest, NameKind::Output(task), "output").is_none() => {
                self.undeclared_output(name, rest, span);
                self.raw(task, rest, span)?
            }
            None => return self.unknown_output(task, name, rest, span),
        };
        self.order(task, name, rest, span).then_some(target)
    }

    fn raw(&mut self, task: usize, path: &str, span: Option<Span>) -> Option<Target> {
        Some(Target::Raw { task, selector: self.path(path, span)?, list: path.contains("[]") })
    }

    fn undeclared_output(&mut self, name: &str, output: &str, span: Option<Span>) {
        let message = format!("task `{name}` declares no output `{output}`");
        let finding = self.warning(Code::UNDEFINED_OUTPUT, message, span);
        self.report(finding.help(format!("member `{output}` of its raw result is read")));
    }

    fn unknown_task(&mut self, name: &str, span: Option<Span>) -> Option<Target> {
        let message = format!("task `{name}` does not exist");
        let mut finding = self.error(Code::UNDEFINED_TASK, message, span).label("not found under `Tasks`");
        finding.help = self.hint(name, NameKind::Task, "task");
        if finding.help.is_none() && self.names.parameter(name).is_some() {
            finding = finding.help(format!("`{name}` is a parameter; read into it with `Fn::Select` or `Fn::Jq`"));
        }
        self.report(finding);
        None
    }

    fn unknown_output(&mut self, task: usize, name: &str, output: &str, span: Option<Span>) -> Option<Target> {
        let message = format!("task `{name}` has no output `{output}`");
        let mut finding =
            self.error(Code::UNDEFINED_OUTPUT, message, span).label("not found under the `Outputs` of the task");
        finding.help = self.hint(output, NameKind::Output(task), "output");
        self.report(finding);
        None
    }

    /// A task sees what tasks before it produced (template-language 3.7): reading a later one gives null, reading
    /// itself is an error.
    fn order(&mut self, task: usize, name: &str, rest: &str, span: Option<Span>) -> bool {
        let Some(current) = self.names.current_task() else { return true };
        if task == current {
            let message = format!("task `{name}` reads its own output `{rest}`");
            self.report(self.error(Code::UNDEFINED_OUTPUT, message, span).label("not produced yet"));
        } else if self.names.is_later(task) {
            let message = format!("task `{name}` comes later, so `{rest}` is null unless a jump back ran it");
            self.report(self.warning(Code::REFERENCE_LATER, message, span));
        }
        task != current
    }

    fn path(&mut self, path: &str, span: Option<Span>) -> Option<Arc<Selector>> {
        match Selector::parse(&path_program(path)) {
            Ok(selector) => Some(Arc::new(selector)),
            Err(error) => {
                self.report(self.error(Code::SELECTOR, one_line(&error.to_string()), span));
                None
            }
        }
    }

    fn hint(&self, name: &str, kind: NameKind, what: &str) -> Option<String> {
        let candidates = self.names.candidates(kind);
        let near = nearest(name, candidates.iter().map(String::as_str))?;
        let article = if what == "output" { "an" } else { "a" };
        Some(format!("{article} {what} named `{near}` exists"))
    }

    fn fold(&mut self, what: &str, name: &str, exact: bool, kind: NameKind, span: Option<Span>) {
        if !exact {
            let candidates = self.names.candidates(kind);
            let declared = candidates.iter().find(|c| c.eq_ignore_ascii_case(name)).map_or(name, String::as_str);
            self.case(what, name, declared, span);
        }
    }

    fn case(&mut self, what: &str, name: &str, declared: &str, span: Option<Span>) {
        let message = format!("{what} `{name}` matches only when case is ignored");
        let mut finding = self.warning(Code::REFERENCE_CASE, message, span);
        if declared != name {
            finding = finding.help(format!("it is spelled `{declared}`"));
        }
        self.report(finding);
    }
}

fn push_literal(segments: &mut Vec<Segment>, text: Option<&str>) {
    if let Some(text) = text.filter(|t| !t.is_empty()) {
        segments.push(Segment::Literal(text.into()));
    }
}

/// A reference with nothing but blanks around it is whole and keeps the type of its value (template-language 3.3).
fn whole_or_text(text: &Arc<str>, segments: Vec<Segment>) -> ExprKind {
    let mut references = segments.iter().filter_map(|segment| match segment {
        Segment::Reference(reference) => Some(reference),
        Segment::Literal(_) => None,
    });
    let first = references.next();
    let one = first.filter(|_| references.next().is_none());
    let blank = segments.iter().all(|s| match s {
        Segment::Literal(text) => text.trim().is_empty(),
        Segment::Reference(_) => true,
    });
    match (first, one) {
        (None, _) => ExprKind::Literal(Value::String(text.clone())),
        (Some(_), Some(whole)) if blank => ExprKind::Reference(whole.clone()),
        _ => ExprKind::Text(segments.into()),
    }
}

/// The message without line breaks, which a reference may hold.
fn one_line(message: &str) -> String {
    message.replace(['\r', '\n'], " ")
}

/// Finds pieces of one scalar again in the source text, in order.
struct Places<'s> {
    source: &'s str,
    at: usize,
    scalar: Option<Span>,
}

impl Places<'_> {
    /// Where `part` of the next `raw` stands; the whole scalar when escapes or folding hide it.
    fn next(&mut self, raw: &str, part: Range<usize>) -> Option<Span> {
        let scalar = self.scalar?;
        let found = self.source.get(self.at..).and_then(|rest| rest.find(raw));
        let Some(at) = found.map(|at| at + self.at) else { return Some(scalar) };
        self.at = at + raw.len();
        let start = scalar.start as usize + at;
        Some(Span::new(start + part.start, start + part.end))
    }
}
