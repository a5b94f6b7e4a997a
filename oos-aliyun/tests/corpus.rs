//! Every cloud call of the official templates can be built, signed and sent; needs `OOS_CORPUS`.
#![cfg(all(feature = "client", feature = "oss"))]
#![expect(clippy::unwrap_used, reason = "tests")]

mod support;

use std::{collections::BTreeMap, path::Path};

use oos_aliyun::{Client, credential::StaticKeys};
use oos_core::{
    Map, Value,
    ports::api::{ApiCaller, ApiRequest},
};
use support::{Script, World, answer};

/// All maps with a service and an API, at any depth.
fn calls(value: &serde_json::Value, out: &mut Vec<serde_json::Map<String, serde_json::Value>>) {
    match value {
        serde_json::Value::Object(map) => {
            if map.contains_key("Service") && map.contains_key("API") {
                out.push(map.clone());
            }
            map.values().for_each(|member| calls(member, out));
        }
        serde_json::Value::Array(list) => list.iter().for_each(|item| calls(item, out)),
        _ => {}
    }
}

/// Something that fits the place of an expression.
fn placeholder(key: &str) -> Value {
    match key {
        "BucketName" => "examplebucket".into(),
        "RegionId" => "cn-hangzhou".into(),
        "AccountId" => "123456".into(),
        "Expires" => 600.into(),
        _ => "x1".into(),
    }
}

/// The value with its expressions replaced.
fn filled(key: &str, value: &Value) -> Value {
    match value {
        Value::String(text) if text.starts_with("{{") && text.ends_with("}}") => placeholder(key),
        Value::String(text) if text.contains("{{") => {
            let mut out = text.to_string();
            while let (Some(start), Some(end)) = (out.find("{{"), out.find("}}")) {
                out.replace_range(start..=end.max(start) + 1, "x1");
            }
            out.into()
        }
        Value::Map(map) if map.keys().any(|name| name.starts_with("Fn::")) => placeholder(key),
        Value::List(list) => list.iter().map(|item| filled(key, item)).collect(),
        Value::Map(map) => Value::from(map.iter().map(|(k, v)| (k.clone(), filled(k, v))).collect::<Map>()),
        other => other.clone(),
    }
}

fn request(call: &serde_json::Map<String, serde_json::Value>) -> ApiRequest {
    let of = |key: &str| filled(key, &call.get(key).cloned().map_or(Value::Null, Value::from));
    let text = |key: &str| Some(of(key).to_text()).filter(|text| !text.is_empty());
    let mut request = ApiRequest::new(of("Service").to_text(), of("API").to_text(), of("Parameters"));
    request.method = text("Method");
    request.uri = text("URI");
    request.headers = of("Headers");
    request.body = of("Body");
    request
}

fn templates(folder: &Path) -> Vec<serde_json::Value> {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files
        .filter(|path| path.extension().is_some_and(|e| e == "yml"))
        .filter_map(|path| {
            let yaml: serde_yaml::Value = serde_yaml::from_str(&std::fs::read_to_string(path).unwrap()).ok()?;
            serde_json::to_value(yaml).ok()
        })
        .collect()
}

/// Refusals that are right: gateways of their own, and products that no public table has.
fn is_known_refusal(service: &str, error: &str) -> bool {
    match service {
        "mns" | "eventbridge" => error.starts_with("SignatureMethod"),
        _ => error.starts_with("UnknownVersion"),
    }
}

#[tokio::test]
async fn every_call_of_the_official_templates_can_be_sent() {
    // The file system is read here, so that the crate's own port stays free of it.
    #[expect(clippy::disallowed_methods, reason = "the corpus is named by the environment")]
    let Ok(corpus) = std::env::var("OOS_CORPUS") else {
        println!("skipped: OOS_CORPUS is not set");
        return;
    };
    let world = World::new(Script::new(|_| answer(200, r#"{"RequestId":"r"}"#)));
    let keys = StaticKeys::new("test-id", "test-secret");
    let client = Client::builder().runtime(world.runtime()).credentials(keys).region("cn-hangzhou").build().unwrap();
    let (mut sent, mut refused) = (0, BTreeMap::<String, u32>::new());
    for folder in ["public", "actions"] {
        for template in templates(&Path::new(&corpus).join(folder)) {
            let mut found = Vec::new();
            calls(&template, &mut found);
            for call in found.iter().filter(|call| call.get("Service").is_some_and(|s| s.is_string())) {
                let request = request(call);
                let name = format!("{}.{}", request.service, request.api);
                match client.call(request.clone()).await {
                    Ok(_) => sent += 1,
                    Err(error) => {
                        let service = request.service.to_ascii_lowercase();
                        assert!(is_known_refusal(&service, &error.to_string()), "{name}: {error}");
                        *refused.entry(name).or_default() += 1;
                    }
                }
            }
        }
    }
    println!("{sent} sent, refused: {refused:?}");
    assert!(sent > 700, "{sent}");
}
