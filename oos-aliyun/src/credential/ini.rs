//! `~/.alibabacloud/credentials.ini`, or `credentials` (aliyun-client 3.3).
//!
//! A comment inside a line starts at whitespace and `#` or `;`, never inside a word: secrets may hold both.

use std::{collections::BTreeMap, io::ErrorKind, path::PathBuf, sync::Arc};

use async_trait::async_trait;
use oos_core::ports::credential::CredentialError;

use super::{
    Provided, Source, StaticKeys,
    assume_role::{AssumeRole, RoleRequest},
    broken,
    ecs_ram_role::EcsRamRole,
    oidc::Oidc,
    sts::Sts,
};
use crate::transport::Runtime;

/// The INI file of the credential libraries.
#[derive(Clone, Debug)]
pub struct IniFile {
    runtime: Runtime,
    section: Option<String>,
}

/// One section; a newtype so that nothing prints it.
struct Section {
    label: String,
    keys: BTreeMap<String, String>,
}

impl IniFile {
    /// A source over a section, or over the one that the environment names.
    pub fn new(runtime: Runtime, section: Option<String>) -> Self {
        Self { runtime, section }
    }

    fn read(&self) -> Result<Option<(PathBuf, String)>, CredentialError> {
        let named = self.runtime.var("ALIBABA_CLOUD_CREDENTIALS_FILE").map(PathBuf::from);
        let folder = self.runtime.home().map(|home| home.join(".alibabacloud"));
        let defaults = folder.into_iter().flat_map(|f| [f.join("credentials.ini"), f.join("credentials")]);
        let paths: Vec<_> = named.clone().map_or_else(|| defaults.collect(), |path| vec![path]);
        for path in paths {
            let label = format!("credentials file `{}`", path.display());
            match self.runtime.files.read(&path) {
                Ok(bytes) => {
                    let text = String::from_utf8(bytes).map_err(|_| broken(&label, "is not text"))?;
                    return Ok(Some((path, text)));
                }
                Err(error) if error.kind() == ErrorKind::NotFound && named.is_none() => {}
                Err(error) => return Err(broken(&label, format!("cannot be read: {error}"))),
            }
        }
        Ok(None)
    }

    fn section(&self) -> Result<Option<Section>, CredentialError> {
        let Some((path, text)) = self.read()? else { return Ok(None) };
        let asked = self.section.clone().or_else(|| self.runtime.var("ALIBABA_CLOUD_PROFILE"));
        let name = asked.clone().unwrap_or_else(|| "default".to_owned());
        let label = format!("section `{name}` of {}", path.display());
        let mut sections = parse(&text).map_err(|message| broken(&label, message))?;
        match (sections.remove(&name), asked) {
            (Some(keys), _) => Ok(Some(Section { label, keys })),
            (None, None) => Ok(None),
            (None, Some(_)) => {
                let names: Vec<_> = sections.into_keys().collect();
                Err(broken(&label, format!("there is no such section; the file has: {}", names.join(", "))))
            }
        }
    }

    fn source(&self, section: &Section) -> Result<Arc<dyn Source>, CredentialError> {
        let runtime = self.runtime.clone();
        let keys = || Ok(StaticKeys::new(section.need("access_key_id")?, section.need("access_key_secret")?));
        Ok(match section.need("type")?.as_str() {
            "access_key" => Arc::new(keys()?),
            "sts" => Arc::new(keys()?.with_token(section.need("security_token")?)),
            "ram_role_arn" => Arc::new(AssumeRole::new(Arc::new(keys()?), Sts::new(runtime), section.role()?)),
            "ecs_ram_role" => Arc::new(EcsRamRole::new(runtime, section.text("role_name"))),
            "oidc_role_arn" => {
                let (provider, token) = (section.need("oidc_provider_arn")?, section.need("oidc_token_file_path")?);
                Arc::new(Oidc::new(Sts::new(runtime), section.role()?, provider, token.into()))
            }
            other => return Err(broken(&section.label, format!("the type `{other}` is not supported"))),
        })
    }
}

impl Section {
    fn text(&self, key: &str) -> Option<String> {
        self.keys.get(key).filter(|text| !text.is_empty()).cloned()
    }

    fn need(&self, key: &str) -> Result<String, CredentialError> {
        self.text(key).ok_or_else(|| broken(&self.label, format!("`{key}` is missing")))
    }

    fn role(&self) -> Result<RoleRequest, CredentialError> {
        Ok(RoleRequest {
            role_arn: self.need("role_arn")?,
            session_name: self.text("role_session_name"),
            policy: self.text("policy"),
            ..RoleRequest::default()
        })
    }
}

#[async_trait]
impl Source for IniFile {
    async fn fetch(&self) -> Result<Option<Provided>, CredentialError> {
        let Some(section) = self.section()? else { return Ok(None) };
        if section.text("enable").is_some_and(|text| text.eq_ignore_ascii_case("false")) {
            return Ok(None);
        }
        let provided = self.source(&section)?.fetch().await?;
        let nothing = || broken(&section.label, "gives no credential: its source does not answer");
        Ok(Some(provided.ok_or_else(nothing)?.under("profile")))
    }
}

type Sections = BTreeMap<String, BTreeMap<String, String>>;

fn parse(text: &str) -> Result<Sections, String> {
    let mut sections = Sections::new();
    let mut present = None;
    for (line, number) in text.trim_start_matches('\u{feff}').lines().zip(1..) {
        let line = without_comment(line);
        if line.is_empty() {
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            present = Some(name.trim().to_owned());
            sections.entry(name.trim().to_owned()).or_default();
        } else {
            let (key, value) = line.split_once('=').ok_or_else(|| format!("line {number} is not `key = value`"))?;
            let section = present.clone().ok_or_else(|| format!("line {number} stands before any section"))?;
            sections.entry(section).or_default().insert(key.trim().to_owned(), value.trim().to_owned());
        }
    }
    Ok(sections)
}

fn without_comment(line: &str) -> &str {
    let line = line.trim();
    if line.starts_with(['#', ';']) {
        return "";
    }
    let starts = line.char_indices().zip(line.chars().skip(1));
    let cut = starts.into_iter().find(|((_, before), mark)| before.is_whitespace() && matches!(mark, '#' | ';'));
    cut.and_then(|((at, _), _)| line.get(..at)).unwrap_or(line).trim_end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_start_after_whitespace_only() {
        let sections = parse("; head\n[a]\nsecret = x#y;z ; rest\nother=1 # c\n\n[b]\n").unwrap();
        assert_eq!(sections["a"]["secret"], "x#y;z");
        assert_eq!(sections["a"]["other"], "1");
        assert!(sections["b"].is_empty());
    }

    #[test]
    fn errors_name_the_line_and_no_content() {
        assert_eq!(parse("[a]\nhidden").unwrap_err(), "line 2 is not `key = value`");
        assert_eq!(parse("a=hidden").unwrap_err(), "line 1 stands before any section");
    }
}
