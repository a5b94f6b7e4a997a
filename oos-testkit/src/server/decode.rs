//! From the wire back to a call: the inverse of what a client does with a normalised call (aliyun-client 2).
//!
//! Pure. Which operation it is comes from the version and the name that the request carries, from the path, or from the
//! sub-resource; which member belongs where comes from the catalogue. The parameters that come out have wire names, and
//! the one normaliser makes the same canonical tree of them as it made of the template's spelling.

use std::{cmp::Reverse, sync::Arc};

use oos_core::{
    Map, Value,
    catalogue::{self, Catalogue, Operation, Parameter, Place, Style, encode},
    ports::{ApiError, ApiRequest},
};

use super::{host, origin, request::WireRequest};

/// A call as the server understands it.
#[derive(Clone, Debug)]
pub struct Decoded {
    /// Product id: `ecs`, `fc-open`, `oss`.
    pub product: Arc<str>,
    /// How it was called; decides the form of the answer.
    pub style: Style,
    /// The call, with wire names.
    pub request: ApiRequest,
    /// Object key, for the signature of object storage.
    pub(crate) key: String,
}

/// Members of the query that belong to the signature of RPC 1.0, not to the call.
const RPC_V1: [&str; 11] = [
    "Action",
    "Version",
    "Format",
    "AccessKeyId",
    "Signature",
    "SignatureMethod",
    "SignatureNonce",
    "SignatureType",
    "SignatureVersion",
    "Timestamp",
    "SecurityToken",
];

/// Headers that no template gives.
const OWN_HEADERS: [&str; 14] = [
    "accept",
    "accept-encoding",
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "date",
    "host",
    "transfer-encoding",
    "user-agent",
    "x-oss-content-sha256",
    "x-oss-date",
    "x-oss-security-token",
    "security-token",
];

/// Reads a request.
///
/// # Errors
/// When it names no operation.
pub fn decode(request: &WireRequest) -> Result<Decoded, ApiError> {
    let facts = host::read(&request.host);
    if is_object_storage(request, &facts) {
        return Ok(object_storage(request, &facts));
    }
    let old = request.header("x-acs-action").is_none();
    let form = request.form();
    let common = |header: &str, name: &str| {
        let anywhere = || request.query.iter().chain(&form).find(|(n, _)| n == name).map(|(_, value)| value.clone());
        request.header(header).map(str::to_owned).or_else(|| anywhere().filter(|_| old))
    };
    let version = common("x-acs-version", "Version").or_else(|| request.header("x-mns-version").map(str::to_owned));
    let api = common("x-acs-action", "Action").unwrap_or_default();
    let (product, operation) = product(version.as_deref(), &api, &facts)?;
    let by_path = || Catalogue::embedded().operation_by_uri(&product, &request.method, &request.path);
    let operation = operation.or_else(by_path);
    let by_form = if request.path == "/" { Style::Rpc } else { Style::Roa };
    let style = operation.as_ref().map_or(by_form, |op| op.style);
    if api.is_empty() && operation.is_none() {
        return Err(no_action());
    }
    let mut pairs: Vec<_> = request.query.iter().chain(&form).cloned().collect();
    if old && style == Style::Rpc {
        pairs.retain(|(name, _)| !RPC_V1.contains(&name.as_str()));
    }
    let mut call = ApiRequest {
        service: product.clone(),
        api: operation.as_ref().map_or_else(|| api.into(), |op| op.api.clone()),
        version: version.map(Into::into),
        region: facts.region.as_deref().map(Into::into),
        ..ApiRequest::default()
    };
    let mut parameters = map(pairs);
    headers(request, operation.as_deref(), &mut parameters, &mut call);
    if form.is_empty() {
        body(request, operation.as_deref(), &mut parameters, &mut call);
    }
    if style != Style::Rpc {
        (call.method, call.uri) = (Some(request.method.as_str().into()), Some(request.path.as_str().into()));
    }
    if let Some(account) = facts.account {
        parameters.insert("AccountId", account);
    }
    call.parameters = parameters.into();
    Ok(Decoded { product, style, request: call, key: String::new() })
}

