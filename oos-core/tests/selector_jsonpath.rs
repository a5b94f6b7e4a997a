//! The compliance test suite of JSONPath, all of it. Around a selector of a template blanks are trimmed before anything
//! looks at it (template-language 7.1), which the suite must not see; so it runs below that.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::{fmt::Write as _, path::PathBuf};

use oos_core::{Limits, Value, selector::Selector};

#[test]
fn jsonpath_compliance_suite_passes() {
    #[expect(clippy::disallowed_methods, reason = "tests find their data through the environment")]
    let Ok(corpus) = std::env::var("OOS_CORPUS") else {
        println!("skipped: OOS_CORPUS is not set");
        return;
    };
    let file = PathBuf::from(corpus).join("../conformance/jsonpath-cts.json");
    let suite = Value::from_json_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let cases = suite.get("tests").and_then(Value::as_list).unwrap();
    let mut report = String::new();
    for case in cases {
        if let Err(why) = check(case) {
            let _ = writeln!(report, "{} {}: {why}", case.get("name").unwrap(), case.get("selector").unwrap());
        }
    }
    let failed = report.lines().count();
    println!("JSONPath: {} of {} cases pass\n{report}", cases.len() - failed, cases.len());
    assert!(cases.len() >= 703, "the suite has more cases");
    assert_eq!(failed, 0, "see the report above");
}

fn check(case: &Value) -> Result<(), String> {
    let text = case.get("selector").and_then(Value::as_str).unwrap();
    let selector = Selector::parse_json_path(text);
    if case.get("invalid_selector").is_some() {
        return match selector {
            Ok(_) => Err("compiles but must not".into()),
            Err(_) => Ok(()),
        };
    }
    let found = selector.map_err(|e| e.to_string())?.run(case.get("document").unwrap(), &Limits::default());
    let found: Value = found.map_err(|e| e.to_string())?.into();
    let expected = match case.get("result") {
        Some(result) => vec![result.clone()],
        None => case.get("results").and_then(Value::as_list).unwrap().to_vec(),
    };
    if expected.contains(&found) { Ok(()) } else { Err(format!("gives {found}, not {expected:?}")) }
}
