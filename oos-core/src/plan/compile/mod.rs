//! Template → plan: resolves names, compiles expressions and selectors, and collects every finding on the way.

mod documents;
mod inline;
mod lazy;
mod looping;
mod task;

use std::sync::Arc;

pub(crate) use lazy::{document, is_document};

pub(crate) use crate::source::escape;

use super::{ChildName, ConditionPlan, Following, OutputPlan, ParameterPlan, Plan, TaskPlan, names::TemplateNames};
use crate::{
    Limits, Value, check,
    diagnostic::{Diagnostic, Diagnostics},
    expr::{self, Compiler, Expr, Functions, coerce::Constraints},
    ports::action::ActionCatalog,
    source::Node,
    template::{Condition, Output, Parameter, TaskOutput, Template, ValueType, meant_type},
};

/// What a template is compiled against.
#[derive(Clone, Debug)]
pub struct Environment {
    /// Actions.
    pub actions: Arc<dyn ActionCatalog>,
    /// Functions.
    pub functions: Functions,
    /// System variables of the embedder, by the name after `ACS::`.
    pub variables: Vec<Arc<str>>,
    /// Bounds.
    pub limits: Limits,
}

impl Environment {
    /// The language's functions and default limits over these actions.
    pub fn new(actions: Arc<dyn ActionCatalog>) -> Self {
        Self { actions, functions: Functions::default(), variables: Vec::new(), limits: Limits::default() }
    }
}

pub(super) fn compile(template: &Template, environment: &Environment) -> Result<Plan, Diagnostics> {
    let names = TemplateNames::of(template, environment);
    compile_with(template, environment, names, &[])
}

/// Compiles with names that may include those of a template around; `results` are the outputs of an `ACS::Loop`,
/// whose selectors are references to the tasks in here.
fn compile_with(
    template: &Template,
    environment: &Environment,
    names: TemplateNames<'_>,
    results: &[TaskOutput],
) -> Result<Plan, Diagnostics> {
    let mut pass = Pass { template, environment, names, found: template.warnings.clone(), children: Vec::new() };
    let mut plan = pass.plan();
    plan.outputs.extend(results.iter().map(|o| pass.loop_result(o)));
    let mut found = pass.found;
    check::run(template, &plan, environment, &mut found);
    found.sort();
    if found.has_errors() {
        return Err(found);
    }
    Ok(Plan { warnings: found, ..plan })
}

struct Pass<'a> {
    template: &'a Template,
    environment: &'a Environment,
    names: TemplateNames<'a>,
    found: Diagnostics,
    children: Vec<ChildName>,
}

