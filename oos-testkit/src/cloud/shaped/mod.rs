//! Answers for APIs without a model, by the shape that the catalogue knows (fake-cloud 17).
//!
//! The answer is a function of the operation, the canonical parameters, the instant, the id source and what earlier
//! calls of this kind have created or removed; nothing else. Values are typed by their names, because random text
//! breaks readers that expect JSON, a time or an ARN (`names`). There are no states and no transitions here: what needs
//! them wants a model or a stub.

mod names;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use oos_core::{
    Map, Timestamp, Value,
    catalogue::{Operation, Shape},
    ports::api::ApiError,
};

/// What happens to a call of an API without a model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Level {
    /// It fails with `Testkit.UnmodelledApi`.
    #[default]
    Strict,
    /// It gets an answer of the right shape.
    Shaped,
    /// It gets a request id and nothing else.
    Echo,
}

/// The code of an API that has neither a model nor a shape.
pub const UNMODELLED: &str = "Testkit.UnmodelledApi";

/// Where ids come from: seeded, so that the same calls give the same ids.
pub trait IdSource {
    /// The next id of a prefix in a region.
    fn next(&mut self, prefix: &str, region: &str) -> String;
    /// The next number of a sequence.
    fn number(&mut self, what: &str) -> u64;
    /// A request id.
    fn request_id(&mut self) -> String;
    /// A UUID in lower case.
    fn uuid(&mut self, what: &str) -> String;
}

/// The call to answer.
#[derive(Clone, Copy, Debug)]
pub struct ShapedCall<'a> {
    /// Service id in lower case.
    pub service: &'a str,
    /// Operation as far as known.
    pub operation: Option<&'a Operation>,
    /// Operation as written, for messages.
    pub api: &'a str,
    /// Canonical parameters: wire name → value.
    pub params: &'a Map,
    /// Region of the call.
    pub region: &'a str,
    /// Account of the call.
    pub account: &'a str,
    /// Virtual now.
    pub now: Timestamp,
}

/// What earlier shaped answers have promised.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// (service, region, id field) → ids in order of creation.
    created: BTreeMap<(String, String, String), Vec<String>>,
    /// (service, id) of things that have been removed.
    gone: BTreeSet<(String, String)>,
    /// (service, owner id, field) → id of something that belongs to the owner: the same on every look.
    related: BTreeMap<(String, String, String), Value>,
}

/// Answers a call of an API without a model. `modelled`: names of the service's APIs that have one, for the message.
///
/// # Errors
/// `Testkit.UnmodelledApi` at level [`Level::Strict`], and at [`Level::Shaped`] where no shape is known.
pub fn respond(
    level: Level,
    call: &ShapedCall<'_>,
    modelled: &[&str],
    ids: &mut dyn IdSource,
    memory: &mut Memory,
) -> Result<Value, ApiError> {
    let shape = call.operation.and_then(|op| Some((op, op.response.as_ref()?)));
    match (level, shape) {
        (Level::Echo, _) => Ok(oos_core::params! { "RequestId" => ids.request_id() }),
        (Level::Shaped, Some((operation, shape))) => Ok(Shaper { call, operation, ids, memory }.answer(shape)),
        _ => Err(unmodelled(level, call, modelled)),
    }
}

fn unmodelled(level: Level, call: &ShapedCall<'_>, modelled: &[&str]) -> ApiError {
    let (service, api) = (call.service.to_uppercase(), call.operation.map_or(call.api, |op| &op.api));
    let why = if level == Level::Shaped { "no model and no known shape" } else { "no model" };
    let others = if modelled.is_empty() { "none".to_owned() } else { modelled.join(", ") };
    let message = format!(
        "`{service}.{api}` has {why} in the fake cloud; stub it with `cloud.stub(\"{service}\", \"{api}\").ok()`; modelled of {service}: {others}"
    );
    ApiError::Unsupported { code: UNMODELLED.into(), message: message.into() }
}

struct Shaper<'a> {
    call: &'a ShapedCall<'a>,
    operation: &'a Operation,
    ids: &'a mut dyn IdSource,
    memory: &'a mut Memory,
}

/// The thing that a map describes, when it is an item of a list.
#[derive(Clone, Copy)]
struct Owner<'o> {
    field: &'o str,
    id: &'o str,
}

