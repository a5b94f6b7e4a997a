//! Cases of stacks, functions, databases, backups, tags and inner products.

use oos_testkit::{cloud::FakeCloud, prelude::*};

use crate::{
    Case, bad,
    compute::{and, failing_commands, running},
    good,
};

fn stack() -> Value {
    let body = json!({
        "ROSTemplateFormatVersion": "2015-09-01",
        "Parameters": { "Name": { "Type": "String" } },
        "Resources": { "Vpc": { "Type": "ALIYUN::ECS::VPC", "Properties": {
            "CidrBlock": "10.0.0.0/8", "VpcName": { "Ref": "Name" }
        } } },
    });
    let parameters = vec![params! { "ParameterKey" => "Name", "ParameterValue" => "net" }];
    params! { "templateBody" => body, "parameters" => parameters, "stackName" => "net" }
}

fn application() -> Value {
    params! { "applicationInfo" => params! { "appName" => "web", "imageUrl" => "registry.example.com/web:1" } }
}

fn restored(cloud: &FakeCloud) -> Value {
    let hana = |name: &str| {
        let given = json!({ "VaultId": "v-1", "HanaName": name });
        cloud.call_now("HBR", "CreateHanaInstance", given).unwrap().at(&["ClusterId"]).clone()
    };
    let (source, target) = (hana("source"), hana("target"));
    let backup = params! { "BackupId" => 1_700_000_000_000_i64, "ClusterId" => source.clone() };
    cloud.put("HBR::HanaBackup", "backup-1", backup);
    params! {
        "vaultId" => "v-1", "sourceClusterId" => source, "clusterId" => target, "masterClientId" => "c-1",
        "databaseName" => "SYSTEMDB", "HANASID" => "HDB", "sourceSystemName" => "SYSTEMDB@HDB", "HANAInstanceServerId" => "i-1",
    }
}

fn resized(cloud: &FakeCloud) -> Value {
    params! {
        "regionId" => "cn-hangzhou", "dBInstanceId" => cloud.rds().create(), "dBInstanceStorageType" => "cloud_essd",
        "dBInstanceClass" => "mysql.n4.large.1", "dBInstanceStorage" => 200,
    }
}

fn open_whitelist(id: &str, network: &str) -> Value {
    params! {
        "regionId" => "cn-hangzhou", "instanceId" => id, "securityIps" => "10.0.0.1,0.0.0.0/0",
        "whitelistNetworkType" => network, "instanceIPArrayName" => "default",
    }
}

fn open_rds(cloud: &FakeCloud, network: &str) -> Value {
    let id = cloud.rds().create();
    let given = json!({ "DBInstanceId": id, "SecurityIps": "10.0.0.1,0.0.0.0/0" });
    cloud.call_now("RDS", "ModifySecurityIps", given).unwrap();
    open_whitelist(&id, network)
}

fn redis_address(id: &str, ip: &str) -> Value {
    params! {
        "regionId" => "cn-hangzhou", "instanceId" => id, "securityIpList" => "127.0.0.1,10.0.0.1",
        "securityIpGroupName" => "default", "securityIp" => ip,
    }
}

fn backup(cloud: &FakeCloud) -> Value {
    cloud.fc().on(any(), "uploaded");
    params! {
        "regionId" => "cn-hangzhou", "instanceId" => cloud.redis().create(), "OSSRegionId" => "cn-hangzhou",
        "OSSBucketName" => "backups",
    }
}

fn tagged(cloud: &FakeCloud, value: &str) -> Value {
    cloud.ecs().instance().running().tag("team", "web").create();
    cloud.ecs().instance().running().tag("team", "db").create();
    params! { "tagKey" => "team", "tagValue" => value }
}

fn to_tag(cloud: &FakeCloud) -> Value {
    let row = |id: String| {
        params! { "RegionId" => "cn-hangzhou", "ResourceType" => "ALIYUN::ECS::INSTANCE", "ResourceId" => id }
    };
    params! { "resources" => vec![row(running(cloud)), row(running(cloud))], "tags" => params! { "team" => "web" } }
}

fn rdc(cloud: &FakeCloud) -> Value {
    params! { "RegionId" => "cn-hangzhou", "InstanceId" => running(cloud), "CommandContent" => "echo out" }
}

fn protection(cloud: &FakeCloud) -> Value {
    params! { "loadBalancerId" => cloud.slb().balancer::<&str>(&[]), "deleteProtection" => "on" }
}

