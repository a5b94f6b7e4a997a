//! PolarDB, AnalyticDB and MongoDB: whitelists and settings.

use oos_core::{Map, Value, params, ports::ApiError};

use super::{change_group, fresh_groups, groups};
use crate::cloud::{
    api::{Api, Ctx, done, wrapped},
    ecs::make::map,
    params::Params,
    setter,
    state::State,
    store::Kind,
};

const POLARDB: Kind = "PolarDB::Cluster";
const ADB: Kind = "ADB::Cluster";
const DDS: Kind = "DDS::Instance";
const CLUSTER_UNKNOWN: &str = "InvalidDBClusterId.NotFound";

pub(crate) const POLARDB_APIS: &[Api] = &[
    Api::new("DescribeDBClusterAccessWhitelist", describe_whitelist, "DBClusterId!"),
    Api::new("ModifyDBClusterAccessWhitelist", polardb_whitelist, "DBClusterId!"),
    Api::new("ModifyBackupPolicy", setter::store, "DBClusterId!"),
    Api::new("ModifyDBClusterMaintainTime", setter::store, "DBClusterId!"),
    Api::new("ModifyDBClusterDeletion", setter::store, "DBClusterId!"),
];

pub(crate) const ADB_APIS: &[Api] = &[
    Api::new("DescribeBackupPolicy", backup_policy, "DBClusterId!"),
    Api::new("ModifyBackupPolicy", setter::store, "DBClusterId!"),
    Api::new("ModifyDBClusterAccessWhiteList", adb_whitelist, "DBClusterId! SecurityIps!"),
    Api::new("ModifyDBClusterMaintainTime", setter::store, "DBClusterId!"),
];

pub(crate) const DDS_APIS: &[Api] = &[
    Api::new("ModifySecurityIps", dds_whitelist, "DBInstanceId! SecurityIps!"),
    Api::new("ModifyBackupPolicy", setter::store, "DBInstanceId!"),
];

pub(super) fn data(_: &State, id: &str, region: &str) -> Map {
    map(&params! {
        "DBClusterId" => id, "RegionId" => region, "Status" => "Running", "PreferredBackupTime" => "02:00Z-03:00Z",
        "PreferredBackupPeriod" => "Tuesday,Friday", "BackupRetentionPeriod" => 7, "LogBackupRetentionPeriod" => 7,
        "EnableBackupLog" => "Enable", "_ips" => fresh_groups(),
    })
}

fn whitelist(
    ctx: &mut Ctx<'_>,
    p: &Params,
    kind: Kind,
    id: &str,
    unknown: &str,
    group: &str,
) -> Result<Value, ApiError> {
    let (id, group) = (p.need(id)?, p.str(group));
    change_group(ctx.change(kind, &id, unknown)?, p, "SecurityIps", group)?;
    done()
}

fn polardb_whitelist(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    whitelist(ctx, p, POLARDB, "DBClusterId", CLUSTER_UNKNOWN, "DBClusterIPArrayName")
}

fn adb_whitelist(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    whitelist(ctx, p, ADB, "DBClusterId", CLUSTER_UNKNOWN, "DBClusterIPArrayName")
}

fn dds_whitelist(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    whitelist(ctx, p, DDS, "DBInstanceId", "InvalidDBInstanceId.NotFound", "SecurityIpGroupName")
}

fn describe_whitelist(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let r = ctx.need(POLARDB, &p.need("DBClusterId")?, CLUSTER_UNKNOWN)?;
    let rows = groups(r).into_iter().map(|(name, list)| {
        params! { "DBClusterIPArrayName" => name, "SecurityIps" => list, "DBClusterIPArrayAttribute" => "" }
    });
    Ok(wrapped("Items", "DBClusterIPArray", rows.collect(), Map::new()))
}

fn backup_policy(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let r = ctx.need(ADB, &p.need("DBClusterId")?, CLUSTER_UNKNOWN)?;
    let names = [
        "PreferredBackupTime",
        "PreferredBackupPeriod",
        "BackupRetentionPeriod",
        "LogBackupRetentionPeriod",
        "EnableBackupLog",
    ];
    Ok(Value::from(names.iter().map(|n| (*n, r.data.get(n).cloned().unwrap_or_default())).collect::<Map>()))
}
