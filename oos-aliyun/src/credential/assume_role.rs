//! `AssumeRole` over any other source (aliyun-client 3.5).

use std::sync::Arc;

use async_trait::async_trait;
use oos_core::{
    Value,
    ports::credential::{Credential, CredentialError},
};

use super::{Provided, Source, broken, read_keys, sts::Sts};
use crate::transport::Runtime;

/// Shortest life of an assumed role.
pub const SHORTEST_SECONDS: i64 = 900;
/// Default life of an assumed role.
pub const DEFAULT_SECONDS: i64 = 3600;

/// What to assume.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoleRequest {
    /// `acs:ram::<account>:role/<name>`.
    pub role_arn: String,
    /// Session name; else `ALIBABA_CLOUD_ROLE_SESSION_NAME`, else one with the time in it.
    pub session_name: Option<String>,
    /// Life; else [`DEFAULT_SECONDS`].
    pub duration_seconds: Option<i64>,
    /// Policy that narrows the role.
    pub policy: Option<String>,
    /// External id.
    pub external_id: Option<String>,
}

impl RoleRequest {
    /// The parameters that AssumeRole and AssumeRoleWithOIDC share, checked against their limits.
    pub(crate) fn form(&self, source: &str, runtime: &Runtime) -> Result<Vec<(String, String)>, CredentialError> {
        if self.role_arn.is_empty() {
            return Err(broken(source, "the role's ARN is missing"));
        }
        let session = self.session(runtime);
        check_session(&session).map_err(|message| broken(source, message))?;
        let seconds = self.duration_seconds.unwrap_or(DEFAULT_SECONDS);
        if seconds < SHORTEST_SECONDS {
            return Err(broken(source, format!("a role lives at least {SHORTEST_SECONDS} s, not {seconds} s")));
        }
        let mut form = vec![
            ("RoleArn".to_owned(), self.role_arn.clone()),
            ("RoleSessionName".to_owned(), session),
            ("DurationSeconds".to_owned(), seconds.to_string()),
        ];
        form.extend(self.policy.clone().filter(|p| !p.is_empty()).map(|policy| ("Policy".to_owned(), policy)));
        Ok(form)
    }

    fn session(&self, runtime: &Runtime) -> String {
        let given = self.session_name.clone().filter(|name| !name.is_empty());
        given
            .or_else(|| runtime.var("ALIBABA_CLOUD_ROLE_SESSION_NAME"))
            .unwrap_or_else(|| format!("oos-rs-{}", runtime.clock.now().as_millis()))
    }
}

/// CHOICE: the documented shortest name, 2, is left to the service; recorded requests of the official library use one
/// letter.
fn check_session(name: &str) -> Result<(), String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '@' | '-' | '_');
    match (1..=64).contains(&name.len()) && name.chars().all(allowed) {
        true => Ok(()),
        false => Err(format!("the session name `{name}` must be at most 64 of letters, digits and `. @ - _`")),
    }
}

/// Assumes a role with the credential of another source, which is fetched anew each time.
#[derive(Clone, Debug)]
pub struct AssumeRole {
    source: Arc<dyn Source>,
    sts: Sts,
    request: RoleRequest,
}

impl AssumeRole {
    /// A source over another.
    pub fn new(source: Arc<dyn Source>, sts: Sts, request: RoleRequest) -> Self {
        Self { source, sts, request }
    }
}

#[async_trait]
impl Source for AssumeRole {
    async fn fetch(&self) -> Result<Option<Provided>, CredentialError> {
        let name = format!("ram_role_arn {}", self.request.role_arn);
        let Some(base) = self.source.fetch().await? else {
            return Err(broken(&name, "there is no credential to assume the role with"));
        };
        let mut form = self.request.form(&name, self.sts.runtime())?;
        let external = self.request.external_id.clone().filter(|id| !id.is_empty());
        form.extend(external.map(|id| ("ExternalId".to_owned(), id)));
        let answer = self.sts.call(&name, "AssumeRole", &form, Some(&base.credential)).await?;
        let credential = keys_of(&name, &answer)?;
        Ok(Some(Provided::new(credential, base.source).under("ram_role_arn")))
    }
}

/// The keys in an answer of the token service.
pub(crate) fn keys_of(source: &str, answer: &Value) -> Result<Credential, CredentialError> {
    let missing = || broken(source, "the answer has no `Credentials`");
    read_keys(source, answer.get("Credentials").ok_or_else(missing)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn session_names_are_checked() {
        assert!(check_session("oos-exec.1@x_y").is_ok());
        for bad in ["", "a b", "ü-name", &"x".repeat(65)] {
            assert!(check_session(bad).is_err(), "{bad}");
        }
    }
}
