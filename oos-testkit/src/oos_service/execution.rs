//! Starting, changing and ending executions.

use std::sync::Arc;

use oos_core::{
    ExecutionId, Map, Template, TemplateName, Value,
    engine::{ExecutionHandle, StartOptions, execution_row},
    ids::MachinePath,
    machine::{LoopMode, Mode, SafetyCheck, SignalKind, SignalTarget},
    params,
    ports::{
        ApiError,
        index::{ExecutionQuery, Summary},
    },
    source::SourceText,
};

use super::{
    OosService, Who, conflict, engine_error, error, error_with, invalid, library::format_of, lock, missing, not_found,
    one_of, signal_error, store_error, tags_in,
};
use crate::cloud::params::Params;

/// Most executions that one call deletes.
const DELETED: usize = 100;

/// What the index does not hold about an execution.
#[derive(Clone, Debug, Default)]
pub(super) struct Facts {
    pub(super) template_id: Arc<str>,
    pub(super) template_version: Option<Arc<str>>,
    pub(super) safety_check: &'static str,
    pub(super) description: Arc<str>,
    pub(super) tags: Map,
    pub(super) group: Arc<str>,
    /// Parameters that UpdateExecution has changed since.
    pub(super) parameters: Map,
}

impl Facts {
    /// What a row alone tells.
    pub(super) fn of(summary: &Summary) -> Self {
        let tags = summary.tags.as_map().cloned().unwrap_or_default();
        Self { safety_check: "Skip", tags, ..Self::default() }
    }
}

/// A template that a request names or brings.
pub(super) struct Chosen {
    pub(super) name: Arc<str>,
    pub(super) id: Arc<str>,
    pub(super) version: Option<Arc<str>>,
    pub(super) template: Template,
}

impl OosService {
    /// The template of `TemplateName` and `TemplateVersion`, or of `TemplateContent`.
    pub(super) async fn chosen(&self, p: &Params) -> Result<Chosen, ApiError> {
        if p.has("TemplateURL") && !p.has("TemplateContent") && !p.has("TemplateName") {
            let why = "nothing is fetched here: send the text as TemplateContent";
            return Err(invalid("TemplateURL", why));
        }
        let limits = self.0.engine.limits();
        let parse = |name: Arc<str>, text: Arc<str>| {
            Template::parse_source(SourceText::new(name, text), limits)
                .map_err(|found| error_with("InvalidTemplate", found.render()))
        };
        if let Some(text) = p.verbatim("TemplateContent") {
            // CHOICE: the record's name of a template that has none; no page shows one.
            let name: Arc<str> = match p.str("TemplateName") {
                Some(name) => name,
                None => self.0.cloud.with(|state| format!("Template-{:06}", state.ids.number("oos template"))).into(),
            };
            let template = parse(name.clone(), text)?;
            return Ok(Chosen { name, id: "".into(), version: None, template });
        }
        let name = p.str("TemplateName").ok_or_else(|| missing("TemplateName"))?;
        let (wanted, version) = (TemplateName::new(name.clone()), p.str("TemplateVersion"));
        let found = self.0.engine.actions().template(&wanted, version.as_deref()).await.map_err(|e| store_error(&e))?;
        let Some(found) = found else {
            let newest = self.0.engine.actions().template(&wanted, None).await.map_err(|e| store_error(&e))?;
            return Err(match (newest, version) {
                (Some(_), Some(version)) => not_found("TemplateVersion", &format!("{name} {version}")),
                _ => not_found("Template", &name),
            });
        };
        let template = parse(found.source.name.clone(), found.source.text.clone())?;
        let id = self.0.library.find(&name).map(|shelf| shelf.id).unwrap_or_default();
        Ok(Chosen { name: found.name.text().clone(), id, version: Some(found.version.into()), template })
    }

    pub(super) async fn start(&self, p: &Params, who: &Who) -> Result<Value, ApiError> {
        let parameters = match p.get("Parameters").parsed_if_json_text() {
            Value::Null => Value::empty_map(),
            map @ Value::Map(_) => map,
            _ => return Err(invalid("Parameters", "it is no JSON object")),
        };
        let (options, loop_mode) = start_options(p)?;
        if let Some(parent) = p.str("ParentExecutionId") {
            self.row(&ExecutionId::new(parent)).await?;
        }
        let (tags, description) = (tags_in(p, "Tags")?, p.text("Description"));
        let chosen = self.chosen(p).await?;
        let safety_check = match options.safety_check {
            SafetyCheck::Skip => "Skip",
            SafetyCheck::ConfirmEveryHighRiskAction => "ConfirmEveryHighRiskAction",
        };
        let options = StartOptions {
            template_name: Some(TemplateName::new(chosen.name.clone())),
            executed_by: Some(who.label.clone()),
            description: Some(description.to_string()),
            tags: Value::from(tags.clone()),
            parent: p.str("ParentExecutionId").map(ExecutionId::new),
            region: p.str("RegionId").map(|region| region.to_string()),
            ..options
        };
        let facts = Facts {
            template_id: chosen.id,
            template_version: chosen.version,
            safety_check,
            description,
            tags,
            group: p.text("ResourceGroupId"),
            parameters: Map::new(),
        };
        let summary = self.launch(&chosen.template, parameters, options, facts).await?;
        self.0.library.with(&chosen.name, |shelf| shelf.map(|shelf| shelf.started += 1));
        let mut row = self.shown(&summary, &self.facts_of(&summary)).as_map().cloned().unwrap_or_default();
        let given = row.get("Parameters").map(Value::to_string);
        row.insert("Parameters", given.unwrap_or_default());
        row.insert("LoopMode", loop_mode);
        // Every execution enters this status first (service-model 2.1), and the answer tells of the acceptance only.
        row.insert("Status", "Started");
        row.retain(|name, _| {
            !["WaitingStatus", "StatusReason", "StatusMessage", "EndDate", "AccountId"].contains(&name)
        });
        row.insert("Outputs", "{}");
        Ok(params! { "Execution" => row })
    }

