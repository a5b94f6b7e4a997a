//! Rules 1 to 5 of aliyun-client 2.1, one parameter after the other.

use std::sync::Arc;

use super::{
    super::{
        alias::{self, Seg, Target as AliasTarget, index},
        operation::{Form, Kind, Operation, Parameter, Place, Style},
        shape::Shape,
        tree::{self, Canonical},
        wire,
    },
    NormaliseOptions, Normalised, UnknownLists,
    target::Target,
};
use crate::{Map, Value, ports::api::ApiRequest};

/// Names that an API does not have but templates use: what they stand for (rule 4).
const OWN_ALIASES: [(&str, &str, &str, &str); 1] = [("ecs", "DescribeInstances", "InstanceId", "InstanceIds")];

/// Old names that are dropped with a warning (fake-cloud 1.3).
const OLD_NAMES: [(&str, &str, &str); 1] = [("actiontrail", "CreateTrail", "RoleName")];

/// Services whose hosts begin with the account id.
const ACCOUNT_HOSTS: [&str; 3] = ["mns", "fc", "eventbridge"];

/// Translates the parameters of `request` for `target`.
pub(super) fn fill(request: &ApiRequest, options: &NormaliseOptions, target: Target) -> Normalised {
    let given = request.parameters.parsed_if_json_text();
    let mut builder = Builder::new(request, options, target);
    match given {
        Value::Map(map) => {
            for (name, value) in map.iter().filter(|(_, v)| options.keep_empty || v.as_str() != Some("")) {
                builder.parameter(name, value);
            }
        }
        Value::Null => {}
        other => builder.warn(format!("parameters of `{}` are a {}, not a map", request.api, other.kind())),
    }
    builder.finish(request)
}

struct Builder<'a> {
    options: &'a NormaliseOptions,
    target: Target,
    out: Normalised,
}

impl<'a> Builder<'a> {
    fn new(request: &ApiRequest, options: &'a NormaliseOptions, target: Target) -> Self {
        let operation = target.operation.clone();
        let mut warnings = Vec::new();
        if operation.is_none() {
            warnings.push(format!("the catalogue has no operation `{}` of `{}`", request.api, target.service));
        }
        let known = operation.as_deref();
        let out = Normalised {
            service: target.service.clone(),
            product: known.map_or_else(|| target.service.clone(), |op| op.product.clone()),
            version: request.version.clone().or_else(|| known.map(|op| op.version.clone()).filter(|v| !v.is_empty())),
            api: known.map_or_else(|| request.api.clone(), |op| op.api.clone()),
            style: target.style,
            method: target.method.clone(),
            path: "/".into(),
            region: None,
            account_id: None,
            bucket: None,
            tree: Vec::new(),
            headers: headers(&request.headers),
            body: request.body.clone(),
            unknown: Vec::new(),
            warnings,
            operation,
        };
        Self { options, target, out }
    }

    fn warn(&mut self, text: String) {
        self.out.warnings.push(text);
    }

    fn parameter(&mut self, name: &Arc<str>, value: &Value) {
        if value.is_null() || self.consumed(name, value) {
            return;
        }
        match self.out.operation.clone() {
            Some(op) => self.of_operation(&op, name, value),
            None => self.guessed(name, value),
        }
    }

    /// Region and host inputs, where they are not parameters of the operation (rule 4).
    fn consumed(&mut self, name: &str, value: &Value) -> bool {
        let operation = self.out.operation.as_deref();
        let declared = operation.is_some_and(|op| op.parameter(name).is_some());
        let complete = operation.is_some_and(|op| op.complete);
        let service = &*self.target.service;
        let text = Arc::<str>::from(value.to_text().trim());
        if name.eq_ignore_ascii_case("RegionId") {
            self.out.region = Some(text);
            return !declared && (complete || self.target.style != Style::Rpc);
        }
        let mine = match name {
            "AccountId" => ACCOUNT_HOSTS.contains(&service),
            "BucketName" => service == "oss",
            _ => return false,
        };
        if declared || !(mine || complete) {
            return false;
        }
        let slot = if name == "AccountId" { &mut self.out.account_id } else { &mut self.out.bucket };
        *slot = Some(text);
        true
    }

