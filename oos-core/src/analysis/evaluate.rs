//! Evaluation of expressions to symbolic values.
//!
//! As the real evaluation wherever all is known: a call of a function whose argument is known goes through
//! [`crate::expr::evaluate`]. What is not known makes unknown whatever cannot be decided without it; an error is an
//! error only when it would be one in every run.

use std::sync::Arc;

use super::{
    frame::Frame,
    symbolic::{Symbolic, shortened},
};
use crate::{
    Limits, Timestamp, Value,
    expr::{
        self, Call, Expr, ExprError, ExprKind, Kind, Reference, Scope, Segment, Stop, StoreReference, Target, Variable,
    },
    selector::{Selector, SelectorCache, wrap},
    template::ValueType,
};

/// Nodes that one evaluation looks at. CHOICE: beyond any template of the size limit; conditions that name each other
/// could double the work at every step.
const MOST_NODES: usize = 50_000;

/// Levels that one evaluation goes down, conditions and defaults included. CHOICE: as deep as documents may nest, twice.
const DEEPEST: usize = 128;

/// Evaluates an expression in a frame.
///
/// # Errors
/// What the run would fail with.
pub(super) fn evaluate(expr: &Expr, frame: &Frame<'_>) -> Result<Symbolic, ExprError> {
    Evaluator { frame, nodes: 0, depth: 0 }.value(expr)
}

/// Evaluates a condition: `None` when it cannot be decided.
///
/// # Errors
/// What the run would fail with.
pub(super) fn decide(expr: &Expr, frame: &Frame<'_>) -> Result<Option<bool>, ExprError> {
    Evaluator { frame, nodes: 0, depth: 0 }.truth(expr)
}

/// Runs a selector on a value; `list` asks for all results.
///
/// # Errors
/// What the run would fail with.
pub(super) fn select(
    value: &Symbolic,
    selector: &Selector,
    list: bool,
    origin: &str,
    limits: &Limits,
) -> Result<Symbolic, ExprError> {
    if value.is_null() {
        return Ok(Symbolic::NULL);
    }
    if let Some(known) = value.known() {
        let results = selector.run(known, limits).map_err(|e| ExprError::new("SelectorError", e.to_string()))?;
        let first = |results: Vec<Value>| results.into_iter().next().unwrap_or_default();
        return Ok(Symbolic::Known(if list { Value::from(results) } else { first(results) }));
    }
    let picked = if list { None } else { fields(selector.text()) };
    Ok(match picked {
        Some(path) => match path.iter().fold(value.clone(), |at, key| at.member(key)) {
            Symbolic::Unknown(_) => Symbolic::unknown(origin),
            picked => picked,
        },
        None => Symbolic::unknown(origin),
    })
}

/// The output of a declared type that a selector finds in a result document (template-language 7.3).
///
/// # Errors
/// What the run would fail with.
pub(super) fn extract(
    document: &Symbolic,
    selector: &Selector,
    value_type: ValueType,
    origin: &str,
    limits: &Limits,
) -> Result<Symbolic, ExprError> {
    if let Some(known) = document.known() {
        let results = selector.run(known, limits).map_err(|e| ExprError::new("SelectorError", e.to_string()))?;
        return Ok(Symbolic::Known(wrap(value_type, results)));
    }
    let one = select(document, selector, false, origin, limits)?;
    Ok(match value_type {
        // A path of plain fields has one result, any other selector has nobody knows how many.
        ValueType::List if fields(selector.text()).is_some() => Symbolic::list(vec![one]),
        ValueType::List => Symbolic::unknown(origin),
        _ => one,
    })
}

/// The keys of a selector that is a path of plain fields.
fn fields(text: &str) -> Option<Vec<&str>> {
    let path = text.trim();
    let path = path.strip_prefix('.').unwrap_or(path);
    let plain = |key: &&str| !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if path.is_empty() {
        return Some(Vec::new());
    }
    let keys: Vec<&str> = path.split('.').collect();
    keys.iter().all(plain).then_some(keys)
}

struct Evaluator<'f> {
    frame: &'f Frame<'f>,
    nodes: usize,
    depth: usize,
}

