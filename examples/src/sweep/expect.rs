//! Answers for operations of which the fake has no model: what the template says that it expects.
//!
//! A wait names the member that it looks at and the values that end it; an output names the member that it takes. So an
//! answer that has these members, over the shape that the catalogue knows, brings the template to its end. Values that
//! exclude each other, of several waits for one member, come in turn. Such answers count as shaped: nothing is behind
//! them.

use std::{collections::BTreeMap, sync::LazyLock};

use fancy_regex::Regex;
use oos_core::{Map, Template, Value, source::Node, template::Task};
use oos_testkit::{fault::Reply, prelude::*};

use super::{words, world::World};

/// A path of members, `[]` and `[n]` behind any; what jq does with the value follows a bar.
static PATH: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^\s*\.?([A-Za-z_]\w*(?:\[\d*\])*(?:\.[A-Za-z_]\w*(?:\[\d*\])*)*)\s*(?:\||$)").ok());

/// Where no model stands: service and API.
type Operation = (String, String);

/// Stubs every operation without a model that the templates call.
pub(crate) fn stub(world: &World, templates: &[Template]) {
    let mut answers: BTreeMap<Operation, Vec<(String, Value)>> = BTreeMap::new();
    for task in templates.iter().flat_map(|t| &t.tasks) {
        if let Some((operation, members)) = of_task(world, task) {
            answers.entry(operation).or_default().extend(members);
        }
    }
    for ((service, api), members) in answers {
        let variants = variants(&members);
        world.cloud.stub(&service, &api).respond(move |_, memory| {
            let n = memory.get("n").and_then(Value::as_i64).unwrap_or(0);
            memory.insert("n", n + 1);
            let turn = usize::try_from(n).unwrap_or(0) % variants.len().max(1);
            Reply::Merge(variants.get(turn).cloned().unwrap_or_else(Value::empty_map))
        });
    }
}

fn of_task(world: &World, task: &Task) -> Option<(Operation, Vec<(String, Value)>)> {
    let properties = task.properties.as_ref().map(Node::to_value)?;
    let text = |name: &str| properties.at(&[name]).to_text().to_string();
    let (service, api) = (text("Service"), text("API"));
    let known = service.is_empty() || api.is_empty() || service.contains("{{") || api.contains("{{");
    // What has a path goes by its path, whatever it is called.
    if known || !text("URI").is_empty() || FakeCloud::models(&service, &api) {
        return None;
    }
    let mut members = Vec::new();
    let desired = properties.at(&["DesiredValues"]).as_list().and_then(<[Value]>::first).cloned();
    if let (Some(path), Some(value)) = (path_of(&text("PropertySelector")), desired) {
        members.push((path, value));
    }
    for output in &task.outputs {
        let selector = output.selector.as_ref().map(|n| n.to_value().to_text()).unwrap_or_default();
        let kind = output.value_type.as_ref().map_or("String", |t| t.value.as_str());
        members.extend(path_of(&selector).map(|path| (path.clone(), value_of(world, &service, &path, kind))));
    }
    Some(((service, api), members))
}

fn path_of(selector: &str) -> Option<String> {
    Some(PATH.as_ref()?.captures(selector).ok()??.get(1)?.as_str().to_owned())
}

fn value_of(world: &World, service: &str, path: &str, kind: &str) -> Value {
    let key = path.rsplit('.').next().unwrap_or(path).replace("[]", "").to_lowercase();
    match kind {
        "Number" => Value::from(words::number(&key)),
        "Boolean" => Value::from(true),
        "Json" => Value::empty_map(),
        "List" | "Array" if !path.contains("[]") => Value::empty_list(),
        _ => match world.ids(&service.to_lowercase(), &key).and_then(|ids| ids.into_iter().next()) {
            Some(id) => Value::from(id),
            None => words::member(&[(String::new(), key)]),
        },
    }
}

/// Answers that among them have every value of every member: as many as the member with the most values needs.
fn variants(members: &[(String, Value)]) -> Vec<Value> {
    let mut by_path: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for (path, value) in members {
        let values = by_path.entry(path).or_default();
        if !values.contains(&value) {
            values.push(value);
        }
    }
    let most = by_path.values().map(Vec::len).max().unwrap_or(0).max(1);
    let answer = |n: usize| {
        by_path.iter().fold(Value::empty_map(), |answer, (path, values)| {
            let value = values.get(n % values.len().max(1)).map(|v| (*v).clone()).unwrap_or_default();
            with(answer, path, value)
        })
    };
    (0..most).map(answer).collect()
}

/// The answer with a value at a path.
fn with(answer: Value, path: &str, value: Value) -> Value {
    let (word, rest) = path.split_once('.').unwrap_or((path, ""));
    let (name, list) = word.split_once('[').map_or((word, false), |(name, _)| (name, true));
    let mut out = answer.as_map().cloned().unwrap_or_else(Map::new);
    let old = out.get(name).cloned().unwrap_or_default();
    let old = if list { old.as_list().and_then(<[Value]>::first).cloned().unwrap_or_default() } else { old };
    let inner = if rest.is_empty() { value } else { with(old, rest, value) };
    out.insert(name, if list { Value::from(vec![inner]) } else { inner });
    Value::from(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_have_what_selectors_look_for() {
        let members = [
            ("Data.Items[].Status", Value::from("Off")),
            ("Data.Items[].Status", Value::from("On")),
            ("Data.Items[].Id", Value::from("x-1")),
            ("Total", Value::from(1)),
        ];
        let members: Vec<(String, Value)> = members.into_iter().map(|(p, v)| (p.to_owned(), v)).collect();
        let item = |status: &str| json!({"Data": {"Items": [{"Status": status, "Id": "x-1"}]}, "Total": 1});
        let found: Vec<_> = variants(&members).iter().map(Value::to_json).collect();
        assert_eq!(found, [item("Off"), item("On")]);
    }

    #[test]
    fn only_plain_paths_are_followed() {
        assert_eq!(path_of(".A.B[].C | tostring").as_deref(), Some("A.B[].C"));
        assert_eq!(path_of("A[0].B").as_deref(), Some("A[0].B"));
        assert_eq!(path_of("."), None);
        assert_eq!(path_of(".A + .B"), None);
    }
}
