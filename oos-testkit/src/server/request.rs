//! An HTTP request as it came, ready to be decoded and verified.

use std::fmt;

use bytes::Bytes;
use oos_aliyun::sign::Headers;
use oos_core::catalogue;

/// An HTTP request with its body. `Debug` shows no value: they may be secrets.
#[derive(Clone, Default)]
pub struct WireRequest {
    /// Method in capitals.
    pub method: String,
    /// Host with port, from the target or the header.
    pub host: String,
    /// Path as it was sent: encoded.
    pub path: String,
    /// Query, decoded, in order.
    pub query: Vec<(String, String)>,
    /// Headers; one that came twice has its values joined with commas.
    pub headers: Headers,
    /// Body.
    pub body: Bytes,
}

impl fmt::Debug for WireRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WireRequest")
            .field("method", &self.method)
            .field("host", &self.host)
            .field("path", &self.path)
            .field("headers", &self.headers)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

impl From<http::Request<Bytes>> for WireRequest {
    fn from(request: http::Request<Bytes>) -> Self {
        let (parts, body) = request.into_parts();
        let mut headers = Headers::new();
        for (name, value) in &parts.headers {
            let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
            let joined = headers.get(name.as_str()).map_or_else(|| text.clone(), |first| format!("{first},{text}"));
            headers.insert(name.as_str(), &joined);
        }
        let of_target = parts.uri.authority().map(ToString::to_string);
        let host = of_target.or_else(|| headers.get("host").map(str::to_owned)).unwrap_or_default();
        // The signature covers the header; a client that only gives a target means the same.
        if headers.get("host").is_none() {
            headers.insert("host", &host);
        }
        Self {
            method: parts.method.as_str().to_ascii_uppercase(),
            host,
            path: parts.uri.path().to_owned(),
            query: pairs(parts.uri.query().unwrap_or_default()),
            headers,
            body,
        }
    }
}

impl WireRequest {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)
    }

    /// The first value of a member of the query.
    pub fn query_value(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// Members of a form body; none when the body is something else.
    pub fn form(&self) -> Vec<(String, String)> {
        let typed = self.header("content-type").unwrap_or_default();
        if !typed.to_ascii_lowercase().starts_with(oos_aliyun::encode::FORM_TYPE) {
            return Vec::new();
        }
        pairs(&String::from_utf8_lossy(&self.body))
    }
}

/// Pairs of a query or form: `+` is a space, as some clients write it.
fn pairs(text: &str) -> Vec<(String, String)> {
    let decode = |part: &str| catalogue::decode(&part.replace('+', " "));
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(name), decode(value))
    };
    text.split('&').filter(|part| !part.is_empty()).map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_taken_apart() {
        let request = http::Request::post("/a%20b?X=1%2B2&acl&Y=a+b")
            .header("Host", "h:80")
            .header("X-Two", "a")
            .header("X-Two", "b")
            .header("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
            .body(Bytes::from_static(b"K=v%20w"))
            .unwrap();
        let request = WireRequest::from(request);
        assert_eq!((request.host.as_str(), request.path.as_str()), ("h:80", "/a%20b"));
        assert_eq!(request.query_value("X"), Some("1+2"));
        assert_eq!(request.query_value("acl"), Some(""));
        assert_eq!(request.query_value("Y"), Some("a b"));
        assert_eq!(request.header("x-two"), Some("a,b"));
        assert_eq!(request.form(), [("K".to_owned(), "v w".to_owned())]);
    }

    #[test]
    fn debug_shows_no_value() {
        let mut request = WireRequest { body: Bytes::from_static(b"hidden"), ..WireRequest::default() };
        request.query.push(("Password".into(), "hidden".into()));
        request.headers.insert("x-acs-security-token", "hidden");
        assert!(!format!("{request:?}").contains("hidden"));
    }
}
