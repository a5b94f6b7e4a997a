//! Cases of disks, snapshots, images and addresses.

use oos_testkit::{cloud::FakeCloud, prelude::*};

use crate::{
    Case, bad,
    compute::{and, running},
    good,
};

fn in_package(cloud: &FakeCloud, package: Option<&str>) -> Value {
    let id = cloud.vpc().eip();
    if let Some(package) = package {
        let given = json!({ "BandwidthPackageId": package, "IpInstanceId": id });
        cloud.call_now("VPC", "AddCommonBandwidthPackageIp", given).unwrap();
    }
    params! { "eipAddress" => cloud.get(&id, "IpAddress") }
}

fn image_of(id: &str) -> Value {
    params! { "instanceId" => id, "imageName" => "golden" }
}

fn copy(cloud: &FakeCloud) -> Value {
    params! { "imageId" => cloud.ecs().image("base"), "regionId" => "cn-hangzhou", "targetRegionId" => "cn-beijing" }
}

fn disk_of(cloud: &FakeCloud) -> Value {
    params! { "diskId" => cloud.ecs().disks_of(&running(cloud))[0].clone() }
}

fn replaced(cloud: &FakeCloud, id: &str) -> Value {
    params! { "instanceId" => id, "imageId" => cloud.ecs().image("new") }
}

fn reset(cloud: &FakeCloud, snapshot: Option<&str>) -> Value {
    let id = running(cloud);
    let disk = cloud.ecs().disks_of(&id)[0].clone();
    let taken = cloud.ecs().snapshot(&disk, "before");
    params! { "diskId" => disk, "instanceId" => id, "snapshotId" => snapshot.unwrap_or(&taken) }
}

fn addresses(cloud: &FakeCloud) -> Value {
    let id = running(cloud);
    cloud.vpc().eip_of(&id);
    params! { "regionId" => "cn-hangzhou", "instanceId" => id }
}

pub(crate) const CASES: &[Case] = &[
    good("ECS::CreateSnapshot", "attached", disk_of),
    good("ECS::CreateSnapshot", "free, for some days", |c| {
        let tags = vec![params! { "Key" => "team", "Value" => "web" }];
        params! { "diskId" => c.ecs().disk("cn-hangzhou-b", 40), "retentionDays" => "7", "snapshotName" => "s", "tags" => tags }
    }),
    good("ECS::CreateSnapshot", "unknown disk", |_| params! { "diskId" => "d-missing" }),
    bad("ECS::CreateSnapshot", "failed", "WaitForStopped", |c| {
        c.transitions("ECS::Snapshot").fail("Internal");
        disk_of(c)
    }),
    good("ECS::CreateImage", "running", |c| image_of(&running(c))),
    good("ECS::CreateImage", "every setting", |c| {
        let more = params! {
            "imageFamily" => "web", "imageDescription" => "text", "detectionStrategy" => "Standard",
            "tags" => vec![params! { "Key" => "team", "Value" => "web" }], "resourceGroupId" => "rg-1",
        };
        and(&image_of(&running(c)), &more)
    }),
    good("ECS::CreateImage", "unknown instance", |_| image_of("i-missing")),
    bad("ECS::CreateImage", "not at rest", "CheckForFailed", |c| {
        image_of(&c.ecs().instance().status("Starting").create())
    }),
    bad("ECS::CreateImage", "failed", "WaitForTimeout", |c| {
        c.transitions("ECS::Image").fail("Internal");
        image_of(&running(c))
    }),
    good("ECS::CopyImage", "to another region", copy),
    good("ECS::CopyImage", "encrypted", |c| and(&copy(c), &params! { "encrypted" => true, "KMSKeyId" => "key-1" })),
    good("ECS::CopyImage", "within a region", |c| and(&copy(c), &params! { "targetRegionId" => "cn-hangzhou" })),
    bad("ECS::CopyImage", "unknown image", "InvalidImageId.NotFound", |c| {
        and(&copy(c), &params! { "imageId" => "m-missing" })
    }),
    good("ECS::ReInitDisk", "running", |c| params! { "instanceId" => running(c) }),
    bad(
        "ECS::ReInitDisk",
        "unknown instance",
        "InvalidInstanceId.NotFound",
        |_| params! { "instanceId" => "i-missing" },
    ),
    good("ECS::ResetDisk", "running", |c| reset(c, None)),
    bad("ECS::ResetDisk", "unknown snapshot", "InvalidSnapshotId.NotFound", |c| reset(c, Some("s-missing"))),
    good("ECS::ReplaceSystemDisk", "running", |c| replaced(c, &running(c))),
    good("ECS::ReplaceSystemDisk", "stopped, with a key pair", |c| {
        c.ecs().key_pair("keys");
        let id = c.ecs().instance().stopped().create();
        and(&replaced(c, &id), &params! { "keyPairName" => "keys" })
    }),
    bad("ECS::ReplaceSystemDisk", "unknown image", "InvalidImageId.NotFound", |c| {
        params! { "instanceId" => running(c), "imageId" => "m-missing" }
    }),
    good("ECS::ReleaseEipAddress", "one", addresses),
    bad("ECS::ReleaseEipAddress", "cannot be detached", "LoopMaxErrorsExceeded", |c| {
        c.fault("busy").on("ECS", "UnassociateEipAddress").error("TaskConflict", 400);
        addresses(c)
    }),
    good("ECS::RemoveEipFromCommonBandwidthPackage", "in a package", |c| {
        let package = c.vpc().bandwidth_package();
        in_package(c, Some(&package))
    }),
    good("ECS::RemoveEipFromCommonBandwidthPackage", "in none", |c| in_package(c, None)),
    bad("ECS::RemoveEipFromCommonBandwidthPackage", "unknown address", "CheckForFailed", |_| {
        params! { "eipAddress" => "192.0.2.1" }
    }),
    good("VPC::UpgradeEipBandwidth", "two hours", |c| {
        params! { "AllocationId" => c.vpc().eip(), "Bandwidth" => 50, "DurationHour" => 2 }
    }),
    bad("VPC::UpgradeEipBandwidth", "unknown address", "InvalidAllocationId.NotFound", |_| {
        params! { "AllocationId" => "eip-missing", "Bandwidth" => 50 }
    }),
];
