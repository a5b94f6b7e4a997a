//! What of a plan refers into raw results, so that they are kept; and the walk over all expressions.

use std::{collections::BTreeSet, sync::Arc};

use crate::{
    expr::{Expr, Target},
    machine::Extract,
    plan::{Plan, SelectorPlan, TaskPlan, VisibleKind},
};

/// Marks tasks whose raw result something refers into, so that it is kept.
pub(super) fn mark(plan: &mut Plan) {
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
fn raw_targets(plan: &Plan) -> BTreeSet<usize> {
    let mut wanted = BTreeSet::new();
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
        self.tasks.iter().for_each(|task| task.expressions(visit));
        self.outputs.iter().for_each(|o| visit(&o.value));
    }
}

impl TaskPlan {
    /// Calls `visit` on every expression of the task, those of `LoopTasks` left out.
    pub fn expressions(&self, visit: &mut dyn FnMut(&Expr)) {
        self.when.iter().for_each(&mut *visit);
        visit(&self.properties);
        visit(&self.lazy);
        visit(&self.retry.keys);
        for output in &self.outputs {
            if let SelectorPlan::Text(expr) | SelectorPlan::Value(expr) = &output.selector {
                visit(expr);
            }
        }
        if let Some(looping) = &self.looping {
            visit(&looping.items);
            visit(&looping.rate_control);
        }
    }
}
