//! Template → node, YAML and JSON; `parse(print(t)) == t`.

use super::{
    Aggregate, Condition, FORMAT_VERSION, Loop, Output, Parameter, RateControlMap, Retry, Spanned, Task, TaskOutput,
    Template,
};
use crate::{
    Value,
    ids::Name,
    source::{self, Key, Node, NodeKind},
};

/// Members of a map under construction.
#[derive(Default)]
struct Members(Vec<(Key, Node)>);

impl Members {
    fn text(self, key: &str, text: &str) -> Self {
        self.node(key, Some(&scalar(text)))
    }

    fn name<T: AsRef<str>>(self, key: &str, name: Option<&Spanned<T>>) -> Self {
        match name {
            Some(name) => self.text(key, name.value.as_ref()),
            None => self,
        }
    }

    fn node(mut self, key: &str, node: Option<&Node>) -> Self {
        self.0.extend(node.map(|node| (key_of(key), bare(node))));
        self
    }

    /// A section; left out when it has no entries.
    fn section(mut self, key: &str, entries: Vec<(Key, Node)>) -> Self {
        if !entries.is_empty() {
            self.0.push((key_of(key), Node { span: None, kind: NodeKind::Map(entries) }));
        }
        self
    }

    fn others(mut self, others: &[(Key, Node)]) -> Self {
        self.0.extend(others.iter().map(|(key, node)| (key_of(&key.text), bare(node))));
        self
    }

    fn map(self) -> Node {
        Node { span: None, kind: NodeKind::Map(self.0) }
    }
}

fn key_of(text: &str) -> Key {
    Key { span: None, text: text.into() }
}

fn scalar(value: impl Into<Value>) -> Node {
    Node { span: None, kind: NodeKind::Scalar(value.into()) }
}

/// The node without places.
fn bare(node: &Node) -> Node {
    let kind = match &node.kind {
        NodeKind::Scalar(value) => NodeKind::Scalar(value.clone()),
        NodeKind::List(list) => NodeKind::List(list.iter().map(bare).collect()),
        NodeKind::Map(map) => NodeKind::Map(map.iter().map(|(k, n)| (key_of(&k.text), bare(n))).collect()),
    };
    Node { span: None, kind }
}

fn named<T>(entries: &[T], name: impl Fn(&T) -> &Name, body: impl Fn(&T) -> Node) -> Vec<(Key, Node)> {
    entries.iter().map(|entry| (key_of(name(entry).as_str()), body(entry))).collect()
}

pub(super) fn to_node(t: &Template) -> Node {
    let tasks = NodeKind::List(t.tasks.iter().map(task).collect());
    Members::default()
        .text("FormatVersion", FORMAT_VERSION)
        .node("Description", t.description.as_ref())
        .node("Metadata", t.metadata.as_ref())
        .node("RamRole", t.ram_role.as_ref())
        .section("Parameters", named(&t.parameters, |p: &Parameter| &p.name.value, parameter))
        .section("Conditions", named(&t.conditions, |c: &Condition| &c.name.value, |c| bare(&c.node)))
        .node("Tasks", Some(&Node { span: None, kind: tasks }))
        .section("Outputs", named(&t.outputs, |o: &Output| &o.name.value, output))
        .others(&t.unknown)
        .map()
}

fn parameter(p: &Parameter) -> Node {
    Members::default()
        .name("Type", p.value_type.as_ref())
        .others(&p.console)
        .node("Default", p.default.as_ref())
        .node("AllowedValues", p.allowed_values.as_ref())
        .node("AllowedPattern", p.allowed_pattern.as_ref())
        .node("MinLength", p.min_length.as_ref())
        .node("MaxLength", p.max_length.as_ref())
        .node("MinValue", p.min_value.as_ref())
        .node("MaxValue", p.max_value.as_ref())
        .node("NoEcho", p.no_echo.as_ref())
        .node("ConstraintDescription", p.constraint_description.as_ref())
        .others(&p.unknown)
        .map()
}

impl Template {
    /// A task as a value, as it would be printed.
    pub(crate) fn task_value(t: &Task) -> Value {
        task(t).to_value()
    }
}

fn task(t: &Task) -> Node {
    let Retry { retries, delay_type, delay, back_off, max_retry_interval } = &t.retry;
    Members::default()
        .name("Name", Some(&t.name))
        .name("Action", Some(&t.action))
        .node("Description", t.description.as_ref())
        .node("When", t.when.as_ref())
        .node("Properties", t.properties.as_ref())
        .node("Retries", retries.as_ref())
        .node("DelayType", delay_type.as_ref())
        .node("Delay", delay.as_ref())
        .node("BackOff", back_off.as_ref())
        .node("MaxRetryInterval", max_retry_interval.as_ref())
        .name("OnError", t.on_error.as_ref())
        .name("OnSuccess", t.on_success.as_ref())
        .name("OnCancel", t.on_cancel.as_ref())
        .node("IsCritical", t.is_critical.as_ref().map(|flag| scalar(flag.value)).as_ref())
        .node("Loop", t.looping.as_ref().map(looping).as_ref())
        .section("Outputs", named(&t.outputs, |o: &TaskOutput| &o.name.value, task_output))
        .others(&t.unknown)
        .map()
}

fn looping(l: &Loop) -> Node {
    let RateControlMap { mode, concurrency, max_errors, batch_pause_option } = &l.old_form;
    Members::default()
        .node("Items", l.items.as_ref())
        .node("RateControl", l.rate_control.as_ref().map(|rate| &rate.0))
        .node("Mode", mode.as_ref())
        .node("Concurrency", concurrency.as_ref())
        .node("MaxErrors", max_errors.as_ref())
        .node("BatchPauseOption", batch_pause_option.as_ref())
        .section("Outputs", named(&l.outputs, |a: &Aggregate| &a.name.value, aggregate))
        .others(&l.unknown)
        .map()
}

fn aggregate(a: &Aggregate) -> Node {
    Members::default()
        .name("AggregateType", Some(&a.aggregate_type))
        .name("AggregateField", Some(&a.field))
        .others(&a.unknown)
        .map()
}

fn task_output(o: &TaskOutput) -> Node {
    Members::default()
        .name("Type", o.value_type.as_ref())
        .node("ValueSelector", o.selector.as_ref())
        .others(&o.unknown)
        .map()
}

fn output(o: &Output) -> Node {
    Members::default().name("Type", o.value_type.as_ref()).node("Value", o.value.as_ref()).others(&o.unknown).map()
}

/// YAML text. JSON text, which is YAML too, when the emitter's text does not read back as the same document (block
/// scalars with odd blanks).
pub(super) fn to_yaml(template: &Template) -> String {
    let node = to_node(template);
    source::print(&node.to_value()).filter(|text| source::reads_as(text, &node)).unwrap_or_else(|| json(&node))
}

pub(super) fn to_json(template: &Template) -> String {
    json(&to_node(template))
}

/// Indented JSON; characters that YAML does not allow as such, or takes for line ends, are escaped too, so that any
/// reader takes it.
fn json(node: &Node) -> String {
    let mut text = serde_json::to_string_pretty(&node.to_value()).unwrap_or_default();
    if text.chars().any(needs_escape) {
        text = text.chars().map(escaped).collect();
    }
    text.push('\n');
    text
}

fn needs_escape(c: char) -> bool {
    !source::is_printable(c) || matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}')
}

fn escaped(c: char) -> String {
    if !needs_escape(c) {
        return c.to_string();
    }
    let mut units = [0; 2];
    c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")).collect()
}
