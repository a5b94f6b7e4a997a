//! Texts by the grammar: templates that nearly compile, expressions, selectors.

use oos_core::{Map, Value, expr::Functions};
use proptest::{prelude::*, sample::select};

const NAMES: &[&str] = &["a", "b", "ids", "list", "t-1", "rateControl", "A"];

const REFERENCES: &[&str] = &[
    "{{ a }}",
    "{{ b }}",
    "{{ ids }}",
    "{{ A }}",
    "{{ list.x }}",
    "{{ list.ids }}",
    "{{ t-1.x }}",
    "{{ nope }}",
    "{{ list.nope[0].a }}",
    "{{ ACS::TaskLoopItem }}",
    "{{ ACS::RegionId }}",
    "{{ ACS::Nope }}",
    "{{ ACS::CurrentDate }}",
    "{{ oos:p }}",
    "{{ oos-secret:p:1 }}",
    "{{ .Name }}",
    "{{ map }}",
    "{{ text }}",
    "x-{{ a }}-{{list.ids}}",
    "{{ c }}",
];

const ACTIONS: &[&str] = &[
    "ACS::ExecuteAPI",
    "ACS::ExecuteApi",
    "ACS::WaitFor",
    "ACS::CheckFor",
    "ACS::Choice",
    "ACS::Sleep",
    "ACS::Loop",
    "ACS::Template",
    "ACS::Approve",
    "ACS::Notify",
    "ACS::Pause",
    "ACS::TimerTrigger",
    "ACS::EventTrigger",
    "ACS::SelectTargets",
    "ACS::ExecuteHttpRequest",
    "ACS::ECS::RunCommand",
    "ACS::ECS::StopInstance",
    "ACS::Nope",
];

const TEXTS: &[&str] = &[
    "ECS",
    "DescribeInstances",
    "StopInstance",
    "cn-hangzhou",
    "ACS::END",
    "ACS::NEXT",
    "PT5M",
    "100%",
    "0,",
    "Concurrency",
    "Batch",
    "Exponential",
    "Constant",
    "String",
    "List",
    "Json",
    "Number",
    "Boolean",
    "Array",
    "First",
    "All",
    ".a[]",
    "Instances.Instance[].InstanceId",
    ".a|map(select(.b==1))",
    "$.a[*].b",
    "true",
    "[1,2]",
    "{\"a\":1}",
    "Fn::ListJoin",
    "08:00:00Z",
    "2024-03-01T00:00:00Z",
    "%Y-%m-%d",
    "10.0.0.0/8",
    "powershell",
    "-7*24",
    "${x}",
    "^(?!a).*$",
    "",
];

fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        3 => select(REFERENCES).prop_map(Value::from),
        4 => select(TEXTS).prop_map(Value::from),
        1 => select(NAMES).prop_map(Value::from),
        2 => (-3..200_i64).prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => (-1e9..1e9_f64).prop_map(Value::from),
        1 => any::<bool>().prop_map(Value::from),
        1 => Just(Value::Null),
        1 => any::<String>().prop_map(Value::from),
    ]
}

/// A value with references and functions.
fn value() -> BoxedStrategy<Value> {
    let functions: Vec<String> =
        Functions::default().names().map(str::to_owned).chain(["Fn::Nope", "Condition"].map(str::to_owned)).collect();
    leaf()
        .prop_recursive(4, 32, 4, move |inner| {
            let list = prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from).boxed();
            let argument = prop_oneof![3 => list.clone(), 1 => inner.clone()];
            let call = (select(functions.clone()), argument).prop_map(|(name, argument)| map([(name, argument)]));
            let members = prop::collection::vec((select(NAMES), inner), 0..3).prop_map(map);
            prop_oneof![3 => call, 1 => list, 1 => members]
        })
        .boxed()
}

fn map<K: Into<std::sync::Arc<str>>>(members: impl IntoIterator<Item = (K, Value)>) -> Value {
    Value::from(members.into_iter().map(|(k, v)| (k.into(), v)).collect::<Map>())
}

/// A map with some of these keys, each with any value.
fn some(keys: &'static [&'static str]) -> BoxedStrategy<Vec<(&'static str, Value)>> {
    prop::collection::vec((select(keys), value()), 0..4).boxed()
}

