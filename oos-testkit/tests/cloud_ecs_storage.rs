//! Disks, snapshots and images of the fake cloud.
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests")]

use oos_testkit::prelude::*;

fn ecs(cloud: &FakeCloud, api: &str, params: serde_json::Value) -> Result<Value, String> {
    cloud.call_now("ECS", api, params).map_err(|e| e.code().to_owned())
}

fn only<'a>(answer: &'a Value, outer: &str, inner: &str) -> &'a Value {
    let list = answer.at(&[outer, inner]).as_list().unwrap();
    assert_eq!(list.len(), 1, "{answer}");
    &list[0]
}

fn disk(cloud: &FakeCloud, id: &str, member: &str) -> String {
    let answer = ecs(cloud, "DescribeDisks", json!({"DiskIds": [id]})).unwrap();
    only(&answer, "Disks", "Disk").at(&[member]).to_text().to_string()
}

#[test]
fn a_disk_is_created_attached_and_detached() {
    let cloud = FakeCloud::new();
    let instance = cloud.ecs().instance().create();
    let zone = cloud.ecs().get(&instance, "ZoneId").to_text();
    let answer = ecs(&cloud, "CreateDisk", json!({"ZoneId": &*zone, "Size": 50, "DiskCategory": "cloud_ssd"})).unwrap();
    let id = answer.at(&["DiskId"]).to_text().to_string();
    let attach = || ecs(&cloud, "AttachDisk", json!({"DiskId": id, "InstanceId": instance}));
    assert_eq!(attach().unwrap_err(), "IncorrectDiskStatus");
    cloud.clock().advance(secs(5));
    assert_eq!((disk(&cloud, &id, "Status"), disk(&cloud, &id, "InstanceId")), ("Available".into(), String::new()));
    attach().unwrap();
    assert_eq!(disk(&cloud, &id, "Status"), "Attaching");
    cloud.clock().advance(secs(5));
    assert_eq!((disk(&cloud, &id, "Status"), disk(&cloud, &id, "Device")), ("In_use".into(), "/dev/xvdb".into()));
    ecs(&cloud, "DetachDisk", json!({"DiskId": id, "InstanceId": instance})).unwrap();
    cloud.clock().advance(secs(5));
    assert_eq!((disk(&cloud, &id, "Status"), disk(&cloud, &id, "InstanceId")), ("Available".into(), String::new()));
    ecs(&cloud, "DeleteDisk", json!({"DiskId": id})).unwrap();
    assert_eq!(ecs(&cloud, "DeleteDisk", json!({"DiskId": id})).unwrap_err(), "InvalidDiskId.NotFound");
}

#[test]
fn a_system_disk_goes_back_only_to_its_own_stopped_instance() {
    let cloud = FakeCloud::new();
    let ids = cloud.ecs().instances(2).stopped().create();
    let system = cloud.ecs().disks_of(&ids[0])[0].clone();
    ecs(&cloud, "DetachDisk", json!({"DiskId": system, "InstanceId": ids[0]})).unwrap();
    cloud.clock().advance(secs(5));
    let attach = |instance: &str, password: Option<&str>| {
        ecs(
            &cloud,
            "AttachDisk",
            json!({"DiskId": system, "InstanceId": instance, "Password": password, "Bootable": true}),
        )
    };
    assert_eq!(attach(&ids[1], Some("p")).unwrap_err(), "IncorrectDiskStatus");
    assert_eq!(attach(&ids[0], None).unwrap_err(), "MissingParameter.Password");
    attach(&ids[0], Some("p")).unwrap();
}

#[test]
fn disks_are_filtered_by_type_and_instance() {
    let cloud = FakeCloud::new();
    let id = cloud.ecs().instance().data_disk(100).data_disk(200).create();
    let count = |params: serde_json::Value| {
        ecs(&cloud, "DescribeDisks", params).unwrap().at(&["Disks", "Disk"]).as_list().unwrap().len()
    };
    assert_eq!(count(json!({"InstanceId": id})), 3);
    assert_eq!(count(json!({"InstanceId": id, "DiskType": "Data"})), 2);
    assert_eq!(count(json!({"InstanceId": id, "DiskType": "all"})), 3);
    assert_eq!(count(json!({"DiskIds": ["d-none"]})), 0);
}

