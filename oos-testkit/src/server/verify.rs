//! Who signed a request: the signature is computed anew with the signing code of the client and compared.
//!
//! Order as the gateways keep it: key known, date within 15 minutes, signature right, token right and not over, nonce
//! fresh. A refusal never shows a secret.

use std::time::Duration;

use oos_aliyun::sign::{Resource, acs3, oss_v1, oss_v4, rpc_v1};
use oos_core::{Timestamp, ports::ApiError};

use super::{
    decode::Decoded,
    keys::{Identity, Key, Keys, WINDOW},
    request::WireRequest,
};

/// A signature as the request carries it.
#[derive(Debug)]
struct Claim {
    key_id: String,
    signature: String,
    token: Option<String>,
    date: Option<Timestamp>,
    /// Absent where the scheme has none.
    nonce: Option<String>,
    /// How long after its date the signature holds.
    life: Duration,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Acs3 { algorithm: acs3::Algorithm, list: String },
    RpcV1,
    OssV4 { scope: String, additional: String, presigned: bool },
    OssV1 { date: String, presigned: bool },
}

/// Tells who makes the call; `None` for a call without a signature.
///
/// # Errors
/// Why the signature is refused.
pub(super) fn verify(
    request: &WireRequest,
    decoded: &Decoded,
    keys: &Keys,
    now: Timestamp,
    ended: impl FnOnce(&Key) -> bool,
) -> Result<Option<Identity>, ApiError> {
    let Some(claim) = claim(request)? else { return Ok(None) };
    let oss = &*decoded.product == "oss";
    let key = keys.get(&claim.key_id).ok_or_else(|| unknown_key(oss, claim.key_id.starts_with("STS.")))?;
    in_time(&claim, now, oss)?;
    let text = text_to_sign(&claim, request, decoded);
    if signature_of(&claim, &key, &text)? != claim.signature {
        return Err(mismatch(&text, oss));
    }
    token_fits(&claim, &key, now)?;
    if ended(&key) {
        return Err(refused("InvalidSecurityToken.Expired", 400, "Specified SecurityToken is expired."));
    }
    match &claim.nonce {
        Some(nonce) if !keys.use_nonce(nonce, now) => {
            Err(refused("SignatureNonceUsed", 400, "Specified signature nonce was used already."))
        }
        _ => Ok(Some(key.identity)),
    }
}

fn refused(code: &str, status: u16, message: &str) -> ApiError {
    ApiError::service(code, status, message)
}

fn unknown_key(oss: bool, temporary: bool) -> ApiError {
    match (oss, temporary) {
        (true, _) => refused("InvalidAccessKeyId", 403, "The OSS Access Key Id you provided does not exist."),
        (false, true) => refused("InvalidSecurityToken.Expired", 400, "Specified SecurityToken is expired."),
        (false, false) => refused("InvalidAccessKeyId.NotFound", 404, "Specified access key is not found."),
    }
}

fn incomplete(what: &str) -> ApiError {
    refused("IncompleteSignature", 400, &format!("The signature is not complete: {what}."))
}

/// Reads what the request says about its signature.
fn claim(request: &WireRequest) -> Result<Option<Claim>, ApiError> {
    let header = request.header("authorization").unwrap_or_default();
    if let Some((algorithm, rest)) = header.split_once(' ').filter(|(name, _)| name.starts_with("ACS3-")) {
        return acs3_claim(request, algorithm, rest).map(Some);
    }
    if let Some(rest) = header.strip_prefix("OSS4-HMAC-SHA256 ") {
        return oss_v4_claim(request, rest).map(Some);
    }
    if let Some((id, signature)) = header.strip_prefix("OSS ").and_then(|rest| rest.split_once(':')) {
        return Ok(Some(oss_v1_claim(request, id, signature)));
    }
    if !header.is_empty() {
        return Err(refused("SignatureMethodNotSupported", 400, "This way to sign is not supported."));
    }
    if request.query_value("x-oss-signature").is_some() {
        return oss_v4_url(request).map(Some);
    }
    if let (Some(id), Some(expires)) = (request.query_value("OSSAccessKeyId"), request.query_value("Expires")) {
        return Ok(Some(oss_v1_url(request, id, expires)));
    }
    rpc_v1_claim(request)
}

fn part<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.split(',').find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='))
}

