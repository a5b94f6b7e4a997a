//! The children of a template and theirs: their plans are found before a run, since only stores may wait for texts.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError},
};

use super::{EngineError, Inner};
use crate::{
    ActionName, Template, TemplateName,
    plan::{LinkError, Plan, PlanSet, document},
    source::Node,
};

/// Name and version of a child.
type ChildKey = (TemplateName, Option<Arc<str>>);

/// Children that were looked for.
type Found = BTreeMap<ChildKey, Result<Arc<Plan>, LinkError>>;

/// The actions that the tasks of a template name.
pub(super) fn actions_of(template: &Template) -> Vec<ActionName> {
    let mut names: Vec<_> = template.tasks.iter().map(|t| t.action.value.clone()).collect();
    for properties in template.tasks.iter().filter_map(|t| t.properties.as_ref()) {
        for inner in ["LoopTasks", "TemplateContent"].iter().filter_map(|key| properties.get(key)) {
            actions_in(&document(inner), &mut names);
        }
    }
    names
}

fn actions_in(node: &Node, names: &mut Vec<ActionName>) {
    for (key, value) in node.as_map().unwrap_or_default() {
        match value.as_str() {
            Some(name) if &*key.text == "Action" => names.push(ActionName::new(name)),
            _ => actions_in(value, names),
        }
    }
    node.as_list().unwrap_or_default().iter().for_each(|member| actions_in(member, names));
}

impl Inner {
    /// Finds the children of a plan and theirs.
    pub(super) async fn link(&self, plan: &Plan) -> Result<PlanSet, EngineError> {
        let found = self.plans_below(plan).await?;
        let linked = PlanSet::link(plan, self.environment.limits.template_depth, &mut |name, version| {
            let missing = || Err(LinkError::Missing { name: name.clone() });
            found.get(&(name.clone(), version.map(Into::into))).cloned().unwrap_or_else(missing)
        });
        Ok(linked?)
    }

    /// The plans of all children, level by level, so that linking needs no await.
    async fn plans_below(&self, plan: &Plan) -> Result<Found, EngineError> {
        let mut open: Vec<_> = plan.children.clone();
        let mut found = Found::new();
        while let Some(child) = open.pop() {
            let key = (child.name, child.version);
            if found.contains_key(&key) {
                continue;
            }
            let plan = self.named_plan(&key.0, key.1.as_deref()).await?;
            open.extend(plan.iter().flat_map(|plan| plan.children.iter().cloned()));
            found.insert(key, plan);
        }
        Ok(found)
    }

    /// The plan of a template of the stores; the inner error is one of the template.
    async fn named_plan(
        &self,
        name: &TemplateName,
        version: Option<&str>,
    ) -> Result<Result<Arc<Plan>, LinkError>, EngineError> {
        let action = ActionName::new(name.text().clone());
        let stored = if version.is_some() {
            self.registry.template(name, version).await?.map(Arc::new)
        } else {
            self.registry.load(vec![action.clone()]).await?;
            self.registry.action_template(&action)
        };
        let Some(stored) = stored else { return Ok(Err(LinkError::Missing { name: name.clone() })) };
        let known = self.linked.lock().unwrap_or_else(PoisonError::into_inner).get(&stored.name).cloned();
        if let Some((_, plan)) = known.filter(|(known, _)| Arc::ptr_eq(known, &stored)) {
            return Ok(Ok(plan));
        }
        let invalid = |findings| LinkError::Invalid { name: name.clone(), findings };
        let template = match Template::parse_source(stored.source.clone(), &self.environment.limits) {
            Ok(template) => template,
            Err(findings) => return Ok(Err(invalid(findings))),
        };
        self.registry.load(actions_of(&template)).await?;
        let plan = self.plan(Some(stored.name.clone()), &template).map_err(invalid);
        if let (Ok(plan), None) = (&plan, version) {
            let entry = (stored.clone(), plan.clone());
            self.linked.lock().unwrap_or_else(PoisonError::into_inner).insert(stored.name.clone(), entry);
        }
        Ok(plan)
    }
}

#[cfg(feature = "catalogue")]
impl super::Engine {
    /// The plan of a template and the plans of its children, as [`Engine::linked`](super::Engine::linked), and of the
    /// children whose computed names these parameters decide: what an analysis asks for that knows parameters. What is
    /// not there stays unresolved in the analysis.
    ///
    /// # Errors
    /// Findings of the template or of a child that is named literally, and what a template store says.
    pub async fn linked_with(
        &self,
        template: &Template,
        name: Option<TemplateName>,
        options: &crate::analysis::PermissionOptions,
    ) -> Result<(Arc<Plan>, PlanSet), EngineError> {
        let (plan, plans) = self.linked(template, name).await?;
        let depth = self.limits().template_depth;
        let mut found = Found::new();
        loop {
            let (mut linked, mut missing) = (plans.clone(), Vec::new());
            crate::analysis::link_computed(&plan, &mut linked, options, depth, &mut |name, version| {
                let key = (name.clone(), version.map(Into::into));
                found.get(&key).cloned().unwrap_or_else(|| {
                    missing.push(key);
                    Err(LinkError::Missing { name: name.clone() })
                })
            });
            if missing.is_empty() {
                return Ok((plan, linked));
            }
            for key in missing {
                let child = self.inner.named_plan(&key.0, key.1.as_deref()).await?;
                found.insert(key, child);
            }
        }
    }
}
