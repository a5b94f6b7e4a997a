//! Making an instance with everything that belongs to it: network, system disk, data disks, network interface.

use std::sync::Arc;

use oos_core::{Map, Value, params};

use crate::cloud::{state::State, store::Resource};

/// What a new instance shall be.
#[derive(Clone, Debug)]
pub(crate) struct Spec {
    pub(crate) id: Option<String>,
    pub(crate) name: String,
    pub(crate) host_name: String,
    pub(crate) status: String,
    pub(crate) tags: Vec<(String, String)>,
    pub(crate) zone: Option<String>,
    pub(crate) image: Option<String>,
    pub(crate) instance_type: String,
    pub(crate) windows: bool,
    pub(crate) vswitch: Option<String>,
    pub(crate) security_groups: Vec<String>,
    pub(crate) private_ip: Option<String>,
    pub(crate) public_ip: bool,
    pub(crate) charge_type: String,
    pub(crate) deletion_protection: bool,
    pub(crate) system_disk: Disk,
    pub(crate) data_disks: Vec<Disk>,
    pub(crate) assistant: bool,
    pub(crate) members: Map,
}

impl Default for Spec {
    fn default() -> Self {
        Self {
            id: None,
            name: String::new(),
            host_name: String::new(),
            status: "Running".to_owned(),
            tags: Vec::new(),
            zone: None,
            image: None,
            instance_type: "ecs.g7.large".to_owned(),
            windows: false,
            vswitch: None,
            security_groups: Vec::new(),
            private_ip: None,
            public_ip: false,
            charge_type: "PostPaid".to_owned(),
            deletion_protection: false,
            system_disk: Disk::system(),
            data_disks: Vec::new(),
            assistant: true,
            members: Map::new(),
        }
    }
}

/// What a new disk shall be.
#[derive(Clone, Debug)]
pub(crate) struct Disk {
    pub(crate) kind: &'static str,
    pub(crate) category: String,
    pub(crate) size: i64,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) performance_level: String,
    pub(crate) encrypted: bool,
    pub(crate) kms_key: String,
    pub(crate) delete_with_instance: bool,
    pub(crate) snapshot: String,
    pub(crate) device: Option<String>,
}

impl Disk {
    pub(crate) fn system() -> Self {
        Self { kind: "system", ..Self::data() }
    }

    pub(crate) fn data() -> Self {
        Self {
            kind: "data",
            category: "cloud_essd".to_owned(),
            size: 40,
            name: String::new(),
            description: String::new(),
            performance_level: "PL1".to_owned(),
            encrypted: false,
            kms_key: String::new(),
            delete_with_instance: true,
            snapshot: String::new(),
            device: None,
        }
    }
}

/// The network that things are put into when nothing else is said.
pub(crate) struct Network {
    pub(crate) vpc: Arc<str>,
    pub(crate) vswitch: Arc<str>,
    pub(crate) zone: Arc<str>,
    pub(crate) security_group: Arc<str>,
}

/// CHOICE: the zone where nothing else is said.
pub(crate) fn default_zone(region: &str) -> String {
    format!("{region}-b")
}

/// The network of a VSwitch, or the default network of a region and zone, made on first use.
pub(crate) fn network(state: &mut State, region: &str, vswitch: Option<&str>, zone: Option<&str>) -> Network {
    let given = vswitch.and_then(|id| state.store.get("VPC::VSwitch", id));
    let found = match given {
        Some(r) => Some((r.text("VpcId"), Arc::clone(&r.id), r.text("ZoneId"))),
        None => {
            let zone = zone.map_or_else(|| default_zone(region), str::to_owned);
            let fits = |r: &&Resource| r.is_true("_default") && &*r.region == region && r.str("ZoneId") == zone;
            state.store.all("VPC::VSwitch").find(fits).map(|r| (r.text("VpcId"), Arc::clone(&r.id), r.text("ZoneId")))
        }
    };
    let (vpc, vswitch, zone) = found.unwrap_or_else(|| {
        let zone = zone.map_or_else(|| default_zone(region), str::to_owned);
        let vpc = default_vpc(state, region);
        let vswitch = add_vswitch(state, region, vswitch, &vpc, &zone, "172.16.0.0/16");
        state.store.get_mut("VPC::VSwitch", &vswitch).into_iter().for_each(|r| r.set("_default", true));
        (vpc, vswitch, zone.into())
    });
    let security_group = default_security_group(state, region, &vpc);
    Network { vpc, vswitch, zone, security_group }
}

