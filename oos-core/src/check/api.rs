//! Literal API calls against the embedded catalogue: operations and parameters that no product has.
//!
//! Warnings only: the catalogue is a copy of a moving target.

use std::collections::BTreeSet;

use super::walk::is_plain;
use crate::{
    Map, Value,
    catalogue::{Catalogue, NormaliseOptions, Normalised, normalise},
    diagnostic::{Code, Diagnostic, Diagnostics, nearest},
    plan::{Plan, escape},
    ports::api::ApiRequest,
    source::{Node, NodeKind},
    template::{Task, Template},
};

pub(super) fn check(template: &Template, plan: &Plan, found: &mut Diagnostics) {
    for (i, (task, compiled)) in template.tasks.iter().zip(&plan.tasks).enumerate() {
        if compiled.signature.calls_api {
            call(task, &format!("/Tasks/{i}/Properties"), found);
        }
    }
}

fn property<'t>(task: &'t Task, key: &str) -> Option<&'t Node> {
    let map = task.properties.as_ref()?.as_map()?;
    let entry = map.iter().find(|(name, _)| name.text.eq_ignore_ascii_case(key));
    entry.map(|(_, node)| node).filter(|node| !node.is_null())
}

fn literal<'t>(task: &'t Task, key: &str) -> Option<(&'t str, &'t Node)> {
    let node = property(task, key).filter(|node| is_plain(node))?;
    node.as_str().filter(|text| !text.trim().is_empty()).map(|text| (text, node))
}

fn call(task: &Task, pointer: &str, found: &mut Diagnostics) {
    let Some((service, place)) = literal(task, "Service") else { return };
    let catalogue = Catalogue::embedded();
    if !catalogue.has_service(service) {
        return found.push(unknown_service(catalogue, service, place, pointer));
    }
    let (Some((api, place)), Some(request)) = (literal(task, "API"), request(task, service)) else { return };
    let normalised = normalise(&ApiRequest { api: api.into(), ..request }, &NormaliseOptions::default());
    if normalised.operation.is_none() {
        return found.push(unknown_api(catalogue, service, api, place, pointer));
    }
    unknown_parameters(task, &normalised, &format!("{pointer}/Parameters"), found);
}

/// The call as far as it is literal; nothing when a part that decides about the operation is not.
fn request(task: &Task, service: &str) -> Option<ApiRequest> {
    let text = |key: &str| match property(task, key) {
        None => Some(None),
        Some(_) => literal(task, key).map(|(text, _)| Some(text.into())),
    };
    // A path may hold references: what decides is its shape.
    let uri = property(task, "URI").and_then(Node::as_str).map(|uri| without_references(uri).into());
    let parameters = match property(task, "Parameters").map(|node| &node.kind) {
        Some(NodeKind::Map(map)) => {
            let members = map.iter().filter(|(_, node)| !node.is_null());
            let named = members.map(|(key, node)| (key.text.clone(), shape(node)));
            Value::from(named.collect::<Map>())
        }
        _ => Value::empty_map(),
    };
    let (method, version) = (text("Method")?, text("Version")?);
    Some(ApiRequest { method, uri, version, ..ApiRequest::new(service, "", parameters) })
}

/// References in a path stand for one segment.
fn without_references(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        out.push('x');
        rest = after.split_once("}}").map_or("", |(_, after)| after);
    }
    out + rest
}

/// A value of the same shape: names are judged, values are not.
fn shape(node: &Node) -> Value {
    match &node.kind {
        NodeKind::Map(map) if map.iter().any(|(key, _)| key.text.starts_with("Fn::")) => Value::from("x"),
        NodeKind::Scalar(value) if value.as_str().is_some_and(|text| text.is_empty() || text.contains("{{")) => {
            Value::from("x")
        }
        _ => node.to_value(),
    }
}

fn unknown_service(catalogue: &Catalogue, service: &str, place: &Node, pointer: &str) -> Diagnostic {
    let message = format!("the catalogue has no service `{service}`");
    let pointer = format!("{pointer}/Service");
    let finding = Diagnostic::warning(Code::UNKNOWN_API, message, place.span, pointer);
    let products = catalogue.products();
    match nearest(service, products.iter().map(|p| &**p)) {
        Some(near) => finding.help(format!("did you mean `{near}`?")),
        None => finding,
    }
}

fn unknown_api(catalogue: &Catalogue, service: &str, api: &str, place: &Node, pointer: &str) -> Diagnostic {
    let message = format!("service `{service}` has no API `{api}`");
    let finding = Diagnostic::warning(Code::UNKNOWN_API, message, place.span, format!("{pointer}/API"));
    let names = catalogue.operations(service);
    match nearest(api, names.iter().map(|n| &**n)) {
        Some(near) => finding.help(format!("did you mean `{near}`?")),
        None => finding.label("not in the catalogue"),
    }
}

fn unknown_parameters(task: &Task, call: &Normalised, pointer: &str, found: &mut Diagnostics) {
    let Some(operation) = &call.operation else { return };
    let given = property(task, "Parameters").and_then(Node::as_map).unwrap_or_default();
    let unknown: BTreeSet<&str> = call.unknown.iter().map(|name| &**name).collect();
    for (key, _) in given.iter().filter(|(key, _)| unknown.contains(&*key.text)) {
        let message = format!("`{}` of `{}` has no parameter `{}`", operation.api, operation.code, key.text);
        let pointer = format!("{pointer}/{}", escape(&key.text));
        let finding = Diagnostic::warning(Code::UNKNOWN_API_PARAMETER, message, key.span, pointer);
        let names = operation.parameters.iter().map(|p| &*p.name).chain(operation.alias_names().map(|n| &**n));
        found.push(match nearest(&key.text, names) {
            Some(near) => finding.help(format!("did you mean `{near}`?")),
            None => finding,
        });
    }
}