impl Pass<'_> {
    fn plan(&mut self) -> Plan {
        let template = self.template;
        let conditions = template.conditions.iter().map(|c| self.condition(c)).collect();
        let parameters = template.parameters.iter().map(|p| self.parameter(p)).collect();
        let ram_role = template.ram_role.as_ref().map(|n| self.expr(n, "/RamRole"));
        let tasks: Vec<TaskPlan> = template.tasks.iter().enumerate().map(|(i, t)| self.task(i, t)).collect();
        self.names.current = None;
        self.names.enter_outputs(true);
        let outputs = template.outputs.iter().map(|o| self.output(o)).collect();
        self.names.enter_outputs(false);
        let mut plan = Plan {
            name: None,
            version: None,
            digest: template.digest.clone(),
            source: template.source.clone(),
            parameters,
            conditions,
            ram_role,
            tasks,
            outputs,
            children: std::mem::take(&mut self.children),
            warnings: Diagnostics::default(),
        };
        self.follow(&mut plan);
        documents::mark(&mut plan);
        plan
    }

    fn expr(&mut self, node: &Node, pointer: &str) -> Expr {
        let mut compiler =
            Compiler { names: &self.names, source: self.template.source.as_ref(), diagnostics: &mut self.found };
        expr::compile(node, pointer, &mut compiler)
    }

    fn condition_expr(&mut self, node: &Node, pointer: &str) -> Expr {
        let mut compiler =
            Compiler { names: &self.names, source: self.template.source.as_ref(), diagnostics: &mut self.found };
        expr::compile_condition(node, pointer, &mut compiler)
    }

    fn condition(&mut self, condition: &Condition) -> ConditionPlan {
        let pointer = format!("/Conditions/{}", escape(condition.name.value.as_str()));
        let before = std::mem::take(&mut self.found);
        let expr = self.condition_expr(&condition.node, &pointer);
        let of_condition = std::mem::replace(&mut self.found, before);
        check::condition(condition, &expr, &pointer, of_condition, &mut self.found);
        ConditionPlan { name: condition.name.value.clone(), expr }
    }

    fn parameter(&mut self, parameter: &Parameter) -> ParameterPlan {
        let pointer = format!("/Parameters/{}", escape(parameter.name.value.as_str()));
        let default = parameter.default.as_ref().map(|n| self.expr(n, &format!("{pointer}/Default")));
        ParameterPlan {
            name: parameter.name.value.clone(),
            value_type: meant_type(parameter.value_type.as_ref()),
            default,
            constraints: self.constraints(parameter, &pointer),
            no_echo: parameter.is_no_echo(),
        }
    }

    fn constraints(&mut self, parameter: &Parameter, pointer: &str) -> Constraints {
        check::constraints(parameter, pointer, &self.environment.limits, &mut self.found)
    }

    fn output(&mut self, output: &Output) -> OutputPlan {
        let pointer = format!("/Outputs/{}/Value", escape(output.name.value.as_str()));
        let value = output.value.as_ref().map_or(Expr::literal(Value::Null), |n| self.expr(n, &pointer));
        OutputPlan { name: output.name.value.clone(), value_type: meant_type(output.value_type.as_ref()), value }
    }

    /// An output of `ACS::Loop`, evaluated where the inner tasks are known.
    fn loop_result(&mut self, output: &TaskOutput) -> OutputPlan {
        self.names.current = None;
        let pointer = format!("/Outputs/{}/ValueSelector", escape(output.name.value.as_str()));
        let value = output.selector.as_ref().map_or(Expr::literal(Value::Null), |n| self.expr(n, &pointer));
        OutputPlan { name: output.name.value.clone(), value_type: ValueType::Json, value }
    }

    /// Resolves `OnSuccess`, `OnError` and `OnCancel`, when all tasks are known. `OnError: ACS::NEXT` forgives a failure
    /// unless `IsCritical` says otherwise (template-language 5.5).
    fn follow(&mut self, plan: &mut Plan) {
        for (i, task) in self.template.tasks.iter().enumerate() {
            let mut resolve = |key: &str, written: &Option<crate::template::Spanned<crate::TaskName>>, default| {
                let Some(target) = written else { return default };
                super::graph::jump(plan, target.value.as_str()).unwrap_or_else(|| {
                    self.found.push(check::jump_target(target, plan, &format!("/Tasks/{i}/{key}")));
                    default
                })
            };
            let success = resolve("OnSuccess", &task.on_success, Following::Next);
            let error = resolve("OnError", &task.on_error, Following::End);
            let cancel = resolve("OnCancel", &task.on_cancel, Following::End);
            if let Some(slot) = plan.tasks.get_mut(i) {
                (slot.on_success, slot.on_error, slot.on_cancel) = (success, error, cancel);
                slot.critical = task.is_critical.as_ref().map_or(error != Following::Next, |c| c.value);
            }
        }
    }

    /// Takes the findings about a template inside this one; `place` says where its pointers lead to in this one.
    fn take(&mut self, inner: &Diagnostics, place: impl Fn(&str) -> String) {
        for finding in inner.iter() {
            self.found.push(Diagnostic { pointer: place(&finding.pointer), ..finding.clone() });
        }
    }
}
