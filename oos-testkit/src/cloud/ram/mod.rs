//! Accounts, RAM and STS: users, roles, policies, and who may do what.
//!
//! Every call notes the permissions that it needs, whatever the enforcement, so that a test can ask afterwards for the
//! smallest sufficient policy ([`least_privilege`](crate::Calls::least_privilege)). Setting things up never passes RAM.

mod api;
mod caller;
pub(crate) mod policy;
pub(crate) mod privilege;
mod resource;

use std::collections::BTreeMap;

use oos_core::{Timestamp, Value, params};

pub(crate) use self::{
    api::{APIS, STS_APIS},
    caller::{Caller, caller_of, check, hops, resolve, role_documents},
};
use super::{Enforcement, FakeCloud, state::ACCOUNT};
use crate::calls::fail;

/// Roles of a fresh account that OOS templates take by default; they trust OOS and allow everything.
const SERVICE_ROLES: [&str; 3] =
    ["OOSServiceRole", "AliyunServiceRoleForOOSInstanceScheduler", "AliyunServiceRoleForOOSSystemEventOperator"];

/// The service principal of OOS.
pub(crate) const OOS: &str = "oos.aliyuncs.com";

/// Everything about identities, by account.
#[derive(Debug, Default)]
pub(crate) struct Ram {
    pub(crate) accounts: BTreeMap<String, Account>,
    /// Tokens by chain, as long as they last.
    pub(crate) sessions: BTreeMap<String, Session>,
    /// The user that calls without a role are made as; root when empty.
    pub(crate) user: String,
}

#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) since: Timestamp,
    pub(crate) until: Timestamp,
}

#[derive(Debug, Default)]
pub(crate) struct Account {
    pub(crate) enforcement: Enforcement,
    /// By lower-case name: role names compare without case.
    pub(crate) roles: BTreeMap<String, Role>,
    pub(crate) users: BTreeMap<String, Principal>,
    pub(crate) groups: BTreeMap<String, Principal>,
    /// By type and name.
    pub(crate) policies: BTreeMap<(String, String), Policy>,
    pub(crate) password_policy: Value,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Role {
    pub(crate) name: String,
    pub(crate) trust: Value,
    pub(crate) max_session: i64,
    pub(crate) of: Principal,
}

/// What can have policies.
#[derive(Clone, Debug, Default)]
pub(crate) struct Principal {
    /// Policies attached, by type and name.
    pub(crate) attached: Vec<(String, String)>,
    /// Documents of its own.
    pub(crate) inline: Vec<Value>,
    pub(crate) groups: Vec<String>,
    pub(crate) login: Value,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Policy {
    pub(crate) document: Value,
    pub(crate) version: u32,
    pub(crate) description: String,
}

/// CHOICE: longest session of a role, in seconds, when nothing is said.
pub(crate) const MAX_SESSION: i64 = 3600;

pub(crate) fn allow_all() -> Value {
    let statement = params! { "Effect" => "Allow", "Action" => "*", "Resource" => "*" };
    params! { "Version" => "1", "Statement" => vec![statement] }
}

/// A trust policy for a service.
pub(crate) fn trust_service(service: &str) -> Value {
    trust(params! { "Service" => [service] })
}

fn trust(principal: Value) -> Value {
    let statement = params! { "Effect" => "Allow", "Action" => "sts:AssumeRole", "Principal" => principal };
    params! { "Version" => "1", "Statement" => vec![statement] }
}

impl Account {
    fn fresh() -> Self {
        let role = |name: &str| Role {
            name: name.to_owned(),
            trust: trust_service(OOS),
            max_session: MAX_SESSION,
            of: Principal { inline: vec![allow_all()], ..Principal::default() },
        };
        let mut account = Self::default();
        for name in SERVICE_ROLES {
            account.roles.insert(name.to_lowercase(), role(name));
        }
        let system = [("AdministratorAccess", allow_all())];
        for (name, document) in system {
            let policy = Policy { document, version: 1, description: String::new() };
            account.policies.insert(("System".to_owned(), name.to_owned()), policy);
        }
        account
    }

    /// The documents of a principal: its own, those attached, those of its groups.
    pub(crate) fn documents(&self, of: &Principal) -> Vec<Value> {
        let mut out = of.inline.clone();
        out.extend(of.attached.iter().filter_map(|key| self.policies.get(key)).map(|p| p.document.clone()));
        out.extend(of.groups.iter().filter_map(|g| self.groups.get(g)).flat_map(|g| self.documents(g)));
        out
    }
}

impl Ram {
    pub(crate) fn account(&mut self, id: &str) -> &mut Account {
        self.accounts.entry(id.to_owned()).or_insert_with(Account::fresh)
    }
}

/// RAM as a test sees it, in one account.
#[derive(Clone, Debug)]
pub struct RamSetup {
    cloud: FakeCloud,
    account: String,
}

impl RamSetup {
    pub(crate) fn new(cloud: FakeCloud) -> Self {
        Self { cloud, account: ACCOUNT.to_owned() }
    }

