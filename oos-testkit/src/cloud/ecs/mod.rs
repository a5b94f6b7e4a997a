//! ECS: instances, disks, images, snapshots, network interfaces, Cloud Assistant; and how a test sets them up.

pub mod assistant;
mod batch;
mod build;
pub(crate) mod disk;
pub(crate) mod image;
mod info;
pub(crate) mod instance;
pub(crate) mod interface;
pub(crate) mod launch;
pub(crate) mod make;
pub(crate) mod modify;
mod setup;
pub(crate) mod snapshot;
pub(crate) mod tags;

use std::fmt;

pub use build::{Many, NewInstance, One, by_ids, by_tag};
use oos_core::{Map, Value};

use super::{FakeCloud, Transitions, api::Api, declared, store::Key, transition::nothing, vpc};

/// The operations of ECS. Addresses and networks are those of VPC.
pub(crate) const TABLES: &[&[Api]] = &[
    instance::APIS,
    batch::APIS,
    modify::APIS,
    disk::APIS,
    snapshot::APIS,
    image::APIS,
    interface::APIS,
    launch::APIS,
    info::APIS,
    assistant::APIS,
    tags::APIS,
    vpc::address::APIS,
    vpc::address::ECS_APIS,
    vpc::network::APIS,
    declared::DEPLOYMENT_APIS,
];

/// CHOICE: ids that count as regions, beside those in which a test has put something. Lists show fewer.
const REGIONS: &[&str] = &[
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "cn-beijing",
    "cn-beijing-finance-1",
    "cn-chengdu",
    "cn-fuzhou",
    "cn-guangzhou",
    "cn-hangzhou",
    "cn-hangzhou-finance",
    "cn-heyuan",
    "cn-hongkong",
    "cn-huhehaote",
    "cn-nanjing",
    "cn-north-2-gov-1",
    "cn-qingdao",
    "cn-shanghai",
    "cn-shanghai-finance-1",
    "cn-shenzhen",
    "cn-shenzhen-finance-1",
    "cn-wuhan-lr",
    "cn-wulanchabu",
    "cn-zhangjiakou",
    "cn-zhengzhou-jva",
    "eu-central-1",
    "eu-west-1",
    "me-central-1",
    "me-east-1",
    "na-south-1",
    "us-east-1",
    "us-west-1",
];

/// True for the regions of the cloud.
pub(crate) fn is_region(id: &str) -> bool {
    REGIONS.contains(&id)
}

/// States of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the product's own words")]
pub enum InstanceStatus {
    Pending,
    Starting,
    Running,
    Stopping,
    Stopped,
}

impl InstanceStatus {
    /// The word of the product.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Starting => "Starting",
            Self::Running => "Running",
            Self::Stopping => "Stopping",
            Self::Stopped => "Stopped",
        }
    }
}

impl AsRef<str> for InstanceStatus {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for InstanceStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// ECS as a test sees it. Setting up never passes RAM and is not recorded as a call.
#[derive(Clone, Debug)]
pub struct Ecs {
    cloud: FakeCloud,
}

impl Ecs {
    pub(crate) fn new(cloud: FakeCloud) -> Self {
        Self { cloud }
    }

    /// One instance in the making.
    pub fn instance(&self) -> NewInstance<One> {
        NewInstance::new(self.cloud.clone(), 1)
    }

    /// Several instances in the making.
    pub fn instances(&self, count: usize) -> NewInstance<Many> {
        NewInstance::new(self.cloud.clone(), count)
    }

    /// Puts an instance into a state at once; what was under way is void. `Starting` and `Stopping` go on to their
    /// end, as after the call that leads to them.
    pub fn set_status(&self, id: &str, status: impl AsRef<str>) {
        self.cloud.with(|state| {
            state.next_generation(&Key::new("ECS::Instance", id));
            match status.as_ref() {
                "Starting" => state.transit("ECS::Instance", id, "start", nothing()),
                "Stopping" => state.transit("ECS::Instance", id, "stop", nothing()),
                status => state.set_status("ECS::Instance", id, status),
            }
        });
    }

    /// The state of an instance; empty when it does not exist.
    pub fn status(&self, id: &str) -> String {
        self.cloud.with(|s| s.store.get("ECS::Instance", id).map_or_else(String::new, |r| r.str("Status").to_owned()))
    }

    /// Several instances, to ask about.
    pub fn all<S: AsRef<str>>(&self, ids: &[S]) -> Fleet {
        Fleet { cloud: self.cloud.clone(), ids: ids.iter().map(|id| id.as_ref().to_owned()).collect() }
    }

    /// True when none of the instances exists.
    pub fn gone<S: AsRef<str>>(&self, ids: &[S]) -> bool {
        self.cloud.with(|s| ids.iter().all(|id| s.store.get("ECS::Instance", id.as_ref()).is_none()))
    }

    /// Ids of all instances of all regions, ordered.
    pub fn ids(&self) -> Vec<String> {
        self.cloud.with(|s| s.store.all("ECS::Instance").map(|r| r.id.to_string()).collect())
    }

    /// Bends one event of one instance: `run`, `start`, `stop`, `force_stop`, `reboot`, `delete`.
    pub fn transition(&self, id: &str, event: &str) -> Transitions {
        Transitions::new(self.cloud.clone(), Some("ECS::Instance"), Some(id)).on(event)
    }

    /// The instance as `DescribeInstances` shows it; null when it does not exist.
    pub fn describe(&self, id: &str) -> Value {
        self.cloud.with(|s| s.store.get("ECS::Instance", id).map_or(Value::Null, instance::view))
    }

    /// The tags of any resource, as a map.
    pub fn tags(&self, id: &str) -> Value {
        self.cloud.with(|s| {
            let tags = s.store.by_id(id).map(|(_, r)| r.tags.clone()).unwrap_or_default();
            Value::from(tags.into_iter().collect::<Map>())
        })
    }

    /// Changes members of an instance, or of another resource, in the shape of the wire.
    pub fn set(&self, id: &str, members: impl Into<Value>) {
        let members = members.into();
        self.cloud.with(|s| {
            let kind = s.store.by_id(id).map(|(kind, _)| kind);
            if let Some(resource) = kind.and_then(|kind| s.store.get_mut(kind, id)) {
                members.as_map().into_iter().flat_map(Map::iter).for_each(|(k, v)| resource.set(k, v.clone()));
            }
        });
    }
}

/// Several instances, to ask about.
#[derive(Clone, Debug)]
pub struct Fleet {
    cloud: FakeCloud,
    ids: Vec<String>,
}

impl Fleet {
    /// True when all of them exist and are in that state.
    pub fn are(&self, status: impl AsRef<str>) -> bool {
        self.statuses().iter().all(|s| s == status.as_ref())
    }

    /// Their states, in order.
    pub fn statuses(&self) -> Vec<String> {
        self.ids.iter().map(|id| self.cloud.ecs().status(id)).collect()
    }
}
