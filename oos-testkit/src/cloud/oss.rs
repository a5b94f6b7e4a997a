//! Object storage (OSS): settings of buckets, told apart by method and sub-resource, and signed addresses of objects.
//!
//! Bodies are XML (policies: JSON). Answers are XML converted to JSON: the root element stays as a key, repeated
//! children become a list, text stays text.

mod xml;

use std::sync::Arc;

use oos_core::{
    Map, Value, params,
    ports::{ApiError, ApiRequest},
};

use super::{
    FakeCloud,
    api::{Api, Ctx, done},
    ecs::make::map,
    error::{error, error_with},
    params::Params,
    store::{Kind, Resource},
};

const KIND: Kind = "OSS::Bucket";

pub(crate) const APIS: &[Api] = &[
    Api::new("PutBucketAcl", put_acl, ""),
    Api::new("GetBucketAcl", get, ""),
    Api::new("PutBucketReferer", put, ""),
    Api::new("GetBucketReferer", get, ""),
    Api::new("PutBucketPolicy", put_policy, ""),
    Api::new("GetBucketPolicy", get_policy, ""),
    Api::new("DeleteBucketPolicy", remove, ""),
    Api::new("PutBucketEncryption", put, ""),
    Api::new("GetBucketEncryption", get, ""),
    Api::new("DeleteBucketEncryption", remove, ""),
    Api::new("PutBucketLogging", put, ""),
    Api::new("GetBucketLogging", get, ""),
    Api::new("DeleteBucketLogging", remove, ""),
    Api::new("PutBucketVersioning", put, ""),
    Api::new("GetBucketVersioning", get, ""),
    Api::new("GenerateUrl", generate_url, ""),
];

/// Operations by sub-resource: of PUT, GET, DELETE.
const ROUTES: &[(&str, [Option<&str>; 3])] = &[
    ("acl", [Some("PutBucketAcl"), Some("GetBucketAcl"), None]),
    ("referer", [Some("PutBucketReferer"), Some("GetBucketReferer"), None]),
    ("policy", [Some("PutBucketPolicy"), Some("GetBucketPolicy"), Some("DeleteBucketPolicy")]),
    ("encryption", [Some("PutBucketEncryption"), Some("GetBucketEncryption"), Some("DeleteBucketEncryption")]),
    ("logging", [Some("PutBucketLogging"), Some("GetBucketLogging"), Some("DeleteBucketLogging")]),
    ("versioning", [Some("PutBucketVersioning"), Some("GetBucketVersioning"), None]),
];

/// Method and sub-resource decide; the name that a template gives is a label.
pub(crate) fn route(request: &ApiRequest) -> Option<&'static str> {
    let sub = request.uri.as_deref()?.split_once('?')?.1.split(['&', '=']).next()?.to_ascii_lowercase();
    let at = match &*request.method.as_deref().unwrap_or("GET").to_ascii_uppercase() {
        "PUT" => 0,
        "GET" => 1,
        "DELETE" => 2,
        _ => return None,
    };
    let (_, names) = ROUTES.iter().find(|(name, _)| *name == sub)?;
    names.get(at).copied().flatten()
}

/// The setting that an operation is about: `referer` of `PutBucketReferer`.
fn setting(api: &str) -> String {
    api.split_once("Bucket").map_or("", |(_, name)| name).to_ascii_lowercase()
}

fn name(ctx: &Ctx<'_>, p: &Params) -> Result<Arc<str>, ApiError> {
    let given = ctx
        .http
        .bucket
        .clone()
        .or_else(|| p.str("BucketName"))
        .or_else(|| Params(map(&ctx.http.raw)).str("BucketName"));
    given.ok_or_else(|| error_with("InvalidArgument", "BucketName is not given."))
}

fn bucket<'a>(ctx: &'a mut Ctx<'_>, p: &Params) -> Result<&'a mut Resource, ApiError> {
    let (name, account) = (name(ctx, p)?, Arc::clone(&ctx.account));
    let found = ctx.s.store.get_mut(KIND, &name).ok_or_else(|| error("NoSuchBucket"))?;
    if found.account == account { Ok(found) } else { Err(error("AccessDenied")) }
}

/// The body as JSON: a structure, or XML text.
fn body(ctx: &Ctx<'_>) -> Result<Value, ApiError> {
    match &ctx.http.body {
        Value::String(text) if text.trim_start().starts_with('<') => {
            xml::parse(text).ok_or_else(|| error("MalformedXML"))
        }
        Value::String(text) => Ok(Value::from(Arc::clone(text)).parsed_if_json_text()),
        other => Ok(other.clone()),
    }
}

