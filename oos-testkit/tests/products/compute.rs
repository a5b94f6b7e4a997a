//! Cases of instances, desktops, commands and launch templates.

use oos_testkit::{cloud::FakeCloud, prelude::*};

use crate::{Case, bad, good};

pub(crate) fn running(cloud: &FakeCloud) -> String {
    cloud.ecs().instance().running().create()
}

pub(crate) fn stopped(cloud: &FakeCloud) -> String {
    cloud.ecs().instance().stopped().create()
}

pub(crate) fn windows(cloud: &FakeCloud) -> String {
    cloud.ecs().instance().windows().running().create()
}

/// Every command on an instance fails.
pub(crate) fn failing_commands(cloud: &FakeCloud) {
    cloud.assistant().default(exit(3).stdout("no"));
}

pub(crate) fn on(id: &str) -> Value {
    params! { "instanceId" => id }
}

/// The API refuses.
pub(crate) fn denied(cloud: &FakeCloud, service: &str, api: &str) {
    cloud.fault("denied").on(service, api).error("OperationDenied", 403);
}

/// The same map with more members.
pub(crate) fn and(base: &Value, more: &Value) -> Value {
    let pairs = base.as_map().into_iter().chain(more.as_map()).flat_map(oos_core::Map::iter);
    Value::from(pairs.map(|(key, value)| (key.clone(), value.clone())).collect::<oos_core::Map>())
}

fn script(id: &str) -> Value {
    params! { "instanceId" => id, "commandType" => "RunShellScript", "commandContent" => "echo out" }
}

fn package(id: &str) -> Value {
    params! { "instanceId" => id, "packageName" => "ACS-Extension-java-0123", "packageVersion" => "v2" }
}

fn oss_file(id: &str) -> Value {
    params! {
        "instanceId" => id, "bucketName" => "files", "objectName" => "a/b.sh", "OSSRegion" => "cn-hangzhou",
        "destinationDir" => "/tmp", "commandContent" => "sh /tmp/b.sh",
    }
}

fn inventory(id: &str) -> Value {
    params! {
        "regionId" => "cn-hangzhou", "instanceId" => id, "linuxOptions" => r#"{"policies":["ACS:Application"]}"#,
        "windowsOptions" => r#"{"policies":["ACS:Application"]}"#,
    }
}

fn packer(id: &str) -> Value {
    params! { "instanceId" => id, "sourceType" => "oss", "sourcePath" => "https://b.example.com/t", "templateFile" => "t.json" }
}

fn password(id: &str) -> Value {
    params! { "instanceId" => id, "username" => "root", "passwordParameter" => "pw" }
}

fn stored_command(cloud: &FakeCloud, id: &str) -> Value {
    let given = json!({ "Name": "n", "Type": "RunShellScript", "CommandContent": "ZWNobyBvdXQ=" });
    let made = cloud.call_now("ECS", "CreateCommand", given).unwrap();
    params! { "instanceId" => id, "commandId" => made.at(&["CommandId"]).clone() }
}

fn attributes(cloud: &FakeCloud, id: &str, named: &str) -> Value {
    let groups = cloud.ecs().describe(id).at(&["SecurityGroupIds", "SecurityGroupId"]).clone();
    let row = params! {
        "instanceId" => named, "regionId" => "cn-hangzhou", "hostName" => "web-1", "instanceName" => "web",
        "description" => "text", "securityGroups" => groups,
    };
    params! { "instanceId" => named, "instanceAttributes" => vec![row] }
}

fn order(cloud: &FakeCloud) -> Value {
    let model = cloud.ecs().describe(&running(cloud));
    params! {
        "vSwitchId" => model.at(&["VpcAttributes", "VSwitchId"]).clone(), "instanceType" => "ecs.g7.large",
        "imageId" => cloud.ecs().image("base"), "amount" => 2, "instanceName" => "web",
        "securityGroupId" => model.at(&["SecurityGroupIds", "SecurityGroupId"]).as_list().unwrap()[0].clone(),
        "tags" => vec![params! { "Key" => "team", "Value" => "web" }],
    }
}

fn jq(second: &str) -> Value {
    params! { "parameter" => "abc", "jqScript" => [".[0] | length", second] }
}

fn verified(id: &str, more: &Value) -> Value {
    and(&params! { "instanceId" => id, "commandContent" => "echo mine" }, more)
}

