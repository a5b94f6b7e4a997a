//! Scaling groups (ESS) in the shape of 2014-08-28; and how a test sets them up and lets them scale.

mod activity;
mod config;
mod group;
mod hook;
mod member;

use std::sync::Arc;

use oos_core::{Map, Value, params};

pub use self::hook::HookRun;
use super::{
    FakeCloud,
    api::Api,
    declared,
    ecs::make::{self, Spec, map},
    state::State,
};

/// The operations of ESS.
pub(crate) const TABLES: &[&[Api]] =
    &[config::APIS, group::APIS, member::APIS, activity::APIS, hook::APIS, declared::SCHEDULE_APIS];

pub(crate) const GROUP: &str = "ESS::Group";
pub(crate) const MEMBER: &str = "ESS::Member";
const UNKNOWN: &str = "InvalidScalingGroupId.NotFound";

/// Ids of the members of a group, ordered.
fn members(state: &State, group: &str) -> Vec<Arc<str>> {
    state.store.ids_by(MEMBER, "ScalingGroupId", group)
}

/// Makes instances that belong to a group, in a life-cycle state.
fn add_members(state: &mut State, group: &str, count: usize, lifecycle: &str) -> Vec<Arc<str>> {
    let Some(g) = state.store.get(GROUP, group) else { return Vec::new() };
    let (region, config) = (g.region.to_string(), g.text("ActiveScalingConfigurationId"));
    let of = state.store.get(config::KIND, &config);
    let spec = Spec {
        image: of.map(|c| c.str("ImageId").to_owned()).filter(|i| !i.is_empty()),
        instance_type: of.map_or_else(|| Spec::default().instance_type, |c| c.str("InstanceType").to_owned()),
        name: format!("ESS-{group}"),
        ..Spec::default()
    };
    let ids: Vec<Arc<str>> = (0..count).map(|_| make::make(state, &region, spec.clone())).collect();
    ids.iter().for_each(|id| enrol(state, group, id, lifecycle, "AutoCreated"));
    ids
}

/// Writes an instance into a group.
fn enrol(state: &mut State, group: &str, id: &Arc<str>, lifecycle: &str, how: &str) {
    let region = state.store.get(GROUP, group).map_or_else(String::new, |g| g.region.to_string());
    let data = params! {
        "InstanceId" => Arc::clone(id), "ScalingGroupId" => group, "LifecycleState" => lifecycle, "HealthStatus" => "Healthy",
        "CreationType" => how, "ScalingConfigurationId" => state.store.get(GROUP, group).map(|g| g.text("ActiveScalingConfigurationId")),
        "CreationTime" => state.now.to_iso(), "WarmupState" => "NoNeedWarmup", "Entrusted" => false,
    };
    // A member has the id of its instance; both are found by kind and id.
    state.add(MEMBER, Arc::clone(id), &region, map(&data));
}

/// Takes members out of a group; instances that the group made are deleted.
fn drop_members(state: &mut State, ids: &[Arc<str>]) {
    for id in ids {
        let Some(member) = state.store.remove(MEMBER, id) else { continue };
        if member.str("CreationType") == "AutoCreated" {
            super::ecs::instance::remove(state, id);
        }
    }
}

/// A scaling group in the making.
#[derive(Clone, Debug)]
#[must_use = "say `create()`"]
pub struct NewGroup {
    cloud: FakeCloud,
    members: usize,
    min: i64,
    max: i64,
    name: String,
    config: Map,
    template: Option<String>,
    balancers: Vec<String>,
}

impl NewGroup {
    pub(crate) fn new(cloud: FakeCloud) -> Self {
        Self {
            cloud,
            members: 0,
            min: 0,
            max: 10,
            name: String::new(),
            config: Map::new(),
            template: None,
            balancers: Vec::new(),
        }
    }

    /// With that many members in service.
    pub fn members(mut self, count: usize) -> Self {
        self.members = count;
        self
    }

    /// `MinSize`.
    pub fn min(mut self, count: i64) -> Self {
        self.min = count;
        self
    }

    /// `MaxSize`.
    pub fn max(mut self, count: i64) -> Self {
        self.max = count;
        self
    }

    /// The name.
    pub fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// A member of the active scaling configuration, in the shape of the wire.
    pub fn config(mut self, member: &str, value: impl Into<Value>) -> Self {
        self.config.insert(member, value);
        self
    }

    /// Made from a launch template instead of a scaling configuration.
    pub fn launch_template(mut self, id: &str) -> Self {
        self.template = Some(id.to_owned());
        self
    }

    /// Behind a load balancer or VServer group.
    pub fn behind(mut self, balancer: &str) -> Self {
        self.balancers.push(balancer.to_owned());
        self
    }

