//! The registry: what a name in `Action` leads to.
//!
//! Work and control actions are registered as values. Templates under an action's name come from template stores and
//! are read when they are first asked for, so a directory of two hundred definitions costs nothing until it is used.

use std::{
    collections::BTreeMap,
    fmt,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use futures::FutureExt;

use crate::{
    ActionName, Limits, Template, TemplateName,
    ports::{
        action::{
            Action, ActionCatalog, ActionClass, ActionContext, ActionError, Entry, Outcome, ResultMember, RetryRule,
            Signature,
        },
        control::ControlAction,
        store::StoreError,
        template_store::{StoredTemplate, TemplateStore},
    },
    template::meant_type,
};

/// Actions by name, case ignored. A clone shares what has been read.
#[derive(Clone, Default)]
pub struct ActionRegistry {
    entries: BTreeMap<ActionName, (Entry, Arc<Signature>)>,
    stores: Vec<Arc<dyn TemplateStore>>,
    read: Arc<Mutex<BTreeMap<TemplateName, Option<Found>>>>,
}

#[derive(Clone)]
struct Found {
    stored: Arc<StoredTemplate>,
    signature: Arc<Signature>,
}

impl ActionRegistry {
    /// A registry without actions.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same registry and an action, which replaces one of the same name.
    #[must_use]
    pub fn with(self, action: impl Action) -> Self {
        self.with_entry(Entry::Work(Arc::new(action)))
    }

    /// The same registry and a control action.
    #[must_use]
    pub fn with_control(self, action: impl ControlAction) -> Self {
        self.with_entry(Entry::Control(Arc::new(action)))
    }

    /// The same registry and an entry; [`Entry::Template`] has no value of its own and changes nothing.
    #[must_use]
    pub fn with_entry(mut self, entry: Entry) -> Self {
        let signature = match &entry {
            Entry::Work(action) => action.signature(),
            Entry::Control(action) => action.signature(),
            Entry::Template => return self,
        };
        self.entries.insert(signature.name.clone(), (entry, Arc::new(signature)));
        self
    }

    /// The same registry and a closure as action.
    ///
    /// ```
    /// # use oos_core::{outputs, registry::ActionRegistry};
    /// let registry = ActionRegistry::new()
    ///     .with_fn("Acme::Echo", |ctx| async move { Ok(outputs! { "text" => ctx.raw_properties().at(&["text"]).clone() }) });
    /// ```
    #[must_use]
    pub fn with_fn<F, R>(self, name: &str, function: F) -> Self
    where
        F: Fn(ActionContext) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Outcome, ActionError>> + Send + 'static,
    {
        self.with(FnAction::new(name, function))
    }

    /// The same registry and a store of templates, asked before the stores that are there.
    #[must_use]
    pub fn with_templates(mut self, store: impl TemplateStore) -> Self {
        self.stores.insert(0, Arc::new(store));
        self.read = Arc::default();
        self
    }

    /// The stores of templates, first asked first.
    pub fn stores(&self) -> &[Arc<dyn TemplateStore>] {
        &self.stores
    }

    /// Reads the templates of these names, so that the synchronous look-ups find them. A store that answers at once
    /// (memory, files) needs no call of this.
    ///
    /// # Errors
    /// What a store says.
    pub async fn load(&self, names: Vec<ActionName>) -> Result<(), StoreError> {
        for name in names {
            let name = TemplateName::new(name.text().clone());
            if self.cached(&name).is_none() {
                let found = self.template(&name, None).await?;
                self.remember(name, found);
            }
        }
        Ok(())
    }

    /// Forgets what was read under a name, for stores whose templates change: the next look-up asks the stores again.
    pub fn forget(&self, name: &TemplateName) {
        self.read.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
    }

    /// The template of a name and version, from the first store that has it.
    ///
    /// # Errors
    /// What a store says.
    pub async fn template(
        &self,
        name: &TemplateName,
        version: Option<&str>,
    ) -> Result<Option<StoredTemplate>, StoreError> {
        for store in &self.stores {
            if let Some(found) = store.get(name, version).await? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    fn cached(&self, name: &TemplateName) -> Option<Option<Found>> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    fn remember(&self, name: TemplateName, stored: Option<StoredTemplate>) -> Option<Found> {
        let found = stored.map(|stored| Found { signature: Arc::new(signature_of(&stored)), stored: Arc::new(stored) });
        self.read.lock().unwrap_or_else(PoisonError::into_inner).insert(name, found.clone());
        found
    }

    fn find(&self, name: &ActionName) -> Option<Found> {
        let name = TemplateName::new(name.text().clone());
        if let Some(known) = self.cached(&name) {
            return known;
        }
        // Stores over memory and files answer at once; one that would have to wait is asked by `load`.
        let stored = self.template(&name, None).now_or_never()?.ok()?;
        self.remember(name, stored)
    }

    /// The template behind an action's name, once it was read.
    pub fn action_template(&self, name: &ActionName) -> Option<Arc<StoredTemplate>> {
        self.find(name).map(|found| found.stored)
    }
}

impl fmt::Debug for ActionRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActionRegistry").field("actions", &self.entries.len()).field("stores", &self.stores).finish()
    }
}

impl ActionCatalog for ActionRegistry {
    fn entry(&self, name: &ActionName) -> Option<Entry> {
        match self.entries.get(name) {
            Some((entry, _)) => Some(entry.clone()),
            None => self.find(name).map(|_| Entry::Template),
        }
    }

    fn signature(&self, name: &ActionName) -> Option<Arc<Signature>> {
        match self.entries.get(name) {
            Some((_, signature)) => Some(signature.clone()),
            None => self.find(name).map(|found| found.signature),
        }
    }

    fn names(&self) -> Vec<ActionName> {
        let mut names: Vec<ActionName> = self.entries.keys().cloned().collect();
        for store in &self.stores {
            let listed = store.list().now_or_never().and_then(Result::ok).unwrap_or_default();
            names.extend(
                listed.into_iter().filter(|n| n.as_str().contains("::")).map(|n| ActionName::new(n.text().clone())),
            );
        }
        names.sort();
        names.dedup();
        names
    }
}

/// The signature of a template under an action's name: its parameters are the properties.
fn signature_of(stored: &StoredTemplate) -> Signature {
    let name = ActionName::new(stored.name.text().clone());
    let base = Signature { class: ActionClass::Product, retry: RetryRule::None, open: false, ..Signature::open(name) };
    // A template with errors is reported when it is linked, not when its name is met.
    let Ok(template) = Template::parse_source(stored.source.clone(), &Limits::unlimited()) else {
        return Signature { open: true, ..base };
    };
    let description =
        template.description.as_ref().and_then(|d| crate::template::Description(d).text("en")).unwrap_or_default();
    let outputs = template.outputs.iter().map(|output| ResultMember {
        name: output.name.value.text().clone(),
        types: vec![meant_type(output.value_type.as_ref())],
        description: "".into(),
    });
    Signature {
        properties: crate::check::declared(&template),
        outputs: outputs.collect(),
        description: description.into(),
        ..base
    }
}

/// An action from a closure.
pub struct FnAction<F> {
    name: ActionName,
    function: F,
}

impl<F> FnAction<F> {
    /// An action of that name.
    pub fn new(name: &str, function: F) -> Self {
        Self { name: ActionName::new(name), function }
    }
}

impl<F> fmt::Debug for FnAction<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FnAction({})", self.name)
    }
}

#[async_trait]
impl<F, R> Action for FnAction<F>
where
    F: Fn(ActionContext) -> R + Send + Sync + 'static,
    R: Future<Output = Result<Outcome, ActionError>> + Send + 'static,
{
    fn name(&self) -> &ActionName {
        &self.name
    }

    async fn run(&self, ctx: ActionContext) -> Result<Outcome, ActionError> {
        (self.function)(ctx).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Value;

    #[test]
    fn names_are_found_without_case_and_later_entries_win() {
        let registry = ActionRegistry::new()
            .with_fn("Acme::Echo", |_| async { Ok(Outcome::Done(Value::Int(1))) })
            .with_fn("acme::echo", |_| async { Ok(Outcome::Done(Value::Int(2))) });
        assert_eq!(registry.names().len(), 1);
        assert!(registry.entry(&"ACME::ECHO".into()).is_some());
        assert!(registry.entry(&"Acme::Other".into()).is_none());
    }
}
