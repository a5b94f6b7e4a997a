//! Security Token Service: the calls that credentials themselves need.
//!
//! V3-signed, everything in the form body, so that no proxy logs a token (aliyun-client 3.5).

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use oos_core::{
    Value,
    catalogue::EndpointRule,
    ports::{
        api::{ApiError, ApiErrorKind},
        credential::{Credential, CredentialError},
    },
};

use crate::{
    encode::{FORM_TYPE, form_body},
    endpoint::{Network, check_region, rule_host},
    error::{read_answer, server_time, transport_error},
    sign::{RequestSigner, Signable, acs3},
    transport::{Runtime, SendOptions},
};

const VERSION: &str = "2015-04-01";
const TIMEOUT: Duration = Duration::from_secs(15);

/// A caller of the token service.
#[derive(Clone, Debug)]
pub struct Sts {
    runtime: Runtime,
    endpoint: Option<String>,
    region: Option<String>,
    vpc: bool,
    version: &'static str,
}

impl Sts {
    /// Where the environment says: `ALIBABA_CLOUD_STS_REGION`, `ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED`.
    pub fn new(runtime: Runtime) -> Self {
        let region = runtime.var("ALIBABA_CLOUD_STS_REGION");
        let vpc = runtime.flag("ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED");
        Self { runtime, endpoint: None, region, vpc, version: VERSION }
    }

    /// At this host, whatever the environment says.
    #[must_use]
    pub fn endpoint(mut self, endpoint: Option<String>) -> Self {
        self.endpoint = endpoint.filter(|host| !host.is_empty());
        self
    }

    /// In this region, if one is given.
    #[must_use]
    pub fn region(mut self, region: Option<String>) -> Self {
        self.region = region.filter(|region| !region.is_empty()).or(self.region);
        self
    }

    /// Inside the VPC, if so.
    #[must_use]
    pub fn vpc(mut self, vpc: bool) -> Self {
        self.vpc |= vpc;
        self
    }

    /// For another service that is called in the same way.
    pub(crate) fn version(mut self, version: &'static str) -> Self {
        self.version = version;
        self
    }

    pub(crate) fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    fn host(&self) -> Result<(&'static str, String), String> {
        if let Some(endpoint) = &self.endpoint {
            return crate::endpoint::split_endpoint(endpoint).map_err(|error| error.to_string());
        }
        let Some(region) = &self.region else { return Ok(("https", "sts.aliyuncs.com".to_owned())) };
        let network = if self.vpc { Network::Vpc } else { Network::Public };
        check_region(region)
            .and_then(|region| rule_host("sts", Some(region), EndpointRule::Regional, network))
            .map(|host| ("https", host))
            .map_err(|error| error.to_string())
    }

    /// Calls an operation, signed with `credential` or not at all.
    ///
    /// # Errors
    /// What the service says, without any parameter.
    pub async fn call(
        &self,
        source: &str,
        action: &str,
        form: &[(String, String)],
        credential: Option<&Credential>,
    ) -> Result<Value, CredentialError> {
        let mut skew = 0;
        loop {
            let (outcome, server) = self.attempt(action, form, credential, skew).await;
            match outcome {
                Ok(value) => return Ok(value),
                Err(error) if error.kind() == ApiErrorKind::Clock && skew == 0 => {
                    let now = self.runtime.clock.now();
                    skew = server.map_or(0, |server| server.as_millis() - now.as_millis());
                    if skew == 0 {
                        return Err(failed(source, action, &error));
                    }
                }
                Err(error) => return Err(failed(source, action, &error)),
            }
        }
    }

    async fn attempt(
        &self,
        action: &str,
        form: &[(String, String)],
        credential: Option<&Credential>,
        skew_millis: i64,
    ) -> (Result<Value, ApiError>, Option<oos_core::Timestamp>) {
        let request = match self.request(action, form, credential, skew_millis) {
            Ok(request) => request,
            Err(message) => return (Err(ApiError::Credential { message: message.into() }), None),
        };
        let host = request.uri().host().unwrap_or_default().to_owned();
        let options = SendOptions { timeout: TIMEOUT, ..SendOptions::default() };
        match self.runtime.transport.send(request, &options).await {
            Ok(response) => {
                let server = server_time(response.headers());
                (read_answer(&response, false).map(|answer| answer.body), server)
            }
            Err(error) => (Err(transport_error(&error, &host)), None),
        }
    }

    fn request(
        &self,
        action: &str,
        form: &[(String, String)],
        credential: Option<&Credential>,
        skew_millis: i64,
    ) -> Result<http::Request<Bytes>, String> {
        let (scheme, host) = self.host()?;
        let body = form_body(form).into_bytes();
        let mut request = Signable {
            method: "POST".to_owned(),
            scheme: scheme.to_owned(),
            host,
            path: "/".to_owned(),
            body,
            product: "sts".to_owned(),
            ..Signable::default()
        };
        for (name, value) in [("x-acs-action", action), ("x-acs-version", self.version), ("content-type", FORM_TYPE)] {
            request.headers.insert(name, value);
        }
        request.headers.insert("accept", "application/json");
        request.headers.insert("user-agent", &crate::request::user_agent(""));
        let now = oos_core::Timestamp::from_millis(self.runtime.clock.now().as_millis() + skew_millis);
        let nonce = self.runtime.entropy.nonce();
        match credential {
            Some(credential) => {
                acs3::Acs3::default().sign(&mut request, credential, now, &nonce).map_err(|error| error.to_string())?
            }
            None => acs3::prepare(&mut request, acs3::Algorithm::default(), now, &nonce),
        }
        crate::request::to_http(&request).map_err(|error| error.to_string())
    }
}

fn failed(source: &str, action: &str, error: &ApiError) -> CredentialError {
    use ApiErrorKind as Kind;
    let transient = matches!(
        error.kind(),
        Kind::Throttled | Kind::ServerFault | Kind::NeverSent | Kind::UnknownOutcome | Kind::Other
    );
    let id = error.request_id().map(|id| format!(" (RequestId: {id})")).unwrap_or_default();
    let message: Arc<str> = format!("{action}: {error}{id}").into();
    CredentialError { source_name: source.into(), message, transient }
}
