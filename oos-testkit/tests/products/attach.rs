//! Cases of what hangs on an instance or is made of one: disks, addresses, interfaces, key pairs, images, clones.

use oos_testkit::{cloud::FakeCloud, prelude::*};

use crate::{
    Case, bad,
    compute::{and, denied, failing_commands, on, running, stopped},
    good,
};

/// An instance with a data disk: ids of both.
fn with_disk(cloud: &FakeCloud) -> Value {
    let id = cloud.ecs().instance().running().data_disk(60).create();
    params! { "instanceId" => id.as_str(), "diskId" => cloud.ecs().disks_of(&id)[1].clone() }
}

/// An instance and a free disk of its zone.
fn beside_disk(cloud: &FakeCloud) -> Value {
    let id = running(cloud);
    let zone = cloud.ecs().get(&id, "ZoneId").to_text();
    params! { "instanceId" => id, "diskId" => cloud.ecs().disk(&zone, 40) }
}

fn eip(cloud: &FakeCloud, package: &str) -> Value {
    params! { "eipAddress" => cloud.get(&cloud.vpc().eip(), "IpAddress"), "bandwidthPackageId" => package }
}

fn in_package(cloud: &FakeCloud, package: &str) -> Value {
    let id = cloud.vpc().eip();
    let given = json!({ "BandwidthPackageId": package, "IpInstanceId": id });
    cloud.call_now("VPC", "AddCommonBandwidthPackageIp", given).unwrap();
    params! { "eipAddress" => cloud.get(&id, "IpAddress") }
}

fn keys(cloud: &FakeCloud, id: &str) -> Value {
    cloud.ecs().key_pair("keys");
    params! { "instanceId" => id, "keyPairName" => "keys" }
}

fn public(cloud: &FakeCloud) -> Value {
    params! {
        "instanceId" => cloud.ecs().instance().running().public_ip().create(),
        "bandwidthPackageId" => cloud.vpc().bandwidth_package(),
    }
}

fn image_of(id: &str) -> Value {
    params! { "instanceId" => id, "imageName" => "golden" }
}

fn encrypted(cloud: &FakeCloud) -> Value {
    cloud.ecs().key_pair("keys");
    params! { "instanceId" => running(cloud), "KMSKeyId" => "key-1" }
}

fn clone_of(cloud: &FakeCloud, id: &str) -> Value {
    let model = cloud.ecs().describe(id);
    params! {
        "instanceId" => id, "imageName" => "clone", "targetVSwitchId" => model.at(&["VpcAttributes", "VSwitchId"]).clone(),
        "targetSecurityGroupIds" => model.at(&["SecurityGroupIds", "SecurityGroupId"]).clone(),
        "targetInstanceType" => "ecs.g7.large", "targetInstanceChargeType" => "PostPaid", "targetPassword" => "Fake-pass1",
        "targetPeriodUnit" => "Month", "targetPeriod" => 1, "targetSystemDiskCategory" => "cloud_essd",
        "targetDataDiskCategory" => "cloud_essd",
    }
}

fn cloned(cloud: &FakeCloud) -> Value {
    let id = cloud.ecs().instance().running().data_disk(60).tag("team", "web").tag("acs:x", "y").create();
    clone_of(cloud, &id)
}

fn types(zone: &str, wanted: &[&str]) -> Value {
    params! { "instanceTypes" => wanted.to_vec(), "zoneId" => zone }
}

