//! Databases of the fake cloud.
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests")]

use oos_testkit::prelude::*;

fn ask(cloud: &FakeCloud, service: &str, api: &str, params: serde_json::Value) -> Result<Value, String> {
    cloud.call_now(service, api, params).map_err(|e| e.code().to_owned())
}

fn first(answer: &Value, outer: &str, inner: &str) -> Value {
    answer.at(&[outer, inner]).as_list().unwrap()[0].clone()
}

#[test]
fn rds_states_are_spelled_as_templates_compare_them() {
    let cloud = FakeCloud::new();
    let id = cloud.rds().create();
    let rds = |api: &str| ask(&cloud, "RDS", api, json!({"DBInstanceId": id}));
    assert_eq!(rds("StartDBInstance").unwrap_err(), "OperationDenied.DBInstanceStatus");
    rds("StopDBInstance").unwrap();
    assert_eq!(cloud.rds().status(&id), "STOPPING");
    cloud.clock().advance(secs(120));
    assert_eq!(
        first(&rds("DescribeDBInstances").unwrap(), "Items", "DBInstance").at(&["DBInstanceStatus"]),
        &Value::from("STOPPED")
    );
    assert_eq!(rds("RestartDBInstance").unwrap_err(), "InvalidDBInstanceStatus.NotSupport");
    rds("StartDBInstance").unwrap();
    assert_eq!(cloud.rds().status(&id), "STARTING");
    cloud.clock().advance(secs(120));
    let row = first(&rds("DescribeDBInstanceAttribute").unwrap(), "Items", "DBInstanceAttribute");
    assert_eq!(row.at(&["DBInstanceStatus"]), &Value::from("Running"));
    rds("DeleteDBInstance").unwrap();
    cloud.clock().advance(secs(10));
    assert_eq!(rds("DescribeDBInstances").unwrap().at(&["TotalRecordCount"]), &Value::from(0));
    assert_eq!(rds("DescribeDBInstanceAttribute").unwrap_err(), "InvalidDBInstanceId.NotFound");
}

#[test]
fn a_new_rds_instance_has_accounts_databases_and_backups() {
    let cloud = FakeCloud::new();
    let params = json!({"Engine": "MySQL", "EngineVersion": "8.0", "DBInstanceClass": "c", "DBInstanceStorage": 20, "DBInstanceNetType": "Intranet", "PayType": "Postpaid", "SecurityIPList": "10.0.0.1"});
    let id = ask(&cloud, "RDS", "CreateDBInstance", params).unwrap().at(&["DBInstanceId"]).to_text().to_string();
    let account =
        || ask(&cloud, "RDS", "CreateAccount", json!({"DBInstanceId": id, "AccountName": "a", "AccountPassword": "p"}));
    assert_eq!(account().unwrap_err(), "OperationDenied.DBInstanceStatus");
    cloud.clock().advance(secs(180));
    account().unwrap();
    let status = || {
        first(
            &ask(&cloud, "RDS", "DescribeAccounts", json!({"DBInstanceId": id, "AccountName": "a"})).unwrap(),
            "Accounts",
            "DBInstanceAccount",
        )
    };
    assert_eq!(status().at(&["AccountStatus"]), &Value::from("Unavailable"));
    ask(&cloud, "RDS", "CreateDatabase", json!({"DBInstanceId": id, "DBName": "d", "CharacterSetName": "utf8"}))
        .unwrap();
    cloud.clock().advance(secs(5));
    assert_eq!(status().at(&["AccountStatus"]), &Value::from("Available"));
    let db = ask(&cloud, "RDS", "DescribeDatabases", json!({"DBInstanceId": id, "DBStatus": "Running"})).unwrap();
    assert_eq!(first(&db, "Databases", "Database").at(&["DBName"]), &Value::from("d"));
    let grant = |db: &str| {
        ask(
            &cloud,
            "RDS",
            "GrantAccountPrivilege",
            json!({"DBInstanceId": id, "AccountName": "a", "DBName": db, "AccountPrivilege": "ReadWrite"}),
        )
    };
    grant("d").unwrap();
    assert_eq!(grant("x").unwrap_err(), "InvalidDBName.NotFound");
    let backup = || ask(&cloud, "RDS", "CreateBackup", json!({"DBInstanceId": id}));
    backup().unwrap();
    assert_eq!(backup().unwrap_err(), "BackupJobExists");
    cloud.clock().advance(secs(120));
    backup().unwrap();
    let upgraded =
        ask(&cloud, "RDS", "UpgradeDBInstanceEngineVersion", json!({"DBInstanceId": id, "EngineVersion": "8.4"}))
            .unwrap();
    assert!(upgraded.get("TaskId").is_some());
    assert_eq!(cloud.rds().status(&id), "EngineVersionUpgrading");
}

