//! Values for parameters that have none by themselves: from their declarations, from what they are used for, and from
//! what is in the fake cloud.

use std::collections::BTreeMap;

use fancy_regex::Regex;
use oos_core::{Template, Value, source::Node, template::Parameter};
use serde_json::json;

use super::{
    pattern,
    uses::{Use, Uses},
    words,
    world::{World, product},
};

/// Which of several values that all fit is taken.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Choice {
    /// The n-th of the allowed values, the last when there are not so many.
    pub(crate) allowed: usize,
    /// Parameters whose default is empty get a value as well.
    pub(crate) fill: bool,
}

/// Makes values for one template.
#[derive(Debug)]
pub(crate) struct Maker<'a> {
    world: &'a World,
    uses: &'a Uses,
    choice: Choice,
    /// Products that the template works on, the most used first.
    services: Vec<String>,
}

impl<'a> Maker<'a> {
    /// For a template, by its uses.
    pub(crate) fn new(world: &'a World, uses: &'a Uses, choice: Choice) -> Self {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for found in uses.values().flatten().filter(|u| !u.service.is_empty()) {
            *counts.entry(product(&found.service)).or_default() += 1;
        }
        let mut services: Vec<(String, usize)> = counts.into_iter().collect();
        services.sort_by_key(|(name, n)| (std::cmp::Reverse(*n), name.clone()));
        Self { world, uses, choice, services: services.into_iter().map(|(name, _)| name).collect() }
    }

    /// All values that the template is to be started with.
    pub(crate) fn values(&self, name: &str, template: &Template) -> Value {
        let mut values = oos_core::Map::new();
        let mut of_hook = oos_core::Map::new();
        for parameter in &template.parameters {
            let key = parameter.name.value.as_str();
            match parameter.default.as_ref().map(Node::to_value) {
                Some(default) if is_of_hook(&default) => drop(of_hook.insert(key, default)),
                Some(default) if !self.replaces(&default) => {}
                Some(_) => drop(self.known(parameter).map(|value| values.insert(key, value))),
                None => drop(values.insert(key, self.value(parameter))),
            }
        }
        if !of_hook.is_empty() {
            let filled = self.world.handed_by_hook(name, &Value::from(of_hook.clone()));
            for key in of_hook.keys() {
                values.insert(key.clone(), filled.get(key).cloned().unwrap_or_default());
            }
        }
        Value::from(values)
    }

    fn replaces(&self, default: &Value) -> bool {
        let empty = match default {
            Value::List(list) => list.is_empty(),
            Value::Map(map) => map.is_empty(),
            other => other.to_text().is_empty() || other.as_i64() == Some(0),
        };
        self.choice.fill && empty
    }

    /// What instead of an empty default may stand: only what is surely meant.
    fn known(&self, parameter: &Parameter) -> Option<Value> {
        let meant = self.meant(parameter);
        if meant.iter().any(|(_, key)| key.ends_with("role")) {
            return None;
        }
        if kind_of(parameter) == "string" && meant.iter().any(|(_, key)| key.ends_with("commandcontent")) {
            return Some(Value::from(words::COMMAND));
        }
        if kind_of(parameter) == "number" {
            return Some(number(parameter));
        }
        self.thing(parameter).map(|ids| shaped(&kind_of(parameter), &ids))
    }

    fn value(&self, parameter: &Parameter) -> Value {
        let kind = kind_of(parameter);
        if let Some(allowed) = list_of(parameter.allowed_values.as_ref()) {
            let one = allowed.get(self.choice.allowed).or(allowed.last()).cloned().unwrap_or_default();
            return if kind == "list" { Value::from(vec![one]) } else { one };
        }
        let association = association(parameter);
        if association == "Targets" {
            let targets = self.world.targets(&self.target_type(parameter));
            return if kind == "json" { targets } else { Value::from(targets.to_string()) };
        }
        if let Some(value) = structured(&association).filter(|_| kind == "json" || kind == "list") {
            return value;
        }
        match kind.as_str() {
            "number" => number(parameter),
            "boolean" => Value::from(self.choice.allowed == 0),
            "json" => self.json(parameter),
            "list" => self.list(parameter),
            _ => Value::from(self.text(parameter)),
        }
    }

