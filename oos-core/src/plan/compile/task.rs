//! One task: its action, its properties, its outputs and its retry settings.

use std::sync::Arc;

use super::{Pass, escape};
use crate::{
    TemplateName, Value, check,
    diagnostic::{Code, Diagnostic},
    expr::{self, Expr, ExprKind},
    machine::{Extract, ExtractKind},
    plan::{ChildName, Following, RetryPlan, SelectorPlan, TaskKind, TaskOutputPlan, TaskPlan},
    ports::action::{Entry, RetryRule, Signature},
    selector::Selector,
    source::{Key, Node, NodeKind},
    template::{Task, TaskOutput, meant_type},
};

impl Pass<'_> {
    pub(super) fn task(&mut self, i: usize, task: &Task) -> TaskPlan {
        let pointer = format!("/Tasks/{i}");
        self.names.current = Some(i);
        let (signature, entry) = self.action(task, &pointer);
        let looped = task.looping.is_some();
        self.names.enter_loop(looped);
        let when = task.when.as_ref().map(|n| self.condition_expr(n, &format!("{pointer}/When")));
        let kind = self.kind(i, task, entry, &pointer);
        let inline = self.inline(i, task, &signature, &pointer);
        let (properties, lazy) = self.properties(task, &signature, &pointer);
        self.children_of(i, task, &signature, &kind);
        // Also when its tasks have errors: its outputs are about them.
        let inner = signature.name.is("ACS::Loop");
        let outputs: Vec<_> = task.outputs.iter().map(|o| self.task_output(o, inner, &pointer)).collect();
        let retry = RetryPlan { rule: signature.retry, keys: self.retry_keys(task, signature.retry, &pointer) };
        self.names.enter_loop(false);
        let looping = self.looping(task, &kind, &pointer);
        TaskPlan {
            name: task.name.value.clone(),
            span: task.span,
            action: signature.name.clone(),
            when_per_item: looped && when.as_ref().is_some_and(Expr::reads_loop_item),
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
            critical: true,
            kind,
            inline,
            signature,
        }
    }

    fn action(&mut self, task: &Task, pointer: &str) -> (Arc<Signature>, Option<Entry>) {
        let name = &task.action.value;
        let entry = self.environment.actions.entry(name);
        match self.environment.actions.signature(name).filter(|_| entry.is_some()) {
            Some(signature) => (signature, entry),
            None => {
                let pointer = format!("{pointer}/Action");
                let finding = check::unknown_action(&task.action, self.environment, &pointer);
                self.found.push(finding);
                (Arc::new(Signature::open(name.clone())), None)
            }
        }
    }

    fn kind(&mut self, i: usize, task: &Task, entry: Option<Entry>, pointer: &str) -> TaskKind {
        match entry {
            Some(Entry::Control(_)) if task.action.value.is("ACS::Loop") => self.loop_tasks(i, task, pointer),
            Some(Entry::Control(control)) => TaskKind::Control(control),
            Some(Entry::Template) => TaskKind::Child,
            Some(Entry::Work(_)) | None => TaskKind::Work,
        }
    }

    fn children_of(&mut self, i: usize, task: &Task, signature: &Signature, kind: &TaskKind) {
        if matches!(kind, TaskKind::Child) {
            let name = TemplateName::new(signature.name.text().clone());
            self.children.push(ChildName { name, version: None, task: i });
        }
        self.literal_child(i, task, signature);
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

    /// A selector: text compiles now, text with references when they are known, and `Fn::Jq` gives the value itself
    /// (template-language 7.5).
    fn selector(&mut self, node: &Node, pointer: &str) -> SelectorPlan {
        let errors = self.found.counts().0;
        let expr = self.expr(node, pointer);
        let nothing = || SelectorPlan::Value(Expr::literal(Value::Null));
        match &expr.kind {
            // A part with an error has become null and is reported.
            _ if self.found.counts().0 > errors => nothing(),
            ExprKind::Literal(Value::String(text)) => match Selector::parse(text) {
                Ok(selector) => SelectorPlan::Fixed(selector),
                Err(error) => {
                    let source = self.template.source.as_ref();
                    self.found.push(expr::selector_error(&error, text, node.span, pointer, source));
                    nothing()
                }
            },
            ExprKind::Call(call) if &*call.function.name == "Fn::Jq" => SelectorPlan::Value(expr),
            ExprKind::Literal(other) => {
                let message = format!("a selector is text, not a value of type {}", other.kind());
                self.found.push(Diagnostic::error(Code::SELECTOR, message, node.span, pointer));
                nothing()
            }
            _ => SelectorPlan::Text(expr),
        }
    }

    fn retry_keys(&mut self, task: &Task, rule: RetryRule, pointer: &str) -> Expr {
        if let RetryRule::Property { name, .. } = rule {
            let node = task.properties.as_ref().and_then(|p| p.get(name));
            return node.map_or(Expr::literal(Value::Null), |n| self.expr(n, &format!("{pointer}/Properties/{name}")));
        }
        let retry = &task.retry;
        self.keys(
            [
                ("Retries", &retry.retries),
                ("DelayType", &retry.delay_type),
                ("Delay", &retry.delay),
                ("BackOff", &retry.back_off),
                ("MaxRetryInterval", &retry.max_retry_interval),
            ],
            pointer,
        )
    }

    /// Keys that stand side by side, as one map.
    pub(super) fn keys<const N: usize>(&mut self, keys: [(&str, &Option<Node>); N], pointer: &str) -> Expr {
        let members = keys
            .into_iter()
            .filter_map(|(name, node)| Some((Key { span: None, text: name.into() }, node.clone()?)))
            .collect();
        self.expr(&Node { span: None, kind: NodeKind::Map(members) }, pointer)
    }
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
