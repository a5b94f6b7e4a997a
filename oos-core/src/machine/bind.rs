//! Parameters of a run: given values, defaults, types, constraints (template-language 2.2).

use super::{
    scope::{Evaluation, MachineScope, Shared},
    state::Machine,
};
use crate::{
    Map, Value,
    expr::{
        Expr, Scope,
        coerce::{ParameterError, accept},
    },
    plan::{ParameterPlan, Plan},
    ports::action::{ActionError, ActionErrorKind},
};

/// The value given under a name: exact first, else the only one without case; null counts as not given.
pub(super) fn given<'v>(values: &'v Value, name: &str) -> Option<&'v Value> {
    values.as_map()?.get_folded(name).map(|(_, v)| v).filter(|v| !v.is_null())
}

/// Checks given parameters against a plan as far as that is possible without evaluating defaults: unknown names,
/// missing values, types, constraints. Gives the coerced values by declared name.
///
/// # Errors
/// The first finding, with the codes of template-language 10.
pub fn bind_parameters(plan: &Plan, values: &Value) -> Result<Value, ActionError> {
    refuse_unknown(plan, values)?;
    let mut bound = Map::new();
    for parameter in &plan.parameters {
        match given(values, parameter.name.as_str()) {
            Some(value) => {
                bound.insert(parameter.name.text().clone(), checked(parameter, value)?);
            }
            None if parameter.default.is_none() => return Err(missing(parameter)),
            None => {}
        }
    }
    Ok(Value::from(bound))
}

pub(super) fn refuse_unknown(plan: &Plan, values: &Value) -> Result<(), ActionError> {
    let map = match values {
        Value::Null => return Ok(()),
        Value::Map(map) => map,
        other => {
            let message = format!("parameters must be a map, not {}", other.kind());
            return Err(ActionError::new(ActionErrorKind::InvalidProperty, "InvalidParameter.Type", message));
        }
    };
    for key in map.keys() {
        let known = plan.parameters.iter().any(|p| p.name.as_str().eq_ignore_ascii_case(key));
        if !known {
            let names = plan.parameters.iter().map(|p| p.name.as_str());
            let hint = crate::diagnostic::nearest::nearest(key, names);
            let hint = hint.map(|h| format!("; did you mean `{h}`?")).unwrap_or_default();
            let message = format!("parameter `{key}` is not declared{hint}");
            return Err(ActionError::new(ActionErrorKind::InvalidProperty, "InvalidParameter.Unknown", message));
        }
    }
    Ok(())
}

/// The value of one parameter as a run would bind it.
///
/// # Errors
/// When there is no such parameter, or the value does not fit.
pub(crate) fn bind_one(plan: &Plan, name: &str, value: &Value) -> Result<Value, ActionError> {
    let parameter = plan.parameters.iter().find(|p| p.name.as_str().eq_ignore_ascii_case(name));
    let unknown = || ActionError::invalid_property(format!("there is no parameter `{name}`"));
    checked(parameter.ok_or_else(unknown)?, value)
}

/// Indices of all parameters, each behind those that its default names.
fn by_dependence(plan: &Plan) -> Vec<usize> {
    let named = |i: usize| plan.parameters.get(i).and_then(|p| p.default.as_ref()).map(Expr::parameters);
    let mut seen = vec![false; plan.parameters.len()];
    let mut order = Vec::with_capacity(seen.len());
    let mut open: Vec<(usize, bool)> = (0..seen.len()).rev().map(|i| (i, false)).collect();
    while let Some((i, is_ready)) = open.pop() {
        if is_ready {
            order.push(i);
        } else if let Some(slot) = seen.get_mut(i).filter(|seen| !**seen) {
            *slot = true;
            open.push((i, true));
            open.extend(named(i).into_iter().flatten().map(|below| (below, false)));
        }
    }
    order
}

fn missing(parameter: &ParameterPlan) -> ActionError {
    let message = format!("parameter `{}` is required", parameter.name);
    ActionError::new(ActionErrorKind::InvalidProperty, "MissingParameter", message)
}

fn checked(parameter: &ParameterPlan, value: &Value) -> Result<Value, ActionError> {
    let accepted = accept(parameter.name.as_str(), value.clone(), parameter.value_type, &parameter.constraints);
    accepted.map_err(|e| parameter_error(&e))
}

fn parameter_error(error: &ParameterError) -> ActionError {
    ActionError::new(ActionErrorKind::InvalidProperty, error.code, &error.message)
}

impl Machine {
    /// The values of all parameters, in order.
    pub(super) fn bind(&self, shared: &Shared, now: crate::Timestamp) -> Result<Vec<Value>, Evaluation> {
        let scope = MachineScope::new(self, shared, now, None);
        // What a default names is evaluated before it, so that a long chain of them takes no deep stack; the scope
        // remembers the result, and the loop below reports what went wrong.
        for i in by_dependence(&self.plan) {
            let _ = scope.parameter(i);
        }
        let mut bound = Vec::with_capacity(self.plan.parameters.len());
        for (i, parameter) in self.plan.parameters.iter().enumerate() {
            let is_given = given(&self.state.given, parameter.name.as_str()).is_some();
            if !is_given && parameter.default.is_none() {
                return Err(Evaluation::Failed(missing(parameter)));
            }
            let value = scope.parameter(i).map_err(|stop| Evaluation::from_stop(stop, shared))?;
            // CHOICE: a null default is "not given", and constraints speak only of what is given.
            if !value.is_null() {
                checked(parameter, &value).map_err(Evaluation::Failed)?;
            }
            bound.push(value);
        }
        Ok(bound)
    }
}
