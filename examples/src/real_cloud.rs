//! A job against the cloud that a client reaches: told beforehand without a call, then carried out.

use std::{fmt::Write, sync::Arc};

use oos_aliyun::Client;
use oos_core::{
    RegionId, Template, TemplateName, Value,
    analysis::{DryRunOptions, PermissionOptions, dry_run, permissions_with, risks},
    engine::{Engine, EngineBuilder, StartOptions},
    machine::ExecutionStatus,
    params,
    ports::EventSink,
    source::SourceText,
    view,
};
use oos_testkit::EventRecorder;

/// A template with its parameters, and where it runs.
#[derive(Clone, Debug)]
pub struct Job {
    /// The text.
    pub template: SourceText,
    /// A map.
    pub parameters: Value,
    /// The region that `ACS::RegionId` means.
    pub region: String,
}

/// How a job ended, and what there is to show of it.
#[derive(Clone, Debug)]
pub struct Ended {
    /// The status.
    pub status: ExecutionStatus,
    /// The tasks as a tree.
    pub tasks: String,
    /// The outputs: a map.
    pub outputs: Value,
}

impl Job {
    fn engine(&self) -> EngineBuilder {
        Engine::builder().actions(oos_actions::standard()).region(RegionId::new(self.region.as_str()))
    }

    fn parsed(&self, engine: &Engine) -> Result<(Template, TemplateName), String> {
        let template =
            Template::parse_source(self.template.clone(), engine.limits()).map_err(|found| found.render())?;
        let file = self.template.name.rsplit('/').next().unwrap_or_default();
        Ok((template, TemplateName::new(file.split('.').next().unwrap_or_default())))
    }

    /// What the job would do: calls with their fan-out, the smallest policy that suffices, high-risk calls. Nothing is
    /// called, and no credential is needed.
    ///
    /// # Errors
    /// Findings of the template.
    pub async fn plan(&self) -> Result<String, String> {
        let engine = self.engine().build().map_err(|e| e.to_string())?;
        let (template, name) = self.parsed(&engine)?;
        let variables = params! { "RegionId" => self.region.as_str() };
        let options = DryRunOptions { variables: variables.clone(), ..DryRunOptions::default() };
        let asked =
            PermissionOptions { parameters: self.parameters.clone(), variables, ..PermissionOptions::default() };
        let linked = engine.linked_with(&template, Some(name), &asked).await;
        let (plan, plans) = linked.map_err(|e| e.to_string())?;
        let needed = permissions_with(&plan, &plans, &asked);
        let policy = serde_json::to_string_pretty(&needed.policy().to_value().to_json()).map_err(|e| e.to_string())?;
        let mut text = String::new();
        let steps = dry_run(&plan, &plans, &self.parameters, &options);
        let risky = risks(&plan, &plans, engine.risk_policy());
        write!(text, "{steps}\nRAM policy of the caller:\n{policy}\n\nhigh-risk calls:\n{risky}")
            .map_err(|e| e.to_string())?;
        Ok(text)
    }

    /// Carries the job out. `change` has the last word about the engine.
    ///
    /// # Errors
    /// What keeps the execution from starting, or from being driven on.
    pub async fn execute(
        &self,
        cloud: Client,
        observer: Arc<dyn EventSink>,
        change: impl FnOnce(EngineBuilder) -> EngineBuilder,
    ) -> Result<Ended, String> {
        let events = EventRecorder::default();
        // With a `FakeCloud` in this line the same job runs offline.
        let builder = self.engine().api(cloud).events(events.with_observers(vec![observer]));
        let engine = change(builder).build().map_err(|e| e.to_string())?;
        let (template, name) = self.parsed(&engine)?;
        let options = StartOptions { template_name: Some(name), ..StartOptions::default() };
        let started = engine.start_with(&template, self.parameters.clone(), options).await;
        let finished = started.map_err(|e| e.to_string())?.wait().await.map_err(|e| e.to_string())?;
        let trace = view::Trace::from_events(&events.all());
        let tasks = view::text(&trace, &view::TextOptions { fold: false, ..view::TextOptions::default() });
        Ok(Ended { status: finished.status, tasks, outputs: finished.outputs })
    }
}