fn acs3_claim(request: &WireRequest, algorithm: &str, rest: &str) -> Result<Claim, ApiError> {
    let need = |name: &str| part(rest, name).map(str::to_owned).ok_or_else(|| incomplete(name));
    let algorithm = acs3::Algorithm::parse(algorithm).map_err(|e| refused("InvalidParameter", 400, &e.to_string()))?;
    let list = need("SignedHeaders")?;
    for name in ["host", "x-acs-action", "x-acs-version", "x-acs-date", "x-acs-signature-nonce"] {
        if !list.split(';').any(|signed| signed == name) {
            return Err(incomplete(&format!("{name} is not signed")));
        }
    }
    if request.header(acs3::CONTENT_HEADER) != Some(&algorithm.hash(&request.body)) {
        return Err(refused("SignatureDoesNotMatch", 400, "x-acs-content-sha256 is not the hash of the body."));
    }
    Ok(Claim {
        key_id: need("Credential")?,
        signature: need("Signature")?,
        token: request.header("x-acs-security-token").map(str::to_owned),
        date: request.header("x-acs-date").and_then(|date| Timestamp::parse(date).ok()),
        nonce: request.header("x-acs-signature-nonce").map(str::to_owned),
        life: WINDOW,
        kind: Kind::Acs3 { algorithm, list },
    })
}

fn rpc_v1_claim(request: &WireRequest) -> Result<Option<Claim>, ApiError> {
    let form = request.form();
    let find =
        |name: &str| request.query.iter().chain(&form).find(|(n, _)| n == name).map(|(_, value)| value.to_owned());
    let Some(signature) = find("Signature") else { return Ok(None) };
    if find("SignatureMethod").as_deref() != Some("HMAC-SHA1") || find("SignatureVersion").as_deref() != Some("1.0") {
        return Err(refused("SignatureMethodNotSupported", 400, "Only HMAC-SHA1 in version 1.0 is supported."));
    }
    Ok(Some(Claim {
        key_id: find("AccessKeyId").ok_or_else(|| incomplete("AccessKeyId"))?,
        signature,
        token: find("SecurityToken"),
        date: find("Timestamp").and_then(|date| Timestamp::parse(&date).ok()),
        nonce: Some(find("SignatureNonce").ok_or_else(|| incomplete("SignatureNonce"))?),
        life: WINDOW,
        kind: Kind::RpcV1,
    }))
}

/// `20231217T032000Z`.
fn compact_date(text: &str) -> Option<Timestamp> {
    let at = |from: usize, to: usize| text.get(from..to);
    let spelled = format!("{}-{}-{}T{}:{}:{}Z", at(0, 4)?, at(4, 6)?, at(6, 8)?, at(9, 11)?, at(11, 13)?, at(13, 15)?);
    Timestamp::parse(&spelled).ok()
}

/// `<id>/<scope>`.
fn credential(text: &str) -> Result<(String, String), ApiError> {
    let parts = text.split_once('/').ok_or_else(|| incomplete("Credential"))?;
    Ok((parts.0.to_owned(), parts.1.to_owned()))
}

fn oss_v4_claim(request: &WireRequest, rest: &str) -> Result<Claim, ApiError> {
    let (key_id, scope) = credential(part(rest, "Credential").ok_or_else(|| incomplete("Credential"))?)?;
    Ok(Claim {
        key_id,
        signature: part(rest, "Signature").ok_or_else(|| incomplete("Signature"))?.to_owned(),
        token: request.header("x-oss-security-token").map(str::to_owned),
        date: request.header("x-oss-date").and_then(compact_date),
        nonce: None,
        life: WINDOW,
        kind: Kind::OssV4 {
            scope,
            additional: part(rest, "AdditionalHeaders").unwrap_or_default().to_owned(),
            presigned: false,
        },
    })
}

fn oss_v4_url(request: &WireRequest) -> Result<Claim, ApiError> {
    let of = |name: &str| request.query_value(name).map(str::to_owned);
    let (key_id, scope) = credential(&of("x-oss-credential").ok_or_else(|| incomplete("x-oss-credential"))?)?;
    let seconds = of("x-oss-expires").and_then(|s| s.parse().ok()).ok_or_else(|| incomplete("x-oss-expires"))?;
    Ok(Claim {
        key_id,
        signature: of("x-oss-signature").unwrap_or_default(),
        token: of("x-oss-security-token"),
        date: of("x-oss-date").as_deref().and_then(compact_date),
        nonce: None,
        life: Duration::from_secs(seconds),
        kind: Kind::OssV4 { scope, additional: of("x-oss-additional-headers").unwrap_or_default(), presigned: true },
    })
}

fn oss_v1_claim(request: &WireRequest, id: &str, signature: &str) -> Claim {
    let date = request.header("x-oss-date").or_else(|| request.header("date")).unwrap_or_default();
    let token = request.header("x-oss-security-token").or_else(|| request.header("security-token"));
    Claim {
        key_id: id.to_owned(),
        signature: signature.to_owned(),
        token: token.map(str::to_owned),
        date: oss_v4::parse_http_date(date),
        nonce: None,
        life: WINDOW,
        kind: Kind::OssV1 { date: date.to_owned(), presigned: false },
    }
}