impl Shaper<'_> {
    fn answer(mut self, shape: &Shape) -> Value {
        if self.operation.removes() {
            self.forget();
        }
        let mut answer = self.value("", shape, None, 0);
        let items = longest(&answer).unwrap_or(0);
        names::count(&mut answer, items);
        answer
    }

    /// Things that the call removes are not seen again, so that a wait for their absence ends.
    fn forget(&mut self) {
        for (_, ids) in filters(self.call.params) {
            self.memory.gone.extend(ids.into_iter().map(|id| (self.call.service.to_owned(), id)));
        }
    }

    fn value(&mut self, name: &str, shape: &Shape, owner: Option<Owner<'_>>, depth: usize) -> Value {
        match shape {
            Shape::Map(members) => {
                let member = |(n, s): &(Arc<str>, Shape)| (n.clone(), self.value(n, s, owner, depth + 1));
                members.iter().map(member).collect::<Map>().into()
            }
            Shape::Free(_) => Value::empty_map(),
            Shape::List(item) if owner.is_none() => self.list(name, item),
            Shape::List(_) => Value::empty_list(),
            Shape::Any => Value::Null,
            scalar => self.scalar(name, scalar, owner, depth <= 1),
        }
    }

    /// One item per id that was asked for or has been created; else none.
    fn list(&mut self, name: &str, item: &Shape) -> Value {
        match item {
            Shape::Map(members) => {
                let Some((field, ids)) = self.wanted(members) else { return Value::empty_list() };
                ids.iter().map(|id| self.value("", item, Some(Owner { field: &field, id }), 2)).collect()
            }
            // `InstanceIdSets.InstanceIdSet` of a call that creates.
            Shape::String if name.contains("Id") && names::creates(&self.operation.api) => {
                let field = name.trim_end_matches("Set").trim_end_matches('s');
                (0..names::amount(self.call.params)).map(|_| self.create(field, &Shape::String)).collect()
            }
            _ => Value::empty_list(),
        }
    }

    /// The id field of the items and the ids that the list shows.
    fn wanted(&self, members: &[(Arc<str>, Shape)]) -> Option<(String, Vec<String>)> {
        let has = |field: &str| members.iter().any(|(name, _)| &**name == field);
        let asked = filters(self.call.params);
        let own = asked.iter().find(|(field, _)| has(field)).cloned();
        let found = own.or_else(|| self.created(members)).or_else(|| {
            // Something else was asked about; one thing of a new kind belongs to it.
            let field = members.iter().map(|(name, _)| &**name).find(|name| names::is_id(name))?;
            let (_, owner) = asked.first()?;
            Some((field.to_owned(), vec![format!("{}-of-{}", names::stem(field), owner.first()?)]))
        })?;
        let (field, ids) = found;
        let seen = |id: &String| !self.memory.gone.contains(&(self.call.service.to_owned(), id.clone()));
        Some((field, ids.into_iter().filter(seen).collect()))
    }

    fn created(&self, members: &[(Arc<str>, Shape)]) -> Option<(String, Vec<String>)> {
        members.iter().find_map(|(name, _)| {
            let key = (self.call.service.to_owned(), self.call.region.to_owned(), name.to_string());
            Some((name.to_string(), self.memory.created.get(&key)?.clone()))
        })
    }

    fn scalar(&mut self, name: &str, shape: &Shape, owner: Option<Owner<'_>>, top: bool) -> Value {
        if let Some(owner) = owner.filter(|o| o.field == name) {
            return names::typed(owner.id, shape);
        }
        if name.eq_ignore_ascii_case("RequestId") || name == "request_id" {
            return self.ids.request_id().into();
        }
        let given = self.call.params.get_folded(name).map(|(_, v)| v.clone());
        match given.filter(|v| v.as_list().is_none() && v.as_map().is_none()) {
            Some(given) if !names::is_state(name) => names::typed(&given.to_text(), shape),
            _ if names::is_id(name) => self.id(name, shape, owner),
            _ if names::is_arn(name) => self.arn(name, owner).into(),
            _ => names::value(name, shape, self.operation, self.call.now, top),
        }
    }

    fn id(&mut self, field: &str, shape: &Shape, owner: Option<Owner<'_>>) -> Value {
        let Some(owner) = owner else { return self.create(field, shape) };
        let key = (self.call.service.to_owned(), owner.id.to_owned(), field.to_owned());
        if let Some(known) = self.memory.related.get(&key) {
            return known.clone();
        }
        let id = self.new_id(field, shape);
        self.memory.related.insert(key, id.clone());
        id
    }

    /// A new id; a call that creates remembers it.
    fn create(&mut self, field: &str, shape: &Shape) -> Value {
        let id = self.new_id(field, shape);
        if names::creates(&self.operation.api) {
            let key = (self.call.service.to_owned(), self.call.region.to_owned(), field.to_owned());
            self.memory.created.entry(key).or_default().push(id.to_text().to_string());
        }
        id
    }

    fn new_id(&mut self, field: &str, shape: &Shape) -> Value {
        match names::prefix(self.call.service, field) {
            _ if *shape != Shape::String => Value::from(self.ids.number(field)),
            Some(prefix) => self.ids.next(&prefix, self.call.region).into(),
            None => self.ids.uuid(field).into(),
        }
    }

    /// `acs:<service>:<region>:<account>:<kind>/<id>`.
    fn arn(&mut self, name: &str, owner: Option<Owner<'_>>) -> String {
        let kind = names::stem(name);
        let id = match owner {
            Some(owner) => owner.id.to_owned(),
            None => self.ids.next(&format!("{kind}-"), self.call.region),
        };
        let (service, region, account) = (self.call.service, self.call.region, self.call.account);
        format!("acs:{service}:{region}:{account}:{kind}/{id}")
    }
}

/// Id filters of a call: `InstanceIds` and `InstanceId` alike give (`InstanceId`, ids).
fn filters(params: &Map) -> Vec<(String, Vec<String>)> {
    let named = params.iter().filter_map(|(name, value)| Some((names::filter_field(name)?, value)));
    let texts = |value: &Value| -> Vec<String> {
        let parsed = value.parsed_if_json_text();
        let list = parsed.as_list().map(<[Value]>::to_vec).unwrap_or_else(|| vec![parsed.clone()]);
        list.iter().filter(|v| v.as_map().is_none() && !v.is_null()).map(|v| v.to_text().to_string()).collect()
    };
    named.map(|(field, value)| (field, texts(value))).filter(|(_, ids)| !ids.is_empty()).collect()
}

/// Items of the longest list that is reached through maps alone.
fn longest(value: &Value) -> Option<usize> {
    match value {
        Value::List(items) => Some(items.len()),
        Value::Map(map) => map.values().filter_map(longest).max(),
        _ => None,
    }
}