fn default_vpc(state: &mut State, region: &str) -> Arc<str> {
    let found = state.store.all("VPC::VPC").find(|r| r.is_true("_default") && &*r.region == region);
    if let Some(r) = found {
        return Arc::clone(&r.id);
    }
    let id = add_vpc(state, region, "172.16.0.0/12");
    state.store.get_mut("VPC::VPC", &id).into_iter().for_each(|r| r.set("_default", true));
    id
}

/// Makes a VPC that is Available.
pub(crate) fn add_vpc(state: &mut State, region: &str, cidr: &str) -> Arc<str> {
    let id = state.ids.next("vpc-", region);
    let data = params! {
        "VpcId" => id.as_str(), "VpcName" => "", "Status" => "Available", "CidrBlock" => cidr, "RegionId" => region,
        "CreationTime" => state.now.to_iso(), "IsDefault" => false, "Description" => "",
    };
    state.add("VPC::VPC", id, region, map(&data))
}

/// Makes a VSwitch that is Available.
pub(crate) fn add_vswitch(
    state: &mut State,
    region: &str,
    id: Option<&str>,
    vpc: &str,
    zone: &str,
    cidr: &str,
) -> Arc<str> {
    let id = id.map_or_else(|| state.ids.next("vsw-", region), str::to_owned);
    let data = params! {
        "VSwitchId" => id.as_str(), "VSwitchName" => "", "VpcId" => vpc, "ZoneId" => zone, "CidrBlock" => cidr,
        "Status" => "Available", "AvailableIpAddressCount" => 252, "CreationTime" => state.now.to_iso(),
        "IsDefault" => false, "Description" => "",
    };
    state.add("VPC::VSwitch", id, region, map(&data))
}

fn default_security_group(state: &mut State, region: &str, vpc: &str) -> Arc<str> {
    let found = state.store.all("ECS::SecurityGroup").find(|r| r.is_true("_default") && r.str("VpcId") == vpc);
    if let Some(r) = found {
        return Arc::clone(&r.id);
    }
    let id = add_security_group(state, region, vpc, "");
    state.store.get_mut("ECS::SecurityGroup", &id).into_iter().for_each(|r| r.set("_default", true));
    id
}

/// Makes a security group.
pub(crate) fn add_security_group(state: &mut State, region: &str, vpc: &str, name: &str) -> Arc<str> {
    let id = state.ids.next("sg-", region);
    let data = params! {
        "SecurityGroupId" => id.as_str(), "SecurityGroupName" => name, "VpcId" => vpc, "Description" => "",
        "SecurityGroupType" => "normal", "CreationTime" => state.now.to_iso(), "_permissions" => Value::empty_list(),
    };
    state.add("ECS::SecurityGroup", id, region, map(&data))
}

/// The members of a map value.
pub(crate) fn map(value: &Value) -> Map {
    value.as_map().cloned().unwrap_or_default()
}

/// Makes an instance and gives its id.
pub(crate) fn make(state: &mut State, region: &str, spec: Spec) -> Arc<str> {
    let id = spec.id.clone().unwrap_or_else(|| state.ids.next("i-", region));
    let net = network(state, region, spec.vswitch.as_deref(), spec.zone.as_deref());
    let groups: Vec<Arc<str>> = match spec.security_groups.as_slice() {
        [] => vec![Arc::clone(&net.security_group)],
        given => given.iter().map(|g| Arc::from(g.as_str())).collect(),
    };
    let address = spec.private_ip.clone().unwrap_or_else(|| state.private_address());
    let image = spec.image.clone().unwrap_or_else(|| default_image(spec.windows).to_owned());
    let data = instance_data(
        state,
        &spec,
        &net,
        &Parts { id: &id, region, address: &address, image: &image, groups: &groups },
    );
    let id = state.add("ECS::Instance", id, region, data);
    add_disks(state, region, &net.zone, &id, &spec, &image);
    let eni = add_interface(state, region, &net, &groups, Some((&id, "Primary")), &address);
    let interfaces: Vec<Value> = state.store.get("ECS::NetworkInterface", &eni).map(interface_of).into_iter().collect();
    if let Some(resource) = state.store.get_mut("ECS::Instance", &id) {
        resource.set("NetworkInterfaces", params! { "NetworkInterface" => interfaces });
        resource.tags.extend(spec.tags);
    }
    id
}

fn add_disks(state: &mut State, region: &str, zone: &str, id: &str, spec: &Spec, image: &str) {
    for (disk, letter) in [&spec.system_disk].into_iter().chain(&spec.data_disks).zip('a'..='z') {
        let device = disk.device.clone().unwrap_or_else(|| format!("/dev/xvd{letter}"));
        let image = if disk.kind == "system" { image } else { "" };
        add_disk(state, region, zone, Some(id), &Disk { device: Some(device), ..disk.clone() }, image);
    }
}