impl Evaluator<'_> {
    fn value(&mut self, expr: &Expr) -> Result<Symbolic, ExprError> {
        self.nodes += 1;
        if self.nodes > MOST_NODES || self.depth > DEEPEST {
            return Ok(Symbolic::unknown("too much to evaluate"));
        }
        self.depth += 1;
        let value = match &expr.kind {
            ExprKind::Literal(value) => Ok(Symbolic::Known(value.clone())),
            ExprKind::Reference(reference) => self.reference(reference),
            ExprKind::Text(segments) => self.text(segments),
            ExprKind::List(list) => self.list(list).map(Symbolic::list),
            ExprKind::Map(map) => {
                let members = map.iter().map(|(k, e)| Ok((k.clone(), self.value(e)?))).collect::<Result<_, _>>();
                members.map(Symbolic::map)
            }
            ExprKind::Call(call) => self.call(call),
            ExprKind::Condition(index) => match self.frame.condition(*index) {
                Some(condition) => self.value(condition),
                None => Ok(Symbolic::NULL),
            },
        };
        self.depth -= 1;
        value.map_err(|e| e.at(expr.span))
    }

    fn list(&mut self, list: &[Expr]) -> Result<Vec<Symbolic>, ExprError> {
        list.iter().map(|e| self.value(e)).collect()
    }

    fn text(&mut self, segments: &[Segment]) -> Result<Symbolic, ExprError> {
        let mut parts = Vec::with_capacity(segments.len());
        for segment in segments {
            parts.push(match segment {
                Segment::Literal(text) => Symbolic::Known(Value::from(text.clone())),
                Segment::Reference(reference) => self.reference(reference)?,
            });
        }
        self.joined(&parts, "")
    }

    fn joined(&self, parts: &[Symbolic], delimiter: &str) -> Result<Symbolic, ExprError> {
        let (mut text, mut all_known) = (String::new(), true);
        for (i, part) in parts.iter().enumerate() {
            let (piece, known) = part.inside_text();
            all_known &= known;
            if i > 0 {
                text.push_str(delimiter);
            }
            text.push_str(&piece);
            if text.len() > self.frame.facts.limits.value_bytes {
                return Err(ExprError::new("LimitExceeded.ValueSize", "the value is too large"));
            }
        }
        Ok(if all_known { Symbolic::Known(text.into()) } else { Symbolic::Text(text.into()) })
    }

    fn reference(&mut self, reference: &Reference) -> Result<Symbolic, ExprError> {
        let (frame, limits) = (self.frame, &self.frame.facts.limits);
        match &reference.target {
            Target::Variable(variable) => frame.variable(variable),
            Target::LoopItemPath(path) => {
                select(&frame.variable(&Variable::TaskLoopItem)?, path, false, &reference.text, limits)
            }
            // As in a run: the reference stays text until just before an action runs.
            Target::Store(stored) if stored.secret => Ok(Symbolic::Known(format!("{{{{{stored}}}}}").into())),
            Target::Store(stored) => Ok(Symbolic::unknown(stored.to_string())),
            Target::Parameter(index) => match frame.parameter(*index) {
                Ok(value) => Ok(value),
                Err(default) => self.value(default),
            },
            Target::Output { task, output } => Ok(frame.output(*task, *output, &reference.text)),
            Target::Raw { task, selector, list } => {
                select(&frame.raw(*task, &reference.text), selector, *list, &reference.text, limits)
            }
        }
    }

    fn call(&mut self, call: &Arc<Call>) -> Result<Symbolic, ExprError> {
        match call.function.kind {
            Kind::If => self.choose(call),
            Kind::And => self.junction(call, false),
            Kind::Or => self.junction(call, true),
            Kind::Not => self.negate(call),
            Kind::Strict(_) | Kind::Replace => {
                let argument = self.value(&call.argument)?;
                self.apply(call, argument)
            }
        }
    }

    /// The function on an argument: really, when all of it is known.
    fn apply(&self, call: &Arc<Call>, argument: Symbolic) -> Result<Symbolic, ExprError> {
        let tells_time = &*call.function.name == "Fn::CalculateTimeByOpsWindow";
        match argument.known() {
            Some(_) if tells_time && self.frame.facts.now.is_none() => Ok(unknown_call(call, &argument)),
            Some(known) => self.apply_known(call, known),
            None => self.apply_partly(call, &argument),
        }
    }

    fn apply_known(&self, call: &Arc<Call>, argument: &Value) -> Result<Symbolic, ExprError> {
        let argument = literal_like(&call.argument, argument);
        let call = Call { function: call.function.clone(), argument, span: call.span };
        let expr = Expr { kind: ExprKind::Call(Arc::new(call)), span: None };
        let facts = self.frame.facts;
        let scope = Bare { now: facts.now.unwrap_or_default(), limits: &facts.limits, selectors: &facts.selectors };
        match expr::evaluate(&expr, &scope) {
            Ok(value) => Ok(Symbolic::Known(value)),
            Err(Stop::Error(error)) => Err(error),
            Err(Stop::Need(_)) => Ok(Symbolic::unknown("a stored parameter")),
        }
    }

    /// Functions that say something although parts of the argument are not known.
    fn apply_partly(&self, call: &Arc<Call>, argument: &Symbolic) -> Result<Symbolic, ExprError> {
        let arguments = argument.members().unwrap_or_default();
        let told = match (&*call.function.name, arguments.as_slice()) {
            ("Fn::Join", [delimiter, list]) => match (delimiter.known_text(), list.members()) {
                (Some(delimiter), Some(members)) => Some(self.joined(&members, &delimiter)?),
                _ => None,
            },
            ("Fn::Select", [key, container, rest @ ..]) => selected(key, container, rest.first()),
            ("Fn::First", [first, ..]) => Some(first.clone()),
            ("Fn::Last", [.., last]) => Some(last.clone()),
            ("Fn::ListJoin", [_, ..]) => Some(argument.clone()),
            _ => None,
        };
        Ok(told.unwrap_or_else(|| unknown_call(call, argument)))
    }

    fn choose(&mut self, call: &Arc<Call>) -> Result<Symbolic, ExprError> {
        let ExprKind::List(parts) = &call.argument.kind else { return self.whole(call) };
        let [condition, then, otherwise] = &**parts else { return self.whole(call) };
        match self.truth(condition)? {
            Some(true) => self.value(then),
            Some(false) => self.value(otherwise),
            None => {
                let (then, otherwise) = (self.value(then), self.value(otherwise));
                let (Ok(then), Ok(otherwise)) = (then, otherwise) else { return Ok(Symbolic::unknown("Fn::If")) };
                Ok(then.join(&otherwise, &format!("{then} or {otherwise}")))
            }
        }
    }

    fn junction(&mut self, call: &Arc<Call>, decided_by: bool) -> Result<Symbolic, ExprError> {
        let ExprKind::List(parts) = &call.argument.kind else { return self.whole(call) };
        let mut open = false;
        for part in parts.iter() {
            match self.truth(part) {
                Ok(Some(truth)) if truth == decided_by => return Ok(Symbolic::Known(decided_by.into())),
                Ok(Some(_)) => {}
                Ok(None) => open = true,
                // Behind an undecided part the error may never be met.
                Err(_) if open => {}
                Err(error) => return Err(error),
            }
        }
        Ok(if open { Symbolic::unknown(describe(&call.argument)) } else { Symbolic::Known((!decided_by).into()) })
    }

    fn negate(&mut self, call: &Arc<Call>) -> Result<Symbolic, ExprError> {
        let argument = self.value(&call.argument)?;
        match argument.known() {
            Some(known) => self.apply_known(call, known),
            None => Ok(unknown_call(call, &argument)),
        }
    }

    /// A function whose argument is no list of expressions.
    fn whole(&mut self, call: &Arc<Call>) -> Result<Symbolic, ExprError> {
        let argument = self.value(&call.argument)?;
        match argument.known() {
            Some(known) => self.apply_known(call, known),
            None => Ok(unknown_call(call, &argument)),
        }
    }

    fn truth(&mut self, expr: &Expr) -> Result<Option<bool>, ExprError> {
        match self.value(expr)?.known() {
            Some(value) => expr::truth(value).map(Some),
            None => Ok(None),
        }
    }
}

