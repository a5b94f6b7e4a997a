//! What references mean in one plan under analysis: parameters, loop item, and what its tasks gave.

use std::sync::Arc;

use super::{
    evaluate::{decide, evaluate},
    symbolic::Symbolic,
};
use crate::{
    Limits, Timestamp, Value,
    expr::{Expr, ExprError, Variable, coerce::accept},
    machine::Rate,
    plan::{LoopPlan, ParameterPlan, Plan, TaskPlan},
    selector::SelectorCache,
    template::ValueType,
};

/// What holds for the whole analysis.
#[derive(Debug, Default)]
pub(super) struct Facts {
    pub(super) variables: Value,
    pub(super) now: Option<Timestamp>,
    pub(super) limits: Limits,
    pub(super) selectors: SelectorCache,
}

/// What a task gave: visible outputs in order, and the raw result. `None` where it did not run.
pub(super) type Given = Option<Arc<Results>>;

/// Results of a task.
#[derive(Clone, Debug)]
pub(super) struct Results {
    pub(super) outputs: Vec<Symbolic>,
    pub(super) document: Symbolic,
}

/// One plan with what its names mean.
#[derive(Debug)]
pub(super) struct Frame<'a> {
    pub(super) facts: &'a Facts,
    pub(super) plan: &'a Plan,
    /// The frame around the tasks of `ACS::Loop`.
    pub(super) outer: Option<&'a Frame<'a>>,
    pub(super) parameters: Vec<Symbolic>,
    pub(super) item: Option<Symbolic>,
    /// What the tasks gave; `None` when nothing is said about any of them.
    pub(super) tasks: Option<Vec<Given>>,
    /// Parameters that would be refused.
    pub(super) problems: Vec<String>,
}

impl<'a> Frame<'a> {
    /// A plan with values for its parameters. What is not known stands for every parameter; without `defaults` a
    /// parameter that is not given is not known.
    pub(super) fn new(facts: &'a Facts, plan: &'a Plan, given: &Symbolic, defaults: bool) -> Self {
        let mut frame = Frame {
            facts,
            plan,
            outer: None,
            parameters: Vec::with_capacity(plan.parameters.len()),
            item: None,
            tasks: None,
            problems: Vec::new(),
        };
        let entries = if given.is_null() { Some(Vec::new()) } else { given.entries() };
        frame.unknown_names(entries.as_deref().unwrap_or_default());
        for parameter in &plan.parameters {
            let value = frame.bind(parameter, entries.as_deref(), defaults);
            frame.parameters.push(value);
        }
        frame
    }

    /// The tasks of `ACS::Loop`, with this frame around them.
    pub(super) fn inner<'b>(&'b self, plan: &'b Plan, item: Symbolic) -> Frame<'b> {
        Frame {
            facts: self.facts,
            plan,
            outer: Some(self),
            parameters: Vec::new(),
            item: Some(item),
            tasks: None,
            problems: Vec::new(),
        }
    }

    fn unknown_names(&mut self, given: &[(Arc<str>, Symbolic)]) {
        let declared = |key: &str| self.plan.parameters.iter().any(|p| p.name.as_str().eq_ignore_ascii_case(key));
        let unknown = given.iter().filter(|(k, _)| !declared(k));
        self.problems = unknown.map(|(k, _)| format!("parameter `{k}` is not declared")).collect();
    }

    fn bind(&mut self, parameter: &ParameterPlan, given: Option<&[(Arc<str>, Symbolic)]>, defaults: bool) -> Symbolic {
        let name = parameter.name.as_str();
        // CHOICE: a secret is never looked at, so that no report can show it.
        let Some(given) = given.filter(|_| !parameter.no_echo) else { return Symbolic::unknown(name) };
        let exact = given.iter().find(|(k, _)| &**k == name);
        let found = exact.or_else(|| given.iter().find(|(k, _)| k.eq_ignore_ascii_case(name)));
        let value = match (found.filter(|(_, v)| !v.is_null()), &parameter.default) {
            (Some((_, value)), _) => value.clone(),
            (None, Some(default)) if defaults => match evaluate(default, self) {
                Ok(value) if value.is_null() => return value,
                Ok(value) => value,
                Err(error) => {
                    self.problems.push(format!("parameter `{name}`: {}", error.message));
                    return Symbolic::unknown(name);
                }
            },
            _ => return Symbolic::unknown(name),
        };
        self.fitting(parameter, value)
    }

