//! Cases of actions that do one small thing: a call and, where it takes time, a wait.

use oos_testkit::{cloud::FakeCloud, prelude::*};

use crate::{
    Case, bad,
    compute::{and, denied, failing_commands, on, running, stopped, windows},
    good,
};

fn stack(cloud: &FakeCloud) -> Value {
    let body = json!({
        "ROSTemplateFormatVersion": "2015-09-01",
        "Resources": { "Vpc": { "Type": "ALIYUN::ECS::VPC", "Properties": { "CidrBlock": "10.0.0.0/8" } } },
    });
    let made =
        cloud.call_now("ROS", "CreateStack", json!({ "StackName": "net", "TemplateBody": body.to_string() })).unwrap();
    cloud.clock().advance(hours(1));
    params! { "stackId" => made.at(&["StackId"]).clone() }
}

fn object() -> Value {
    params! { "bucketName" => "files", "objectName" => "a/b.zip", "isInternal" => true }
}

fn message(webhook: &str) -> Value {
    params! {
        "webhook" => webhook, "msgtype" => "markdown", "markdown" => params! { "title" => "t", "text" => "x" },
        "text" => params! {}, "link" => params! {}, "at" => params! {},
    }
}

fn repository(owner: &str) -> Value {
    params! { "platform" => "github", "owner" => owner, "repository" => "site" }
}

/// A database instance by the name of the parameter that takes its id.
fn database(cloud: &FakeCloud, parameter: &str, more: &Value) -> Value {
    let id = cloud.rds().create();
    and(&[(parameter, Value::from(id))].into_iter().collect::<oos_core::Map>().into(), more)
}

fn no_database(cloud: &FakeCloud, parameter: &str, more: &Value) -> Value {
    let given = database(cloud, parameter, more);
    cloud.rds().set_status(&given.at(&[parameter]).to_text(), "STOPPED");
    given
}

fn account() -> Value {
    params! { "accountName" => "app", "accountPassword" => "Fake-pass1" }
}

fn schema() -> Value {
    params! { "characterSetName" => "utf8mb4", "dBName" => "shop" }
}

fn new_database() -> Value {
    params! {
        "payType" => "Postpaid", "engine" => "MySQL", "engineVersion" => "8.0", "dBInstanceClass" => "mysql.n2.small.1",
        "securityIPList" => "10.0.0.0/8",
    }
}

/// An account and two databases.
fn granted(cloud: &FakeCloud, names: &[&str]) -> Value {
    let id = cloud.rds().create();
    let call = |api: &str, given: serde_json::Value| cloud.call_now("RDS", api, given).unwrap();
    call("CreateAccount", json!({ "DBInstanceId": id, "AccountName": "app", "AccountPassword": "Fake-pass1" }));
    for name in ["shop", "stock"] {
        call("CreateDatabase", json!({ "DBInstanceId": id, "DBName": name, "CharacterSetName": "utf8" }));
    }
    cloud.clock().advance(hours(1));
    params! { "dbInstanceId" => id, "accountName" => "app", "dbNames" => names.to_vec(), "accountPrivilege" => "ReadWrite" }
}

/// The fake restores an instance without its databases, so the answer about them is scripted.
fn recovered(cloud: &FakeCloud) -> Value {
    let listed = json!({ "Databases": { "Database": [{ "DBName": "shop", "DBStatus": "Running" }] } });
    cloud.stub("RDS", "DescribeDatabases").json(listed);
    params! {
        "targetDBInstanceId" => "", "dBInstanceId" => cloud.rds().create(), "dBInstanceClass" => "mysql.n2.small.1",
        "restoreTime" => "2024-01-01T00:00:00Z", "instanceNetworkType" => "VPC", "payType" => "Postpaid", "vPCId" => "vpc-1",
        "vSwitchId" => "vsw-1", "dBInstanceStorage" => "20", "dBName" => "shop",
    }
}

fn containers(cloud: &FakeCloud) -> Value {
    let container = |name: &str, state: &str| json!({ "Name": name, "CurrentState": { "State": state } });
    let group = json!({
        "ContainerGroupId": "eci-1", "Status": "Running",
        "Containers": [container("web", "Running"), container("done", "Terminated"), container("side", "Running")],
    });
    cloud.put("ECI::ContainerGroup", "eci-1", group);
    params! { "ContainerGroupId" => "eci-1", "Command" => ["/bin/date"] }
}

