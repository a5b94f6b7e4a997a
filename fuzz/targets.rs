//! What is fuzzed: four functions of bytes, shared by the libFuzzer programs beside this file and by the driver for the
//! stable toolchain, `oos-core/tests/fuzz/`.
//!
//! Each must come to an answer or an error, soon and in little memory; a broken promise is a panic. What it returns says
//! whether the input got past the first refusal, so that the driver can tell when its inputs are too wild to show
//! anything. How they are made is its business.

#![allow(dead_code, reason = "each program uses one of the targets")]

#[path = "../oos-core/tests/expression_support/mod.rs"]
mod expression_support;

use std::sync::{Arc, OnceLock};

use expression_support::{TestScope, World, json};
use oos_core::{
    Limits, Template, Value,
    diagnostic::Diagnostics,
    expr::{drop_nulls, evaluate},
    plan::{Environment, Graph, Plan},
    selector::Selector,
    source::{self, Node, NodeKind, SourceText},
};

/// The limits of the language, with bounds on work that let many cases run.
fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.selector_steps = 50_000;
    limits.selector_results = 1_000;
    limits.regex_steps = 20_000;
    limits.value_bytes = 1 << 20;
    limits
}

/// Every form of findings.
fn show(found: &Diagnostics) {
    assert!(!found.render().contains('\u{1b}'), "findings reach the terminal as they are");
    found.to_sarif();
    found.to_lsp();
}

/// A text is a template or has findings; what is printed of a template reads as the same template.
pub(crate) fn parse(data: &[u8]) -> bool {
    let template = match Template::parse_bytes("fuzz.yml", data, &Limits::default()) {
        Ok(template) => template,
        Err(found) => {
            assert!(found.has_errors(), "refused without an error");
            show(&found);
            return false;
        }
    };
    assert!(!template.warnings.has_errors(), "accepted with an error");
    show(&template.warnings);
    for text in [template.to_yaml(), template.to_json()] {
        // Printing may write out what the source had in short.
        let again = Template::parse_source(SourceText::new("printed", text.as_str()), &Limits::unlimited());
        assert!(again.as_ref() == Ok(&template), "printed and read again it differs:\n{text}");
    }
    true
}

/// A document, or a text that is none, as an expression: compiled as a value and as a condition, and evaluated.
pub(crate) fn expression(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let source = SourceText::new("fuzz.yml", text);
    let document = source::parse(&source, &Limits::default());
    let (node, source) = match document {
        Ok(node) => (node, Some(&source)),
        Err(_) => (Node { span: None, kind: NodeKind::Scalar(Value::from(text)) }, None),
    };
    let world = world();
    let (expr, found) = world.compile_node(&node, source);
    show(&found);
    let once = evaluate(&expr, &TestScope(&world));
    let twice = evaluate(&expr, &TestScope(&world));
    assert_eq!(format!("{once:?}"), format!("{twice:?}"), "evaluating twice gives two answers");
    let _ = world.condition_value(&node.to_value());
    once.map(drop_nulls).is_ok()
}

fn world() -> World {
    let mut world = World::new()
        .parameter("ids", json(r#"["i-1","i-2",null]"#))
        .parameter("map", json(r#"{"a":[1,2],"b":"{\"c\":1}"}"#))
        .parameter("text", json(r#""2024-03-01T00:00:00Z""#))
        .task("list", &[("x", Value::Null), ("ids", json(r#"[["a"],null,["b","c"]]"#))])
        .raw(json(r#"{"a":[1,{"b":2}]}"#))
        .condition("c", Value::Bool(true))
        .stored("oos:p", Value::from("stored"))
        .in_loop(json(r#"{"x":1,"y":["{{ ids }}"]}"#));
    world.limits = limits();
    world
}

/// A selector, and after a line end the document that it runs on.
pub(crate) fn selector(data: &[u8]) -> bool {
    const ANSWER: &str = r#"{"Instances":{"Instance":[{"InstanceId":"i-1","Tags":{"Tag":[{"TagKey":"a","TagValue":null}]},
        "Cpu":2,"a-b":[1.5,-1,true]},{"InstanceId":"你"}]},"TotalCount":2,"a":{"b":[[],{}]}}"#;
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let (text, input) = text.split_once('\n').unwrap_or((text, ANSWER));
    let input = Value::from_json_str(input).unwrap_or_else(|_| json(ANSWER));
    let mut ran = false;
    for compiled in [Selector::parse(text), Selector::parse_program(text)] {
        match compiled {
            Ok(selector) => {
                let once = selector.run(&input, &limits());
                assert_eq!(once, selector.run(&input, &limits()), "running twice gives two answers");
                ran |= once.map_err(|error| error.to_string()).is_ok();
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
    ran
}

/// The whole front end with the real actions.
pub(crate) fn compile(data: &[u8]) -> bool {
    static ENVIRONMENT: OnceLock<Environment> = OnceLock::new();
    let environment = ENVIRONMENT.get_or_init(|| Environment::new(Arc::new(oos_actions::standard())));
    let Ok(template) = Template::parse_bytes("fuzz.yml", data, &environment.limits) else { return false };
    match Plan::compile(&template, environment) {
        Ok(plan) => {
            assert!(!plan.warnings.has_errors(), "accepted with an error");
            show(&plan.warnings);
            let graph = Graph::of(&plan);
            let tasks = plan.tasks.len();
            assert!(
                graph.edges.iter().all(|e| e.from < tasks && e.to.is_none_or(|to| to < tasks)),
                "an edge to nowhere"
            );
        }
        Err(found) => {
            assert!(found.has_errors(), "refused without an error");
            show(&found);
        }
    }
    true
}
