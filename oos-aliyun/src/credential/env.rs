//! `ALIBABA_CLOUD_ACCESS_KEY_ID` and its companions.
//!
//! Only this prefix is read; the names that the CLI knows besides are deliberately absent.

use async_trait::async_trait;
use oos_core::ports::credential::CredentialError;

use super::{Provided, Source, StaticKeys, broken};
use crate::transport::Runtime;

const ID: &str = "ALIBABA_CLOUD_ACCESS_KEY_ID";
const SECRET: &str = "ALIBABA_CLOUD_ACCESS_KEY_SECRET";
const TOKEN: &str = "ALIBABA_CLOUD_SECURITY_TOKEN";

/// Keys from the environment; an empty variable counts as not set.
#[derive(Clone, Debug)]
pub struct EnvKeys {
    runtime: Runtime,
}

impl EnvKeys {
    /// A source over this environment.
    pub fn new(runtime: Runtime) -> Self {
        Self { runtime }
    }
}

#[async_trait]
impl Source for EnvKeys {
    async fn fetch(&self) -> Result<Option<Provided>, CredentialError> {
        let (id, secret) = match (self.runtime.var(ID), self.runtime.var(SECRET)) {
            (None, None) => return Ok(None),
            (Some(id), Some(secret)) => (id, secret),
            (Some(_), None) => return Err(broken("env", format!("{ID} is set and {SECRET} is not"))),
            (None, Some(_)) => return Err(broken("env", format!("{SECRET} is set and {ID} is not"))),
        };
        let mut keys = StaticKeys::new(id, secret);
        if let Some(token) = self.runtime.var(TOKEN) {
            keys = keys.with_token(token);
        }
        Ok(Some(Provided::new(keys.credential(), "env")))
    }
}
