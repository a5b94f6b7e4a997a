//! One expression of each family, compiled and evaluated.

use oos_core::{Value, expr::evaluate};

use crate::{
    expression_support::{TestScope, World, json},
    us,
};

const EXPRESSIONS: [(&str, &str); 12] = [
    (
        "literal map",
        r#"{"Service": "ECS", "API": "DescribeInstances", "Parameters": {"RegionId": "cn-x", "PageSize": 50}}"#,
    ),
    ("whole reference", r#""{{ ids }}""#),
    ("embedded references", r#""image-{{ name }}-of-{{ ACS::ExecutionId }} at {{ count }}""#),
    ("output of a task", r#""{{ list.ids }}""#),
    (
        "condition",
        r#"{"Fn::And": [{"Fn::Equals": ["{{ name }}", "web"]}, {"Fn::Not": {"Fn::Equals": [[], "{{ ids }}"]}}]}"#,
    ),
    ("choice", r#"{"Fn::If": [{"Fn::Equals": ["{{ name }}", "db"]}, "{{ list.ids }}", "none"]}"#),
    ("text", r#"{"Fn::Join": ["/", {"Fn::Split": [".", "{{ name }}.example.com"]}]}"#),
    ("lists", r#"{"Fn::MergeList": ["{{ list.ids }}", {"Fn::Select": [0, "{{ nested }}"]}]}"#),
    ("maps", r#"{"Fn::MergeMap": [{"a": "{{ name }}"}, {"b": "{{ count }}"}]}"#),
    ("time", r#"{"Fn::FormatUTCTime": [{"Fn::AddHour": ["{{ ACS::CurrentUTCTime }}", -24]}, "%Y-%m-%d"]}"#),
    ("arithmetic", r#"{"Fn::Eval": ["-{{ count }}*24"]}"#),
    ("jq", r#"{"Fn::Jq": ["All", ".[] | select(. != null)", "{{ ids }}"]}"#),
];

pub(crate) fn measure() {
    let world = World::new()
        .parameter("ids", json(r#"["i-1","i-2",null,"i-4"]"#))
        .parameter("name", Value::from("web"))
        .parameter("count", Value::from(7))
        .parameter("nested", json(r#"[["a"],["b"]]"#))
        .task("list", &[("ids", json(r#"["i-1","i-2"]"#))]);
    println!("\n{:<24} {:>14} {:>14}", "expression", "compile", "evaluate");
    for (family, text) in EXPRESSIONS {
        let value = json(text);
        let (expr, found) = world.compile(&value);
        assert!(found.is_empty(), "{family}: {found}");
        let scope = TestScope(&world);
        assert!(evaluate(&expr, &scope).is_ok(), "{family}");
        let (compile, run) = us(|| world.compile(&value), || evaluate(&expr, &scope));
        println!("{family:<24} {compile:>11.2} us {run:>11.2} us");
    }
}
