//! The parameter store: common and secret parameters with versions, constraints, paths and tags (service-model 4.3, 7).
//!
//! Secrets are as plain in the memory of the fake as everything else; answers show them on demand only.

use std::sync::Arc;

use fancy_regex::Regex;
use oos_core::{
    Map, Value, params,
    ports::{
        ApiError,
        parameter_store::{ParameterRef, ParameterStore, ParameterValue},
        store::StoreError,
    },
};

use crate::cloud::{
    FakeCloud,
    api::{Api, Ctx, done},
    ecs::make::map,
    error::{error, error_with, invalid, missing},
    page::{Counters, Paging, page},
    params::Params,
    state::State,
    store::{Kind, Resource},
};

pub(super) const PLAIN: Kind = "OOS::Parameter";
pub(super) const SECRET: Kind = "OOS::SecretParameter";

/// Longest value, and most versions that are kept.
const VALUE: usize = 4096;
const VERSIONS: usize = 100;
/// Most names in one call for secrets, most tags.
const SECRETS: usize = 10;
pub(super) const TAGS: usize = 20;
const RESERVED: [&str; 5] = ["ALIYUN", "ACS", "ALIBABA", "ALICLOUD", "OOS"];
pub(super) const PAGES: Paging =
    Paging { default: 50, max: 100, tokens: Some((10, 100)), counters: Counters::TokenOnly };

pub(crate) const APIS: &[Api] = &[
    Api::new("CreateParameter", |ctx, p| create(ctx, PLAIN, p), "Name! Type! Value!"),
    Api::new("UpdateParameter", |ctx, p| update(ctx, PLAIN, p), "Name! Value!"),
    Api::new("GetParameter", |ctx, p| get(ctx, PLAIN, p), "Name!"),
    Api::new("GetParameters", |ctx, p| get_all(ctx, PLAIN, p), "Names!"),
    Api::new("GetParametersByPath", |ctx, p| by_path(ctx, PLAIN, p, PAGES), "Path!"),
    Api::new("ListParameters", |ctx, p| list(ctx, PLAIN, p), ""),
    Api::new("ListParameterVersions", |ctx, p| versions(ctx, PLAIN, p), "Name!"),
    Api::new("DeleteParameter", |ctx, p| delete(ctx, PLAIN, p), "Name!"),
    Api::new("CreateSecretParameter", |ctx, p| create(ctx, SECRET, p), "Name! Value!"),
    Api::new("UpdateSecretParameter", |ctx, p| update(ctx, SECRET, p), "Name! Value!"),
    Api::new("GetSecretParameter", |ctx, p| get(ctx, SECRET, p), "Name!"),
    Api::new("GetSecretParameters", |ctx, p| get_all(ctx, SECRET, p), "Names!"),
    Api::new("GetSecretParametersByPath", |ctx, p| by_path(ctx, SECRET, p, PAGES.tokens(1, 10)), "Path!"),
    Api::new("ListSecretParameters", |ctx, p| list(ctx, SECRET, p), ""),
    Api::new("ListSecretParameterVersions", |ctx, p| versions(ctx, SECRET, p), "Name!"),
    Api::new("DeleteSecretParameter", |ctx, p| delete(ctx, SECRET, p), "Name!"),
];

pub(super) fn key(kind: Kind, name: &str) -> String {
    format!("{}:{name}", if kind == SECRET { "oos-secret" } else { "oos" })
}

/// The parts of a parameter that all its answers show.
fn head(r: &Resource) -> Map {
    let mut out = r.view();
    out.remove("Value");
    out.insert("Tags", r.tags.iter().map(|(k, v)| (Arc::from(k.as_str()), Value::from(v.as_str()))).collect::<Map>());
    out
}

/// With its value; that of a secret on demand only.
fn whole(r: &Resource, p: &Params, version: Option<&Value>) -> Value {
    let mut out = head(r);
    let secret = r.str("Type") == "Secret";
    for name in ["ParameterVersion", "Value", "UpdatedBy", "UpdatedDate"] {
        if let Some(value) = version.and_then(|v| v.get(name)) {
            out.insert(name, value.clone());
        }
    }
    if version.is_none() {
        out.insert("Value", r.text("Value"));
    }
    if secret && !p.bool("WithDecryption") {
        out.remove("Value");
    }
    Value::from(out)
}