fn selected(key: &Symbolic, container: &Symbolic, default: Option<&Symbolic>) -> Option<Symbolic> {
    let key = key.known()?;
    let absent = || default.cloned().unwrap_or(Symbolic::Known("".into()));
    if let Some(entries) = container.entries() {
        let key = key.to_text();
        return Some(entries.into_iter().find(|(k, _)| *k == key).map_or_else(absent, |(_, v)| v));
    }
    let members = container.members()?;
    let index = key.as_i64().or_else(|| key.as_str()?.trim().parse().ok())?;
    let length = i64::try_from(members.len()).ok()?;
    let index = usize::try_from(if index < 0 { index + length } else { index }).ok();
    Some(index.and_then(|i| members.get(i)).cloned().unwrap_or_else(absent))
}

/// The argument as expressions of the same form: `Fn::Replace` tells a list of pairs from a map by it.
fn literal_like(written: &Expr, value: &Value) -> Expr {
    let (ExprKind::List(parts), Some(values)) = (&written.kind, value.as_list()) else {
        return Expr::literal(value.clone());
    };
    let pairs = matches!(parts.first().map(|p| &p.kind), Some(ExprKind::List(_)));
    let literals = values.iter().enumerate().map(|(i, v)| match v.as_list() {
        Some(list) if i == 0 && pairs => {
            Expr { kind: ExprKind::List(list.iter().cloned().map(Expr::literal).collect()), span: None }
        }
        _ => Expr::literal(v.clone()),
    });
    Expr { kind: ExprKind::List(literals.collect()), span: None }
}