#[test]
fn whitelists_are_covered_appended_and_cut() {
    let cloud = FakeCloud::new();
    let (rds, redis, polar) = (cloud.rds().create(), cloud.redis().create(), cloud.polardb().create());
    let set = |mode: &str, ips: &str| {
        ask(&cloud, "RDS", "ModifySecurityIps", json!({"DBInstanceId": rds, "SecurityIps": ips, "ModifyMode": mode}))
    };
    set("Append", "10.0.0.1,10.0.0.2").unwrap();
    set("Append", "10.0.0.2").unwrap();
    assert_eq!(cloud.rds().whitelist(&rds, "default"), ["10.0.0.1", "10.0.0.2"]);
    set("Delete", "10.0.0.1").unwrap();
    set("Cover", "10.0.0.9").unwrap();
    assert_eq!(set("Cover", "nonsense").unwrap_err(), "InvalidSecurityIPList.Format");
    let row = first(
        &ask(&cloud, "RDS", "DescribeDBInstanceIPArrayList", json!({"DBInstanceId": rds})).unwrap(),
        "Items",
        "DBInstanceIPArray",
    );
    assert_eq!(
        (row.at(&["SecurityIPList"]), row.at(&["WhitelistNetworkType"])),
        (&Value::from("10.0.0.9"), &Value::from("MIX"))
    );
    ask(
        &cloud,
        "R-kvstore",
        "ModifySecurityIps",
        json!({"InstanceId": redis, "SecurityIps": "10.1.1.1", "ModifyMode": "AppendDup"}),
    )
    .unwrap();
    assert_eq!(cloud.redis().whitelist(&redis, "default"), ["127.0.0.1", "10.1.1.1"]);
    ask(&cloud, "PolarDB", "ModifyDBClusterAccessWhitelist", json!({"DBClusterId": polar, "SecurityIps": "10.2.2.2"}))
        .unwrap();
    let row = first(
        &ask(&cloud, "PolarDB", "DescribeDBClusterAccessWhitelist", json!({"DBClusterId": polar})).unwrap(),
        "Items",
        "DBClusterIPArray",
    );
    assert_eq!(row.at(&["SecurityIps"]), &Value::from("10.2.2.2"));
}

#[test]
fn public_connections_are_released() {
    let cloud = FakeCloud::new();
    let (rds, redis) = (cloud.rds().create(), cloud.redis().create());
    for (service, key, id, outer, inner) in [
        ("RDS", "DBInstanceId", &rds, "DBInstanceNetInfos", "DBInstanceNetInfo"),
        ("R-KVSTORE", "InstanceId", &redis, "NetInfoItems", "InstanceNetInfo"),
    ] {
        let info = || {
            ask(&cloud, service, "DescribeDBInstanceNetInfo", json!({key: id}))
                .unwrap()
                .at(&[outer, inner])
                .as_list()
                .unwrap()
                .to_vec()
        };
        let public = info().into_iter().find(|n| n.at(&["IPType"]).as_str() == Some("Public")).unwrap();
        let release = || {
            ask(
                &cloud,
                service,
                "ReleaseInstancePublicConnection",
                json!({key: id, "CurrentConnectionString": public.at(&["ConnectionString"]).to_json()}),
            )
        };
        release().unwrap();
        assert_eq!(info().len(), 1);
        assert!(release().unwrap_err().ends_with(".NotFound"));
    }
}

