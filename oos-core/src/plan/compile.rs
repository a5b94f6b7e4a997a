//! Template → plan: resolves names, compiles expressions and selectors, and collects every finding on the way.

use std::sync::Arc;

use super::{
    ChildName, ConditionPlan, Following, LoopPlan, OutputPlan, ParameterPlan, Plan, RetryPlan, SelectorPlan, TaskKind,
    TaskOutputPlan, TaskPlan, Visible, VisibleKind,
    names::{TaskNames, TemplateNames},
};
use crate::{
    Limits, TemplateName, Value, check,
    diagnostic::{Code, Diagnostic, Diagnostics},
    expr::{self, Compiler, Expr, ExprKind, Functions, Target, coerce::Constraints},
    ids::Name,
    machine::{Extract, ExtractKind},
    ports::action::{ActionCatalog, Entry, RetryRule, Signature},
    selector::{Selector, SelectorError},
    source::{Key, Node, NodeKind},
    template::{Output, Parameter, Task, TaskOutput, Template, ValueType, meant_type},
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
    let names = TemplateNames::of(template, &environment.functions, &environment.variables);
    compile_with(template, environment, names, "", &[])
}

/// Compiles with names that may include those of a template around; `base` is the pointer of the template's root, and
/// `results` are the outputs of an `ACS::Loop`, whose selectors are references to the tasks in here.
fn compile_with(
    template: &Template,
    environment: &Environment,
    names: TemplateNames<'_>,
    base: &str,
    results: &[TaskOutput],
) -> Result<Plan, Diagnostics> {
    let mut pass = Pass {
        template,
        environment,
        names,
        found: template.warnings.clone(),
        children: Vec::new(),
        base: base.to_owned(),
    };
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
    base: String,
}

