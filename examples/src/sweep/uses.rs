//! What a template uses its parameters for: the best hint at what kind of value each wants.
//!
//! A parameter that goes into `DBInstanceId` of an RDS call wants the id of an RDS instance, whatever its name is. Calls
//! are found through the templates of product actions and through the items of loops. Nothing is evaluated: text that a
//! function builds counts for the place where the function stands.

use std::{collections::BTreeMap, sync::LazyLock};

use fancy_regex::Regex;
use oos_core::{Template, Value, template::Task};

/// One place that a parameter goes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Use {
    /// Product and API in lower case, `rds/stopdbinstance`, or the type of resource that targets are selected of; empty
    /// when nothing says.
    pub(crate) service: String,
    /// Name of the API's parameter or the action's property, in lower case; members behind dots.
    pub(crate) key: String,
    /// The member of the parameter, or of its items, that goes there.
    pub(crate) member: Option<String>,
    /// True when each item of the parameter goes there.
    pub(crate) item: bool,
}

/// Uses by the name of the parameter in lower case.
pub(crate) type Uses = BTreeMap<String, Vec<Use>>;

/// Gives the template of a product action.
pub(crate) type Lookup<'a> = &'a dyn Fn(&str) -> Option<Template>;

/// How deep templates call templates, for the search.
const MAX_DEPTH: usize = 4;

/// A name between braces.
static REFERENCE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\{\{\s*([A-Za-z_][A-Za-z0-9_-]*|ACS::TaskLoopItem)\s*\}\}").ok());

/// Members that a program of jq takes: what follows a dot, or a plain word alone.
static MEMBERS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(?:^\s*|\.)([A-Za-z_]\w*)").ok());

/// Where all parameters of a template go.
pub(crate) fn of(template: &Template, lookup: Lookup<'_>) -> Uses {
    within(template, lookup, 0)
}

fn within(template: &Template, lookup: Lookup<'_>, depth: usize) -> Uses {
    let mut uses = Uses::new();
    for task in &template.tasks {
        for (name, found) in of_task(task, lookup, depth) {
            let known = uses.entry(name).or_default();
            if !known.contains(&found) {
                known.push(found);
            }
        }
    }
    uses
}

fn of_task(task: &Task, lookup: Lookup<'_>, depth: usize) -> Vec<(String, Use)> {
    let Some(properties) = task.properties.as_ref().map(oos_core::source::Node::to_value) else { return Vec::new() };
    let items = task.looping.as_ref().and_then(|l| l.items.as_ref()).map(oos_core::source::Node::to_value);
    let item = items.as_ref().and_then(|v| v.as_str()).and_then(|text| references(text).into_iter().next());
    let finder = Finder { item };
    let action = task.action.value.as_str();
    let text = |name: &str| properties.get(name).map(|v| v.to_text().to_lowercase()).unwrap_or_default();
    let mut uses = match action.to_ascii_lowercase().as_str() {
        "acs::executeapi" | "acs::waitfor" | "acs::checkfor" => {
            finder.of_call(&format!("{}/{}", text("Service"), text("API")), &properties)
        }
        "acs::selecttargets" => finder.all(&text("ResourceType"), "targets", &properties),
        _ => {
            let inner = lookup(action).filter(|_| depth < MAX_DEPTH).map(|t| within(&t, lookup, depth + 1));
            finder.of_action(action, &properties, inner.as_ref())
        }
    };
    // What a function makes the items of.
    if let Some(made @ Value::Map(_)) = &items {
        uses.extend(finder.all("", "items", made));
    }
    uses
}

/// Names in the braces of a text, in lower case.
fn references(text: &str) -> Vec<String> {
    let Some(regex) = REFERENCE.as_ref() else { return Vec::new() };
    let names = regex.captures_iter(text).filter_map(|found| Some(found.ok()?.get(1)?.as_str().to_lowercase()));
    names.collect()
}

/// A reference in a value: the name, the member that is taken, the keys on the way.
struct Found {
    name: String,
    item: bool,
    member: Option<String>,
    path: String,
}

struct Finder {
    /// The parameter whose items the task is run for.
    item: Option<String>,
}

impl Finder {
    /// A call: the first keys below `Parameters`, the body, and what stands behind a word of the path.
    fn of_call(&self, service: &str, properties: &Value) -> Vec<(String, Use)> {
        let mut uses = self.all(service, "", properties.at(&["Parameters"]));
        uses.extend(self.all(service, "", properties.at(&["Body"])));
        uses.extend(self.all(service, "bucketname", properties.at(&["BucketName"])));
        let uri = properties.at(&["URI"]).to_text();
        let words: Vec<&str> = uri.split(['/', '?', '&']).collect();
        for pair in words.windows(2) {
            let [before, value] = pair else { continue };
            let key = format!("{}id", before.trim_end_matches('s').to_lowercase());
            uses.extend(self.all(service, &key, &Value::from(*value)));
        }
        uses
    }

    /// An action: what its own template does with the property, else the property's name.
    fn of_action(&self, action: &str, properties: &Value, inner: Option<&Uses>) -> Vec<(String, Use)> {
        let service = action.split("::").nth(1).unwrap_or_default().to_lowercase();
        let mut uses = Vec::new();
        for (property, value) in properties.as_map().into_iter().flat_map(oos_core::Map::iter) {
            let key = property.to_lowercase();
            let deeper = inner.and_then(|uses| uses.get(&key)).filter(|found| !found.is_empty());
            let Some(deeper) = deeper else {
                uses.extend(self.all(&service, &key, value));
                continue;
            };
            for found in self.found(value) {
                uses.extend(deeper.iter().map(|u| {
                    let member = found.member.clone().or_else(|| u.member.clone());
                    let item = found.item || u.item;
                    (found.name.clone(), Use { service: u.service.clone(), key: u.key.clone(), member, item })
                }));
            }
        }
        uses
    }

