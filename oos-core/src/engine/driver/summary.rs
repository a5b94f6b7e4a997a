//! Rows of the index: written in the same transaction as the records that changed what people see.

use std::{collections::BTreeMap, sync::Arc};

use super::{Driver, Redactor};
use crate::{
    Value,
    ids::MachinePath,
    machine::{ExecutionStatus, Machine, MachineReport},
    ports::{
        control::WaitingFor,
        index::{Details, Summary},
    },
};

/// What was last written about a machine, so that a row is written only when it changed.
#[derive(Debug, Default)]
pub(super) struct Rows {
    written: BTreeMap<MachinePath, (ExecutionStatus, Option<WaitingFor>, bool)>,
}

impl Driver {
    /// Rows that changed since the last call, and whether a firing of a trigger has ended.
    pub(super) fn summaries(&mut self) -> (Vec<Summary>, bool) {
        let (changed, ended) = self.tree.take_changes();
        let fired = ended.iter().any(Machine::is_firing);
        let mut rows = Vec::new();
        for machine in &ended {
            self.rows.written.remove(machine.path());
            rows.push(self.row(machine));
        }
        for path in changed {
            let Some(machine) = self.tree.machine(&path).filter(|m| m.is_execution()) else { continue };
            let state = machine.visible_state(&self.tree);
            if self.rows.written.get(&path) == Some(&state) {
                continue;
            }
            rows.push(self.row(machine));
            self.rows.written.insert(path, state);
        }
        (rows, fired)
    }

    fn row(&self, machine: &Machine) -> Summary {
        let (report, counters, current_tasks) = machine.headline(&self.tree);
        let report = self.masked_report(report);
        let is_root = report.path.is_root();
        let dropped = !is_root && report.status.is_final() && self.tree.root().is_some_and(|m| m.plan().has_trigger());
        let details = dropped.then(|| {
            let whole = self.masked_report(machine.final_report(&self.tree));
            Arc::new(Details { path: whole.path, tasks: whole.tasks })
        });
        Summary {
            root: self.header.id.clone(),
            parent: if is_root { self.header.parent.clone() } else { machine.parent_id().cloned() },
            template_name: machine.plan().name.as_ref().map(|n| n.text().clone()),
            template_version: machine.plan().version.clone(),
            status: report.status,
            waiting_for: report.waiting_for,
            status_message: report.message,
            category: if machine.is_firing() { "Other".into() } else { machine.plan().category().into() },
            mode: machine.mode().as_str().into(),
            ram_role: report.role,
            tags: if is_root { self.header.tags.clone() } else { Value::Null },
            current_tasks,
            counters,
            start: report.started,
            end: report.ended,
            update: report.updated,
            executed_by: self.header.executed_by.clone(),
            trigger: machine.trigger().clone(),
            order: machine.born(),
            parameters: report.parameters,
            outputs: report.outputs,
            id: report.id,
            details,
        }
    }

    /// A report with secrets masked.
    pub(super) fn masked_report(&self, report: MachineReport) -> MachineReport {
        masked_report(&self.redactor, report)
    }
}

/// A report with secrets masked.
pub(in crate::engine) fn masked_report(redactor: &Redactor, mut report: MachineReport) -> MachineReport {
    if redactor.is_empty() {
        return report;
    }
    report.parameters = redactor.value(&report.parameters);
    report.outputs = redactor.value(&report.outputs);
    report.message = report.message.map(|m| redactor.text(&m).into());
    for task in &mut report.tasks {
        task.outputs = redactor.value(&task.outputs);
        task.message = task.message.as_ref().map(|m| redactor.text(m).into());
    }
    report
}
