//! Cases of many resources at once: tags, prices, snapshots of a whole account; databases, servers and services.

use oos_testkit::{cloud::FakeCloud, prelude::*};

use crate::{
    Case, bad,
    compute::{and, denied, on, running},
    good,
};

/// An instance with tags of its own, one of them the system's, and a disk, a snapshot, an interface and an address.
fn tagged(cloud: &FakeCloud) -> Value {
    let id = cloud
        .ecs()
        .instance()
        .running()
        .data_disk(60)
        .tag("team", "web")
        .tag("env", "prod")
        .tag("other", "x")
        .tag("acs:x", "y")
        .create();
    cloud.ecs().snapshot(&cloud.ecs().disks_of(&id)[0], "daily");
    params! { "regionId" => "cn-hangzhou", "instanceId" => id, "tagKeys" => ["team", "env", "acs:x"] }
}

fn updated(given: &Value) -> Value {
    and(given, &params! { "isUpdate" => true })
}

fn with_address(cloud: &FakeCloud, tags: Option<Value>) -> Value {
    let given = tagged(cloud);
    let eip = cloud.vpc().eip_of(&given.at(&["instanceId"]).to_text());
    if let Some(tags) = tags {
        cloud.ecs().tag(&eip, tags);
    }
    given
}

fn of_image(cloud: &FakeCloud) -> Value {
    let image = cloud.ecs().image("golden");
    let id = cloud.ecs().instance().running().image(&image).tag("team", "web").create();
    params! { "instanceId" => id, "tagKeys" => ["team"] }
}

fn snapshots(cloud: &FakeCloud) -> Value {
    let id = cloud.ecs().instance().running().create();
    let disk = cloud.ecs().disks_of(&id)[0].clone();
    cloud.ecs().tag(&disk, json!([{ "Key": "team", "Value": "web" }, { "Key": "acs:x", "Value": "y" }]));
    let had = cloud.ecs().snapshot(&disk, "daily");
    cloud.ecs().tag(&had, json!([{ "Key": "team", "Value": "db" }]));
    cloud.ecs().snapshot(&disk, "weekly");
    params! { "diskId" => disk, "tagKeys" => ["team", "acs:x"] }
}

fn arn(cloud: &FakeCloud, id: &str) -> String {
    format!("arn:acs:ecs:cn-hangzhou:{}:instance/{id}", cloud.account_id())
}

fn one_tag(cloud: &FakeCloud, id: &str) -> Value {
    params! { "tagKey" => "Team", "tagValue" => "web", "resourceARN" => arn(cloud, id) }
}

fn many_tags(cloud: &FakeCloud) -> Value {
    let id = cloud.ecs().instance().running().tag("TEAM", "db").create();
    let tags = json!([{ "Key": "Team", "Value": "web" }, { "Key": "env", "Value": "prod" }]);
    params! { "tags" => tags, "resourceARN" => arn(cloud, &id) }
}

const REGION: fn() -> Value = || params! { "regionId" => "cn-hangzhou" };

/// Snapshots, one of them shared and one of somebody else, and a policy. Gives the instance.
fn snapshots_of_all(cloud: &FakeCloud) -> String {
    let id = running(cloud);
    let disk = cloud.ecs().disks_of(&id)[0].clone();
    let shared = cloud.ecs().snapshot(&disk, "shared");
    cloud.ecs().tag(&shared, json!([{ "Key": "acs:ecs:isShared", "Value": "true" }]));
    cloud.put(
        "ResourceSharing::SharedResource",
        &format!("share-{shared}"),
        params! { "ResourceId" => shared.as_str(), "ResourceType" => "Snapshot", "ResourceShareId" => "rs-1" },
    );
    let foreign = cloud.ecs().snapshot(&disk, "foreign");
    cloud.ecs().tag(&foreign, json!([{ "Key": "acs:ecs:sharedFrom", "Value": "2" }]));
    let policy = cloud.ecs().auto_snapshot_policy();
    let given = json!({ "autoSnapshotPolicyId": policy, "diskIds": [disk] });
    cloud.call_now("ECS", "ApplyAutoSnapshotPolicy", given).unwrap();
    id
}

