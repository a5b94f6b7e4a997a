//! OSS4-HMAC-SHA256, as a header and as a presigned URL (aliyun-client 1.5).
//!
//! The body is never hashed (`UNSIGNED-PAYLOAD` is the only value in use), and `host` is signed only when asked for.

use oos_core::{Timestamp, ports::credential::Credential};

use super::{
    Headers, RequestSigner, Resource, SignError, Signable, hex, hmac_sha256, percent_encode, percent_encode_path,
    sha256_hex,
};

/// The algorithm's name.
pub const ALGORITHM: &str = "OSS4-HMAC-SHA256";
/// The only hash of a body in use.
pub const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";
/// Longest life of a presigned URL in seconds ("Guide to upgrading from Signature V1 to Signature V4").
pub const LONGEST_LIFE: u64 = 604_800;

/// `20231217T032000Z`.
pub fn date_time(now: Timestamp) -> String {
    now.format("%Y%m%dT%H%M%SZ")
}

/// `Sun, 17 Dec 2023 03:20:00 GMT`.
pub fn http_date(now: Timestamp) -> String {
    now.format("%a, %d %b %Y %H:%M:%S GMT")
}

/// Reads [`http_date`] back.
pub fn parse_http_date(text: &str) -> Option<Timestamp> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let mut words = text.split_once(", ")?.1.split(' ');
    let (day, month, year, time) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    Timestamp::parse(&format!("{year}-{month:02}-{day}T{time}Z")).ok()
}

/// `<date>/<region>/<product>/aliyun_v4_request`.
pub fn scope(date_time: &str, region: &str, product: &str) -> String {
    let date = date_time.get(..8).unwrap_or(date_time);
    format!("{date}/{region}/{product}/aliyun_v4_request")
}

/// The canonical URI; always holds the bucket, whatever the host says.
pub fn canonical_uri(resource: &Resource) -> String {
    match (resource.bucket.as_str(), resource.key.as_str()) {
        ("", _) => "/".to_owned(),
        (bucket, key) => percent_encode_path(&format!("/{bucket}/{key}")),
    }
}

/// The canonical query: sorted by encoded name; a member without a value has no `=`.
pub fn canonical_query(query: &[(String, String)]) -> String {
    let mut pairs: Vec<_> = query.iter().map(|(name, value)| (percent_encode(name), percent_encode(value))).collect();
    pairs.sort();
    let member = |(name, value): &(String, String)| match value.as_str() {
        "" => name.clone(),
        value => format!("{name}={value}"),
    };
    pairs.iter().map(member).collect::<Vec<_>>().join("&")
}

fn signed_by_default(name: &str) -> bool {
    matches!(name, "content-type" | "content-md5") || name.starts_with("x-oss-")
}

/// The additional headers that are present and not signed anyway: lower case, sorted, joined with `;`.
pub fn additional_header_list(headers: &Headers, additional: &[String]) -> String {
    let wanted: Vec<String> = additional.iter().map(|name| name.to_ascii_lowercase()).collect();
    let names = headers.iter().map(|(name, _)| name);
    names.filter(|name| !signed_by_default(name) && wanted.iter().any(|w| w == name)).collect::<Vec<_>>().join(";")
}

/// The canonical request. `additional` is what [`additional_header_list`] gave.
pub fn canonical_request(
    method: &str,
    resource: &Resource,
    query: &[(String, String)],
    headers: &Headers,
    additional: &str,
) -> String {
    let signed = |name: &str| signed_by_default(name) || additional.split(';').any(|a| a == name);
    let lines: String =
        headers.iter().filter(|(name, _)| signed(name)).map(|(name, value)| format!("{name}:{value}\n")).collect();
    let (uri, query) = (canonical_uri(resource), canonical_query(query));
    format!("{method}\n{uri}\n{query}\n{lines}\n{additional}\n{UNSIGNED_PAYLOAD}")
}

/// The text to sign.
pub fn string_to_sign(date_time: &str, scope: &str, canonical_request: &str) -> String {
    format!("{ALGORITHM}\n{date_time}\n{scope}\n{}", sha256_hex(canonical_request.as_bytes()))
}

/// The signature in hexadecimal digits, by the key derived over the parts of the scope.
///
/// # Errors
/// When the secret cannot be a key.
pub fn signature(secret: &str, scope: &str, string_to_sign: &str) -> Result<String, SignError> {
    let seed = format!("aliyun_v4{secret}").into_bytes();
    let key = scope.split('/').try_fold(seed, |key, part| hmac_sha256(&key, part.as_bytes()))?;
    Ok(hex(&hmac_sha256(&key, string_to_sign.as_bytes())?))
}