#[test]
fn replacing_the_system_disk_gives_a_new_one() {
    let cloud = FakeCloud::new();
    let id = cloud.ecs().instance().stopped().create();
    let old = cloud.ecs().disks_of(&id)[0].clone();
    let image = cloud.ecs().image("golden");
    let answer = ecs(&cloud, "ReplaceSystemDisk", json!({"InstanceId": id, "ImageId": image})).unwrap();
    let new = answer.at(&["DiskId"]).to_text().to_string();
    assert_ne!(new, old);
    assert_eq!(disk(&cloud, &new, "Status"), "Creating");
    cloud.clock().advance(secs(20));
    assert_eq!(disk(&cloud, &new, "Status"), "In_use");
    assert_eq!(cloud.ecs().disks_of(&id), [new]);
    assert_eq!(cloud.ecs().get(&id, "ImageId"), Value::from(image));
    cloud.ecs().set_status(&id, Running);
    assert_eq!(ecs(&cloud, "ReplaceSystemDisk", json!({"InstanceId": id})).unwrap_err(), "IncorrectInstanceStatus");
    assert_eq!(
        ecs(&cloud, "ReplaceSystemDisk", json!({"InstanceId": id, "ImageId": "m-none"})).unwrap_err(),
        "IncorrectInstanceStatus"
    );
}

#[test]
fn disks_are_resized_reset_and_reinitialised() {
    let cloud = FakeCloud::new();
    let id = cloud.ecs().instance().stopped().data_disk(40).create();
    let data = cloud.ecs().disks_of(&id)[1].clone();
    let snapshot = cloud.ecs().snapshot(&data, "before");
    ecs(&cloud, "ResizeDisk", json!({"DiskId": data, "NewSize": "80"})).unwrap();
    assert_eq!(disk(&cloud, &data, "Size"), "80");
    assert_eq!(
        ecs(&cloud, "ResizeDisk", json!({"DiskId": data, "NewSize": 60})).unwrap_err(),
        "InvalidDiskSize.TooSmall"
    );
    ecs(&cloud, "ResetDisk", json!({"DiskId": data, "SnapshotId": snapshot})).unwrap();
    assert_eq!(disk(&cloud, &data, "Status"), "ReIniting");
    cloud.clock().advance(secs(30));
    ecs(&cloud, "ReInitDisk", json!({"DiskId": data})).unwrap();
    cloud.clock().advance(secs(30));
    assert_eq!(disk(&cloud, &data, "Status"), "In_use");
    ecs(&cloud, "ModifyDiskSpec", json!({"DiskId": data, "DiskCategory": "cloud_ssd"})).unwrap();
    ecs(&cloud, "ModifyDiskAttribute", json!({"DiskId": data, "DeleteWithInstance": "false"})).unwrap();
    assert_eq!(
        (disk(&cloud, &data, "Category"), disk(&cloud, &data, "DeleteWithInstance")),
        ("cloud_ssd".into(), "false".into())
    );
    ecs(&cloud, "DeleteInstance", json!({"InstanceId": id})).unwrap();
    cloud.clock().advance(secs(5));
    assert_eq!(disk(&cloud, &data, "Status"), "Available");
}

#[test]
fn a_snapshot_progresses_and_is_protected_while_it_is_used() {
    let cloud = FakeCloud::new();
    let instance = cloud.ecs().instance().create();
    let disk_id = cloud.ecs().disks_of(&instance)[0].clone();
    let create = ecs(
        &cloud,
        "CreateSnapshot",
        json!({"DiskId": disk_id, "SnapshotName": "s", "Tags": [{"Key": "a", "Value": "b"}]}),
    );
    let id = create.unwrap().at(&["SnapshotId"]).to_text().to_string();
    let row = || {
        let answer = ecs(&cloud, "DescribeSnapshots", json!({"SnapshotIds": [id]})).unwrap();
        let row = only(&answer, "Snapshots", "Snapshot").clone();
        ["Status", "Progress", "Usage"].map(|m| row.at(&[m]).to_text().to_string())
    };
    cloud.clock().advance(secs(30));
    assert_eq!(row(), ["progressing", "50%", "none"]);
    assert_eq!(ecs(&cloud, "CreateImage", json!({"SnapshotId": id})).unwrap_err(), "IncorrectSnapshotStatus");
    cloud.clock().advance(secs(30));
    assert_eq!(row(), ["accomplished", "100%", "none"]);
    let image = ecs(&cloud, "CreateImage", json!({"SnapshotId": id, "ImageName": "of-snapshot"})).unwrap();
    assert_eq!(row()[2], "image");
    assert_eq!(
        ecs(&cloud, "DeleteSnapshot", json!({"SnapshotId": id, "Force": true})).unwrap_err(),
        "SnapshotCreatedImage"
    );
    ecs(&cloud, "DeleteImage", json!({"ImageId": image.at(&["ImageId"]).to_json()})).unwrap();
    ecs(&cloud, "DeleteSnapshot", json!({"SnapshotId": id})).unwrap();
    assert_eq!(ecs(&cloud, "DeleteSnapshot", json!({"SnapshotId": id})).unwrap_err(), "InvalidSnapshotId.NotFound");
    assert_eq!(ecs(&cloud, "CreateSnapshot", json!({"DiskId": "d-none"})).unwrap_err(), "InvalidDiskId.NotFound");
}