fn launch_template(cloud: &FakeCloud) -> Value {
    let version = params! {
        "ImageId" => "m-old", "InstanceType" => "ecs.g7.large", "InstanceName" => "web", "UserData" => "aGk=",
        "SystemDisk" => params! { "Category" => "cloud_essd", "Size" => 40, "DeleteWithInstance" => true },
        "Tag" => vec![params! { "Key" => "team", "Value" => "web" }],
    };
    cloud.ecs().launch_template("web", [version.clone(), version]);
    params! { "imageId" => cloud.ecs().image("new"), "launchTemplateName" => "web", "systemDiskSize" => "80" }
}

fn charge(id: &str) -> Value {
    params! {
        "instanceId" => id, "instanceChargeType" => "PrePaid", "period" => 1, "networkChargeType" => "PayByBandwidth",
    }
}

fn families(id: &str, family: &str) -> Value {
    params! {
        "instanceId" => id, "instanceChargeType" => "PrePaid", "networkChargeType" => "PayByBandwidth",
        "instanceTypeFamilies" => [family],
    }
}

fn desktop(id: &str) -> Value {
    params! { "desktopId" => id }
}

pub(crate) const CASES: &[Case] = &[
    good("ECD::StartDesktop", "stopped", |c| desktop(&c.ecd().create("Stopped"))),
    good("ECD::StartDesktop", "on its way up", |c| {
        let id = c.ecd().create("Stopped");
        c.call_now("ECD", "StartDesktops", json!({ "DesktopId": [id] })).unwrap();
        desktop(&id)
    }),
    good("ECD::StartDesktop", "running", |c| desktop(&c.ecd().create("Running"))),
    bad("ECD::StartDesktop", "stays in between", "WaitForTimeout", |c| {
        c.transitions("ECD::Desktop").on("start").never();
        desktop(&c.ecd().create("Stopped"))
    }),
    good("ECD::StopDesktop", "running", |c| desktop(&c.ecd().create("Running"))),
    good("ECD::StopDesktop", "in use", |c| {
        let id = c.ecd().create("Running");
        c.ecd().set(&id, "ConnectionStatus", "Connected");
        desktop(&id)
    }),
    bad("ECD::StopDesktop", "stays in between", "WaitForTimeout", |c| {
        c.transitions("ECD::Desktop").on("stop").never();
        desktop(&c.ecd().create("Running"))
    }),
    good("ECS::StartInstance", "stopped", |c| on(&stopped(c))),
    good("ECS::StartInstance", "running", |c| on(&running(c))),
    good("ECS::StartInstance", "on its way up", |c| {
        let id = stopped(c);
        c.call_now("ECS", "StartInstance", json!({ "InstanceId": id })).unwrap();
        on(&id)
    }),
    bad("ECS::StartInstance", "stays in between", "WaitForTimeout", |c| {
        c.transitions("ECS::Instance").on("start").never();
        on(&stopped(c))
    }),
    good("ECS::StopInstance", "running", |c| on(&running(c))),
    good("ECS::StopInstance", "stopped", |c| on(&stopped(c))),
    bad("ECS::StopInstance", "stays in between", "WaitForTimeout", |c| {
        c.transitions("ECS::Instance").on("stop").never();
        on(&running(c))
    }),
    good("ECS::RebootInstance", "running", |c| and(&on(&running(c)), &params! { "forceStop" => true })),
    bad("ECS::RebootInstance", "stopped", "IncorrectInstanceStatus", |c| on(&stopped(c))),
    good("ECS::RunInstances", "two", order),
    good("ECS::RunInstances", "prepaid", |c| and(&order(c), &params! { "instanceChargeType" => "PrePaid" })),
    bad("ECS::RunInstances", "sold out", "OperationDenied.NoStock", |c| {
        c.fault("sold out").on("ECS", "RunInstances").error("OperationDenied.NoStock", 403);
        order(c)
    }),
    good("ECS::ModifyInstanceSpec", "by use", |c| {
        and(&on(&running(c)), &params! { "instanceType" => "ecs.g7.xlarge" })
    }),
    bad("ECS::ModifyInstanceSpec", "no stock", "OperationDenied.NoStock", |c| {
        c.fault("no stock").on("ECS", "ModifyInstanceSpec").error("OperationDenied.NoStock", 403);
        and(&on(&running(c)), &params! { "instanceType" => "ecs.g7.xlarge" })
    }),
    good("ECS::ModifyPrepaySpec", "prepaid", |c| {
        let id = c.ecs().instance().running().prepaid().create();
        and(&on(&id), &params! { "instanceType" => "ecs.g7.xlarge" })
    }),
    bad("ECS::ModifyPrepaySpec", "by use", "ChargeTypeViolation", |c| {
        and(&on(&running(c)), &params! { "instanceType" => "ecs.g7.xlarge" })
    }),
    good("ECS::ModifyInstanceAttribute", "all members", |c| {
        let id = running(c);
        attributes(c, &id, &id)
    }),
    bad("ECS::ModifyInstanceAttribute", "unknown instance", "InvalidInstanceId.NotFound", |c| {
        attributes(c, &running(c), "i-missing")
    }),
    good("ECS::ModifyInstanceAutoRenewAttribute", "prepaid", |c| {
        let id = c.ecs().instance().running().prepaid().create();
        params! { "instanceId" => id, "duration" => 1, "autoRenew" => true }
    }),
    bad("ECS::ModifyInstanceAutoRenewAttribute", "unknown instance", "InvalidInstanceId.NotFound", |_| {
        params! { "instanceId" => "i-missing", "duration" => 1 }
    }),
    good("ECS::ModifyInstanceChargeType", "to prepaid", |c| charge(&running(c))),
    good("ECS::ModifyInstanceChargeType", "is prepaid", |c| charge(&c.ecs().instance().running().prepaid().create())),
    good("ECS::ModifyInstanceChargeType", "without the network", |c| {
        and(&charge(&running(c)), &params! { "networkChargeType" => "" })
    }),
    bad("ECS::ModifyInstanceChargeType", "unknown instance", "InvalidInstanceId.NotFound", |_| charge("i-missing")),
    good("ECS::ModifyInstanceChargeTypeSpecifiedInstanceTypeFamilies", "of the family", |c| {
        families(&running(c), "ecs.g7")
    }),
    good("ECS::ModifyInstanceChargeTypeSpecifiedInstanceTypeFamilies", "of another family", |c| {
        families(&running(c), "ecs.x0")
    }),
    bad("ECS::ModifyInstanceChargeTypeSpecifiedInstanceTypeFamilies", "refused", "OperationDenied", |c| {
        c.fault("denied").on("ECS", "ModifyInstanceNetworkSpec").error("OperationDenied", 403);
        families(&running(c), "ecs.g7")
    }),
    good("ECS::QueryInstanceAttributes", "with disks and a snapshot", |c| {
        let id = c.ecs().instance().running().data_disk(60).create();
        c.ecs().snapshot(&c.ecs().disks_of(&id)[1], "daily");
        on(&id)
    }),
    bad("ECS::QueryInstanceAttributes", "refused", "OperationDenied", |c| {
        c.fault("denied").on("ECS", "DescribeSnapshots").error("OperationDenied", 403);
        on(&running(c))
    }),
    good("ECS::TagInstanceByOSType", "windows", |c| on(&windows(c))),
    bad("ECS::TagInstanceByOSType", "refused", "OperationDenied", |c| {
        c.fault("denied").on("ECS", "TagResources").error("OperationDenied", 403);
        on(&running(c))
    }),
    good("ECS::TagInstanceByLinuxKernelVersion", "running", |c| {
        c.assistant().default(exit(0).stdout("5.10"));
        on(&running(c))
    }),
    bad("ECS::TagInstanceByLinuxKernelVersion", "stopped", "CheckForFailed", |c| on(&stopped(c))),
    good("ECS::TagInstanceByRunCommandResult", "running", |c| {
        and(&on(&running(c)), &params! { "tagKey" => "release", "commandContent" => "cat /release" })
    }),
    bad("ECS::TagInstanceByRunCommandResult", "the script fails", "CheckForFailed", |c| {
        failing_commands(c);
        and(&on(&running(c)), &params! { "tagKey" => "release", "commandContent" => "cat /release" })
    }),
    good("ECS::RunCommand", "shell", |c| script(&running(c))),
    good("ECS::RunCommand", "every setting", |c| {
        let more = params! {
            "commandType" => "RunPythonScript", "workingDir" => "/root", "timeout" => 60, "enableParameter" => true,
            "parameters" => params! { "a" => "b" }, "username" => "root",
        };
        and(&script(&running(c)), &more)
    }),
    bad("ECS::RunCommand", "the script fails", "CheckForFailed", |c| {
        failing_commands(c);
        script(&running(c))
    }),
    bad("ECS::RunCommand", "the agent is away", "WaitForStopped", |c| {
        c.assistant().default(agent_offline());
        script(&running(c))
    }),
    good("ECS::InvokeCommand", "stored", |c| stored_command(c, &running(c))),
    bad("ECS::InvokeCommand", "unknown command", "InvalidCmdId.NotFound", |c| {
        params! { "instanceId" => running(c), "commandId" => "c-missing" }
    }),
    bad("ECS::InvokeCommand", "the script fails", "CheckForFailed", |c| {
        failing_commands(c);
        stored_command(c, &running(c))
    }),
    good("ECS::ConfigureOOSPackage", "linux", |c| package(&running(c))),
    good("ECS::ConfigureOOSPackage", "windows", |c| and(&package(&windows(c)), &params! { "action" => "uninstall" })),
    bad("ECS::ConfigureOOSPackage", "the script fails", "CheckForFailed", |c| {
        failing_commands(c);
        package(&running(c))
    }),
    good("ECS::DownloadOSSFileAndRunCommand", "linux", |c| oss_file(&running(c))),
    good("ECS::DownloadOSSFileAndRunCommand", "windows", |c| oss_file(&windows(c))),
    good("ECS::DownloadOSSFileAndRunCommand", "unknown instance", |_| oss_file("i-missing")),
    bad("ECS::DownloadOSSFileAndRunCommand", "the script fails", "CheckForFailed", |c| {
        failing_commands(c);
        oss_file(&running(c))
    }),
    good("ECS::PutInventory", "linux", |c| inventory(&running(c))),
    good("ECS::PutInventory", "windows", |c| inventory(&windows(c))),
    bad("ECS::PutInventory", "the script fails", "CheckForFailed", |c| {
        failing_commands(c);
        inventory(&running(c))
    }),
    good("ECS::RunPacker", "build", |c| packer(&running(c))),
    bad("ECS::RunPacker", "the script fails", "CheckForFailed", |c| {
        failing_commands(c);
        packer(&running(c))
    }),
    good("ECS::ModifyUserPasswordBySecretParameter", "without a role", |c| password(&running(c))),
    good("ECS::ModifyUserPasswordBySecretParameter", "windows", |c| password(&windows(c))),
    bad("ECS::ModifyUserPasswordBySecretParameter", "the script fails", "CheckForFailed", |c| {
        failing_commands(c);
        password(&running(c))
    }),
    good("ECS::InstallCloudAssistant", "missing", |c| on(&c.ecs().instance().running().without_assistant().create())),
    good("ECS::InstallCloudAssistant", "there", |c| on(&running(c))),
    bad("ECS::InstallCloudAssistant", "stopped", "CheckForFailed", |c| on(&stopped(c))),
    good("ECS::CreateDiagnoseReport", "finished", |c| {
        params! { "resourceId" => running(c), "metricSetId" => "dms-instancedefault" }
    }),
    bad("ECS::CreateDiagnoseReport", "failed", "WaitForTimeout", |c| {
        c.transitions("ECS::DiagnosticReport").fail("Internal");
        params! { "resourceId" => running(c), "metricSetId" => "dms-instancedefault" }
    }),
    good("ECS::SMCConversionConstantByJqScript", "two programs", |_| jq(".[0] | ascii_upcase")),
    bad("ECS::SMCConversionConstantByJqScript", "not jq", "FunctionError", |_| jq(".[0] |")),
    good("ECS::SMCVerifyInstanceByRunCommand", "kept", |c| verified(&running(c), &params! {})),
    good("ECS::SMCVerifyInstanceByRunCommand", "deleted", |c| {
        verified(&running(c), &params! { "isDeleteInstance" => true, "commandContent" => "" })
    }),
    bad("ECS::SMCVerifyInstanceByRunCommand", "stopped", "WaitForTimeout", |c| verified(&stopped(c), &params! {})),
    good("ECS::UpdateLaunchTemplate", "known", launch_template),
    good("ECS::UpdateLaunchTemplate", "unknown", |c| {
        params! { "imageId" => c.ecs().image("new"), "launchTemplateName" => "web" }
    }),
    bad("ECS::UpdateLaunchTemplate", "refused", "OperationDenied", |c| {
        c.fault("denied").on("ECS", "ModifyLaunchTemplateDefaultVersion").error("OperationDenied", 403);
        launch_template(c)
    }),
];