    fn of_operation(&mut self, op: &Operation, name: &Arc<str>, value: &Value) {
        let exact = |(alias, target): &'_ (Arc<str>, AliasTarget)| (alias == name).then(|| target.clone());
        let folded =
            |(alias, target): &'_ (Arc<str>, AliasTarget)| alias.eq_ignore_ascii_case(name).then(|| target.clone());
        if let Some(target) = op.aliases.iter().find_map(exact) {
            self.alias(op, &target, name, value);
        } else if let Some(parameter) = op.parameter(name) {
            self.declared(parameter, parameter.place, value);
        } else if let Some(target) = op.aliases.iter().find_map(folded) {
            self.alias(op, &target, name, value);
        } else if !(self.list_spelling(op, name, value)
            || self.dotted(op, name, value)
            || self.own_table(op, name, value))
        {
            self.undeclared(op, name, value);
        }
    }

    /// Rule 1.
    fn alias(&mut self, op: &Operation, target: &AliasTarget, name: &str, value: &Value) {
        let Some(Seg::Name(head)) = target.path.first() else { return };
        let parameter = op.parameter(head);
        let place = target.place.or(parameter.map(|p| p.place)).unwrap_or(Place::Query);
        match (parameter, target.path.len()) {
            _ if target.json => {
                self.set(Canonical::from_template(head.clone(), place, (Form::JsonText, Kind::Unknown), value))
            }
            (Some(parameter), 1) => self.declared(parameter, place, value),
            (None, 1) => self.set(Canonical::from_template(head.clone(), place, (Form::Scalar, Kind::Unknown), value)),
            _ => {
                let value = if target.path.contains(&Seg::Each) { value.clone() } else { value.parsed_if_json_text() };
                self.nested(place, &target.path, &value, true, name);
            }
        }
    }

    /// Rule 2.
    fn declared(&mut self, parameter: &Parameter, place: Place, value: &Value) {
        let canonical =
            Canonical::from_template(parameter.name.clone(), place, (parameter.form, parameter.kind), value);
        let nests = matches!(parameter.form, Form::Scalar | Form::Flattened);
        match alias::dotted(&parameter.name).filter(|path| nests && path.len() > 1) {
            Some(path) => self.nested(place, &path, &canonical.value, false, &parameter.name),
            None => self.set(canonical),
        }
    }

    /// Rule 3, first half: the plural of a list, an item of a list.
    fn list_spelling(&mut self, op: &Operation, name: &str, value: &Value) -> bool {
        let list =
            |base: &str| op.parameter(base).filter(|p| p.form == Form::Flattened && p.kind != Kind::Map).cloned();
        if let Some(parameter) = name.strip_suffix(['s', 'S']).and_then(list) {
            self.declared(&parameter, parameter.place, value);
            return true;
        }
        let base = name.trim_end_matches(|c: char| c.is_ascii_digit());
        let number = name.get(base.len()..).and_then(index);
        let (Some(parameter), Some(number)) = (list(base), number) else { return false };
        let mut path = alias::dotted(&parameter.name).unwrap_or_else(|| vec![Seg::Name(parameter.name.clone())]);
        path.push(Seg::Index(number));
        self.nested(parameter.place, &path, value, false, name);
        true
    }

    /// Rule 3, second half: a name already written with dots.
    fn dotted(&mut self, op: &Operation, name: &Arc<str>, value: &Value) -> bool {
        let Some(mut path) = alias::dotted(name).filter(|path| path.len() > 1) else { return false };
        let Some(Seg::Name(head)) = path.first_mut() else { return false };
        let parent = op.parameter(head);
        let prefix = format!("{head}.");
        let has_members = op.parameters.iter().any(|p| p.name.starts_with(&prefix));
        if let Some(parent) = parent {
            *head = parent.name.clone();
        }
        if op.complete && parent.is_none() && !has_members {
            self.not_known(op, name);
        }
        self.nested(parent.map_or(Place::Query, |p| p.place), &path, value, false, name);
        true
    }

    /// Rule 4.
    fn own_table(&mut self, op: &Operation, name: &Arc<str>, value: &Value) -> bool {
        let at = (&*self.target.service, &*op.api);
        let own = OWN_ALIASES.iter().find(|(s, a, n, _)| (*s, *a) == at && n.eq_ignore_ascii_case(name));
        if let Some((.., wire)) = own {
            let value = if value.as_list().is_some() { value.clone() } else { [value.clone()].into() };
            self.warn(format!("`{}` has no parameter `{name}`; taken as `{wire}`", op.api));
            self.of_operation(op, &Arc::from(*wire), &value);
            return true;
        }
        let old = OLD_NAMES.iter().any(|(s, a, n)| (*s, *a) == at && n.eq_ignore_ascii_case(name));
        if old {
            self.warn(format!("`{name}` of `{}` is an old name and is not sent", op.api));
        }
        old
    }

