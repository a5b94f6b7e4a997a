//! The role of the instance, from its metadata service (aliyun-client 3.4).
//!
//! Never through a proxy, never after a redirect, answers of 64 KiB at most. The token of version 2 comes first; version
//! 1 is used only where version 2 does not exist, never after a refusal, and not at all when it is switched off.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Response, StatusCode};
use oos_core::{Timestamp, ports::credential::CredentialError};
use secrecy::{ExposeSecret, SecretString};

use super::{Provided, Source, broken, read_json, read_keys, unavailable};
use crate::{
    sign::percent_encode,
    transport::{Runtime, SendOptions, TransportError, TransportKind},
};

const BASE: &str = "http://100.100.100.200";
const TOKEN_PATH: &str = "/latest/api/token";
const ROLES_PATH: &str = "/latest/meta-data/ram/security-credentials/";
const TTL_HEADER: &str = "x-aliyun-ecs-metadata-token-ttl-seconds";
const TOKEN_HEADER: &str = "x-aliyun-ecs-metadata-token";
const TTL_SECONDS: i64 = 21_600;
/// A token is asked for anew this long before its end.
const TTL_MARGIN_SECONDS: i64 = 60;
const TIMEOUT: Duration = Duration::from_secs(1);
const BODY_LIMIT: usize = 64 << 10;
/// CHOICE: how long "there is no metadata service" is believed; finding out costs a second.
const ABSENT: Duration = Duration::from_secs(60);

/// The instance's role.
#[derive(Debug)]
pub struct EcsRamRole {
    runtime: Runtime,
    role: Option<String>,
    /// True when somebody asked for this source, so that its silence is an error.
    wanted: bool,
    from_env: bool,
    memory: Mutex<Memory>,
}

#[derive(Default)]
struct Memory {
    token: Option<(SecretString, Timestamp)>,
    absent_until: Option<Timestamp>,
}

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Memory").field("absent_until", &self.absent_until).finish_non_exhaustive()
    }
}

/// What the token request came to.
enum Token {
    Some(String),
    /// Version 1 may be tried.
    Unsupported,
    /// There is no metadata service.
    Absent(TransportError),
}

impl EcsRamRole {
    /// The role of that name, or the only one.
    pub fn new(runtime: Runtime, role: Option<String>) -> Self {
        Self { runtime, role, wanted: true, from_env: false, memory: Mutex::default() }
    }

    /// As the environment says: `ALIBABA_CLOUD_ECS_METADATA`, `ALIBABA_CLOUD_ECS_METADATA_DISABLED`.
    pub fn from_env(runtime: Runtime) -> Self {
        Self { wanted: false, from_env: true, ..Self::new(runtime, None) }
    }

    fn role_name(&self) -> Option<String> {
        let from_env = || self.runtime.var("ALIBABA_CLOUD_ECS_METADATA");
        self.role.clone().filter(|role| !role.is_empty()).or_else(from_env)
    }

    fn memory(&self) -> std::sync::MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn kept_token(&self) -> Option<String> {
        let now = self.runtime.clock.now();
        let memory = self.memory();
        memory.token.as_ref().filter(|(_, until)| now < *until).map(|(token, _)| token.expose_secret().to_owned())
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        header: Option<(&str, &str)>,
    ) -> Result<Response<Bytes>, TransportError> {
        let mut builder = http::Request::builder().method(method).uri(format!("{BASE}{path}"));
        if let Some((name, value)) = header {
            builder = builder.header(name, value);
        }
        let request = builder.body(Bytes::new()).map_err(|_| TransportError {
            kind: TransportKind::Request,
            sent: false,
            message: "the metadata request is not valid".to_owned(),
        })?;
        let options = SendOptions { timeout: TIMEOUT, direct: true, body_limit: BODY_LIMIT };
        self.runtime.transport.send(request, &options).await
    }

    /// Repeats once what failed inside the first second.
    async fn send_twice(
        &self,
        method: Method,
        path: &str,
        header: Option<(&str, &str)>,
    ) -> Result<Response<Bytes>, TransportError> {
        let start = self.runtime.clock.now();
        match self.send(method.clone(), path, header).await {
            Err(error) if error.kind != TransportKind::Timeout && self.runtime.clock.now().since(start) < TIMEOUT => {
                self.send(method, path, header).await
            }
            outcome => outcome,
        }
    }

