//! Templates written in place: compiled like any other, so that their findings are those of the template around, and
//! so that an analysis can look into them. References in them are about their own names.

use std::sync::Arc;

use super::{Pass, document, is_document, lazy::INLINE};
use crate::{
    plan::{ChildName, Plan},
    ports::action::{ActionClass, Signature},
    template::{Task, Template},
};

impl Pass<'_> {
    /// The template that a task has in place, when it is one without errors.
    pub(super) fn inline(&mut self, i: usize, task: &Task, signature: &Signature, pointer: &str) -> Option<Arc<Plan>> {
        if signature.class != ActionClass::Embedded {
            return None;
        }
        let node = task.properties.as_ref()?.get(INLINE).filter(|node| is_document(node))?;
        let place = |inner: &str| format!("{pointer}/Properties/{INLINE}{inner}");
        // Places in JSON text are not places of this template.
        let source = self.template.source.clone().filter(|_| node.as_map().is_some());
        let parsed = Template::from_node(&document(node), source, &self.environment.limits);
        match parsed.and_then(|inner| Plan::compile(&inner, self.environment)) {
            Ok(plan) => {
                self.take(&plan.warnings, place);
                self.children.extend(plan.children.iter().map(|child| ChildName { task: i, ..child.clone() }));
                Some(Arc::new(plan))
            }
            Err(found) => {
                self.take(&found, place);
                None
            }
        }
    }
}