fn check_name(kind: Kind, name: &str) -> Result<(), ApiError> {
    let most = if kind == SECRET { 180 } else { 200 };
    let fits = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '/'));
    if name.len() > most || !fits {
        return Err(invalid(
            "Name",
            format_args!("it has 1 to {most} letters, digits, hyphens, underscores and slashes"),
        ));
    }
    let upper = name.trim_start_matches('/').to_ascii_uppercase();
    match RESERVED.iter().find(|reserved| upper.starts_with(**reserved)) {
        Some(reserved) => Err(invalid("Name", format_args!("names that start with {reserved} are reserved"))),
        None => Ok(()),
    }
}

/// The value as text, within the documented length and the constraints that the parameter was made with.
fn checked_value(p: &Params, constraints: &str) -> Result<Arc<str>, ApiError> {
    let text = p.verbatim("Value").ok_or_else(|| missing("Value"))?;
    let length = text.chars().count();
    if length > VALUE {
        return Err(invalid("Value", format_args!("it has more than {VALUE} characters")));
    }
    let rules = match Value::from(constraints).parsed_if_json_text() {
        Value::Map(rules) => rules,
        _ if constraints.is_empty() => return Ok(text),
        _ => return Err(invalid("Constraints", "it is no JSON object")),
    };
    let rules = Value::Map(rules);
    let bound = |name: &str| rules.get(name).map(Value::to_text).and_then(|t| t.parse::<usize>().ok());
    let refused = |why: String| Err(invalid("Value", why));
    if let Some(allowed) = rules.at(&["AllowedValues"]).as_list()
        && !allowed.iter().any(|value| value.to_text() == text)
    {
        return refused("it is none of the AllowedValues".to_owned());
    }
    if let Some(pattern) = rules.get("AllowedPattern") {
        let regex = Regex::new(&format!("^(?:{})$", pattern.to_text()))
            .map_err(|_| invalid("Constraints", "AllowedPattern is no regular expression"))?;
        if !regex.is_match(&*text).unwrap_or(false) {
            return refused(format!("it does not match {}", pattern.to_text()));
        }
    }
    if bound("MinLength").is_some_and(|least| length < least) || bound("MaxLength").is_some_and(|most| length > most) {
        return refused("its length is out of the bounds".to_owned());
    }
    Ok(text)
}

/// The value as references see it: a StringList is a list.
fn seen(kind: &str, text: &str) -> Value {
    if kind == "StringList" { text.split(',').map(|part| Value::from(part.trim())).collect() } else { text.into() }
}

pub(super) fn tags_in(p: &Params) -> Result<Vec<(String, String)>, ApiError> {
    let tags = p.tags("Tags");
    if tags.len() > TAGS { Err(too_many_tags()) } else { Ok(tags) }
}

pub(super) fn too_many_tags() -> ApiError {
    error_with("LimitExceeded.Tags", format!("A thing has at most {TAGS} tags."))
}

fn create(ctx: &mut Ctx<'_>, kind: Kind, p: &Params) -> Result<Value, ApiError> {
    let name = p.need("Name")?;
    check_name(kind, &name)?;
    let given = p.text("Type");
    let type_name = match (kind, &*given) {
        (SECRET, "" | "Secret") => "Secret",
        (PLAIN, "String") => "String",
        (PLAIN, "StringList") => "StringList",
        _ => return Err(invalid("Type", format_args!("`{given}` is no type of this parameter"))),
    };
    let id = key(kind, &name);
    if ctx.find(kind, &id).is_some() {
        return Err(error("EntityAlreadyExists.Parameter"));
    }
    let (constraints, tags) = (p.get("Constraints").to_text(), tags_in(p)?);
    let text = checked_value(p, &constraints)?;
    let mut data = fresh(ctx.s, &name, type_name, &ctx.caller.label());
    for member in ["Description", "ResourceGroupId", "KeyId", "DKMSInstanceId"] {
        data.insert(member, p.text(member));
    }
    data.insert("Constraints", constraints);
    ctx.create_as(kind, &id, data)?;
    let (now, by) = (ctx.now().to_iso(), ctx.caller.label());
    let r = ctx.change(kind, &id, "EntityNotExists.Parameter")?;
    r.tags.extend(tags);
    set_value(r, &text, &seen(type_name, &text), &now, &by);
    Ok(params! { "Parameter" => head(r) })
}

/// A parameter without a value.
fn fresh(state: &mut State, name: &str, type_name: &str, by: &str) -> Map {
    let share = if name.trim_start_matches('/').starts_with("aliyun/") { "Public" } else { "Private" };
    let number = state.ids.number("oos parameter");
    let now = state.now.to_iso();
    map(&params! {
        "Name" => name, "Id" => format!("p-{number:020x}"), "Type" => type_name, "ShareType" => share,
        "ParameterVersion" => 0, "CreatedBy" => by, "CreatedDate" => now,
    })
}

