//! VPC: networks, elastic addresses, bandwidth packages, NAT gateways; and how a test sets them up.

pub(crate) mod address;
mod nat;
pub(crate) mod network;
mod tags;

use oos_core::{Value, params};

use super::{
    FakeCloud,
    api::Api,
    declared,
    ecs::make::{self, map},
};

/// The operations of VPC. Addresses and networks are those of ECS, too.
pub(crate) const TABLES: &[&[Api]] = &[
    address::APIS,
    address::PACKAGE_APIS,
    network::APIS,
    nat::APIS,
    tags::APIS,
    declared::SNAT_APIS,
    declared::PACKAGE_APIS,
];

/// VPC as a test sees it.
#[derive(Clone, Debug)]
pub struct Vpc {
    cloud: FakeCloud,
}

impl Vpc {
    pub(crate) fn new(cloud: FakeCloud) -> Self {
        Self { cloud }
    }

    /// Makes a VPC; gives its id.
    pub fn vpc(&self, cidr: &str) -> String {
        self.cloud.here(|state, region| make::add_vpc(state, region, cidr).to_string())
    }

    /// Makes a VSwitch in a VPC and zone; gives its id.
    pub fn vswitch(&self, vpc: &str, zone: &str) -> String {
        self.cloud.here(|state, region| make::add_vswitch(state, region, None, vpc, zone, "172.16.1.0/24").to_string())
    }

    /// Makes a security group in a VPC; gives its id.
    pub fn security_group(&self, vpc: &str) -> String {
        self.cloud.here(|state, region| make::add_security_group(state, region, vpc, "").to_string())
    }

    /// Makes an EIP that is Available; gives its id.
    pub fn eip(&self) -> String {
        self.cloud.here(|state, region| {
            let address = state.public_address();
            address::add(state, region, &address).to_string()
        })
    }

    /// Makes an EIP that is bound to an ECS instance; gives its id.
    pub fn eip_of(&self, instance: &str) -> String {
        let id = self.eip();
        self.cloud.with(|state| address::bind(state, &id, instance, "EcsInstance"));
        id
    }

    /// Makes a bandwidth package; gives its id.
    pub fn bandwidth_package(&self) -> String {
        self.cloud.here(|state, region| {
            let id = state.ids.next("cbwp-", region);
            let data = params! {
                "BandwidthPackageId" => id.as_str(), "Status" => "Available", "Bandwidth" => "100", "Name" => "",
                "BusinessStatus" => "Normal", "RegionId" => region,
            };
            state.add("VPC::BandwidthPackage", id, region, map(&data)).to_string()
        })
    }

    /// Ids of the EIPs in a bandwidth package.
    pub fn in_package(&self, package: &str) -> Vec<String> {
        self.cloud.with(|s| {
            let inside = s.store.with(address::KIND, "BandwidthPackageId", package);
            inside.map(|r| r.id.to_string()).collect()
        })
    }

    /// Makes a NAT gateway with a forward table; gives its id.
    pub fn nat_gateway(&self) -> String {
        self.cloud.here(|state, region| nat::add(state, region).to_string())
    }

    /// Adds a forward entry to a NAT gateway; gives its id.
    pub fn forward_entry(&self, gateway: &str, external_port: u16, internal_ip: &str, internal_port: u16) -> String {
        self.cloud.here(|state, region| {
            nat::add_entry(state, region, gateway, external_port, internal_ip, internal_port).to_string()
        })
    }

    /// The forward entries of a NAT gateway, as DescribeForwardTableEntries shows them.
    pub fn forward_entries(&self, gateway: &str) -> Vec<Value> {
        self.cloud.with(|s| {
            let of = s.store.with(nat::ENTRY, "_gateway", gateway);
            of.map(|r| Value::from(r.view())).collect()
        })
    }
}
