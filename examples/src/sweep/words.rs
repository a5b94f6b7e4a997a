//! Plain words: values by what a key is called, where nothing in the fake cloud is meant.

use oos_core::Value;
use serde_json::json;

use super::world::NAME;

/// A command that does no harm.
pub(crate) const COMMAND: &str = "echo sweep";

/// Texts by a part of the key; all that fit are candidates, in this order.
const TEXTS: &[(&str, &str)] = &[
    ("assumerole", ""),
    ("jq", ".[0]"),
    ("owner", NAME),
    ("repository", NAME),
    ("packageversion", "v1"),
    ("templateversion", "v1"),
    ("role", "sweep"),
    ("dbinstanceclass", "rds.mysql.s2.large"),
    ("loadbalancerspec", "slb.s2.small"),
    ("instancetypefamil", "ecs.g7"),
    ("instancetype", "ecs.g7.large"),
    ("diskcategory", "cloud_essd"),
    ("chargetype", "PostPaid"),
    ("dailystart", "08:00:00Z"),
    ("dailystop", "20:00:00Z"),
    ("dailyend", "20:00:00Z"),
    ("daily", "08:00:00Z"),
    ("maintainendtime", "06:00Z"),
    ("maintainstarttime", "02:00Z"),
    ("maintain", "02:00Z-06:00Z"),
    ("backuptime", "02:00Z-03:00Z"),
    ("backupperiod", "Monday"),
    ("timeout", "600"),
    ("timepoint", "[\"1\"]"),
    ("starttime", "2026-02-01T08:00Z"),
    ("endtime", "2026-03-01T08:00Z"),
    ("date", "2027-02-01T08:00:00Z"),
    ("time", "2027-02-01T08:00:00Z"),
    ("timezone", "Asia/Shanghai"),
    ("webhook", "https://hooks.example.com/sweep"),
    ("sourcepath", "https://files.example.com/sweep.tar.gz"),
    ("destinationdir", "/var/sweep"),
    ("workingdir", "/var/sweep"),
    ("url", "https://files.example.com/sweep"),
    ("mediapath", "oss://bucket/media"),
    (
        "policydocument",
        "{\"Version\": \"1\", \"Statement\": [{\"Effect\": \"Allow\", \"Action\": \"ecs:Describe*\", \"Resource\": \"*\"}]}",
    ),
    (
        "policy",
        "{\"Version\": \"1\", \"Statement\": [{\"Effect\": \"Allow\", \"Action\": [\"oss:GetObject\"], \"Resource\": [\"acs:oss:*:*:bucket/*\"], \"Principal\": [\"*\"]}]}",
    ),
    ("config", "{\"maxmemory-policy\": \"noeviction\"}"),
    ("rotationinterval", "30d"),
    ("vncpassword", "Vnc123"),
    ("password", "Passw0rd!"),
    ("secret", "Passw0rd!"),
    ("cidrip", "10.0.0.0/8"),
    ("cidrblock", "172.16.0.0/12"),
    ("cidr", "10.0.0.0/8"),
    ("privateip", "172.16.0.9"),
    ("ipaddress", "10.0.0.7"),
    ("ip", "10.0.0.7"),
    ("portrange", "22/22"),
    ("port", "22"),
    ("objectname", "folder/object"),
    ("partition", "/dev/vda1"),
    ("templatename", "ACS-ECS-BulkyStartInstances"),
    ("threshold", "80"),
    ("retention", "30"),
    ("storage", "100"),
    ("size", "100"),
    ("accountname", NAME),
    ("count", "1"),
    ("number", "100"),
    ("commandtype", "RunShellScript"),
    ("command", COMMAND),
    ("version", "1"),
    ("name", NAME),
];

/// Texts for patterns that nothing else fits.
const OTHERS: &[&str] = &[
    "text",
    NAME,
    "Passw0rd1",
    "Passw0rd!",
    "10.0.0.7",
    "192.168.0.7",
    "100",
    "1",
    "oss://bucket/file",
    "{{oos-secret:sweep}}",
    "/var/log",
];

/// Candidates for a text, the likeliest first.
pub(crate) fn texts(meant: &[(String, String)]) -> Vec<String> {
    // Its own name, which is the last, says more about a plain text than the place that it goes to.
    let known = meant.iter().rev().filter_map(|(_, key)| by_part(key));
    known.chain(OTHERS.iter().copied()).map(str::to_owned).collect()
}

fn by_part(key: &str) -> Option<&'static str> {
    let key = key.to_lowercase();
    let last = key.rsplit('.').next().unwrap_or(&key);
    TEXTS.iter().find(|(part, _)| last.contains(part)).map(|(_, text)| *text)
}

/// A member of a structure.
pub(crate) fn member(meant: &[(String, String)]) -> Value {
    let counts = |key: &str| ["amount", "period"].iter().any(|end| key.to_lowercase().ends_with(end));
    if meant.iter().any(|(_, key)| counts(key)) {
        return Value::from(1);
    }
    Value::from(meant.iter().find_map(|(_, key)| by_part(key)).unwrap_or("text"))
}

/// True when a member of that name, as templates write it, is a list.
pub(crate) fn is_list(member: &str) -> bool {
    ["Ids", "Types", "Names"].iter().any(|end| member.ends_with(end))
}

/// How many texts a list of that name has: programs are read out of their list one by one.
pub(crate) fn copies(name: &str) -> usize {
    if name.ends_with("jqscript") { 2 } else { 1 }
}

/// A structure, where a map is wanted.
pub(crate) fn structure(meant: &[(String, String)]) -> Option<Value> {
    let is = |part: &str| meant.iter().any(|(_, key)| key.ends_with(part));
    if is("tags") || is("tag") {
        return Some(json!([{"Key": "team", "Value": "web"}]).into());
    }
    let text = meant.iter().find_map(|(_, key)| by_part(key))?;
    Value::from_json_str(text).ok().filter(|v| v.as_map().is_some())
}

/// A number that what is spoken of usually has.
pub(crate) fn number(name: &str) -> i64 {
    const NUMBERS: &[(&str, i64)] = &[
        ("threshold", 80),
        ("bandwidth", 10),
        ("disksize", 100),
        ("storage", 100),
        ("size", 100),
        ("days", 7),
        ("timeout", 600),
    ];
    NUMBERS.iter().find(|(part, _)| name.contains(part)).map_or(1, |(_, n)| *n)
}
