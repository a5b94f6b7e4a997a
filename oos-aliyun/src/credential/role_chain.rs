//! `RamRole` of a template: one role, or a chain of them into another account (service-model 6.2).
//!
//! Every prefix of a chain is cached of its own, so two chains with the same beginning assume it once.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use oos_core::{ExecutionId, ports::credential::CredentialError};
use tokio::sync::OnceCell;

use super::{
    Cached, Source,
    assume_role::{AssumeRole, RoleRequest},
    broken,
    cache::CacheOptions,
    sts::Sts,
};
use crate::{endpoint::check_account, transport::Runtime};

/// Life of an assumed role, and how long before its end it is renewed (service-model 6.2).
const DURATION_SECONDS: i64 = 3600;
const RENEW_BEFORE: Duration = Duration::from_secs(300);
/// CHOICE: remembered chains; the one that sorts first goes when there are more.
const MOST_CHAINS: usize = 1000;
/// CHOICE: hops of one chain; two are documented.
const MOST_HOPS: usize = 8;
/// Roles that only the service itself can assume.
const SERVICE_LINKED: &str = "aliyunservicerolefor";

/// One role; without an account it is in that of the hop before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hop {
    /// Account id.
    pub account: Option<String>,
    /// Role name.
    pub name: String,
}

/// A parsed `RamRole`; without hops it is the caller's own identity.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoleChain {
    /// The roles, first to last.
    pub hops: Vec<Hop>,
}

/// Why a text is no role chain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a role: {why}")]
pub struct RoleError {
    text: String,
    why: String,
}

impl RoleChain {
    /// Parses `[role] ("|" role)*`, where a role is `[account "/"] name` or a full ARN. An empty first role is the
    /// caller's own identity.
    ///
    /// # Errors
    /// When a role is empty, has strange characters, or there are too many.
    pub fn parse(text: &str) -> Result<Self, RoleError> {
        let error = |why: &str| RoleError { text: text.to_owned(), why: why.to_owned() };
        let mut hops = Vec::new();
        for (part, position) in text.split('|').map(str::trim).zip(0..) {
            match part {
                "" if position == 0 => {}
                "" => return Err(error("a role between `|` is empty")),
                part => hops.push(Hop::parse(part).map_err(|why| error(&why))?),
            }
        }
        if hops.len() > MOST_HOPS { Err(error("there are too many roles")) } else { Ok(Self { hops }) }
    }
}

impl Hop {
    fn parse(part: &str) -> Result<Self, String> {
        let (account, name) = match part.strip_prefix("acs:ram::") {
            Some(rest) => {
                let (account, name) = rest.split_once(":role/").ok_or("the ARN has no `:role/`")?;
                (Some(account), name)
            }
            None => match part.split_once('/') {
                Some((account, name)) => (Some(account), name),
                None => (None, part),
            },
        };
        account.map(check_account).transpose().map_err(|error| error.to_string())?;
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '@' | '+');
        match !name.is_empty() && name.len() <= 64 && name.chars().all(allowed) {
            true => Ok(Self { account: account.map(str::to_owned), name: name.to_owned() }),
            false => Err("a role name is 1 to 64 letters, digits and `. - _`".to_owned()),
        }
    }
}

/// Roles that stand for others: service-linked roles, which only the service can assume, and any that an embedder
/// wants to replace. Names compare without case.
#[derive(Clone, Debug, Default)]
pub struct RoleMap(BTreeMap<String, Hop>);

impl RoleMap {
    /// No replacement.
    pub fn new() -> Self {
        Self::default()
    }

    /// Assumes `role` (a name, `account/name` or an ARN) wherever a template says `name`.
    ///
    /// # Errors
    /// When `role` is no role.
    pub fn with(mut self, name: &str, role: &str) -> Result<Self, RoleError> {
        let hop = Hop::parse(role).map_err(|why| RoleError { text: role.to_owned(), why })?;
        self.0.insert(name.to_ascii_lowercase(), hop);
        Ok(self)
    }

    fn replace(&self, hop: &Hop) -> Result<Hop, CredentialError> {
        let name = hop.name.to_ascii_lowercase();
        match self.0.get(&name) {
            Some(other) => Ok(Hop { account: other.account.clone().or_else(|| hop.account.clone()), ..other.clone() }),
            None if name.starts_with(SERVICE_LINKED) => Err(broken(
                &format!("role {}", hop.name),
                "only the service itself can assume a service-linked role: map it to a role of your own",
            )),
            None => Ok(hop.clone()),
        }
    }
}

/// Assumes chains over the client's own identity.
#[derive(Debug)]
pub(crate) struct Roles {
    runtime: Runtime,
    base: Cached,
    sts: Sts,
    map: RoleMap,
    account: OnceCell<String>,
    chains: Mutex<BTreeMap<String, Cached>>,
}

impl Roles {
    pub(crate) fn new(runtime: Runtime, base: Cached, sts: Sts, map: RoleMap, account: Option<String>) -> Self {
        let account = OnceCell::new_with(account);
        Self { runtime, base, sts, map, account, chains: Mutex::default() }
    }

