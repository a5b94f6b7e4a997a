//! Templates of stacks: parameters, conditions, functions, the order of resources, outputs.

use std::collections::{BTreeMap, BTreeSet};

use oos_core::{Map, Value, params};

/// A template with the values of its parameters and, as they come to be, the attributes of its resources.
#[derive(Clone, Debug)]
pub(super) struct Template {
    body: Value,
    /// Values of parameters and pseudo parameters.
    values: BTreeMap<String, Value>,
    /// Attributes by resource; `Ref` is the one with the empty name.
    attributes: BTreeMap<String, Map>,
}

/// Reads a template: a structure, or YAML or JSON text.
pub(super) fn read(body: &Value) -> Result<Value, String> {
    match body {
        Value::String(text) => {
            let json: serde_json::Value =
                serde_yaml::from_str(text).map_err(|e| format!("the template cannot be read: {e}"))?;
            Ok(Value::from(json))
        }
        other => Ok(other.clone()),
    }
}

fn members<'a>(body: &'a Value, name: &str) -> impl Iterator<Item = (&'a str, &'a Value)> {
    body.at(&[name]).as_map().into_iter().flat_map(Map::iter).map(|(k, v)| (&**k, v))
}

impl Template {
    pub(super) fn parse(body: &Value, given: &[Map], name: &str, id: &str) -> Result<Self, String> {
        let mut values = BTreeMap::new();
        values.insert("ALIYUN::StackName".to_owned(), Value::from(name));
        values.insert("ALIYUN::StackId".to_owned(), Value::from(id));
        for (parameter, of) in members(body, "Parameters") {
            let found = given.iter().find(|m| m.get("ParameterKey").and_then(Value::as_str) == Some(parameter));
            let value = match found.and_then(|m| m.get("ParameterValue")).or_else(|| of.get("Default")) {
                Some(value) => typed(of.at(&["Type"]).as_str().unwrap_or("String"), value),
                None => return Err(format!("the parameter {parameter} has no value")),
            };
            values.insert(parameter.to_owned(), value);
        }
        let out = Self { body: body.clone(), values, attributes: BTreeMap::new() };
        out.order()?;
        Ok(out)
    }

    pub(super) fn description(&self) -> Value {
        self.body.at(&["Description"]).clone()
    }

    /// Names of the resources to make, those that others depend on first, else in the order of the template.
    pub(super) fn order(&self) -> Result<Vec<String>, String> {
        let all: Vec<(&str, &Value)> = members(&self.body, "Resources").filter(|(_, of)| self.wanted(of)).collect();
        let names: BTreeSet<&str> = all.iter().map(|(name, _)| *name).collect();
        let mut done: Vec<String> = Vec::new();
        while done.len() < all.len() {
            let free = all.iter().find(|(name, of)| {
                let needs = dependencies(of);
                !done.iter().any(|d| d == name)
                    && needs.iter().all(|n| !names.contains(n.as_str()) || n == name || done.contains(n))
            });
            match free {
                Some((name, _)) => done.push((*name).to_owned()),
                None => return Err("the resources depend on each other in a circle".to_owned()),
            }
        }
        Ok(done)
    }

    fn wanted(&self, of: &Value) -> bool {
        of.get("Condition").and_then(Value::as_str).is_none_or(|name| self.condition(name))
    }

    fn condition(&self, name: &str) -> bool {
        truth(&self.eval(self.body.at(&["Conditions", name])))
    }

    /// Type and evaluated properties of a resource.
    pub(super) fn resource(&self, name: &str) -> (String, Map) {
        let of = self.body.at(&["Resources", name]);
        let properties = self.eval(of.at(&["Properties"]));
        (of.at(&["Type"]).to_text().to_string(), properties.as_map().cloned().unwrap_or_default())
    }

    /// Notes what a resource has become.
    pub(super) fn set(&mut self, name: &str, id: &Value, mut attributes: Map) {
        attributes.insert("", id.clone());
        self.attributes.insert(name.to_owned(), attributes);
    }

    /// The outputs in the order in which they are declared.
    pub(super) fn outputs(&self) -> Value {
        members(&self.body, "Outputs")
            .filter(|(_, of)| self.wanted(of))
            .map(|(name, of)| {
                params! {
                    "OutputKey" => name, "OutputValue" => self.eval(of.at(&["Value"])), "Description" => of.at(&["Description"]).to_text(),
                }
            })
            .collect()
    }

    fn reference(&self, name: &str) -> Value {
        let resource = || self.attributes.get(name).and_then(|a| a.get("")).cloned();
        self.values.get(name).cloned().or_else(resource).unwrap_or_default()
    }