/// Sets the value as the next version. CHOICE: behind the last documented version the oldest is dropped.
fn set_value(r: &mut Resource, text: &str, value: &Value, now: &str, by: &str) {
    let number = r.int("ParameterVersion") + 1;
    let mut kept = r.data.get("_versions").and_then(Value::as_list).map(<[Value]>::to_vec).unwrap_or_default();
    kept.push(params! {
        "ParameterVersion" => number, "Value" => text, "UpdatedBy" => by, "UpdatedDate" => now, "_value" => value.clone(),
    });
    let from = kept.len().saturating_sub(VERSIONS);
    r.set("_versions", kept.split_off(from));
    r.set("ParameterVersion", number);
    r.set("Value", text);
    r.set("UpdatedBy", by);
    r.set("UpdatedDate", now);
}

/// A version; the newest without a number.
fn version_of(r: &Resource, number: Option<i64>) -> Option<Value> {
    let kept = r.data.get("_versions")?.as_list()?;
    match number {
        None => kept.last().cloned(),
        Some(number) => kept.iter().find(|v| v.at(&["ParameterVersion"]).as_i64() == Some(number)).cloned(),
    }
}

fn update(ctx: &mut Ctx<'_>, kind: Kind, p: &Params) -> Result<Value, ApiError> {
    let id = key(kind, &p.need("Name")?);
    let constraints = ctx.need(kind, &id, "EntityNotExists.Parameter")?.text("Constraints");
    let (text, tags) = (checked_value(p, &constraints)?, tags_in(p)?);
    let (now, by) = (ctx.now().to_iso(), ctx.caller.label());
    let r = ctx.change(kind, &id, "EntityNotExists.Parameter")?;
    for member in ["Description", "ResourceGroupId"] {
        if p.has(member) {
            r.set(member, p.text(member));
        }
    }
    if p.has("Tags") {
        r.tags = tags.into_iter().collect();
    }
    let value = seen(r.str("Type"), &text);
    set_value(r, &text, &value, &now, &by);
    Ok(params! { "Parameter" => head(r) })
}

fn get(ctx: &mut Ctx<'_>, kind: Kind, p: &Params) -> Result<Value, ApiError> {
    let r = ctx.need(kind, &key(kind, &p.need("Name")?), "EntityNotExists.Parameter")?;
    let version = version_of(r, p.int("ParameterVersion")?).ok_or_else(|| error("EntityNotExists.Parameter"))?;
    Ok(params! { "Parameter" => whole(r, p, Some(&version)) })
}

fn get_all(ctx: &mut Ctx<'_>, kind: Kind, p: &Params) -> Result<Value, ApiError> {
    let names = p.need_list("Names")?;
    if kind == SECRET && names.len() > SECRETS {
        return Err(error_with("LimitExceeded.Names", format!("One call takes at most {SECRETS} names.")));
    }
    let (mut found, mut absent) = (Vec::new(), Vec::new());
    for name in names {
        match ctx.find(kind, &key(kind, &name)) {
            Some(r) => found.push(whole(r, p, None)),
            None => absent.push(name),
        }
    }
    Ok(params! { "Parameters" => found, "InvalidParameters" => absent })
}

/// True when a name lies in a path: directly, or at any depth.
fn lies_in(name: &str, path: &str, recursive: bool) -> bool {
    let path = format!("/{}/", path.trim_matches('/')).replace("//", "/");
    let name = format!("/{}", name.trim_start_matches('/'));
    name.strip_prefix(&path).is_some_and(|rest| !rest.is_empty() && (recursive || !rest.contains('/')))
}

fn by_path(ctx: &mut Ctx<'_>, kind: Kind, p: &Params, pages: Paging) -> Result<Value, ApiError> {
    let (path, recursive) = (p.need("Path")?, p.bool("Recursive"));
    let found = ctx.list(kind).filter(|r| lies_in(r.str("Name"), &path, recursive));
    paged(p, found.map(|r| whole(r, p, None)).collect(), pages)
}

fn paged(p: &Params, rows: Vec<Value>, pages: Paging) -> Result<Value, ApiError> {
    let total = rows.len();
    let (rows, mut fields) = page(p, rows, pages)?;
    fields.insert("Parameters", rows);
    fields.insert("TotalCount", total);
    Ok(Value::from(fields))
}