    async fn token(&self) -> Result<Token, CredentialError> {
        if let Some(token) = self.kept_token() {
            return Ok(Token::Some(token));
        }
        let ttl = TTL_SECONDS.to_string();
        let response = match self.send_twice(Method::PUT, TOKEN_PATH, Some((TTL_HEADER, &ttl))).await {
            Ok(response) => response,
            Err(error) if error.kind == TransportKind::Timeout => return Ok(Token::Unsupported),
            Err(error) => return Ok(Token::Absent(error)),
        };
        match response.status() {
            StatusCode::OK => {
                let token = body_text(&response);
                let until = self.runtime.clock.now().plus_seconds(TTL_SECONDS - TTL_MARGIN_SECONDS);
                self.memory().token = Some((token.clone().into(), until));
                Ok(Token::Some(token))
            }
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => Ok(Token::Unsupported),
            status if status.is_server_error() => {
                Err(unavailable("ecs_ram_role", format!("the token request was answered with {status}")))
            }
            status => Err(broken("ecs_ram_role", format!("the token request was answered with {status}"))),
        }
    }

    /// The body of a metadata path; `None` for 404.
    async fn get(&self, path: &str, token: Option<&str>) -> Result<Option<Bytes>, CredentialError> {
        let header = token.map(|token| (TOKEN_HEADER, token));
        let response = self.send_twice(Method::GET, path, header).await;
        let response = response.map_err(|error| unavailable("ecs_ram_role", error.message))?;
        match response.status() {
            StatusCode::OK => Ok(Some(response.into_body())),
            StatusCode::NOT_FOUND => Ok(None),
            status => {
                // The token may be the reason; the next fetch asks for a new one.
                self.memory().token = None;
                let message = format!("the metadata service answered with {status}");
                Err(CredentialError { transient: status.is_server_error(), ..broken("ecs_ram_role", message) })
            }
        }
    }

    async fn keys(&self, token: Option<&str>) -> Result<Option<Provided>, CredentialError> {
        let role = match self.role_name() {
            Some(role) => role,
            None => match self.get(ROLES_PATH, token).await? {
                Some(body) => first_line(&body),
                None => return Ok(None),
            },
        };
        if role.is_empty() {
            return Ok(None);
        }
        let Some(body) = self.get(&format!("{ROLES_PATH}{}", percent_encode(&role)), token).await? else {
            return Err(broken("ecs_ram_role", format!("the instance has no role `{role}`")));
        };
        let answer = read_json("ecs_ram_role", &body)?;
        check_code("ecs_ram_role", &answer, true)?;
        Ok(Some(Provided::new(read_keys("ecs_ram_role", &answer)?, "ecs_ram_role")))
    }

    fn absent(&self, message: &str) -> Result<Option<Provided>, CredentialError> {
        self.memory().absent_until = Some(self.runtime.clock.now() + ABSENT);
        self.silent(message)
    }

    fn silent(&self, message: &str) -> Result<Option<Provided>, CredentialError> {
        match self.wanted || self.role_name().is_some() {
            true => Err(unavailable("ecs_ram_role", message.to_owned())),
            false => Ok(None),
        }
    }

    /// Version 1 is allowed after a token request that nobody understood; a service that does not answer is absent.
    async fn without_token(&self) -> Result<Option<Provided>, CredentialError> {
        if self.runtime.flag("ALIBABA_CLOUD_IMDSV1_DISABLED") {
            return Err(broken("ecs_ram_role", "the metadata service has no version 2, and version 1 is switched off"));
        }
        match self.keys(None).await {
            Err(error) if error.transient => self.absent(&error.message),
            outcome => outcome,
        }
    }
}

#[async_trait]
impl Source for EcsRamRole {
    async fn fetch(&self) -> Result<Option<Provided>, CredentialError> {
        if self.from_env && self.runtime.flag("ALIBABA_CLOUD_ECS_METADATA_DISABLED") {
            return Ok(None);
        }
        let absent = self.memory().absent_until.is_some_and(|until| self.runtime.clock.now() < until);
        if absent {
            return self.silent("there is no metadata service here");
        }
        match self.token().await? {
            Token::Some(token) => self.keys(Some(&token)).await,
            Token::Unsupported => self.without_token().await,
            Token::Absent(error) => self.absent(&error.message),
        }
    }
}

/// `Code` must be `Success`; where it may be missing, only another value is refused.
pub(crate) fn check_code(source: &str, answer: &oos_core::Value, needed: bool) -> Result<(), CredentialError> {
    match answer.get("Code").and_then(oos_core::Value::as_str) {
        Some("Success") => Ok(()),
        None if !needed => Ok(()),
        None => Err(broken(source, "the answer has no `Code`")),
        Some(code) => Err(broken(source, format!("the answer has the code `{code}`"))),
    }
}

fn body_text(response: &Response<Bytes>) -> String {
    String::from_utf8_lossy(response.body()).trim().to_owned()
}

fn first_line(body: &Bytes) -> String {
    String::from_utf8_lossy(body).lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default().to_owned()
}