    fn attribute(&self, resource: &str, name: &str) -> Value {
        self.attributes.get(resource).and_then(|a| a.get(name)).cloned().unwrap_or_default()
    }

    /// The value with all functions carried out.
    pub(super) fn eval(&self, value: &Value) -> Value {
        match value {
            Value::List(list) => list.iter().map(|v| self.eval(v)).collect(),
            Value::Map(map) => match map.iter().next() {
                Some((name, argument)) if map.len() == 1 && (name.starts_with("Fn::") || &**name == "Ref") => {
                    self.call(name, argument)
                }
                _ => Value::from(map.iter().map(|(k, v)| (k.clone(), self.eval(v))).collect::<Map>()),
            },
            other => other.clone(),
        }
    }

    fn call(&self, name: &str, argument: &Value) -> Value {
        let arguments =
            || -> Vec<Value> { argument.as_list().unwrap_or_default().iter().map(|v| self.eval(v)).collect() };
        let nth = |n: usize| arguments().get(n).cloned().unwrap_or_default();
        match name {
            "Ref" => self.reference(&argument.to_text()),
            "Fn::GetAtt" => self.attribute(&nth(0).to_text(), &nth(1).to_text()),
            "Fn::Join" => {
                let items: Vec<_> = nth(1).as_list().unwrap_or_default().iter().map(Value::to_text).collect();
                Value::from(items.join(&nth(0).to_text()))
            }
            "Fn::Sub" => self.substitute(argument),
            "Fn::If" => {
                let list = argument.as_list().unwrap_or_default();
                let holds = list.first().is_some_and(|c| self.condition(&c.to_text()));
                list.get(if holds { 1 } else { 2 }).map(|v| self.eval(v)).unwrap_or_default()
            }
            "Fn::Equals" => Value::from(nth(0).to_text() == nth(1).to_text()),
            "Fn::Not" => Value::from(!self.holds(&nth(0))),
            "Fn::And" => Value::from(arguments().iter().all(|a| self.holds(a))),
            "Fn::Or" => Value::from(arguments().iter().any(|a| self.holds(a))),
            "Fn::Select" => {
                let at = nth(0).to_text().parse::<usize>().unwrap_or(0);
                nth(1).as_list().and_then(|l| l.get(at)).cloned().unwrap_or_default()
            }
            "Fn::Replace" => {
                let pairs = nth(0).as_map().cloned().unwrap_or_default();
                let text = nth(1).to_text().to_string();
                Value::from(pairs.iter().fold(text, |t, (from, to)| t.replace(&**from, &to.to_text())))
            }
            "Fn::Split" => nth(1).to_text().split(&*nth(0).to_text()).map(Value::from).collect(),
            "Fn::Base64Encode" | "Fn::Base64" => {
                use base64::{Engine, engine::general_purpose::STANDARD};
                Value::from(STANDARD.encode(&*self.eval(argument).to_text()))
            }
            // CHOICE: a function that is not known gives its argument.
            _ => self.eval(argument),
        }
    }

    /// The truth of an argument of a condition: a value, or the name of a condition.
    fn holds(&self, value: &Value) -> bool {
        match value.as_str() {
            Some(name) if self.body.at(&["Conditions"]).get(name).is_some() => self.condition(name),
            _ => truth(value),
        }
    }

    /// `${Name}`, `${Resource.Attribute}` and `${!literal}`, with names of a map before all others.
    fn substitute(&self, argument: &Value) -> Value {
        let list = argument.as_list();
        let text = list.and_then(<[Value]>::first).unwrap_or(argument).to_text();
        let own = self.eval(list.and_then(|l| l.get(1)).unwrap_or(&Value::Null));
        let (mut out, mut rest) = (String::new(), &*text);
        while let Some((head, tail)) = rest.split_once("${") {
            out.push_str(head);
            let Some((name, after)) = tail.split_once('}') else {
                out.push_str("${");
                rest = tail;
                continue;
            };
            let dotted = || name.split_once('.').map(|(r, a)| self.attribute(r, a)).filter(|v| !v.is_null());
            match (name.strip_prefix('!'), own.get(name)) {
                (Some(literal), _) => out.push_str(&format!("${{{literal}}}")),
                (None, Some(value)) => out.push_str(&value.to_text()),
                (None, None) => out.push_str(&dotted().unwrap_or_else(|| self.reference(name)).to_text()),
            }
            rest = after;
        }
        Value::from(out + rest)
    }
}

fn truth(value: &Value) -> bool {
    value.as_bool().unwrap_or_else(|| value.to_text().eq_ignore_ascii_case("true"))
}

