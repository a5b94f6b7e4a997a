//! ListExecutions: rows of the engine's index, with what was said about executions from outside, all filters, paging.

use std::{collections::BTreeSet, sync::Arc};

use oos_core::{
    ExecutionId, Map, Value,
    engine::execution_row,
    params,
    ports::{
        ApiError,
        index::{ExecutionQuery, Summary},
    },
    view::{ExecutionTrace, TaskTrace},
};

use super::{
    OosService, PAGES, error_with, execution::Facts, has_tags, invalid, is_ascending, lock, not_found, one_of,
    record::task_id, store_error, within,
};
use crate::cloud::{page::page, params::Params};

/// Statuses that the filter takes: those of executions and, as the service lists them, those of tasks (service-model 2.1).
const STATUSES: [&str; 9] =
    ["Running", "Started", "Success", "Failed", "Waiting", "Cancelled", "Pending", "Skipped", "Queued"];
const CATEGORIES: [&str; 4] = ["TimerTrigger", "EventTrigger", "AlarmTrigger", "Other"];
/// Rows read from the index at a time.
const CHUNK: usize = 500;

/// A row of the index and what else is known of the execution.
struct Found {
    summary: Summary,
    facts: Facts,
}

impl OosService {
    /// All rows that the index has for a query.
    pub(super) async fn rows(&self, mut query: ExecutionQuery) -> Result<Vec<Summary>, ApiError> {
        query.limit = CHUNK;
        let mut rows = Vec::new();
        loop {
            let page = self.0.engine.index().list(&query).await.map_err(|e| store_error(&e))?;
            query.offset += page.rows.len();
            let last = page.rows.is_empty() || query.offset >= page.total;
            rows.extend(page.rows);
            if last {
                return Ok(rows);
            }
        }
    }

    /// The row of an execution, root or child.
    pub(super) async fn row(&self, id: &ExecutionId) -> Result<Summary, ApiError> {
        let query = ExecutionQuery { id: Some(id.clone()), ..ExecutionQuery::default() };
        self.rows(query).await?.into_iter().next().ok_or_else(|| not_found("Execution", id.as_str()))
    }

    /// What is known of an execution beside its row.
    pub(super) fn facts_of(&self, summary: &Summary) -> Facts {
        lock(&self.0.facts).get(&summary.id).cloned().unwrap_or_else(|| Facts::of(summary))
    }

    /// Changes what is known of an execution.
    pub(super) fn with_facts(&self, summary: &Summary, change: impl FnOnce(&mut Facts)) {
        change(lock(&self.0.facts).entry(summary.id.clone()).or_insert_with(|| Facts::of(summary)));
    }

    pub(super) async fn list_executions(&self, p: &Params) -> Result<Value, ApiError> {
        let query = query(p)?;
        let ascending = is_ascending(p)?;
        let sort = one_of(p, "SortField", &["StartDate", "EndDate", "Status"])?;
        let ordered = query.parent.is_some() && sort.is_none();
        let mut kept = Vec::new();
        for summary in self.rows(query).await? {
            let found = Found { facts: self.facts_of(&summary), summary };
            if self.keeps(p, &found)? {
                kept.push(found);
            }
        }
        if !ordered {
            match sort {
                Some("EndDate") => kept.sort_by_key(|f| f.summary.end),
                Some("Status") => kept.sort_by_key(|f| f.summary.status.as_str()),
                _ => kept.sort_by(|a, b| (a.summary.start, &a.summary.id).cmp(&(b.summary.start, &b.summary.id))),
            }
            if !ascending {
                kept.reverse();
            }
        }
        let total = kept.len();
        let (rows, mut fields) = page(p, kept, PAGES)?;
        fields
            .insert("Executions", rows.iter().map(|found| self.shown(&found.summary, &found.facts)).collect::<Value>());
        fields.insert("TotalCount", total);
        Ok(Value::from(fields))
    }

    fn keeps(&self, p: &Params, found: &Found) -> Result<bool, ApiError> {
        let (row, facts) = (&found.summary, &found.facts);
        let depth = one_of(p, "Depth", &["RootDepth", "FirstChildDepth"])?;
        let at_depth = match depth {
            Some("RootDepth") => row.id == row.root,
            Some(_) => row.id != row.root && row.parent.as_ref() == Some(&row.root),
            None => true,
        };
        let categories: Vec<Arc<str>> = p.list("Categories");
        let same = |name: &str, found: &str| p.str(name).is_none_or(|wanted| wanted.eq_ignore_ascii_case(found));
        let holds = |name: &str, found: &str| p.str(name).is_none_or(|wanted| found.contains(&*wanted));
        Ok(at_depth
            && one_of(p, "Status", &STATUSES)?.is_none_or(|status| status == row.status.as_str())
            && one_of(p, "Mode", &["Automatic", "FailurePause", "Debug"])?.is_none_or(|mode| mode == &*row.mode)
            && one_of(p, "Category", &CATEGORIES)?.is_none_or(|category| category == &*row.category)
            && (categories.is_empty() || categories.contains(&row.category))
            && holds("ExecutedBy", row.executed_by.as_deref().unwrap_or_default())
            && same("RamRole", &row.ram_role)
            && same("ResourceTemplateName", row.template_name.as_deref().unwrap_or_default())
            && holds("Description", &facts.description)
            && same("ResourceGroupId", &facts.group)
            && p.str("AccountId").is_none_or(|account| account == self.account())
            && within(p, "StartDate", Some(row.start))?
            && within(p, "EndDate", row.end)?
            && has_tags(&facts.tags, &p.tags("Tags"))
            && p.str("ResourceId").is_none_or(|id| self.touches(row, &id)))
    }

