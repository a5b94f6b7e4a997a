//! OSS signature V1 (HMAC-SHA1), for old private clouds (aliyun-client 1.6). The client never chooses it by itself.

use oos_core::{Timestamp, ports::credential::Credential};

use super::{Headers, RequestSigner, Resource, SignError, Signable, hmac_sha1_base64, oss_v4::http_date};

/// Members of the query that belong to the resource ("Include signatures in the Authorization header", OSS).
const SUB_RESOURCES: &[&str] = &[
    "accessPoint",
    "accessPointPolicy",
    "acl",
    "append",
    "asyncFetch",
    "bucketInfo",
    "callback",
    "callback-var",
    "cname",
    "comp",
    "continuation-token",
    "cors",
    "delete",
    "encryption",
    "endTime",
    "group",
    "httpsConfig",
    "img",
    "inventory",
    "inventoryId",
    "lifecycle",
    "link",
    "live",
    "location",
    "logging",
    "metaQuery",
    "objectMeta",
    "partNumber",
    "policy",
    "policyStatus",
    "position",
    "publicAccessBlock",
    "qos",
    "qosInfo",
    "qosRequester",
    "redundancyTransition",
    "referer",
    "regionList",
    "replication",
    "replicationLocation",
    "replicationProgress",
    "requestPayment",
    "requesterQosInfo",
    "resourceGroup",
    "resourcePool",
    "resourcePoolBuckets",
    "resourcePoolInfo",
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
    "restore",
    "rtc",
    "security-token",
    "sequential",
    "startTime",
    "stat",
    "status",
    "style",
    "styleName",
    "symlink",
    "tagging",
    "transferAcceleration",
    "uploadId",
    "uploads",
    "versionId",
    "versioning",
    "versions",
    "vod",
    "website",
    "worm",
    "wormExtend",
    "wormId",
    "x-oss-ac-forward-allow",
    "x-oss-ac-source-ip",
    "x-oss-ac-subnet-mask",
    "x-oss-ac-vpc-id",
    "x-oss-access-point-name",
    "x-oss-async-process",
    "x-oss-process",
    "x-oss-redundancy-transition-taskid",
    "x-oss-request-payer",
    "x-oss-target-redundancy-type",
    "x-oss-traffic-limit",
    "x-oss-write-get-object-response",
];

/// Bucket, key and sub-resources, nothing encoded.
pub fn canonical_resource(resource: &Resource, query: &[(String, String)]) -> String {
    let path = match resource.bucket.as_str() {
        "" => "/".to_owned(),
        bucket => format!("/{bucket}/{}", resource.key),
    };
    let mut members: Vec<_> = query.iter().filter(|(name, _)| SUB_RESOURCES.contains(&name.as_str())).collect();
    members.sort();
    let member = |(name, value): &&(String, String)| match value.as_str() {
        "" => name.clone(),
        value => format!("{name}={value}"),
    };
    match members.iter().map(member).collect::<Vec<_>>().join("&").as_str() {
        "" => path,
        members => format!("{path}?{members}"),
    }
}

/// The text to sign; `date` is the header's date, or the expiry in Unix seconds of a presigned URL.
pub fn string_to_sign(
    method: &str,
    headers: &Headers,
    date: &str,
    resource: &Resource,
    query: &[(String, String)],
) -> String {
    let of = |name: &str| headers.get(name).unwrap_or_default();
    let lines: String = headers
        .iter()
        .filter(|(name, _)| name.starts_with("x-oss-"))
        .map(|(name, value)| format!("{name}:{value}\n"))
        .collect();
    let (md5, kind) = (of("content-md5"), of("content-type"));
    format!("{method}\n{md5}\n{kind}\n{date}\n{lines}{}", canonical_resource(resource, query))
}

/// The signature in base64.
///
/// # Errors
/// When the secret cannot be a key.
pub fn signature(secret: &str, string_to_sign: &str) -> Result<String, SignError> {
    hmac_sha1_base64(secret.as_bytes(), string_to_sign.as_bytes())
}

/// The value of the header `Authorization`.
pub fn authorization(access_key_id: &str, signature: &str) -> String {
    format!("OSS {access_key_id}:{signature}")
}

/// Signs with V1; the token goes into the signed header `x-oss-security-token`.
#[derive(Clone, Copy, Debug, Default)]
pub struct OssV1;

impl OssV1 {
    /// Makes the presigned form of a request, see [`super::oss_v4::OssV4::presign`].
    ///
    /// # Errors
    /// When the secret cannot be a key.
    pub fn presign(
        &self,
        request: &mut Signable,
        credential: &Credential,
        now: Timestamp,
        life_seconds: i64,
    ) -> Result<(), SignError> {
        let expires = now.plus_seconds(life_seconds).as_millis().div_euclid(1000).to_string();
        let mut add = |name: &str, value: &str| request.query.push((name.to_owned(), value.to_owned()));
        add("OSSAccessKeyId", &credential.access_key_id);
        add("Expires", &expires);
        if let Some(token) = credential.expose_token() {
            add("security-token", token);
        }
        let resource = request.resource.clone().unwrap_or_default();
        let text = string_to_sign(&request.method, &request.headers, &expires, &resource, &request.query);
        request.query.push(("Signature".to_owned(), signature(credential.expose_secret(), &text)?));
        Ok(())
    }
}

impl RequestSigner for OssV1 {
    fn sign(
        &self,
        request: &mut Signable,
        credential: &Credential,
        now: Timestamp,
        _nonce: &str,
    ) -> Result<(), SignError> {
        let (host, date) = (request.host.clone(), http_date(now));
        request.headers.insert("host", &host);
        request.headers.insert("date", &date);
        if let Some(token) = credential.expose_token() {
            request.headers.insert("x-oss-security-token", token);
        }
        let resource = request.resource.clone().unwrap_or_default();
        let date = request.headers.get("x-oss-date").unwrap_or(&date);
        let text = string_to_sign(&request.method, &request.headers, date, &resource, &request.query);
        let value = authorization(&credential.access_key_id, &signature(credential.expose_secret(), &text)?);
        request.headers.insert("authorization", &value);
        Ok(())
    }
}