#[test]
fn redis_backups_have_an_address_when_they_are_finished() {
    let cloud = FakeCloud::new();
    let id = cloud.redis().create();
    let job =
        ask(&cloud, "R-KVSTORE", "CreateBackup", json!({"InstanceId": id})).unwrap().at(&["BackupJobID"]).to_json();
    let tasks =
        || ask(&cloud, "R-KVSTORE", "DescribeBackupTasks", json!({"InstanceId": id, "BackupJobId": job})).unwrap();
    assert_eq!(
        tasks().at(&["BackupJobs"]).as_list().unwrap()[0].at(&["BackupProgressStatus"]),
        &Value::from("Running")
    );
    cloud.clock().advance(secs(60));
    let window =
        json!({"InstanceId": id, "BackupJobId": job, "StartTime": "2026-01-01T00:00Z", "EndTime": "2026-01-01T00:01Z"});
    let found = ask(&cloud, "R-KVSTORE", "DescribeBackups", window).unwrap();
    assert!(first(&found, "Backups", "Backup").at(&["BackupDownloadURL"]).to_text().contains(&id));
    assert_eq!(
        ask(&cloud, "R-KVSTORE", "DescribeBackups", json!({"InstanceId": id})).unwrap_err(),
        "MissingParameter.StartTime"
    );
}

#[test]
fn redis_is_busy_while_it_changes_and_protected_when_it_is_told() {
    let cloud = FakeCloud::new();
    let id = cloud.redis().create();
    let config = || {
        ask(
            &cloud,
            "R-KVSTORE",
            "ModifyInstanceConfig",
            json!({"InstanceId": id, "Config": "{\"maxmemory-policy\":\"noeviction\"}"}),
        )
    };
    config().unwrap();
    assert_eq!(config().unwrap_err(), "IncorrectDBInstanceState");
    cloud.clock().advance(secs(10));
    ask(&cloud, "R-KVSTORE", "FlushExpireKeys", json!({"InstanceId": id})).unwrap();
    assert_eq!(cloud.redis().status(&id), "Flushing");
    ask(&cloud, "R-KVSTORE", "ModifyInstanceAttribute", json!({"InstanceId": id, "InstanceReleaseProtection": true}))
        .unwrap();
    let delete = || ask(&cloud, "R-KVSTORE", "DeleteInstance", json!({"InstanceId": id}));
    assert_eq!(delete().unwrap_err(), "InstanceReleaseProtection");
    ask(&cloud, "R-KVSTORE", "ModifyInstanceAttribute", json!({"InstanceId": id, "InstanceReleaseProtection": false}))
        .unwrap();
    delete().unwrap();
    assert_eq!(delete().unwrap_err(), "InvalidInstanceId.NotFound");
}

#[test]
fn setters_are_given_back() {
    let cloud = FakeCloud::new();
    let (rds, adb) = (cloud.rds().create(), cloud.adb().create());
    ask(&cloud, "RDS", "ModifyDBInstanceDeletionProtection", json!({"DBInstanceId": rds, "DeletionProtection": true}))
        .unwrap();
    assert_eq!(
        ask(&cloud, "RDS", "DeleteDBInstance", json!({"DBInstanceId": rds})).unwrap_err(),
        "OperationDenied.DeletionProtection"
    );
    ask(&cloud, "ADB", "ModifyBackupPolicy", json!({"DBClusterId": adb, "PreferredBackupTime": "05:00Z-06:00Z"}))
        .unwrap();
    let policy = ask(&cloud, "adb", "DescribeBackupPolicy", json!({"DBClusterId": adb})).unwrap();
    assert_eq!(
        (policy.at(&["PreferredBackupTime"]), policy.at(&["BackupRetentionPeriod"])),
        (&Value::from("05:00Z-06:00Z"), &Value::from(7))
    );
    assert_eq!(
        ask(&cloud, "ADB", "ModifyBackupPolicy", json!({"DBClusterId": "am-0", "PreferredBackupTime": "x"}))
            .unwrap_err(),
        "InvalidDBClusterId.NotFound"
    );
}