    /// The type of resource that targets are of: from the metadata, from what selects by it.
    fn target_type(&self, parameter: &Parameter) -> String {
        let told =
            parameter.console("AssociationPropertyMetadata").and_then(|m| Some(m.get("ResourceType")?.to_value()));
        let told = told.map(|v| v.to_text().to_string()).filter(|t| t.contains("::"));
        let used = || self.of(parameter).iter().map(|u| u.service.clone()).find(|s| s.contains("::"));
        told.or_else(used).unwrap_or_else(|| "ALIYUN::ECS::Instance".to_owned())
    }

    fn of(&self, parameter: &Parameter) -> &[Use] {
        self.uses.get(&parameter.name.value.as_str().to_lowercase()).map_or(&[], Vec::as_slice)
    }

    /// A map with the members that are taken out of it.
    fn json(&self, parameter: &Parameter) -> Value {
        let uses = self.of(parameter);
        let members = self.members(uses, false);
        if !members.is_empty() {
            return Value::from(members);
        }
        if uses.iter().any(|u| u.item) {
            return self.list(parameter);
        }
        let meant = self.meant(parameter);
        words::structure(&meant).unwrap_or_else(Value::empty_map)
    }

    fn list(&self, parameter: &Parameter) -> Value {
        let members = self.members(self.of(parameter), true);
        if !members.is_empty() {
            return Value::from(vec![Value::from(members)]);
        }
        match self.thing(parameter) {
            Some(ids) => Value::from(ids),
            None => {
                let copies = words::copies(&parameter.name.value.as_str().to_lowercase());
                Value::from(vec![Value::from(self.text(parameter)); copies])
            }
        }
    }

    /// The members that uses take, each with a value for what it is used for.
    fn members(&self, uses: &[Use], item: bool) -> oos_core::Map {
        let mut members = oos_core::Map::new();
        for used in uses.iter().filter(|u| u.item == item) {
            let Some(member) = used.member.clone().filter(|m| !members.contains_key(m)) else { continue };
            // The member's own name says as much as the place that it goes to, and more where several go to one.
            let mut meant = [(used.service.clone(), used.key.clone()), (used.service.clone(), member.to_lowercase())];
            if uses.iter().filter(|u| u.key == used.key && u.service == used.service).count() > 1 {
                meant.reverse();
            }
            let found = meant.iter().find_map(|(service, key)| self.world.ids(service, key));
            let value = match found.and_then(|ids| ids.into_iter().next()) {
                Some(id) => Value::from(id),
                None => words::member(&meant),
            };
            let value = if words::is_list(&member) { Value::from(vec![value]) } else { value };
            members.insert(member, value);
        }
        members
    }

    /// Products and keys that tell what the parameter means, the surest first.
    fn meant(&self, parameter: &Parameter) -> Vec<(String, String)> {
        let mut meant = Vec::new();
        let association = association(parameter).to_lowercase();
        let words: Vec<&str> = association.split("::").collect();
        if let [_, service, .., key] = words.as_slice() {
            meant.push(((*service).to_owned(), (*key).to_owned()));
        }
        let name = parameter.name.value.as_str().to_lowercase();
        let uses = self.of(parameter);
        // Members of a scaling group are instances as well, but not the other way round: ECS comes last.
        let (of_ecs, others): (Vec<&Use>, Vec<&Use>) = uses.iter().partition(|u| product(&u.service) == "ecs");
        let mut whole: Vec<&Use> = others.into_iter().chain(of_ecs).filter(|u| u.member.is_none()).collect();
        // `InstanceId` may be of anything that is bound, attached or tagged; a name of its own says more.
        let anything = |u: &Use| ["instanceid", "resourceid"].contains(&u.key.as_str());
        whole.sort_by_key(|u| anything(u) && !super::world::is_of_product(&u.service, &u.key));
        let whole = whole.into_iter();
        meant.extend(whole.map(|u| (u.service.clone(), u.key.clone())));
        meant.extend(uses.iter().map(|u| (u.service.clone(), name.clone())));
        if uses.is_empty() {
            meant.extend(self.services.iter().map(|s| (s.clone(), name.clone())));
        }
        meant.push((String::new(), name));
        meant
    }

    /// Ids of things in the fake that the parameter asks for.
    fn thing(&self, parameter: &Parameter) -> Option<Vec<String>> {
        let (fits, name) = (fitting(parameter), parameter.name.value.as_str().to_lowercase());
        // Only what is called so is a whole ARN; other values are often made into one.
        let arns = name.trim_end_matches('s').ends_with("arn").then(|| self.world.arns());
        let by_use = || self.meant(parameter).into_iter().find_map(|(service, key)| self.world.ids(&service, &key));
        let found = arns.or_else(by_use)?;
        Some(found.into_iter().filter(|id| fits(id)).collect::<Vec<_>>()).filter(|ids| !ids.is_empty())
    }

