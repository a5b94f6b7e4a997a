//! Cases of scaling groups and their members.

use oos_testkit::{cloud::FakeCloud, prelude::*};

use crate::{
    Case, bad,
    compute::{and, failing_commands, running},
    good,
};

/// A group with one member: ids of both.
fn member(cloud: &FakeCloud) -> Value {
    let group = cloud.scaling_group().members(1).config("KeyPairName", "keys").create();
    cloud.ecs().key_pair("keys");
    params! { "scalingGroupId" => group.as_str(), "instanceId" => cloud.ess(&group).members()[0].clone() }
}

fn protected(cloud: &FakeCloud) -> Value {
    let ids = member(cloud);
    let given = json!({
        "ScalingGroupId": ids.at(&["scalingGroupId"]).to_text(), "InstanceIds": [ids.at(&["instanceId"]).to_text()],
        "ProtectedFromScaleIn": "true",
    });
    cloud.call_now("ESS", "SetInstancesProtection", given).unwrap();
    and(&ids, &params! { "lifecycleState" => "Protected" })
}

fn standby(cloud: &FakeCloud) -> Value {
    let ids = member(cloud);
    let given = json!({
        "ScalingGroupId": ids.at(&["scalingGroupId"]).to_text(), "InstanceId": [ids.at(&["instanceId"]).to_text()],
    });
    cloud.call_now("ESS", "EnterStandby", given).unwrap();
    ids
}

/// The group is busy when it is first asked.
fn busy(cloud: &FakeCloud) {
    for api in ["EnterStandby", "ExitStandby"] {
        cloud.fault(&format!("{api} is busy")).on("ESS", api).first(2).error("IncorrectScalingGroupStatus", 400);
    }
}

fn command(ids: &Value) -> Value {
    and(ids, &params! { "commandType" => "RunShellScript", "commandContent" => "echo out" })
}

fn package(ids: &Value) -> Value {
    and(ids, &params! { "packageName" => "ACS-Extension-java-0123" })
}

fn image(cloud: &FakeCloud, ids: &Value) -> Value {
    and(ids, &params! { "imageId" => cloud.ecs().image("new") })
}

fn of_launch_template(cloud: &FakeCloud) -> Value {
    let version = params! { "ImageId" => "m-old", "InstanceType" => "ecs.g7.large", "UserData" => "aGk=" };
    let template = cloud.ecs().launch_template("web", [version]);
    let group = cloud.scaling_group().members(1).launch_template(&template).create();
    params! { "scalingGroupId" => group.as_str(), "instanceId" => cloud.ess(&group).members()[0].clone() }
}

fn containers(cloud: &FakeCloud, status: &str) -> Value {
    let group = cloud.scaling_group().create();
    cloud.put("ECI::ContainerGroup", "eci-1", params! { "ContainerGroupId" => "eci-1", "Status" => status });
    cloud.ess(&group).attach("eci-1");
    let configure = vec![params! { "Name" => "web", "Image" => "registry.example.com/web:2" }];
    params! { "scalingGroupId" => group, "instanceId" => "eci-1", "containerConfigure" => configure }
}

fn file(id: &str, save: bool) -> Value {
    params! {
        "instanceId" => id, "sourceType" => "https", "sourcePath" => "https://b.example.com/a.sh", "whetherSaveToFile" => save,
        "destinationDir" => "/tmp", "commandContent" => "sh /tmp/a.sh", "tokenInfo" => "t", "workingDir" => "/tmp",
    }
}

fn whitelist(cloud: &FakeCloud, mode: &str, ip: &str) -> Value {
    params! { "dbClusterId" => cloud.polardb().create(), "modifyMode" => mode, "securityIp" => ip }
}

pub(crate) const CASES: &[Case] = &[
    good("ESS::RunCommand", "in service", |c| command(&member(c))),
    good("ESS::RunCommand", "protected", |c| command(&protected(c))),
    good("ESS::RunCommand", "on standby", |c| command(&standby(c))),
    good("ESS::RunCommand", "busy at first", |c| {
        busy(c);
        command(&member(c))
    }),
    bad("ESS::RunCommand", "the script fails", "CheckForFailed", |c| {
        failing_commands(c);
        command(&member(c))
    }),
    bad("ESS::RunCommand", "unknown group", "WaitForStopped", |c| {
        command(&params! { "scalingGroupId" => "asg-missing", "instanceId" => running(c) })
    }),
    good("ESS::ConfigureOOSPackage", "in service", |c| package(&member(c))),
    good("ESS::ConfigureOOSPackage", "protected", |c| package(&protected(c))),
    bad("ESS::ConfigureOOSPackage", "the script fails", "CheckForFailed", |c| {
        failing_commands(c);
        package(&member(c))
    }),
    good("ESS::ReplaceSystemDisk", "in service", |c| {
        let ids = member(c);
        image(c, &ids)
    }),
    good("ESS::ReplaceSystemDisk", "protected", |c| {
        let ids = protected(c);
        image(c, &ids)
    }),
    good("ESS::ReplaceSystemDisk", "of a launch template", |c| {
        let ids = of_launch_template(c);
        image(c, &ids)
    }),
    bad("ESS::ReplaceSystemDisk", "unknown image", "InvalidImageId.NotFound", |c| {
        and(&member(c), &params! { "imageId" => "m-missing" })
    }),
    good("ESS::UpdateContainerGroup", "in service", |c| containers(c, "Running")),
    bad("ESS::UpdateContainerGroup", "failed", "WaitForStopped", |c| containers(c, "Failed")),
    good("ESS::DownloadFileAndRunCommand", "linux", |c| file(&running(c), true)),
    good("ESS::DownloadFileAndRunCommand", "windows", |c| {
        file(&c.ecs().instance().windows().running().create(), false)
    }),
    bad("ESS::DownloadFileAndRunCommand", "the script fails", "CheckForFailed", |c| {
        failing_commands(c);
        file(&running(c), true)
    }),
    good("ESS::ModifyPolarDBIPWhitelist", "added", |c| whitelist(c, "Append", "10.1.2.3")),
    good("ESS::ModifyPolarDBIPWhitelist", "added though there", |c| whitelist(c, "Append", "127.0.0.1")),
    good("ESS::ModifyPolarDBIPWhitelist", "removed", |c| whitelist(c, "Delete", "127.0.0.1")),
    good("ESS::ModifyPolarDBIPWhitelist", "removed though not there", |c| whitelist(c, "Delete", "10.1.2.3")),
    bad("ESS::ModifyPolarDBIPWhitelist", "unknown cluster", "InvalidDBClusterId.NotFound", |_| {
        params! { "dbClusterId" => "pc-missing", "modifyMode" => "Append", "securityIp" => "10.1.2.3" }
    }),
];