pub(crate) const CASES: &[Case] = &[
    good("ECS::AttachDisk", "free", beside_disk),
    bad("ECS::AttachDisk", "unknown disk", "InvalidDiskId.NotFound", |c| {
        and(&beside_disk(c), &params! { "diskId" => "d-missing" })
    }),
    good("ECS::DetachDisk", "in use", with_disk),
    bad("ECS::DetachDisk", "stays in use", "WaitForTimeout", |c| {
        c.transitions("ECS::Disk").on("detach").never();
        with_disk(c)
    }),
    good("ECS::AddEipToCommonBandwidthPackage", "free", |c| {
        let package = c.vpc().bandwidth_package();
        eip(c, &package)
    }),
    good("ECS::AddEipToCommonBandwidthPackage", "in another package", |c| {
        let (old, new) = (c.vpc().bandwidth_package(), c.vpc().bandwidth_package());
        and(&in_package(c, &old), &params! { "bandwidthPackageId" => new })
    }),
    good("ECS::AddEipToCommonBandwidthPackage", "there already", |c| {
        let package = c.vpc().bandwidth_package();
        and(&in_package(c, &package), &params! { "bandwidthPackageId" => package })
    }),
    bad("ECS::AddEipToCommonBandwidthPackage", "refused", "OperationDenied", |c| {
        denied(c, "VPC", "AddCommonBandwidthPackageIp");
        let package = c.vpc().bandwidth_package();
        eip(c, &package)
    }),
    good("ECS::ConvertPublicToEIPAndAddToCommonBandwidthPackage", "with an address", public),
    bad("ECS::ConvertPublicToEIPAndAddToCommonBandwidthPackage", "refused", "OperationDenied", |c| {
        denied(c, "ECS", "ConvertNatPublicIpToEip");
        public(c)
    }),
    good("ECS::AllocateEipAddressAndAttachToInstance", "running", |c| on(&running(c))),
    good("ECS::AllocateEipAddressAndAttachToInstance", "tags are refused", |c| {
        denied(c, "VPC", "TagResources");
        on(&running(c))
    }),
    bad("ECS::AllocateEipAddressAndAttachToInstance", "cannot be bound", "OperationDenied", |c| {
        denied(c, "ECS", "AssociateEipAddress");
        on(&running(c))
    }),
    good("ECS::CreateNetworkInterfaceAndEipAndAttachToInstance", "running", |c| on(&running(c))),
    bad("ECS::CreateNetworkInterfaceAndEipAndAttachToInstance", "cannot be bound", "OperationDenied", |c| {
        denied(c, "ECS", "AssociateEipAddress");
        on(&running(c))
    }),
    good("ECS::DetachNetworkInterfaceAndDeleteEip", "one interface", |c| {
        let id = running(c);
        let bed = TestBed::on(c);
        bed.run_action("ACS::ECS::CreateNetworkInterfaceAndEipAndAttachToInstance", on(&id)).assert_success();
        on(&id)
    }),
    bad("ECS::DetachNetworkInterfaceAndDeleteEip", "refused", "OperationDenied", |c| {
        denied(c, "ECS", "DescribeNetworkInterfaces");
        on(&running(c))
    }),
    good("ECS::AttachKeyPairOnline", "running", |c| keys(c, &running(c))),
    bad("ECS::AttachKeyPairOnline", "the script fails", "CheckForFailed", |c| {
        failing_commands(c);
        keys(c, &running(c))
    }),
    good("ECS::CreateImageForSystemDisk", "running", |c| image_of(&running(c))),
    good("ECS::CreateImageForSystemDisk", "every setting", |c| {
        let more = params! {
            "imageFamily" => "web", "imageDescription" => "text", "detectionStrategy" => "Standard",
            "tags" => vec![params! { "Key" => "team", "Value" => "web" }], "resourceGroupId" => "rg-1",
        };
        and(&image_of(&running(c)), &more)
    }),
    good("ECS::CreateImageForSystemDisk", "unknown instance", |_| image_of("i-missing")),
    bad("ECS::CreateImageForSystemDisk", "failed", "WaitForTimeout", |c| {
        c.transitions("ECS::Image").fail("Internal");
        image_of(&running(c))
    }),
    good("ECS::DeleteImage", "private", |c| params! { "imageId" => c.ecs().image("base") }),
    good("ECS::DeleteImage", "shared", |c| {
        let id = c.ecs().image("base");
        let given = json!({ "ImageId": id, "AddAccount": ["1000000000000002"] });
        c.call_now("ECS", "ModifyImageSharePermission", given).unwrap();
        params! { "imageId" => id, "force" => true }
    }),
    bad("ECS::DeleteImage", "unknown image", "InvalidImageId.NotFound", |_| params! { "imageId" => "m-missing" }),
    good("ECS::EncryptSystemDisk", "plain", encrypted),
    good("ECS::EncryptSystemDisk", "encrypted", |c| {
        let id = c.ecs().instance().running().encrypted_system_disk().create();
        params! { "instanceId" => id, "KMSKeyId" => "key-1" }
    }),
    bad("ECS::EncryptSystemDisk", "the copy is refused", "OperationDenied", |c| {
        denied(c, "ECS", "CopyImage");
        encrypted(c)
    }),
    good("ECS::CloneInstance", "with a disk and tags", cloned),
    good("ECS::CloneInstance", "prepaid, without tags", |c| {
        and(&clone_of(c, &running(c)), &params! { "targetInstanceChargeType" => "PrePaid" })
    }),
    bad("ECS::CloneInstance", "sold out", "CheckForFailed", |c| {
        c.ecs().sell_out("ecs.g7.large");
        cloned(c)
    }),
    good("ECS::CloneInstanceWithIncrementSnapshot", "with a disk and tags", cloned),
    bad("ECS::CloneInstanceWithIncrementSnapshot", "cannot be made", "OperationDenied.NoStock", |c| {
        c.fault("sold out").on("ECS", "RunInstances").error("OperationDenied.NoStock", 403);
        cloned(c)
    }),
    good("ECS::CheckAvailableInstanceTypes", "the second of two", |c| {
        c.ecs().sell_out("ecs.g7.large");
        types("cn-hangzhou-b", &["ecs.g7.large", "ecs.g7.xlarge"])
    }),
    bad("ECS::CheckAvailableInstanceTypes", "none", "CheckForFailed", |_| types("cn-hangzhou-b", &["ecs.none"])),
    good("ECS::DeleteInstance", "stopped", |c| on(&stopped(c))),
    bad("ECS::DeleteInstance", "running", "CheckForFailed", |c| on(&running(c))),
    bad("ECS::DeleteInstance", "refused", "OperationDenied", |c| {
        denied(c, "ECS", "DeleteInstance");
        on(&stopped(c))
    }),
    good("ECS::EnableInstanceDeletionProtection", "unprotected", |c| {
        and(&on(&running(c)), &params! { "deletionProtection" => true })
    }),
    good("ECS::EnableInstanceDeletionProtection", "protected", |c| {
        let id = c.ecs().instance().running().deletion_protected().create();
        and(&on(&id), &params! { "deletionProtection" => true })
    }),
    bad("ECS::EnableInstanceDeletionProtection", "unknown instance", "InvalidInstanceId.NotFound", |_| {
        and(&on("i-missing"), &params! { "deletionProtection" => true })
    }),
    good("ECS::ModifyCreditSpecification", "another mode", |c| {
        and(&on(&running(c)), &params! { "creditSpecification" => "Unlimited" })
    }),
    good("ECS::ModifyCreditSpecification", "the same mode", |c| {
        let id = c.ecs().instance().running().with("CreditSpecification", "Standard").create();
        and(&on(&id), &params! { "creditSpecification" => "Standard" })
    }),
    bad("ECS::ModifyCreditSpecification", "unknown instance", "InvalidInstanceId.NotFound", |_| {
        and(&on("i-missing"), &params! { "creditSpecification" => "Unlimited" })
    }),
    good("ECS::GetIpAddressAndModifyInstanceName", "between two words", |c| on(&running(c))),
    good("ECS::GetIpAddressAndModifyInstanceName", "with the tag of a cluster", |c| {
        on(&c.ecs().instance().running().tag("ack.attach.keepInstanceName", "true").create())
    }),
    bad("ECS::GetIpAddressAndModifyInstanceName", "refused", "OperationDenied", |c| {
        denied(c, "ECS", "ModifyInstanceAttribute");
        on(&running(c))
    }),
];