fn unknown_call(call: &Call, argument: &Symbolic) -> Symbolic {
    let mut origins: Vec<Arc<str>> = Vec::new();
    argument.origins(&mut |origin| {
        if origins.len() < 3 && !origins.contains(origin) {
            origins.push(origin.clone());
        }
    });
    match origins.as_slice() {
        [] => Symbolic::unknown(&call.function.name),
        some => Symbolic::unknown(format!("{} of {}", call.function.name, some.join(", "))),
    }
}

/// The expression for people, in one line.
pub(super) fn describe(expr: &Expr) -> String {
    let mut text = String::new();
    describe_into(expr, &mut text, 0);
    shortened(&text)
}

fn describe_into(expr: &Expr, text: &mut String, depth: usize) {
    if depth > 16 || text.len() > 500 {
        return text.push('…');
    }
    let members = |text: &mut String, list: &[Expr]| {
        for (i, member) in list.iter().enumerate() {
            text.push_str(if i > 0 { ", " } else { "" });
            describe_into(member, text, depth + 1);
        }
    };
    match &expr.kind {
        ExprKind::Literal(value) => text.push_str(&value.to_string()),
        ExprKind::Reference(reference) => text.push_str(&format!("{{{{ {} }}}}", reference.text.trim())),
        ExprKind::Text(segments) => segments.iter().for_each(|segment| match segment {
            Segment::Literal(literal) => text.push_str(literal),
            Segment::Reference(reference) => text.push_str(&format!("{{{{ {} }}}}", reference.text.trim())),
        }),
        ExprKind::List(list) => {
            text.push('[');
            members(text, list);
            text.push(']');
        }
        ExprKind::Map(map) => {
            text.push('{');
            for (key, member) in map.iter() {
                text.push_str(&format!("{key}: "));
                describe_into(member, text, depth + 1);
                text.push(' ');
            }
            text.push('}');
        }
        ExprKind::Call(call) => {
            text.push_str(&call.function.name);
            text.push('(');
            match &call.argument.kind {
                ExprKind::List(list) => members(text, list),
                _ => describe_into(&call.argument, text, depth + 1),
            }
            text.push(')');
        }
        ExprKind::Condition(index) => text.push_str(&format!("condition {}", index + 1)),
    }
}

/// A scope without names, for functions whose arguments are literals.
struct Bare<'a> {
    now: Timestamp,
    limits: &'a Limits,
    selectors: &'a SelectorCache,
}

impl Scope for Bare<'_> {
    fn now(&self) -> Timestamp {
        self.now
    }
    fn variable(&self, _: &Variable) -> Result<Value, ExprError> {
        Ok(Value::Null)
    }
    fn parameter(&self, _: usize) -> Result<Value, Stop> {
        Ok(Value::Null)
    }
    fn output(&self, _: usize, _: usize) -> Value {
        Value::Null
    }
    fn raw(&self, _: usize) -> Value {
        Value::Null
    }
    fn stored(&self, _: &StoreReference) -> Option<Value> {
        None
    }
    fn condition(&self, _: usize) -> Result<Value, Stop> {
        Ok(Value::Null)
    }
    fn limits(&self) -> &Limits {
        self.limits
    }
    fn selectors(&self) -> &SelectorCache {
        self.selectors
    }
}
