//! A small world for expressions: names with their values, without templates, plans or machines.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::collections::BTreeMap;

use oos_core::{
    Limits, Timestamp, Value,
    diagnostic::Diagnostics,
    expr::{
        Compiler, Expr, ExprError, FunctionContext, Functions, Match, NameKind, Names, Scope, Stop, StoreReference,
        Variable, compile, compile_condition, evaluate,
    },
    selector::SelectorCache,
    source::{Node, SourceText},
};

/// A value from JSON text.
pub(crate) fn json(text: &str) -> Value {
    Value::from_json_str(text).unwrap()
}

/// `code: message` of each finding.
pub(crate) fn findings(diagnostics: &Diagnostics) -> Vec<String> {
    diagnostics.iter().map(|d| format!("{}: {}", d.code, d.message)).collect()
}

/// The code of each finding.
pub(crate) fn codes(diagnostics: &Diagnostics) -> Vec<String> {
    diagnostics.iter().map(|d| d.code.to_string()).collect()
}

#[derive(Clone, Debug)]
struct Task {
    name: String,
    outputs: Vec<(String, Value)>,
    raw: Value,
}

/// Names and values.
#[derive(Clone, Debug)]
pub(crate) struct World {
    parameters: Vec<(String, Value)>,
    tasks: Vec<Task>,
    conditions: Vec<(String, Value)>,
    stored: BTreeMap<String, Value>,
    item: Option<Value>,
    current: Option<usize>,
    /// Functions that may be called.
    pub(crate) functions: Functions,
    /// Bounds.
    pub(crate) limits: Limits,
    selectors: SelectorCache,
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            parameters: Vec::new(),
            tasks: Vec::new(),
            conditions: Vec::new(),
            stored: BTreeMap::new(),
            item: None,
            current: None,
            functions: Functions::default(),
            limits: Limits::default(),
            selectors: SelectorCache::default(),
        }
    }

    pub(crate) fn parameter(mut self, name: &str, value: Value) -> Self {
        self.parameters.push((name.to_owned(), value));
        self
    }

    pub(crate) fn task(mut self, name: &str, outputs: &[(&str, Value)]) -> Self {
        let outputs = outputs.iter().map(|(n, v)| ((*n).to_owned(), v.clone())).collect();
        self.tasks.push(Task { name: name.to_owned(), outputs, raw: Value::Null });
        self
    }

    /// The raw result of the last task.
    pub(crate) fn raw(mut self, raw: Value) -> Self {
        self.tasks.last_mut().unwrap().raw = raw;
        self
    }

    pub(crate) fn condition(mut self, name: &str, value: Value) -> Self {
        self.conditions.push((name.to_owned(), value));
        self
    }

    pub(crate) fn stored(mut self, reference: &str, value: Value) -> Self {
        self.stored.insert(reference.to_owned(), value);
        self
    }

    pub(crate) fn in_loop(mut self, item: Value) -> Self {
        self.item = Some(item);
        self
    }

    /// The task that the expressions belong to.
    pub(crate) fn current(mut self, task: usize) -> Self {
        self.current = Some(task);
        self
    }

    pub(crate) fn compile(&self, value: &Value) -> (Expr, Diagnostics) {
        self.compile_node(&Node::from_value(value), None)
    }

    pub(crate) fn compile_node(&self, node: &Node, source: Option<&SourceText>) -> (Expr, Diagnostics) {
        let mut diagnostics = Diagnostics::default();
        let mut compiler = Compiler { names: self, source, diagnostics: &mut diagnostics };
        (compile(node, "/x", &mut compiler), diagnostics)
    }

    pub(crate) fn evaluate(&self, value: &Value) -> Result<Value, Stop> {
        evaluate(&self.compile(value).0, &TestScope(self))
    }

    fn compile_condition(&self, value: &Value) -> (Expr, Diagnostics) {
        let mut diagnostics = Diagnostics::default();
        let mut compiler = Compiler { names: self, source: None, diagnostics: &mut diagnostics };
        (compile_condition(&Node::from_value(value), "/x", &mut compiler), diagnostics)
    }

    pub(crate) fn condition_value(&self, value: &Value) -> Result<Value, Stop> {
        evaluate(&self.compile_condition(value).0, &TestScope(self))
    }

    pub(crate) fn condition_diagnostics(&self, value: &Value) -> Diagnostics {
        self.compile_condition(value).1
    }
}