fn typed(kind: &str, value: &Value) -> Value {
    let text = value.to_text();
    match kind {
        "Number" => Value::from_json_str(&text).ok().filter(|v| v.as_f64().is_some()).unwrap_or_else(|| value.clone()),
        "Boolean" => Value::from(text.eq_ignore_ascii_case("true")),
        "Json" => value.parsed_if_json_text(),
        "CommaDelimitedList" if value.as_str().is_some() => text.split(',').map(|t| Value::from(t.trim())).collect(),
        _ => value.clone(),
    }
}

/// Names of what a resource needs: DependsOn and all references.
fn dependencies(of: &Value) -> Vec<String> {
    let mut out: Vec<String> =
        crate::cloud::params::texts(of.at(&["DependsOn"])).iter().map(ToString::to_string).collect();
    references(of.at(&["Properties"]), &mut out);
    out
}

fn references(value: &Value, out: &mut Vec<String>) {
    match value {
        Value::List(list) => list.iter().for_each(|v| references(v, out)),
        Value::Map(map) => {
            for (key, v) in map.iter() {
                match &**key {
                    "Ref" => out.push(v.to_text().to_string()),
                    "Fn::GetAtt" => out.extend(v.as_list().and_then(<[Value]>::first).map(|r| r.to_text().to_string())),
                    "Fn::Sub" => {
                        let text = v.as_list().and_then(<[Value]>::first).unwrap_or(v).to_text();
                        let names = text.split("${").skip(1).filter_map(|t| t.split('}').next());
                        out.extend(names.map(|n| n.split('.').next().unwrap_or(n).to_owned()));
                    }
                    _ => {}
                }
                references(v, out);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn template(body: serde_json::Value, given: serde_json::Value) -> Template {
        let given: Vec<Map> = given
            .as_object()
            .unwrap()
            .iter()
            .map(|(k, v)| {
                params! { "ParameterKey" => k.as_str(), "ParameterValue" => v.clone() }.as_map().cloned().unwrap()
            })
            .collect();
        Template::parse(&Value::from(body), &given, "S", "id").unwrap()
    }

    #[test]
    fn functions_are_carried_out() {
        let mut t = template(
            json!({
                "Parameters": {"A": {"Type": "String", "Default": "x"}, "N": {"Type": "Number"}, "L": {"Type": "CommaDelimitedList"}},
                "Conditions": {"IsX": {"Fn::Equals": [{"Ref": "A"}, "x"]}},
            }),
            json!({"N": "3", "L": "a, b"}),
        );
        t.set("R", &Value::from("r-1"), [("Arn", "arn")].into_iter().collect());
        let eval = |v: serde_json::Value| t.eval(&Value::from(v)).to_json();
        assert_eq!(eval(json!({"Ref": "ALIYUN::StackName"})), json!("S"));
        assert_eq!(eval(json!([{"Ref": "N"}, {"Ref": "R"}, {"Fn::GetAtt": ["R", "Arn"]}])), json!([3, "r-1", "arn"]));
        assert_eq!(eval(json!({"Fn::Join": ["-", {"Ref": "L"}]})), json!("a-b"));
        assert_eq!(eval(json!({"Fn::If": ["IsX", "yes", "no"]})), json!("yes"));
        assert_eq!(eval(json!({"Fn::Sub": "${A}/${R.Arn}/${!A}"})), json!("x/arn/${A}"));
        assert_eq!(eval(json!({"Fn::Sub": ["${B}-${A}", {"B": {"Ref": "N"}}]})), json!("3-x"));
        assert_eq!(eval(json!({"Fn::Replace": [{"f": {"Ref": "A"}}, "f-f"]})), json!("x-x"));
        assert_eq!(eval(json!({"Fn::Select": [1, {"Ref": "L"}]})), json!("b"));
    }

    #[test]
    fn resources_are_ordered_by_what_they_need() {
        let t = template(
            json!({"Resources": {
                "C": {"Properties": {"X": {"Fn::GetAtt": ["B", "Id"]}}}, "B": {"DependsOn": "A"}, "A": {}, "Z": {"Condition": "No"},
            }, "Conditions": {"No": {"Fn::Equals": ["a", "b"]}}}),
            json!({}),
        );
        assert_eq!(t.order().unwrap(), ["A", "B", "C"]);
    }

    #[test]
    fn circles_and_missing_parameters_are_errors() {
        let parse = |body: serde_json::Value| Template::parse(&Value::from(body), &[], "S", "id").unwrap_err();
        assert!(parse(json!({"Resources": {"A": {"DependsOn": "B"}, "B": {"DependsOn": ["A"]}}})).contains("circle"));
        assert!(parse(json!({"Parameters": {"P": {"Type": "String"}}})).contains('P'));
        assert!(read(&Value::from("a: [")).is_err());
    }
}
