//! The plans of a root execution: its own, and those of every child that is known before the run.

use std::{collections::BTreeMap, sync::Arc};

use super::Plan;
use crate::{TemplateName, diagnostic::Diagnostics};

/// Gives the plan of a name and version.
type Load<'l> = dyn FnMut(&TemplateName, Option<&str>) -> Result<Arc<Plan>, LinkError> + 'l;

/// Plans by name and version, and by digest.
#[derive(Clone, Debug, Default)]
pub struct PlanSet {
    by_name: BTreeMap<(TemplateName, Option<Arc<str>>), Arc<Plan>>,
    by_digest: BTreeMap<Arc<str>, Arc<Plan>>,
}

/// Why the children of a plan cannot be linked.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LinkError {
    /// A template calls itself, directly or through others.
    #[error("template `{name}` calls itself through {through}")]
    Recursion {
        /// The template.
        name: TemplateName,
        /// The chain of names.
        through: String,
    },
    /// Templates are nested deeper than the limit.
    #[error("templates are nested deeper than {limit}")]
    Depth {
        /// The limit.
        limit: usize,
    },
    /// A child does not exist.
    #[error("template `{name}` does not exist")]
    Missing {
        /// The child.
        name: TemplateName,
    },
    /// A child does not compile.
    #[error("template `{name}` has errors")]
    Invalid {
        /// The child.
        name: TemplateName,
        /// Its findings.
        findings: Diagnostics,
    },
}

impl PlanSet {
    /// The plan of that name and version.
    pub fn named(&self, name: &TemplateName, version: Option<&str>) -> Option<&Arc<Plan>> {
        self.by_name.get(&(name.clone(), version.map(Into::into)))
    }

    /// The plan of that digest.
    pub fn digest(&self, digest: &str) -> Option<&Arc<Plan>> {
        self.by_digest.get(digest)
    }

    /// Adds a plan under a name and version.
    pub fn insert(&mut self, name: TemplateName, version: Option<Arc<str>>, plan: Arc<Plan>) {
        self.by_digest.insert(plan.digest.clone(), plan.clone());
        self.by_name.insert((name, version), plan);
    }

    /// Adds a plan that has no name.
    pub fn insert_anonymous(&mut self, plan: Arc<Plan>) {
        self.by_digest.insert(plan.digest.clone(), plan);
    }

    /// Adds the plans of another set; those that are here already stay.
    pub fn extend(&mut self, other: Self) {
        for (key, plan) in other.by_name {
            self.by_name.entry(key).or_insert(plan);
        }
        for (digest, plan) in other.by_digest {
            self.by_digest.entry(digest).or_insert(plan);
        }
    }

    /// All plans with their names, sorted.
    pub fn iter(&self) -> impl Iterator<Item = (&TemplateName, Option<&Arc<str>>, &Arc<Plan>)> {
        self.by_name.iter().map(|((name, version), plan)| (name, version.as_ref(), plan))
    }

    /// Finds the children of `root` and theirs through `load`, which compiles a template by name.
    ///
    /// # Errors
    /// Recursion, depth, and what `load` says. A child that does not exist is an error too: it would fail the run.
    pub fn link(root: &Plan, limit: usize, load: &mut Load<'_>) -> Result<Self, LinkError> {
        let mut set = Self::default();
        let mut chain: Vec<TemplateName> = root.name.iter().cloned().collect();
        set.link_below(root, limit, &mut chain, 1, &mut BTreeMap::new(), load)?;
        Ok(set)
    }

    /// `linked_at` holds the greatest depth at which all below a child was linked: nothing new can come of it at that
    /// depth or a smaller one, and without it templates that call each other often would be walked exponentially.
    fn link_below(
        &mut self,
        plan: &Plan,
        limit: usize,
        chain: &mut Vec<TemplateName>,
        depth: usize,
        linked_at: &mut BTreeMap<(TemplateName, Option<Arc<str>>), usize>,
        load: &mut Load<'_>,
    ) -> Result<(), LinkError> {
        for child in &plan.children {
            if depth >= limit {
                return Err(LinkError::Depth { limit });
            }
            if chain.contains(&child.name) {
                let through = chain.iter().map(ToString::to_string).collect::<Vec<_>>().join(" → ");
                return Err(LinkError::Recursion { name: child.name.clone(), through });
            }
            let key = (child.name.clone(), child.version.clone());
            if linked_at.get(&key).is_some_and(|deepest| *deepest >= depth) {
                continue;
            }
            let linked = match self.named(&child.name, child.version.as_deref()) {
                Some(plan) => plan.clone(),
                None => load(&child.name, child.version.as_deref())?,
            };
            self.insert(child.name.clone(), child.version.clone(), linked.clone());
            chain.push(child.name.clone());
            self.link_below(&linked, limit, chain, depth + 1, linked_at, load)?;
            chain.pop();
            linked_at.insert(key, depth);
        }
        Ok(())
    }
}
