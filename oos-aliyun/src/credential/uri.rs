//! `ALIBABA_CLOUD_CREDENTIALS_URI`: keys from a helper beside the program (aliyun-client 3.6).
//!
//! Plain HTTP is allowed to this machine only, unless switched on: the answer is a secret.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use oos_core::ports::credential::CredentialError;

use super::{Provided, Source, broken, ecs_ram_role::check_code, read_json, read_keys, unavailable};
use crate::transport::{Runtime, SendOptions, is_loopback};

const VARIABLE: &str = "ALIBABA_CLOUD_CREDENTIALS_URI";
const NAME: &str = "credential_uri";
const TIMEOUT: Duration = Duration::from_secs(10);
const BODY_LIMIT: usize = 64 << 10;

/// Keys from a URI.
#[derive(Clone)]
pub struct CredentialsUri {
    runtime: Runtime,
    uri: Option<String>,
    allow_plain_http: bool,
}

/// The URI may carry a secret of its own.
impl std::fmt::Debug for CredentialsUri {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CredentialsUri").field("allow_plain_http", &self.allow_plain_http).finish_non_exhaustive()
    }
}

impl CredentialsUri {
    /// A source over this URI.
    pub fn new(runtime: Runtime, uri: String, allow_plain_http: bool) -> Self {
        Self { runtime, uri: Some(uri), allow_plain_http }
    }

    /// A source over the URI in the environment, if there is one.
    pub fn from_env(runtime: Runtime, allow_plain_http: bool) -> Self {
        Self { runtime, uri: None, allow_plain_http }
    }

    fn request(&self, uri: &str) -> Result<http::Request<Bytes>, CredentialError> {
        let uri: http::Uri = uri.parse().map_err(|_| broken(NAME, "the value is not a URI"))?;
        let local = uri.host().is_some_and(is_loopback);
        match uri.scheme_str() {
            Some("https") => {}
            Some("http") if local || self.allow_plain_http => {}
            Some("http") => return Err(broken(NAME, "plain HTTP is allowed to this machine only")),
            _ => return Err(broken(NAME, "the value is not an HTTP URI")),
        }
        http::Request::get(uri).body(Bytes::new()).map_err(|_| broken(NAME, "the value is not a URI"))
    }
}

#[async_trait]
impl Source for CredentialsUri {
    async fn fetch(&self) -> Result<Option<Provided>, CredentialError> {
        let Some(uri) = self.uri.clone().or_else(|| self.runtime.var(VARIABLE)) else { return Ok(None) };
        let options = SendOptions { timeout: TIMEOUT, body_limit: BODY_LIMIT, ..SendOptions::default() };
        let response = self.runtime.transport.send(self.request(&uri)?, &options).await;
        let response = response.map_err(|error| unavailable(NAME, error.message))?;
        let status = response.status();
        if !status.is_success() {
            let message = format!("the answer has the status {status}");
            return Err(CredentialError { transient: status.is_server_error(), ..broken(NAME, message) });
        }
        let answer = read_json(NAME, response.body())?;
        check_code(NAME, &answer, false)?;
        Ok(Some(Provided::new(read_keys(NAME, &answer)?, NAME)))
    }
}