impl Pass<'_> {
    fn plan(&mut self) -> Plan {
        let template = self.template;
        let conditions = template.conditions.iter().map(|c| self.condition(c)).collect();
        let parameters = template.parameters.iter().map(|p| self.parameter(p)).collect();
        let ram_role = template.ram_role.as_ref().map(|n| self.expr(n, "/RamRole"));
        let tasks: Vec<TaskPlan> = template.tasks.iter().enumerate().map(|(i, t)| self.task(i, t)).collect();
        self.names.current = None;
        let outputs = template.outputs.iter().map(|o| self.output(o)).collect();
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
        mark_documents(&mut plan);
        plan
    }

    fn expr(&mut self, node: &Node, pointer: &str) -> Expr {
        let pointer = format!("{}{pointer}", self.base);
        let mut compiler =
            Compiler { names: &self.names, source: self.template.source.as_ref(), diagnostics: &mut self.found };
        expr::compile(node, &pointer, &mut compiler)
    }

    fn condition_expr(&mut self, node: &Node, pointer: &str) -> Expr {
        let pointer = format!("{}{pointer}", self.base);
        let mut compiler =
            Compiler { names: &self.names, source: self.template.source.as_ref(), diagnostics: &mut self.found };
        expr::compile_condition(node, &pointer, &mut compiler)
    }

    fn condition(&mut self, condition: &crate::template::Condition) -> ConditionPlan {
        let pointer = format!("/Conditions/{}", escape(condition.name.value.as_str()));
        ConditionPlan { name: condition.name.value.clone(), expr: self.condition_expr(&condition.node, &pointer) }
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
        let pointer = format!("{}{pointer}", self.base);
        check::constraints(parameter, &pointer, &self.environment.limits, &mut self.found)
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

    fn task(&mut self, i: usize, task: &Task) -> TaskPlan {
        let pointer = format!("/Tasks/{i}");
        self.names.current = Some(i);
        let (signature, entry) = self.action(task, &pointer);
        self.names.in_loop = self.is_inner() || task.looping.is_some();
        let when = task.when.as_ref().map(|n| self.condition_expr(n, &format!("{pointer}/When")));
        let kind = self.kind(task, entry, &pointer);
        let (properties, lazy) = self.properties(task, &signature, &kind, &pointer);
        if matches!(kind, TaskKind::Child) {
            self.children.push(ChildName {
                name: TemplateName::new(signature.name.text().clone()),
                version: None,
                task: i,
            });
        }
        self.literal_child(i, task, &signature);
        let inner = matches!(kind, TaskKind::LoopTasks(_));
        let outputs: Vec<_> = task.outputs.iter().map(|o| self.task_output(o, inner, &pointer)).collect();
        let retry = RetryPlan { rule: signature.retry, keys: self.retry_keys(task, signature.retry, &pointer) };
        let looped = task.looping.is_some();
        let looping = self.looping(task, &kind, &pointer);
        self.names.in_loop = self.is_inner();
        TaskPlan {
            name: task.name.value.clone(),
            span: task.span,
            action: signature.name.clone(),
            when_per_item: looped && when.as_ref().is_some_and(|w| self.reads_item(w)),
            when,
            properties,
            lazy,
            retry,
            extract: fixed_extract(&outputs),
            visible: self.visible(task, looped || inner, &outputs, &pointer),
            outputs,
            keep_document: false,
            looping,
            on_success: Following::Next,
            on_error: Following::End,
            on_cancel: Following::End,
            critical: task.is_critical.as_ref().map_or_else(|| !is_next(task), |c| c.value),
            kind,
            signature,
        }
    }

    /// True for the tasks of `ACS::Loop`, all of which see the item around them.
    fn is_inner(&self) -> bool {
        !self.base.is_empty()
    }

    /// True when the condition, or one that it names, reads the loop item.
    fn reads_item(&self, when: &Expr) -> bool {
        when.reads_loop_item()
    }

    fn action(&mut self, task: &Task, pointer: &str) -> (Arc<Signature>, Option<Entry>) {
        let name = &task.action.value;
        let entry = self.environment.actions.entry(name);
        match self.environment.actions.signature(name).filter(|_| entry.is_some()) {
            Some(signature) => (signature, entry),
            None => {
                let pointer = format!("{}{pointer}/Action", self.base);
                let finding = check::unknown_action(&task.action, self.environment, &pointer);
                self.found.push(finding);
                (Arc::new(Signature::open(name.clone())), None)
            }
        }
    }

    fn kind(&mut self, task: &Task, entry: Option<Entry>, pointer: &str) -> TaskKind {
        match entry {
            Some(Entry::Control(_)) if task.action.value.is("ACS::Loop") => self.loop_tasks(task, pointer),
            Some(Entry::Control(control)) => TaskKind::Control(control),
            Some(Entry::Template) => TaskKind::Child,
            Some(Entry::Work(_)) | None => TaskKind::Work,
        }
    }

    /// The tasks of `ACS::Loop` as a plan of their own, whose names include those of this template.
    fn loop_tasks(&mut self, task: &Task, pointer: &str) -> TaskKind {
        let node = task.properties.as_ref().and_then(|p| p.get("LoopTasks"));
        let base = format!("{}{pointer}/Properties", self.base);
        let Some(list) = node else {
            let message = "`ACS::Loop` needs the property `LoopTasks`";
            self.found.push(Diagnostic::error(Code::PROPERTIES, message, task.action.span, base));
            return TaskKind::Work;
        };
        let key = |text: &str| Key { span: None, text: text.into() };
        let version = Node { span: None, kind: NodeKind::Scalar(Value::from(crate::template::FORMAT_VERSION)) };
        let document = Node {
            span: list.span,
            kind: NodeKind::Map(vec![(key("FormatVersion"), version), (key("Tasks"), list.clone())]),
        };
        let compiled =
            Template::from_node(&document, self.template.source.clone(), &self.environment.limits).and_then(|inner| {
                let mut inner_names = TemplateNames::of(&inner, self.names.functions, self.names.variables);
                inner_names.parameters.clone_from(&self.names.parameters);
                inner_names.conditions.clone_from(&self.names.conditions);
                inner_names.tasks.extend(self.names.tasks.iter().cloned());
                inner_names.in_loop = true;
                compile_with(&inner, self.environment, inner_names, &base, &task.outputs)
            });
        match compiled {
            Ok(plan) => {
                self.children.extend(plan.children.iter().cloned());
                TaskKind::LoopTasks(Arc::new(plan))
            }
            Err(findings) => {
                findings.iter().cloned().for_each(|f| self.found.push(f));
                TaskKind::Work
            }
        }
    }

    fn properties(&mut self, task: &Task, signature: &Signature, kind: &TaskKind, pointer: &str) -> (Expr, Expr) {
        let nothing = || Expr::literal(Value::empty_map());
        let Some(node) = &task.properties else { return (nothing(), nothing()) };
        let pointer = format!("{pointer}/Properties");
        let Some(map) = node.as_map() else { return (self.expr(node, &pointer), nothing()) };
        let loops = matches!(kind, TaskKind::LoopTasks(_));
        let skip = |key: &str| (loops && key.starts_with("Loop")) || signature.verbatim.contains(&key);
        let part = |lazy: bool| {
            let wanted = |key: &Key| signature.lazy.contains(&&*key.text) == lazy && !skip(&key.text);
            let members = map.iter().filter(|(k, _)| wanted(k)).cloned().collect();
            Node { span: node.span, kind: NodeKind::Map(members) }
        };
        let (eager, lazy) = (part(false), part(true));
        let properties = with_verbatim(self.expr(&eager, &pointer), map, signature);
        let lazy = if lazy.as_map().is_some_and(<[_]>::is_empty) { nothing() } else { self.lazy(&lazy, &pointer) };
        (properties, lazy)
    }

    /// Lazy properties are compiled like others, but a `When` inside is a condition.
    fn lazy(&mut self, node: &Node, pointer: &str) -> Expr {
        let Some(members) = node.as_map() else { return self.expr(node, pointer) };
        let members = members.iter().map(|(key, node)| {
            let pointer = format!("{pointer}/{}", escape(&key.text));
            let value = match &node.kind {
                NodeKind::List(list) => {
                    let items =
                        list.iter().enumerate().map(|(i, n)| self.choice(n, &format!("{pointer}/{i}"))).collect();
                    Expr { kind: ExprKind::List(items), span: node.span }
                }
                _ => self.expr(node, &pointer),
            };
            (key.text.clone(), value)
        });
        let members = members.collect();
        Expr { kind: ExprKind::Map(members), span: node.span }
    }

    fn choice(&mut self, node: &Node, pointer: &str) -> Expr {
        let Some(members) = node.as_map() else { return self.expr(node, pointer) };
        let members = members
            .iter()
            .map(|(key, node)| {
                let pointer = format!("{pointer}/{}", escape(&key.text));
                let value =
                    if &*key.text == "When" { self.condition_expr(node, &pointer) } else { self.expr(node, &pointer) };
                (key.text.clone(), value)
            })
            .collect();
        Expr { kind: ExprKind::Map(members), span: node.span }
    }

    /// `ACS::Template` with a literal name: the child is known before the run.
    fn literal_child(&mut self, i: usize, task: &Task, signature: &Signature) {
        if signature.class != crate::ports::action::ActionClass::Embedded {
            return;
        }
        let literal = |key: &str| {
            let text = task.properties.as_ref()?.get(key)?.as_str()?;
            (!text.contains("{{")).then(|| text.to_owned())
        };
        if let Some(name) = literal("TemplateName") {
            let version = literal("TemplateVersion").map(Into::into);
            self.children.push(ChildName { name: TemplateName::new(name), version, task: i });
        }
    }

    fn task_output(&mut self, output: &TaskOutput, inner: bool, pointer: &str) -> TaskOutputPlan {
        let pointer = format!("{pointer}/Outputs/{}/ValueSelector", escape(output.name.value.as_str()));
        let selector = match &output.selector {
            Some(node) if !inner => self.selector(node, &pointer),
            _ => SelectorPlan::Value(Expr::literal(Value::Null)),
        };
        let value_type = meant_type(output.value_type.as_ref());
        TaskOutputPlan { name: output.name.value.clone(), value_type, selector }
    }

    /// A selector: text compiles now, text with references when they are known, `Fn::Jq` gives the value itself
    /// (template-language 7.5), and a whole reference inside `ACS::Loop` is that value (10 in actions.md 15).
    fn selector(&mut self, node: &Node, pointer: &str) -> SelectorPlan {
        let expr = self.expr(node, pointer);
        match &expr.kind {
            ExprKind::Literal(Value::String(text)) => match Selector::parse(text) {
                Ok(selector) => SelectorPlan::Fixed(selector),
                Err(error) => {
                    self.selector_error(node, pointer, &error);
                    SelectorPlan::Value(Expr::literal(Value::Null))
                }
            },
            ExprKind::Call(call) if &*call.function.name == "Fn::Jq" => SelectorPlan::Value(expr),
            ExprKind::Reference(reference)
                if matches!(reference.target, Target::Output { .. } | Target::Raw { .. }) =>
            {
                SelectorPlan::Value(expr)
            }
            ExprKind::Literal(other) => {
                let message = format!("a selector is text, not {}", other.kind());
                let pointer = format!("{}{pointer}", self.base);
                self.found.push(Diagnostic::error(Code::SELECTOR, message, node.span, pointer));
                SelectorPlan::Value(Expr::literal(Value::Null))
            }
            _ => SelectorPlan::Text(expr),
        }
    }

    fn selector_error(&mut self, node: &Node, pointer: &str, error: &SelectorError) {
        let pointer = format!("{}{pointer}", self.base);
        self.found.push(Diagnostic::error(Code::SELECTOR, error.to_string(), node.span, pointer));
    }

    fn retry_keys(&mut self, task: &Task, rule: RetryRule, pointer: &str) -> Expr {
        if let RetryRule::Property { name, .. } = rule {
            let node = task.properties.as_ref().and_then(|p| p.get(name));
            return node.map_or(Expr::literal(Value::Null), |n| self.expr(n, &format!("{pointer}/Properties/{name}")));
        }
        let retry = &task.retry;
        let keys = [
            ("Retries", &retry.retries),
            ("DelayType", &retry.delay_type),
            ("Delay", &retry.delay),
            ("BackOff", &retry.back_off),
            ("MaxRetryInterval", &retry.max_retry_interval),
        ];
        let members = keys
            .into_iter()
            .filter_map(|(name, node)| Some((Key { span: None, text: name.into() }, node.clone()?)))
            .collect();
        self.expr(&Node { span: None, kind: NodeKind::Map(members) }, pointer)
    }

    fn looping(&mut self, task: &Task, kind: &TaskKind, pointer: &str) -> Option<LoopPlan> {
        if let TaskKind::LoopTasks(_) = kind {
            let properties = task.properties.as_ref();
            let items = properties.and_then(|p| p.get("LoopItems"));
            let rate = properties.and_then(|p| p.get("LoopRateControl"));
            self.names.in_loop = self.is_inner();
            let pointer = format!("{pointer}/Properties");
            return Some(LoopPlan {
                items: items.map_or(Expr::literal(Value::Null), |n| self.expr(n, &format!("{pointer}/LoopItems"))),
                rate_control: rate
                    .map_or(Expr::literal(Value::Null), |n| self.expr(n, &format!("{pointer}/LoopRateControl"))),
                old_form: false,
            });
        }
        let looping = task.looping.as_ref()?;
        self.names.in_loop = self.is_inner();
        let pointer = format!("{pointer}/Loop");
        let items =
            looping.items.as_ref().map_or(Expr::literal(Value::Null), |n| self.expr(n, &format!("{pointer}/Items")));
        let (rate_control, old_form) = match &looping.rate_control {
            Some(rate) => (self.expr(&rate.0, &format!("{pointer}/RateControl")), false),
            None => (self.old_form(task, &pointer), true),
        };
        Some(LoopPlan { items, rate_control, old_form })
    }

    fn old_form(&mut self, task: &Task, pointer: &str) -> Expr {
        let Some(old) = task.looping.as_ref().map(|l| &l.old_form) else { return Expr::literal(Value::Null) };
        let keys = [
            ("Mode", &old.mode),
            ("Concurrency", &old.concurrency),
            ("MaxErrors", &old.max_errors),
            ("BatchPauseOption", &old.batch_pause_option),
        ];
        let members = keys
            .into_iter()
            .filter_map(|(name, node)| Some((Key { span: None, text: name.into() }, node.clone()?)))
            .collect();
        self.expr(&Node { span: None, kind: NodeKind::Map(members) }, pointer)
    }

    fn visible(&mut self, task: &Task, looped: bool, outputs: &[TaskOutputPlan], pointer: &str) -> Vec<Visible> {
        let names = TaskNames::of(task).visible;
        let index = |name: &Name| outputs.iter().position(|o| o.name == *name);
        let list_join = self.environment.functions.get("Fn::ListJoin").cloned();
        let aggregates = task.looping.as_ref().map(|l| l.outputs.as_slice()).unwrap_or_default();
        let mut visible = Vec::with_capacity(names.len());
        for name in names {
            let aggregate = aggregates.iter().find(|a| a.name.value == name);
            let kind = match aggregate {
                Some(aggregate) => self.aggregate(aggregate, index(&aggregate.field.value), pointer),
                None if looped => list_join.clone().map(|function| VisibleKind::Aggregate {
                    field: index(&name),
                    raw: None,
                    function,
                }),
                None => index(&name).map(VisibleKind::Output),
            };
            if let Some(kind) = kind {
                visible.push(Visible { name, kind });
            }
        }
        visible
    }

    fn aggregate(
        &mut self,
        aggregate: &crate::template::Aggregate,
        field: Option<usize>,
        pointer: &str,
    ) -> Option<VisibleKind> {
        let name = aggregate.aggregate_type.value.as_str();
        let function = self.environment.functions.get(name).filter(|f| f.aggregates).cloned();
        if function.is_none() {
            let pointer = format!("{}{pointer}/Loop/Outputs/{}", self.base, escape(aggregate.name.value.as_str()));
            let message = format!("`{name}` does not combine the values of a loop");
            let known = aggregating(&self.environment.functions);
            self.found.push(
                Diagnostic::error(Code::AGGREGATE, message, aggregate.aggregate_type.span, pointer)
                    .help(format!("one of {known}")),
            );
        }
        let raw = if field.is_none() { Selector::parse(aggregate.field.value.as_str()).ok() } else { None };
        // A kind must exist for every name, else the indices of references would shift.
        let function = function.or_else(|| self.environment.functions.get("Fn::ListJoin").cloned())?;
        Some(VisibleKind::Aggregate { field, raw, function })
    }

    /// Resolves `OnSuccess`, `OnError` and `OnCancel`, when all tasks are known.
    fn follow(&mut self, plan: &mut Plan) {
        for (i, task) in self.template.tasks.iter().enumerate() {
            let mut resolve = |key: &str, written: &Option<crate::template::Spanned<crate::TaskName>>, default| {
                let Some(target) = written else { return default };
                super::graph::jump(plan, target.value.as_str()).unwrap_or_else(|| {
                    let pointer = format!("{}/Tasks/{i}/{key}", self.base);
                    self.found.push(check::jump_target(target, plan, &pointer));
                    default
                })
            };
            let success = resolve("OnSuccess", &task.on_success, Following::Next);
            let error = resolve("OnError", &task.on_error, Following::End);
            let cancel = resolve("OnCancel", &task.on_cancel, Following::End);
            if let Some(slot) = plan.tasks.get_mut(i) {
                (slot.on_success, slot.on_error, slot.on_cancel) = (success, error, cancel);
            }
        }
    }
}

