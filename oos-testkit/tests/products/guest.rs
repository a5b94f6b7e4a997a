//! Cases of what is done inside a machine: files, patches, packages, agents.

use oos_testkit::{cloud::FakeCloud, prelude::*};

use crate::{
    Case, bad,
    compute::{and, denied, failing_commands, on, running, stopped, windows},
    good,
};

fn file(id: &str) -> Value {
    params! {
        "instanceId" => id, "sourceType" => "https", "sourcePath" => "https://b.example.com/a.sh?x=1", "tokenInfo" => "t",
        "destinationDir" => "/tmp",
    }
}

fn file_and_script(id: &str) -> Value {
    and(&file(id), &params! { "commandContent" => "sh /tmp/a.sh", "workingDir" => "/tmp" })
}

fn rules(id: &str) -> Value {
    params! { "instanceId" => id, "cleanUpInfos" => "7d|/var/log|*.gz,30m|/tmp|*" }
}

fn playbook(id: &str) -> Value {
    params! {
        "instanceId" => id, "sourceType" => "oss", "sourcePath" => "https://b.example.com/site", "playbookFile" => "site.yml",
    }
}

fn mount(id: &str) -> Value {
    params! { "regionId" => "cn-hangzhou", "instanceId" => id, "mountTargetDomain" => "fs-1.cn-hangzhou.nas.aliyuncs.com" }
}

fn from_oss(id: &str) -> Value {
    params! { "instanceId" => id, "instanceRole" => "reader", "srcUrl" => "oss://files/a", "destUrl" => "/root/a" }
}

fn with_role(cloud: &FakeCloud) -> Value {
    from_oss(&cloud.ecs().instance().running().with("_ram_role", "reader").create())
}

/// What has to be restarted for, with an agent that answers after it.
fn pending(cloud: &FakeCloud, id: &str) -> Value {
    cloud.oos().patch_state(id, params! { "InstanceId" => id, "InstalledPendingRebootCount" => 1 });
    params! { "instanceId" => id, "rebootIfNeed" => true, "whetherCreateSnapshot" => true }
}

/// A managed machine; the fake runs commands only on instances of ECS, so one of them stands for it.
fn managed(cloud: &FakeCloud, os: &str) -> Value {
    let id = running(cloud);
    let listed = json!({ "Instances": [{ "InstanceId": id, "OsType": os }] });
    cloud.stub("ECS", "DescribeManagedInstances").json(listed);
    on(&id)
}

fn desktop(cloud: &FakeCloud) -> Value {
    params! { "regionId" => "cn-hangzhou", "desktopId" => cloud.ecd().create("Running") }
}

fn desktop_script(cloud: &FakeCloud) -> Value {
    and(&desktop(cloud), &params! { "commandType" => "RunPowerShellScript", "commandContent" => "Get-Date" })
}

fn long_script(id: &str) -> Value {
    params! { "instanceId" => id, "commandType" => "RunShellScript", "commandContent" => "sleep 1" }
}

fn member_script(cloud: &FakeCloud) -> Value {
    params! {
        "regionId" => "cn-hangzhou", "instanceId" => running(cloud), "commandInstanceId" => running(cloud),
        "commandContent" => "echo $COMMAND_IP",
    }
}

fn package(id: &str) -> Value {
    params! { "instanceId" => id, "packageName" => "java", "parameters" => params! { "port" => "80" } }
}

fn packages(cloud: &FakeCloud) -> Value {
    let info = params! { "packageName" => "java", "packageVersion" => "v2", "parameters" => "" };
    params! { "instanceId" => running(cloud), "packageInfo" => vec![info], "reboot" => true }
}

fn updated(cloud: &FakeCloud) -> Value {
    let id = running(cloud);
    let given =
        json!({ "InstanceId": id, "TemplateName": "java", "TemplateVersion": "v1", "ConfigureAction": "Install" });
    cloud.call_now("OOS", "UpdateInstancePackageState", given).unwrap();
    and(&package(&id), &params! { "action" => "update", "packageVersion" => "v2" })
}