/// A network interface without an address.
fn interface(cloud: &FakeCloud) -> Value {
    let model = cloud.ecs().describe(&running(cloud));
    let given = json!({
        "VSwitchId": model.at(&["VpcAttributes", "VSwitchId"]).to_text(),
        "SecurityGroupIds": [model.at(&["SecurityGroupIds", "SecurityGroupId"]).as_list().unwrap()[0].to_text()],
    });
    let made = cloud.call_now("ECS", "CreateNetworkInterface", given).unwrap();
    cloud.clock().advance(hours(1));
    params! { "instanceId" => made.at(&["NetworkInterfaceId"]).clone() }
}

fn network_of(cloud: &FakeCloud, id: &str) -> Value {
    let model = cloud.ecs().describe(id);
    params! {
        "instanceId" => id, "vSwitchId" => model.at(&["VpcAttributes", "VSwitchId"]).clone(),
        "securityGroupId" => model.at(&["SecurityGroupIds", "SecurityGroupId"]).as_list().unwrap()[0].clone(),
    }
}

fn new_disk(cloud: &FakeCloud, id: &str) -> Value {
    cloud.transitions("ECS::Disk").on("create").immediate();
    params! {
        "instanceId" => id, "diskName" => "data", "zoneId" => cloud.ecs().get(id, "ZoneId"), "diskCategory" => "cloud_essd",
        "size" => "40",
    }
}

fn free_eip(cloud: &FakeCloud) -> Value {
    params! { "regionId" => "cn-hangzhou", "instanceId" => running(cloud), "EipIds" => [cloud.vpc().eip()] }
}

fn keys(cloud: &FakeCloud) -> Value {
    cloud.ecs().key_pair("keys");
    params! { "regionId" => "cn-hangzhou", "instanceId" => running(cloud), "keyPairName" => "keys" }
}

fn with_keys(cloud: &FakeCloud) -> Value {
    cloud.ecs().key_pair("keys");
    let id = running(cloud);
    cloud.call_now("ECS", "AttachKeyPair", json!({ "KeyPairName": "keys", "InstanceIds": [id] })).unwrap();
    on(&id)
}

fn named_image(cloud: &FakeCloud) -> Value {
    let given = json!({ "InstanceId": running(cloud), "ImageName": "golden" });
    cloud.call_now("ECS", "CreateImage", given).unwrap();
    cloud.clock().advance(hours(1));
    params! { "regionId" => "cn-hangzhou", "imageName" => "golden" }
}

fn data_disk(cloud: &FakeCloud) -> (String, String) {
    let id = cloud.ecs().instance().running().data_disk(60).create();
    let disk = cloud.ecs().disks_of(&id)[1].clone();
    (id, disk)
}

fn script() -> Value {
    params! { "commandContent" => "echo out", "weight" => 100, "type" => "ecs", "port" => 80 }
}

fn behind(cloud: &FakeCloud) -> Value {
    let id = running(cloud);
    let balancer = cloud.slb().balancer(&[(id.as_str(), 100)]);
    and(&script(), &params! { "loadBalancerId" => balancer, "serverId" => id })
}

fn in_group(cloud: &FakeCloud) -> Value {
    let id = running(cloud);
    let group = cloud.slb().vserver_group(&cloud.slb().balancer::<&str>(&[]), &[(id.as_str(), 80, 100)]);
    and(&script(), &params! { "VServerGroupId" => group, "serverId" => id })
}

fn reservation() -> Value {
    params! {
        "regionId" => "cn-hangzhou", "zoneId" => "cn-hangzhou-b", "instanceType" => "ecs.g7.large", "instanceAmount" => 2,
        "description" => "two", "period" => 1, "periodUnit" => "Year", "platform" => "Linux",
        "tags" => vec![params! { "Key" => "team", "Value" => "web" }],
    }
}

