//! Which operations that public templates call the fake cloud has a model of. Needs the facts beside `OOS_CORPUS`.

use oos_testkit::prelude::*;

/// Left to an engine (executions and templates).
const ENGINE: [&str; 2] = ["ListExecutions", "GetTemplate"];

#[test]
fn every_operation_that_templates_call_has_a_model() {
    #[expect(clippy::disallowed_methods, reason = "the place of the facts comes from outside")]
    let Ok(corpus) = std::env::var("OOS_CORPUS") else {
        println!("skipped: OOS_CORPUS is not set");
        return;
    };
    let text = std::fs::read_to_string(format!("{corpus}/../spec/api-catalogue.json")).unwrap();
    let facts: serde_json::Value = serde_json::from_str(&text).unwrap();
    let (mut missing, mut refused) = (Vec::new(), Vec::new());
    for entry in facts["entries"].as_array().unwrap() {
        let (service, api) = (entry["corpus"]["service_spelling"].as_str().unwrap(), entry["api"].as_str().unwrap());
        if ENGINE.contains(&api) {
            continue;
        }
        // Two labels stand for another operation by method and path.
        if !FakeCloud::models(service, api) && !["DescribeClusters"].contains(&api) {
            missing.push(format!("{service}.{api}"));
            continue;
        }
        let names = entry["corpus"]["parameters"].as_object().unwrap().keys();
        let params: serde_json::Map<_, _> = names.map(|name| (name.clone(), json!("x"))).collect();
        let cloud = FakeCloud::new();
        let error = cloud.call_now(service, api, serde_json::Value::Object(params)).err();
        if let Some(error) = error.filter(|e| e.to_string().contains("has no parameter of this name")) {
            refused.push(format!("{service}.{api}: {error}"));
        }
    }
    assert!(missing.is_empty() && refused.is_empty(), "no model: {missing:#?}\nnames refused: {refused:#?}");
}
