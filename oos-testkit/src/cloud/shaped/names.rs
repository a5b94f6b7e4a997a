//! What the name of a field says about its value (fake-cloud 17, 1.11).
//!
//! The tables are facts of the products where the specification names them, else choices marked as such.

use oos_core::{
    Map, Timestamp, Value,
    catalogue::{Operation, Shape},
};

/// Parameters that end in `Id` and choose no thing.
const NO_FILTER: [&str; 7] =
    ["RegionId", "ZoneId", "ResourceGroupId", "OwnerId", "ResourceOwnerId", "AccountId", "RequestId"];

/// Verbs of calls that make a thing.
// CHOICE: the verbs under which operations with a new id in the answer stand in the catalogue.
const CREATING: [&str; 13] = [
    "Create", "Run", "Allocate", "Copy", "Clone", "Import", "Apply", "Start", "Submit", "Invoke", "Purchase", "Add",
    "Restore",
];

/// Id field → prefix (fake-cloud 1.11).
const PREFIXES: [(&str, &str); 29] = [
    ("InstanceId", "i-"),
    ("DBInstanceId", "rm-"),
    ("DBClusterId", "pc-"),
    ("DiskId", "d-"),
    ("SnapshotId", "s-"),
    ("ImageId", "m-"),
    ("NetworkInterfaceId", "eni-"),
    ("AllocationId", "eip-"),
    ("SecurityGroupId", "sg-"),
    ("VpcId", "vpc-"),
    ("VSwitchId", "vsw-"),
    ("LaunchTemplateId", "lt-"),
    ("CommandId", "c-"),
    ("InvokeId", "t-"),
    ("ScalingGroupId", "asg-"),
    ("ScalingConfigurationId", "asc-"),
    ("LifecycleHookId", "ash-"),
    ("ScalingRuleId", "asr-"),
    ("ScalingActivityId", "asa-"),
    ("LoadBalancerId", "lb-"),
    ("VServerGroupId", "rsp-"),
    ("AclId", "acl-"),
    ("BandwidthPackageId", "cbwp-"),
    ("NatGatewayId", "ngw-"),
    ("ForwardTableId", "ftb-"),
    ("ForwardEntryId", "fwd-"),
    ("DesktopId", "ecd-"),
    ("ExecutionId", "exec-"),
    ("ContainerGroupId", "eci-"),
];

/// (service, field or empty, operation part or empty, word): the first row that fits gives the word of success.
// CHOICE: one word per service, several where its things differ; `Available` for the rest.
const WORDS: [(&str, &str, &str, &str); 30] = [
    ("ecs", "InvocationStatus", "", "Success"),
    ("ecs", "InvokeRecordStatus", "", "Finished"),
    ("ecs", "InvokeStatus", "", "Finished"),
    ("ecs", "CloudAssistantStatus", "", "true"),
    ("ecs", "", "Snapshot", "accomplished"),
    ("ecs", "", "Disk", "Available"),
    ("ecs", "", "Image", "Available"),
    ("ecs", "", "Eip", "Available"),
    ("ecs", "", "NetworkInterface", "Available"),
    ("ecs", "", "DiagnosticReport", "Finished"),
    ("ecs", "", "", "Running"),
    ("ess", "HealthStatus", "", "Healthy"),
    ("ess", "", "ScalingInstance", "InService"),
    ("ess", "", "Activit", "Successful"),
    ("ess", "", "", "Active"),
    ("ros", "", "", "CREATE_COMPLETE"),
    ("rds", "AccountStatus", "", "Available"),
    ("rds", "BackupProgressStatus", "", "Finished"),
    ("rds", "", "", "Running"),
    ("r-kvstore", "BackupStatus", "", "Success"),
    ("r-kvstore", "", "", "Normal"),
    ("ecd", "", "Snapshot", "ACCOMPLISHED"),
    ("ecd", "InvocationStatus", "", "Success"),
    ("ecd", "", "", "Running"),
    ("slb", "", "", "active"),
    ("oos", "", "", "Success"),
    ("hbr", "", "", "COMPLETE"),
    ("kms", "", "", "Enabled"),
    ("computenestsupplier", "", "", "Deployed"),
    ("cs", "", "", "active"),
];

/// Services whose things run.
const RUNNING: [&str; 5] = ["polardb", "adb", "dds", "eci", "cr"];

/// Text fields that readers parse as JSON.
const JSON_TEXTS: [&str; 7] =
    ["Parameters", "Outputs", "Content", "Constraints", "PolicyDocument", "TemplateBody", "Configuration"];

pub(super) fn is_id(name: &str) -> bool {
    ends(name, &["Id", "ID", "_id"]) || name == "id"
}

pub(super) fn is_arn(name: &str) -> bool {
    ends(name, &["Arn", "ARN", "_arn"])
}

pub(super) fn is_state(name: &str) -> bool {
    ends(name, &["Status", "State"]) || matches!(name, "status" | "state")
}

fn ends(name: &str, with: &[&str]) -> bool {
    with.iter().any(|end| name.ends_with(end))
}

