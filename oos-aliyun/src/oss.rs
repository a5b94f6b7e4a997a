//! `OSS.GenerateUrl`: a presigned URL, made here without any call (aliyun-client 1.5, actions 4.5).

use oos_core::{
    Timestamp, Value,
    catalogue::Normalised,
    params,
    ports::{api::ApiError, credential::Credential},
};

use crate::sign::{Signable, oss_v4::OssV4};

/// CHOICE: life of a URL when `Expires` is missing; the official templates use this number.
const DEFAULT_LIFE: u64 = 6000;

/// True when the URL shall be for the inner network: `Internal` is `true`, as text or boolean.
pub(crate) fn is_internal(call: &Normalised) -> bool {
    call.parameter("Internal").is_some_and(|p| p.value.to_text().trim().eq_ignore_ascii_case("true"))
}

/// `{"Url": …}` for the bucket and key of `request`, which carries neither query nor headers yet.
///
/// CHOICE: headers that the template gives are not signed; `curl -T` and `wget`, which the official templates hand the
/// URL to, do not send them.
pub(crate) fn generate_url(
    call: &Normalised,
    mut request: Signable,
    credential: &Credential,
    now: Timestamp,
) -> Result<Value, ApiError> {
    let refused = |message: String| ApiError::Unsupported { code: "InvalidParameter".into(), message: message.into() };
    if request.resource.as_ref().is_none_or(|r| r.bucket.is_empty() || r.key.is_empty()) {
        return Err(refused("GenerateUrl needs `BucketName` and an object key as `URI`".to_owned()));
    }
    let life = match call.parameter("Expires").map(|p| p.value.to_text()) {
        None => DEFAULT_LIFE,
        Some(text) => text.trim().parse().map_err(|_| refused(format!("`Expires` is `{text}`, not seconds")))?,
    };
    request.query.clear();
    request.headers = crate::sign::Headers::new();
    OssV4::default().presign(&mut request, credential, now, life).map_err(|error| refused(error.to_string()))?;
    Ok(params! { "Url" => request.url() })
}
