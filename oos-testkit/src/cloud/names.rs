//! From a request as a template writes it to an operation of the fake and its parameters by wire name.
//!
//! The embedded catalogue decides: which operation a method and URI call, which spelling of a parameter means which
//! wire name. Operations that no catalogue has (inner products, oddities) name their parameters in their own table, and
//! a small translation of the same spellings serves them.

use std::sync::Arc;

use oos_core::{
    Map, Value,
    catalogue::{self, Canonical, Kind, NormaliseOptions, Operation},
    ports::ApiRequest,
};

use super::api::{self, Api, Http, Service};

/// A request in the words of the fake.
pub(crate) struct Resolved {
    pub(crate) service: Option<&'static Service>,
    pub(crate) api: Option<&'static Api>,
    pub(crate) service_name: Arc<str>,
    pub(crate) api_name: Arc<str>,
    pub(crate) region: Option<Arc<str>>,
    pub(crate) params: Map,
    pub(crate) http: Http,
    pub(crate) unknown: Vec<String>,
    pub(crate) warnings: Vec<String>,
    /// The first parameter whose text is not of its type, and the type.
    pub(crate) mistyped: Option<(Arc<str>, &'static str)>,
}

/// Finds the operation and brings the parameters into wire names.
pub(crate) fn resolve(request: &ApiRequest) -> Resolved {
    let options = NormaliseOptions { fill_token: true, ..NormaliseOptions::default() };
    let n = catalogue::normalise(request, &options);
    let service = api::service(&n.service).or_else(|| api::service(&request.service));
    let by_route = service.and_then(|s| s.route).and_then(|route| route(request));
    let name: Arc<str> = by_route.map_or_else(|| n.api.clone(), Into::into);
    let found = service.and_then(|s| api::api(s, &name));
    let mut out = Resolved {
        service,
        api: found,
        service_name: service.map_or_else(|| n.service.to_uppercase().into(), |s| s.name.into()),
        api_name: found.map_or(name, |a| a.name.into()),
        region: n.region.clone(),
        params: n.params(),
        http: Http {
            path: n.path.clone(),
            body: if request.body.is_null() { n.body.clone() } else { request.body.clone() },
            bucket: n.bucket.clone(),
            headers: n.headers.clone(),
            raw: request.parameters.clone(),
        },
        unknown: n.unknown.iter().map(ToString::to_string).collect(),
        warnings: n.warnings.clone(),
        mistyped: n.operation.as_ref().and_then(|operation| mistyped(operation, &n.tree)),
    };
    // What is required is advice where nobody has a model of the operation.
    if let (None, Some(operation)) = (found, &n.operation) {
        let missing = operation.parameters.iter().filter(|of| of.required && n.parameter(&of.name).is_none());
        out.warnings.extend(missing.map(|of| format!("the required parameter `{}` is missing", of.name)));
    }
    if n.operation.is_none() {
        out.warnings.clear();
        if let Some(api) = found {
            let own = spelled(api, &request.parameters);
            (out.params, out.unknown) = (own.params, own.unknown);
        }
    }
    if let (Some(operation), Some(api)) = (n.operation.as_ref().filter(|o| !o.complete), found) {
        // The catalogue knows only some of the names; the table of the fake has the others.
        let known = |name: &str| {
            let in_catalogue = operation.parameter(name).is_some() || operation.path.contains(&format!("{{{name}}}"));
            // Sub-resources are no parameters: the pattern names them, or the request itself.
            let in_query = |uri: &str| {
                let query = uri.split_once('?').map_or("", |(_, query)| query);
                query.split('&').any(|member| member.split('=').next() == Some(name))
            };
            let in_catalogue =
                in_catalogue || in_query(&operation.path) || request.uri.as_deref().is_some_and(in_query);
            in_catalogue || operation.alias_names().any(|a| a.eq_ignore_ascii_case(name)) || place(api, name).is_some()
        };
        out.unknown = out.params.keys().filter(|name| !known(name)).map(ToString::to_string).collect();
    }
    out
}

/// The first parameter whose text is no number or boolean where the catalogue knows it to be one.
fn mistyped(operation: &Operation, tree: &[Canonical]) -> Option<(Arc<str>, &'static str)> {
    tree.iter().find_map(|given| {
        let text = given.value.as_str()?.trim();
        let word = match operation.parameter(&given.wire)?.kind {
            Kind::Integer if text.parse::<i64>().is_err() => "integer",
            Kind::Number if text.parse::<f64>().is_err() => "number",
            Kind::Boolean if !["true", "false"].iter().any(|b| text.eq_ignore_ascii_case(b)) => "boolean",
            _ => return None,
        };
        Some((Arc::clone(&given.wire), word))
    })
}

/// Parameters that every API takes.
const COMMON: &[&str] = &[
    "RegionId",
    "OwnerId",
    "OwnerAccount",
    "ResourceOwnerId",
    "ResourceOwnerAccount",
    "ClientToken",
    "DryRun",
    "PageNumber",
    "PageSize",
    "MaxResults",
    "NextToken",
    "AccountId",
    "BucketName",
    "SecurityToken",
    "ResourceGroupId",
];

/// Parameters with wire names.
#[derive(Debug, Default)]
struct Spelled {
    params: Map,
    unknown: Vec<String>,
}

/// Turns every spelling into the wire name, by the table of the operation itself.
fn spelled(api: &Api, raw: &Value) -> Spelled {
    let mut out = Spelled::default();
    for (name, value) in raw.as_map().into_iter().flat_map(Map::iter) {
        if value.is_null() || value.as_str() == Some("") {
            continue;
        }
        match place(api, name) {
            Some((wire, index)) => insert(&mut out.params, &wire, index, value),
            None => {
                out.unknown.push(name.to_string());
                out.params.insert(name.clone(), value.clone());
            }
        }
    }
    out
}

fn insert(params: &mut Map, wire: &str, index: Option<usize>, value: &Value) {
    let Some(index) = index else {
        params.insert(wire, value.clone());
        return;
    };
    let mut list: Vec<Value> = params.get(wire).and_then(Value::as_list).map(<[Value]>::to_vec).unwrap_or_default();
    while list.len() < index {
        list.push(Value::Null);
    }
    if let Some(slot) = list.get_mut(index.saturating_sub(1)) {
        *slot = value.clone();
    }
    params.insert(wire, list);
}

/// The wire name of a parameter, and its number when it is one item of a list.
fn place(api: &Api, name: &str) -> Option<(String, Option<usize>)> {
    let is = |wire: &str, written: &str| wire.eq_ignore_ascii_case(written);
    let takes = || api.takes().chain(COMMON.iter().copied());
    let stem = |wire: &'static str| wire.strip_suffix(".N");
    if let Some(wire) = takes().find(|w| is(stem(w).unwrap_or(w), name)) {
        return Some((stem(wire).unwrap_or(wire).to_owned(), None));
    }
    if let Some(wire) = takes().find(|w| w.contains('.') && stem(w).is_none() && is(&w.replace('.', ""), name)) {
        return Some((wire.to_owned(), None));
    }
    let lists = || takes().filter_map(stem);
    if let Some(wire) = lists().find(|w| name.len() == w.len() + 1 && is(&format!("{w}s"), name)) {
        return Some((wire.to_owned(), None));
    }
    let digits = name.len() - name.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    let (head, number) = name.split_at(name.len() - digits);
    if let (Some(wire), Ok(number)) = (lists().find(|w| is(w, head.trim_end_matches('.'))), number.parse::<usize>()) {
        return (1..=1000).contains(&number).then(|| (wire.to_owned(), Some(number)));
    }
    // Structures written whole (`SystemDisk: {..}`) and items written with dots (`Filter.2.Key`, `Tag.1.Value`).
    let outer = name.split('.').next().unwrap_or(name);
    takes().find(|w| is(w.split('.').next().unwrap_or(w), outer)).map(|_| (name.to_owned(), None))
}

#[cfg(test)]
mod tests {
    use oos_core::params;

    use super::*;

    const API: Api =
        Api::new("Try", |_, _| Ok(Value::Null), "InstanceId.N InstanceIds Tag.N SystemDisk.Size Filter.2.Key Name");

    #[test]
    fn old_spellings_become_wire_names() {
        let raw = params! {
            "instanceids" => ["i-1"], "InstanceId2" => "i-2", "Tags" => ["x"], "SystemDiskSize" => 40,
            "Filter2Key" => "K", "name" => "n", "Other" => 1, "Null" => Value::Null, "Empty" => "",
        };
        let out = spelled(&API, &raw);
        let expected = params! {
            "InstanceIds" => ["i-1"], "InstanceId" => [Value::Null, Value::from("i-2")], "Tag" => ["x"],
            "SystemDisk.Size" => 40, "Filter.2.Key" => "K", "Name" => "n", "Other" => 1,
        };
        assert_eq!(Value::from(out.params), expected);
        assert_eq!(out.unknown, ["Other"]);
    }
}