    /// True when an execution was started for a resource or has it as a loop item.
    fn touches(&self, row: &Summary, id: &str) -> bool {
        let looped = self.0.records.with(&row.id, |record| {
            let items = |trace: &ExecutionTrace| trace.tasks.iter().flat_map(TaskTrace::items).any(|i| is_it(i, id));
            record.trace.execution(&row.id).is_some_and(items)
        });
        mentions(&row.parameters, id) || looped.unwrap_or(false)
    }

    /// The row as the service shows it.
    pub(super) fn shown(&self, summary: &Summary, facts: &Facts) -> Value {
        let base = execution_row(summary);
        let mut row = base.as_map().cloned().unwrap_or_default();
        let mut parameters = summary.parameters.as_map().cloned().unwrap_or_default();
        parameters.extend(facts.parameters.clone());
        let (current, is_parent) = self.now_running(&summary.id).unwrap_or_default();
        for (name, value) in [
            ("TemplateId", Value::from(facts.template_id.clone())),
            ("SafetyCheck", facts.safety_check.into()),
            ("Description", facts.description.clone().into()),
            ("ResourceGroupId", facts.group.clone().into()),
            ("AccountId", self.account().into()),
            ("Tags", facts.tags.clone().into()),
            ("Parameters", parameters.into()),
            ("CurrentTasks", current),
            ("IsParent", is_parent.into()),
            ("StatusReason", summary.status_message.clone().unwrap_or_default().into()),
        ] {
            row.insert(name, value);
        }
        if let Some(version) = &facts.template_version {
            row.insert("TemplateVersion", version.clone());
        }
        // What is not there is an empty text or no member, never null: generated clients read texts.
        row.retain(|_, value| !value.is_null());
        Value::from(row)
    }

    /// `CurrentTasks`, and whether there are children.
    fn now_running(&self, id: &ExecutionId) -> Option<(Value, bool)> {
        let found = self.0.records.with(id, |record| {
            let trace = record.trace.execution(id)?;
            let open = trace.tasks.iter().filter(|task| !task.status().is_final());
            let current = open.map(|task| {
                params! {
                    "TaskName" => &task.name, "TaskAction" => task.action.clone().unwrap_or_default(),
                    "TaskExecutionId" => task_id(id, task, None).as_str(),
                }
            });
            let mut steps = trace.tasks.iter().chain(trace.tasks.iter().flat_map(TaskTrace::items));
            Some((current.collect::<Value>(), steps.any(|step| step.child().is_some())))
        });
        found.flatten()
    }
}

fn query(p: &Params) -> Result<ExecutionQuery, ApiError> {
    let given: BTreeSet<&str> =
        ["Depth", "IncludeChildExecution", "Category", "Categories"].into_iter().filter(|name| p.has(name)).collect();
    for (one, other) in [("Depth", "IncludeChildExecution"), ("Category", "Categories")] {
        if given.contains(one) && given.contains(other) {
            return Err(invalid(other, format_args!("it cannot be given together with {one}")));
        }
    }
    if p.has("RdFolderIds") {
        return Err(error_with("InvalidParameter.RdFolderIds", "The resource directory is not served."));
    }
    Ok(ExecutionQuery {
        id: p.str("ExecutionId").map(ExecutionId::new),
        parent: p.str("ParentExecutionId").map(ExecutionId::new),
        template_name: p.str("TemplateName").map(|name| name.to_string()),
        include_children: p.bool("IncludeChildExecution") || p.str("Depth").is_some_and(|d| &*d == "FirstChildDepth"),
        ..ExecutionQuery::default()
    })
}

fn is_it(item: &TaskTrace, id: &str) -> bool {
    item.value.as_ref().is_some_and(|value| mentions(value, id))
}

/// True when a text in a value is that text.
fn mentions(value: &Value, text: &str) -> bool {
    match value {
        Value::String(found) => **found == *text,
        Value::List(items) => items.iter().any(|item| mentions(item, text)),
        Value::Map(map) => Map::iter(map).any(|(_, member)| mentions(member, text)),
        _ => false,
    }
}
