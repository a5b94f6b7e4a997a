//! The doors of the fake cloud to its products, for setting up and for looking.

use oos_core::Value;

use super::{FakeCloud, cs, database, ecd, ecs, ess, fc, oos, oss, ram, ros, slb, small, vpc};
use crate::calls::fail;

/// Kinds that a test can put there as they are.
const PUT_KINDS: &[&str] = &[
    "BSS::Order",
    "ECI::ContainerGroup",
    "CloudAPI::Api",
    "CloudAPI::Group",
    "CloudAPI::Instance",
    "ComputeNest::ServiceInstance",
    "ResourceSharing::SharedResource",
    "CR::Instance",
    "KMS::Key",
    "SAS::Machine",
    "SAS::Result",
    "CDN::Domain",
    "ENS::Instance",
    "ENS::Disk",
    "HBR::HanaBackup",
    "HBR::Client",
    "ECS::SystemEvent",
    "CMS::Metric",
    "ALB::LoadBalancer",
    "ServerGroup",
];

impl FakeCloud {
    /// Works on ECS.
    pub fn ecs(&self) -> ecs::Ecs {
        ecs::Ecs::new(self.clone())
    }

    /// Works on RAM, in the account of the cloud.
    pub fn ram(&self) -> ram::RamSetup {
        ram::RamSetup::new(self.clone())
    }

    /// Works on load balancers.
    pub fn slb(&self) -> slb::Slb {
        slb::Slb::new(self.clone())
    }

    /// A scaling group in the making.
    pub fn scaling_group(&self) -> ess::NewGroup {
        ess::NewGroup::new(self.clone())
    }

    /// Works on a scaling group, by its id.
    pub fn ess(&self, group: &str) -> ess::Group {
        ess::Group::new(self.clone(), group)
    }

    /// The executions that life-cycle hooks wanted to run since the last time, oldest first.
    pub fn take_hook_runs(&self) -> Vec<ess::HookRun> {
        self.with(|state| std::mem::take(&mut state.hook_runs))
    }

    /// Works on stacks.
    pub fn ros(&self) -> ros::RosSetup {
        ros::RosSetup::new(self.clone())
    }

    /// Scripts functions of function compute.
    pub fn fc(&self) -> fc::Functions {
        fc::Functions::new(self.clone())
    }

    /// Works on RDS.
    pub fn rds(&self) -> database::Databases {
        database::Databases::new(self.clone(), "RDS::Instance")
    }

    /// Works on Redis.
    pub fn redis(&self) -> database::Databases {
        database::Databases::new(self.clone(), "Redis::Instance")
    }

    /// Works on PolarDB.
    pub fn polardb(&self) -> database::Databases {
        database::Databases::new(self.clone(), "PolarDB::Cluster")
    }

    /// Works on AnalyticDB.
    pub fn adb(&self) -> database::Databases {
        database::Databases::new(self.clone(), "ADB::Cluster")
    }

    /// Works on MongoDB.
    pub fn dds(&self) -> database::Databases {
        database::Databases::new(self.clone(), "DDS::Instance")
    }

    /// Works on cloud desktops.
    pub fn ecd(&self) -> ecd::Desktops {
        ecd::Desktops::new(self.clone())
    }

    /// Works on object storage.
    pub fn oss(&self) -> oss::Oss {
        oss::Oss::new(self.clone())
    }

    /// Works on orders.
    pub fn bss(&self) -> small::Orders {
        small::Orders::new(self.clone())
    }

    /// Works on Kubernetes clusters.
    pub fn cs(&self) -> cs::Clusters {
        cs::Clusters::new(self.clone())
    }

    /// Works on the parameter store and what else OOS keeps.
    pub fn oos(&self) -> oos::OosSetup {
        oos::OosSetup::new(self.clone())
    }

    /// Puts a resource there, in the shape of the wire; one of that id is replaced. For services without a builder:
    /// `BSS::Order`, `ECI::ContainerGroup`, `CloudAPI::Api`, `CloudAPI::Group`, `ComputeNest::ServiceInstance`,
    /// `ResourceSharing::SharedResource`, `CR::Instance`, `KMS::Key`, `SAS::Machine`, `SAS::Result`, `CDN::Domain`,
    /// `ENS::Instance`, `ENS::Disk`, `HBR::HanaBackup`, `HBR::Client`.
    ///
    /// # Panics
    /// When the fake has no such kind.
    #[track_caller]
    pub fn put(&self, kind: &str, id: &str, members: impl Into<Value>) {
        let Some(kind) = PUT_KINDS.iter().find(|k| **k == kind) else {
            fail(&format!("`{kind}` cannot be put; kinds: {}", PUT_KINDS.join(", ")))
        };
        let members = ecs::make::map(&members.into());
        self.with(|state| {
            let region = state.region.to_string();
            state.add(kind, id, &region, members);
        });
    }

    /// A member of a resource of any service, in the shape of the wire; null when it is not there.
    pub fn get(&self, id: &str, member: &str) -> Value {
        self.ecs().get(id, member)
    }

    /// Adds an entry to the resource centre whose resource does not exist any more.
    pub fn ghost_resource(&self, id: &str, resource_type: &str, region: &str) {
        let data = oos_core::params! { "ResourceId" => id, "ResourceType" => resource_type, "RegionId" => region };
        self.with(|state| state.add("ResourceCenter::Entry", format!("ghost/{id}"), "", ecs::make::map(&data)));
    }

    /// The resource centre knows resources of these types only, e.g. `ACS::ECS::Instance`: a real one is told by each
    /// product, and not by all.
    pub fn centre_knows(&self, types: &[&str]) {
        self.with(|state| state.centre_types = Some(types.iter().map(|&t| t.to_owned()).collect()));
    }

    /// Works on VPC.
    pub fn vpc(&self) -> vpc::Vpc {
        vpc::Vpc::new(self.clone())
    }

    /// Scripts commands of Cloud Assistant.
    pub fn assistant(&self) -> ecs::assistant::Scripts {
        ecs::assistant::Scripts::new(self.clone())
    }
}

/// Kinds that [`FakeCloud::put`] takes.
pub(crate) fn kinds_to_put() -> &'static [&'static str] {
    PUT_KINDS
}