fn no_action() -> ApiError {
    ApiError::service("MissingParameter", 400, "The request names no action: give x-acs-action, or Action.")
}

/// The product of a version and an action; a host that names one of several products decides.
fn product(
    version: Option<&str>,
    api: &str,
    facts: &host::HostFacts,
) -> Result<(Arc<str>, Option<Arc<Operation>>), ApiError> {
    let catalogue = Catalogue::embedded();
    let named = facts.product.as_deref();
    let Some(version) = version else {
        return named.map(|product| (product.into(), None)).ok_or_else(|| {
            ApiError::service("MissingParameter", 400, "The request names no version: give x-acs-version, or Version.")
        });
    };
    if let Some(operation) = catalogue.operation_of_version(version, api) {
        return Ok((operation.product.clone(), Some(operation)));
    }
    let of_version = catalogue.products_of_version(version);
    let by_host = of_version.iter().find(|product| Some(&***product) == named).cloned();
    let found = by_host.or_else(|| named.map(Into::into)).or_else(|| of_version.first().cloned());
    let unknown = || ApiError::service("InvalidVersion", 400, "Specified parameter Version is not valid.");
    found.map(|product| (product, None)).ok_or_else(unknown)
}

/// Headers that are parameters of the operation, and those that a template may give.
fn headers(request: &WireRequest, operation: Option<&Operation>, parameters: &mut Map, call: &mut ApiRequest) {
    let mut others = Map::new();
    for (name, value) in request.headers.iter() {
        let declared = operation.iter().flat_map(|op| &op.parameters);
        let declared = declared.filter(|p| p.place == Place::Header).find(|p| p.name.eq_ignore_ascii_case(name));
        match declared {
            Some(parameter) => {
                parameters.insert(parameter.name.clone(), value);
            }
            None if OWN_HEADERS.contains(&name) || name.starts_with("x-acs-") => {}
            None if name == origin::ORIGIN_HEADER => call.origin = origin::read(value),
            None => {
                others.insert(name, value);
            }
        }
    }
    call.headers = others.into();
}

/// A JSON body: members that the operation declares are parameters. The body itself is kept where it has others.
fn body(request: &WireRequest, operation: Option<&Operation>, parameters: &mut Map, call: &mut ApiRequest) {
    if request.body.is_empty() {
        return;
    }
    let text = String::from_utf8_lossy(&request.body);
    let Some(json) = Value::from_json_str(&text).ok().filter(|_| text.trim_start().starts_with(['{', '['])) else {
        call.body = Value::from(&*text);
        return;
    };
    let declares = |name: &str| {
        let parameter = operation.and_then(|op| op.parameters.iter().find(|p| &*p.name == name));
        parameter.is_some_and(|p| p.place == Place::JsonBody)
    };
    let members = json.as_map().cloned().unwrap_or_default();
    let all = !members.is_empty() && members.keys().all(|name| declares(name));
    for (name, value) in members.into_iter().filter(|(name, _)| declares(name)) {
        parameters.insert(name, value);
    }
    if !all {
        call.body = json;
    }
}

fn is_object_storage(request: &WireRequest, facts: &host::HostFacts) -> bool {
    let signed = request.header("authorization").is_some_and(|a| a.starts_with("OSS4-") || a.starts_with("OSS "));
    let presigned = ["x-oss-signature-version", "OSSAccessKeyId"].iter().any(|n| request.query_value(n).is_some());
    signed || presigned || facts.product.as_deref() == Some("oss")
}

/// True for members of the query that carry a presigned signature.
fn of_signature(name: &str) -> bool {
    matches!(
        name,
        "x-oss-signature-version"
            | "x-oss-date"
            | "x-oss-expires"
            | "x-oss-credential"
            | "x-oss-security-token"
            | "x-oss-additional-headers"
            | "x-oss-signature"
            | "OSSAccessKeyId"
            | "Expires"
            | "Signature"
            | "security-token"
    )
}

