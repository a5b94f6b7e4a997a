//! Which resources a call works on, as ARN patterns, where its parameters name them (service-model 6.4).
//!
//! What is not known becomes `*`: account, region, and ids that only a run will tell. A call whose parameters name no
//! resource is about any resource.

use std::{collections::BTreeSet, sync::Arc};

use super::symbolic::Symbolic;
use crate::{Value, catalogue::ram_code};

/// Any resource.
pub(super) const ANY: &str = "*";

/// Product code, parameter, kind of resource. A call works on all that its parameters name.
// CHOICE: the products' own pages name their ARNs; these are the parameters of which a template can know the value
// before the run.
const NAMED_BY: &[(&str, &str, &str)] = &[
    ("ecs", "InstanceId", "instance"),
    ("ecs", "InstanceIds", "instance"),
    ("ecs", "DiskId", "disk"),
    ("ecs", "DiskIds", "disk"),
    ("ecs", "SnapshotId", "snapshot"),
    ("ecs", "SnapshotIds", "snapshot"),
    ("ecs", "ImageId", "image"),
    ("ecs", "SecurityGroupId", "securitygroup"),
    ("ecs", "NetworkInterfaceId", "eni"),
    ("ecs", "KeyPairName", "keypair"),
    ("ecs", "LaunchTemplateId", "launchtemplate"),
    ("ecs", "CommandId", "command"),
    ("vpc", "AllocationId", "eip"),
    ("vpc", "IpInstanceId", "eip"),
    ("vpc", "VSwitchId", "vswitch"),
    ("vpc", "VpcId", "vpc"),
    ("vpc", "NatGatewayId", "natgateway"),
    ("vpc", "BandwidthPackageId", "combandwidthpackage"),
    ("slb", "LoadBalancerId", "loadbalancer"),
    ("ess", "ScalingGroupId", "scalinggroup"),
    ("rds", "DBInstanceId", "dbinstance"),
    ("kvstore", "InstanceId", "instance"),
    ("kvstore", "InstanceIds", "instance"),
    ("ros", "StackId", "stack"),
    ("ecd", "DesktopId", "desktop"),
    ("kms", "KeyId", "key"),
    ("polardb", "DBClusterId", "dbcluster"),
    ("adb", "DBClusterId", "dbcluster"),
    ("dds", "DBInstanceId", "dbinstance"),
    ("ram", "RoleName", "role"),
    ("ram", "UserName", "user"),
    ("oos", "TemplateName", "template"),
    ("oos", "ExecutionId", "execution"),
];

/// Products whose resources have no region.
const GLOBAL: [&str; 3] = ["ram", "oss", "sts"];

/// The resources of a call.
pub(super) fn resources(service: &str, api: &str, parameters: &Symbolic) -> BTreeSet<Arc<str>> {
    let code = ram_code(service, api);
    let any = || BTreeSet::from([ANY.into()]);
    if &*code == "oss" {
        let bucket = parameters.member("BucketName").known_text();
        let arns = |b: Arc<str>| [format!("acs:oss:*:*:{b}").into(), format!("acs:oss:*:*:{b}/*").into()];
        return bucket.map_or_else(any, |bucket| BTreeSet::from(arns(bucket)));
    }
    // CHOICE: what creates a resource is about resources that have no id yet.
    if ["Run", "Create", "Allocate", "Purchase"].iter().any(|verb| api.starts_with(verb)) {
        return any();
    }
    let region = match GLOBAL.contains(&&*code) {
        true => ANY.into(),
        false => parameters.member("RegionId").known_text().unwrap_or_else(|| ANY.into()),
    };
    let mut found = BTreeSet::new();
    for (_, name, kind) in NAMED_BY.iter().filter(|(product, _, _)| *product == &*code) {
        let value = parameters.member(name);
        if value.is_null() {
            continue;
        }
        let Some(ids) = ids(&value) else { return any() };
        found.extend(ids.iter().map(|id| Arc::from(format!("acs:{code}:{region}:*:{kind}/{id}"))));
    }
    if found.is_empty() { any() } else { found }
}

/// The ids in a value: one, a list, JSON text of a list, or text with commas; `None` when one is not known.
fn ids(value: &Symbolic) -> Option<Vec<Arc<str>>> {
    if let Some(members) = value.members() {
        return members.iter().map(Symbolic::known_text).collect();
    }
    let text = value.known().filter(|v| !matches!(v, Value::Map(_)))?.to_text();
    Some(text.split(',').map(str::trim).filter(|id| !id.is_empty()).map(Into::into).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params;

    fn of(service: &str, api: &str, parameters: Value) -> Vec<String> {
        resources(service, api, &parameters.into()).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn ids_in_parameters_become_patterns() {
        let one = params! { "RegionId" => "cn-hangzhou", "InstanceId" => "i-1" };
        assert_eq!(of("ECS", "StopInstance", one), ["acs:ecs:cn-hangzhou:*:instance/i-1"]);
        let text = params! { "InstanceIds" => r#"["i-2","i-1"]"# };
        assert_eq!(of("ecs", "DescribeInstances", text), ["acs:ecs:*:*:instance/i-1", "acs:ecs:*:*:instance/i-2"]);
        let commas = params! { "InstanceIds" => "r-1, r-2" };
        assert_eq!(of("Redis", "X", commas), ["acs:kvstore:*:*:instance/r-1", "acs:kvstore:*:*:instance/r-2"]);
        assert_eq!(of("OSS", "GetBucketAcl", params! { "BucketName" => "b" }), ["acs:oss:*:*:b", "acs:oss:*:*:b/*"]);
        let both = params! { "InstanceId" => "i-1", "DiskId" => "d-1" };
        assert_eq!(of("ECS", "AttachDisk", both), ["acs:ecs:*:*:disk/d-1", "acs:ecs:*:*:instance/i-1"]);
        assert_eq!(of("RAM", "GetRole", params! { "RegionId" => "r", "RoleName" => "x" }), ["acs:ram:*:*:role/x"]);
    }

    #[test]
    fn what_names_nothing_is_about_anything() {
        assert_eq!(of("ECS", "DescribeRegions", params! {}), ["*"]);
        assert_eq!(of("ECS", "CreateImage", params! { "InstanceId" => "i-1" }), ["*"]);
        let partly = Symbolic::map(vec![("InstanceId".into(), Symbolic::unknown("item"))]);
        assert_eq!(resources("ECS", "StopInstance", &partly), BTreeSet::from(["*".into()]));
        let id = (Arc::from("DiskId"), Symbolic::Known("d-1".into()));
        let partly = Symbolic::map(vec![id, ("InstanceId".into(), Symbolic::unknown("item"))]);
        assert_eq!(resources("ECS", "AttachDisk", &partly), BTreeSet::from(["*".into()]));
    }
}