/// Tags stand under `Tag` in the answer of the service, so it is scripted.
fn reserved(cloud: &FakeCloud) -> Value {
    let bought = json!({
        "InstanceType": "ecs.g7.large", "ZoneId": "cn-hangzhou-b", "Scope": "Zone", "InstanceAmount": 2, "Platform": "Linux",
        "ResourceGroupId": "", "Description": "two", "Tags": { "Tag": [{ "TagKey": "team", "TagValue": "web" }] },
    });
    let listed = json!({ "ReservedInstances": { "ReservedInstance": [bought] } });
    cloud.stub("ECS", "DescribeReservedInstances").json(listed);
    params! { "reservedInstanceId" => "ri-1", "period" => 1, "periodUnit" => "Year" }
}

fn plan() -> Value {
    params! { "resourceId" => ["i-1"], "instanceTypeFamily" => "ecs.g7", "committedAmount" => 1 }
}

fn to_oss(id: &str) -> Value {
    params! { "instanceId" => id, "instanceRole" => "writer", "srcUrl" => "/root/a", "destUrl" => "oss://files/a" }
}

fn step(cloud: &FakeCloud, parameters: &Value) -> Value {
    params! { "regionId" => "cn-hangzhou", "instanceId" => running(cloud), "parameters" => parameters.clone() }
}

fn shell_step() -> Value {
    params! { "type" => "RUN", "commandContent" => "echo out", "commandType" => "RunShellScript", "workingDir" => "/root" }
}

