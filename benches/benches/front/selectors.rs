//! Selectors by family on an answer of a hundred instances: plain paths against a walker written by hand, jq against
//! jaq's own run, and the first use of a text against jaq's compilation with its standard library.

use oos_core::{
    Limits, Map, Value,
    selector::{Selector, SelectorCache},
};

use crate::{jaq, ratio, us};

/// A selector, as jq spells it, and the goal for our run as a ratio to the other's.
const JQ: [(&str, &str); 7] = [
    ("ids", ".Instances.Instance[].InstanceId"),
    ("select", ".Instances.Instance|map(select(.Status==\"Running\"))|length"),
    ("objects", ".Instances.Instance|map({type: .OSType, id: .InstanceId})"),
    ("disks", ".Disks.Disk|map(select(.Type==\"data\")|{DiskId,Size})"),
    ("regex", "[.Instances.Instance[].InstanceName|test(\"^web\")]"),
    ("reduce", "reduce .Instances.Instance[] as $i (0; . + $i.Cpu)"),
    ("getpath", "[.Instances.Instance[]|getpath([\"VpcAttributes\",\"VpcId\"])]"),
];

/// An answer of DescribeInstances with 48 members in each instance, and one of DescribeDisks in it.
fn answer() -> Value {
    let instance = |i: usize| {
        let mut map = Map::new();
        map.insert("InstanceId", format!("i-bp1{i:017}"));
        map.insert("InstanceName", format!("web-{i}"));
        map.insert("Status", if i.is_multiple_of(3) { "Stopped" } else { "Running" });
        map.insert("OSType", "linux");
        map.insert("Cpu", 2 + i64::try_from(i % 4).unwrap());
        map.insert("VpcAttributes", oos_core::params! { "VpcId" => format!("vpc-{i}"), "NatIpAddress" => "" });
        for n in 0..42 {
            map.insert(format!("Attribute{n}"), format!("value {n} of {i}"));
        }
        Value::from(map)
    };
    let disk = |i: usize| {
        oos_core::params! {
            "DiskId" => format!("d-{i}"), "Type" => if i.is_multiple_of(2) { "data" } else { "system" }, "Size" => 40,
            "Category" => "cloud_essd", "InstanceId" => format!("i-{i}"), "Portable" => true
        }
    };
    let list = |key: &str, items: Value| Value::from([(key, items)].into_iter().collect::<Map>());
    oos_core::params! {
        "Instances" => list("Instance", (0..100).map(instance).collect()),
        "Disks" => list("Disk", (0..100).map(disk).collect()),
        "TotalCount" => 100
    }
}

/// What a person would write for `Instances.Instance[].InstanceId`.
fn walker(document: &Value) -> Vec<Value> {
    let instances = document.get("Instances").and_then(|i| i.get("Instance")).and_then(Value::as_list);
    instances.unwrap_or_default().iter().map(|i| i.get("InstanceId").cloned().unwrap_or_default()).collect()
}

pub(crate) fn measure() {
    let (document, limits) = (answer(), Limits::default());
    let text = document.to_string();
    println!("\nselectors on {} bytes", text.len());

    let plain = "Instances.Instance[].InstanceId";
    let selector = Selector::parse(plain).unwrap();
    assert_eq!(selector.run(&document, &limits).unwrap(), walker(&document));
    let (by_hand, ours) = us(|| walker(&document), || selector.run(&document, &limits));
    println!("{:<24} by hand {by_hand:>8.2} us  ours {ours:>8.2} us  {}", "plain path", ratio(ours, by_hand, 2.0));
    let path = Selector::parse("$.Instances.Instance[*].InstanceId").unwrap();
    assert_eq!(path.run(&document, &limits).unwrap(), walker(&document));
    let (by_hand, ours) = us(|| walker(&document), || path.run(&document, &limits));
    println!("{:<24} by hand {by_hand:>8.2} us  ours {ours:>8.2} us", "JSONPath");

    let (input, cache) = (jaq::read(&text), SelectorCache::default());
    for (family, code) in JQ {
        // In parentheses it is never a plain path.
        let (theirs, ours) = (jaq::Program::with_library(code), Selector::parse(&format!("({code})")).unwrap());
        assert_eq!(theirs.run(&input).len(), ours.run(&document, &limits).unwrap().len(), "{family}");
        let (theirs, ours) = us(|| theirs.run(&input), || ours.run(&document, &limits));
        println!("jq: {family:<20} jaq     {theirs:>8.2} us  ours {ours:>8.2} us  {}", ratio(ours, theirs, 1.2));
    }

    for (family, code) in JQ {
        let (theirs, ours) = us(|| jaq::Program::with_library(code), || Selector::parse(code).unwrap());
        println!("first use: {family:<13} jaq     {theirs:>8.2} us  ours {ours:>8.2} us  {}", ratio(ours, theirs, 0.1));
    }
    let query = "$.Instances.Instance[?@.Cpu > 2].InstanceId";
    let (ours, cached) = us(|| Selector::parse(query).unwrap(), || cache.selector(query).unwrap());
    println!("{:<24} {:>16} ours {ours:>8.2} us, from the cache {cached:.2} us", "first use: JSONPath", "");
}
