//! How a test makes what is not an instance: disks, images, snapshots, key pairs, launch templates, prices, quotas.

use oos_core::{Map, Value, params};

use super::{
    Ecs, disk, image,
    make::{self, Disk, map},
    modify, snapshot,
};
use crate::cloud::params::tags_of;

impl Ecs {
    /// Ids of the disks of an instance, the system disk first.
    pub fn disks_of(&self, instance: &str) -> Vec<String> {
        self.cloud.with(|s| {
            let mut disks: Vec<_> = s.store.with(disk::KIND, "InstanceId", instance).collect();
            disks.sort_by_key(|r| (r.str("Type") != "system", r.text("Device")));
            disks.iter().map(|r| r.id.to_string()).collect()
        })
    }

    /// Ids of all resources of a kind, e.g. `ECS::Snapshot`, in all regions, ordered.
    pub fn ids_of(&self, kind: &str) -> Vec<String> {
        self.cloud.with(|s| s.store.all(kind).map(|r| r.id.to_string()).collect())
    }

    /// A member of any resource, in the shape of the wire; null when it is not there.
    pub fn get(&self, id: &str, member: &str) -> Value {
        self.cloud.with(|s| {
            let found = s.store.by_id(id);
            found.and_then(|(_, r)| r.data.get(member).cloned()).unwrap_or_default()
        })
    }

    /// Makes a disk that is attached to nothing, in a zone of the default region; gives its id.
    pub fn disk(&self, zone: &str, size: i64) -> String {
        self.cloud.here(|state, region| {
            make::add_disk(state, region, zone, None, &Disk { size, ..Disk::data() }, "").to_string()
        })
    }

    /// Makes an image that is Available; gives its id.
    pub fn image(&self, name: &str) -> String {
        self.cloud.here(|state, region| {
            let id = state.ids.next("m-", region);
            image::add(state, region, &id, name, name.to_ascii_lowercase().starts_with("win"));
            id
        })
    }

    /// Makes a snapshot of a disk that is accomplished; gives its id.
    pub fn snapshot(&self, disk_id: &str, name: &str) -> String {
        self.cloud.here(|state, region| {
            let id = snapshot::add(state, region, disk_id, name);
            state.next_generation(&crate::cloud::store::Key::new(snapshot::KIND, id.clone()));
            state.set_status(snapshot::KIND, &id, "accomplished");
            id.to_string()
        })
    }

    /// Makes a key pair of that name.
    pub fn key_pair(&self, name: &str) {
        self.cloud.here(|state, region| modify::add_key_pair(state, region, name));
    }

    /// Makes an automatic snapshot policy; gives its id.
    pub fn auto_snapshot_policy(&self) -> String {
        self.cloud.here(|state, region| {
            let id = state.ids.next("sp-", region);
            snapshot::add_policy(state, region, &id, "[\"1\"]");
            id
        })
    }

    /// Makes a launch template; each map is one version, in the names of CreateLaunchTemplateVersion. The last one
    /// becomes the default version. Gives the id.
    pub fn launch_template<V: Into<Value>>(&self, name: &str, versions: impl IntoIterator<Item = V>) -> String {
        let versions: Vec<Map> = versions.into_iter().map(|v| map(&v.into())).collect();
        self.cloud.here(|state, region| {
            let id = super::launch::add(state, region, name, versions.first().unwrap_or(&Map::new()));
            let now = state.now.to_iso();
            if let Some(r) = state.store.get_mut("ECS::LaunchTemplate", &id) {
                versions.iter().skip(1).for_each(|v| {
                    super::launch::add_version(r, v, "", &now);
                });
                let last = r.int("LatestVersionNumber");
                r.set("DefaultVersionNumber", last);
            }
            id.to_string()
        })
    }

    /// Makes a managed instance, i.e. a machine outside ECS; gives its id.
    pub fn managed_instance(&self, name: &str, os_type: &str) -> String {
        self.cloud.here(|state, region| {
            let id = state.ids.next("mi-", region);
            let data = params! {
                "InstanceId" => id.as_str(), "InstanceName" => name, "OsType" => os_type, "Connected" => true,
                "OsVersion" => "", "InternetIp" => "", "IntranetIp" => "", "Hostname" => name,
            };
            state.add("ECS::ManagedInstance", id, region, map(&data)).to_string()
        })
    }

    /// Adds tags to any resource.
    pub fn tag(&self, id: &str, tags: impl Into<Value>) {
        let tags = tags_of(&tags.into());
        self.cloud.with(|s| {
            let kind = s.store.by_id(id).map(|(kind, _)| kind);
            if let Some(r) = kind.and_then(|kind| s.store.get_mut(kind, id)) {
                r.tags.extend(tags);
            }
        });
    }

    /// Nothing of an instance type, disk category or zone is left.
    pub fn sell_out(&self, name: &str) {
        self.cloud.here(|state, _| state.add("ECS::SoldOut", name, "", Map::new()));
    }

    /// The part of the full price that a spot instance of that type costs.
    pub fn spot_discount(&self, instance_type: &str, part: f64) {
        self.cloud
            .here(|state, _| state.add("ECS::SpotDiscount", instance_type, "", map(&params! { "Value" => part })));
    }

    /// Sets a value of DescribeAccountAttributes, e.g. `used-postpaid-instance-vcpu-count`; of a list its n-th item.
    pub fn account_attribute(&self, name: &str, n: usize, value: &str) {
        self.cloud.here(|state, _| {
            state.add("ECS::AccountAttribute", format!("{name}/{n}"), "", map(&params! { "Value" => value }))
        });
    }

    /// The health that DescribeInstancesFullStatus tells, e.g. `Impaired`.
    pub fn set_health(&self, id: &str, health: &str) {
        self.set(id, params! { "_health" => health });
    }
}