/// Properties with the verbatim ones beside them, as literals.
fn with_verbatim(properties: Expr, map: &[(Key, Node)], signature: &Signature) -> Expr {
    let verbatim = map.iter().filter(|(key, _)| signature.verbatim.contains(&&*key.text));
    let literals: Vec<_> = verbatim.map(|(k, n)| (k.text.clone(), Expr::literal(n.to_value()))).collect();
    if literals.is_empty() {
        return properties;
    }
    let span = properties.span;
    let members: Vec<_> = match properties.kind {
        ExprKind::Literal(Value::Map(map)) => map.iter().map(|(k, v)| (k.clone(), Expr::literal(v.clone()))).collect(),
        ExprKind::Map(members) => members.to_vec(),
        _ => Vec::new(),
    };
    Expr { kind: ExprKind::Map(members.into_iter().chain(literals).collect()), span }
}

/// Names of the functions that combine the values of a loop.
fn aggregating(functions: &Functions) -> String {
    let known = functions.names().filter(|n| functions.get(n).is_some_and(|f| f.aggregates));
    known.collect::<Vec<_>>().join(", ")
}

/// `OnError: ACS::NEXT`, which forgives a failure unless `IsCritical` says otherwise (template-language 5.5).
fn is_next(task: &Task) -> bool {
    task.on_error.as_ref().is_some_and(|t| {
        ["ACS::NEXT", "NEXT", "CONTINUE"].iter().any(|word| t.value.as_str().eq_ignore_ascii_case(word))
    })
}

