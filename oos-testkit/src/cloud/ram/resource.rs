//! Which permissions a call needs: action and resources.

use std::sync::Arc;

use oos_core::{Map, Value, catalogue::ram_code};

use crate::{
    calls::Call,
    cloud::params::{Params, texts},
};

/// Parameters that name what a call works on, by product code; the first that is given counts.
const IDS: &[(&str, &[(&str, &str)])] = &[
    (
        "ecs",
        &[
            ("InstanceIds", "instance"),
            ("InstanceId", "instance"),
            ("DiskIds", "disk"),
            ("diskIds", "disk"),
            ("DiskId", "disk"),
            ("SnapshotIds", "snapshot"),
            ("SnapshotId", "snapshot"),
            ("ImageId", "image"),
            ("SecurityGroupId", "securitygroup"),
            ("NetworkInterfaceId", "eni"),
            ("KeyPairName", "keypair"),
            ("LaunchTemplateId", "launchtemplate"),
            ("CommandId", "command"),
            ("InvokeId", "command"),
            ("AllocationId", "eip"),
        ],
    ),
    (
        "vpc",
        &[
            ("AllocationId", "eip"),
            ("IpInstanceId", "eip"),
            ("VSwitchId", "vswitch"),
            ("VpcId", "vpc"),
            ("NatGatewayId", "natgateway"),
            ("ForwardTableId", "forwardtable"),
            ("BandwidthPackageId", "combandwidthpackage"),
        ],
    ),
    ("slb", &[("LoadBalancerId", "loadbalancer"), ("VServerGroupId", "vservergroup"), ("AclId", "acl")]),
    ("ess", &[("ScalingGroupId", "scalinggroup"), ("ScalingConfigurationId", "scalingconfiguration")]),
    ("rds", &[("DBInstanceId", "dbinstance")]),
    ("kvstore", &[("InstanceId", "instance")]),
    ("ros", &[("StackId", "stack")]),
    ("ecd", &[("DesktopId", "desktop")]),
    ("ram", &[("RoleName", "role"), ("UserName", "user"), ("PolicyName", "policy")]),
    ("kms", &[("KeyId", "key")]),
    ("polardb", &[("DBClusterId", "dbcluster")]),
    ("adb", &[("DBClusterId", "dbcluster")]),
    ("dds", &[("DBInstanceId", "dbinstance")]),
];

/// Product codes whose resources have no region.
const GLOBAL: [&str; 3] = ["ram", "oss", "sts"];

/// The action of a call: `ecs:StartInstance`.
pub(super) fn action(call: &Call) -> String {
    format!("{}:{}", code(call), call.api)
}

fn code(call: &Call) -> Arc<str> {
    ram_code(&call.service, &call.api)
}

/// The resources of a call, with the id of each where it has one.
pub(super) fn resources(call: &Call, params: &Params, bucket: Option<&str>) -> Vec<(String, Option<Arc<str>>)> {
    let code = code(call);
    let region = if GLOBAL.contains(&&*code) { "*" } else { &call.region };
    let arn = |relative: &str| format!("acs:{code}:{region}:{}:{relative}", call.account);
    if let Some(bucket) = bucket.filter(|_| &*code == "oss") {
        return vec![(format!("acs:oss:*:{}:{bucket}", call.account), None)];
    }
    if &*code == "sts" {
        return params.list("RoleArn").into_iter().map(|role| (role.to_string(), None)).collect();
    }
    if let Some((kind, ids)) = tagged(params) {
        return ids.into_iter().map(|id| (arn(&format!("{kind}/{id}")), Some(id))).collect();
    }
    let names = IDS.iter().find(|(c, _)| *c == &*code).map_or(&[] as &[_], |(_, names)| names);
    let creates = ["Run", "Create", "Allocate", "Purchase"].iter().any(|verb| call.api.starts_with(verb));
    let commands = &*code == "ecs" && call.api.ends_with("Command");
    let given = names.iter().find_map(|(name, kind)| {
        let ids = if name.ends_with("Ids") { params.comma(name) } else { texts(params.get(name)) };
        (!ids.is_empty()).then_some((*kind, ids))
    });
    match given {
        Some((kind, ids)) if !creates || commands => {
            ids.into_iter().map(|id| (arn(&format!("{kind}/{id}")), Some(id))).collect()
        }
        _ => vec![(arn(&format!("{}/*", kind_of(&call.api, names))), None)],
    }
}

/// `ResourceType` and `ResourceId.N` of the calls on tags.
fn tagged(params: &Params) -> Option<(String, Vec<Arc<str>>)> {
    let (kind, ids) = (params.str("ResourceType")?, params.list("ResourceId"));
    (!ids.is_empty()).then(|| (kind.to_ascii_lowercase(), ids))
}

/// The kind of resource that the name of an operation speaks of.
fn kind_of(api: &str, names: &[(&str, &str)]) -> String {
    let lower = api.to_ascii_lowercase();
    let longest = names.iter().map(|(_, kind)| *kind).filter(|kind| lower.contains(kind)).max_by_key(|kind| kind.len());
    longest.unwrap_or("*").to_owned()
}

/// Tags of the request, as condition keys see them.
pub(super) fn request_tags(params: &Map) -> Vec<(String, String)> {
    let params = Params(params.clone());
    let mut tags = params.tags("Tag");
    if matches!(params.get("Tags"), Value::List(_) | Value::Map(_)) {
        tags.extend(params.tags("Tags"));
    }
    tags
}
