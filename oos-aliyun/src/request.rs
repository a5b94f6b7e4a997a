//! A normalised call and an endpoint → a request that lacks only its signature; a signed one → HTTP.

use std::time::Duration;

use bytes::Bytes;
use oos_core::catalogue::{Normalised, Style};

use crate::{
    encode::Encoded,
    endpoint::{EndpointError, check_bucket},
    sign::{Resource, Signable, content_md5, percent_encode_path},
};

/// Where a request goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) scheme: &'static str,
    pub(crate) host: String,
    pub(crate) region: String,
}

/// Builds the unsigned request.
pub(crate) fn build(
    call: &Normalised,
    encoded: Encoded,
    target: Target,
    user_agent: &str,
) -> Result<Signable, EndpointError> {
    let object_storage = matches!(call.style, Style::ObjectStorage | Style::Local);
    let resource = object_storage.then(|| resource(call));
    let bucket = resource.as_ref().map(|r| r.bucket.as_str()).filter(|bucket| !bucket.is_empty());
    let bucket = bucket.map(check_bucket).transpose()?;
    let in_path = is_address(&target.host);
    let host = match bucket.filter(|_| !in_path) {
        None => target.host,
        Some(bucket) => format!("{bucket}.{}", target.host),
    };
    let path = match (&resource, bucket.filter(|_| in_path)) {
        (Some(resource), Some(bucket)) => format!("/{bucket}/{}", percent_encode_path(&resource.key)),
        (Some(resource), None) => format!("/{}", percent_encode_path(&resource.key)),
        (None, _) => call.path.to_string(),
    };
    let mut request = Signable {
        method: call.method.to_string(),
        scheme: target.scheme.to_owned(),
        host,
        path,
        query: encoded.query,
        headers: encoded.headers.into_iter().collect(),
        body: encoded.body,
        product: call.product.to_string(),
        region: target.region,
        resource,
    };
    common_headers(call, &mut request, user_agent);
    Ok(request)
}

/// No name can stand before an address: there the bucket goes into the path, as the official clients do. The public
/// service has names only, and refuses that.
fn is_address(host: &str) -> bool {
    let name = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit())).map_or(host, |h| h.0);
    crate::transport::is_loopback(name) || name.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok()
}

fn resource(call: &Normalised) -> Resource {
    let key = call.path.strip_prefix('/').unwrap_or(&call.path).to_owned();
    Resource { bucket: call.bucket.as_deref().unwrap_or_default().to_owned(), key }
}

fn common_headers(call: &Normalised, request: &mut Signable, user_agent: &str) {
    request.headers.insert("user-agent", user_agent);
    if request.resource.is_some() || call.style == Style::MnsRest {
        if !request.body.is_empty() && request.headers.get("content-md5").is_none() {
            let md5 = content_md5(&request.body);
            request.headers.insert("content-md5", &md5);
        }
        return;
    }
    if request.headers.get("accept").is_none() {
        request.headers.insert("accept", "application/json");
    }
    request.headers.insert("x-acs-action", &call.api);
    request.headers.insert("x-acs-version", call.version.as_deref().unwrap_or_default());
}

/// Time limit of one attempt, and calls that need more: by the time-outs of the official Python core, and those that
/// upload (aliyun-client 4.2, actions 20.4).
const TIME_LIMIT: u64 = 30;
const UPLOAD_LIMIT: u64 = 60;
const SLOW_CALLS: [(&str, &str, u64); 7] = [
    ("ecs", "CreateInstance", 86),
    ("ecs", "DeleteSecurityGroup", 87),
    ("ecs", "DescribeSecurityGroupAttribute", 120),
    ("ecs", "DescribeZones", 103),
    ("ecs", "RunInstances", 86),
    ("ecs", "StartInstance", 46),
    ("ros", "CreateStack", 60),
];

/// How long one attempt of a call may take.
pub(crate) fn time_limit(call: &Normalised) -> Duration {
    let slow = SLOW_CALLS.iter().find(|(product, api, _)| *product == &*call.product && *api == &*call.api);
    let upload = call.style == Style::ObjectStorage && &*call.method == "PUT";
    let seconds = slow.map(|(.., seconds)| *seconds).unwrap_or(if upload { UPLOAD_LIMIT } else { TIME_LIMIT });
    Duration::from_secs(seconds)
}

/// The request as the transport takes it.
pub(crate) fn to_http(request: &Signable) -> Result<http::Request<Bytes>, http::Error> {
    let mut builder = http::Request::builder().method(request.method.as_str()).uri(request.url());
    for (name, value) in request.headers.iter() {
        builder = builder.header(name, http::HeaderValue::from_bytes(value.as_bytes())?);
    }
    builder.body(Bytes::copy_from_slice(&request.body))
}

/// `AlibabaCloud (linux; x86_64) Rust/1.95 oos-aliyun/0.1.0 <extra>`, visible ASCII only.
pub(crate) fn user_agent(extra: &str) -> String {
    let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
    let text = format!(
        "AlibabaCloud ({os}; {arch}) Rust/{} oos-aliyun/{} {extra}",
        env!("CARGO_PKG_RUST_VERSION"),
        env!("CARGO_PKG_VERSION"),
    );
    text.chars().filter(|c| (' '..='~').contains(c)).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_before_an_address_is_impossible() {
        for (host, expected) in [
            ("127.0.0.1:4566", true),
            ("10.1.2.3", true),
            ("[::1]:80", true),
            ("localhost:80", true),
            ("oss-cn-hangzhou.aliyuncs.com", false),
            ("gateway.internal:8080", false),
        ] {
            assert_eq!(is_address(host), expected, "{host}");
        }
    }

    #[test]
    fn the_user_agent_is_visible_ascii() {
        let text = user_agent("my-app/1\r\nX: 中");
        assert!(text.starts_with("AlibabaCloud (") && text.ends_with("my-app/1X:"), "{text}");
    }
}
