//! Tags of templates and executions. Those of parameters are the store's, which is asked by the same operations.

use std::sync::Arc;

use oos_core::{
    ExecutionId, Map, Value, params,
    ports::{
        ApiError,
        index::{ExecutionQuery, Summary},
    },
};

use super::{OosService, PAGES, TAGS, error_with, has_tags, invalid, missing, tags_in};
use crate::cloud::{page::page, params::Params};

/// The operations about tags.
pub(super) const OPERATIONS: [&str; 5] =
    ["TagResources", "UntagResources", "ListTagResources", "ListTagKeys", "ListTagValues"];
/// Most resources in one call.
const RESOURCES: usize = 50;

/// What can have tags here.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Template,
    Execution,
}

/// A thing with its tags.
struct Tagged {
    kind: Kind,
    id: Arc<str>,
    tags: Map,
}

/// True for the resource types of the parameter store.
pub(super) fn is_of_the_store(p: &Params) -> bool {
    let kind = p.text("ResourceType");
    ["parameter", "secretparameter"].iter().any(|own| kind.eq_ignore_ascii_case(own))
}

fn kind_of(p: &Params) -> Result<Option<Kind>, ApiError> {
    let Some(kind) = p.str("ResourceType") else { return Ok(None) };
    match &*kind.to_ascii_lowercase() {
        "template" => Ok(Some(Kind::Template)),
        "execution" => Ok(Some(Kind::Execution)),
        _ => {
            let why = "tags are kept of template, execution, parameter and secretparameter";
            Err(invalid("ResourceType", why))
        }
    }
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Template => "template",
            Self::Execution => "execution",
        }
    }
}

impl OosService {
    async fn tagged(&self, kind: Option<Kind>) -> Result<Vec<Tagged>, ApiError> {
        let mut out = Vec::new();
        if kind != Some(Kind::Execution) {
            let shelves = self.0.library.all().into_iter();
            out.extend(shelves.map(|s| Tagged { kind: Kind::Template, id: s.name, tags: s.tags }));
        }
        if kind != Some(Kind::Template) {
            for row in self.rows(ExecutionQuery { ascending: true, ..ExecutionQuery::default() }).await? {
                let tags = self.facts_of(&row).tags;
                out.push(Tagged { kind: Kind::Execution, id: row.id.text().clone(), tags });
            }
        }
        Ok(out)
    }

    /// The things that a request names: all must be there.
    async fn named(&self, p: &Params) -> Result<(Kind, Vec<Arc<str>>, Vec<Summary>), ApiError> {
        let kind = kind_of(p)?.ok_or_else(|| missing("ResourceType"))?;
        let ids = p.need_list("ResourceIds")?;
        if ids.len() > RESOURCES {
            return Err(error_with("LimitExceeded.ResourceIds", format!("One call tags at most {RESOURCES}.")));
        }
        let absent = |id: &str| {
            ApiError::service("InvalidResourceId.NotFound", 404, format!("There is no {} `{id}`.", kind.word()))
        };
        let mut rows = Vec::new();
        for id in &ids {
            match kind {
                Kind::Template if self.0.library.find(id).is_none() => return Err(absent(id)),
                Kind::Template => {}
                Kind::Execution => {
                    rows.push(self.row(&ExecutionId::new(id.clone())).await.map_err(|_| absent(id))?);
                }
            }
        }
        Ok((kind, ids, rows))
    }

    /// Changes the tags of what a request names: of all, or of none when one would have too many.
    async fn change_tags(&self, p: &Params, change: impl Fn(&mut Map) + Send + Sync) -> Result<Value, ApiError> {
        let (kind, ids, rows) = self.named(p).await?;
        let of_templates = ids.iter().filter(|_| kind == Kind::Template).filter_map(|id| self.0.library.find(id));
        let now = of_templates.map(|shelf| shelf.tags).chain(rows.iter().map(|row| self.facts_of(row).tags));
        for mut tags in now {
            change(&mut tags);
            if tags.len() > TAGS {
                return Err(error_with("LimitExceeded.Tags", format!("A thing has at most {TAGS} tags.")));
            }
        }
        if kind == Kind::Template {
            for id in &ids {
                self.0.library.with(id, |shelf| shelf.map(|shelf| change(&mut shelf.tags)));
            }
        }
        for row in &rows {
            self.with_facts(row, |facts| change(&mut facts.tags));
        }
        Ok(Value::empty_map())
    }

    pub(super) async fn tag(&self, p: &Params) -> Result<Value, ApiError> {
        let given = tags_in(p, "Tags")?;
        if given.is_empty() {
            return Err(missing("Tags"));
        }
        self.change_tags(p, |tags| tags.extend(given.clone())).await
    }

    pub(super) async fn untag(&self, p: &Params) -> Result<Value, ApiError> {
        let (all, keys) = (p.bool("All"), p.list("TagKeys"));
        if !all && keys.is_empty() {
            return Err(missing("TagKeys"));
        }
        self.change_tags(p, |tags| tags.retain(|key, _| !all && !keys.iter().any(|k| **k == *key))).await
    }

    pub(super) async fn list_tags(&self, p: &Params) -> Result<Value, ApiError> {
        let kind = kind_of(p)?.ok_or_else(|| missing("ResourceType"))?;
        let (ids, wanted) = (p.list("ResourceIds"), p.tags("Tags"));
        let mut rows = Vec::new();
        for thing in self.tagged(Some(kind)).await? {
            if (!ids.is_empty() && !ids.contains(&thing.id)) || !has_tags(&thing.tags, &wanted) {
                continue;
            }
            rows.extend(thing.tags.iter().map(|(key, value)| {
                params! {
                    "ResourceId" => thing.id.clone(), "ResourceType" => thing.kind.word(), "TagKey" => key.clone(),
                    "TagValue" => value.clone(),
                }
            }));
        }
        let (rows, mut fields) = page(p, rows, PAGES)?;
        fields.insert("TagResources", params! { "TagResource" => rows.into_iter().collect::<Value>() });
        Ok(Value::from(fields))
    }

    pub(super) async fn list_tag_keys(&self, p: &Params) -> Result<Value, ApiError> {
        let things = self.tagged(kind_of(p)?).await?;
        let keys = things.iter().flat_map(|thing| thing.tags.keys().cloned());
        words(p, "Keys", keys)
    }

    pub(super) async fn list_tag_values(&self, p: &Params) -> Result<Value, ApiError> {
        let key = p.str("Key").ok_or_else(|| missing("Key"))?;
        let things = self.tagged(kind_of(p)?).await?;
        let values = things.iter().filter_map(|thing| thing.tags.get(&key).map(Value::to_text));
        words(p, "Values", values)
    }
}

/// Texts in order, each once.
fn words(p: &Params, member: &str, found: impl Iterator<Item = Arc<str>>) -> Result<Value, ApiError> {
    let sorted: std::collections::BTreeSet<_> = found.collect();
    let (texts, mut fields) = page(p, sorted.into_iter().collect(), PAGES)?;
    fields.insert(member, texts);
    Ok(Value::from(fields))
}