fn fixed_extract(outputs: &[TaskOutputPlan]) -> Option<Arc<Extract>> {
    let fixed = |o: &TaskOutputPlan| match &o.selector {
        SelectorPlan::Fixed(selector) => {
            Some((o.name.text().clone(), o.value_type, ExtractKind::Selector(selector.clone())))
        }
        _ => None,
    };
    let outputs = outputs.iter().map(fixed).collect::<Option<Vec<_>>>()?;
    Some(Arc::new(Extract { outputs, keep_document: false }))
}

/// Marks tasks whose raw result something refers into, so that it is kept.
fn mark_documents(plan: &mut Plan) {
    let wanted = raw_targets(plan);
    for (i, task) in plan.tasks.iter_mut().enumerate() {
        let undeclared = task.visible.iter().any(|v| matches!(v.kind, VisibleKind::Aggregate { field: None, .. }));
        if wanted.contains(&i) || undeclared {
            task.keep_document = true;
            if let Some(extract) = &task.extract {
                task.extract = Some(Arc::new(Extract { outputs: extract.outputs.clone(), keep_document: true }));
            }
        }
    }
}

/// Tasks whose raw result something refers into.
fn raw_targets(plan: &Plan) -> std::collections::BTreeSet<usize> {
    let mut wanted = std::collections::BTreeSet::new();
    plan.expressions(&mut |expr| {
        expr.references(&mut |r| {
            if let Target::Raw { task, .. } = &r.target {
                wanted.insert(*task);
            }
        });
    });
    for inner in plan.tasks.iter().filter_map(TaskPlan::loop_tasks) {
        // Inside `LoopTasks` the tasks of this plan are numbered after the inner ones.
        wanted.extend(raw_targets(inner).into_iter().filter_map(|t| t.checked_sub(inner.tasks.len())));
    }
    wanted
}

impl Plan {
    /// Calls `visit` on every expression of the plan, those of `LoopTasks` left out.
    pub fn expressions(&self, visit: &mut dyn FnMut(&Expr)) {
        self.parameters.iter().filter_map(|p| p.default.as_ref()).for_each(&mut *visit);
        self.conditions.iter().for_each(|c| visit(&c.expr));
        self.ram_role.iter().for_each(&mut *visit);
        for task in &self.tasks {
            task.when.iter().for_each(&mut *visit);
            visit(&task.properties);
            visit(&task.lazy);
            visit(&task.retry.keys);
            for output in &task.outputs {
                if let SelectorPlan::Text(expr) | SelectorPlan::Value(expr) = &output.selector {
                    visit(expr);
                }
            }
            if let Some(looping) = &task.looping {
                visit(&looping.items);
                visit(&looping.rate_control);
            }
        }
        self.outputs.iter().for_each(|o| visit(&o.value));
    }
}

/// A key as a part of a JSON pointer.
pub(crate) fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}
