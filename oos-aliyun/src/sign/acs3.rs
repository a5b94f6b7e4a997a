//! ACS3-HMAC-SHA256 ("V3"), for RPC and ROA alike (aliyun-client 1.2).
//!
//! Signed are `host`, `content-type` and every `x-acs-*`: a proxy may rewrite `accept` and `user-agent`. Keys of the
//! query are encoded like values, as the signature page asks. RSA is deliberately absent.

use oos_core::{Timestamp, ports::credential::Credential};

use super::{Headers, RequestSigner, SignError, Signable, hex, hmac_sha256, percent_encode, sha256_hex};

/// The header that carries the hash of the body; its name stays the same with SM3.
pub const CONTENT_HEADER: &str = "x-acs-content-sha256";

/// Hash and MAC of the signature.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Algorithm {
    /// `ACS3-HMAC-SHA256`.
    #[default]
    HmacSha256,
    /// `ACS3-HMAC-SM3`.
    #[cfg(feature = "sm3")]
    HmacSm3,
}

impl Algorithm {
    /// The algorithm of that name.
    ///
    /// # Errors
    /// When this build does not have it.
    pub fn parse(name: &str) -> Result<Self, SignError> {
        match name {
            "ACS3-HMAC-SHA256" => Ok(Self::HmacSha256),
            #[cfg(feature = "sm3")]
            "ACS3-HMAC-SM3" => Ok(Self::HmacSm3),
            other => Err(SignError::Algorithm(other.to_owned())),
        }
    }

    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::HmacSha256 => "ACS3-HMAC-SHA256",
            #[cfg(feature = "sm3")]
            Self::HmacSm3 => "ACS3-HMAC-SM3",
        }
    }

    /// The hash in hexadecimal digits.
    pub fn hash(self, bytes: &[u8]) -> String {
        match self {
            Self::HmacSha256 => sha256_hex(bytes),
            #[cfg(feature = "sm3")]
            Self::HmacSm3 => hex(&<sm3::Sm3 as sm3::Digest>::digest(bytes)),
        }
    }

    fn mac(self, key: &[u8], message: &[u8]) -> Result<Vec<u8>, SignError> {
        match self {
            Self::HmacSha256 => hmac_sha256(key, message),
            #[cfg(feature = "sm3")]
            Self::HmacSm3 => {
                use hmac::{KeyInit, Mac};
                let mut mac = hmac::Hmac::<sm3::Sm3>::new_from_slice(key).map_err(|_| SignError::Key)?;
                mac.update(message);
                Ok(mac.finalize().into_bytes().to_vec())
            }
        }
    }
}

/// The canonical query: encoded pairs, sorted by the bytes of the encoded key; an empty value keeps its `=`.
pub fn canonical_query(query: &[(String, String)]) -> String {
    let mut pairs: Vec<_> = query.iter().map(|(name, value)| (percent_encode(name), percent_encode(value))).collect();
    pairs.sort();
    pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

/// The headers that are signed, sorted: `host`, `content-type`, `x-acs-*`.
fn signed_headers(headers: &Headers) -> impl Iterator<Item = (&str, &str)> {
    headers.iter().filter(|(name, _)| matches!(*name, "host" | "content-type") || name.starts_with("x-acs-"))
}

/// Names of the signed headers, joined with `;`.
pub fn signed_header_list(headers: &Headers) -> String {
    signed_headers(headers).map(|(name, _)| name).collect::<Vec<_>>().join(";")
}

/// The canonical request. `path` is the encoded path as sent; an empty one counts as `/`.
pub fn canonical_request(
    method: &str,
    path: &str,
    query: &[(String, String)],
    headers: &Headers,
    body_hash: &str,
) -> String {
    canonical_request_signing(method, path, query, headers, body_hash, &signed_header_list(headers))
}

/// The same over the headers that `list` names, joined with `;`: a server follows the list of the caller.
pub fn canonical_request_signing(
    method: &str,
    path: &str,
    query: &[(String, String)],
    headers: &Headers,
    body_hash: &str,
    list: &str,
) -> String {
    let path = if path.is_empty() { "/" } else { path };
    let line = |name: &str| format!("{name}:{}\n", headers.get(name).unwrap_or_default());
    let lines: String = list.split(';').filter(|name| !name.is_empty()).map(line).collect();
    let query = canonical_query(query);
    format!("{method}\n{path}\n{query}\n{lines}\n{list}\n{body_hash}")
}

/// The text to sign.
pub fn string_to_sign(algorithm: Algorithm, canonical_request: &str) -> String {
    format!("{}\n{}", algorithm.name(), algorithm.hash(canonical_request.as_bytes()))
}

/// The signature in hexadecimal digits.
///
/// # Errors
/// When the secret cannot be a key.
pub fn signature(algorithm: Algorithm, secret: &str, string_to_sign: &str) -> Result<String, SignError> {
    Ok(hex(&algorithm.mac(secret.as_bytes(), string_to_sign.as_bytes())?))
}

/// The value of the header `Authorization`.
pub fn authorization(algorithm: Algorithm, access_key_id: &str, signed_headers: &str, signature: &str) -> String {
    format!("{} Credential={access_key_id},SignedHeaders={signed_headers},Signature={signature}", algorithm.name())
}

/// The canonical request of a request that carries all its headers, for diagnosis and for servers that verify.
pub fn canonical_request_of(algorithm: Algorithm, request: &Signable) -> String {
    let hash = algorithm.hash(&request.body);
    canonical_request(&request.method, &request.path, &request.query, &request.headers, &hash)
}

/// Signs with ACS3. `x-acs-action` and `x-acs-version` must be set before.
#[derive(Clone, Copy, Debug, Default)]
pub struct Acs3 {
    /// The algorithm.
    pub algorithm: Algorithm,
}

impl RequestSigner for Acs3 {
    fn sign(
        &self,
        request: &mut Signable,
        credential: &Credential,
        now: Timestamp,
        nonce: &str,
    ) -> Result<(), SignError> {
        prepare(request, self.algorithm, now, nonce);
        if let Some(token) = credential.expose_token() {
            request.headers.insert("x-acs-accesskey-id", &credential.access_key_id);
            request.headers.insert("x-acs-security-token", token);
        }
        let text = string_to_sign(self.algorithm, &canonical_request_of(self.algorithm, request));
        let signature = signature(self.algorithm, credential.expose_secret(), &text)?;
        let list = signed_header_list(&request.headers);
        let value = authorization(self.algorithm, &credential.access_key_id, &list, &signature);
        request.headers.insert("authorization", &value);
        Ok(())
    }
}

/// Adds the headers that every V3 request has, signed or anonymous.
pub(crate) fn prepare(request: &mut Signable, algorithm: Algorithm, now: Timestamp, nonce: &str) {
    let host = request.host.clone();
    let hash = algorithm.hash(&request.body);
    for stale in ["authorization", "x-acs-accesskey-id", "x-acs-security-token"] {
        request.headers.remove(stale);
    }
    request.headers.insert("host", &host);
    request.headers.insert("x-acs-date", &now.to_iso());
    request.headers.insert("x-acs-signature-nonce", nonce);
    request.headers.insert(CONTENT_HEADER, &hash);
}