pub(crate) const CASES: &[Case] = &[
    good("ROS::CreateStack", "complete", |_| stack()),
    bad("ROS::CreateStack", "failed", "WaitForStopped", |c| {
        c.transitions("ROS::Stack").on("create").fail("Internal");
        and(&stack(), &params! { "disableRollback" => "true" })
    }),
    good("FC::ExecuteScript", "a result", |c| {
        c.fc().on(any(), "42");
        params! { "script" => "def handler(event, context):\n    return 42\n", "role" => "fc" }
    }),
    good("FC::ExecuteScript", "as it stands", |c| {
        c.fc().on(any(), "42");
        params! {}
    }),
    bad("FC::ExecuteScript", "the stack fails", "WaitForStopped", |c| {
        c.transitions("ROS::Stack").on("create").fail("Internal");
        params! { "script" => "def handler(event, context):\n    return 42\n" }
    }),
    good("FC::InvokeFunction", "known", |c| {
        c.fc().function("svc", "fn");
        c.fc().on(any(), "answer");
        params! { "serviceName" => "svc", "functionName" => "fn", "event" => "{}" }
    }),
    bad("FC::InvokeFunction", "unknown service", "ServiceNotFound", |_| {
        params! { "serviceName" => "svc", "functionName" => "fn" }
    }),
    good("SAE::CreateApplication", "deployed", |_| application()),
    bad("SAE::CreateApplication", "failed", "WaitForStopped", |c| {
        c.transitions("SAE::ChangeOrder").fail("Internal");
        application()
    }),
    good("HBR::RestoreHanaDatabaseBackup", "restored", restored),
    bad("HBR::RestoreHanaDatabaseBackup", "failed", "WaitForStopped", |c| {
        c.transitions("HBR::Restore").fail("Internal");
        restored(c)
    }),
    good("RDS::ModifyDBInstanceSpec", "running", resized),
    bad("RDS::ModifyDBInstanceSpec", "stopped", "CheckForFailed", |c| {
        let given = resized(c);
        c.rds().set_status(&given.at(&["dBInstanceId"]).to_text(), "STOPPED");
        given
    }),
    good("RDS::ModifySecurityIpsByInstanceIPArray", "MIX", |c| open_rds(c, "MIX")),
    good("RDS::ModifySecurityIpsByInstanceIPArray", "VPC", |c| open_rds(c, "VPC")),
    good("RDS::ModifySecurityIpsByInstanceIPArray", "Classic", |c| open_rds(c, "Classic")),
    bad("RDS::ModifySecurityIpsByInstanceIPArray", "unknown instance", "InvalidDBInstanceId.NotFound", |_| {
        open_whitelist("rm-missing", "MIX")
    }),
    good("Redis::CreateBackupAndUploadToOSS", "uploaded", backup),
    bad("Redis::CreateBackupAndUploadToOSS", "failed", "WaitForTimeout", |c| {
        c.transitions("Redis::Backup").fail("Internal");
        backup(c)
    }),
    good("Redis::DeleteSecurityIpByInstanceIPArray", "there", |c| redis_address(&c.redis().create(), "127.0.0.1")),
    good("Redis::DeleteSecurityIpByInstanceIPArray", "not there", |c| redis_address(&c.redis().create(), "10.9.9.9")),
    bad("Redis::DeleteSecurityIpByInstanceIPArray", "unknown instance", "InvalidInstanceId.NotFound", |_| {
        redis_address("r-missing", "127.0.0.1")
    }),
    good("Redis::UpgradeRedisInstanceBandwidth", "two hours", |c| {
        params! { "InstanceId" => c.redis().create(), "Bandwidth" => "20", "DurationHour" => 2 }
    }),
    bad("Redis::UpgradeRedisInstanceBandwidth", "unknown instance", "InvalidInstanceId.NotFound", |_| {
        params! { "InstanceId" => "r-missing", "Bandwidth" => "20" }
    }),
    good("SLB::SetLoadBalancerDeleteProtection", "off", protection),
    bad("SLB::SetLoadBalancerDeleteProtection", "unknown", "InvalidLoadBalancerId.NotFound", |_| {
        params! { "loadBalancerId" => "lb-missing", "deleteProtection" => "on" }
    }),
    good("TAG::GetARNsByTag", "one value", |c| tagged(c, "web")),
    good("TAG::GetARNsByTag", "any value", |c| tagged(c, "")),
    good("TAG::GetARNsByTag", "one type", |c| {
        and(&tagged(c, "web"), &params! { "resourceType" => "ALIYUN::ECS::INSTANCE" })
    }),
    bad("TAG::GetARNsByTag", "refused", "OperationDenied", |c| {
        c.fault("denied").on("TAG", "ListTagResources").error("OperationDenied", 403);
        tagged(c, "web")
    }),
    good("TAG::TagResources", "two", to_tag),
    bad("TAG::TagResources", "refused", "OperationDenied", |c| {
        c.fault("denied").on("TAG", "TagResources").error("OperationDenied", 403);
        to_tag(c)
    }),
    good("RDC::NewRunCommand", "shell", rdc),
    bad("RDC::NewRunCommand", "the script fails", "CheckForFailed", |c| {
        failing_commands(c);
        rdc(c)
    }),
    good("RDC::RunCommand", "shell", rdc),
    bad("RDC::RunCommand", "the script fails", "CheckForFailed", |c| {
        failing_commands(c);
        rdc(c)
    }),
    good("RDC::RunCommandByDevops", "shell", |_| params! {}),
    bad("RDC::RunCommandByDevops", "the script fails", "WaitForStopped", |c| {
        failing_commands(c);
        params! {}
    }),
    good("RDC::RunCommandByStaragent", "shell", |_| params! {}),
    bad("RDC::RunCommandByStaragent", "the script fails", "WaitForStopped", |c| {
        failing_commands(c);
        params! {}
    }),
];