/// The value of the header `Authorization`; an empty list of additional headers must not appear in it.
pub fn authorization(access_key_id: &str, scope: &str, additional: &str, signature: &str) -> String {
    let additional = match additional {
        "" => String::new(),
        list => format!(",AdditionalHeaders={list}"),
    };
    format!("{ALGORITHM} Credential={access_key_id}/{scope}{additional},Signature={signature}")
}

/// Signs object-storage requests with V4.
#[derive(Clone, Debug)]
pub struct OssV4 {
    /// Product of the scope: `oss`, or `oss-cloudbox`.
    pub product: String,
    /// Further headers to sign.
    pub additional: Vec<String>,
}

impl Default for OssV4 {
    fn default() -> Self {
        Self { product: "oss".to_owned(), additional: Vec::new() }
    }
}

impl OssV4 {
    /// Makes the presigned form of a request: everything goes into its query, and [`Signable::url`] is the result.
    ///
    /// # Errors
    /// When the life is longer than the service allows.
    pub fn presign(
        &self,
        request: &mut Signable,
        credential: &Credential,
        now: Timestamp,
        life_seconds: u64,
    ) -> Result<(), SignError> {
        if life_seconds > LONGEST_LIFE {
            return Err(SignError::TooLong { wanted: life_seconds, longest: LONGEST_LIFE });
        }
        let date_time = date_time(now);
        let scope = scope(&date_time, &request.region, &self.product);
        let additional = additional_header_list(&request.headers, &self.additional);
        let mut add = |name: &str, value: &str| request.query.push((name.to_owned(), value.to_owned()));
        add("x-oss-signature-version", ALGORITHM);
        add("x-oss-date", &date_time);
        add("x-oss-expires", &life_seconds.to_string());
        add("x-oss-credential", &format!("{}/{scope}", credential.access_key_id));
        if let Some(token) = credential.expose_token() {
            add("x-oss-security-token", token);
        }
        if !additional.is_empty() {
            add("x-oss-additional-headers", &additional);
        }
        let signature = self.signature_of(request, credential, &date_time, &scope, &additional)?;
        request.query.push(("x-oss-signature".to_owned(), signature));
        Ok(())
    }

    fn signature_of(
        &self,
        request: &Signable,
        credential: &Credential,
        date_time: &str,
        scope: &str,
        additional: &str,
    ) -> Result<String, SignError> {
        let resource = request.resource.clone().unwrap_or_default();
        let canonical = canonical_request(&request.method, &resource, &request.query, &request.headers, additional);
        signature(credential.expose_secret(), scope, &string_to_sign(date_time, scope, &canonical))
    }
}

impl RequestSigner for OssV4 {
    fn sign(
        &self,
        request: &mut Signable,
        credential: &Credential,
        now: Timestamp,
        _nonce: &str,
    ) -> Result<(), SignError> {
        let date_time = date_time(now);
        let scope = scope(&date_time, &request.region, &self.product);
        let host = request.host.clone();
        request.headers.remove("x-oss-security-token");
        request.headers.insert("host", &host);
        request.headers.insert("date", &http_date(now));
        request.headers.insert("x-oss-date", &date_time);
        request.headers.insert("x-oss-content-sha256", UNSIGNED_PAYLOAD);
        if let Some(token) = credential.expose_token() {
            request.headers.insert("x-oss-security-token", token);
        }
        let additional = additional_header_list(&request.headers, &self.additional);
        let signature = self.signature_of(request, credential, &date_time, &scope, &additional)?;
        let value = authorization(&credential.access_key_id, &scope, &additional, &signature);
        request.headers.insert("authorization", &value);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_a_life_of_more_than_seven_days() {
        let key = Credential::new("id", "secret", None, None);
        let mut request = Signable::default();
        let error = OssV4::default().presign(&mut request, &key, Timestamp::from_millis(0), 604_801);
        assert_eq!(error, Err(SignError::TooLong { wanted: 604_801, longest: 604_800 }));
    }

    #[test]
    fn server_times_parse() {
        let at = parse_http_date("Sun, 17 Dec 2023 03:20:00 GMT").unwrap();
        assert_eq!(at.to_iso(), "2023-12-17T03:20:00Z");
        assert_eq!(parse_http_date("yesterday"), None);
    }
}
