//! The default chain, in the order of the official libraries (aliyun-client 3.1).
//!
//! Unlike those, a source that is there and broken stops the chain: otherwise a typo in a profile ends as another
//! identity. [`ChainMode::Lenient`] is the official behaviour. The first source that works is used for good.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use oos_core::ports::credential::CredentialError;

use super::{
    Provided, Source, broken, config_file::ConfigFile, ecs_ram_role::EcsRamRole, env::EnvKeys, ini::IniFile,
    oidc::OidcEnv, uri::CredentialsUri,
};
use crate::transport::Runtime;

/// What a broken source does to the chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ChainMode {
    /// It stops the chain.
    #[default]
    Strict,
    /// It is skipped, as the official libraries do.
    Lenient,
}

/// Settings of the default chain.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ChainOptions {
    /// What a broken source does.
    pub mode: ChainMode,
    /// Profile of the CLI's file and section of the INI file; else `ALIBABA_CLOUD_PROFILE`.
    pub profile: Option<String>,
    /// Path of the CLI's file; else `ALIBABA_CLOUD_CONFIG_FILE`, else `~/.aliyun/config.json`.
    pub config_file: Option<std::path::PathBuf>,
    /// Allows a credentials URI over plain HTTP to another machine.
    pub allow_plain_http: bool,
}

impl ChainOptions {
    /// The official, lenient behaviour.
    #[must_use]
    pub fn lenient(mut self) -> Self {
        self.mode = ChainMode::Lenient;
        self
    }

    /// Names the profile.
    #[must_use]
    pub fn profile(mut self, name: impl Into<String>) -> Self {
        self.profile = Some(name.into());
        self
    }
}

/// Sources in order; see the module documentation.
#[derive(Debug)]
pub struct Chain {
    sources: Vec<Arc<dyn Source>>,
    mode: ChainMode,
    /// Index of the source that worked, from 1; 0 for none yet.
    chosen: AtomicUsize,
}

impl Chain {
    /// The default chain.
    pub fn new(runtime: Runtime, options: ChainOptions) -> Self {
        let uri = CredentialsUri::from_env(runtime.clone(), options.allow_plain_http);
        let sources: Vec<Arc<dyn Source>> = vec![
            Arc::new(EnvKeys::new(runtime.clone())),
            Arc::new(OidcEnv::new(runtime.clone())),
            Arc::new(ConfigFile::new(runtime.clone(), options.config_file, options.profile.clone())),
            Arc::new(IniFile::new(runtime.clone(), options.profile)),
            Arc::new(EcsRamRole::from_env(runtime)),
            Arc::new(uri),
        ];
        Self::of(sources, options.mode)
    }

    /// A chain of sources of your own.
    pub fn of(sources: Vec<Arc<dyn Source>>, mode: ChainMode) -> Self {
        Self { sources, mode, chosen: AtomicUsize::new(0) }
    }

    async fn first(&self) -> Result<Option<Provided>, CredentialError> {
        let mut skipped = Vec::new();
        for (source, number) in self.sources.iter().zip(1..) {
            match source.fetch().await {
                Ok(Some(provided)) => {
                    self.chosen.store(number, Ordering::Release);
                    return Ok(Some(provided));
                }
                Ok(None) => {}
                Err(error) if self.mode == ChainMode::Strict => return Err(error),
                Err(error) => skipped.push(error),
            }
        }
        summary(&skipped)
    }
}

/// Nothing worked: not an error unless something was there.
fn summary(skipped: &[CredentialError]) -> Result<Option<Provided>, CredentialError> {
    if skipped.is_empty() {
        return Ok(None);
    }
    let all: Vec<_> = skipped.iter().map(|e| format!("{}: {}", e.source_name, e.message)).collect();
    let transient = skipped.iter().any(|error| error.transient);
    Err(CredentialError { source_name: "default".into(), message: all.join("; ").into(), transient })
}

#[async_trait]
impl Source for Chain {
    async fn fetch(&self) -> Result<Option<Provided>, CredentialError> {
        let chosen = self.chosen.load(Ordering::Acquire).checked_sub(1).and_then(|at| self.sources.get(at));
        let provided = match chosen {
            Some(source) => {
                let gone = || broken("default", "the source of the present credential is gone");
                Some(source.fetch().await?.ok_or_else(gone)?)
            }
            None => self.first().await?,
        };
        Ok(provided.map(|provided| provided.under("default")))
    }
}
