//! `OOS.*` calls about executions and templates, answered from the engine's own stores (actions.md 4.5): templates look
//! at themselves and at earlier executions on any cloud. Everything else goes on to the caller below.

use std::sync::{Arc, OnceLock, Weak};

use async_trait::async_trait;

use super::{Inner, oos_list, task_executions};
use crate::{
    TemplateName, Value, params,
    ports::{
        ApiCaller, ApiError, ApiRequest, ApiResponse,
        index::{ExecutionIndex, ExecutionQuery, Summary},
        store::StoreError,
        template_store::TemplateStore,
    },
};

/// A decorator of the cloud that answers `OOS.ListExecutions`, `OOS.ListTaskExecutions` and `OOS.GetTemplate`.
#[derive(Debug)]
pub struct OosApi {
    below: Arc<dyn ApiCaller>,
    index: Arc<dyn ExecutionIndex>,
    templates: Vec<Arc<dyn TemplateStore>>,
    engine: OnceLock<Weak<Inner>>,
}

impl OosApi {
    /// Answers questions about tasks for this engine too.
    pub(super) fn serve(&self, engine: &Arc<Inner>) {
        // Set once, when the engine is built.
        let _ = self.engine.set(Arc::downgrade(engine));
    }

    async fn list_task_executions(&self, parameters: &Value) -> Result<Value, ApiError> {
        let engine = self.engine.get().and_then(Weak::upgrade);
        let gone = || ApiError::service("InternalError", 500, "the engine is gone");
        task_executions::list(&engine.ok_or_else(gone)?, parameters).await
    }

    /// A decorator of `below` over these stores.
    pub fn new(
        below: Arc<dyn ApiCaller>,
        index: Arc<dyn ExecutionIndex>,
        templates: Vec<Arc<dyn TemplateStore>>,
    ) -> Self {
        Self { below, index, templates, engine: OnceLock::new() }
    }

    async fn list_executions(&self, parameters: &Value) -> Result<Value, ApiError> {
        let (page, query) = oos_list::list(&*self.index, parameters).await?;
        let next = query.offset + page.rows.len();
        let mut rows = Vec::with_capacity(page.rows.len());
        for row in &page.rows {
            let mut shown = execution_row(row).as_map().cloned().unwrap_or_default();
            shown.insert("IsParent", self.has_children(row).await?);
            rows.push(Value::from(shown));
        }
        let mut answer = params! {
            "Executions" => rows,
            "TotalCount" => u64::try_from(page.total).unwrap_or(u64::MAX),
            "MaxResults" => u64::try_from(query.limit).unwrap_or(u64::MAX),
        };
        if let (true, Value::Map(map)) = (next < page.total, &mut answer) {
            Arc::make_mut(map).insert("NextToken", next.to_string());
        }
        Ok(answer)
    }

    async fn has_children(&self, row: &Summary) -> Result<bool, ApiError> {
        let query = ExecutionQuery { parent: Some(row.id.clone()), limit: 1, ..ExecutionQuery::default() };
        Ok(self.index.list(&query).await.map_err(store_error)?.total > 0)
    }

    async fn get_template(&self, parameters: &Value) -> Result<Value, ApiError> {
        let name = parameters.at(&["TemplateName"]).to_text();
        let version = parameters.get("TemplateVersion").map(Value::to_text).filter(|v| !v.is_empty());
        let wanted = TemplateName::new(name.clone());
        for store in &self.templates {
            if let Some(found) = store.get(&wanted, version.as_deref()).await.map_err(store_error)? {
                let template = params! {
                    "TemplateName" => &found.name,
                    "TemplateVersion" => found.version.as_str(),
                    "TemplateFormat" => if found.source.text.trim_start().starts_with('{') { "JSON" } else { "YAML" },
                };
                return Ok(params! { "Content" => found.source.text.clone(), "Template" => template });
            }
        }
        Err(ApiError::service("EntityNotExists.Template", 404, format!("template `{name}` does not exist")))
    }
}

#[async_trait]
impl ApiCaller for OosApi {
    async fn call(&self, request: ApiRequest) -> Result<ApiResponse, ApiError> {
        if !request.service.eq_ignore_ascii_case("OOS") {
            return self.below.call(request).await;
        }
        let body = match request.api.to_ascii_lowercase().as_str() {
            "listexecutions" => self.list_executions(&request.parameters).await?,
            "listtaskexecutions" if self.engine.get().is_some() => {
                self.list_task_executions(&request.parameters).await?
            }
            "gettemplate" => self.get_template(&request.parameters).await?,
            _ => return self.below.call(request).await,
        };
        Ok(ApiResponse { body, request_id: None })
    }
}

pub(super) fn store_error(error: StoreError) -> ApiError {
    ApiError::service("InternalError", 500, error.to_string())
}

/// A row of ListExecutions in the service's shape: `Parameters` is an object here, `Outputs` is text (service-model 2.5).
pub fn execution_row(row: &Summary) -> Value {
    let text = |value: &Value| if value.is_null() { Value::Null } else { Value::from(value.to_string()) };
    let mut map = crate::Map::new();
    map.insert("ExecutionId", &row.id);
    map.insert("ParentExecutionId", row.parent.as_ref().map(Value::from));
    map.insert("TemplateName", row.template_name.clone());
    map.insert("TemplateVersion", row.template_version.clone());
    map.insert("Status", row.status.as_str());
    map.insert("StatusMessage", row.status_message.clone());
    map.insert("WaitingStatus", row.waiting_for.map(|w| w.as_str()));
    map.insert("Parameters", row.parameters.clone());
    map.insert("Outputs", text(&row.outputs));
    map.insert("Category", row.category.clone());
    map.insert("Mode", row.mode.clone());
    map.insert("RamRole", row.ram_role.clone());
    map.insert("Tags", if row.tags.is_null() { Value::empty_map() } else { row.tags.clone() });
    map.insert("Counters", row.counters);
    let current = row.current_tasks.iter().map(|t| params! { "TaskName" => t.clone() }).collect::<Vec<_>>();
    map.insert("CurrentTasks", current);
    map.insert("CreateDate", row.start.to_iso());
    map.insert("StartDate", row.start.to_iso());
    map.insert("EndDate", row.end.map(|t| t.to_iso()));
    map.insert("UpdateDate", row.update.to_iso());
    map.insert("ExecutedBy", row.executed_by.clone());
    map.extend(row.trigger.as_map().cloned().unwrap_or_default());
    Value::from(map)
}
