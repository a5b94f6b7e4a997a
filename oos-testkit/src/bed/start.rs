//! Starting templates and single actions.

use std::sync::PoisonError;

use oos_core::{
    ActionName, Template, TemplateName, Value,
    engine::{StartOptions, single_action},
    ports::action::ActionCatalog,
    source::SourceText,
};

use super::{Run, TestBed};
use crate::calls::fail;

impl TestBed {
    /// Starts a template and gives its handle; nothing has run yet. `template` is text, or the name of a template
    /// that the bed knows.
    ///
    /// # Panics
    /// When the template has errors, does not exist, or the parameters do not fit: with the findings.
    #[track_caller]
    pub fn start(&self, template: &str, parameters: impl Into<Value>) -> Run {
        match self.try_start(template, parameters.into(), StartOptions::default()) {
            Ok(run) => run,
            Err(text) => fail(&text),
        }
    }

    /// The same with start options.
    ///
    /// # Panics
    /// As [`TestBed::start`].
    #[track_caller]
    pub fn start_with(&self, template: &str, parameters: impl Into<Value>, options: StartOptions) -> Run {
        match self.try_start(template, parameters.into(), options) {
            Ok(run) => run,
            Err(text) => fail(&text),
        }
    }

    /// Starts a template.
    ///
    /// # Errors
    /// What [`TestBed::start`] would panic with.
    pub fn try_start(&self, template: &str, parameters: Value, mut options: StartOptions) -> Result<Run, String> {
        let (source, name) = self.find(template)?;
        if let Some(name) = name {
            options.template_name.get_or_insert(name.into());
        }
        self.try_start_source(source, parameters, options)
    }

    /// Starts the text of a template under the name of its file, which findings then show.
    ///
    /// # Errors
    /// As [`TestBed::try_start`].
    pub fn try_start_source(
        &self,
        source: SourceText,
        parameters: Value,
        mut options: StartOptions,
    ) -> Result<Run, String> {
        let limits = self.engine().limits().clone();
        let parsed = Template::parse_source(source.clone(), &limits).map_err(|d| d.render())?;
        let user = self.settings().user.clone();
        options.executed_by.get_or_insert(user);
        let engine = self.engine().clone();
        let started = self
            .0
            .executor
            .block_on(self.clock(), async move { engine.start_with(&parsed, parameters, options).await });
        let handle = started.ok_or("the engine did not start")?.map_err(|e| e.to_string())?;
        self.0.roots.lock().unwrap_or_else(PoisonError::into_inner).insert(handle.id().clone(), source);
        Ok(Run::new(self.clone(), handle))
    }

    /// Runs a template to its end, or until it waits for somebody.
    ///
    /// # Panics
    /// As [`TestBed::start`].
    #[track_caller]
    pub fn run(&self, template: &str, parameters: impl Into<Value>) -> Run {
        let run = self.start(template, parameters);
        self.run_to_end();
        run
    }

    /// Runs the text of a template; the same as [`TestBed::run`].
    ///
    /// # Panics
    /// As [`TestBed::start`].
    #[track_caller]
    pub fn run_yaml(&self, text: &str, parameters: impl Into<Value>) -> Run {
        self.run(text, parameters)
    }

    /// Starts the text of a template; the same as [`TestBed::start`].
    ///
    /// # Panics
    /// As [`TestBed::start`].
    #[track_caller]
    pub fn start_yaml(&self, text: &str, parameters: impl Into<Value>) -> Run {
        self.start(text, parameters)
    }

    /// Runs an action as the only task of a template: a product action or any other that is registered.
    ///
    /// # Panics
    /// As [`TestBed::start`].
    #[track_caller]
    pub fn run_action(&self, action: &str, properties: impl Into<Value>) -> Run {
        self.run_action_as("", action, properties)
    }

    /// The same under a role.
    ///
    /// # Panics
    /// As [`TestBed::start`].
    #[track_caller]
    pub fn run_action_as(&self, role: &str, action: &str, properties: impl Into<Value>) -> Run {
        let properties = properties.into();
        if ActionCatalog::entry(self.engine().actions(), &ActionName::new(action)).is_none() {
            fail(&format!("there is no action `{action}`"));
        }
        let (document, values) = single_action(role, action, &properties);
        self.run(&document.to_string(), values)
    }

    /// Text of a template: itself, an embedded or registered one, or a file of the template folders.
    fn find(&self, template: &str) -> Result<(SourceText, Option<String>), String> {
        if template.contains('\n') || template.trim_start().starts_with('{') {
            return Ok((SourceText::new("<template>", template), None));
        }
        for folder in self.settings().templates.clone() {
            for ending in ["yml", "yaml", "json"] {
                let path = folder.join(format!("{template}.{ending}"));
                if let Ok(text) = std::fs::read_to_string(&path) {
                    return Ok((SourceText::new(format!("{template}.{ending}"), text), Some(template.to_owned())));
                }
            }
        }
        let engine = self.engine().clone();
        let name = TemplateName::new(template);
        let stored =
            self.0.executor.block_on(self.clock(), async move { engine.actions().template(&name, None).await });
        match stored.and_then(Result::ok).flatten() {
            Some(stored) => Ok((stored.source, Some(template.to_owned()))),
            None => Err(format!("there is no template `{template}`; is OOS_CORPUS set?")),
        }
    }
}
