//! What the list of an action's properties cannot say: one of two, one needs the other, where a trigger may stand
//! (actions.md 5, 9, 12, 13, 17.1).

use super::walk::is_plain;
use crate::{
    diagnostic::{Code, Diagnostic, Diagnostics},
    plan::Plan,
    ports::action::ActionClass,
    source::{Node, Span},
    template::{Task, Template},
};

pub(super) fn check(template: &Template, plan: &Plan, found: &mut Diagnostics) {
    for (i, (task, compiled)) in template.tasks.iter().zip(&plan.tasks).enumerate() {
        let mut rules = Rules { task, pointer: format!("/Tasks/{i}/Properties"), found };
        match compiled.signature.class {
            ActionClass::Trigger if i > 0 => rules.late_trigger(i),
            ActionClass::Embedded => rules.template(),
            _ => {}
        }
        let action = &compiled.action;
        if action.is("ACS::WaitFor") || action.is("ACS::CheckFor") {
            rules.wanted_values();
        }
        if action.is("ACS::Notify") || action.is("ACS::Approve") {
            rules.message();
        }
        if action.is("ACS::Approve") {
            rules.approvers();
        }
        if let Some(inner) = compiled.loop_tasks() {
            let place = inner.tasks.first().and_then(|t| t.span).or(task.action.span);
            child_has_no_trigger(inner, place, &format!("/Tasks/{i}/Properties/LoopTasks"), found);
        }
    }
}

/// A template that runs as a child, or inside `ACS::Loop`, has no trigger.
pub(super) fn child_has_no_trigger(plan: &Plan, place: Option<Span>, pointer: &str, found: &mut Diagnostics) {
    if plan.has_trigger() {
        let message = "a trigger starts executions, so the tasks of a child have none";
        found.push(Diagnostic::error(Code::TRIGGER_PLACE, message, place, pointer));
    }
}

struct Rules<'a> {
    task: &'a Task,
    pointer: String,
    found: &'a mut Diagnostics,
}

impl<'a> Rules<'a> {
    fn property(&self, key: &str) -> Option<&'a Node> {
        self.task.properties.as_ref().and_then(|p| p.get(key)).filter(|node| !node.is_null())
    }

    fn error(&mut self, message: impl Into<String>) {
        let finding = Diagnostic::error(Code::PROPERTIES, message, self.task.action.span, self.pointer.clone());
        self.found.push(finding);
    }

    fn late_trigger(&mut self, i: usize) {
        let message = format!("trigger `{}` is not the first task", self.task.name.value);
        let finding =
            Diagnostic::error(Code::TRIGGER_PLACE, message, self.task.action.span, format!("/Tasks/{i}/Action"));
        self.found.push(finding.help("a template has at most one trigger, and it comes first"));
    }

    /// Named or written in place, one of the two.
    fn template(&mut self) {
        match (self.property("TemplateName"), self.property("TemplateContent")) {
            (None, None) => self.error("`ACS::Template` needs the property `TemplateName` or `TemplateContent`"),
            (Some(_), Some(_)) => self.error("`ACS::Template` takes `TemplateName` or `TemplateContent`, not both"),
            _ => {}
        }
    }

    /// An empty list counts as absent.
    fn wanted_values(&mut self) {
        let empty = |node: Option<&Node>| node.is_none_or(|n| n.as_list().is_some_and(<[Node]>::is_empty));
        if empty(self.property("DesiredValues")) && empty(self.property("NotDesiredValues")) {
            let message =
                format!("`{}` needs the property `DesiredValues` or `NotDesiredValues`", self.task.action.value);
            self.error(message);
        }
    }

    /// The kind of message says which property holds it.
    fn message(&mut self) {
        let kind = self.property("NotifyType").filter(|node| is_plain(node)).and_then(Node::as_str);
        let kind = kind.and_then(|kind| ["WebHook", "Mail"].into_iter().find(|k| k.eq_ignore_ascii_case(kind)));
        if let Some(kind) = kind.filter(|kind| self.property(kind).is_none()) {
            self.error(format!("`NotifyType: {kind}` needs the property `{kind}`"));
        }
    }

    fn approvers(&mut self) {
        let approvers = self.property("Approvers").and_then(Node::as_list).filter(|list| !list.is_empty());
        let required = self.property("MinRequiredApprovals").map(Node::to_value);
        let number = required.and_then(|v| v.as_i64().or_else(|| v.as_str()?.trim().parse().ok()));
        let (Some(approvers), Some(number)) = (approvers, number.and_then(|n| usize::try_from(n).ok())) else { return };
        // A reference among them may stand for several.
        if approvers.iter().all(is_plain) && number > approvers.len() {
            self.error(format!("{number} approvals are required, but only {} people may approve", approvers.len()));
        }
    }
}
