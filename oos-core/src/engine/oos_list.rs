//! The filters of ListExecutions (service-model 4.1). Those that an index has are asked of it; the others look at its rows
//! one after the other, and what no row tells is refused instead of answered wrongly.

use std::{collections::BTreeMap, sync::Arc};

use super::oos_api::store_error;
use crate::{
    ExecutionId, Timestamp, Value,
    machine::ExecutionStatus,
    ports::{
        ApiError,
        index::{ExecutionIndex, ExecutionQuery, Page, Summary},
    },
};

/// Rows of a page without `MaxResults`.
const PAGE: usize = 50;
/// Rows read at a time when rows are looked at.
const CHUNK: usize = 500;
/// Filters about what an index does not hold.
const UNKNOWN: [&str; 4] = ["Description", "ResourceGroupId", "AccountId", "RdFolderIds"];
/// Filters that look at rows.
const ROWS: [&str; 11] = [
    "Mode",
    "Categories",
    "Depth",
    "ExecutedBy",
    "RamRole",
    "ResourceId",
    "ResourceTemplateName",
    "StartDateBefore",
    "StartDateAfter",
    "EndDateBefore",
    "EndDateAfter",
];

/// The parameters of one call.
struct Filters<'p>(&'p Value);

/// The page that a call asks for, and the query that gave it.
pub(super) async fn list(
    index: &dyn ExecutionIndex,
    parameters: &Value,
) -> Result<(Page<Summary>, ExecutionQuery), ApiError> {
    let filters = Filters(parameters);
    if let Some(name) = UNKNOWN.iter().find(|name| filters.text(name).is_some()) {
        return Err(invalid(name, "executions are not kept with it"));
    }
    let query = filters.query();
    // A status of tasks only, which the service takes and no execution has (service-model 2.1).
    if filters.text("Status").is_some() && query.status.is_empty() {
        return Ok((Page { rows: Vec::new(), total: 0 }, query));
    }
    let sort = filters.text("SortField").filter(|field| &**field != "StartDate");
    if sort.is_none() && ROWS.iter().all(|name| filters.text(name).is_none()) {
        let page = index.list(&query).await.map_err(store_error)?;
        return Ok((page, query));
    }
    let mut rows = Vec::new();
    let mut all = ExecutionQuery { limit: CHUNK, offset: 0, ..query.clone() };
    loop {
        let page = index.list(&all).await.map_err(store_error)?;
        all.offset += page.rows.len();
        let last = page.rows.is_empty() || all.offset >= page.total;
        for row in page.rows {
            if filters.keeps(&row)? {
                rows.push(row);
            }
        }
        if last {
            break;
        }
    }
    if let Some(field) = sort {
        match &*field {
            "EndDate" => rows.sort_by_key(|row| row.end),
            "Status" => rows.sort_by_key(|row| row.status.as_str()),
            _ => return Err(invalid("SortField", "it is none of StartDate, EndDate, Status")),
        }
        if !query.ascending {
            rows.reverse();
        }
    }
    let total = rows.len();
    let rows = rows.into_iter().skip(query.offset).take(query.limit).collect();
    Ok((Page { rows, total }, query))
}

fn invalid(name: &str, why: &str) -> ApiError {
    ApiError::service(format!("InvalidParameter.{name}"), 400, format!("{name}: {why}"))
}

impl Filters<'_> {
    fn text(&self, key: &str) -> Option<Arc<str>> {
        self.0.get(key).filter(|v| !v.is_null()).map(Value::to_text).filter(|t| !t.is_empty())
    }

    fn query(&self) -> ExecutionQuery {
        let number = |key: &str| self.text(key).and_then(|t| t.parse().ok());
        let statuses: BTreeMap<&str, ExecutionStatus> = [
            ExecutionStatus::Started,
            ExecutionStatus::Queued,
            ExecutionStatus::Running,
            ExecutionStatus::Waiting,
            ExecutionStatus::Success,
            ExecutionStatus::Failed,
            ExecutionStatus::Cancelled,
        ]
        .map(|s| (s.as_str(), s))
        .into();
        let children = self.text("IncludeChildExecution").is_some_and(|t| t.eq_ignore_ascii_case("true"));
        ExecutionQuery {
            id: self.text("ExecutionId").map(ExecutionId::new),
            parent: self.text("ParentExecutionId").map(ExecutionId::new),
            status: self.text("Status").and_then(|s| statuses.get(&*s).copied()).into_iter().collect(),
            template_name: self.text("TemplateName").map(|t| t.to_string()),
            category: self.text("Category").map(|t| t.to_string()),
            tags: self.0.at(&["Tags"]).parsed_if_json_text(),
            include_children: children || self.text("Depth").as_deref() == Some("FirstChildDepth"),
            limit: number("MaxResults").unwrap_or(PAGE),
            offset: number("NextToken").unwrap_or(0),
            ascending: self.text("SortOrder").is_some_and(|t| t.eq_ignore_ascii_case("Ascending")),
            root: None,
        }
    }

    fn keeps(&self, row: &Summary) -> Result<bool, ApiError> {
        let same = |key: &str, found: &str| self.text(key).is_none_or(|wanted| wanted.eq_ignore_ascii_case(found));
        let at_depth = match self.text("Depth").as_deref() {
            None => true,
            Some("RootDepth") => row.id == row.root,
            Some("FirstChildDepth") => row.id != row.root && row.parent.as_ref() == Some(&row.root),
            Some(_) => return Err(invalid("Depth", "it is none of RootDepth, FirstChildDepth")),
        };
        let categories = self.0.at(&["Categories"]).parsed_if_json_text();
        let in_category = match categories.as_list() {
            Some(list) => list.iter().any(|c| *c.to_text() == *row.category),
            None => self.text("Categories").is_none_or(|c| c == row.category),
        };
        let executed_by = row.executed_by.as_deref().unwrap_or_default();
        Ok(at_depth
            && in_category
            && same("Mode", &row.mode)
            && same("RamRole", &row.ram_role)
            && same("ResourceTemplateName", row.template_name.as_deref().unwrap_or_default())
            && self.text("ExecutedBy").is_none_or(|part| executed_by.contains(&*part))
            && self.text("ResourceId").is_none_or(|id| mentions(&row.parameters, &id))
            && self.within("StartDate", Some(row.start))?
            && self.within("EndDate", row.end)?)
    }

    /// `<Which>DateBefore` and `<Which>DateAfter`; bounds are within.
    fn within(&self, which: &str, at: Option<Timestamp>) -> Result<bool, ApiError> {
        let bound = |end: &str| {
            let name = format!("{which}{end}");
            let parsed = self.text(&name).map(|text| Timestamp::parse(&text));
            parsed.transpose().map_err(|_| invalid(&name, "it is no UTC time"))
        };
        let (before, after) = (bound("Before")?, bound("After")?);
        let early = before.is_none_or(|bound| at.is_some_and(|at| at <= bound));
        let late = after.is_none_or(|bound| at.is_some_and(|at| at >= bound));
        Ok(early && late)
    }
}

/// True when a text in a value is that text.
fn mentions(value: &Value, text: &str) -> bool {
    match value {
        Value::String(found) => **found == *text,
        Value::List(items) => items.iter().any(|item| mentions(item, text)),
        Value::Map(map) => map.iter().any(|(_, member)| mentions(member, text)),
        _ => false,
    }
}
