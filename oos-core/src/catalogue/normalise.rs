//! The one normaliser of parameter spellings (aliyun-client 2.1, actions 4.2-4.5, fake-cloud 1.2-1.3).
//!
//! Templates use the names of the previous SDK generation, leave places and numbering out, and spell services and
//! operations in any case. Whatever calls a cloud API or stands in for one goes through here, so that fake and real
//! cloud understand a template alike. It never fails: what it does not know it lists and passes on.

mod parameters;
mod target;

use std::sync::Arc;

use super::{
    operation::{Operation, Place, Repeat, Style},
    tree::Canonical,
};
use crate::{Map, Value, ports::api::ApiRequest};

/// What the caller may decide.
#[derive(Clone, Debug)]
pub struct NormaliseOptions {
    /// Keeps top-level parameters whose value is the empty text; templates write `""` for "not given". A server that
    /// rebuilds the tree from names on the wire keeps them.
    pub keep_empty: bool,
    /// Fills `ClientToken` from the request's token where the API has one and the caller gave none.
    pub fill_token: bool,
    /// Fills `RegionId` from the request's region where an RPC API takes it and the caller gave none.
    pub fill_region: bool,
    /// How lists and maps under unknown names travel.
    pub unknown_lists: UnknownLists,
}

impl Default for NormaliseOptions {
    fn default() -> Self {
        Self { keep_empty: false, fill_token: true, fill_region: true, unknown_lists: UnknownLists::default() }
    }
}

/// How lists and maps travel under a name that the catalogue does not know.
// CHOICE: no source settles it (rule 5 is marked UNSURE), so the caller may override the guess.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnknownLists {
    /// As JSON under a name that ends in `Ids`, else flattened.
    #[default]
    ByName,
    /// Always `Name.1`.
    Flattened,
    /// Always one JSON text.
    JsonText,
}

/// A call in official spelling.
#[derive(Clone, Debug)]
pub struct Normalised {
    /// Service id in lower case: `ecs`, `fc`, `r-kvstore`.
    pub service: Arc<str>,
    /// Product id of the operation's table, for endpoints: `ecs`, `fc-open`.
    pub product: Arc<str>,
    /// API version; `None` when neither the catalogue nor the caller knows.
    pub version: Option<Arc<str>>,
    /// Operation, official spelling where known.
    pub api: Arc<str>,
    /// How to call it.
    pub style: Style,
    /// HTTP method in upper case.
    pub method: Arc<str>,
    /// Path, ready to send and sign (percent-encoded); for object storage `/` and the object key as it is.
    pub path: Arc<str>,
    /// `Parameters.RegionId`, else the region of the request.
    pub region: Option<Arc<str>>,
    /// Account id that the host name needs.
    pub account_id: Option<Arc<str>>,
    /// Bucket that the host name needs.
    pub bucket: Option<Arc<str>>,
    /// Wire parameters in the order of the template.
    pub tree: Vec<Canonical>,
    /// Request headers that the template gave, without empty ones ("do not send").
    pub headers: Map,
    /// The body that the template gave, or the map of the parameters that belong into a JSON body.
    pub body: Value,
    /// Names that the catalogue does not know, as the template wrote them.
    pub unknown: Vec<Arc<str>>,
    /// What a person should know about the translation; one line each.
    pub warnings: Vec<String>,
    /// The operation, when the catalogue has it.
    pub operation: Option<Arc<Operation>>,
}

/// Brings a request into official spelling with the embedded catalogue.
pub fn normalise(request: &ApiRequest, options: &NormaliseOptions) -> Normalised {
    let target = target::resolve(request);
    parameters::fill(request, options, target)
}

impl Normalised {
    /// The parameters as a handler reads them: wire name → value, lists and maps as structure, JSON text parsed, tags as
    /// a list of `{Key, Value}`.
    pub fn params(&self) -> Map {
        self.tree
            .iter()
            .map(|c| (c.wire.clone(), if is_tags(&c.wire) { tags(&c.value) } else { c.value.clone() }))
            .collect()
    }

    /// The parameter with this wire name, in any case.
    pub fn parameter(&self, wire: &str) -> Option<&Canonical> {
        let exact = self.tree.iter().find(|c| &*c.wire == wire);
        exact.or_else(|| self.tree.iter().find(|c| c.wire.eq_ignore_ascii_case(wire)))
    }

    /// The flat pairs that travel at `place`.
    pub fn pairs(&self, place: Place) -> Vec<(String, String)> {
        self.tree.iter().filter(|c| c.place == place).flat_map(Canonical::pairs).collect()
    }

    /// True when the call only reads.
    pub fn is_read(&self) -> bool {
        match (&self.operation, self.style) {
            (Some(operation), _) => operation.is_read(),
            (None, Style::Rpc) => ApiRequest::new(self.service.clone(), self.api.clone(), Value::Null).is_read(),
            (None, _) => matches!(&*self.method, "GET" | "HEAD"),
        }
    }

    /// What may be done when nobody knows whether the call was carried out. An operation that the catalogue does not
    /// have is repeated only when it reads.
    pub fn repeat(&self) -> Repeat {
        match &self.operation {
            Some(operation) => operation.repeat(),
            None if self.is_read() => Repeat::Read,
            None => Repeat::Never,
        }
    }
}

fn is_tags(wire: &str) -> bool {
    wire == "Tag" || wire == "Tags"
}

/// Tags as a list of `{Key, Value}`: some products take a map of keys to values, some templates spell members `key`,
/// `TagKey`. What is no tag stays as it is.
fn tags(value: &Value) -> Value {
    match &value.parsed_if_json_text() {
        Value::List(items) => items.iter().map(|item| tag(item).unwrap_or_else(|| item.clone())).collect(),
        Value::Map(map) => match tag(value) {
            Some(one) => [one].into(),
            None => map.iter().map(|(k, v)| crate::params! { "Key" => k.clone(), "Value" => v.clone() }).collect(),
        },
        other => other.clone(),
    }
}

/// One tag with official member names; `None` when the map has no key.
fn tag(item: &Value) -> Option<Value> {
    let map = item.as_map()?;
    let find = |names: [&str; 2]| names.into_iter().find_map(|name| map.get_folded(name)).map(|(_, v)| v.clone());
    let key = find(["Key", "TagKey"])?;
    let mut out = Map::new();
    out.insert("Key", key);
    if let Some(value) = find(["Value", "TagValue"]) {
        out.insert("Value", value);
    }
    Some(out.into())
}
