//! `~/.aliyun/config.json`, the file of the command line tool (aliyun-client 3.2).
//!
//! Read anew at every fetch and never written: unknown keys belong to the tool. An error names file, profile and key,
//! never a value. Modes that would have to write the file (OAuth) are deliberately absent.

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use oos_core::{Value, ports::credential::CredentialError};

use super::{
    Provided, Source, StaticKeys,
    assume_role::{AssumeRole, RoleRequest},
    broken,
    cloud_sso::CloudSso,
    ecs_ram_role::EcsRamRole,
    oidc::Oidc,
    sts::Sts,
    uri::CredentialsUri,
};
use crate::transport::Runtime;

/// The tool's profile file.
#[derive(Clone, Debug)]
pub struct ConfigFile {
    runtime: Runtime,
    path: Option<PathBuf>,
    profile: Option<String>,
}

/// A profile of the file, with what is needed to follow it to others.
struct Profile<'a> {
    file: &'a File,
    name: String,
    map: Value,
}

/// The file as read.
struct File {
    runtime: Runtime,
    path: PathBuf,
    content: Value,
}

impl ConfigFile {
    /// A source over a path and profile, or over those that the environment names.
    pub fn new(runtime: Runtime, path: Option<PathBuf>, profile: Option<String>) -> Self {
        Self { runtime, path, profile }
    }

    /// A setting of the profile that would be used, e.g. `region_id`, `endpoint`.
    pub fn setting(&self, key: &str) -> Option<String> {
        let file = self.read().ok()??;
        let profile = file.profile(&self.profile_name(&file)?).ok()?;
        profile.text(key)
    }

    fn read(&self) -> Result<Option<File>, CredentialError> {
        if self.runtime.flag("ALIBABA_CLOUD_CLI_PROFILE_DISABLED") {
            return Ok(None);
        }
        let named = self.path.clone().or_else(|| self.runtime.var("ALIBABA_CLOUD_CONFIG_FILE").map(PathBuf::from));
        let default = || self.runtime.home().map(|home| home.join(".aliyun").join("config.json"));
        let Some(path) = named.clone().or_else(default) else { return Ok(None) };
        let name = format!("config file `{}`", path.display());
        let bytes = match self.runtime.files.read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound && named.is_none() => return Ok(None),
            Err(error) => return Err(broken(&name, format!("cannot be read: {error}"))),
        };
        let parsed = std::str::from_utf8(&bytes).ok().and_then(|text| Value::from_json_str(text).ok());
        let content = parsed.filter(|value| value.as_map().is_some()).ok_or_else(|| broken(&name, "is not JSON"))?;
        Ok(Some(File { runtime: self.runtime.clone(), path, content }))
    }

    /// The name that was asked for, else the file's current one.
    fn profile_name(&self, file: &File) -> Option<String> {
        let current = || file.content.get("current").and_then(Value::as_str).map(str::to_owned);
        let asked = self.profile.clone().or_else(|| self.runtime.var("ALIBABA_CLOUD_PROFILE"));
        asked.or_else(current).filter(|name| !name.is_empty())
    }
}

#[async_trait]
impl Source for ConfigFile {
    async fn fetch(&self) -> Result<Option<Provided>, CredentialError> {
        let Some(file) = self.read()? else { return Ok(None) };
        let Some(name) = self.profile_name(&file) else { return Ok(None) };
        let source = file.profile(&name)?.source(&mut Vec::new())?;
        let provided = source.fetch().await?;
        let nothing = || broken(&file.label(&name), "gives no credential: its source does not answer");
        Ok(Some(provided.ok_or_else(nothing)?.under("cli_profile")))
    }
}

impl File {
    fn label(&self, profile: &str) -> String {
        format!("profile `{profile}` of {}", self.path.display())
    }

    fn profile(&self, name: &str) -> Result<Profile<'_>, CredentialError> {
        let profiles = self.content.get("profiles").and_then(Value::as_list).unwrap_or_default();
        let called = |profile: &&Value| profile.get("name").and_then(Value::as_str) == Some(name);
        let found = profiles.iter().find(called);
        let names = || {
            let all: Vec<_> = profiles.iter().filter_map(|p| p.get("name")?.as_str()).collect();
            format!("there is no such profile; the file has: {}", all.join(", "))
        };
        let map = found.ok_or_else(|| broken(&self.label(name), names()))?.clone();
        Ok(Profile { file: self, name: name.to_owned(), map })
    }
}