fn default_image(windows: bool) -> &'static str {
    if windows {
        "win2022_21H2_x64_dtc_en-us_40G_alibase_20240101.vhd"
    } else {
        "aliyun_3_x64_20G_alibase_20240101.vhd"
    }
}

struct Parts<'a> {
    id: &'a str,
    region: &'a str,
    address: &'a str,
    image: &'a str,
    groups: &'a [Arc<str>],
}

fn instance_data(state: &mut State, spec: &Spec, net: &Network, p: &Parts<'_>) -> Map {
    let public: Vec<String> = if spec.public_ip { vec![state.public_address()] } else { Vec::new() };
    let family = spec.instance_type.rsplit_once('.').map_or(&*spec.instance_type, |(family, _)| family).to_owned();
    let (os_type, os_name) =
        if spec.windows { ("windows", "Windows Server 2022") } else { ("linux", "Alibaba Cloud Linux 3") };
    let minute = state.now.format("%Y-%m-%dT%H:%MZ");
    let name = if spec.name.is_empty() { p.id } else { &spec.name };
    let host = if spec.host_name.is_empty() { format!("{}Z", p.id.replace('-', "")) } else { spec.host_name.clone() };
    let mut data = map(&params! {
        "InstanceId" => p.id, "InstanceName" => name, "Status" => spec.status.as_str(), "OSType" => os_type,
        "OSName" => os_name, "OSNameEn" => os_name, "ImageId" => p.image, "InstanceType" => spec.instance_type.as_str(),
        "InstanceTypeFamily" => family, "ZoneId" => Arc::clone(&net.zone), "RegionId" => p.region, "HostName" => host,
        "KeyPairName" => "", "DeploymentSetId" => "", "ResourceGroupId" => "", "StartTime" => minute.as_str(),
        "CreationTime" => minute.as_str(), "InstanceChargeType" => spec.charge_type.as_str(),
        "InternetChargeType" => "PayByTraffic", "InternetMaxBandwidthOut" => i32::from(spec.public_ip) * 5,
        "InternetMaxBandwidthIn" => 200, "CreditSpecification" => "", "Description" => "", "Cpu" => 2, "Memory" => 8192,
        "DeletionProtection" => spec.deletion_protection, "InstanceNetworkType" => "vpc", "IoOptimized" => true,
        "StoppedMode" => "Not-applicable", "SpotStrategy" => "NoSpot", "ExpiredTime" => expiry(state, spec),
        "SecurityGroupIds" => params! { "SecurityGroupId" => p.groups.to_vec() },
        "VpcAttributes" => params! {
            "VpcId" => Arc::clone(&net.vpc), "VSwitchId" => Arc::clone(&net.vswitch), "NatIpAddress" => "",
            "PrivateIpAddress" => params! { "IpAddress" => [p.address] },
        },
        "InnerIpAddress" => params! { "IpAddress" => Value::empty_list() },
        "PublicIpAddress" => params! { "IpAddress" => public },
        "EipAddress" => no_eip(), "OperationLocks" => params! { "LockReason" => Value::empty_list() },
        "_assistant" => spec.assistant, "_running_since" => state.now.as_millis() - 60_000, "_ram_role" => "",
    });
    data.extend(spec.members.clone());
    data
}

fn expiry(state: &State, spec: &Spec) -> String {
    let days = if spec.charge_type == "PrePaid" { 30 } else { 365 * 70 };
    state.now.plus_seconds(days * 86_400).format("%Y-%m-%dT%H:%MZ")
}

/// `EipAddress` of an instance without one.
pub(crate) fn no_eip() -> Value {
    params! { "AllocationId" => "", "IpAddress" => "", "InternetChargeType" => "", "Bandwidth" => 0 }
}