/// The bucket stands in the host, or is the first segment of the path where the host names none.
fn object_storage(request: &WireRequest, facts: &host::HostFacts) -> Decoded {
    let path = catalogue::decode(request.path.trim_start_matches('/'));
    let (bucket, key) = match &facts.bucket {
        Some(bucket) => (bucket.clone(), path),
        None => path.split_once('/').map_or((path.clone(), String::new()), |(b, k)| (b.to_owned(), k.to_owned())),
    };
    let query: Vec<_> = request.query.iter().filter(|(name, _)| !of_signature(name)).cloned().collect();
    let pattern = format!("/{key}?{}", members(&query));
    let operation = object_operation(request, &bucket, &pattern);
    let wanted = operation.as_ref().and_then(|op| op.path.split_once('?')).map_or(String::new(), |(_, q)| q.to_owned());
    let is_sub = |name: &str| wanted.split('&').any(|w| w.split('=').next() == Some(name));
    let (subs, others): (Vec<_>, Vec<_>) =
        query.into_iter().partition(|(name, value)| value.is_empty() || is_sub(name) || operation.is_none());
    let subs = members(&subs);
    let mark = if subs.is_empty() { "" } else { "?" };
    let mut parameters = map(others);
    let scope = request.header("authorization").or_else(|| request.query_value("x-oss-credential")).and_then(region);
    let mut call = ApiRequest {
        service: "oss".into(),
        api: operation.as_ref().map(|op| op.api.clone()).unwrap_or_default(),
        method: Some(request.method.as_str().into()),
        uri: Some(format!("/{key}{mark}{subs}").into()),
        region: facts.region.as_deref().or(scope).map(Into::into),
        ..ApiRequest::default()
    };
    headers(request, operation.as_deref(), &mut parameters, &mut call);
    if !bucket.is_empty() {
        parameters.insert("BucketName", bucket);
    }
    if !request.body.is_empty() {
        call.body = Value::from(&*String::from_utf8_lossy(&request.body));
    }
    call.parameters = parameters.into();
    Decoded { product: "oss".into(), style: Style::ObjectStorage, request: call, key }
}

/// Object storage has no names on the wire: of several operations with one pattern it is the one whose needs are met
/// and that knows most of what was sent.
fn object_operation(request: &WireRequest, bucket: &str, pattern: &str) -> Option<Arc<Operation>> {
    const OF_SERVICE: &str = "ListBuckets";
    let sent = |p: &Parameter| match p.place {
        Place::Header => request.header(&p.name).is_some(),
        _ => request.query_value(&p.name).is_some(),
    };
    let told = |p: &&Parameter| matches!(p.place, Place::Header | Place::Query);
    let rank = |op: &Arc<Operation>| {
        let needs = op.parameters.iter().filter(told).filter(|p| p.required).all(sent);
        (needs, op.parameters.iter().filter(told).filter(|p| sent(p)).count(), Reverse(op.api.len()))
    };
    let found = Catalogue::embedded().operations_by_uri("oss", &request.method, pattern);
    let of_bucket = found.into_iter().filter(|op| (&*op.api == OF_SERVICE) == (bucket.is_empty() && pattern == "/?"));
    of_bucket.max_by_key(rank)
}

/// A query as it is written in a URI; sub-resources have no `=`.
fn members(query: &[(String, String)]) -> String {
    let member = |(name, value): &(String, String)| match value.as_str() {
        "" => name.clone(),
        value => format!("{name}={}", encode(value, b"")),
    };
    query.iter().map(member).collect::<Vec<_>>().join("&")
}

fn map(pairs: Vec<(String, String)>) -> Map {
    pairs.into_iter().map(|(name, value)| (Arc::<str>::from(name), Value::from(value))).collect()
}

/// The region of a scope `<id>/<date>/<region>/oss/aliyun_v4_request`.
fn region(credential: &str) -> Option<&str> {
    let scope = credential.split_once("Credential=").map_or(credential, |(_, rest)| rest);
    scope.split('/').nth(2)
}