/// ListParameters; `ShareType` is Private by default.
fn list(ctx: &mut Ctx<'_>, kind: Kind, p: &Params) -> Result<Value, ApiError> {
    let share = p.str("ShareType").unwrap_or_else(|| "Private".into());
    let (path, tags) = (p.str("Path"), p.tags("Tags"));
    let same = |name: &str, found: &str| p.str(name).is_none_or(|wanted| &*wanted == found);
    let mut rows: Vec<&Resource> = ctx
        .list(kind)
        .filter(|r| {
            r.str("ShareType") == &*share
                && p.str("Name").is_none_or(|part| r.str("Name").contains(&*part))
                && path.as_ref().is_none_or(|path| lies_in(r.str("Name"), path, p.bool("Recursive")))
                && same("Type", r.str("Type"))
                && same("ResourceGroupId", r.str("ResourceGroupId"))
                && r.has_tags(&tags)
        })
        .collect();
    match p.str("SortField").as_deref() {
        None | Some("Name") => rows.sort_by(|a, b| a.str("Name").cmp(b.str("Name"))),
        Some("CreatedDate") => rows.sort_by_key(|r| r.created),
        Some(other) => return Err(invalid("SortField", format_args!("`{other}` is neither Name nor CreatedDate"))),
    }
    if p.str("SortOrder").is_some_and(|order| &*order == "Descending") {
        rows.reverse();
    }
    paged(p, rows.into_iter().map(|r| Value::from(head(r))).collect(), PAGES)
}

fn versions(ctx: &mut Ctx<'_>, kind: Kind, p: &Params) -> Result<Value, ApiError> {
    let r = ctx.need(kind, &key(kind, &p.need("Name")?), "EntityNotExists.Parameter")?;
    let shows = kind == PLAIN || p.bool("WithDecryption");
    let kept = r.data.get("_versions").and_then(Value::as_list).unwrap_or_default();
    let rows: Vec<Value> = kept
        .iter()
        .rev()
        .map(|version| {
            let mut row = map(version);
            row.retain(|name, _| name != "_value" && (shows || name != "Value"));
            Value::from(row)
        })
        .collect();
    let total = rows.len();
    let (rows, mut fields) = page(p, rows, PAGES)?;
    for name in ["CreatedBy", "CreatedDate", "Description", "Id", "Name", "Type"] {
        fields.insert(name, r.text(name));
    }
    fields.insert("ParameterVersions", rows);
    fields.insert("TotalCount", total);
    Ok(Value::from(fields))
}

fn delete(ctx: &mut Ctx<'_>, kind: Kind, p: &Params) -> Result<Value, ApiError> {
    let id = key(kind, &p.need("Name")?);
    ctx.need(kind, &id, "EntityNotExists.Parameter")?;
    ctx.s.store.remove(kind, &id);
    done()
}

/// Stores a parameter or its next version, as a test sets things up: names of the service's own are fine.
pub(super) fn put(state: &mut State, secret: bool, name: &str, value: &Value) {
    let kind = if secret { SECRET } else { PLAIN };
    let id = key(kind, name);
    let (type_name, text) = match value {
        _ if secret => ("Secret", value.to_text()),
        Value::List(items) => {
            ("StringList", items.iter().map(|v| v.to_text().to_string()).collect::<Vec<_>>().join(",").into())
        }
        value => ("String", value.to_text()),
    };
    if state.store.get(kind, &id).is_none() {
        let (region, data) = (state.region.to_string(), fresh(state, name, type_name, "root"));
        state.add(kind, id.as_str(), &region, data);
    }
    let now = state.now.to_iso();
    if let Some(r) = state.store.get_mut(kind, &id) {
        set_value(r, &text, value, &now, "root");
    }
}

/// `{{ oos:NAME }}` and `{{ oos-secret:NAME }}` are answered from the same store, `:VERSION` included.
#[async_trait::async_trait]
impl ParameterStore for FakeCloud {
    async fn get(&self, names: &[ParameterRef]) -> Result<Vec<ParameterValue>, StoreError> {
        Ok(self.with(|state| {
            let value = |reference: &ParameterRef| {
                let kind = if reference.secret { SECRET } else { PLAIN };
                let r = state.store.get(kind, &key(kind, &reference.name))?;
                let version = version_of(r, reference.version.map(i64::from))?;
                Some(ParameterValue { reference: reference.clone(), value: version.get("_value")?.clone() })
            };
            names.iter().filter_map(value).collect()
        }))
    }
}
