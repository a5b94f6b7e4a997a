//! Snapshots, images and what is made of them: cases 9, 11, 22 and 25.

use oos_core::machine::{ExecutionStatus, TaskStatus};
use oos_testkit::prelude::*;

use crate::{both_ways, look, rate, targets};

#[test]
pub(crate) fn case_9_takes_snapshots_of_the_disks_that_exist() {
    both_ways(|bed| {
        let cloud = bed.cloud();
        let instance = cloud.ecs().instance().running().create();
        let attached = cloud.ecs().disks_of(&instance)[0].clone();
        let free = cloud.ecs().disk("cn-hangzhou-b", 40);
        let ids = [attached.as_str(), free.as_str(), "d-missing"];
        let parameters = params! { "diskIds" => ids, "rateControl" => rate(10, 0) };
        let run = bed.run("ACS-ECS-BulkyCreateSnapshot", parameters);
        run.expect_success();
        let snapshots = cloud.ecs().ids_of("ECS::Snapshot");
        assert_eq!(snapshots.len(), 2);
        let of = |disk: &str| {
            let found = snapshots.iter().find(|s| cloud.ecs().get(s, "SourceDiskId") == Value::from(disk));
            Value::from(found.unwrap().as_str())
        };
        run.output("createdSnapshotIds").eq(vec![of(&attached), of(&free), Value::Null]);
        assert!(snapshots.iter().all(|s| cloud.ecs().get(s, "Status") == Value::from("accomplished")));
        let calls = cloud.calls().of("ECS", "CreateSnapshot");
        assert!(!calls.is_empty() && calls.iter().all(|c| c.params.get("RetentionDays").is_none()));
    });
}

#[test]
pub(crate) fn case_11_encrypts_what_is_not_encrypted() {
    both_ways(|bed| {
        let cloud = bed.cloud();
        let plain = cloud.ecs().instance().running().create();
        let encrypted = cloud.ecs().instance().running().encrypted_system_disk().create();
        let before = cloud.ecs().disks_of(&plain)[0].clone();
        let images = cloud.ecs().ids_of("ECS::Image");
        let run = bed.run(
            "ACS-ECS-BulkyEncryptSystemDisk",
            params! { "targets" => targets(&[plain.clone(), encrypted.clone()]), "KMSKeyId" => "key-1" },
        );
        run.expect_success();
        let after = cloud.ecs().disks_of(&plain)[0].clone();
        assert_ne!(after, before, "the system disk is a new one");
        assert_eq!(cloud.ecs().get(&after, "Encrypted"), Value::from(true));
        assert_eq!(cloud.ecs().status(&plain), "Running");
        cloud.calls().of("ECS", "ReplaceSystemDisk").count(1).params(json!({"InstanceId": plain}));
        bed.run_for(mins(1));
        assert_eq!(cloud.ecs().ids_of("ECS::Image"), images, "the temporary images are gone");
        cloud.calls().of("ECS", "DeleteImage").count(2);
        let calls = cloud.calls();
        let snapshot = calls.of("ECS", "CreateSnapshot").one().body().unwrap().at(&["SnapshotId"]).to_text();
        assert!(!cloud.ecs().ids_of("ECS::Snapshot").iter().any(|id| **id == *snapshot), "and so is the snapshot");
        run.output("systemDiskEncryptedInstances").eq(json!([encrypted]));
    });
}

/// Category and size of the disks, system disk first.
fn layout(cloud: &FakeCloud, instance: &str) -> Vec<(String, String, String)> {
    let text = |id: &str, member: &str| cloud.ecs().get(id, member).to_text().to_string();
    let disks = cloud.ecs().disks_of(instance);
    disks.iter().map(|d| (text(d, "Type"), text(d, "Category"), text(d, "Size"))).collect()
}