fn position<'n>(names: impl Iterator<Item = &'n str> + Clone, name: &str) -> Option<Match<usize>> {
    let exact = names.clone().position(|n| n == name).map(|found| Match { found, exact: true });
    let folded = || names.clone().position(|n| n.eq_ignore_ascii_case(name));
    exact.or_else(|| folded().map(|found| Match { found, exact: false }))
}

fn first<T>(list: &[(String, T)]) -> impl Iterator<Item = &str> + Clone {
    list.iter().map(|(name, _)| name.as_str())
}

impl Names for World {
    fn parameter(&self, name: &str) -> Option<Match<usize>> {
        position(first(&self.parameters), name)
    }

    fn task(&self, name: &str) -> Option<Match<usize>> {
        position(self.tasks.iter().map(|t| t.name.as_str()), name)
    }

    fn output(&self, task: usize, name: &str) -> Option<Match<usize>> {
        let outputs = self.tasks.get(task).map_or(&[][..], |t| t.outputs.as_slice());
        position(first(outputs), name)
    }

    fn condition(&self, name: &str) -> Option<Match<usize>> {
        position(first(&self.conditions), name)
    }

    fn custom_variable(&self, name: &str) -> Option<Variable> {
        (name == "Custom").then(|| Variable::Custom("Custom".into()))
    }

    fn in_loop(&self) -> bool {
        self.item.is_some()
    }

    fn current_task(&self) -> Option<usize> {
        self.current
    }

    fn functions(&self) -> &Functions {
        &self.functions
    }

    fn candidates(&self, kind: NameKind) -> Vec<String> {
        match kind {
            NameKind::Parameter => first(&self.parameters).map(str::to_owned).collect(),
            NameKind::Task => self.tasks.iter().map(|t| t.name.clone()).collect(),
            NameKind::Output(task) => {
                self.tasks.get(task).map_or(Vec::new(), |t| t.outputs.iter().map(|(n, _)| n.clone()).collect())
            }
            NameKind::Condition => first(&self.conditions).map(str::to_owned).collect(),
        }
    }
}

/// The values of a [`World`].
#[derive(Debug)]
pub(crate) struct TestScope<'w>(pub(crate) &'w World);

impl TestScope<'_> {
    pub(crate) fn context(&self) -> FunctionContext<'_> {
        FunctionContext { now: self.now(), limits: &self.0.limits, selectors: &self.0.selectors }
    }
}

impl Scope for TestScope<'_> {
    fn now(&self) -> Timestamp {
        Timestamp::parse("2024-03-01T23:30:00Z").unwrap()
    }

    fn variable(&self, variable: &Variable) -> Result<Value, ExprError> {
        match variable {
            Variable::RegionId => Ok("cn-x".into()),
            Variable::ExecutionId => Ok("exec-00112233445566aa".into()),
            Variable::TaskLoopItem => Ok(self.0.item.clone().unwrap_or_default()),
            Variable::Custom(_) => Ok("made to measure".into()),
            other => Err(ExprError::new("UndefinedReference", format!("{other:?} was not given"))),
        }
    }

    fn parameter(&self, index: usize) -> Result<Value, Stop> {
        Ok(self.0.parameters[index].1.clone())
    }

    fn output(&self, task: usize, output: usize) -> Value {
        self.0.tasks[task].outputs[output].1.clone()
    }

    fn raw(&self, task: usize) -> Value {
        self.0.tasks[task].raw.clone()
    }

    fn stored(&self, reference: &StoreReference) -> Option<Value> {
        self.0.stored.get(&reference.to_string()).cloned()
    }

    fn condition(&self, index: usize) -> Result<Value, Stop> {
        Ok(self.0.conditions[index].1.clone())
    }

    fn limits(&self) -> &Limits {
        &self.0.limits
    }

    fn selectors(&self) -> &SelectorCache {
        &self.0.selectors
    }
}