#[test]
fn snapshots_are_filtered_by_the_end_of_creation() {
    let cloud = FakeCloud::new();
    let instance = cloud.ecs().instance().create();
    let disk_id = cloud.ecs().disks_of(&instance)[0].clone();
    let old = cloud.ecs().snapshot(&disk_id, "old");
    cloud.clock().advance(hours(48));
    cloud.ecs().snapshot(&disk_id, "new");
    let params = json!({"Filter2Key": "CreationEndTime", "Filter2Value": "2026-01-02T00:00Z", "InstanceId": instance});
    let answer = ecs(&cloud, "DescribeSnapshots", params).unwrap();
    assert_eq!(only(&answer, "Snapshots", "Snapshot").at(&["SnapshotId"]), &Value::from(old));
}

#[test]
fn an_image_in_the_making_is_listed_only_by_its_state() {
    let cloud = FakeCloud::new();
    let instance = cloud.ecs().instance().data_disk(20).create();
    let answer = ecs(&cloud, "CreateImage", json!({"InstanceId": instance, "ImageName": "web"})).unwrap();
    let id = answer.at(&["ImageId"]).to_text().to_string();
    let list = |status: Option<&str>| {
        let answer = ecs(&cloud, "DescribeImages", json!({"ImageId": id, "Status": status})).unwrap();
        answer.at(&["Images", "Image"]).as_list().unwrap().to_vec()
    };
    assert!(list(None).is_empty());
    assert_eq!(list(Some("Creating,Waiting,Available"))[0].at(&["Status"]), &Value::from("Creating"));
    cloud.clock().advance(secs(120));
    let image = &list(None)[0];
    assert_eq!(image.at(&["DiskDeviceMappings", "DiskDeviceMapping"]).as_list().unwrap().len(), 2);
    assert_eq!(
        ecs(&cloud, "CreateImage", json!({"InstanceId": instance, "ImageName": "web"})).unwrap_err(),
        "InvalidImageName.Duplicated"
    );
    cloud.ecs().set_status(&instance, Starting);
    assert_eq!(ecs(&cloud, "CreateImage", json!({"InstanceId": instance})).unwrap_err(), "IncorrectInstanceStatus");
    cloud.transitions("ECS::Image").on("create").fail("X");
    cloud.ecs().set_status(&instance, Running);
    let failed = ecs(&cloud, "CreateImage", json!({"InstanceId": instance})).unwrap();
    cloud.clock().advance(secs(120));
    let params = json!({"ImageId": failed.at(&["ImageId"]).to_json(), "Status": "CreateFailed"});
    only(&ecs(&cloud, "DescribeImages", params).unwrap(), "Images", "Image");
}

#[test]
fn a_copy_appears_in_the_other_region_and_guards_its_source() {
    let cloud = FakeCloud::new();
    let source = cloud.ecs().image("golden");
    let params = json!({"ImageId": source, "DestinationRegionId": "cn-beijing", "DestinationImageName": "copy"});
    let copy = ecs(&cloud, "CopyImage", params).unwrap().at(&["ImageId"]).to_text().to_string();
    let status = || {
        let params = json!({"RegionId": "cn-beijing", "ImageId": copy, "Status": "Waiting,Creating,Available"});
        only(&ecs(&cloud, "DescribeImages", params).unwrap(), "Images", "Image").at(&["Status"]).to_text().to_string()
    };
    assert_eq!(status(), "Waiting");
    let delete = |force: bool| ecs(&cloud, "DeleteImage", json!({"ImageId": source, "Force": force}));
    assert_eq!(delete(true).unwrap_err(), "OperationDenied.ImageCopying");
    cloud.clock().advance(secs(30));
    assert_eq!(status(), "Creating");
    cloud.clock().advance(secs(150));
    assert_eq!(status(), "Available");
    delete(true).unwrap();
    delete(false).unwrap();
    let params = json!({"ImageId": copy, "RegionId": "cn-beijing", "DestinationRegionId": "cn-shanghai"});
    let again = ecs(&cloud, "CopyImage", params).unwrap().at(&["ImageId"]).to_text().to_string();
    ecs(&cloud, "CancelCopyImage", json!({"ImageId": again, "RegionId": "cn-shanghai"})).unwrap();
    assert!(cloud.ecs().get(&again, "ImageId").is_null());
}