    /// Rule 5; where the catalogue does not list every parameter, the last sentence of rule 2.
    fn undeclared(&mut self, op: &Operation, name: &Arc<str>, value: &Value) {
        if op.complete {
            self.not_known(op, name);
            self.guessed(name, value);
        } else {
            self.set(Canonical::from_template(name.clone(), Place::Query, (Form::Scalar, Kind::Unknown), value));
        }
    }

    fn not_known(&mut self, op: &Operation, name: &Arc<str>) {
        self.warn(format!("`{}` of `{}` has no parameter `{name}`", op.api, self.target.service));
        self.out.unknown.push(name.clone());
    }

    /// A name about which nothing is known.
    fn guessed(&mut self, name: &Arc<str>, value: &Value) {
        let structured = value.as_list().is_some() || value.as_map().is_some();
        let json = match self.options.unknown_lists {
            UnknownLists::ByName => name.ends_with("Ids"),
            UnknownLists::Flattened => false,
            UnknownLists::JsonText => true,
        };
        let form = match (structured, json) {
            (false, _) => Form::Scalar,
            (true, true) => Form::JsonText,
            (true, false) => Form::Flattened,
        };
        match alias::dotted(name).filter(|path| path.len() > 1 && form != Form::JsonText) {
            Some(path) => self.nested(Place::Query, &path, value, false, name),
            None => self.set(Canonical::from_template(name.clone(), Place::Query, (form, Kind::Unknown), value)),
        }
    }

    /// Puts a value under a path; the parts of one parameter come together whatever their order.
    fn nested(&mut self, place: Place, path: &[Seg], value: &Value, merge: bool, written: &str) {
        let Some((Seg::Name(head), rest)) = path.split_first() else { return };
        let found = self.out.tree.iter_mut().find(|c| c.wire == *head && c.form == Form::Flattened);
        let done = match found {
            Some(canonical) => tree::insert(&mut canonical.value, rest, value, merge),
            None => {
                let mut canonical = Canonical::new(head.clone(), place, Form::Flattened, Value::Null);
                let done = tree::insert(&mut canonical.value, rest, value, merge);
                self.out.tree.push(canonical);
                done
            }
        };
        if !done {
            self.warn(format!("`{written}` contradicts another spelling of `{head}`"));
            self.set(Canonical::from_template(written.into(), place, (Form::Scalar, Kind::Unknown), value));
        }
    }

    fn set(&mut self, canonical: Canonical) {
        match self.out.tree.iter_mut().find(|c| c.wire == canonical.wire) {
            Some(old) => {
                let text = format!("`{}` is given twice; the last one counts", canonical.wire);
                *old = canonical;
                self.warn(text);
            }
            None => self.out.tree.push(canonical),
        }
    }

    fn finish(mut self, request: &ApiRequest) -> Normalised {
        self.query_and_holes();
        self.fill_region(request);
        self.settle();
        self.fill_token(request);
        self.out.path = self.path().into();
        self.json_body();
        self.out
    }

    /// Parameters that the URI itself carries.
    fn query_and_holes(&mut self) {
        let operation = self.out.operation.clone();
        for (name, text) in std::mem::take(&mut self.target.query) {
            self.set(Canonical::new(name.into(), Place::Query, Form::Scalar, text.into()));
        }
        for (hole, text) in std::mem::take(&mut self.target.holes) {
            let declared = operation.iter().flat_map(|op| &op.parameters).find(|p| same_hole(&p.name, &hole));
            let name = declared.map_or(hole, |p| p.name.clone());
            self.out.tree.retain(|c| c.wire != name);
            self.set(Canonical::new(name, Place::Path, Form::Scalar, text.into()));
        }
    }

    fn fill_region(&mut self, request: &ApiRequest) {
        let Some(region) = request.region.as_ref().filter(|_| self.out.region.is_none()) else { return };
        self.out.region = Some(region.as_str().into());
        let operation = self.out.operation.clone();
        let declared = operation.as_deref().and_then(|op| op.parameter("RegionId"));
        let wanted = self.out.style == Style::Rpc && operation.as_deref().is_none_or(|op| !op.complete);
        if !self.options.fill_region || self.out.style == Style::Local || !(wanted || declared.is_some()) {
            return;
        }
        match declared {
            Some(parameter) => self.declared(parameter, parameter.place, &region.as_str().into()),
            None => {
                self.set(Canonical::new("RegionId".into(), Place::Query, Form::Scalar, region.as_str().into()));
            }
        }
    }