pub(crate) const CASES: &[Case] = &[
    good("ROS::DeleteStack", "complete", stack),
    bad("ROS::DeleteStack", "failed", "WaitForStopped", |c| {
        c.transitions("ROS::Stack").on("delete").fail("Internal");
        stack(c)
    }),
    good("OSS::GenerateUrl", "inside", |_| object()),
    bad("OSS::GenerateUrl", "refused", "OperationDenied", |c| {
        denied(c, "OSS", "GenerateUrl");
        object()
    }),
    good("CICD::GenerateOssUrl", "inside", |_| object()),
    bad("CICD::GenerateOssUrl", "refused", "OperationDenied", |c| {
        denied(c, "OSS", "GenerateUrl");
        object()
    }),
    good("CICD::GitCodeRepo", "linked", |_| repository("owner")),
    bad("CICD::GitCodeRepo", "not linked", "GitAccountNotAuthorized", |_| repository("nobody")),
    good("CR::GetAuthorizationToken", "given", |c| {
        c.put("CR::Instance", "cri-1", params! { "InstanceId" => "cri-1" });
        on("cri-1")
    }),
    bad("CR::GetAuthorizationToken", "refused", "OperationDenied", |c| {
        denied(c, "CR", "GetAuthorizationToken");
        on("cri-1")
    }),
    good("Notify::DingTalkWebhook", "markdown", |_| message("https://oapi.dingtalk.com/robot/send?access_token=0")),
    bad("Notify::DingTalkWebhook", "no address", "InvalidProperty", |_| message("nowhere")),
    good("RDS::CreateAccount", "running", |c| database(c, "dbInstanceId", &account())),
    bad("RDS::CreateAccount", "stopped", "CheckForFailed", |c| no_database(c, "dbInstanceId", &account())),
    good("RDS::CreateBackup", "running", |c| database(c, "instanceId", &params! { "backupMethod" => "Physical" })),
    bad("RDS::CreateBackup", "refused", "OperationDenied", |c| {
        denied(c, "RDS", "CreateBackup");
        database(c, "instanceId", &params! { "backupMethod" => "Physical" })
    }),
    good("RDS::CreateDatabase", "running", |c| database(c, "dBInstanceId", &schema())),
    bad("RDS::CreateDatabase", "stopped", "CheckForFailed", |c| no_database(c, "dBInstanceId", &schema())),
    good("RDS::CreateDbInstance", "by use", |_| new_database()),
    bad("RDS::CreateDbInstance", "refused", "OperationDenied", |c| {
        denied(c, "RDS", "CreateDBInstance");
        new_database()
    }),
    good("RDS::DeleteDbInstance", "running", |c| database(c, "dBInstanceId", &params! {})),
    bad("RDS::DeleteDbInstance", "stopped", "CheckForFailed", |c| no_database(c, "dBInstanceId", &params! {})),
    good("RDS::GrantAccountPrivilege", "one", |c| granted(c, &["shop"])),
    good("RDS::GrantAccountPrivilege", "all", |c| granted(c, &["all"])),
    bad("RDS::GrantAccountPrivilege", "refused", "LoopMaxErrorsExceeded", |c| {
        denied(c, "RDS", "GrantAccountPrivilege");
        granted(c, &["shop"])
    }),
    good("RDS::RecoveryDbInstance", "to a new one", recovered),
    bad("RDS::RecoveryDbInstance", "refused", "OperationDenied", |c| {
        denied(c, "RDS", "RecoveryDBInstance");
        recovered(c)
    }),
    good("RDS::RestartDbInstance", "running", |c| database(c, "dBInstanceId", &params! {})),
    bad("RDS::RestartDbInstance", "refused", "OperationDenied", |c| {
        denied(c, "RDS", "RestartDBInstance");
        database(c, "dBInstanceId", &params! {})
    }),
    good("RDS::UpgradeDbInstanceEngineVersion", "running", |c| {
        database(c, "dBInstanceId", &params! { "engineVersion" => "8.0" })
    }),
    bad("RDS::UpgradeDbInstanceEngineVersion", "stopped", "CheckForFailed", |c| {
        no_database(c, "dBInstanceId", &params! { "engineVersion" => "8.0" })
    }),
    good("ECD::RebuildDesktop", "running", |c| params! { "desktopId" => c.ecd().create("Running") }),
    bad("ECD::RebuildDesktop", "refused", "OperationDenied", |c| {
        denied(c, "ECD", "RebuildDesktops");
        params! { "desktopId" => c.ecd().create("Running") }
    }),
    good("ECD::ModifyDesktopChargeType", "by use", |c| params! { "desktopId" => c.ecd().create("Running") }),
    bad("ECD::ModifyDesktopChargeType", "refused", "OperationDenied", |c| {
        denied(c, "ECD", "ModifyDesktopChargeType");
        params! { "desktopId" => c.ecd().create("Running") }
    }),
    good("ECI::ExecContainerCommand", "two of three", containers),
    bad("ECI::ExecContainerCommand", "refused", "LoopMaxErrorsExceeded", |c| {
        denied(c, "ECI", "ExecContainerCommand");
        containers(c)
    }),
    good("ECS::AllocateAndAssociateEipAddress", "an interface", interface),
    bad("ECS::AllocateAndAssociateEipAddress", "refused", "OperationDenied", |c| {
        denied(c, "ECS", "AllocateEipAddress");
        interface(c)
    }),
    good("ECS::AllocatePublicIpAddress", "running", |c| on(&running(c))),
    bad("ECS::AllocatePublicIpAddress", "refused", "OperationDenied", |c| {
        denied(c, "ECS", "AllocatePublicIpAddress");
        on(&running(c))
    }),
    good("ECS::AttachEipToInstance", "one", free_eip),
    bad("ECS::AttachEipToInstance", "refused", "OperationDenied", |c| {
        denied(c, "ECS", "AssociateEipAddress");
        free_eip(c)
    }),
    good("ECS::AttachKeyPair", "running", keys),
    bad("ECS::AttachKeyPair", "refused", "OperationDenied", |c| {
        denied(c, "ECS", "AttachKeyPair");
        keys(c)
    }),
    good("ECS::DetachKeyPairOnline", "with a pair", with_keys),
    good("ECS::DetachKeyPairOnline", "windows", |c| on(&windows(c))),
    bad("ECS::DetachKeyPairOnline", "the script fails", "CheckForFailed", |c| {
        failing_commands(c);
        with_keys(c)
    }),
    good("ECS::CreateAndAttachDisk", "running", |c| new_disk(c, &running(c))),
    bad("ECS::CreateAndAttachDisk", "refused", "OperationDenied", |c| {
        denied(c, "ECS", "CreateDisk");
        new_disk(c, &running(c))
    }),
    good("ECS::CreateAndAttachNetworkInterface", "running", |c| {
        c.transitions("ECS::NetworkInterface").on("create").immediate();
        network_of(c, &running(c))
    }),
    bad("ECS::CreateAndAttachNetworkInterface", "refused", "OperationDenied", |c| {
        denied(c, "ECS", "AttachNetworkInterface");
        network_of(c, &running(c))
    }),
    good("ECS::ModifyInstanceVpcAttribute", "running", |c| {
        let mut given = network_of(c, &running(c)).as_map().unwrap().clone();
        given.remove("securityGroupId");
        given.into()
    }),
    bad("ECS::ModifyInstanceVpcAttribute", "refused", "OperationDenied", |c| {
        denied(c, "ECS", "ModifyInstanceVpcAttribute");
        params! { "instanceId" => running(c), "vSwitchId" => "vsw-1" }
    }),
    good("ECS::DescribeInstancesByName", "one of two", |c| {
        running(c);
        c.ecs().instance().running().named("web").create();
        params! { "instanceName" => "web" }
    }),
    bad("ECS::DescribeInstancesByName", "refused", "OperationDenied", |c| {
        denied(c, "ECS", "DescribeInstances");
        params! { "instanceName" => "web" }
    }),
    good("ECS::DescribeInstancesByStatus", "one of two", |c| {
        running(c);
        stopped(c);
        params! { "status" => "Stopped" }
    }),
    bad("ECS::DescribeInstancesByStatus", "refused", "OperationDenied", |c| {
        denied(c, "ECS", "DescribeInstances");
        params! { "status" => "Stopped" }
    }),
    good("ECS::DescribeInstancesByTag", "one of two", |c| {
        running(c);
        c.ecs().instance().running().tag("team", "web").create();
        params! { "tagKey" => "team", "tagValue" => "web" }
    }),
    bad("ECS::DescribeInstancesByTag", "refused", "OperationDenied", |c| {
        denied(c, "ECS", "DescribeInstances");
        params! { "tagKey" => "team", "tagValue" => "web" }
    }),
    good("ECS::DeleteImageByName", "with its snapshots", named_image),
    good("ECS::DeleteImageByName", "unknown", |_| params! { "regionId" => "cn-hangzhou", "imageName" => "golden" }),
    bad("ECS::DeleteImageByName", "refused", "CheckForFailed", |c| {
        denied(c, "ECS", "DeleteImage");
        named_image(c)
    }),
    good("ECS::DeletePrepaidInstance", "prepaid", |c| on(&c.ecs().instance().running().prepaid().create())),
    bad("ECS::DeletePrepaidInstance", "refused", "OperationDenied", |c| {
        denied(c, "ECS", "ModifyInstanceChargeType");
        on(&c.ecs().instance().running().prepaid().create())
    }),
    good("ECS::ElegantRunCommandInSLBDefaultServerGroup", "running", behind),
    bad("ECS::ElegantRunCommandInSLBDefaultServerGroup", "the script fails", "CheckForFailed", |c| {
        failing_commands(c);
        behind(c)
    }),
    good("ECS::ElegantRunCommandInSLBVServerGroup", "running", in_group),
    bad("ECS::ElegantRunCommandInSLBVServerGroup", "the script fails", "CheckForFailed", |c| {
        failing_commands(c);
        in_group(c)
    }),
    good("ECS::EncryptDataDisk", "plain", |c| params! { "diskId" => data_disk(c).1, "KMSKeyId" => "key-1" }),
    bad("ECS::EncryptDataDisk", "refused", "OperationDenied", |c| {
        denied(c, "ECS", "CreateDisk");
        params! { "diskId" => data_disk(c).1, "KMSKeyId" => "key-1" }
    }),
    good(
        "ECS::BulkyEncryptDataDisk",
        "one disk",
        |c| params! { "instanceId" => data_disk(c).0, "KMSKeyId" => "key-1" },
    ),
    bad("ECS::BulkyEncryptDataDisk", "refused", "OperationDenied", |c| {
        denied(c, "ECS", "DescribeDisks");
        params! { "instanceId" => data_disk(c).0, "KMSKeyId" => "key-1" }
    }),
    good("ECS::ModifyVncPassword", "running", |c| and(&on(&running(c)), &params! { "vncPassword" => "Vnc123" })),
    bad("ECS::ModifyVncPassword", "refused", "OperationDenied", |c| {
        denied(c, "ECS", "ModifyInstanceVncPasswd");
        and(&on(&running(c)), &params! { "vncPassword" => "Vnc123" })
    }),
    good("ECS::ResetPassword", "running", |c| and(&on(&running(c)), &params! { "password" => "Fake-pass1" })),
    bad("ECS::ResetPassword", "stopped", "IncorrectInstanceStatus", |c| {
        and(&on(&stopped(c)), &params! { "password" => "Fake-pass1" })
    }),
    good("ECS::ResizeDisk", "running", |c| {
        let (id, disk) = data_disk(c);
        params! { "instanceId" => id, "diskId" => disk, "newSize" => 100 }
    }),
    bad("ECS::ResizeDisk", "unknown disk", "InvalidDiskId.NotFound", |c| {
        params! { "instanceId" => running(c), "diskId" => "d-missing", "newSize" => 100 }
    }),
    good("ECS::RunInstancesFromTemplate", "two", |c| {
        let version = params! { "ImageId" => c.ecs().image("base"), "InstanceType" => "ecs.g7.large" };
        c.ecs().launch_template("web", [version]);
        params! { "launchTemplateName" => "web", "amount" => 2 }
    }),
    bad("ECS::RunInstancesFromTemplate", "sold out", "OperationDenied.NoStock", |c| {
        c.fault("sold out").on("ECS", "RunInstances").error("OperationDenied.NoStock", 403);
        params! { "launchTemplateName" => "web" }
    }),
    good("ECS::PurchaseReservedInstancesOffering", "bought", |_| reservation()),
    bad("ECS::PurchaseReservedInstancesOffering", "refused", "OperationDenied", |c| {
        denied(c, "ECS", "PurchaseReservedInstancesOffering");
        reservation()
    }),
    good("ECS::CloneReservedInstance", "known", reserved),
    bad("ECS::CloneReservedInstance", "refused", "OperationDenied", |c| {
        denied(c, "ECS", "DescribeReservedInstances");
        params! { "reservedInstanceId" => "ri-1", "period" => 1, "periodUnit" => "Year" }
    }),
    good("ECS::CreateSavingsPlan", "bought", |_| plan()),
    bad("ECS::CreateSavingsPlan", "refused", "OperationDenied", |c| {
        denied(c, "ECS", "CreateSavingsPlan");
        plan()
    }),
    good("ESS::ModifyScalingGroupImageConfiguration", "with a configuration", |c| {
        params! { "imageId" => c.ecs().image("new"), "scalingGroupId" => c.scaling_group().create() }
    }),
    bad("ESS::ModifyScalingGroupImageConfiguration", "refused", "OperationDenied", |c| {
        denied(c, "ESS", "ModifyScalingConfiguration");
        params! { "imageId" => c.ecs().image("new"), "scalingGroupId" => c.scaling_group().create() }
    }),
    good("ECS::CopyLinuxInstanceFileToOSS", "with the role", |c| {
        to_oss(&c.ecs().instance().running().with("_ram_role", "writer").create())
    }),
    bad("ECS::CopyLinuxInstanceFileToOSS", "without a role", "CheckForFailed", |c| to_oss(&running(c))),
    good("ECS::DownloadOssFile", "linux", |c| and(&object_on(&running(c)), &params! { "validTime" => 60 })),
    bad("ECS::DownloadOssFile", "the script fails", "CheckForFailed", |c| {
        failing_commands(c);
        object_on(&running(c))
    }),
    good("ECS::RunImageTemplateCommand", "a script", |c| step(c, &shell_step())),
    good("ECS::RunImageTemplateCommand", "a restart", |c| step(c, &params! { "type" => "RESTART" })),
    bad("ECS::RunImageTemplateCommand", "the script fails", "CheckForFailed", |c| {
        failing_commands(c);
        step(c, &shell_step())
    }),
    good("ECS::ConfigureOOSUtil", "linux", |c| on(&running(c))),
    good("ECS::ConfigureOOSUtil", "windows", |c| on(&windows(c))),
    bad("ECS::ConfigureOOSUtil", "the script fails", "CheckForFailed", |c| {
        failing_commands(c);
        on(&running(c))
    }),
];

fn object_on(id: &str) -> Value {
    params! { "bucketName" => "files", "objectName" => "a/b.zip", "instanceId" => id, "destinationDir" => "/tmp" }
}