fn oss_v1_url(request: &WireRequest, id: &str, expires: &str) -> Claim {
    let until = expires.parse::<i64>().ok().map(|seconds| Timestamp::from_millis(seconds.saturating_mul(1000)));
    Claim {
        key_id: id.to_owned(),
        signature: request.query_value("Signature").unwrap_or_default().to_owned(),
        token: request.query_value("security-token").map(str::to_owned),
        date: until,
        nonce: None,
        life: Duration::ZERO,
        kind: Kind::OssV1 { date: expires.to_owned(), presigned: true },
    }
}

fn in_time(claim: &Claim, now: Timestamp, oss: bool) -> Result<(), ApiError> {
    let presigned = matches!(claim.kind, Kind::OssV4 { presigned: true, .. } | Kind::OssV1 { presigned: true, .. });
    let Some(date) = claim.date else {
        return Err(refused(
            "InvalidTimeStamp.Format",
            400,
            "Specified time stamp or date value is not well formatted.",
        ));
    };
    let late = now.since(date) > claim.life;
    if presigned && late {
        return Err(refused("AccessDenied", 403, "Request has expired."));
    }
    let early = date.since(now) > WINDOW;
    match (late || early, oss, presigned) {
        (false, ..) | (_, _, true) => Ok(()),
        (true, true, false) => Err(refused(
            "RequestTimeTooSkewed",
            403,
            "The difference between the request time and the current time is too large.",
        )),
        (true, false, false) => {
            Err(refused("InvalidTimeStamp.Expired", 400, "Specified time stamp or date value is expired."))
        }
    }
}

/// The text that the signature must be over.
fn text_to_sign(claim: &Claim, request: &WireRequest, decoded: &Decoded) -> String {
    let bucket = decoded.request.parameters.at(&["BucketName"]).to_text().to_string();
    let resource = Resource { bucket, key: decoded.key.clone() };
    match &claim.kind {
        Kind::Acs3 { algorithm, list } => {
            let hash = algorithm.hash(&request.body);
            let (method, path) = (&request.method, &request.path);
            let canonical =
                acs3::canonical_request_signing(method, path, &request.query, &request.headers, &hash, list);
            acs3::string_to_sign(*algorithm, &canonical)
        }
        Kind::RpcV1 => {
            let all: Vec<_> = request.query.iter().cloned().chain(request.form()).collect();
            rpc_v1::string_to_sign(&request.method, &all)
        }
        Kind::OssV4 { scope, additional, presigned } => {
            let query = unsigned(request, "x-oss-signature", *presigned);
            let date = if *presigned { request.query_value("x-oss-date") } else { request.header("x-oss-date") };
            let canonical = oss_v4::canonical_request(&request.method, &resource, &query, &request.headers, additional);
            oss_v4::string_to_sign(date.unwrap_or_default(), scope, &canonical)
        }
        Kind::OssV1 { date, presigned } => {
            let query = unsigned(request, "Signature", *presigned);
            oss_v1::string_to_sign(&request.method, &request.headers, date, &resource, &query)
        }
    }
}

/// The query without the signature itself.
fn unsigned(request: &WireRequest, name: &str, presigned: bool) -> Vec<(String, String)> {
    request.query.iter().filter(|(n, _)| !(presigned && n == name)).cloned().collect()
}

fn signature_of(claim: &Claim, key: &Key, text: &str) -> Result<String, ApiError> {
    let made = match &claim.kind {
        Kind::Acs3 { algorithm, .. } => acs3::signature(*algorithm, &key.secret, text),
        Kind::RpcV1 => rpc_v1::signature(&key.secret, text),
        Kind::OssV4 { scope, .. } => oss_v4::signature(&key.secret, scope, text),
        Kind::OssV1 { .. } => oss_v1::signature(&key.secret, text),
    };
    made.map_err(|error| refused("InternalError", 500, &error.to_string()))
}

fn mismatch(text: &str, oss: bool) -> ApiError {
    let status = if oss { 403 } else { 400 };
    let mut error = refused(
        "SignatureDoesNotMatch",
        status,
        &format!("Specified signature is not matched with our calculation. server string to sign is:{text}"),
    );
    if let ApiError::Service { body, .. } = &mut error {
        let mut members = body.as_map().cloned().unwrap_or_default();
        members.insert("StringToSign", text);
        *body = members.into();
    }
    error
}

fn token_fits(claim: &Claim, key: &Key, now: Timestamp) -> Result<(), ApiError> {
    match (&claim.token, &key.token) {
        (None, Some(_)) => Err(refused("MissingSecurityToken", 400, "SecurityToken is mandatory for this action.")),
        (given, known) if given != known && (given.is_some() || known.is_some()) => Err(refused(
            "InvalidSecurityToken.MismatchWithAccessKey",
            400,
            "Specified SecurityToken mismatch with the AccessKey.",
        )),
        _ if key.until.is_some_and(|until| now >= until) => {
            Err(refused("InvalidSecurityToken.Expired", 400, "Specified SecurityToken is expired."))
        }
        _ => Ok(()),
    }
}