    /// StartDebugExecution: one action without a template.
    pub(super) async fn start_debug(&self, p: &Params, who: &Who) -> Result<Value, ApiError> {
        let action = p.need("TaskType")?;
        let properties = match p.get("Properties").parsed_if_json_text() {
            Value::Null => Value::empty_map(),
            map @ Value::Map(_) => map,
            _ => return Err(invalid("Properties", "it is no JSON object")),
        };
        let (document, values) = oos_core::engine::single_action("", &action, &properties);
        let template = Template::parse_source(SourceText::new(action, document.to_string()), self.0.engine.limits())
            .map_err(|found| error_with("InvalidTemplate", found.render()))?;
        let options = StartOptions { executed_by: Some(who.label.clone()), ..StartOptions::default() };
        let facts = Facts { safety_check: "Skip", ..Facts::default() };
        let summary = self.launch(&template, values, options, facts).await?;
        Ok(params! { "ExecutionId" => &summary.id })
    }

    /// Starts, and waits until the index has the row: whoever asks for the execution next shall find it.
    async fn launch(
        &self,
        template: &Template,
        parameters: Value,
        options: StartOptions,
        facts: Facts,
    ) -> Result<Summary, ApiError> {
        let handle = self.0.engine.start_with(template, parameters, options).await.map_err(engine_error)?;
        lock(&self.0.facts).insert(handle.id().clone(), facts);
        handle.report().await;
        self.row(handle.id()).await
    }

    /// The handle of the run that an execution belongs to, and the execution's place in it.
    pub(super) async fn live(&self, id: &ExecutionId) -> Result<(Summary, ExecutionHandle, MachinePath), ApiError> {
        let summary = self.row(id).await?;
        let ended = || conflict(format!("The execution {id} has ended: {}.", summary.status));
        if summary.status.is_final() {
            return Err(ended());
        }
        let handle = match self.0.engine.execution(&summary.root) {
            Some(handle) => handle,
            None => self.0.engine.resume(&summary.root).await.map_err(engine_error)?,
        };
        let reports = handle.report().await;
        let path = reports.into_iter().find(|report| report.id == *id).map(|report| report.path);
        let path = path.ok_or_else(ended)?;
        Ok((summary, handle, path))
    }

    pub(super) async fn cancel(&self, p: &Params, who: &Who) -> Result<Value, ApiError> {
        let (_, handle, path) = self.live(&ExecutionId::new(p.need("ExecutionId")?)).await?;
        let to = SignalTarget { path, ..SignalTarget::default() };
        handle.send(&who.user, to, SignalKind::Cancel).await.map_err(signal_error)?;
        Ok(Value::empty_map())
    }

    pub(super) async fn trigger(&self, p: &Params, who: &Who) -> Result<Value, ApiError> {
        let kind = one_of(p, "Type", &["Event", "Alarm", "Timer"])?.ok_or_else(|| missing("Type"))?;
        let (summary, handle, path) = self.live(&ExecutionId::new(p.need("ExecutionId")?)).await?;
        if *summary.category != *format!("{kind}Trigger") {
            let why = format!("the execution is of the category {}", summary.category);
            return Err(invalid("Type", why));
        }
        let message = p.get("Content").parsed_if_json_text();
        let to = SignalTarget { path, ..SignalTarget::default() };
        handle.send(&who.user, to, SignalKind::Trigger { message }).await.map_err(signal_error)?;
        Ok(Value::empty_map())
    }

    /// UpdateExecution: parameters of a waiting trigger, what describes an execution in any state (service-model 2.6).
    pub(super) async fn update_execution(&self, p: &Params, who: &Who) -> Result<Value, ApiError> {
        let id = ExecutionId::new(p.need("ExecutionId")?);
        let summary = self.row(&id).await?;
        let tags = if p.has("Tags") { Some(tags_in(p, "Tags")?) } else { None };
        let mut changed = Map::new();
        if p.has("Parameters") {
            let Value::Map(map) = p.get("Parameters").parsed_if_json_text() else {
                return Err(invalid("Parameters", "it is no JSON object"));
            };
            let (_, handle, path) = self.live(&id).await?;
            let to = SignalTarget { path, ..SignalTarget::default() };
            let kind = SignalKind::UpdateParameters { parameters: Value::Map(map.clone()) };
            handle.send(&who.user, to, kind).await.map_err(signal_error)?;
            changed = (*map).clone();
        }
        self.with_facts(&summary, |facts| {
            facts.parameters.extend(changed);
            if let Some(tags) = tags {
                facts.tags = tags;
            }
            if p.has("Description") {
                facts.description = p.text("Description");
            }
            if let Some(group) = p.str("ResourceGroupId") {
                facts.group = group;
            }
        });
        Ok(Value::empty_map())
    }

