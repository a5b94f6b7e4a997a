//! Cases of Compute Nest service instances, and of the rest: clones in any zone, uploads, hooks, diagnoses.

use oos_testkit::{cloud::FakeCloud, prelude::*};

use crate::{
    Case, bad,
    compute::{and, denied, failing_commands, on, running, stopped, windows},
    good,
};

/// Two instances of a service instance.
fn members(cloud: &FakeCloud) -> Value {
    for _ in 0..2 {
        cloud.ecs().instance().running().tag("acs:computenest:serviceInstanceId", "si-1").create();
    }
    params! { "serviceInstanceId" => "si-1" }
}

fn command(given: &Value) -> Value {
    and(given, &params! { "commandContent" => "sh /tmp/a.sh" })
}

fn with_file(given: &Value) -> Value {
    let file = params! { "artifactsUrl" => "https://b.example.com/a.zip", "artifactsDownloadDirectory" => "/tmp" };
    command(&and(given, &file))
}

fn shell(id: &str) -> Value {
    and(&on(id), &params! { "commandType" => "RunShellScript" })
}

fn image(cloud: &FakeCloud, given: &Value) -> Value {
    and(given, &params! { "imageId" => cloud.ecs().image("new") })
}

/// The same with a scaling group of the service that has a hook.
fn with_group(cloud: &FakeCloud) -> Value {
    let given = members(cloud);
    let group = cloud.scaling_group().create();
    cloud.ecs().tag(&group, json!([{ "Key": "acs:computenest:serviceInstanceId", "Value": "si-1" }]));
    add_hook(cloud, &group, "LifecycleHookByComputeNestArtifact");
    given
}

fn add_hook(cloud: &FakeCloud, group: &str, name: &str) {
    let given = json!({
        "ScalingGroupId": group, "LifecycleHookName": name, "LifecycleTransition": "SCALE_OUT",
        "NotificationMetadata": r#"{"a":"b"}"#,
    });
    cloud.call_now("ESS", "CreateLifecycleHook", given).unwrap();
}

fn hook(cloud: &FakeCloud) -> Value {
    let group = cloud.scaling_group().create();
    add_hook(cloud, &group, "ready");
    params! {
        "scalingGroupId" => group, "lifecycleHookName" => "ready", "lifecycleTransition" => "SCALE_OUT",
        "notificationMetadata" => r#"{"c":"d"}"#,
    }
}

fn kind(given: &Value, kind: &str) -> Value {
    and(given, &params! { "type" => kind })
}

fn clone_of(cloud: &FakeCloud, id: &str) -> Value {
    let model = cloud.ecs().describe(id);
    params! {
        "instanceId" => id, "imageName" => "clone", "targetVSwitchId" => model.at(&["VpcAttributes", "VSwitchId"]).clone(),
        "targetSecurityGroupId" => model.at(&["SecurityGroupIds", "SecurityGroupId"]).as_list().unwrap()[0].clone(),
        "targetDeploymentSetId" => " ", "targetResourceGroupId" => " ", "targetInstanceType" => " ",
        "targetInstanceChargeType" => "PostPaid", "targetPeriodUnit" => " ", "targetPeriod" => 1,
        "tags" => vec![params! { "Key" => "team", "Value" => "web" }], "targetInstanceName" => " ", "targetHostName" => "web-2",
    }
}

fn cloned(cloud: &FakeCloud) -> Value {
    clone_of(cloud, &cloud.ecs().instance().running().data_disk(60).create())
}

fn object(id: &str) -> Value {
    params! {
        "instanceId" => id, "bucketName" => "files", "objectName" => "a/b.sh", "OSSRegion" => "cn-hangzhou",
        "destinationDir" => "/tmp", "commandContent" => "sh /tmp/b.sh",
    }
}

fn upload(id: &str) -> Value {
    params! { "bucketName" => "files", "objectName" => "a.log", "instanceId" => id, "fileToUpload" => "/var/log/a.log" }
}

