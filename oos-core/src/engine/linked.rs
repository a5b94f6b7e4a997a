//! The children of a template for an analysis that knows parameters: also those whose names are computed.

use std::{collections::BTreeSet, sync::Arc};

use super::{Engine, EngineError};
use crate::{
    Template, TemplateName,
    analysis::{PermissionOptions, wanted},
    plan::{Plan, PlanSet},
};

impl Engine {
    /// The plan of a template and the plans of its children, as [`Engine::linked`], and of the children whose computed
    /// names these parameters decide. What is not there stays unresolved in the analysis.
    ///
    /// # Errors
    /// Findings of the template or of a child that is named literally, and what a template store says.
    pub async fn linked_with(
        &self,
        template: &Template,
        name: Option<TemplateName>,
        options: &PermissionOptions,
    ) -> Result<(Arc<Plan>, PlanSet), EngineError> {
        let (plan, mut plans) = self.linked(template, name).await?;
        let mut asked = BTreeSet::new();
        // Each round goes at least one level deeper.
        for _ in 0..self.limits().template_depth {
            let new: Vec<_> = wanted(&plan, &plans, options).into_iter().filter(|k| asked.insert(k.clone())).collect();
            if new.is_empty() {
                break;
            }
            for (name, version) in new {
                let Ok(found) = self.inner.named_plan(&name, version.as_deref()).await? else { continue };
                let Ok(below) = self.inner.link(&found).await else { continue };
                plans.insert(name, version, found);
                plans.extend(below);
            }
        }
        Ok((plan, plans))
    }
}
