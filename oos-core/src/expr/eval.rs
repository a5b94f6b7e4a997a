//! Evaluation of an expression to a value.
//!
//! Values are never scanned for references again (template-language 2.5): what a reference gives is data. `Fn::If`,
//! `Fn::And` and `Fn::Or` evaluate only what they need, so an untaken branch neither fails nor fetches anything.
//! A reference to a secret is not read here at all: it stays text, which the driver replaces just before an action
//! runs.

use std::sync::Arc;

use super::{
    Call, Expr, ExprError, ExprKind, FunctionContext, Reference, Scope, Segment, StoreReference, Target, Variable,
    bound,
    functions::{Kind, args, string},
    parser::NESTING,
};
use crate::{
    Map, Value,
    selector::{Selector, SelectorError},
};

/// Why an evaluation stopped.
#[derive(Clone, Debug, PartialEq)]
pub enum Stop {
    /// Values of the parameter store are needed first.
    Need(Vec<StoreReference>),
    /// It failed.
    Error(ExprError),
}

impl From<ExprError> for Stop {
    fn from(error: ExprError) -> Self {
        Self::Error(error)
    }
}

/// Evaluates an expression.
///
/// # Errors
/// [`Stop::Need`] when a stored parameter has to be fetched first, [`Stop::Error`] when it fails.
pub fn evaluate(expr: &Expr, scope: &dyn Scope) -> Result<Value, Stop> {
    match &expr.kind {
        ExprKind::Literal(value) => Ok(value.clone()),
        _ => Evaluator { scope, depth: 0 }.bounded(expr),
    }
}

/// CHOICE: characters of a text that an error about a condition shows.
const SHOWN: usize = 40;

/// Reads a value as a condition: a boolean, or the text `true` or `false` in any case.
///
/// # Errors
/// `InvalidConditionValue` for anything else.
pub fn truth(value: &Value) -> Result<bool, ExprError> {
    match value {
        Value::Bool(b) => Ok(*b),
        Value::String(s) if s.eq_ignore_ascii_case("true") => Ok(true),
        Value::String(s) if s.eq_ignore_ascii_case("false") => Ok(false),
        Value::String(s) if s.chars().count() <= SHOWN && !s.contains(['\n', '\r']) => {
            Err(ExprError::new("InvalidConditionValue", format!("the text `{s}` is neither true nor false")))
        }
        other => {
            let message = format!("a value of type {} is neither true nor false", other.kind());
            Err(ExprError::new("InvalidConditionValue", message))
        }
    }
}

/// The value without the null members of its maps, at any depth; null members of lists stay
/// (template-language 3.7, actions.md 3.5: null in properties means "not given").
#[must_use]
pub fn drop_nulls(value: Value) -> Value {
    without_nulls(&value).unwrap_or(value)
}

/// The value without null members; nothing when it has none, so that what stays is shared.
fn without_nulls(value: &Value) -> Option<Value> {
    match value {
        Value::List(list) => {
            let changed: Vec<Option<Value>> = list.iter().map(without_nulls).collect();
            let is_changed = changed.iter().any(Option::is_some);
            let items = changed.into_iter().zip(list.iter()).map(|(new, old)| new.unwrap_or_else(|| old.clone()));
            is_changed.then(|| items.collect())
        }
        Value::Map(map) => {
            let changed: Vec<Option<Value>> = map.values().map(without_nulls).collect();
            let is_changed = changed.iter().any(Option::is_some) || map.values().any(Value::is_null);
            let members = changed.into_iter().zip(map.iter()).filter(|(_, (_, old))| !old.is_null());
            let members = members.map(|(new, (key, old))| (key.clone(), new.unwrap_or_else(|| old.clone())));
            is_changed.then(|| Value::from(members.collect::<Map>()))
        }
        _ => None,
    }
}

/// What is needed from the parameter store, gathered over the parts of one expression.
#[derive(Default)]
struct Needs(Vec<StoreReference>);

impl Needs {
    /// The value of a part; null while something is needed, because then no value will be used.
    fn take(&mut self, part: Result<Value, Stop>) -> Result<Value, Stop> {
        match part {
            Err(Stop::Need(needed)) => {
                let new = needed.into_iter().filter(|n| !self.0.contains(n)).collect::<Vec<_>>();
                self.0.extend(new);
                Ok(Value::Null)
            }
            other => other,
        }
    }

    fn finish<T>(self, value: T) -> Result<T, Stop> {
        if self.0.is_empty() { Ok(value) } else { Err(Stop::Need(self.0)) }
    }
}

struct Evaluator<'s> {
    scope: &'s dyn Scope,
    depth: usize,
}