#[test]
pub(crate) fn case_22_clones_instances_into_another_region() {
    both_ways(|bed| {
        let cloud = bed.cloud();
        let ids = cloud.ecs().instances(2).running().data_disk(60).data_disk(80).create();
        let model = cloud.ecs().instance().in_region("cn-beijing").in_zone("cn-beijing-h").create();
        let model = cloud.ecs().describe(&model);
        let (vswitch, group) = (
            model.at(&["VpcAttributes", "VSwitchId"]).clone(),
            model.at(&["SecurityGroupIds", "SecurityGroupId"]).as_list().unwrap()[0].clone(),
        );
        let run = bed.run(
            "ACS-ECS-CloneInstancesAcrossRegion",
            params! {
                "instanceIds" => ids.clone(), "regionId" => "cn-hangzhou", "targetRegionId" => "cn-beijing",
                "targetZoneId" => "cn-beijing-h", "targetInstanceType" => "ecs.g7.large",
                "targetSecurityGroupId" => group, "targetVSwitchId" => vswitch,
            },
        );
        run.expect_success();
        let outputs = run.outputs();
        let clones: Vec<_> =
            outputs.get("instanceIds").unwrap().as_list().unwrap().iter().map(Value::to_text).collect();
        assert_eq!(clones.len(), 2);
        for (clone, source) in clones.iter().zip(&ids) {
            let shown = cloud.ecs().describe(clone);
            assert_eq!(shown.at(&["RegionId"]), &Value::from("cn-beijing"));
            assert_eq!(shown.at(&["Status"]), &Value::from("Running"));
            assert_eq!(layout(cloud, clone), layout(cloud, source));
            assert_eq!(layout(cloud, clone).len(), 3);
        }
        let images = cloud.ecs().ids_of("ECS::Image");
        let in_region = |region: &str| {
            let calls = ["cn-hangzhou", "cn-beijing"].map(|region| {
                look(cloud, "ECS", "DescribeImages", json!({"RegionId": region, "ImageOwnerAlias": "self"}))
            });
            let at = usize::from(region == "cn-beijing");
            calls[at].at(&["Images", "Image"]).as_list().unwrap().len()
        };
        assert_eq!((in_region("cn-hangzhou"), in_region("cn-beijing"), images.len()), (2, 2, 4));
    });
}

#[test]
pub(crate) fn case_25_brings_a_launch_template_up_to_date() {
    both_ways(|bed| {
        let cloud = bed.cloud();
        let instance = cloud.ecs().instance().running().create();
        let disk = cloud.ecs().disks_of(&instance)[0].clone();
        cloud.ecs().set(&disk, params! { "Size" => 77, "PerformanceLevel" => "PL2", "DeleteWithInstance" => false });
        let old = params! {
            "ImageId" => "m-old", "InstanceType" => "ecs.g7.large", "InstanceName" => "web", "SystemDisk" => params! {
                "Category" => "cloud_essd", "Size" => 40, "PerformanceLevel" => "PL1", "DeleteWithInstance" => true,
            },
        };
        cloud.ecs().launch_template("web", [old.clone(), old.clone(), old]);
        let run = bed.run(
            "ACS-ECS-CreateImageAndUpdateLaunchTemplates",
            params! { "instanceId" => instance, "launchTemplateNames" => ["web", "missing"] },
        );
        run.expect_success();
        let outputs = run.outputs();
        let images = outputs.get("imageIds").unwrap().as_list().unwrap().to_vec();
        assert_eq!(images.len(), 1);

        let parameters = json!({"RegionId": "cn-hangzhou", "LaunchTemplateName": "web"});
        let shown = look(cloud, "ECS", "DescribeLaunchTemplateVersions", parameters);
        let versions = shown.at(&["LaunchTemplateVersionSets", "LaunchTemplateVersionSet"]).as_list().unwrap().to_vec();
        let numbers: Vec<_> = versions.iter().map(|v| v.at(&["VersionNumber"]).as_i64().unwrap()).collect();
        assert_eq!(numbers, [4, 2, 1], "version 3 is deleted");
        assert_eq!(versions[0].at(&["DefaultVersion"]), &Value::from(true));
        let data = versions[0].at(&["LaunchTemplateData"]);
        let member = |name: &str| data.get(name).map(|v| v.to_text().to_string()).unwrap_or_default();
        assert_eq!(member("ImageId"), &*images[0].to_text());
        assert_eq!(member("SystemDisk.Size"), "77");
        assert_eq!(member("SystemDisk.PerformanceLevel"), "PL2");
        assert_eq!(member("SystemDisk.DeleteWithInstance"), "false");
        assert_eq!(member("SystemDisk.Category"), "cloud_essd");
        assert_eq!((&*member("InstanceType"), &*member("InstanceName")), ("ecs.g7.large", "web"));

        run.task("updateLaunchTemplate").items().failed().eq(&[]);
        assert_eq!(run.task("updateLaunchTemplate").items().succeeded().len(), 2);
        cloud.calls().of("ECS", "*LaunchTemplate*").with(json!({"LaunchTemplateName": "missing"})).never();
        let missing = run.children().into_iter().last().unwrap();
        assert_eq!(run.end_of(&missing).unwrap().0, ExecutionStatus::Success);
        run.task("createImage").status(TaskStatus::Success);
    });
}