pub(crate) const CASES: &[Case] = &[
    good("CN::UpgradeServiceInstanceByReplaceSystemDisk", "two instances", |c| {
        let given = members(c);
        image(c, &given)
    }),
    bad("CN::UpgradeServiceInstanceByReplaceSystemDisk", "unknown image", "LoopMaxErrorsExceeded", |c| {
        and(&members(c), &params! { "imageId" => "m-missing" })
    }),
    good("CN::UpgradeServiceInstanceByRunCommand", "two instances", |c| command(&members(c))),
    good("CN::UpgradeServiceInstanceByRunCommand", "none of the name", |c| {
        and(&command(&members(c)), &params! { "resourceName" => "web" })
    }),
    bad("CN::UpgradeServiceInstanceByRunCommand", "the script fails", "LoopMaxErrorsExceeded", |c| {
        failing_commands(c);
        command(&members(c))
    }),
    good("CN::UpgradeServiceInstanceStep", "linux, with a file", |c| with_file(&shell(&running(c)))),
    good("CN::UpgradeServiceInstanceStep", "windows, with a file", |c| with_file(&shell(&windows(c)))),
    good("CN::UpgradeServiceInstanceStep", "without a file", |c| command(&shell(&running(c)))),
    bad("CN::UpgradeServiceInstanceStep", "the script fails", "CheckForFailed", |c| {
        failing_commands(c);
        command(&shell(&running(c)))
    }),
    good("CN::DetermineUpgradeServiceInstanceTypeAndPerformUpgrade", "a script", |c| {
        kind(&command(&members(c)), "RunCommand")
    }),
    good("CN::DetermineUpgradeServiceInstanceTypeAndPerformUpgrade", "disks, group and hook", |c| {
        let given = command(&with_group(c));
        and(&kind(&image(c, &given), "ReplaceSystemDisk"), &params! { "whetherModifyEssLifecycleHook" => true })
    }),
    bad("CN::DetermineUpgradeServiceInstanceTypeAndPerformUpgrade", "refused", "OperationDenied", |c| {
        denied(c, "ESS", "ListTagResources");
        kind(&command(&members(c)), "RunCommand")
    }),
    good("ESS::ModifyScalingGroupLifecycleHook", "known", hook),
    good("ESS::ModifyScalingGroupLifecycleHook", "unknown", |c| {
        and(&hook(c), &params! { "lifecycleHookName" => "missing" })
    }),
    bad("ESS::ModifyScalingGroupLifecycleHook", "refused", "OperationDenied", |c| {
        denied(c, "ESS", "ModifyLifecycleHook");
        hook(c)
    }),
    good("ECS::CloneInstanceAcrossAZ", "with a disk", cloned),
    good("ECS::CloneInstanceAcrossAZ", "prepaid, another type", |c| {
        let other = params! { "targetInstanceType" => "ecs.g7.xlarge", "targetInstanceChargeType" => "PrePaid" };
        and(&cloned(c), &other)
    }),
    bad("ECS::CloneInstanceAcrossAZ", "sold out", "CheckForFailed", |c| {
        c.ecs().sell_out("ecs.g7.large");
        cloned(c)
    }),
    good("ECS::CreateAndAttachAndInitDataDisk", "linux", |c| {
        c.transitions("ECS::Disk").on("create").immediate();
        on(&running(c))
    }),
    bad("ECS::CreateAndAttachAndInitDataDisk", "windows", "CheckForFailed", |c| on(&windows(c))),
    good("ESS::DownloadOSSFileAndRunCommand", "linux", |c| object(&running(c))),
    good("ESS::DownloadOSSFileAndRunCommand", "windows", |c| object(&windows(c))),
    good("ESS::DownloadOSSFileAndRunCommand", "unknown instance", |_| object("i-missing")),
    bad("ESS::DownloadOSSFileAndRunCommand", "the script fails", "CheckForFailed", |c| {
        failing_commands(c);
        object(&running(c))
    }),
    good("ECS::UploadOssFile", "linux", |c| upload(&running(c))),
    good("ECS::UploadOssFile", "windows, another region", |c| {
        and(&upload(&windows(c)), &params! { "ossRegion" => "cn-beijing" })
    }),
    bad("ECS::UploadOssFile", "the script fails", "CheckForFailed", |c| {
        failing_commands(c);
        upload(&running(c))
    }),
    good("ECS::CreateDiagnoseReportForInstanceConnectionFailure", "with a public address", |c| {
        on(&c.ecs().instance().running().public_ip().create())
    }),
    good("ECS::CreateDiagnoseReportForInstanceConnectionFailure", "without one", |c| on(&running(c))),
    bad("ECS::CreateDiagnoseReportForInstanceConnectionFailure", "stopped", "CheckForFailed", |c| on(&stopped(c))),
];