/// Makes a disk, attached when an instance is given, else Available.
pub(crate) fn add_disk(
    state: &mut State,
    region: &str,
    zone: &str,
    instance: Option<&str>,
    disk: &Disk,
    image: &str,
) -> Arc<str> {
    let id = state.ids.next("d-", region);
    let device = disk.device.clone().or_else(|| instance.map(|i| next_device(state, i))).unwrap_or_default();
    let level = if disk.category == "cloud_essd" { disk.performance_level.as_str() } else { "" };
    let now = state.now.to_iso();
    let data = params! {
        "DiskId" => id.as_str(), "RegionId" => region, "ZoneId" => zone, "InstanceId" => instance.unwrap_or(""),
        "Status" => if instance.is_some() { "In_use" } else { "Available" }, "Type" => disk.kind,
        "Category" => disk.category.as_str(), "Device" => device, "Size" => disk.size, "DiskName" => disk.name.as_str(),
        "Description" => disk.description.as_str(), "PerformanceLevel" => level, "Encrypted" => disk.encrypted,
        "KMSKeyId" => disk.kms_key.as_str(), "DeleteWithInstance" => disk.delete_with_instance,
        "SerialNumber" => id.replace("d-", ""), "ImageId" => image, "SourceSnapshotId" => disk.snapshot.as_str(),
        "AutoSnapshotPolicyId" => "", "EnableAutomatedSnapshotPolicy" => false, "DiskChargeType" => "PostPaid",
        "Portable" => disk.kind == "data", "CreationTime" => now.as_str(), "ResourceGroupId" => "",
        "AttachedTime" => if instance.is_some() { now.as_str() } else { "" }, "DetachedTime" => "",
        "DeleteAutoSnapshot" => true, "_born_on" => instance.unwrap_or(""),
    };
    state.add("ECS::Disk", id, region, map(&data))
}

/// The first device name that no disk of the instance has.
pub(crate) fn next_device(state: &State, instance: &str) -> String {
    let taken: Vec<&str> = state.store.with("ECS::Disk", "InstanceId", instance).map(|d| d.str("Device")).collect();
    ('a'..='z').map(|c| format!("/dev/xvd{c}")).find(|d| !taken.contains(&d.as_str())).unwrap_or_default()
}

/// Makes a network interface, in use when an instance and a type are given.
pub(crate) fn add_interface(
    state: &mut State,
    region: &str,
    net: &Network,
    groups: &[Arc<str>],
    instance: Option<(&str, &str)>,
    address: &str,
) -> Arc<str> {
    let id = state.ids.next("eni-", region);
    let (owner, kind) = instance.unwrap_or(("", "Secondary"));
    let set = params! { "PrivateIpAddress" => address, "Primary" => true, "AssociatedPublicIp" => Value::empty_map() };
    let data = params! {
        "NetworkInterfaceId" => id.as_str(), "NetworkInterfaceName" => "", "InstanceId" => owner, "Type" => kind,
        "Status" => if owner.is_empty() { "Available" } else { "InUse" }, "VpcId" => Arc::clone(&net.vpc),
        "VSwitchId" => Arc::clone(&net.vswitch), "ZoneId" => Arc::clone(&net.zone), "PrivateIpAddress" => address,
        "SecurityGroupIds" => params! { "SecurityGroupId" => groups.to_vec() },
        "PrivateIpSets" => params! { "PrivateIpSet" => vec![set] },
        "Ipv6Sets" => params! { "Ipv6Set" => Value::empty_list() }, "Description" => "",
        "AssociatedPublicIp" => Value::empty_map(), "CreationTime" => state.now.to_iso(), "ResourceGroupId" => "",
    };
    state.add("ECS::NetworkInterface", id, region, map(&data))
}

/// An interface as its instance shows it.
fn interface_of(r: &Resource) -> Value {
    params! {
        "NetworkInterfaceId" => Arc::clone(&r.id), "PrimaryIpAddress" => r.str("PrivateIpAddress"),
        "Type" => r.str("Type"), "PrivateIpSets" => r.data.get("PrivateIpSets").cloned(), "MacAddress" => "",
    }
}

/// Writes the interfaces of an instance into it, the primary one first.
pub(crate) fn list_interfaces(state: &mut State, instance: &str) {
    let mut all: Vec<(bool, Value)> = state
        .store
        .all("ECS::NetworkInterface")
        .filter(|r| r.str("InstanceId") == instance)
        .map(|r| (r.str("Type") != "Primary", interface_of(r)))
        .collect();
    all.sort_by_key(|(secondary, _)| *secondary);
    let list: Vec<Value> = all.into_iter().map(|(_, v)| v).collect();
    if let Some(r) = state.store.get_mut("ECS::Instance", instance) {
        r.set("NetworkInterfaces", params! { "NetworkInterface" => list });
    }
}

/// True when the image is of Windows; an image that nobody made is one of the system's, told by its name.
pub(crate) fn is_windows(ctx: &crate::cloud::api::Ctx<'_>, image: &str) -> Result<bool, oos_core::ports::ApiError> {
    match ctx.find("ECS::Image", image) {
        Some(r) => Ok(r.str("OSType") == "windows"),
        // CHOICE: ids of the form `m-…` must exist; every other id counts as a public image.
        None if image.starts_with("m-") => Err(crate::cloud::error::error("InvalidImageId.NotFound")),
        None => Ok(image.starts_with("win")),
    }
}