    fn all(&self, service: &str, key: &str, value: &Value) -> Vec<(String, Use)> {
        let to_use = |found: Found| {
            let key = [key, &found.path].into_iter().filter(|t| !t.is_empty()).collect::<Vec<_>>().join(".");
            (found.name, Use { service: service.to_owned(), key, member: found.member, item: found.item })
        };
        self.found(value).into_iter().map(to_use).collect()
    }

    fn found(&self, value: &Value) -> Vec<Found> {
        let mut out = Vec::new();
        self.visit(value, "", None, &mut out);
        out
    }

    fn visit(&self, value: &Value, path: &str, member: Option<&str>, out: &mut Vec<Found>) {
        match value {
            Value::String(text) => out.extend(references(text).into_iter().filter_map(|name| {
                let of_loop = name == "acs::taskloopitem";
                let name = if of_loop { self.item.clone()? } else { name };
                Some(Found { name, item: of_loop, member: member.map(str::to_owned), path: path.to_owned() })
            })),
            Value::List(list) => list.iter().for_each(|v| self.visit(v, path, member, out)),
            Value::Map(map) => {
                for (key, value) in map.iter() {
                    match taken(key, value) {
                        Some((taken, items, of)) => {
                            let from = out.len();
                            taken.iter().for_each(|member| self.visit(of, path, Some(member), out));
                            out.iter_mut().skip(from).for_each(|found| found.item |= items);
                        }
                        None if key.starts_with("Fn::") => self.visit(value, path, member, out),
                        None => {
                            let dot = if path.is_empty() { "" } else { "." };
                            self.visit(value, &format!("{path}{dot}{}", key.to_lowercase()), member, out);
                        }
                    }
                }
            }
            _ => {}
        }
    }
}

/// The members that `Fn::Select: [member, of]` or `Fn::Jq: [First, .member, of]` take, and whether of each item.
fn taken<'v>(function: &str, arguments: &'v Value) -> Option<(Vec<String>, bool, &'v Value)> {
    match (function, arguments.as_list()?) {
        ("Fn::Select", [member, of]) => {
            member.as_str().filter(|m| m.parse::<i64>().is_err()).map(|m| (vec![m.to_owned()], false, of))
        }
        ("Fn::Jq", [_, path, of]) => {
            let program = path.as_str()?;
            // What stands in quotes is text, and what is built of it is no member.
            let code: String = program.split('"').step_by(2).collect::<Vec<_>>().join("\"\"");
            let found = MEMBERS.as_ref()?.captures_iter(&code);
            let names: Vec<String> = found.filter_map(|m| Some(m.ok()?.get(1)?.as_str().to_owned())).collect();
            let each = code.contains("[]") || code.contains("map(");
            (!names.is_empty()).then_some((names, each, of))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACTION: &str = "
FormatVersion: OOS-2019-06-01
Parameters: {machine: {Type: String}}
Tasks:
  - {Name: stop, Action: 'ACS::ExecuteAPI', Properties: {Service: RDS, API: StopDBInstance, Parameters: {DBInstanceId: '{{ machine }}'}}}
";
    const TEMPLATE: &str = r#"
FormatVersion: OOS-2019-06-01
Parameters: {all: {Type: List}, timer: {Type: Json}, things: {Type: Json}, cluster: {Type: String}}
Tasks:
  - {Name: timer, Action: 'ACS::TimerTrigger', Properties: {Type: {'Fn::Select': [kind, '{{ timer }}']}}}
  - {Name: stop, Action: 'ACS::RDS::Stop', Properties: {machine: '{{ ACS::TaskLoopItem }}'}, Loop: {Items: '{{ all }}'}}
  - {Name: tag, Action: 'ACS::ExecuteAPI', Properties: {Service: Tag, API: Y, Parameters: {ResourceARN: {'Fn::Jq': [All, '.[] | .RegionId as $r | "arn:" + $r + ".x" + .Id', '{{ things }}']}}}}
  - {Name: nodes, Action: 'ACS::ExecuteAPI', Properties: {Service: CS, API: X, Method: GET, URI: '/clusters/{{ cluster }}/nodes'}}
"#;

    #[test]
    fn parameters_are_followed_through_actions_loops_functions_and_paths() {
        let lookup = |name: &str| (name == "ACS::RDS::Stop").then(|| Template::parse(ACTION).unwrap());
        let uses = of(&Template::parse(TEMPLATE).unwrap(), &lookup);
        let place = |service: &str, key: &str, member: Option<&str>, item| {
            vec![Use { service: service.into(), key: key.into(), member: member.map(str::to_owned), item }]
        };
        assert_eq!(uses["all"], place("rds/stopdbinstance", "dbinstanceid", None, true));
        assert_eq!(uses["timer"], place("timertrigger", "type", Some("kind"), false));
        let of_program = |member: &str| place("tag/y", "resourcearn", Some(member), true);
        assert_eq!(uses["things"], [of_program("RegionId"), of_program("Id")].concat());
        assert_eq!(uses["cluster"], place("cs/x", "clusterid", None, false));
    }
}