    /// The same for another account.
    pub fn in_account(&self, id: &str) -> Self {
        Self { cloud: self.cloud.clone(), account: id.to_owned() }
    }

    fn with<T>(&self, f: impl FnOnce(&mut Account) -> T) -> T {
        self.cloud.with(|state| f(state.ram.account(&self.account)))
    }

    /// Says how policies are applied from now on.
    pub fn enforce(&self, enforcement: Enforcement) {
        self.with(|account| account.enforcement = enforcement);
    }

    /// A role in the making.
    pub fn role(&self, name: &str) -> NewPrincipal {
        NewPrincipal::new(self.clone(), name, true)
    }

    /// A user in the making.
    pub fn user(&self, name: &str) -> NewPrincipal {
        NewPrincipal::new(self.clone(), name, false)
    }

    /// Makes a custom policy.
    ///
    /// # Panics
    /// When the document is no JSON.
    #[track_caller]
    pub fn policy(&self, name: &str, document: &str) {
        let policy = Policy { document: parse(document), version: 1, description: String::new() };
        self.with(|account| account.policies.insert(("Custom".to_owned(), name.to_owned()), policy));
    }

    /// Calls without a role are made as this user from now on, instead of as root.
    pub fn call_as_user(&self, name: &str) {
        self.cloud.with(|state| name.clone_into(&mut state.ram.user));
    }

    /// Names of the roles, ordered.
    pub fn roles(&self) -> Vec<String> {
        self.with(|account| account.roles.values().map(|r| r.name.clone()).collect())
    }

    /// Names of the policies attached to a role or, with `user/` before it, to a user.
    pub fn attached_to(&self, name: &str) -> Vec<String> {
        self.with(|account| {
            let of = match name.strip_prefix("user/") {
                Some(user) => account.users.get(user),
                None => account.roles.get(&name.to_lowercase()).map(|r| &r.of),
            };
            of.map(|p| p.attached.iter().map(|(_, name)| name.clone()).collect()).unwrap_or_default()
        })
    }

    /// The password policy and the like that setters stored.
    pub fn password_policy(&self) -> Value {
        self.with(|account| account.password_policy.clone())
    }
}

#[track_caller]
fn parse(document: &str) -> Value {
    Value::from_json_str(document).unwrap_or_else(|e| fail(&format!("the policy is no JSON: {e}")))
}

/// A role or user in the making; `create` makes it.
#[derive(Clone, Debug)]
#[must_use = "say `create()`"]
pub struct NewPrincipal {
    ram: RamSetup,
    name: String,
    is_role: bool,
    role: Role,
}

impl NewPrincipal {
    fn new(ram: RamSetup, name: &str, is_role: bool) -> Self {
        let role = Role { name: name.to_owned(), max_session: MAX_SESSION, ..Role::default() };
        Self { ram, name: name.to_owned(), is_role, role }
    }

    /// OOS may assume it.
    pub fn trusts_oos(mut self) -> Self {
        self.role.trust = trust_service(OOS);
        self
    }

    /// An account, and so its roles, may assume it.
    pub fn trusts_account(mut self, id: &str) -> Self {
        self.role.trust = trust(params! { "RAM" => [format!("acs:ram::{id}:root")] });
        self
    }

    /// With a policy document of its own.
    ///
    /// # Panics
    /// When the document is no JSON.
    #[track_caller]
    pub fn policy(mut self, document: &str) -> Self {
        self.role.of.inline.push(parse(document));
        self
    }

    /// With a policy that exists in the account, by name.
    pub fn attach(mut self, policy: &str) -> Self {
        let kind = if policy == "AdministratorAccess" { "System" } else { "Custom" };
        self.role.of.attached.push((kind.to_owned(), policy.to_owned()));
        self
    }

    /// It may do everything.
    pub fn allow_all(mut self) -> Self {
        self.role.of.inline.push(allow_all());
        self
    }

    /// Longest session in seconds.
    pub fn max_session(mut self, seconds: i64) -> Self {
        self.role.max_session = seconds;
        self
    }

    /// Makes it.
    pub fn create(self) {
        let Self { ram, name, is_role, role } = self;
        ram.with(|account| {
            if is_role {
                account.roles.insert(name.to_lowercase(), role);
            } else {
                account.users.insert(name, role.of);
            }
        });
    }
}