/// Entries under names, each a map of `entry`.
fn named(entry: BoxedStrategy<Vec<(&'static str, Value)>>) -> BoxedStrategy<Value> {
    prop::collection::vec((select(NAMES), entry.prop_map(map)), 0..4).prop_map(map).boxed()
}

fn with(
    fixed: impl Strategy<Value = Vec<(&'static str, Value)>> + 'static,
    rest: BoxedStrategy<Vec<(&'static str, Value)>>,
) -> BoxedStrategy<Vec<(&'static str, Value)>> {
    (fixed, rest).prop_map(|(fixed, rest)| [fixed, rest].concat()).boxed()
}

fn task() -> impl Strategy<Value = Value> {
    let outputs = named(with(
        value().prop_map(|selector| vec![("ValueSelector", selector)]),
        select(TEXTS).prop_map(|t| vec![("Type", Value::from(t))]).boxed(),
    ));
    let aggregates =
        named(Just(vec![("AggregateType", "Fn::ListJoin".into()), ("AggregateField", "x".into())]).boxed());
    let looping = with(
        (value(), aggregates).prop_map(|(items, outputs)| vec![("Items", items), ("Outputs", outputs)]),
        some(&["RateControl", "Concurrency", "MaxErrors", "Mode", "BatchPauseOption"]),
    );
    let properties = some(&[
        "Service",
        "API",
        "Parameters",
        "PropertySelector",
        "DesiredValues",
        "Choices",
        "DefaultTask",
        "Duration",
        "LoopItems",
        "LoopTasks",
        "TemplateName",
        "TemplateContent",
        "Parameters",
        "instanceId",
        "regionId",
        "commandContent",
        "URL",
        "Approvers",
    ]);
    let keys = some(&[
        "When",
        "Retries",
        "Delay",
        "DelayType",
        "BackOff",
        "MaxRetryInterval",
        "OnError",
        "OnSuccess",
        "IsCritical",
    ]);
    let parts =
        (select(NAMES), select(ACTIONS), properties, prop::option::of(outputs), prop::option::of(looping), keys);
    parts.prop_map(|(name, action, properties, outputs, looping, keys)| {
        let mut task = vec![("Name", Value::from(name)), ("Action", action.into()), ("Properties", map(properties))];
        task.extend(outputs.map(|outputs| ("Outputs", outputs)));
        task.extend(looping.map(|looping| ("Loop", map(looping))));
        map(task.into_iter().chain(keys))
    })
}

/// A template as JSON.
pub(crate) fn template() -> impl Strategy<Value = String> {
    let parameter = some(&[
        "Type",
        "Default",
        "AllowedValues",
        "AllowedPattern",
        "MinLength",
        "MaxLength",
        "MinValue",
        "MaxValue",
        "NoEcho",
        "Label",
        "AssociationPropertyMetadata",
        "ConstraintDescription",
    ]);
    let output = with(value().prop_map(|value| vec![("Value", value)]), some(&["Type", "Description"]));
    let parts = (
        named(parameter),
        prop::collection::vec((select(NAMES), value()), 0..3).prop_map(map),
        prop::collection::vec(task(), 0..5).prop_map(Value::from),
        named(output),
        some(&["Description", "Metadata", "RamRole", "Mappings", "FormatVersion"]),
    );
    parts.prop_map(|(parameters, conditions, tasks, outputs, rest)| {
        let sections = [
            ("FormatVersion", Value::from("OOS-2019-06-01")),
            ("Parameters", parameters),
            ("Conditions", conditions),
            ("Tasks", tasks),
            ("Outputs", outputs),
        ];
        map(sections.into_iter().chain(rest)).to_string()
    })
}

/// A value as JSON.
pub(crate) fn expression() -> impl Strategy<Value = String> {
    value().prop_map(|value| value.to_string())
}

const WORDS: &[&str] = &[
    ".",
    ".a",
    ".b",
    ".Instances",
    ".Instance",
    "[]",
    "[0]",
    "[-1]",
    "[1:]",
    "?",
    "..",
    "|",
    ",",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "a",
    "\"a\"",
    "\"\\(.)\"",
    "1",
    "-1",
    "0.5",
    "1e1000",
    "null",
    "true",
    " as $x | ",
    "$x",
    "+",
    "-",
    "*",
    "/",
    "%",
    "==",
    "<",
    " and ",
    " or ",
    "//",
    "=",
    "|=",
    "+=",
    "map(.)",
    "select(.)",
    "length",
    "keys",
    "to_entries",
    "add",
    "any",
    "sort_by(.a)",
    "group_by(.a)",
    "unique",
    "tostring",
    "tonumber",
    "fromjson",
    "tojson",
    "test(\"a\")",
    "match(\"(a)|b\"; \"g\")",
    "scan(\".\")",
    "gsub(\"a\"; \"b\")",
    "split(\",\")",
    "join(\",\")",
    "ascii_downcase",
    "if . then 1 else 2 end",
    "reduce .[]? as $x (0; . + 1)",
    "foreach .[]? as $x (0; . + 1)",
    "def f: .; ",
    "f",
    "def g: g; g",
    "try error catch .",
    "label $l | break $l",
    "limit(3; ",
    "first(",
    "repeat(.)",
    "recurse",
    "path(..)",
    "getpath([\"a\"])",
    "paths",
    "del(.a)",
    "@base64",
    "@text",
    "range(5)",
    "range(1e9)",
    "env",
    "now",
    "input",
    "halt",
    "$ENV",
    "splits(\"a\")",
    "ltrimstr(\"a\")",
    "strftime(\"%Y\")",
    "mktime",
    "infinite",
    "nan",
    "limit(1e9; repeat(1))",
    "\"x\" * 1e9",
    "walk(.)",
    "flatten",
    "combinations",
    "tostream",
    "input_line_number",
    "$__loc__",
    "ascii",
    "implode",
    "explode",
    "$",
    "$.a",
    "$..*",
    "[?@.a]",
    "[*]",
    "['a']",
    "[?match(@.a, 'x')]",
    "[?length(@)>1]",
    "[1:5:2]",
    "&&",
    "||",
    "!",
    "@.a",
    " ",
];

/// Words of jq and JSONPath in any order.
pub(crate) fn selector() -> impl Strategy<Value = String> {
    prop::collection::vec(select(WORDS), 0..14).prop_map(|words| words.concat())
}