/// True for a call that makes a thing.
pub(super) fn creates(api: &str) -> bool {
    CREATING.iter().any(|verb| api.strip_prefix(verb).is_some_and(|rest| rest.starts_with(char::is_uppercase)))
}

/// How many things a call makes.
pub(super) fn amount(params: &Map) -> i64 {
    // CHOICE: RunInstances takes up to 100.
    const MOST: i64 = 100;
    let given = params.get("Amount").or_else(|| params.get("MinAmount"));
    given.and_then(|v| v.to_text().parse().ok()).unwrap_or(1).clamp(1, MOST)
}

/// The id field that a filter is about: `InstanceIds` → `InstanceId`.
pub(super) fn filter_field(name: &str) -> Option<String> {
    let field = name.strip_suffix('s').filter(|one| is_id(one)).unwrap_or(name);
    (is_id(field) && !NO_FILTER.contains(&field)).then(|| field.to_owned())
}

/// The thing in a name: `ScalingRuleId` → `scalingrule`.
pub(super) fn stem(name: &str) -> String {
    let cut = ["Id", "ID", "_id", "Arn", "ARN", "_arn"].iter().find_map(|end| name.strip_suffix(end));
    let stem = cut.filter(|s| !s.is_empty()).unwrap_or("resource");
    stem.to_ascii_lowercase()
}

/// The prefix of new ids; `None` for a bare UUID.
pub(super) fn prefix(service: &str, field: &str) -> Option<String> {
    match (service, field) {
        (_, "StackId") | ("oos", "TaskExecutionId") => None,
        ("r-kvstore", "InstanceId") => Some("r-".into()),
        _ => Some(
            PREFIXES
                .iter()
                .find(|(f, _)| *f == field)
                .map_or_else(|| format!("{}-", stem(field)), |(_, p)| (*p).into()),
        ),
    }
}

/// A value of a field that is neither given by the request nor an id.
pub(super) fn value(name: &str, shape: &Shape, operation: &Operation, now: Timestamp, top: bool) -> Value {
    match shape {
        Shape::Boolean => Value::Bool(name.eq_ignore_ascii_case("Success")),
        Shape::Integer | Shape::Number => number(name, now, top),
        _ => text(name, operation, now, top).into(),
    }
}

fn number(name: &str, now: Timestamp, top: bool) -> Value {
    let plain = name.to_ascii_lowercase().replace('_', "");
    match plain.as_str() {
        "pagenumber" | "currentpage" | "pagenum" | "pageno" | "page" | "pageindex" => Value::Int(1),
        // The default of the page-number style (fake-cloud 1.5).
        "pagesize" | "maxresults" => Value::Int(10),
        // A product that says success in the body says it so (aliyun-client 5.1).
        "code" | "httpstatuscode" | "httpcode" if top => Value::Int(200),
        _ if ends(name, &["Time", "Date", "Timestamp"]) => Value::Int(now.as_millis()),
        _ => Value::Int(0),
    }
}

fn text(name: &str, operation: &Operation, now: Timestamp, top: bool) -> String {
    match name {
        "Code" | "HttpStatusCode" if top => "200".into(),
        _ if is_state(name) => word(operation, name).into(),
        _ if ends(name, &["Time", "Timestamp", "_at"]) || name == "created" || name == "updated" => now.to_iso(),
        _ if ends(name, &["Date"]) => now.to_iso(),
        _ if JSON_TEXTS.contains(&name) => "{}".into(),
        _ if ends(name, &["Count", "PageNumber", "PageSize"]) => "0".into(),
        _ => String::new(),
    }
}

/// The last word of success of the service's things.
fn word(operation: &Operation, field: &str) -> &'static str {
    let service = if &*operation.product == "fc-open" { "fc" } else { &*operation.product };
    let fits = |(s, f, part, _): &&(&str, &str, &str, &str)| {
        *s == service && (f.is_empty() || *f == field) && operation.api.contains(part)
    };
    let running = if RUNNING.contains(&service) { "Running" } else { "Available" };
    WORDS.iter().find(fits).map_or(running, |(.., word)| word)
}

/// A text in the type of the field.
pub(super) fn typed(text: &str, shape: &Shape) -> Value {
    match shape {
        Shape::Integer => text.parse::<i64>().map_or(Value::Int(0), Value::Int),
        Shape::Number => text.parse::<f64>().ok().filter(|f| f.is_finite()).map_or(Value::Int(0), Value::Float),
        Shape::Boolean => Value::Bool(text.eq_ignore_ascii_case("true")),
        _ => text.into(),
    }
}

/// Sets totals and counts to the length of the list, in the answer and in the maps of it.
pub(super) fn count(answer: &mut Value, items: usize) {
    let Value::Map(map) = answer else { return };
    let length = i64::try_from(items).unwrap_or(i64::MAX);
    for (name, value) in std::sync::Arc::make_mut(map).iter_mut() {
        let is_count =
            name.starts_with("Total") || ends(name, &["Count"]) || matches!(&**name, "total" | "total_count");
        match value {
            Value::Int(number) if is_count => *number = length,
            Value::String(_) if is_count => *value = length.to_string().into(),
            Value::Map(_) => count(value, items),
            _ => {}
        }
    }
}