    fn text(&self, parameter: &Parameter) -> String {
        let fits = fitting(parameter);
        if let Some(id) = self.thing(parameter).and_then(|ids| ids.into_iter().next()) {
            return id;
        }
        let meant = self.meant(parameter);
        let pattern = parameter.allowed_pattern.as_ref().map(|n| n.to_value().to_text());
        let made = pattern.and_then(|p| pattern::example(&p));
        words::texts(&meant).into_iter().chain(made).find(|text| fits(text)).unwrap_or_else(|| "text".to_owned())
    }
}

/// `${name}`, or a list of it: filled in by a life-cycle hook.
fn is_of_hook(default: &Value) -> bool {
    match default {
        Value::List(list) => list.iter().any(is_of_hook),
        other => other.as_str().is_some_and(|t| t.starts_with("${") && t.ends_with('}')),
    }
}

fn kind_of(parameter: &Parameter) -> String {
    parameter.value_type.as_ref().map_or("String", |t| t.value.as_str()).to_ascii_lowercase()
}

fn association(parameter: &Parameter) -> String {
    parameter.console("AssociationProperty").map(|n| n.to_value().to_text().to_string()).unwrap_or_default()
}

fn list_of(node: Option<&Node>) -> Option<Vec<Value>> {
    node.map(Node::to_value)?.as_list().filter(|l| !l.is_empty()).map(<[Value]>::to_vec)
}

fn shaped(kind: &str, ids: &[String]) -> Value {
    match kind {
        "list" | "json" => Value::from(ids.to_vec()),
        _ => Value::from(ids.first().cloned().unwrap_or_default()),
    }
}

/// Says whether a text fits pattern and lengths.
fn fitting(parameter: &Parameter) -> impl Fn(&str) -> bool {
    let pattern = parameter.allowed_pattern.as_ref().map(|n| n.to_value().to_text());
    let pattern = pattern.and_then(|p| Regex::new(&format!("^(?:{p})$")).ok());
    let length = |node: Option<&Node>| node.and_then(|n| usize::try_from(n.to_value().as_i64()?).ok());
    let (least, most) = (length(parameter.min_length.as_ref()), length(parameter.max_length.as_ref()));
    move |text: &str| {
        let n = text.chars().count();
        pattern.as_ref().is_none_or(|p| p.is_match(text).unwrap_or(true))
            && least.is_none_or(|least| n >= least)
            && most.is_none_or(|most| n <= most)
    }
}

/// Values of associations that are no plain text.
fn structured(association: &str) -> Option<Value> {
    let value = match association {
        "Tags" => json!([{"Key": "team", "Value": "web"}]),
        "RateControl" => json!({"Mode": "Concurrency", "Concurrency": 10, "MaxErrors": 0}),
        "ALIYUN::OOS::Component::TimerTrigger" => {
            let (cron, end) = ("0 0 8 ? * *", "2099-12-01T00:00:00Z");
            json!({
                "type": "cron", "expression": cron, "endDate": end, "timeZone": "Asia/Shanghai",
                "Type": "cron", "Expression": cron, "EndDate": end,
            })
        }
        "ALIYUN::OOS::Alarm::AlarmTrigger" => json!({
            "namespace": "acs_ecs_dashboard", "metricName": "cpu_total", "statistics": "Average", "threshold": 90,
            "comparisonOperator": "GreaterThanThreshold", "resources": "[]", "times": 1, "period": 60, "interval": 60,
            "silenceTime": 300, "effectiveInterval": "00:00-23:59",
        }),
        "TemplateParameter" => json!({}),
        _ => return None,
    };
    Some(value.into())
}

/// The least number that is allowed, and at least 1; what the name speaks of may be larger.
fn number(parameter: &Parameter) -> Value {
    let bound = |node: Option<&Node>| node.and_then(|n| n.to_value().as_i64());
    let name = parameter.name.value.as_str().to_lowercase();
    let usual = words::number(&name);
    let least = bound(parameter.min_value.as_ref()).unwrap_or(1).max(1);
    let most = bound(parameter.max_value.as_ref()).unwrap_or(i64::MAX);
    Value::from(usual.max(least).min(most))
}
