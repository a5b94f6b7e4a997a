//! Stacks whose templates stand behind a URL: nobody knows what they make, but the OOS template says which outputs it
//! reads. A body with these outputs is registered for every URL.
//!
//! An output that is compared with a value has that value, so that the check passes; one whose name tells a kind of
//! thing has the id of such a thing.

use std::sync::LazyLock;

use fancy_regex::Regex;
use oos_core::{Template, Value, source::Node, template::Task};
use oos_testkit::prelude::*;

use super::world::World;

/// `select(.OutputKey == "X")`.
static BY_KEY: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r#"OutputKey\s*==\s*\\?"([^"\\]+)"#).ok());
/// `Outputs[0]`.
static BY_INDEX: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"Outputs\[(\d+)\]").ok());

/// An output that a template reads.
#[derive(Debug)]
struct Read {
    /// Where it stands among the outputs, when it is read by its place.
    place: usize,
    name: String,
    value: Option<Value>,
}

/// Registers a body with the outputs that the template reads, for every URL.
pub(crate) fn register(world: &World, template: &Template) {
    let mut read: Vec<Read> = template.tasks.iter().flat_map(of_task).collect();
    // What is compared comes first, so that its value counts.
    read.sort_by_key(|r| (r.place, r.name.clone(), r.value.is_none()));
    read.dedup_by(|a, b| a.name == b.name);
    if read.is_empty() {
        return;
    }
    let mut outputs = oos_core::Map::new();
    for Read { name, value, .. } in read {
        let value = value.unwrap_or_else(|| value_of(world, &name));
        outputs.insert(name, params! { "Value" => value });
    }
    world.cloud.ros().template_url("*", params! { "ROSTemplateFormatVersion" => "2015-09-01", "Outputs" => outputs });
}

fn of_task(task: &Task) -> Vec<Read> {
    let properties = task.properties.as_ref().map(Node::to_value).unwrap_or_default();
    if !properties.at(&["Service"]).to_text().eq_ignore_ascii_case("ros") {
        return Vec::new();
    }
    let mut read = Vec::new();
    let selector = properties.at(&["PropertySelector"]).to_text();
    let desired = properties.at(&["DesiredValues"]).as_list().and_then(<[Value]>::first).cloned();
    read.extend(named(&selector, "").map(|(place, name)| Read { place, name, value: desired.clone() }));
    for output in &task.outputs {
        let selector = output.selector.as_ref().map(|n| n.to_value().to_text()).unwrap_or_default();
        let found = named(&selector, output.name.value.as_str());
        read.extend(found.map(|(place, name)| Read { place, name, value: None }));
    }
    read
}

/// The output that a selector reads: by its key, or by its place and then named as the task names it.
fn named(selector: &str, otherwise: &str) -> Option<(usize, String)> {
    let first = |regex: &Option<Regex>| {
        let found = regex.as_ref()?.captures(selector).ok()??;
        Some(found.get(1)?.as_str().to_owned())
    };
    let by_place = || Some((first(&BY_INDEX)?.parse().ok()?, otherwise.to_owned()));
    first(&BY_KEY).map(|name| (0, name)).or_else(by_place).filter(|(_, name)| !name.is_empty())
}

fn value_of(world: &World, name: &str) -> Value {
    let key = name.to_lowercase();
    let key = if key.ends_with("serverid") { "instanceid" } else { &key };
    let one = |ids: Vec<String>| ids.into_iter().last();
    Value::from(world.ids("", key).and_then(one).unwrap_or_else(|| "text".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_name_outputs_by_key_or_by_place() {
        assert_eq!(
            named(r#".Outputs[] | select(.OutputKey == "Log") | .OutputValue"#, "x"),
            Some((0, "Log".to_owned()))
        );
        assert_eq!(named("Outputs[1].OutputValue", "vSwitchId"), Some((1, "vSwitchId".to_owned())));
        assert_eq!(named("Status", "status"), None);
    }
}