    /// The cache of a chain; that of the own identity for the empty one.
    pub(crate) async fn credentials(
        &self,
        role: &str,
        execution: Option<&ExecutionId>,
    ) -> Result<Cached, CredentialError> {
        let chain = RoleChain::parse(role).map_err(|error| broken("RamRole", error.to_string()))?;
        let session = session_name(execution);
        let (mut present, mut account, mut path) = (self.base.clone(), None, String::new());
        for hop in &chain.hops {
            let hop = self.map.replace(hop)?;
            let in_account = match hop.account.or(account) {
                Some(account) => account,
                None => self.own_account().await?,
            };
            path = format!("{path}|{in_account}/{}", hop.name.to_ascii_lowercase());
            let arn = format!("acs:ram::{in_account}:role/{}", hop.name);
            present = self.cached(format!("{path} {}", session.as_deref().unwrap_or_default()), present, arn, &session);
            account = Some(in_account);
        }
        Ok(present)
    }

    fn cached(&self, key: String, source: Cached, role_arn: String, session: &Option<String>) -> Cached {
        let mut chains = self.chains.lock().unwrap_or_else(PoisonError::into_inner);
        if chains.len() >= MOST_CHAINS && !chains.contains_key(&key) {
            chains.retain(|_, cached| !cached.is_empty());
            if chains.len() >= MOST_CHAINS {
                chains.pop_first();
            }
        }
        let make = || {
            let duration_seconds = Some(DURATION_SECONDS);
            let request =
                RoleRequest { role_arn, session_name: session.clone(), duration_seconds, ..RoleRequest::default() };
            let source: Arc<dyn Source> = Arc::new(AssumeRole::new(Arc::new(source), self.sts.clone(), request));
            let options = CacheOptions { mandatory: RENEW_BEFORE, ..CacheOptions::default() };
            Cached::with_options(source, &self.runtime, options)
        };
        chains.entry(key).or_insert_with(make).clone()
    }

    /// The account of the own identity, asked once.
    async fn own_account(&self) -> Result<String, CredentialError> {
        let ask = || async {
            let provided = self.base.get().await?;
            let base = provided.ok_or_else(|| broken("RamRole", "there is no credential to assume the role with"))?;
            let answer = self.sts.call("RamRole", "GetCallerIdentity", &[], Some(&base.credential)).await?;
            let id = answer.get("AccountId").map(|id| id.to_text().to_string()).unwrap_or_default();
            match check_account(&id) {
                Ok(_) => Ok(id),
                Err(_) => Err(broken("RamRole", "the token service does not name the account")),
            }
        };
        self.account.get_or_try_init(ask).await.cloned()
    }
}

/// `oos-` and the root execution, cut to 64 characters; `None` outside executions.
fn session_name(execution: Option<&ExecutionId>) -> Option<String> {
    let root = execution?.as_str().split('.').next()?;
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '@' | '-' | '_');
    let clean: String = root.chars().map(|c| if allowed(c) { c } else { '-' }).collect();
    Some(format!("oos-{clean}").chars().take(64).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hop(account: Option<&str>, name: &str) -> Hop {
        Hop { account: account.map(str::to_owned), name: name.to_owned() }
    }

    #[test]
    fn parses_the_grammar() {
        let parse = |text: &str| RoleChain::parse(text).unwrap().hops;
        assert_eq!(parse(""), []);
        assert_eq!(parse("OOSServiceRole"), [hop(None, "OOSServiceRole")]);
        assert_eq!(parse("OOSServiceRole|654321/RoleB"), [hop(None, "OOSServiceRole"), hop(Some("654321"), "RoleB")]);
        assert_eq!(parse("|654321/RoleB"), [hop(Some("654321"), "RoleB")]);
        assert_eq!(parse("acs:ram::1:role/r|2/s"), [hop(Some("1"), "r"), hop(Some("2"), "s")]);
    }

    #[test]
    fn refuses_what_is_no_role() {
        for bad in ["a|", "a||b", "a b", "x/y/z", "acs:ram::1:user/x", "abc/role", &"r|".repeat(20)] {
            assert!(RoleChain::parse(bad).is_err(), "{bad}");
        }
        let error = RoleChain::parse("a|").unwrap_err();
        assert_eq!(error.to_string(), "`a|` is not a role: a role between `|` is empty");
    }

    #[test]
    fn service_linked_roles_need_a_mapping() {
        let linked = hop(None, "AliyunServiceRoleForOOSInstanceScheduler");
        assert!(RoleMap::new().replace(&linked).is_err());
        let map = RoleMap::new().with("aliyunserviceroleforoosinstancescheduler", "77/Mine").unwrap();
        assert_eq!(map.replace(&linked).unwrap(), hop(Some("77"), "Mine"));
    }

    #[test]
    fn sessions_carry_the_root_execution() {
        let name = |id: &str| session_name(Some(&ExecutionId::new(id))).unwrap();
        assert_eq!(name("exec-abc.1.2"), "oos-exec-abc");
        assert_eq!(name(&"x".repeat(100)).len(), 64);
        assert_eq!(session_name(None), None);
    }
}