/// The same and an image with a snapshot under it. Gives the image.
fn with_image(cloud: &FakeCloud) -> String {
    let given = json!({ "InstanceId": snapshots_of_all(cloud), "ImageName": "of the instance" });
    let made = cloud.call_now("ECS", "CreateImage", given).unwrap();
    cloud.clock().advance(hours(1));
    made.at(&["ImageId"]).to_text().to_string()
}

/// The same, and the image is shared.
fn account(cloud: &FakeCloud) {
    let given = json!({ "ImageId": with_image(cloud), "AddAccount": ["1000000000000002"] });
    cloud.call_now("ECS", "ModifyImageSharePermission", given).unwrap();
}

fn region(cloud: &FakeCloud) -> Value {
    account(cloud);
    REGION()
}

fn price(kind: &str, threshold: i64) -> Value {
    params! { "regionId" => "cn-hangzhou", "zoneId" => "cn-hangzhou-b", "threshold" => threshold, "taskType" => kind }
}

fn seen(kind: &str, threshold: i64) -> Value {
    let info =
        params! { "realThreshold" => 30.0, "spotPrice" => 0.2, "originPrice" => 0.5, "instanceType" => "ecs.g7.large" };
    and(&price(kind, threshold), &params! { "discountJsonInfo" => info })
}

fn of_group(given: &Value) -> Value {
    and(given, &params! { "scalingGroupId" => "asg-1" })
}

fn of_type(given: &Value) -> Value {
    and(given, &params! { "instanceType" => "ecs.g7.large" })
}

fn of_types(given: &Value) -> Value {
    and(given, &params! { "instanceTypes" => ["ecs.g7.large", "ecs.g7.xlarge"] })
}

fn of_configuration(kind: &str, threshold: i64) -> Value {
    let zones = vec![params! { "vSwitchId" => "vsw-1", "zoneId" => "cn-hangzhou-b" }];
    let infos =
        vec![params! { "scalingConfigurationId" => "asc-1", "instanceTypes" => ["ecs.g7.large", "ecs.g7.xlarge"] }];
    params! {
        "regionId" => "cn-hangzhou", "zoneIds" => zones, "threshold" => threshold, "taskType" => kind, "vSwitchId" => "vsw-1",
        "scalingGroupId" => "asg-1", "scalingConfigurationId" => "asc-1", "configurationInfos" => infos,
    }
}

fn of_members(cloud: &FakeCloud, count: usize, threshold: i64) -> Value {
    let group = cloud.scaling_group().members(count).create();
    params! { "regionId" => "cn-hangzhou", "threshold" => threshold, "taskType" => "Discount", "scalingGroupId" => group }
}

fn plan(id: &str) -> Value {
    params! {
        "ResourceId" => id, "PlanType" => "ecs", "OfferingType" => "All", "CommittedAmount" => 0.1, "PeriodUnit" => "Year",
        "Period" => 1, "InstanceTypeFamily" => "ecs.g7",
    }
}

fn plans(count: usize) -> Value {
    (0..count).map(|n| plan(&format!("i-{n}"))).collect()
}

fn server(cloud: &FakeCloud) -> Value {
    let id = running(cloud);
    let balancer = cloud.slb().balancer(&[(id.as_str(), 100)]);
    params! {
        "imageId" => cloud.ecs().image("new"), "loadBalancerId" => balancer, "serverId" => id, "weight" => 100,
        "type" => "ecs", "port" => 80,
    }
}

fn group_server(cloud: &FakeCloud) -> Value {
    let id = running(cloud);
    let balancer = cloud.slb().balancer::<&str>(&[]);
    let group = cloud.slb().vserver_group(&balancer, &[(id.as_str(), 80, 100)]);
    params! {
        "imageId" => cloud.ecs().image("new"), "VServerGroupId" => group, "serverId" => id, "weight" => 100, "type" => "ecs",
        "port" => 80,
    }
}

fn database(cloud: &FakeCloud, status: &str) -> Value {
    let id = cloud.rds().create();
    cloud.rds().set_status(&id, status);
    on(&id)
}

fn service(cloud: &FakeCloud) -> Value {
    cloud.put("ComputeNest::ServiceInstance", "si-1", params! { "Status" => "Deployed", "ServiceVersion" => "2" });
    params! { "RegionId" => "cn-hangzhou", "ServiceInstanceId" => "si-1" }
}

