//! CloudSSO: keys for an access token that the command line tool got (`mode: CloudSSO`).
//!
//! The access token itself cannot be refreshed here; when it has ended, only a new login helps.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use oos_core::{Timestamp, params, ports::credential::CredentialError};
use secrecy::{ExposeSecret, SecretString};

use super::{Provided, Source, broken, read_json, read_keys, unavailable};
use crate::transport::{Runtime, SendOptions};

const NAME: &str = "cloud_sso";
const LOGIN: &str = "the access token has ended: log in again with the command line tool";

/// Keys of an account and access configuration.
#[derive(Debug)]
pub struct CloudSso {
    runtime: Runtime,
    sign_in_url: String,
    account_id: String,
    access_config: String,
    access_token: SecretString,
    expires: Option<i64>,
}

impl CloudSso {
    /// A source of these settings; `expires` is in Unix seconds.
    pub fn new(
        runtime: Runtime,
        sign_in_url: String,
        account_id: String,
        access_config: String,
        access_token: SecretString,
        expires: Option<i64>,
    ) -> Self {
        Self { runtime, sign_in_url, account_id, access_config, access_token, expires }
    }

    fn request(&self) -> Result<http::Request<Bytes>, CredentialError> {
        let url: http::Uri =
            self.sign_in_url.parse().map_err(|_| broken(NAME, "`cloud_sso_sign_in_url` is not a URL"))?;
        let (scheme, host) = (url.scheme_str().unwrap_or_default(), url.authority().map(ToString::to_string));
        let host = host
            .filter(|_| scheme == "https")
            .ok_or_else(|| broken(NAME, "`cloud_sso_sign_in_url` is not an https URL"))?;
        let body = params! { "AccountId" => &self.account_id, "AccessConfigurationId" => &self.access_config };
        http::Request::post(format!("https://{host}/cloud-credentials"))
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {}", self.access_token.expose_secret()))
            .body(Bytes::from(body.to_string()))
            .map_err(|_| broken(NAME, "the access token cannot be sent"))
    }
}

#[async_trait]
impl Source for CloudSso {
    async fn fetch(&self) -> Result<Option<Provided>, CredentialError> {
        let ended = |seconds| Timestamp::from_millis(0).plus_seconds(seconds) <= self.runtime.clock.now();
        if self.expires.is_some_and(ended) {
            return Err(broken(NAME, LOGIN));
        }
        let options = SendOptions { timeout: Duration::from_secs(15), ..SendOptions::default() };
        let response = self.runtime.transport.send(self.request()?, &options).await;
        let response = response.map_err(|error| unavailable(NAME, error.message))?;
        match response.status().as_u16() {
            200..=299 => {}
            401 | 403 => return Err(broken(NAME, LOGIN)),
            status => {
                let message = format!("the answer has the status {status}");
                return Err(CredentialError { transient: status >= 500, ..broken(NAME, message) });
            }
        }
        let answer = read_json(NAME, response.body())?;
        let keys = answer.get("CloudCredential").ok_or_else(|| broken(NAME, "the answer has no `CloudCredential`"))?;
        Ok(Some(Provided::new(read_keys(NAME, keys)?, NAME)))
    }
}
