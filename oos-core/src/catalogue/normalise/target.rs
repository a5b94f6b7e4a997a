//! Which operation a request calls, and how (actions 4.2).

use std::sync::Arc;

use super::super::{
    Catalogue,
    operation::{Operation, Style},
    route::{self, Holes},
    service_id, wire,
};
use crate::ports::api::ApiRequest;

/// The operation and the parts of the request line.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) service: Arc<str>,
    pub(super) operation: Option<Arc<Operation>>,
    pub(super) style: Style,
    pub(super) method: Arc<str>,
    /// Path without query.
    pub(super) path: String,
    /// True when the path comes from the catalogue and has `{holes}` to fill.
    pub(super) pattern: bool,
    /// Query of the URI, decoded.
    pub(super) query: Vec<(String, String)>,
    /// Path parameters of a URI that the template gave, decoded.
    pub(super) holes: Holes,
}

/// Object storage first, then what the template says, then what the catalogue says, else RPC.
pub(super) fn resolve(request: &ApiRequest) -> Target {
    let service = service_id(&request.service);
    let labelled = Catalogue::embedded().operation(&service, &request.api, request.version.as_deref());
    let style = labelled.as_ref().map_or(Style::Rpc, |op| op.style);
    let has_uri = request.uri.as_deref().is_some_and(|uri| !uri.trim().is_empty());
    match &*service {
        "oss" => object_storage(request, service, labelled),
        "mns" if style == Style::MnsRest || (has_uri && labelled.is_none()) => {
            plain(request, service, labelled, Style::MnsRest)
        }
        _ if has_uri => by_uri(request, service, labelled),
        _ => plain(request, service, labelled, style),
    }
}

/// Method and URI decide; the API name is only a label, which tells apart what method and URI do not.
fn by_uri(request: &ApiRequest, service: Arc<str>, labelled: Option<Arc<Operation>>) -> Target {
    let method = method(request, labelled.as_deref(), "GET");
    let uri = request.uri.as_deref().unwrap_or_default().trim();
    let own = labelled.filter(|op| op.method.eq_ignore_ascii_case(&method));
    let own = own.and_then(|op| route::fit(&op.path, uri).map(|holes| (op, holes)));
    let found = own.or_else(|| Catalogue::embedded().route(&service, &method, uri));
    let (operation, holes) = found.map_or((None, Holes::new()), |(op, holes)| (Some(op), holes));
    let (path, query) = split(uri);
    let path = with_version(path, operation.as_deref());
    let holes = decoded(Some(holes));
    // What is already encoded stays so.
    let path = wire::encode(&path, b"/%:@!$&'()*+,;=");
    Target { service, operation, style: Style::Roa, method, path, pattern: false, query, holes }
}

/// No URI: everything from the catalogue.
fn plain(request: &ApiRequest, service: Arc<str>, operation: Option<Arc<Operation>>, style: Style) -> Target {
    let method = method(request, operation.as_deref(), "POST");
    let of_template = request.uri.as_deref().map(str::trim).filter(|uri| !uri.is_empty());
    let pattern = operation.as_ref().map_or("/", |op| &op.path);
    let (path, query) = split(of_template.unwrap_or(pattern));
    let holes = of_template.zip(operation.as_ref()).and_then(|(uri, op)| route::fit(&op.path, uri));
    let path = if of_template.is_some() { wire::encode(path, b"/%") } else { path.to_owned() };
    let pattern = of_template.is_none();
    Target { service, operation, style, method, path, pattern, query, holes: decoded(holes) }
}

/// `?acl` names a sub-resource, anything else is an object key.
fn object_storage(request: &ApiRequest, service: Arc<str>, labelled: Option<Arc<Operation>>) -> Target {
    let method = method(request, labelled.as_deref(), "GET");
    let uri = request.uri.as_deref().unwrap_or_default();
    let by_uri = || Catalogue::embedded().route(&service, &method, uri).map(|(op, _)| op);
    let operation = labelled.or_else(by_uri);
    let local = operation.as_ref().is_some_and(|op| op.style == Style::Local);
    let style = if local { Style::Local } else { Style::ObjectStorage };
    let known = operation.as_ref().map_or("/", |op| &op.path).to_owned();
    // A key to sign may hold a question mark; a sub-resource cannot follow it there.
    let (key, query) = match uri {
        "" => split(&known),
        key if local => (key, Vec::new()),
        _ => split(uri),
    };
    let path = if key.starts_with('/') { key.to_owned() } else { format!("/{key}") };
    let holes = operation.as_ref().filter(|_| !local && !uri.is_empty()).and_then(|op| route::fit_key(&op.path, &path));
    let holes = holes.unwrap_or_default();
    Target { service, operation, style, method, path, pattern: uri.is_empty(), query, holes }
}

fn decoded(holes: Option<Holes>) -> Holes {
    holes.into_iter().flatten().map(|(name, text)| (name, wire::decode(&text))).collect()
}

fn method(request: &ApiRequest, operation: Option<&Operation>, otherwise: &str) -> Arc<str> {
    let given = request.method.as_deref().map(str::trim).filter(|m| !m.is_empty());
    let known = operation.map(|op| &*op.method);
    given.or(known).unwrap_or(otherwise).to_ascii_uppercase().into()
}

/// Templates leave the version segment of FC's paths out.
fn with_version(path: &str, operation: Option<&Operation>) -> String {
    let version = operation.map(|op| format!("/{}/", op.version));
    match version {
        Some(version) if operation.is_some_and(|op| op.path.starts_with(&version)) && !path.starts_with(&version) => {
            format!("{version}{}", path.trim_start_matches('/'))
        }
        _ => path.to_owned(),
    }
}

fn split(uri: &str) -> (&str, Vec<(String, String)>) {
    let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
    let pair = |pair: &str| {
        pair.split_once('=').map_or((wire::decode(pair), String::new()), |(k, v)| (wire::decode(k), wire::decode(v)))
    };
    (path, query.split('&').filter(|p| !p.is_empty()).map(pair).collect())
}
