//! Children whose names are computed and decided by what is known before the run.
//!
//! A plan links the children that it names literally. For an analysis with values for the parameters, more are known:
//! [`wanted`] names them, [`link_computed`] gets them. The service follows no computed name (service-model 6.3), so
//! nothing here is done unless it is asked for.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    permissions::PermissionOptions,
    walk::{Site, Unresolved, Visitor, Walk, facts},
};
use crate::{
    TemplateName,
    check::Load,
    plan::{Plan, PlanSet},
};

/// A template by name and version.
type Key = (TemplateName, Option<Arc<str>>);

#[derive(Default)]
struct Collector(BTreeSet<Key>);

impl Visitor for Collector {
    fn task(&mut self, _: &Site<'_>) {}
    fn unresolved(&mut self, _: Unresolved) {}
    fn missing(&mut self, name: &TemplateName, version: Option<&str>) {
        self.0.insert((name.clone(), version.map(Into::into)));
    }
}

/// Children of a template and of its children that a run with these parameters may start, that are known by name and
/// version, and whose plans are not at hand; sorted.
pub fn wanted(plan: &Plan, plans: &PlanSet, options: &PermissionOptions) -> Vec<(TemplateName, Option<Arc<str>>)> {
    let facts = facts(&options.variables);
    let (given, defaults) = options.given();
    let mut collector = Collector::default();
    Walk::new(&facts, plans, true).run(plan, &given, defaults, &mut collector);
    collector.0.into_iter().collect()
}

/// Adds the plans of [`wanted`] children and of theirs, until nothing more is wanted. What `load` cannot give stays
/// unresolved in the analysis; a run would fail there and nowhere else.
pub fn link_computed(plan: &Plan, plans: &mut PlanSet, options: &PermissionOptions, limit: usize, load: &mut Load<'_>) {
    let mut asked: BTreeSet<Key> = BTreeSet::new();
    // Each round goes at least one level deeper.
    for _ in 0..limit {
        let new: Vec<Key> = wanted(plan, plans, options).into_iter().filter(|key| asked.insert(key.clone())).collect();
        if new.is_empty() {
            return;
        }
        for (name, version) in new {
            let Ok(found) = load(&name, version.as_deref()) else { continue };
            if let Ok(below) = PlanSet::link(&found, limit, load) {
                plans.insert(name, version, found);
                plans.extend(below);
            }
        }
    }
}