    /// Flattened values as they come back from the wire.
    fn settle(&mut self) {
        let operation = self.out.operation.clone();
        self.out.tree.retain_mut(|canonical| {
            if canonical.form != Form::Flattened {
                return true;
            }
            let shape = operation.iter().find_map(|op| op.parameter(&canonical.wire)?.shape.as_ref());
            let settled = tree::settled(&canonical.value, shape.unwrap_or(&Shape::Any));
            let kept = settled.is_some();
            canonical.value = settled.unwrap_or_default();
            kept
        });
    }

    // CHOICE: reads get no token though some take one (RDS): their pages differ in parameters, which a token forbids.
    fn fill_token(&mut self, request: &ApiRequest) {
        let operation = self.out.operation.clone().filter(|op| !op.is_read());
        let name = operation.as_ref().and_then(|op| op.client_token.clone());
        let (Some(token), Some(name), true) = (&request.token, name, self.options.fill_token) else { return };
        let declared = operation.iter().find_map(|op| op.parameter(&name));
        let (place, form) = declared.map_or((Place::Query, Form::Scalar), |p| (p.place, p.form));
        // A body that the template wrote itself is not added to.
        let own_body = place == Place::JsonBody && !request.body.is_null();
        if self.out.parameter(&name).is_none() && !own_body {
            self.set(Canonical::new(name, place, form, token.clone().into()));
        }
    }

    /// The path with its holes filled from the parameters.
    fn path(&mut self) -> String {
        let mut path = String::new();
        let pattern = std::mem::take(&mut self.target.path);
        let operation = self.out.operation.clone();
        let mut rest = pattern.as_str();
        while let Some((before, hole, after)) = next_hole(rest).filter(|_| self.target.pattern) {
            path.push_str(before);
            let mut given = self.out.tree.iter().filter(|c| same_hole(&c.wire, hole)).map(|c| c.wire.clone());
            let (first, second) = (given.next(), given.next());
            if let (Some(first), Some(second)) = (&first, second) {
                self.out
                    .warnings
                    .push(format!("`{second}` and `{first}` are the same part of the path; the first counts"));
                self.out.tree.retain(|c| c.wire == *first || !same_hole(&c.wire, hole));
            }
            match self.out.tree.iter_mut().find(|c| Some(&c.wire) == first.as_ref()) {
                Some(canonical) => {
                    canonical.place = Place::Path;
                    // A parameter that no table declares is called as the hole that it fills.
                    if operation.iter().flat_map(|op| &op.parameters).all(|p| p.name != canonical.wire) {
                        canonical.wire = hole.into();
                    }
                    let text = wire::scalar_text(&canonical.value);
                    // Keys of objects are encoded where they are sent.
                    let raw = matches!(self.out.style, Style::ObjectStorage | Style::Local);
                    path.push_str(&if raw { text } else { wire::encode(&text, b"") });
                }
                None => {
                    path.push_str(&format!("{{{hole}}}"));
                    self.out.warnings.push(format!("the path of `{}` needs `{hole}`", self.out.api));
                }
            }
            rest = after;
        }
        path.push_str(rest);
        if path.starts_with('/') { path } else { format!("/{path}") }
    }

    fn json_body(&mut self) {
        let members = self.out.tree.iter().filter(|c| c.place == Place::JsonBody);
        let map: Map = members.map(|c| (c.wire.clone(), c.value.clone())).collect();
        if self.out.body.is_null() && !map.is_empty() {
            self.out.body = map.into();
        }
    }
}

fn next_hole(path: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = path.split_once('{')?;
    let (hole, after) = rest.split_once('}')?;
    Some((before, hole, after))
}

/// `ClusterId` fills `{cluster_id}`.
fn same_hole(name: &str, hole: &str) -> bool {
    let plain = |s: &str| s.chars().filter(|c| *c != '_').collect::<String>();
    plain(name).eq_ignore_ascii_case(&plain(hole))
}

/// Headers of the template; an empty one means "do not send".
fn headers(headers: &Value) -> Map {
    let parsed = headers.parsed_if_json_text();
    let given = parsed.as_map().into_iter().flat_map(Map::iter);
    given.filter(|(_, v)| !v.is_null() && v.as_str() != Some("")).map(|(k, v)| (k.clone(), v.to_text())).collect()
}