fn policy(cloud: &FakeCloud) -> Value {
    let id = cloud.ecs().instance().running().data_disk(60).create();
    params! { "instanceId" => id, "autoSnapshotPolicyId" => cloud.ecs().auto_snapshot_policy() }
}

pub(crate) const CASES: &[Case] = &[
    good("ECS::UpdateDiskTagsByEcsInstanceTags", "new keys", tagged),
    good("ECS::UpdateDiskTagsByEcsInstanceTags", "an update", |c| updated(&tagged(c))),
    bad("ECS::UpdateDiskTagsByEcsInstanceTags", "refused", "OperationDenied", |c| {
        denied(c, "ECS", "DescribeDisks");
        tagged(c)
    }),
    good("ECS::UpdateSnapshotTagsByEcsInstanceTags", "new keys", tagged),
    good("ECS::UpdateSnapshotTagsByEcsInstanceTags", "an update", |c| updated(&tagged(c))),
    bad("ECS::UpdateSnapshotTagsByEcsInstanceTags", "refused", "OperationDenied", |c| {
        denied(c, "ECS", "DescribeSnapshots");
        tagged(c)
    }),
    good("ECS::UpdateEniTagsByEcsInstanceTags", "new keys", tagged),
    good("ECS::UpdateEniTagsByEcsInstanceTags", "an update", |c| updated(&tagged(c))),
    bad("ECS::UpdateEniTagsByEcsInstanceTags", "refused", "OperationDenied", |c| {
        denied(c, "ECS", "DescribeNetworkInterfaces");
        tagged(c)
    }),
    good("ECS::UpdateEipTagsByEcsInstanceTags", "without an address", tagged),
    good("ECS::UpdateEipTagsByEcsInstanceTags", "new keys", |c| {
        with_address(c, Some(json!([{ "Key": "team", "Value": "db" }]).into()))
    }),
    good("ECS::UpdateEipTagsByEcsInstanceTags", "nothing new", |c| {
        with_address(c, Some(json!([{ "Key": "team", "Value": "db" }, { "Key": "env", "Value": "x" }]).into()))
    }),
    good("ECS::UpdateEipTagsByEcsInstanceTags", "an update", |c| updated(&with_address(c, None))),
    bad("ECS::UpdateEipTagsByEcsInstanceTags", "refused", "OperationDenied", |c| {
        denied(c, "VPC", "TagResources");
        with_address(c, None)
    }),
    good("ECS::UpdateCustomImageTagsByEcsInstanceTags", "its own image", of_image),
    good("ECS::UpdateCustomImageTagsByEcsInstanceTags", "an image of the system", |c| updated(&tagged(c))),
    bad("ECS::UpdateCustomImageTagsByEcsInstanceTags", "refused", "OperationDenied", |c| {
        denied(c, "ECS", "DescribeImages");
        of_image(c)
    }),
    good("ECS::InheritDiskTagToSnapshot", "new keys", snapshots),
    good("ECS::InheritDiskTagToSnapshot", "an update", |c| updated(&snapshots(c))),
    bad("ECS::InheritDiskTagToSnapshot", "refused", "OperationDenied", |c| {
        denied(c, "ECS", "DescribeSnapshots");
        snapshots(c)
    }),
    good("TAG::TagResourceByTagIgnoreCaseSensitive", "new", |c| one_tag(c, &running(c))),
    good("TAG::TagResourceByTagIgnoreCaseSensitive", "in another case", |c| {
        let id = c.ecs().instance().running().tag("TEAM", "db").create();
        one_tag(c, &id)
    }),
    bad("TAG::TagResourceByTagIgnoreCaseSensitive", "refused", "OperationDenied", |c| {
        denied(c, "TAG", "TagResources");
        one_tag(c, &running(c))
    }),
    good("TAG::TagResourceByTagsIgnoreCaseSensitive", "two", many_tags),
    bad("TAG::TagResourceByTagsIgnoreCaseSensitive", "refused", "LoopMaxErrorsExceeded", |c| {
        denied(c, "TAG", "TagResources");
        many_tags(c)
    }),
    good("ECS::DeleteUnrelatedSnapshots", "all", |c| {
        account(c);
        params! { "rateControl" => params! { "Mode" => "Concurrency", "Concurrency" => 1, "MaxErrors" => 0 } }
    }),
    bad("ECS::DeleteUnrelatedSnapshots", "refused", "OperationDenied", |c| {
        denied(c, "ECS", "DescribeRegions");
        params! { "rateControl" => params! {} }
    }),
    good("ECS::DeleteCustomImagesLinkedToSnapshot", "one", |c| {
        with_image(c);
        REGION()
    }),
    bad("ECS::DeleteCustomImagesLinkedToSnapshot", "refused", "LoopMaxErrorsExceeded", |c| {
        denied(c, "ECS", "DeleteImage");
        region(c)
    }),
    good("ECS::DisassociateSharedSnapshots", "one", region),
    bad("ECS::DisassociateSharedSnapshots", "refused", "LoopMaxErrorsExceeded", |c| {
        denied(c, "ResourceSharing", "DisassociateResourceShare");
        region(c)
    }),
    good("ECS::DisassociateSharedImages", "none", region),
    bad("ECS::DisassociateSharedImages", "refused", "LoopMaxErrorsExceeded", |c| {
        denied(c, "ResourceSharing", "ListSharedResources");
        region(c)
    }),
    good("ECS::ModifySharedImageSharePermission", "one", region),
    bad("ECS::ModifySharedImageSharePermission", "refused", "LoopMaxErrorsExceeded", |c| {
        denied(c, "ECS", "DescribeImageSharePermission");
        region(c)
    }),
    good("ECS::DeleteSnapshotsExceptSharedFromOthers", "its own", |c| {
        snapshots_of_all(c);
        REGION()
    }),
    bad("ECS::DeleteSnapshotsExceptSharedFromOthers", "refused", "LoopMaxErrorsExceeded", |c| {
        denied(c, "ECS", "DeleteSnapshot");
        region(c)
    }),
    good("ECS::DeleteSnapshotGroups", "none", region),
    bad("ECS::DeleteSnapshotGroups", "refused", "OperationDenied", |c| {
        denied(c, "ECS", "DescribeSnapshotGroups");
        REGION()
    }),
    good("ECS::CancelDiskAutoSnapshotPolicies", "one", region),
    bad("ECS::CancelDiskAutoSnapshotPolicies", "refused", "LoopMaxErrorsExceeded", |c| {
        denied(c, "ECS", "CancelAutoSnapshotPolicy");
        region(c)
    }),
    good("ECS::ApplyAutoSnapshotPolicy", "two disks", policy),
    bad("ECS::ApplyAutoSnapshotPolicy", "refused", "OperationDenied", |c| {
        denied(c, "ECS", "ApplyAutoSnapshotPolicy");
        policy(c)
    }),
    good("ECS::AlarmScalingThreshold", "over the discount", |_| of_group(&seen("Discount", 20))),
    good("ECS::AlarmScalingThreshold", "below the price", |_| of_group(&seen("Price", 1))),
    bad("ECS::AlarmScalingThreshold", "refused", "OperationDenied", |c| {
        denied(c, "ECS", "DescribeSpotPriceHistory");
        of_group(&seen("Discount", 20))
    }),
    good("ECS::AlarmSpotPriceByDiscountThreshold", "over the discount", |_| seen("Discount", 20)),
    good("ECS::AlarmSpotPriceByDiscountThreshold", "below it", |_| seen("Discount", 50)),
    bad("ECS::AlarmSpotPriceByDiscountThreshold", "refused", "OperationDenied", |c| {
        denied(c, "ECS", "DescribeSpotPriceHistory");
        seen("Discount", 20)
    }),
    good("ECS::AlarmSpotPriceOrDiscountByScalingGroupInstance", "over the discount", |_| {
        of_type(&price("Discount", 20))
    }),
    good("ECS::AlarmSpotPriceOrDiscountByScalingGroupInstance", "below the price", |_| of_type(&price("Price", 9))),
    bad("ECS::AlarmSpotPriceOrDiscountByScalingGroupInstance", "refused", "OperationDenied", |c| {
        denied(c, "ECS", "DescribeSpotPriceHistory");
        of_type(&price("Discount", 20))
    }),
    good("ECS::AlarmSpotPriceByDiscountThresholdWithMultiTypes", "two", |_| of_types(&price("Discount", 20))),
    bad("ECS::AlarmSpotPriceByDiscountThresholdWithMultiTypes", "too many refused", "LoopMaxErrorsExceeded", |c| {
        denied(c, "ECS", "DescribeAvailableResource");
        and(&price("Discount", 20), &params! { "instanceTypes" => vec!["ecs.g7.large"; 101] })
    }),
    good("ECS::AlarmSpotPriceOrDiscountThresholdByScalingGroup", "over it", |_| of_configuration("Discount", 20)),
    good("ECS::AlarmSpotPriceOrDiscountThresholdByScalingGroup", "below it", |_| of_configuration("Price", 9)),
    bad("ECS::AlarmSpotPriceOrDiscountThresholdByScalingGroup", "too many refused", "LoopMaxErrorsExceeded", |c| {
        denied(c, "ECS", "DescribeSpotPriceHistory");
        let infos = vec![params! { "instanceTypes" => vec!["ecs.g7.large"; 101] }];
        and(&of_configuration("Price", 9), &params! { "configurationInfos" => infos })
    }),
    good("ECS::AlarmSpotPriceOrDiscountBySingleScalingGroup", "two members", |c| of_members(c, 2, 20)),
    good("ECS::AlarmSpotPriceOrDiscountBySingleScalingGroup", "below it", |c| of_members(c, 1, 90)),
    good("ECS::AlarmSpotPriceOrDiscountBySingleScalingGroup", "no member", |c| of_members(c, 0, 20)),
    bad("ECS::AlarmSpotPriceOrDiscountBySingleScalingGroup", "refused", "OperationDenied", |c| {
        denied(c, "ESS", "DescribeScalingInstances");
        of_members(c, 1, 20)
    }),
    good("ECS::DescribeSavingsPlanPrice", "two", |_| params! { "targetInstanceGroup" => plans(2) }),
    bad("ECS::DescribeSavingsPlanPrice", "refused", "OperationDenied", |c| {
        denied(c, "ECS", "DescribeSavingsPlanPrice");
        params! { "targetInstanceGroup" => plans(2) }
    }),
    good("ECS::DescribeSavingsPlanPriceByInstanceGroup", "more than fifty", |_| {
        params! { "targetGroupOfInstanceFamilyGroup" => plans(51) }
    }),
    bad("ECS::DescribeSavingsPlanPriceByInstanceGroup", "refused", "LoopMaxErrorsExceeded", |c| {
        denied(c, "ECS", "DescribeSavingsPlanPrice");
        params! { "targetGroupOfInstanceFamilyGroup" => plans(2) }
    }),
    good("ECS::ElegantReplaceSystemDiskInSLBDefaultServerGroup", "running", server),
    bad("ECS::ElegantReplaceSystemDiskInSLBDefaultServerGroup", "unknown image", "InvalidImageId.NotFound", |c| {
        and(&server(c), &params! { "imageId" => "m-missing" })
    }),
    good("ECS::ElegantReplaceSystemDiskInSLBVServerGroup", "running", group_server),
    bad("ECS::ElegantReplaceSystemDiskInSLBVServerGroup", "unknown image", "InvalidImageId.NotFound", |c| {
        and(&group_server(c), &params! { "imageId" => "m-missing" })
    }),
    good("RDS::StartInstance", "stopped", |c| database(c, "STOPPED")),
    good("RDS::StartInstance", "running", |c| database(c, "Running")),
    bad("RDS::StartInstance", "refused", "OperationDenied", |c| {
        denied(c, "RDS", "StartDBInstance");
        database(c, "STOPPED")
    }),
    good("RDS::StopInstance", "running", |c| database(c, "Running")),
    good("RDS::StopInstance", "stopped", |c| database(c, "STOPPED")),
    bad("RDS::StopInstance", "refused", "OperationDenied", |c| {
        denied(c, "RDS", "StopDBInstance");
        database(c, "Running")
    }),
    good("CN::UpgradeServiceInstance", "deployed", |c| and(&service(c), &params! { "ServiceVersion" => "3" })),
    bad("CN::UpgradeServiceInstance", "failed", "WaitForStopped", |c| {
        c.transitions("ComputeNest::ServiceInstance").fail("Internal");
        and(&service(c), &params! { "ServiceVersion" => "3" })
    }),
    good("CN::RollbackServiceInstance", "deployed", service),
    bad("CN::RollbackServiceInstance", "failed", "WaitForStopped", |c| {
        c.transitions("ComputeNest::ServiceInstance").fail("Internal");
        service(c)
    }),
];
