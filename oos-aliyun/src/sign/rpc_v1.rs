//! RPC signature 1.0 (HMAC-SHA1 in the query), for private clouds with an old gateway (aliyun-client 1.3).
//!
//! The client never chooses it by itself. Parameters of a form body are signed together with those of the query and
//! stay in the body; the empty `SignatureType` of the oldest SDK is not sent.

use oos_core::{Timestamp, ports::credential::Credential};

use super::{RequestSigner, SignError, Signable, hmac_sha1_base64, percent_encode};

/// The text to sign over all parameters of query and form body; a `Signature` among them is left out.
pub fn string_to_sign(method: &str, parameters: &[(String, String)]) -> String {
    let mut pairs: Vec<_> = parameters
        .iter()
        .filter(|(name, _)| name != "Signature")
        .map(|(name, value)| (percent_encode(name), percent_encode(value)))
        .collect();
    pairs.sort();
    let query = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&");
    format!("{method}&%2F&{}", percent_encode(&query))
}

/// The signature in base64.
///
/// # Errors
/// When the secret cannot be a key.
pub fn signature(secret: &str, string_to_sign: &str) -> Result<String, SignError> {
    hmac_sha1_base64(format!("{secret}&").as_bytes(), string_to_sign.as_bytes())
}

/// The common parameters of the query.
pub fn common_parameters(credential: &Credential, now: Timestamp, nonce: &str) -> Vec<(String, String)> {
    let mut common = vec![
        ("Format", "JSON".to_owned()),
        ("AccessKeyId", credential.access_key_id.to_string()),
        ("SignatureMethod", "HMAC-SHA1".to_owned()),
        ("SignatureVersion", "1.0".to_owned()),
        ("SignatureNonce", nonce.to_owned()),
        ("Timestamp", now.to_iso()),
    ];
    common.extend(credential.expose_token().map(|token| ("SecurityToken", token.to_owned())));
    common.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Signs with RPC 1.0: action and version move from the headers of V3 to the query.
#[derive(Clone, Copy, Debug, Default)]
pub struct RpcV1;

impl RequestSigner for RpcV1 {
    fn sign(
        &self,
        request: &mut Signable,
        credential: &Credential,
        now: Timestamp,
        nonce: &str,
    ) -> Result<(), SignError> {
        for (header, name) in [("x-acs-action", "Action"), ("x-acs-version", "Version")] {
            let value = request.headers.get(header).map(str::to_owned);
            let value = value.ok_or_else(|| SignError::Incomplete(format!("header `{header}` is missing")))?;
            request.query.push((name.to_owned(), value));
            request.headers.remove(header);
        }
        request.query.extend(common_parameters(credential, now, nonce));
        let mut signed = request.query.clone();
        signed.extend(form_members(&request.body));
        let signature = signature(credential.expose_secret(), &string_to_sign(&request.method, &signed))?;
        request.query.push(("Signature".to_owned(), signature));
        let host = request.host.clone();
        request.headers.insert("host", &host);
        Ok(())
    }
}

/// The pairs of a form body.
fn form_members(body: &[u8]) -> Vec<(String, String)> {
    let text = String::from_utf8_lossy(body);
    let decode = |part: &str| percent_encoding::percent_decode_str(part).decode_utf8_lossy().into_owned();
    text.split('&').filter_map(|pair| pair.split_once('=')).map(|(name, value)| (decode(name), decode(value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_body_and_query_together() {
        let mut request = Signable { method: "POST".into(), body: b"B=2%20x".to_vec(), ..Signable::default() };
        request.headers.insert("x-acs-action", "Act");
        request.headers.insert("x-acs-version", "2014-05-26");
        let key = Credential::new("id", "secret", None, None);
        RpcV1.sign(&mut request, &key, Timestamp::from_millis(0), "n").unwrap();
        let mut all = request.query.clone();
        all.push(("B".into(), "2 x".into()));
        let expected = signature("secret", &string_to_sign("POST", &all)).unwrap();
        assert_eq!(request.query.last(), Some(&("Signature".to_owned(), expected)));
        assert_eq!(request.headers.get("x-acs-action"), None);
    }
}