#[test]
fn images_in_use_or_shared_are_not_deleted() {
    let cloud = FakeCloud::new();
    let image = cloud.ecs().image("golden");
    cloud.ecs().instance().image(&image).create();
    let delete = |force: bool| ecs(&cloud, "DeleteImage", json!({"ImageId": image, "Force": force}));
    assert_eq!(delete(false).unwrap_err(), "ImageUsingByInstance");
    ecs(&cloud, "ModifyImageSharePermission", json!({"ImageId": image, "AddAccount": ["1111"]})).unwrap();
    let shared = ecs(&cloud, "DescribeImageSharePermission", json!({"ImageId": image})).unwrap();
    assert_eq!(only(&shared, "Accounts", "Account").at(&["AliyunId"]), &Value::from("1111"));
    assert_eq!(delete(true).unwrap_err(), "ImageUseShared");
    ecs(&cloud, "ModifyImageSharePermission", json!({"ImageId": image, "RemoveAccount": ["1111"]})).unwrap();
    delete(true).unwrap();
}

#[test]
fn policies_apply_to_disks() {
    let cloud = FakeCloud::new();
    let (disk_id, policy) = (cloud.ecs().disk("cn-hangzhou-b", 20), cloud.ecs().auto_snapshot_policy());
    let apply = |policy: &str| {
        ecs(
            &cloud,
            "ApplyAutoSnapshotPolicy",
            json!({"regionId": "cn-hangzhou", "autoSnapshotPolicyId": policy, "diskIds": [disk_id]}),
        )
    };
    apply(&policy).unwrap();
    assert_eq!(disk(&cloud, &disk_id, "AutoSnapshotPolicyId"), policy);
    ecs(&cloud, "CancelAutoSnapshotPolicy", json!({"regionId": "cn-hangzhou", "diskIds": [disk_id]})).unwrap();
    assert_eq!(disk(&cloud, &disk_id, "AutoSnapshotPolicyId"), "");
    assert_eq!(apply("sp-none").unwrap_err(), "InvalidAutoSnapshotPolicyId.NotFound");
}

#[test]
fn a_launch_template_moves_to_a_new_default_version() {
    let cloud = FakeCloud::new();
    let image = cloud.ecs().image("golden");
    cloud.ecs().launch_template("web", [json!({}), json!({"InstanceType": "ecs.c7.large"})]);
    let params = json!({
        "LaunchTemplateName": "web", "ImageId": image, "SystemDiskSize": 60, "SystemDiskDeleteWithInstance": true,
        "InstanceType": "ecs.g7.large",
    });
    let answer = ecs(&cloud, "CreateLaunchTemplateVersion", params).unwrap();
    assert_eq!(answer.at(&["LaunchTemplateVersionNumber"]), &Value::from(3));
    let row = ecs(
        &cloud,
        "DescribeLaunchTemplateVersions",
        json!({"LaunchTemplateName": "web", "LaunchTemplateVersion": [3]}),
    )
    .unwrap();
    let data = only(&row, "LaunchTemplateVersionSets", "LaunchTemplateVersionSet").at(&["LaunchTemplateData"]).clone();
    assert_eq!(data.at(&["SystemDisk.Size"]).to_text(), "60".into());
    assert_eq!(data.at(&["ImageId"]), &Value::from(image.as_str()));
    let delete =
        |n: i32| ecs(&cloud, "DeleteLaunchTemplateVersion", json!({"LaunchTemplateName": "web", "DeleteVersion": [n]}));
    assert_eq!(delete(2).unwrap_err(), "InvalidLaunchTemplateVersion.DefaultVersion");
    ecs(&cloud, "ModifyLaunchTemplateDefaultVersion", json!({"LaunchTemplateName": "web", "DefaultVersionNumber": 3}))
        .unwrap();
    delete(2).unwrap();
    let sets = ecs(&cloud, "DescribeLaunchTemplates", json!({"LaunchTemplateName": ["web"]})).unwrap();
    let row = only(&sets, "LaunchTemplateSets", "LaunchTemplateSet");
    assert_eq!(
        (row.at(&["DefaultVersionNumber"]), row.at(&["LatestVersionNumber"])),
        (&Value::from(3), &Value::from(3))
    );
    let run = ecs(&cloud, "RunInstances", json!({"LaunchTemplateName": "web"})).unwrap();
    let id = run.at(&["InstanceIdSets", "InstanceIdSet"]).as_list().unwrap()[0].to_text();
    assert_eq!(cloud.ecs().get(&id, "ImageId"), Value::from(image));
    assert_eq!(
        ecs(&cloud, "RunInstances", json!({"LaunchTemplateName": "none"})).unwrap_err(),
        "InvalidLaunchTemplate.NotFound"
    );
}
