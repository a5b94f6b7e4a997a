//! Public addresses and forward entries: cases 20 and 21.

use oos_testkit::prelude::*;

use crate::{both_ways, rate, targets};

fn internal_ports(cloud: &FakeCloud, gateway: &str) -> Vec<String> {
    let mut ports: Vec<_> =
        cloud.vpc().forward_entries(gateway).iter().map(|e| e.at(&["InternalPort"]).to_text().to_string()).collect();
    ports.sort();
    ports
}

/// A gateway that forwards to the internal ports 22, 80 and 3389.
fn gateway(cloud: &FakeCloud) -> String {
    let gateway = cloud.vpc().nat_gateway();
    for (external, internal) in [(1022, 22), (1080, 80), (1389, 3389)] {
        cloud.vpc().forward_entry(&gateway, external, "172.16.0.9", internal);
    }
    gateway
}

#[test]
pub(crate) fn case_20_deletes_the_entries_of_the_ports() {
    both_ways(|bed| {
        let cloud = bed.cloud();
        let gateway = gateway(cloud);
        let parameters = params! { "instanceId" => gateway.as_str(), "port" => ["22", "3389", "8080"] };
        let run = bed.run("ACS-VPC-BulkyDeleteForwardEntry", parameters);
        run.expect_success();
        cloud.calls().of("VPC", "DeleteForwardEntry").count(2);
        bed.run_for(mins(1));
        assert_eq!(internal_ports(cloud, &gateway), ["80"]);
    });
}

#[test]
pub(crate) fn case_20_deletes_nothing_when_every_port_has_an_entry() {
    // The template's jq program hands its collection on only when it meets a null.
    both_ways(|bed| {
        let cloud = bed.cloud();
        let gateway = gateway(cloud);
        let parameters = params! { "instanceId" => gateway.as_str(), "port" => ["22", "3389"] };
        let run = bed.run("ACS-VPC-BulkyDeleteForwardEntry", parameters);
        run.expect_success();
        cloud.calls().of("VPC", "DeleteForwardEntry").never();
        assert_eq!(internal_ports(cloud, &gateway), ["22", "3389", "80"]);
    });
}

#[test]
pub(crate) fn case_21_converts_public_addresses_only() {
    both_ways(|bed| {
        let cloud = bed.cloud();
        let public = cloud.ecs().instance().running().public_ip().create();
        let elastic = cloud.ecs().instance().running().create();
        cloud.vpc().eip_of(&elastic);
        let neither = cloud.ecs().instance().running().create();
        let package = cloud.vpc().bandwidth_package();
        let address = cloud.ecs().describe(&public).at(&["PublicIpAddress", "IpAddress"]).as_list().unwrap()[0].clone();
        let run = bed.run(
            "ACS-ECS-BulkyConvertPublicToEIPAndAddToCommonBandwidthPackage",
            params! {
                "targets" => targets(&[public.clone(), elastic.clone(), neither.clone()]),
                "bandwidthPackageId" => package.as_str(), "rateControl" => rate(1, 2),
            },
        );
        run.expect_success();
        let after = cloud.ecs().describe(&public);
        assert_eq!(after.at(&["EipAddress", "IpAddress"]), &address, "the address stays the same");
        assert!(after.at(&["PublicIpAddress", "IpAddress"]).as_list().unwrap().is_empty());
        let inside = cloud.vpc().in_package(&package);
        assert_eq!(inside.len(), 1);
        assert_eq!(after.at(&["EipAddress", "AllocationId"]), &Value::from(inside[0].as_str()));
        run.task("convertsPublicIPToEIPAndAddItToCommonBandwidthPackage").items().failed().eq(&[1, 2]);
        let conversions = cloud.calls().of("ECS", "ConvertNatPublicIpToEip");
        for id in [&elastic, &neither] {
            let of = conversions.with(json!({"InstanceId": id}));
            assert!(!of.is_empty() && of.iter().all(|c| c.error_code().is_some()), "it is tried, and refused");
        }
    });
}