    /// DeleteExecutions: all or none.
    pub(super) async fn delete_executions(&self, p: &Params, who: &Who) -> Result<Value, ApiError> {
        let ids: Vec<ExecutionId> = p.need_list("ExecutionIds")?.into_iter().map(ExecutionId::new).collect();
        if ids.len() > DELETED {
            return Err(error_with("LimitExceeded.ExecutionIds", format!("One call deletes at most {DELETED}.")));
        }
        let mut rows = Vec::new();
        for id in &ids {
            let row = self.row(id).await?;
            if row.id != row.root {
                return Err(invalid("ExecutionIds", format_args!("{id} is a child and goes with its parent")));
            }
            if !row.status.is_final() && !p.bool("Force") {
                return Err(conflict(format!("The execution {id} has not ended: {}.", row.status)));
            }
            rows.push(row);
        }
        for row in rows.iter().filter(|row| !row.status.is_final()) {
            // One that has ended in between needs no cancel.
            if let Ok((_, handle, path)) = self.live(&row.id).await {
                let to = SignalTarget { path, ..SignalTarget::default() };
                handle.send(&who.user, to, SignalKind::Cancel).await.map_err(signal_error)?;
                handle.wait().await.map_err(|e| store_error(&e))?;
            }
        }
        self.forget(&ids).await?;
        Ok(Value::empty_map())
    }

    /// Forgets ended executions.
    pub(super) async fn forget(&self, ids: &[ExecutionId]) -> Result<(), ApiError> {
        self.0.engine.index().remove(ids).await.map_err(|e| store_error(&e))?;
        self.0.records.remove(ids);
        lock(&self.0.facts).retain(|id, _| !ids.contains(id));
        lock(&self.0.pinned).retain(|id, _| !ids.contains(id));
        Ok(())
    }

    /// Ended root executions of a template.
    pub(super) async fn ended_of(&self, template: &str) -> Result<Vec<ExecutionId>, ApiError> {
        let query = ExecutionQuery { template_name: Some(template.to_owned()), ..ExecutionQuery::default() };
        let rows = self.rows(query).await?.into_iter();
        let own = |row: &Summary| row.template_name.as_ref().is_some_and(|name| name.eq_ignore_ascii_case(template));
        Ok(rows.filter(|row| own(row) && row.status.is_final()).map(|row| row.id).collect())
    }

    /// GetExecutionTemplate: the text that was really run.
    pub(super) async fn execution_template(&self, p: &Params) -> Result<Value, ApiError> {
        let summary = self.row(&ExecutionId::new(p.need("ExecutionId")?)).await?;
        let pinned = self.pinned(&summary.root).await?;
        let own = (summary.id != summary.root).then_some(summary.template_name.as_deref()).flatten();
        let (found, _) = pinned.named(own).ok_or_else(|| error("EntityNotExists.Template"))?;
        let facts = self.facts_of(&summary);
        let row = execution_row(&summary);
        let template = params! {
            "TemplateName" => row.at(&["TemplateName"]).to_text(), "TemplateId" => facts.template_id,
            "TemplateVersion" => facts.template_version.or_else(|| found.version.clone()).unwrap_or_default(),
            "TemplateFormat" => format_of(&found.text), "Hash" => found.digest.clone(), "ShareType" => "Private",
        };
        Ok(params! { "Content" => found.text.clone(), "Template" => template })
    }
}

/// The modes of a start, and the name of the loop mode.
fn start_options(p: &Params) -> Result<(StartOptions, &'static str), ApiError> {
    let mode = match one_of(p, "Mode", &["Automatic", "FailurePause", "Debug"])? {
        Some("FailurePause") => Mode::FailurePause,
        Some("Debug") => Mode::Debug,
        _ => Mode::Automatic,
    };
    let safety_check = match one_of(p, "SafetyCheck", &["Skip", "ConfirmEveryHighRiskAction"])? {
        Some("ConfirmEveryHighRiskAction") => SafetyCheck::ConfirmEveryHighRiskAction,
        _ => SafetyCheck::Skip,
    };
    let name = one_of(p, "LoopMode", &["Automatic", "FirstBatchPause", "EveryBatchPause"])?.unwrap_or("Automatic");
    let loop_mode = match name {
        "FirstBatchPause" => LoopMode::FirstBatchPause,
        "EveryBatchPause" => LoopMode::EveryBatchPause,
        _ => LoopMode::Automatic,
    };
    Ok((StartOptions { mode, safety_check, loop_mode, ..StartOptions::default() }, name))
}
