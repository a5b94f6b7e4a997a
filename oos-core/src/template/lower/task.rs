//! `Tasks`.

use super::{
    Lowering,
    read::{Fields, Place, described, flag},
};
use crate::{
    diagnostic::{Code, Diagnostic},
    template::{Retry, Spanned, Task, keys},
};

impl Lowering<'_> {
    pub(super) fn tasks(&mut self, fields: &Fields<'_>, root: &Place<'_>) -> Vec<Task> {
        let Some(section) = fields.given("Tasks") else {
            self.needs(fields, root, &keys::TEMPLATE, "Tasks");
            return Vec::new();
        };
        let list = section.node.as_list().unwrap_or_default();
        if list.len() > self.limits.tasks {
            let message = format!("the template has {} tasks, the limit is {}", list.len(), self.limits.tasks);
            let span = list.get(self.limits.tasks).and_then(|task| task.span);
            self.found.push(Diagnostic::error(Code::LIMIT_TASKS, message, span, "/Tasks"));
        }
        let places: Vec<_> = list.iter().enumerate().map(|(i, node)| section.item(i, node)).collect();
        let tasks: Vec<Task> = places.iter().filter_map(|place| self.task(place)).collect();
        self.duplicate_tasks(&places);
        tasks
    }

    fn duplicate_tasks(&mut self, places: &[Place<'_>]) {
        let names = places.iter().filter_map(|place| {
            let (key, node) = place.node.entry("Name")?;
            Some((node.as_str()?, node.span, place.member(key, node).pointer))
        });
        self.duplicates("tasks", names.collect::<Vec<_>>());
    }

    fn task(&mut self, place: &Place<'_>) -> Option<Task> {
        if place.node.as_map().is_none() {
            let message = format!("a task must be a map, not {}", described(place.node));
            self.found.push(Diagnostic::error(Code::NOT_A_MAP, message, place.span(), place.pointer.clone()));
            return None;
        }
        let fields = self.fields(place.node, &keys::TASK, place);
        self.needs(&fields, place, &keys::TASK, "Name");
        self.task_name(&fields);
        self.action(&fields, place);
        let outputs = self.task_outputs(&fields);
        let looping = self.looping(&fields);
        Some(Task {
            span: place.node.span,
            name: fields.text("Name")?,
            action: fields.text("Action")?,
            description: fields.node("Description"),
            properties: fields.node("Properties"),
            when: fields.node("When"),
            outputs,
            looping,
            on_error: fields.text("OnError"),
            on_success: fields.text("OnSuccess"),
            on_cancel: fields.text("OnCancel"),
            is_critical: fields.given("IsCritical").and_then(|p| Some(Spanned::new(flag(p.node)?, p.span()))),
            retry: retry(&fields),
            unknown: fields.unknown,
        })
    }

    fn task_name(&mut self, fields: &Fields<'_>) {
        let Some(place) = fields.given("Name") else { return };
        let Some(name) = place.node.as_str() else { return };
        if let Some(fault) = super::name_fault("task", name) {
            self.found.push(Diagnostic::error(Code::TASK_NAME, fault, place.span(), place.pointer.clone()));
        }
    }

    fn action(&mut self, fields: &Fields<'_>, place: &Place<'_>) {
        self.needs(fields, place, &keys::TASK, "Action");
        let empty = fields.given("Action").filter(|p| p.node.as_str().is_some_and(|text| text.trim().is_empty()));
        if let Some(place) = empty {
            let finding = Diagnostic::error(Code::ACTION_REQUIRED, "`Action` is empty", place.span(), &*place.pointer);
            self.found.push(finding.help("name an action such as `ACS::ExecuteAPI`"));
        }
    }
}

fn retry(fields: &Fields<'_>) -> Retry {
    Retry {
        retries: fields.node("Retries"),
        delay_type: fields.node("DelayType"),
        delay: fields.node("Delay"),
        back_off: fields.node("BackOff"),
        max_retry_interval: fields.node("MaxRetryInterval"),
    }
}