pub(crate) const CASES: &[Case] = &[
    good("ECS::DownloadFile", "linux", |c| {
        let owner = params! { "fileOwner" => "root", "fileMode" => "600", "overwrite" => false };
        and(&file(&running(c)), &owner)
    }),
    good("ECS::DownloadFile", "windows", |c| file(&windows(c))),
    bad("ECS::DownloadFile", "the script fails", "CheckForFailed", |c| {
        failing_commands(c);
        file(&running(c))
    }),
    good("ECS::DownloadFileAndRunCommand", "linux", |c| file_and_script(&running(c))),
    good("ECS::DownloadFileAndRunCommand", "windows", |c| file_and_script(&windows(c))),
    bad("ECS::DownloadFileAndRunCommand", "the script fails", "CheckForFailed", |c| {
        failing_commands(c);
        file_and_script(&running(c))
    }),
    good("ECS::CleanUpDisk", "linux", |c| rules(&running(c))),
    good("ECS::CleanUpDisk", "windows", |c| rules(&windows(c))),
    bad("ECS::CleanUpDisk", "the script fails", "CheckForFailed", |c| {
        failing_commands(c);
        rules(&running(c))
    }),
    good("ECS::ApplyAnsiblePlayBook", "checked", |c| playbook(&running(c))),
    bad("ECS::ApplyAnsiblePlayBook", "the script fails", "CheckForFailed", |c| {
        failing_commands(c);
        playbook(&running(c))
    }),
    good("ECS::AttachNASFileSystemToInstance", "running", |c| mount(&running(c))),
    bad("ECS::AttachNASFileSystemToInstance", "stopped", "WaitForTimeout", |c| mount(&stopped(c))),
    good("ECS::CopyLinuxInstanceFileFromOSS", "with the role", with_role),
    bad("ECS::CopyLinuxInstanceFileFromOSS", "without a role", "CheckForFailed", |c| from_oss(&running(c))),
    good("ECS::ApplyPatchBaseline", "linux", |c| on(&running(c))),
    good("ECS::ApplyPatchBaseline", "windows, scanned", |c| and(&on(&windows(c)), &params! { "action" => "scan" })),
    good("ECS::ApplyPatchBaseline", "with snapshot and restart", |c| pending(c, &running(c))),
    bad("ECS::ApplyPatchBaseline", "the script fails", "CheckForFailed", |c| {
        failing_commands(c);
        on(&running(c))
    }),
    good("ECS::ApplyPatchBaselineOnMangedInstance", "linux", |c| managed(c, "Linux")),
    good("ECS::ApplyPatchBaselineOnMangedInstance", "windows", |c| managed(c, "Windows")),
    bad("ECS::ApplyPatchBaselineOnMangedInstance", "the script fails", "CheckForFailed", |c| {
        failing_commands(c);
        managed(c, "Linux")
    }),
    good("ECS::RunCommandForApplyPatchBaseline", "shell", |c| long_script(&running(c))),
    bad("ECS::RunCommandForApplyPatchBaseline", "the script fails", "CheckForFailed", |c| {
        failing_commands(c);
        long_script(&running(c))
    }),
    good("ECS::RunCommandForLongTime", "python", |c| {
        and(&long_script(&running(c)), &params! { "commandType" => "RunPythonScript" })
    }),
    bad("ECS::RunCommandForLongTime", "the script fails", "CheckForFailed", |c| {
        failing_commands(c);
        long_script(&running(c))
    }),
    good("ESS::RunCommandOnSpecifiedInstance", "shell", member_script),
    bad("ESS::RunCommandOnSpecifiedInstance", "the script fails", "CheckForFailed", |c| {
        failing_commands(c);
        member_script(c)
    }),
    good("ECD::RunCommand", "powershell", desktop_script),
    bad("ECD::RunCommand", "the script fails", "WaitForStopped", |c| {
        failing_commands(c);
        desktop_script(c)
    }),
    good("ECD::ApplyPatchBaseline", "installed", desktop),
    good("ECD::ApplyPatchBaseline", "scanned, with a snapshot", |c| {
        and(&desktop(c), &params! { "action" => "scan", "whetherCreateSnapshot" => true })
    }),
    good("ECD::ApplyPatchBaseline", "with a restart", |c| {
        let given = desktop(c);
        let id = given.at(&["desktopId"]).to_text();
        c.oos().patch_state(&id, params! { "InstanceId" => &*id, "InstalledPendingRebootCount" => 1 });
        and(&given, &params! { "rebootIfNeed" => true })
    }),
    bad("ECD::ApplyPatchBaseline", "the script fails", "WaitForStopped", |c| {
        failing_commands(c);
        desktop(c)
    }),
    good("ECD::RebootDesktop", "running", |c| params! { "desktopId" => c.ecd().create("Running") }),
    bad("ECD::RebootDesktop", "refused", "OperationDenied", |c| {
        denied(c, "ECD", "RebootDesktops");
        params! { "desktopId" => c.ecd().create("Running") }
    }),
    good("ECD::SetRenewal", "renewed", |c| {
        params! {
            "desktopId" => c.ecd().create("Running"), "renewalPeriodUnit" => "M", "renewalPeriod" => 1,
            "renewalStatus" => "AutoRenewal",
        }
    }),
    bad("ECD::SetRenewal", "refused", "OperationDenied", |c| {
        denied(c, "BssOpenApi", "SetRenewal");
        params! {
            "desktopId" => c.ecd().create("Running"), "renewalPeriodUnit" => "Y", "renewalPeriod" => 1,
            "renewalStatus" => "Normal",
        }
    }),
    good("ECS::InstallAegisAgent", "installed", |c| on(&running(c))),
    bad("ECS::InstallAegisAgent", "never works", "WaitForStopped", |c| {
        let id = running(c);
        c.put("SAS::Result", &id, params! { "ResuleCode" => "1008" });
        on(&id)
    }),
    good("ECS::ConfigureOOSPackageWithTemporaryURL", "installed on linux", |c| package(&running(c))),
    good("ECS::ConfigureOOSPackageWithTemporaryURL", "removed from windows", |c| {
        and(&package(&windows(c)), &params! { "action" => "uninstall", "packageVersion" => "v1" })
    }),
    bad("ECS::ConfigureOOSPackageWithTemporaryURL", "the script fails", "CheckForFailed", |c| {
        failing_commands(c);
        package(&running(c))
    }),
    good("ECS::ConfigureOOSPackageWithTemporaryURLFullActions", "installed", |c| package(&running(c))),
    good("ECS::ConfigureOOSPackageWithTemporaryURLFullActions", "updated", updated),
    bad("ECS::ConfigureOOSPackageWithTemporaryURLFullActions", "the script fails", "CheckForFailed", |c| {
        failing_commands(c);
        package(&running(c))
    }),
    good("ECS::ConfigureMultipleOOSPackagesWithTemporaryURL", "one, with a restart", packages),
    bad("ECS::ConfigureMultipleOOSPackagesWithTemporaryURL", "the script fails", "LoopMaxErrorsExceeded", |c| {
        failing_commands(c);
        packages(c)
    }),
];
