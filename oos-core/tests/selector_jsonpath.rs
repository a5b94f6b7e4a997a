//! The compliance test suite of JSONPath against selectors that start with `$`.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::{fmt::Write as _, path::PathBuf};

use oos_core::{Limits, Value, selector::Selector};

const SKIPS: &str = include_str!("conformance/skips.txt");

#[test]
fn jsonpath_compliance_suite_passes() {
    #[expect(clippy::disallowed_methods, reason = "tests find their data through the environment")]
    let Ok(corpus) = std::env::var("OOS_CORPUS") else {
        println!("skipped: OOS_CORPUS is not set");
        return;
    };
    let file = PathBuf::from(corpus).join("../conformance/jsonpath-cts.json");
    let suite = Value::from_json_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let (mut passed, mut skipped, mut report) = (0, 0, String::new());
    for case in suite.get("tests").and_then(Value::as_list).unwrap() {
        let name = case.get("name").and_then(Value::as_str).unwrap();
        let is_skipped = SKIPS.contains(&format!("jsonpath-cts.json:{} ", name.replace(' ', "_")));
        match (check(case), is_skipped) {
            (Ok(()), false) => passed += 1,
            (Err(_), true) => skipped += 1,
            (outcome, _) => {
                let _ = writeln!(report, "{name} {}: {outcome:?}", case.get("selector").unwrap());
            }
        }
    }
    println!("JSONPath: {passed} passed, {skipped} differ, {} unexpected\n{report}", report.lines().count());
    assert!(passed > 600, "the suite has more cases");
    assert!(report.is_empty(), "see the report above");
}

fn check(case: &Value) -> Result<(), String> {
    let text = case.get("selector").and_then(Value::as_str).unwrap();
    let selector = Selector::parse(text);
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
