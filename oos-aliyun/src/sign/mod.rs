//! Signatures: request → canonical form → text to sign → signature, each step a pure function of its own.
//!
//! The only place of the workspace that computes a MAC. No clock, no randomness, no I/O: time and nonce are given, so
//! that every published example is a plain test. A new algorithm is one more [`RequestSigner`].

pub mod acs3;
#[cfg(feature = "oss-v1")]
pub mod oss_v1;
pub mod oss_v4;
#[cfg(feature = "rpc-v1")]
pub mod rpc_v1;

use std::{collections::BTreeMap, fmt, fmt::Debug};

use hmac::{KeyInit, Mac};
use oos_core::{Timestamp, ports::credential::Credential};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::{Digest, Sha256};

/// Everything but `A-Z a-z 0-9 - _ . ~` is encoded (aliyun-client 1.1).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// The same, with `/` left alone.
const RESERVED_IN_PATH: &AsciiSet = &RESERVED.remove(b'/');

/// Percent-encodes a name or value: space is `%20`, `*` is `%2A`, `~` stays.
pub fn percent_encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// Percent-encodes a path and keeps its slashes.
pub fn percent_encode_path(path: &str) -> String {
    utf8_percent_encode(path, RESERVED_IN_PATH).to_string()
}

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    use fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// SHA-256 in hexadecimal digits.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Base64 of the MD5 of a body, for `Content-MD5`.
pub fn content_md5(body: &[u8]) -> String {
    base64(&md5::Md5::digest(body))
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    STANDARD.encode(bytes)
}

pub(crate) fn hmac_sha256(key: &[u8], message: &[u8]) -> Result<Vec<u8>, SignError> {
    let mut mac = hmac::Hmac::<Sha256>::new_from_slice(key).map_err(|_| SignError::Key)?;
    mac.update(message);
    Ok(mac.finalize().into_bytes().to_vec())
}

#[cfg(any(feature = "oss-v1", feature = "rpc-v1"))]
pub(crate) fn hmac_sha1_base64(key: &[u8], message: &[u8]) -> Result<String, SignError> {
    let mut mac = hmac::Hmac::<sha1::Sha1>::new_from_slice(key).map_err(|_| SignError::Key)?;
    mac.update(message);
    Ok(base64(&mac.finalize().into_bytes()))
}

/// Headers by lower-case name; values are trimmed at both ends.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers(BTreeMap<String, String>);

impl Headers {
    /// No headers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a header.
    pub fn insert(&mut self, name: &str, value: &str) {
        self.0.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }

    /// The value of a header, its name in any case.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(&name.to_ascii_lowercase()).map(String::as_str)
    }

    /// Removes a header.
    pub fn remove(&mut self, name: &str) {
        self.0.remove(&name.to_ascii_lowercase());
    }

    /// Headers sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl<N: AsRef<str>, V: AsRef<str>> FromIterator<(N, V)> for Headers {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(iter: I) -> Self {
        let mut headers = Self::new();
        iter.into_iter().for_each(|(name, value)| headers.insert(name.as_ref(), value.as_ref()));
        headers
    }
}

/// Shows names only: values may be signatures and tokens.
impl Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// Bucket and object of an object-storage request; an empty name is the level above.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resource {
    /// Bucket; empty for the service itself.
    pub bucket: String,
    /// Object key, not encoded; empty for the bucket itself.
    pub key: String,
}

/// A request that is complete except for its signature. `Debug` shows neither values nor body.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Signable {
    /// HTTP method in capitals.
    pub method: String,
    /// `https` or `http`.
    pub scheme: String,
    /// Host, with the port only if it is not the default one.
    pub host: String,
    /// Path as it is sent: encoded, beginning with `/`.
    pub path: String,
    /// Query, not encoded, in order.
    pub query: Vec<(String, String)>,
    /// Headers.
    pub headers: Headers,
    /// Body.
    pub body: Vec<u8>,
    /// Product id, e.g. `ecs`.
    pub product: String,
    /// Region, e.g. `cn-hangzhou`.
    pub region: String,
    /// What an object-storage request is about; `None` for every other request.
    pub resource: Option<Resource>,
}

impl Signable {
    /// The query as it is sent: percent-encoded, in order. Object storage knows members without `=`.
    pub fn query_string(&self) -> String {
        let member = |(name, value): &(String, String)| match (value.is_empty(), &self.resource) {
            (true, Some(_)) => percent_encode(name),
            _ => format!("{}={}", percent_encode(name), percent_encode(value)),
        };
        self.query.iter().map(member).collect::<Vec<_>>().join("&")
    }

    /// The absolute URL.
    pub fn url(&self) -> String {
        let query = self.query_string();
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{}://{}{}{mark}{query}", self.scheme, self.host, self.path)
    }
}

impl Debug for Signable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signable")
            .field("method", &self.method)
            .field("host", &self.host)
            .field("headers", &self.headers)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// Why a request cannot be signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// The key is unusable for the algorithm.
    #[error("the access key secret cannot be used as a key")]
    Key,
    /// A presigned URL would live too long.
    #[error("a presigned URL lives at most {longest} s, not {wanted} s")]
    TooLong {
        /// What was asked for.
        wanted: u64,
        /// What the service allows.
        longest: u64,
    },
    /// The algorithm is not compiled in or not known.
    #[error("signature algorithm `{0}` is not supported")]
    Algorithm(String),
    /// Something that the signature needs is missing.
    #[error("{0}")]
    Incomplete(String),
}

/// Signs requests of a product; the plug-in point for products with a gateway of their own (MNS, EventBridge, FC).
///
/// # Implementing
/// Pure and synchronous: use `now` and `nonce` as given, add headers or query members to `request`, and leave body,
/// path and host alone. Called anew for every attempt.
pub trait RequestSigner: Debug + Send + Sync + 'static {
    /// Adds the signature.
    ///
    /// # Errors
    /// When the request or the credential lacks something.
    fn sign(
        &self,
        request: &mut Signable,
        credential: &Credential,
        now: Timestamp,
        nonce: &str,
    ) -> Result<(), SignError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodes_all_but_the_unreserved_characters() {
        assert_eq!(percent_encode("a b*~+/%\n"), "a%20b%2A~%2B%2F%25%0A");
        assert_eq!(percent_encode("🚀é"), "%F0%9F%9A%80%C3%A9");
        assert_eq!(percent_encode_path("/a b/中*"), "/a%20b/%E4%B8%AD%2A");
    }

    #[test]
    fn debug_of_a_request_shows_no_value() {
        let mut request = Signable { body: b"hidden-body".to_vec(), ..Signable::default() };
        request.headers.insert("X-Acs-Security-Token", " hidden-token ");
        request.query.push(("Password".into(), "hidden-password".into()));
        assert_eq!(request.headers.get("x-acs-security-token"), Some("hidden-token"));
        assert!(!format!("{request:?}").contains("hidden"));
    }

    #[test]
    fn md5_of_an_empty_body_is_the_known_one() {
        assert_eq!(content_md5(b""), "1B2M2Y8AsgTpgAmY7PhCfg==");
    }
}
