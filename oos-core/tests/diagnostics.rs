//! Golden files: `tests/golden/<case>/template.yml` and the findings about it as people see them.
//!
//! Rewrite them with `OOS_BLESS=1 cargo test -p oos-core --test diagnostics`, then read the difference.

#![expect(clippy::unwrap_used, reason = "tests")]
#![expect(clippy::disallowed_methods, reason = "tests read the environment")]

use std::{fs, path::PathBuf};

use oos_core::{
    Limits, Template,
    diagnostic::{Code, Diagnostic, Diagnostics, sarif_log},
    source::{SourceText, Span},
};
use serde_json::json;

const HEAD: &str = "# Made by: OOS_BLESS=1 cargo test -p oos-core --test diagnostics\n\n";

/// Every code that parsing reports; each has a case of that name.
const REPORTED: &[Code] = &[
    Code::SYNTAX,
    Code::TOO_LARGE,
    Code::NOT_A_MAP,
    Code::FORMAT_VERSION,
    Code::UNSUPPORTED_TYPE,
    Code::UNKNOWN_KEY,
    Code::TASKS_REQUIRED,
    Code::TASK_NAME,
    Code::DUPLICATE_NAME,
    Code::ACTION_REQUIRED,
    Code::PROPERTIES,
    Code::JUMP_TARGET,
    Code::OUTPUT_TYPE,
    Code::OUTPUT,
    Code::LOOP,
    Code::AGGREGATE,
    Code::PARAMETER_NAME,
    Code::PARAMETER_TYPE,
    Code::LIMIT_TASKS,
    Code::LIMIT_PARAMETERS,
    Code::LIMIT_DEPTH,
];

fn golden() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// Small limits for the cases that are about limits.
fn limits(case: &str) -> Limits {
    let mut limits = Limits::default();
    match case {
        "too-large" => limits.template_bytes = 100,
        "limit-tasks" => limits.tasks = 2,
        "limit-parameters" => limits.parameters = 2,
        "limit-depth" => limits.document_depth = 5,
        _ => {}
    }
    limits
}

fn findings(case: &str) -> Diagnostics {
    let text = fs::read_to_string(golden().join(case).join("template.yml")).unwrap();
    let source = SourceText::new("template.yml", text);
    Template::parse_source(source, &limits(case)).map_or_else(|found| found, |template| template.warnings)
}

fn cases() -> Vec<String> {
    let entries = fs::read_dir(golden()).unwrap();
    let mut cases: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    cases.sort();
    cases
}