    fn fitting(&mut self, parameter: &ParameterPlan, value: Symbolic) -> Symbolic {
        let name = parameter.name.as_str();
        match (value, parameter.value_type) {
            (Symbolic::Known(known), value_type) => match accept(name, known, value_type, &parameter.constraints) {
                Ok(accepted) => Symbolic::Known(accepted),
                Err(error) => {
                    self.problems.push(error.message.to_string());
                    Symbolic::unknown(name)
                }
            },
            (value @ Symbolic::Unknown(_), _)
            | (value @ Symbolic::Text(_), ValueType::String)
            | (value @ Symbolic::List(_), ValueType::List | ValueType::Json)
            | (value @ Symbolic::Map(_), ValueType::Json) => value,
            _ => Symbolic::unknown(name),
        }
    }

    fn root(&self) -> &Frame<'_> {
        self.outer.map_or(self, |outer| outer.root())
    }

    /// The value of a parameter, or the default of one that is not bound yet.
    pub(super) fn parameter(&self, index: usize) -> Result<Symbolic, &Expr> {
        let root = self.root();
        if let Some(value) = root.parameters.get(index) {
            return Ok(value.clone());
        }
        match root.plan.parameters.get(index) {
            Some(ParameterPlan { default: Some(default), no_echo: false, .. }) => Err(default),
            Some(parameter) => Ok(Symbolic::unknown(parameter.name.as_str())),
            None => Ok(Symbolic::NULL),
        }
    }

    pub(super) fn condition(&self, index: usize) -> Option<&Expr> {
        self.root().plan.conditions.get(index).map(|c| &c.expr)
    }

    /// A system variable.
    ///
    /// # Errors
    /// `UndefinedReference` for a loop item outside a loop.
    pub(super) fn variable(&self, variable: &Variable) -> Result<Symbolic, ExprError> {
        let supplied = |name: &str| match self.facts.variables.get(name).filter(|v| !v.is_null()) {
            Some(value) => Symbolic::Known(value.clone()),
            None => Symbolic::unknown(format!("ACS::{name}")),
        };
        let at = |format: fn(Timestamp) -> String, name: &str| match self.facts.now {
            Some(now) => Symbolic::Known(format(now).into()),
            None => Symbolic::unknown(format!("ACS::{name}")),
        };
        Ok(match variable {
            Variable::RegionId => supplied("RegionId"),
            Variable::AccountId => supplied("AccountId"),
            Variable::ExecuteUser => supplied("ExecuteUser"),
            Variable::OosUtilVersion => supplied("OOSUtilVersion"),
            Variable::Custom(name) => supplied(name),
            Variable::ExecutionId => Symbolic::unknown("ACS::ExecutionId"),
            Variable::CurrentUtcTime => at(Timestamp::to_iso, "CurrentUTCTime"),
            Variable::CurrentDate => at(Timestamp::to_date, "CurrentDate"),
            Variable::TaskLoopItem => match (&self.item, self.outer) {
                (Some(item), _) => item.clone(),
                (None, Some(outer)) => outer.variable(variable)?,
                (None, None) => {
                    return Err(ExprError::new("UndefinedReference", "`ACS::TaskLoopItem` is read outside a loop"));
                }
            },
        })
    }

    pub(super) fn output(&self, task: usize, output: usize, origin: &str) -> Symbolic {
        match self.results(task) {
            None => Symbolic::unknown(origin),
            Some(None) => Symbolic::NULL,
            Some(Some(results)) => results.outputs.get(output).cloned().unwrap_or(Symbolic::NULL),
        }
    }

    pub(super) fn raw(&self, task: usize, origin: &str) -> Symbolic {
        match self.results(task) {
            None => Symbolic::unknown(origin),
            Some(None) => Symbolic::NULL,
            Some(Some(results)) => results.document.clone(),
        }
    }

    /// What a task gave; tasks beyond the plan's own are those of the frames around.
    fn results(&self, task: usize) -> Option<&Given> {
        static NOTHING: Given = None;
        match (task.checked_sub(self.plan.tasks.len()), self.outer) {
            (Some(beyond), Some(outer)) => outer.results(beyond),
            (Some(_), None) => Some(&NOTHING),
            (None, _) => self.tasks.as_ref().map(|t| t.get(task).unwrap_or(&NOTHING)),
        }
    }

    /// Evaluates an expression here.
    ///
    /// # Errors
    /// What the run would fail with.
    pub(super) fn evaluate(&self, expr: &Expr) -> Result<Symbolic, ExprError> {
        evaluate(expr, self)
    }

    /// Evaluates a condition here; `None` when it cannot be decided.
    ///
    /// # Errors
    /// What the run would fail with.
    pub(super) fn decide(&self, expr: &Expr) -> Result<Option<bool>, ExprError> {
        decide(expr, self)
    }

    /// The items of a loop (template-language 6.3).
    ///
    /// # Errors
    /// What the run would fail with.
    pub(super) fn items(&self, looping: &LoopPlan) -> Result<Items, ExprError> {
        let items = self.evaluate(&looping.items)?;
        let list = match &items {
            Symbolic::Unknown(origin) | Symbolic::Text(origin) => return Ok(Items::Unknown(origin.clone())),
            Symbolic::Known(Value::Null) => Vec::new(),
            other => other.members().unwrap_or_else(|| vec![other.clone()]),
        };
        let limit = self.facts.limits.loop_items;
        if list.len() > limit {
            let message = format!("the loop has {} items, at most {limit} are allowed", list.len());
            return Err(ExprError::new("LimitExceeded.LoopItems", message));
        }
        Ok(Items::Exact(list))
    }

    /// The rate control of a loop: as written, and as read where it is known. For a loop of unknown length it is read
    /// when no part of it depends on the length, and then only windows and errors mean something.
    ///
    /// # Errors
    /// What the run would fail with.
    pub(super) fn rate(&self, looping: &LoopPlan, items: Option<usize>) -> Result<(Symbolic, Option<Rate>), ExprError> {
        let written = self.evaluate(&looping.rate_control)?;
        let depends = |known: &Value| known.to_text().contains('%') || known.get("Batch").is_some();
        let rate = match (written.known(), items) {
            (Some(known), Some(n)) => Some(Rate::read(known, n, looping.old_form)),
            (Some(known), None) if !depends(known) => {
                Some(Rate::read(known, self.facts.limits.loop_items, looping.old_form))
            }
            _ => None,
        };
        let rate = rate.transpose().map_err(|e| ExprError::new("InvalidLoop", e.message))?;
        Ok((written, rate))
    }

    /// The properties of a task, without what is null.
    ///
    /// # Errors
    /// What the run would fail with.
    pub(super) fn properties(&self, task: &TaskPlan) -> Result<Symbolic, ExprError> {
        self.evaluate(&task.properties).map(Symbolic::without_nulls)
    }
}

/// The items of a loop.
#[derive(Clone, Debug)]
pub(super) enum Items {
    /// These.
    Exact(Vec<Symbolic>),
    /// Not known; the origin.
    Unknown(Arc<str>),
}

impl Items {
    /// What is known of every item.
    pub(super) fn any(&self) -> Symbolic {
        const ITEM: &str = "item";
        match self {
            Self::Unknown(_) => Symbolic::unknown(ITEM),
            Self::Exact(items) => match items.split_first() {
                Some((first, rest)) => rest.iter().fold(first.clone(), |all, item| all.join(item, ITEM)),
                None => Symbolic::unknown(ITEM),
            },
        }
    }
}
