//! How a test makes instances.

use std::marker::PhantomData;

use oos_core::params;

use super::make::{Disk, Spec, make};
use crate::FakeCloud;

/// Marks a builder of one thing.
#[derive(Clone, Copy, Debug)]
pub struct One;

/// Marks a builder of several things.
#[derive(Clone, Copy, Debug)]
pub struct Many;

/// Instances in the making; `create` makes them. They are Running unless another state is said.
#[derive(Clone, Debug)]
#[must_use = "say `create()`"]
pub struct NewInstance<K> {
    cloud: FakeCloud,
    count: usize,
    ids: Vec<String>,
    region: Option<String>,
    spec: Spec,
    kind: PhantomData<K>,
}

impl<K> NewInstance<K> {
    pub(super) fn new(cloud: FakeCloud, count: usize) -> Self {
        Self { cloud, count, ids: Vec::new(), region: None, spec: Spec::default(), kind: PhantomData }
    }

    /// The name; `{n}` stands for the number from 1.
    pub fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.spec.name);
        self
    }

    /// The state.
    pub fn status(mut self, status: impl AsRef<str>) -> Self {
        status.as_ref().clone_into(&mut self.spec.status);
        self
    }

    /// In state Running.
    pub fn running(self) -> Self {
        self.status("Running")
    }

    /// In state Stopped.
    pub fn stopped(self) -> Self {
        self.status("Stopped")
    }

    /// With a tag.
    pub fn tag(mut self, key: &str, value: &str) -> Self {
        self.spec.tags.push((key.to_owned(), value.to_owned()));
        self
    }

    /// In a region.
    pub fn in_region(mut self, region: &str) -> Self {
        self.region = Some(region.to_owned());
        self
    }

    /// In a zone.
    pub fn in_zone(mut self, zone: &str) -> Self {
        self.spec.zone = Some(zone.to_owned());
        self
    }

    /// Of an image; the image is made when it does not exist.
    pub fn image(mut self, image: &str) -> Self {
        self.spec.image = Some(image.to_owned());
        self
    }

    /// Of an instance type.
    pub fn instance_type(mut self, name: &str) -> Self {
        name.clone_into(&mut self.spec.instance_type);
        self
    }

    /// With Windows instead of Linux.
    pub fn windows(mut self) -> Self {
        self.spec.windows = true;
        self
    }

    /// In a VSwitch.
    pub fn in_vswitch(mut self, id: &str) -> Self {
        self.spec.vswitch = Some(id.to_owned());
        self
    }

    /// In a security group.
    pub fn in_security_group(mut self, id: &str) -> Self {
        self.spec.security_groups.push(id.to_owned());
        self
    }

    /// With a public address that is no EIP.
    pub fn public_ip(mut self) -> Self {
        self.spec.public_ip = true;
        self
    }

    /// Billed by subscription.
    pub fn prepaid(mut self) -> Self {
        "PrePaid".clone_into(&mut self.spec.charge_type);
        self
    }

    /// Protected against deletion.
    pub fn deletion_protected(mut self) -> Self {
        self.spec.deletion_protection = true;
        self
    }

    /// With an encrypted system disk.
    pub fn encrypted_system_disk(mut self) -> Self {
        self.spec.system_disk.encrypted = true;
        self
    }

    /// With one more data disk, of that many GiB.
    pub fn data_disk(mut self, size: i64) -> Self {
        self.spec.data_disks.push(Disk { size, ..Disk::data() });
        self
    }

    /// Without the agent of Cloud Assistant.
    pub fn without_assistant(mut self) -> Self {
        self.spec.assistant = false;
        self
    }

    /// With any other member, in the shape of the wire.
    pub fn with(mut self, member: &str, value: impl Into<oos_core::Value>) -> Self {
        self.spec.members.insert(member, value);
        self
    }

    fn make(self) -> Vec<String> {
        let Self { cloud, count, ids, region, spec, .. } = self;
        cloud.with(|state| {
            let region = region.unwrap_or_else(|| state.region.to_string());
            let one = |n: usize, state: &mut crate::cloud::state::State| {
                let mut spec = spec.clone();
                spec.id = ids.get(n).cloned();
                spec.name = spec.name.replace("{n}", &(n + 1).to_string());
                make(state, &region, spec).to_string()
            };
            (0..count.max(ids.len())).map(|n| one(n, state)).collect()
        })
    }
}

impl NewInstance<One> {
    /// With an id of its own instead of a seeded one.
    pub fn id(mut self, id: &str) -> Self {
        self.ids = vec![id.to_owned()];
        self
    }

    /// Makes it and gives its id.
    pub fn create(self) -> String {
        self.make().into_iter().next().unwrap_or_default()
    }
}

impl NewInstance<Many> {
    /// With ids of their own instead of seeded ones.
    pub fn ids<S: Into<String>>(mut self, ids: impl IntoIterator<Item = S>) -> Self {
        self.ids = ids.into_iter().map(Into::into).collect();
        self
    }

    /// Makes them and gives their ids, in order.
    pub fn create(self) -> Vec<String> {
        self.make()
    }
}

/// `{Type: ResourceIds, ResourceIds: [..]}`, as `targets` of templates want it.
pub fn by_ids<S: AsRef<str>>(ids: &[S]) -> oos_core::Value {
    let ids: Vec<&str> = ids.iter().map(AsRef::as_ref).collect();
    params! { "Type" => "ResourceIds", "ResourceIds" => ids, "RegionId" => crate::cloud::state::REGION }
}

/// `{Type: Tags, Tags: [{Key, Value}]}`, as `targets` of templates want it.
pub fn by_tag(key: &str, value: &str) -> oos_core::Value {
    let tag = params! { "Key" => key, "Value" => value };
    params! { "Type" => "Tags", "Tags" => vec![tag], "RegionId" => crate::cloud::state::REGION }
}