#[test]
fn findings_look_as_in_the_golden_files() {
    let bless = std::env::var("OOS_BLESS").is_ok();
    let mut different = Vec::new();
    for case in cases() {
        let path = golden().join(&case).join("expected.txt");
        let rendered = format!("{HEAD}{}", findings(&case));
        if bless {
            fs::write(&path, &rendered).unwrap();
        } else if fs::read_to_string(&path).unwrap_or_default() != rendered {
            different.push(format!("--- {case}\n{rendered}"));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}

#[test]
fn every_reported_code_has_a_case_of_its_name() {
    for code in REPORTED {
        let found = findings(&code.kebab());
        assert!(found.iter().any(|d| d.code == *code), "no finding `{code}` in its case");
    }
}

#[test]
fn no_case_reports_a_code_that_is_not_listed() {
    for case in cases() {
        let found = findings(&case);
        assert!(!found.is_empty(), "{case}");
        assert!(found.iter().all(|d| REPORTED.contains(&d.code)), "{case}: {found}");
    }
}

#[test]
fn messages_follow_the_rules_for_messages() {
    for finding in cases().iter().flat_map(|case| findings(case).iter().cloned().collect::<Vec<_>>()) {
        let message = &finding.message;
        assert!(!message.ends_with('.') && !message.contains('\n'), "{message}");
        assert!(!message.starts_with(char::is_uppercase) || message.starts_with("YAML"), "{message}");
    }
}

fn about(text: &str, finding: Diagnostic) -> Diagnostics {
    let mut found = Diagnostics::new(Some(SourceText::new("reboot.yml", text)));
    found.push(finding);
    found
}

fn span(text: &str, part: &str) -> Option<Span> {
    let start = text.find(part).unwrap();
    Some(Span::new(start, start + part.len()))
}

#[test]
fn renders_as_compilers_do() {
    let text = format!("{}        instanceId: '{{{{ instnaceId }}}}'\n", "\n".repeat(22));
    let finding = Diagnostic::error(
        Code::UNDEFINED_PARAMETER,
        "parameter `instnaceId` is not declared",
        span(&text, "instnaceId"),
        "/Tasks/0/Properties/instanceId",
    );
    let found =
        about(&text, finding.label("not found under `Parameters`").help("a parameter named `instanceId` exists"));
    let expected = "\
error[undefined-parameter]: parameter `instnaceId` is not declared
  --> reboot.yml:23:25
   |
23 |         instanceId: '{{ instnaceId }}'
   |                         ^^^^^^^^^^ not found under `Parameters`
   = help: a parameter named `instanceId` exists
";
    assert_eq!(found.render(), expected);
}

#[test]
fn carets_stand_under_wide_characters() {
    let text = "a: 重启实例\nb: 你好 {{ x }}\n";
    let finding = Diagnostic::warning(Code::UNUSED_PARAMETER, "m", span(text, "实例"), "");
    let found = about(text, finding.also(span(text, "{{ x }}"), "second"));
    let expected = "\
warning[unused-parameter]: m
 --> reboot.yml:1:6
  |
1 | a: 重启实例
  |        ^^^^
2 | b: 你好 {{ x }}
  |         ------- second
";
    assert_eq!(found.render(), expected);
}

#[test]
fn a_gap_between_places_is_shown() {
    let text = "a: 1\nb: 2\nc: 3\nd: 4\ne: 5\n";
    let finding = Diagnostic::error(Code::SYNTAX, "m", span(text, "5"), "").also(span(text, "1"), "first");
    let rendered = about(text, finding).render();
    assert_eq!(
        rendered,
        "error[invalid-syntax]: m\n --> reboot.yml:5:4\n  |\n1 | a: 1\n  |    - first\n...\n5 | e: 5\n  |    ^\n"
    );
}

#[test]
fn without_a_place_the_pointer_is_shown() {
    let finding = Diagnostic::error(Code::TASK_NAME, "m", None, "/Tasks/0/Name").also(None, "seen here").help("h");
    let rendered = about("a: 1\n", finding).render();
    assert_eq!(rendered, "error[task-name]: m\n  --> reboot.yml: /Tasks/0/Name\n   = note: seen here\n   = help: h\n");
}

#[test]
fn places_at_the_end_past_the_end_and_inside_a_character_do_not_break() {
    let text = "a: 你\n";
    for (start, end) in [(6, 7), (7, 7), (4, 5), (90, 95), (5, 3)] {
        let finding = Diagnostic::error(Code::SYNTAX, "m", Some(Span { start, end }), "");
        let found = about(text, finding);
        assert!(found.render().contains('^') || start > 7, "{}", found.render());
        found.to_sarif();
        found.to_lsp();
    }
}

#[test]
fn long_lines_are_cut_around_the_place() {
    let text = format!("{{\"a\": \"{}\", \"b\": 7, \"c\": \"{}\"}}", "x".repeat(5_000), "y".repeat(5_000));
    let rendered = about(&text, Diagnostic::error(Code::SYNTAX, "m", span(&text, "7"), "")).render();
    let lines: Vec<&str> = rendered.lines().collect();
    assert!(lines[3].chars().count() < 180, "{rendered}");
    assert_eq!(lines[3].chars().nth(lines[4].find('^').unwrap()), Some('7'), "{rendered}");
}

#[test]
fn controls_of_the_source_do_not_reach_the_terminal() {
    let text = "a: \u{1b}[31m\u{202e}x\ty\n";
    let found = about(text, Diagnostic::error(Code::SYNTAX, "m\u{1b}\nn", span(text, "y"), ""));
    let rendered = found.render();
    assert!(!rendered.contains(['\u{1b}', '\u{202e}', '\t']), "{rendered:?}");
}

#[test]
fn sarif_log_names_rule_place_and_help() {
    let text = "a: 你x\n";
    let finding = Diagnostic::error(Code::DUPLICATE_NAME, "m", span(text, "x"), "/Tasks/1/Name");
    let found = about(text, finding.also(span(text, "a"), "first").help("h"));
    let log = found.to_sarif();
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    let result = &run["results"][0];
    assert_eq!(run["tool"]["driver"]["rules"][result["ruleIndex"].as_u64().unwrap() as usize]["id"], "duplicate-name");
    assert_eq!(result["ruleId"], "duplicate-name");
    assert_eq!(result["level"], "error");
    assert_eq!(result["message"]["text"], "m (help: h)");
    let region = &result["locations"][0]["physicalLocation"]["region"];
    assert_eq!((&region["startLine"], &region["startColumn"], &region["endColumn"]), (&json!(1), &json!(5), &json!(6)));
    assert_eq!(result["locations"][0]["logicalLocations"][0]["fullyQualifiedName"], "/Tasks/1/Name");
    assert_eq!(result["relatedLocations"][0]["message"]["text"], "first");
}

#[test]
fn sarif_log_of_several_documents_is_one_run_with_unique_rules() {
    let one = about("a: 1\n", Diagnostic::error(Code::SYNTAX, "m", None, ""));
    let mut two = Diagnostics::new(Some(SourceText::new("dir/ACS::X 你.yml", "b: 2\n")));
    two.push(Diagnostic::warning(Code::UNKNOWN_KEY, "n", None, "/b"));
    let log = sarif_log([&one, &two]);
    assert_eq!(log["runs"].as_array().unwrap().len(), 1);
    let results = log["runs"][0]["results"].as_array().unwrap();
    let uri = |i: usize| results[i]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].clone();
    assert_eq!((uri(0), uri(1)), (json!("reboot.yml"), json!("dir/ACS%3A%3AX%20%E4%BD%A0.yml")));
    let rules = log["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap();
    let ids: std::collections::BTreeSet<_> = rules.iter().map(|rule| rule["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), Code::ALL.len());
}

#[test]
fn lsp_positions_count_utf16_units_from_zero() {
    let text = "a: 1\nb: 😀你x\n";
    let found = about(text, Diagnostic::warning(Code::UNKNOWN_KEY, "m", span(text, "x"), "/b").help("h"));
    let lsp = found.to_lsp();
    assert_eq!(lsp["uri"], "reboot.yml");
    let diagnostic = &lsp["diagnostics"][0];
    assert_eq!(diagnostic["range"], json!({"start": {"line": 1, "character": 6}, "end": {"line": 1, "character": 7}}));
    assert_eq!(diagnostic["severity"], 2);
    assert_eq!(diagnostic["code"], "unknown-key");
    assert_eq!(diagnostic["message"], "m\nhelp: h");
}