impl Profile<'_> {
    fn label(&self) -> String {
        self.file.label(&self.name)
    }

    fn text(&self, key: &str) -> Option<String> {
        match self.map.get(key) {
            None | Some(Value::Null | Value::List(_) | Value::Map(_)) => None,
            Some(value) => Some(value.to_text().to_string()).filter(|text| !text.is_empty()),
        }
    }

    fn need(&self, key: &str) -> Result<String, CredentialError> {
        self.text(key).ok_or_else(|| broken(&self.label(), format!("`{key}` is missing")))
    }

    fn flag(&self, key: &str) -> bool {
        self.text(key).is_some_and(|text| text.eq_ignore_ascii_case("true"))
    }

    fn keys(&self) -> Result<StaticKeys, CredentialError> {
        Ok(StaticKeys::new(self.need("access_key_id")?, self.need("access_key_secret")?))
    }

    fn sts(&self) -> Sts {
        let vpc = self.flag("enable_vpc") || self.text("endpoint_type").is_some_and(|kind| kind == "vpc");
        Sts::new(self.file.runtime.clone()).endpoint(self.text("sts_endpoint")).region(self.text("sts_region")).vpc(vpc)
    }

    fn role(&self) -> Result<RoleRequest, CredentialError> {
        Ok(RoleRequest {
            role_arn: self.need("ram_role_arn")?,
            session_name: self.text("ram_session_name"),
            duration_seconds: self.map.get("expired_seconds").and_then(Value::as_i64).filter(|seconds| *seconds != 0),
            policy: self.text("policy"),
            external_id: self.text("external_id"),
        })
    }

    fn assume(&self, base: Arc<dyn Source>) -> Result<Arc<dyn Source>, CredentialError> {
        Ok(Arc::new(AssumeRole::new(base, self.sts(), self.role()?)))
    }

    /// The source of the profile; `visited` holds the profiles that led here.
    fn source(&self, visited: &mut Vec<String>) -> Result<Arc<dyn Source>, CredentialError> {
        visited.push(self.name.clone());
        let runtime = self.file.runtime.clone();
        let mode = self.text("mode").unwrap_or_else(|| "AK".to_owned());
        Ok(match mode.to_ascii_lowercase().as_str() {
            "ak" => Arc::new(self.keys()?),
            "ststoken" => Arc::new(self.keys()?.with_token(self.need("sts_token")?)),
            "ramrolearn" => {
                let keys = self.keys()?;
                self.assume(Arc::new(match self.text("sts_token") {
                    Some(token) => keys.with_token(token),
                    None => keys,
                }))?
            }
            "ecsramrole" => Arc::new(EcsRamRole::new(runtime, self.text("ram_role_name"))),
            "ramrolearnwithrolename" => {
                self.assume(Arc::new(EcsRamRole::new(runtime, Some(self.need("ram_role_name")?))))?
            }
            "oidc" => {
                let (provider, token) = (self.need("oidc_provider_arn")?, self.need("oidc_token_file")?);
                Arc::new(Oidc::new(self.sts(), self.role()?, provider, token.into()))
            }
            "chainableramrolearn" => self.assume(self.parent(visited)?)?,
            "credentialsuri" => Arc::new(self.uri(runtime)?),
            "cloudsso" => Arc::new(self.cloud_sso(runtime)?),
            "external" => self.external(&runtime)?,
            _ => return Err(broken(&self.label(), format!("the mode `{mode}` is not supported"))),
        })
    }

    fn parent(&self, visited: &mut Vec<String>) -> Result<Arc<dyn Source>, CredentialError> {
        let name = self.need("source_profile")?;
        if visited.contains(&name) {
            visited.push(name);
            return Err(broken(&self.label(), format!("profiles form a ring: {}", visited.join(" -> "))));
        }
        self.file.profile(&name)?.source(visited)
    }

    fn uri(&self, runtime: Runtime) -> Result<CredentialsUri, CredentialError> {
        let from_env = || runtime.var("ALIBABA_CLOUD_CREDENTIALS_URI");
        let uri = self.text("credentials_uri").or_else(from_env);
        let uri = uri.ok_or_else(|| broken(&self.label(), "`credentials_uri` is missing"))?;
        Ok(CredentialsUri::new(runtime, uri, false))
    }

    fn cloud_sso(&self, runtime: Runtime) -> Result<CloudSso, CredentialError> {
        let expires = self.map.get("cloud_sso_access_token_expire").and_then(Value::as_i64);
        Ok(CloudSso::new(
            runtime,
            self.need("cloud_sso_sign_in_url")?,
            self.need("cloud_sso_account_id")?,
            self.need("cloud_sso_access_config")?,
            self.need("access_token")?.into(),
            expires,
        ))
    }

    #[cfg(feature = "process")]
    fn external(&self, runtime: &Runtime) -> Result<Arc<dyn Source>, CredentialError> {
        let off = runtime.processes.is_none() || runtime.flag("ALIBABA_CLOUD_DISABLE_EXTERNAL_PROCESS");
        if off {
            return Err(broken(&self.label(), EXTERNAL_OFF));
        }
        Ok(Arc::new(super::process::External::new(runtime.clone(), self.need("process_command")?)))
    }

    #[cfg(not(feature = "process"))]
    fn external(&self, _: &Runtime) -> Result<Arc<dyn Source>, CredentialError> {
        Err(broken(&self.label(), EXTERNAL_OFF))
    }
}

const EXTERNAL_OFF: &str = "the mode `External` runs a program, which is switched off";

/// For diagnostics: the path as text.
impl std::fmt::Debug for File {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let path: &Path = &self.path;
        f.debug_struct("File").field("path", &path).finish_non_exhaustive()
    }
}