impl Evaluator<'_> {
    fn limit(&self) -> usize {
        self.scope.limits().value_bytes
    }

    /// The value, checked to be within bounds where evaluating made it bigger.
    fn bounded(&mut self, expr: &Expr) -> Result<Value, Stop> {
        let value = self.value(expr)?;
        if matches!(expr.kind, ExprKind::List(_) | ExprKind::Map(_)) {
            bound::check(&value, self.limit()).map_err(|e| e.at(expr.span))?;
        }
        Ok(value)
    }

    fn value(&mut self, expr: &Expr) -> Result<Value, Stop> {
        if self.depth > NESTING {
            let message = format!("the value nests deeper than {NESTING} levels");
            return Err(ExprError::new("LimitExceeded.ValueSize", message).at(expr.span).into());
        }
        self.depth += 1;
        let value = match &expr.kind {
            ExprKind::Literal(value) => Ok(value.clone()),
            ExprKind::Reference(reference) => self.reference(reference),
            ExprKind::Text(segments) => self.text(segments),
            ExprKind::List(list) => self.list(list, Self::value),
            ExprKind::Map(map) => self.map(map),
            ExprKind::Call(call) => self.call(call),
            ExprKind::Condition(index) => self.scope.condition(*index),
        };
        self.depth -= 1;
        value.map_err(|stop| at(stop, expr))
    }

    fn list(&mut self, list: &[Expr], each: fn(&mut Self, &Expr) -> Result<Value, Stop>) -> Result<Value, Stop> {
        let mut needs = Needs::default();
        let mut values = Vec::with_capacity(list.len());
        for expr in list {
            values.push(needs.take(each(self, expr))?);
        }
        needs.finish(Value::from(values))
    }

    fn map(&mut self, map: &[(Arc<str>, Expr)]) -> Result<Value, Stop> {
        let mut needs = Needs::default();
        let mut values = Map::with_capacity(map.len());
        for (key, expr) in map {
            values.insert(key.clone(), needs.take(self.value(expr))?);
        }
        needs.finish(Value::from(values))
    }

    fn text(&mut self, segments: &[Segment]) -> Result<Value, Stop> {
        let limit = self.limit();
        let mut needs = Needs::default();
        let mut text = String::new();
        for segment in segments {
            match segment {
                Segment::Literal(literal) => bound::append_str(&mut text, literal, limit)?,
                Segment::Reference(reference) => {
                    let value = needs.take(self.reference(reference))?;
                    bound::append(&mut text, &value, limit).map_err(|e| e.at(reference.span))?;
                }
            }
        }
        needs.finish(Value::from(text))
    }

    fn reference(&self, reference: &Reference) -> Result<Value, Stop> {
        let scope = self.scope;
        let value = match &reference.target {
            Target::Variable(Variable::CurrentUtcTime) => Ok(scope.now().to_iso().into()),
            Target::Variable(Variable::CurrentDate) => Ok(scope.now().to_date().into()),
            Target::Variable(variable) => scope.variable(variable).map_err(Stop::from),
            Target::LoopItemPath(path) => self.item_path(path).map_err(Stop::from),
            Target::Store(stored) => self.stored(stored),
            Target::Parameter(index) => scope.parameter(*index),
            Target::Output { task, output } => Ok(scope.output(*task, *output)),
            Target::Raw { task, selector, list } => self.raw(&scope.raw(*task), selector, *list).map_err(Stop::from),
        };
        value.map_err(|stop| match stop {
            Stop::Error(error) => Stop::Error(error.at(reference.span)),
            need => need,
        })
    }

    fn item_path(&self, path: &Selector) -> Result<Value, ExprError> {
        let item = self.scope.variable(&Variable::TaskLoopItem)?;
        self.raw(&item, path, false)
    }

    /// A secret stays the text that names it, without blanks, which is the form that templates take apart
    /// (template-language 2.5); any other stored value has to be there.
    fn stored(&self, reference: &StoreReference) -> Result<Value, Stop> {
        if reference.secret {
            return Ok(Value::from(format!("{{{{{reference}}}}}")));
        }
        self.scope.stored(reference).ok_or_else(|| Stop::Need(vec![reference.clone()]))
    }

    /// CHOICE: a raw result that was not kept reads as null, like any output of a task that did not run, instead of
    /// running the path on null, where `[]` would fail.
    fn raw(&self, raw: &Value, selector: &Selector, list: bool) -> Result<Value, ExprError> {
        if raw.is_null() {
            return Ok(Value::Null);
        }
        let results = selector.run(raw, self.scope.limits()).map_err(selector_error)?;
        Ok(if list { Value::from(results) } else { results.into_iter().next().unwrap_or_default() })
    }

    fn call(&mut self, call: &Call) -> Result<Value, Stop> {
        let argument = &call.argument;
        let result = match call.function.kind {
            Kind::Strict(function) => self.argument(argument).and_then(|a| self.apply(function, &a)),
            Kind::If => self.choose(argument),
            Kind::And => self.junction(argument, false),
            Kind::Or => self.junction(argument, true),
            Kind::Not => self.negate(argument),
            Kind::Replace => self.replace(argument),
        };
        result.map_err(|stop| match stop {
            Stop::Error(error) => Stop::Error(in_function(&call.function.name, error).at(call.span)),
            need => need,
        })
    }

    fn apply(
        &self,
        function: fn(&Value, &FunctionContext<'_>) -> Result<Value, ExprError>,
        argument: &Value,
    ) -> Result<Value, Stop> {
        let (limits, selectors) = (self.scope.limits(), self.scope.selectors());
        let result = function(argument, &FunctionContext { now: self.scope.now(), limits, selectors })?;
        bound::check(&result, limits.value_bytes)?;
        Ok(result)
    }

    /// The argument of a strict function. The members of a list are bounded one by one: functions look at them as
    /// they are, and their results are checked.
    fn argument(&mut self, argument: &Expr) -> Result<Value, Stop> {
        match &argument.kind {
            ExprKind::List(list) => self.list(list, Self::bounded),
            _ => self.bounded(argument),
        }
    }

    fn choose(&mut self, argument: &Expr) -> Result<Value, Stop> {
        if let ExprKind::List(parts) = &argument.kind {
            let [condition, then, otherwise] = &**parts else { return Err(args::wrong_count(3, parts.len()).into()) };
            let taken = if truth(&self.value(condition)?)? { then } else { otherwise };
            return self.bounded(taken);
        }
        let [condition, then, otherwise] = args::exactly(&self.bounded(argument)?)?;
        Ok(if truth(&condition)? { then } else { otherwise })
    }

    /// `Fn::And` (decided by the first false) and `Fn::Or` (by the first true).
    fn junction(&mut self, argument: &Expr, decided_by: bool) -> Result<Value, Stop> {
        if let ExprKind::List(parts) = &argument.kind {
            for part in parts.iter() {
                if truth(&self.value(part)?)? == decided_by {
                    return Ok(decided_by.into());
                }
            }
            return Ok((!decided_by).into());
        }
        let list = args::list(&self.bounded(argument)?)?;
        Ok(super::functions::logic::junction(&list, decided_by)?)
    }

    fn negate(&mut self, argument: &Expr) -> Result<Value, Stop> {
        let value = self.value(argument)?;
        let condition = match value.as_list() {
            Some([one]) => one,
            Some(list) => return Err(args::wrong_count(1, list.len()).into()),
            None => &value,
        };
        Ok(Value::Bool(!truth(condition)?))
    }

    fn replace(&mut self, argument: &Expr) -> Result<Value, Stop> {
        let limit = self.limit();
        if let ExprKind::List(parts) = &argument.kind
            && let [Expr { kind: ExprKind::List(pairs), .. }, text] = &**parts
        {
            let mut needs = Needs::default();
            let pairs = needs.take(self.list(pairs, Self::bounded))?;
            let text = needs.take(self.bounded(text))?;
            let (pairs, text) = needs.finish((pairs, text))?;
            return Ok(string::replace_pairs(&string::pairs_of_list(&pairs)?, &text, limit)?);
        }
        let [map, text] = args::exactly(&self.argument(argument)?)?;
        let map = args::map(&map)?;
        Ok(string::replace_pairs(&string::pairs_of_map(&map), &text, limit)?)
    }
}

fn at(stop: Stop, expr: &Expr) -> Stop {
    match stop {
        Stop::Error(error) => Stop::Error(error.at(expr.span)),
        need => need,
    }
}

pub(super) fn selector_error(error: SelectorError) -> ExprError {
    let code = if matches!(error, SelectorError::Compile { .. }) { "InvalidSelector" } else { "SelectorError" };
    ExprError::new(code, error.to_string())
}

/// Puts the path of functions in front of a message: `` `Fn::Join` > `Fn::Select`: … ``.
fn in_function(name: &str, error: ExprError) -> ExprError {
    if !matches!(error.code, "FunctionError" | "UnsupportedFunction" | "InvalidConditionValue") {
        return error;
    }
    let separator = if error.message.starts_with("`Fn::") { " >" } else { ":" };
    ExprError { message: format!("`{name}`{separator} {}", error.message).into(), ..error }
}
