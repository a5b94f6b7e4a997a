//! Databases: RDS, Redis, and the settings of the others; and how a test sets them up.

mod other;
mod rds;
mod redis;

use std::sync::Arc;

use oos_core::{Map, Value, params, ports::ApiError};

use super::{
    FakeCloud, Transitions,
    api::Api,
    ecs::make::map,
    error::error,
    params::Params,
    state::State,
    store::{Key, Kind, Resource},
};

pub(crate) const RDS_TABLES: &[&[Api]] = &[rds::APIS, rds::DATA_APIS];
pub(crate) const REDIS_TABLES: &[&[Api]] = &[redis::APIS];
pub(crate) const POLARDB_TABLES: &[&[Api]] = &[other::POLARDB_APIS];
pub(crate) const ADB_TABLES: &[&[Api]] = &[other::ADB_APIS];
pub(crate) const DDS_TABLES: &[&[Api]] = &[other::DDS_APIS];

/// What a fresh instance of a product looks like: its members by id and region.
type Fresh = fn(&State, &str, &str) -> Map;

/// The group of addresses that every database has.
const DEFAULT_GROUP: &str = "default";

fn groups(r: &Resource) -> Map {
    r.data.get("_ips").and_then(Value::as_map).cloned().unwrap_or_default()
}

fn fresh_groups() -> Value {
    params! { DEFAULT_GROUP => "127.0.0.1" }
}

/// Changes a group of addresses: Cover (default), Append, Delete; AppendDup appends without a check.
fn change_group(r: &mut Resource, p: &Params, name: &str, group: Option<Arc<str>>) -> Result<(), ApiError> {
    let group = group.unwrap_or_else(|| DEFAULT_GROUP.into());
    let given = p.comma(name);
    if given.is_empty() || given.iter().any(|ip| !ip.starts_with(|c: char| c.is_ascii_hexdigit() || c == ':')) {
        return Err(error("InvalidSecurityIPList.Format"));
    }
    let mut groups = groups(r);
    let old = groups.get(&group).map(Value::to_text).unwrap_or_default();
    let mut list: Vec<Arc<str>> = old.split(',').filter(|t| !t.is_empty()).map(Arc::from).collect();
    match &*p.text("ModifyMode").to_ascii_lowercase() {
        "append" | "1" => {
            // The address that only holds the place goes when a real one comes.
            list.retain(|ip| &**ip != "127.0.0.1");
            list.extend(given.iter().filter(|ip| !list.contains(ip)).cloned().collect::<Vec<_>>());
        }
        "appenddup" => list.extend(given),
        "delete" | "2" => list.retain(|ip| !given.contains(ip)),
        _ => list = given,
    }
    let texts: Vec<String> = list.iter().map(ToString::to_string).collect();
    groups.insert(group, texts.join(","));
    r.set("_ips", groups);
    Ok(())
}

/// Databases as a test sees them.
#[derive(Clone, Debug)]
pub struct Databases {
    cloud: FakeCloud,
    kind: Kind,
}

impl Databases {
    pub(crate) fn new(cloud: FakeCloud, kind: Kind) -> Self {
        Self { cloud, kind }
    }

    /// Makes an instance or cluster that is running; gives its id.
    pub fn create(&self) -> String {
        self.cloud.with(|state| {
            let region = state.region.to_string();
            let (prefix, data): (&str, Fresh) = match self.kind {
                rds::KIND => ("rm-", rds::data),
                redis::KIND => ("r-", redis::data),
                "PolarDB::Cluster" => ("pc-", other::data),
                "ADB::Cluster" => ("am-", other::data),
                _ => ("dds-", other::data),
            };
            let id = state.ids.next(prefix, &region);
            let members = data(state, &id, &region);
            state.add(self.kind, id, &region, members).to_string()
        })
    }

    /// Puts an instance into a state at once.
    pub fn set_status(&self, id: &str, status: &str) {
        self.cloud.with(|state| {
            state.next_generation(&Key::new(self.kind, id));
            state.set_status(self.kind, id, status);
        });
    }

    /// The state; empty when it does not exist.
    pub fn status(&self, id: &str) -> String {
        let field = super::transition::status_field(self.kind);
        self.cloud.with(|state| state.store.get(self.kind, id).map_or_else(String::new, |r| r.str(field).to_owned()))
    }

    /// The addresses of a group of its whitelist.
    pub fn whitelist(&self, id: &str, group: &str) -> Vec<String> {
        self.cloud.with(|state| {
            let text = state.store.get(self.kind, id).map(groups).and_then(|g| g.get(group).map(Value::to_text));
            text.unwrap_or_default().split(',').filter(|t| !t.is_empty()).map(str::to_owned).collect()
        })
    }

    /// Bends one event of one instance.
    pub fn transition(&self, id: &str, event: &str) -> Transitions {
        Transitions::new(self.cloud.clone(), Some(self.kind), Some(id)).on(event)
    }

    /// Sets members in the shape of the wire.
    pub fn set(&self, id: &str, members: impl Into<Value>) {
        let members = map(&members.into());
        self.cloud
            .with(|state| state.store.get_mut(self.kind, id).into_iter().for_each(|r| r.data.extend(members.clone())));
    }

    /// A member in the shape of the wire.
    pub fn get(&self, id: &str, member: &str) -> Value {
        self.cloud
            .with(|state| state.store.get(self.kind, id).and_then(|r| r.data.get(member).cloned()).unwrap_or_default())
    }
}