    /// Makes it and gives its id.
    pub fn create(self) -> String {
        let Self { cloud, members, min, max, name, config, template, balancers } = self;
        cloud.with(|state| {
            let region = state.region.to_string();
            let id = state.ids.next("asg-", &region);
            let config_id = if template.is_none() { config::add(state, &region, &id, config) } else { String::new() };
            let vswitch = make::network(state, &region, None, None).vswitch;
            let mut data = map(&params! {
                "ScalingGroupId" => id.as_str(), "ScalingGroupName" => if name.is_empty() { id.as_str() } else { &name },
                "LifecycleState" => "Active", "MinSize" => min, "MaxSize" => max, "DefaultCooldown" => 300, "RegionId" => region.as_str(),
                "ActiveScalingConfigurationId" => config_id, "HealthCheckType" => "ECS",
                "VSwitchId" => Arc::clone(&vswitch), "VSwitchIds" => params! { "VSwitchId" => [vswitch] }, "_balancers" => balancers,
                "CreationTime" => state.now.to_iso(), "_suspended" => Value::empty_list(),
            });
            // Templates tell by the lack of the member that a group has no launch template.
            if let Some(template) = template {
                data.insert("LaunchTemplateId", template);
                data.insert("LaunchTemplateVersion", "Default");
            }
            state.add(GROUP, id.as_str(), &region, data);
            add_members(state, &id, members, "InService");
            id
        })
    }
}

/// A scaling group as a test sees it.
#[derive(Clone, Debug)]
pub struct Group {
    cloud: FakeCloud,
    id: String,
}

impl Group {
    pub(crate) fn new(cloud: FakeCloud, id: &str) -> Self {
        Self { cloud, id: id.to_owned() }
    }

    /// Ids of its members, ordered.
    pub fn members(&self) -> Vec<String> {
        self.cloud.with(|s| members(s, &self.id).iter().map(ToString::to_string).collect())
    }

    /// Life-cycle states of its members, in the order of their ids.
    pub fn states(&self) -> Vec<String> {
        self.cloud.with(|s| {
            members(s, &self.id)
                .iter()
                .filter_map(|id| s.store.get(MEMBER, id))
                .map(|r| r.str("LifecycleState").to_owned())
                .collect()
        })
    }

    /// Puts an instance into the group, as `Attached`.
    pub fn attach(&self, instance: &str) {
        self.cloud.with(|s| enrol(s, &self.id, &instance.into(), "InService", "Attached"));
    }

    /// Processes that are suspended.
    pub fn suspended(&self) -> Vec<String> {
        self.cloud.with(|s| {
            let list = s.store.get(GROUP, &self.id).map(|r| r.list("_suspended")).unwrap_or_default();
            list.iter().map(ToString::to_string).collect()
        })
    }

    /// Sets the state of the group, `Active` or `Inactive`.
    pub fn set_state(&self, lifecycle: &str) {
        self.cloud.with(|s| s.set_status(GROUP, &self.id, lifecycle));
    }

    /// Id of the active scaling configuration.
    pub fn configuration(&self) -> String {
        self.cloud.with(|s| {
            s.store.get(GROUP, &self.id).map_or_else(String::new, |r| r.str("ActiveScalingConfigurationId").to_owned())
        })
    }

    /// Makes a life-cycle hook for `SCALE_OUT` or `SCALE_IN` that runs an OOS template; gives its id. Texts such as
    /// `${instanceIds}` in the parameters are filled in when it runs.
    pub fn hook(&self, transition: &str, template: &str, parameters: impl Into<Value>) -> String {
        let parameters = parameters.into();
        self.cloud.with(|s| hook::add(s, &self.id, transition, template, &parameters))
    }

    /// The group grows by that many instances: with hooks they are held in `Pending:Wait` until every token is
    /// completed, without they are in service at once. Gives what the hooks want to run.
    pub fn scale_out(&self, count: usize) -> Vec<HookRun> {
        self.cloud.with(|s| hook::scale_out(s, &self.id, count))
    }

    /// The group gives up these members; the counterpart of [`scale_out`](Self::scale_out).
    pub fn scale_in<S: AsRef<str>>(&self, ids: &[S]) -> Vec<HookRun> {
        let ids: Vec<Arc<str>> = ids.iter().map(|id| Arc::from(id.as_ref())).collect();
        self.cloud.with(|s| hook::scale_in(s, &self.id, &ids))
    }

    /// How a token was completed: `CONTINUE`, `ABANDON`, `ROLLBACK`; `None` while it waits.
    pub fn result_of(&self, token: &str) -> Option<String> {
        self.cloud.with(|s| {
            let result = s.store.get(hook::ACTION, token)?.str("_result").to_owned();
            (!result.is_empty()).then_some(result)
        })
    }
}
