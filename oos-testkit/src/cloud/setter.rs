//! Operations that only store what they are given on a resource, which a describe gives back: one handler, one table.

use oos_core::{Map, Value, params, ports::ApiError};

use super::{api::Ctx, params::Params, store::Kind};

/// What a setter works on.
struct Line {
    api: &'static str,
    kind: Kind,
    id: &'static str,
    unknown: &'static str,
}

const fn line(api: &'static str, kind: Kind, id: &'static str, unknown: &'static str) -> Line {
    Line { api, kind, id, unknown }
}

const RDS: (&str, &str, &str) = ("RDS::Instance", "DBInstanceId", "InvalidDBInstanceId.NotFound");
const REDIS: (&str, &str, &str) = ("Redis::Instance", "InstanceId", "InvalidInstanceId.NotFound");

/// Setters by product and operation.
const TABLE: &[(&str, &[Line])] = &[
    (
        "RDS",
        &[
            line("ModifyBackupPolicy", RDS.0, RDS.1, RDS.2),
            line("MigrateSecurityIPMode", RDS.0, RDS.1, RDS.2),
            line("ModifyDBInstanceDeletionProtection", RDS.0, RDS.1, RDS.2),
            line("ModifyDBInstanceMaintainTime", RDS.0, RDS.1, RDS.2),
            line("ModifySQLCollectorPolicy", RDS.0, RDS.1, RDS.2),
            line("ModifySQLCollectorRetention", RDS.0, RDS.1, RDS.2),
            line("RenewInstance", RDS.0, RDS.1, RDS.2),
        ],
    ),
    (
        "R-KVSTORE",
        &[
            line("ModifyBackupPolicy", REDIS.0, REDIS.1, REDIS.2),
            line("ModifyInstanceMaintainTime", REDIS.0, REDIS.1, REDIS.2),
            line("ModifyAuditLogConfig", REDIS.0, REDIS.1, REDIS.2),
            line("ModifyInstanceAttribute", REDIS.0, REDIS.1, REDIS.2),
            line("EnableAdditionalBandwidth", REDIS.0, REDIS.1, REDIS.2),
            line("RenewInstance", REDIS.0, REDIS.1, REDIS.2),
        ],
    ),
    (
        "PolarDB",
        &[
            line("ModifyBackupPolicy", "PolarDB::Cluster", "DBClusterId", "InvalidDBClusterId.NotFound"),
            line("ModifyDBClusterMaintainTime", "PolarDB::Cluster", "DBClusterId", "InvalidDBClusterId.NotFound"),
            line("ModifyDBClusterDeletion", "PolarDB::Cluster", "DBClusterId", "InvalidDBClusterId.NotFound"),
        ],
    ),
    (
        "ADB",
        &[
            line("ModifyBackupPolicy", "ADB::Cluster", "DBClusterId", "InvalidDBClusterId.NotFound"),
            line("ModifyDBClusterMaintainTime", "ADB::Cluster", "DBClusterId", "InvalidDBClusterId.NotFound"),
        ],
    ),
    ("DDS", &[line("ModifyBackupPolicy", "DDS::Instance", "DBInstanceId", "InvalidDBInstanceId.NotFound")]),
    ("EHPC", &[line("ModifyClusterAttributes", "EHPC::Cluster", "ClusterId", "ClusterNotFound")]),
    ("ALB", &[line("EnableDeletionProtection", "ALB::Resource", "ResourceId", "ResourceNotFound")]),
    (
        "CloudAPI",
        &[
            line("ModifyApiGroupNetworkPolicy", "CloudAPI::Group", "GroupId", "NotFoundApiGroup"),
            line("ModifyInstanceAttribute", "CloudAPI::Instance", "InstanceId", "NotFoundInstance"),
        ],
    ),
    (
        "WAF-OPENAPI",
        &[
            line("ModifyProtectionModuleStatus", "WAF::Domain", "Domain", "ComboError"),
            line("ModifyLogServiceStatus", "WAF::Domain", "Domain", "ComboError"),
        ],
    ),
    ("KMS", &[line("UpdateRotationPolicy", "KMS::Key", "KeyId", "Forbidden.KeyNotFound")]),
    ("ECI", &[line("UpdateContainerGroup", "ECI::ContainerGroup", "ContainerGroupId", "InvalidParameter.NotFound")]),
];

/// Stores all parameters but the id. Products of which the fake knows no resource (they have no describe of their own)
/// get one on the way.
pub(crate) fn store(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let lines = TABLE.iter().find(|(service, _)| *service == ctx.service).map_or(&[] as &[Line], |(_, lines)| lines);
    let Some(line) = lines.iter().find(|l| l.api == ctx.api) else { return Ok(Value::empty_map()) };
    let id = p.need(line.id)?;
    let strict =
        ["RDS::", "Redis::", "PolarDB::", "ADB::", "DDS::", "KMS::", "ECI::"].iter().any(|k| line.kind.starts_with(k));
    if strict {
        ctx.need(line.kind, &id, line.unknown)?;
    } else if ctx.find(line.kind, &id).is_none() {
        ctx.create_as(line.kind, &id, Map::new())?;
    }
    ctx.checked()?;
    let r = ctx.change(line.kind, &id, line.unknown)?;
    for (name, value) in p.0.iter().filter(|(n, _)| ![line.id, "RegionId", "ClientToken"].contains(&&***n)) {
        r.set(name, value.clone());
    }
    Ok(params! { "OrderId" => ctx.s.ids.number("order").to_string(), line.id => id })
}
