//! `AssumeRoleWithOIDC`: a role for a token file, as container clusters mount it.
//!
//! The file is read anew at every refresh and trimmed; the call is anonymous, with the token in the body.

use std::path::PathBuf;

use async_trait::async_trait;
use oos_core::ports::credential::CredentialError;

use super::{
    Provided, Source,
    assume_role::{RoleRequest, keys_of},
    broken,
    sts::Sts,
};
use crate::transport::Runtime;

const ROLE: &str = "ALIBABA_CLOUD_ROLE_ARN";
const PROVIDER: &str = "ALIBABA_CLOUD_OIDC_PROVIDER_ARN";
const FILE: &str = "ALIBABA_CLOUD_OIDC_TOKEN_FILE";

/// Longest token. CHOICE: the documented shortest, 4, is left to the service; only an empty file is refused here.
const LONGEST_TOKEN: usize = 20_000;

/// A role by a token file.
#[derive(Clone, Debug)]
pub struct Oidc {
    sts: Sts,
    request: RoleRequest,
    provider_arn: String,
    token_file: PathBuf,
}

impl Oidc {
    /// A source of these settings.
    pub fn new(sts: Sts, request: RoleRequest, provider_arn: String, token_file: PathBuf) -> Self {
        Self { sts, request, provider_arn, token_file }
    }

    fn token(&self, source: &str) -> Result<String, CredentialError> {
        let path = self.token_file.display();
        let bytes = self.sts.runtime().files.read(&self.token_file);
        let bytes = bytes.map_err(|error| broken(source, format!("cannot read the token file `{path}`: {error}")))?;
        let token = String::from_utf8(bytes).map_err(|_| broken(source, format!("`{path}` holds no token")))?;
        let token = token.trim();
        match !token.is_empty() && token.len() <= LONGEST_TOKEN {
            true => Ok(token.to_owned()),
            false => Err(broken(source, format!("`{path}` holds no token"))),
        }
    }
}

#[async_trait]
impl Source for Oidc {
    async fn fetch(&self) -> Result<Option<Provided>, CredentialError> {
        let name = format!("oidc_role_arn {}", self.request.role_arn);
        let mut form = self.request.form(&name, self.sts.runtime())?;
        form.push(("OIDCProviderArn".to_owned(), self.provider_arn.clone()));
        form.push(("OIDCToken".to_owned(), self.token(&name)?));
        let answer = self.sts.call(&name, "AssumeRoleWithOIDC", &form, None).await?;
        Ok(Some(Provided::new(keys_of(&name, &answer)?, "oidc_role_arn")))
    }
}

/// The three variables that container clusters set; some but not all of them is an error.
#[derive(Clone, Debug)]
pub struct OidcEnv {
    runtime: Runtime,
}

impl OidcEnv {
    /// A source over this environment.
    pub fn new(runtime: Runtime) -> Self {
        Self { runtime }
    }
}

#[async_trait]
impl Source for OidcEnv {
    async fn fetch(&self) -> Result<Option<Provided>, CredentialError> {
        let values = [ROLE, PROVIDER, FILE].map(|name| (name, self.runtime.var(name)));
        let missing: Vec<_> = values.iter().filter(|(_, value)| value.is_none()).map(|(name, _)| *name).collect();
        // The role alone is also read by other tools, so it is no sign of OIDC.
        let only_role = missing == [PROVIDER, FILE];
        let [(_, Some(role_arn)), (_, Some(provider)), (_, Some(file))] = values else {
            return match missing.len() == 3 || only_role {
                true => Ok(None),
                false => Err(broken("oidc_role_arn", format!("{} is not set", missing.join(" and ")))),
            };
        };
        let request = RoleRequest { role_arn, ..RoleRequest::default() };
        Oidc::new(Sts::new(self.runtime.clone()), request, provider, file.into()).fetch().await
    }
}
