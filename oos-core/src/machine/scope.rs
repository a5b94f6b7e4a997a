//! What references mean inside a machine.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

use super::state::{Machine, Outer};
use crate::{
    Limits, Timestamp, Value,
    expr::{self, Expr, ExprError, Scope, Stop, StoreReference, Variable, coerce::coerce},
    plan::Plan,
    ports::{
        action::{ActionError, ActionErrorKind},
        parameter_store::ParameterRef,
    },
    selector::SelectorCache,
};

/// A value that must not be seen: of a NoEcho parameter.
#[derive(Clone, PartialEq)]
pub struct Secret {
    /// The name under which a vault keeps it: the execution's id and the parameter's name.
    pub handle: String,
    /// The value.
    pub value: Value,
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Secret({})", self.handle)
    }
}

/// What all machines of a tree share.
#[derive(Clone, Debug, Default)]
pub(super) struct Shared {
    pub(super) limits: Limits,
    pub(super) selectors: SelectorCache,
    /// Stored parameters that have come in: one value for the whole execution.
    pub(super) fetched: BTreeMap<ParameterRef, Value>,
    /// Names that do not exist.
    pub(super) missing: BTreeSet<ParameterRef>,
    /// Names that are on their way.
    pub(super) asked: BTreeSet<ParameterRef>,
    /// Secrets that came in since the host last took them.
    pub(super) secrets: Vec<Secret>,
}

/// Ends the handle of a value that is not the one given: coerced to the parameter's type, or its default.
pub(crate) const BOUND: &str = "~";

/// The scope of one evaluation.
pub(super) struct MachineScope<'a> {
    pub(super) machine: &'a Machine,
    pub(super) shared: &'a Shared,
    pub(super) now: Timestamp,
    pub(super) item: Option<&'a Value>,
    conditions: Known,
    defaults: Known,
}

/// What one evaluation has found out already, by index. Conditions and defaults that name each other twice over would
/// otherwise take time without end, and nothing that they read changes during an evaluation.
type Known = RefCell<BTreeMap<usize, Result<Value, Stop>>>;

fn once(known: &Known, index: usize, evaluate: impl FnOnce() -> Result<Value, Stop>) -> Result<Value, Stop> {
    if let Some(found) = known.borrow().get(&index) {
        return found.clone();
    }
    let found = evaluate();
    known.borrow_mut().insert(index, found.clone());
    found
}

impl<'a> MachineScope<'a> {
    pub(super) fn new(machine: &'a Machine, shared: &'a Shared, now: Timestamp, item: Option<&'a Value>) -> Self {
        Self { machine, shared, now, item, conditions: Known::default(), defaults: Known::default() }
    }
}

impl MachineScope<'_> {
    fn default_of(&self, plan: &Plan, index: usize) -> Result<Value, Stop> {
        let Some(parameter) = plan.parameters.get(index) else { return Ok(Value::Null) };
        let Some(default) = &parameter.default else { return Ok(Value::Null) };
        let value = expr::evaluate(default, self)?;
        coerced(value, parameter.value_type)
    }

    fn outer_variable(outer: &Outer, variable: &Variable) -> Option<Value> {
        match variable {
            Variable::TaskLoopItem => outer.item.clone(),
            _ => None,
        }
    }
}

impl Scope for MachineScope<'_> {
    fn now(&self) -> Timestamp {
        self.now
    }

    fn variable(&self, variable: &Variable) -> Result<Value, ExprError> {
        let supplied = |name: &str| {
            let value = self.machine.settings.variables.get(name).filter(|v| !v.is_null()).cloned();
            value.ok_or_else(|| {
                ExprError::new("UndefinedReference", format!("`ACS::{name}` is used, but the engine was not given it"))
            })
        };
        match variable {
            Variable::RegionId => supplied("RegionId"),
            Variable::AccountId => supplied("AccountId"),
            Variable::ExecuteUser => supplied("ExecuteUser"),
            Variable::OosUtilVersion => supplied("OOSUtilVersion"),
            Variable::Custom(name) => supplied(name),
            Variable::ExecutionId => Ok(Value::from(self.machine.execution_id_for_templates())),
            Variable::CurrentUtcTime => Ok(Value::from(self.now.to_iso())),
            Variable::CurrentDate => Ok(Value::from(self.now.to_date())),
            Variable::TaskLoopItem => {
                let outer = self.machine.outer.as_ref();
                let item = self.item.cloned().or_else(|| outer.and_then(|o| Self::outer_variable(o, variable)));
                item.ok_or_else(|| ExprError::new("UndefinedReference", "`ACS::TaskLoopItem` is read outside a loop"))
            }
        }
    }

    fn parameter(&self, index: usize) -> Result<Value, Stop> {
        match self.machine.outer.as_deref() {
            Some(outer) => Ok(outer.parameters.get(index).cloned().unwrap_or_default()),
            None => match self.machine.state.parameters.get(index) {
                Some(value) => Ok(value.clone()),
                None => self.default_or_given(index),
            },
        }
    }

    fn output(&self, task: usize, output: usize) -> Value {
        match self.machine.task(task) {
            Some(run) => run.outputs.get(output).cloned().unwrap_or_default(),
            None => outer_task(self.machine, task).and_then(|t| t.0.get(output).cloned()).unwrap_or_default(),
        }
    }

    fn raw(&self, task: usize) -> Value {
        match self.machine.task(task) {
            Some(run) => run.document.clone(),
            None => outer_task(self.machine, task).map(|t| t.1.clone()).unwrap_or_default(),
        }
    }

    fn stored(&self, reference: &StoreReference) -> Option<Value> {
        self.shared.fetched.get(reference).cloned()
    }

    fn condition(&self, index: usize) -> Result<Value, Stop> {
        let plan = self.machine.outer.as_ref().map_or(&self.machine.plan, |o| root_plan(o));
        match plan.conditions.get(index) {
            Some(condition) => once(&self.conditions, index, || expr::evaluate(&condition.expr, self)),
            None => Ok(Value::Null),
        }
    }

    fn limits(&self) -> &Limits {
        &self.shared.limits
    }

    fn selectors(&self) -> &SelectorCache {
        &self.shared.selectors
    }
}