fn put(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (body, setting) = (body(ctx)?, setting(ctx.api));
    if body.as_map().is_none_or(Map::is_empty) {
        return Err(error("MalformedXML"));
    }
    bucket(ctx, p)?.set(&format!("_{setting}"), body);
    done()
}

fn put_acl(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let header = ctx.headers().get_folded("x-oss-acl").map(|(_, v)| v.to_text());
    let acl = header.or_else(|| p.str("x-oss-acl")).unwrap_or_else(|| "private".into());
    if !["private", "public-read", "public-read-write"].contains(&&*acl) {
        return Err(error("InvalidArgument"));
    }
    bucket(ctx, p)?.set("Acl", acl);
    done()
}

fn put_policy(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let body = body(ctx)?;
    if body.get("Statement").is_none() {
        return Err(error_with("InvalidPolicyDocument", "The policy is not well formed."));
    }
    bucket(ctx, p)?.set("_policy", body);
    done()
}

fn remove(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let setting = setting(ctx.api);
    bucket(ctx, p)?.data.remove(&format!("_{setting}"));
    done()
}

fn get(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let setting = setting(ctx.api);
    let r = bucket(ctx, p)?;
    let stored = r.data.get(&format!("_{setting}")).cloned();
    Ok(match (setting.as_str(), stored) {
        ("acl", _) => {
            params! { "AccessControlPolicy" => params! { "AccessControlList" => params! { "Grant" => r.str("Acl") } } }
        }
        ("referer", stored) => referer(stored.unwrap_or_default()),
        ("encryption", None) => return Err(error("NoSuchServerSideEncryptionRule")),
        ("logging", None) => params! { "BucketLoggingStatus" => Value::empty_map() },
        ("versioning", None) => params! { "VersioningConfiguration" => Value::empty_map() },
        (_, stored) => stored.unwrap_or_default(),
    })
}

/// The list of referers is always a list, and what was never set has the values of a fresh bucket.
fn referer(stored: Value) -> Value {
    let old = stored.at(&["RefererConfiguration"]);
    let allow = old.get("AllowEmptyReferer").map_or_else(|| "true".into(), Value::to_text);
    let list = match old.at(&["RefererList", "Referer"]) {
        Value::List(list) => Value::List(Arc::clone(list)),
        Value::Null => Value::empty_list(),
        one => Value::from(vec![one.clone()]),
    };
    params! { "RefererConfiguration" => params! { "AllowEmptyReferer" => allow, "RefererList" => params! { "Referer" => list } } }
}

/// The policy itself is the answer.
fn get_policy(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    bucket(ctx, p)?.data.get("_policy").cloned().ok_or_else(|| error("NoSuchBucketPolicy"))
}

/// Not an operation of object storage but of OOS: an address that needs no other key.
fn generate_url(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let raw = Params(map(&ctx.http.raw));
    let name = name(ctx, p)?;
    let expires = raw.int("Expires")?.unwrap_or(3600);
    let host = format!("{name}.oss-{}{}.aliyuncs.com", ctx.region, if raw.bool("Internal") { "-internal" } else { "" });
    let (key, date) = (ctx.http.path.trim_start_matches('/'), ctx.now().format("%Y%m%dT%H%M%SZ"));
    let day = ctx.now().format("%Y%m%d");
    Ok(params! { "Url" => format!(
        "https://{host}/{key}?x-oss-signature-version=OSS4-HMAC-SHA256&x-oss-date={date}&x-oss-expires={expires}\
         &x-oss-credential=LTAIfake%2F{day}%2F{}%2Foss%2Faliyun_v4_request&x-oss-signature=fake",
        ctx.region
    ) })
}

/// Object storage as a test sees it.
#[derive(Clone, Debug)]
pub struct Oss {
    cloud: FakeCloud,
}

impl Oss {
    pub(crate) fn new(cloud: FakeCloud) -> Self {
        Self { cloud }
    }

    /// Makes a bucket.
    pub fn bucket(&self, name: &str) {
        self.cloud.with(|state| {
            let region = state.region.to_string();
            state.add(KIND, name, &region, map(&params! { "Name" => name, "Acl" => "private" }));
        });
    }

    /// A setting of a bucket as it is stored, e.g. `policy`; null when it is not set.
    pub fn setting(&self, bucket: &str, name: &str) -> Value {
        let member = if name == "acl" { "Acl".to_owned() } else { format!("_{name}") };
        self.cloud
            .with(|state| state.store.get(KIND, bucket).and_then(|r| r.data.get(&member).cloned()).unwrap_or_default())
    }
}