fn root_plan(outer: &Outer) -> &std::sync::Arc<Plan> {
    outer.outer.as_deref().map_or(&outer.plan, root_plan)
}

/// Tasks beyond the machine's own are those of the template around, in the order of the levels.
fn outer_task(machine: &Machine, task: usize) -> Option<&(Vec<Value>, Value)> {
    let mut index = task.checked_sub(machine.state.tasks.len())?;
    let mut outer = machine.outer.as_deref()?;
    loop {
        if let Some(task) = outer.tasks.get(index) {
            return Some(task);
        }
        index -= outer.tasks.len();
        outer = outer.outer.as_deref()?;
    }
}

impl MachineScope<'_> {
    /// While parameters are being bound, a default may name a parameter that is not bound yet.
    fn default_or_given(&self, index: usize) -> Result<Value, Stop> {
        let plan = &self.machine.plan;
        let Some(parameter) = plan.parameters.get(index) else { return Ok(Value::Null) };
        match super::bind::given(&self.machine.state.given, parameter.name.as_str()) {
            Some(value) => coerced(value.clone(), parameter.value_type),
            None => once(&self.defaults, index, || self.default_of(plan, index)),
        }
    }
}

impl Machine {
    /// Tells the host the values of NoEcho parameters in a map of given values.
    pub(super) fn tell_secrets(&self, shared: &mut Shared, given: &Value, mark: &str) {
        for parameter in self.plan.parameters.iter().filter(|p| p.no_echo) {
            if let Some(value) = super::bind::given(given, parameter.name.as_str()) {
                let handle = format!("{}/{}{mark}", self.id, parameter.name);
                shared.secrets.push(Secret { handle, value: value.clone() });
            }
        }
    }

    /// Tells the host the values of NoEcho parameters as they were bound: with their types, defaults included.
    pub(super) fn tell_bound_secrets(&self, shared: &mut Shared) {
        for (parameter, value) in self.plan.parameters.iter().zip(&self.state.parameters) {
            if parameter.no_echo && !value.is_null() {
                let handle = format!("{}/{}{BOUND}", self.id, parameter.name);
                shared.secrets.push(Secret { handle, value: value.clone() });
            }
        }
    }

    /// `ACS::ExecutionId`: an item of `ACS::Loop` is part of the execution around it.
    fn execution_id_for_templates(&self) -> &crate::ExecutionId {
        self.outer.as_ref().map_or(&self.id, |outer| &outer.id)
    }

    /// Evaluates an expression in this machine.
    pub(super) fn evaluate(
        &self,
        shared: &Shared,
        now: Timestamp,
        item: Option<&Value>,
        expr: &Expr,
    ) -> Result<Value, Evaluation> {
        if let Some(value) = expr.as_literal() {
            return Ok(value.clone());
        }
        let item = item.or(self.state.item.as_ref());
        let scope = MachineScope::new(self, shared, now, item);
        expr::evaluate(expr, &scope).map_err(|stop| Evaluation::from_stop(stop, shared))
    }

    /// Evaluates a condition in this machine.
    pub(super) fn condition(
        &self,
        shared: &Shared,
        now: Timestamp,
        item: Option<&Value>,
        expr: &Expr,
    ) -> Result<bool, Evaluation> {
        let value = self.evaluate(shared, now, item, expr)?;
        expr::truth(&value).map_err(|e| Evaluation::Failed(expr_error(&e)))
    }
}

/// A default may be null: a parameter that is not given.
fn coerced(value: Value, value_type: crate::template::ValueType) -> Result<Value, Stop> {
    if value.is_null() {
        return Ok(value);
    }
    coerce(value, value_type).map_err(|e| Stop::Error(ExprError::new(e.code, e.message)))
}

/// Why an evaluation in a machine stopped.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Evaluation {
    /// Stored parameters are needed.
    Need(Vec<ParameterRef>),
    /// It failed.
    Failed(ActionError),
}

impl Evaluation {
    pub(super) fn from_stop(stop: Stop, shared: &Shared) -> Self {
        match stop {
            Stop::Error(error) => Self::Failed(expr_error(&error)),
            Stop::Need(names) => match names.iter().find(|n| shared.missing.contains(n)) {
                Some(name) => Self::Failed(ActionError::new(
                    ActionErrorKind::InvalidProperty,
                    "EntityNotExists.Parameter",
                    format!("the stored parameter `{name}` does not exist"),
                )),
                None => Self::Need(names),
            },
        }
    }
}

pub(super) fn expr_error(error: &ExprError) -> ActionError {
    ActionError::new(ActionErrorKind::InvalidProperty, error.code, &error.message)
}
