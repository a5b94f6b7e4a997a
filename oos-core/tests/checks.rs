//! Golden files: `tests/golden_checks/<case>/template.yml`, and all findings about it as people see them.
//!
//! Rewrite them with `OOS_BLESS=1 cargo test -p oos-core --features catalogue --test checks`, then read the difference.
//! The actions are declarations without bodies, in the shapes of the real ones.

#![expect(clippy::unwrap_used, reason = "tests")]
#![expect(clippy::disallowed_methods, reason = "tests read the environment")]

mod check_support;

use std::{fs, path::PathBuf};

use check_support::{compile, environment};
use oos_core::{
    Limits, Template,
    diagnostic::{Code, Diagnostics},
    source::SourceText,
};

const HEAD: &str = "# Made by: OOS_BLESS=1 cargo test -p oos-core --features catalogue --test checks\n\n";

/// Cases that need the API catalogue.
const WITH_CATALOGUE: [&str; 2] = ["unknown-api", "unknown-api-parameter"];

fn golden() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden_checks")
}

fn cases() -> Vec<String> {
    let entries = fs::read_dir(golden()).unwrap();
    let mut cases: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    cases.retain(|case| cfg!(feature = "catalogue") || !WITH_CATALOGUE.contains(&case.as_str()));
    cases.sort();
    cases
}

fn findings(case: &str) -> Diagnostics {
    let text = fs::read_to_string(golden().join(case).join("template.yml")).unwrap();
    let mut limits = Limits::default();
    if case == "limit-loop-items" {
        limits.loop_items = 2;
    }
    compile(SourceText::new("template.yml", text), &environment(limits))
}

#[test]
fn findings_look_as_in_the_golden_files() {
    let bless = std::env::var("OOS_BLESS").is_ok();
    let mut different = Vec::new();
    for case in cases() {
        let path = golden().join(&case).join("expected.txt");
        let rendered = format!("{HEAD}{}", findings(&case).render());
        if bless {
            fs::write(&path, &rendered).unwrap();
        } else if fs::read_to_string(&path).unwrap_or_default() != rendered {
            different.push(format!("--- {case}\n{rendered}"));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}

#[test]
fn every_code_has_a_case_of_its_name() {
    let parsing = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    for (code, _) in Code::ALL {
        let name = code.kebab();
        if WITH_CATALOGUE.contains(&name.as_str()) && !cfg!(feature = "catalogue") {
            println!("skipped: {name} needs the feature `catalogue`");
        } else if golden().join(&name).is_dir() {
            assert!(findings(&name).iter().any(|finding| finding.code == *code), "no finding `{code}` in its case");
        } else {
            assert!(parsing.join(&name).is_dir(), "no case for `{code}`");
        }
    }
}

#[test]
fn what_is_right_has_no_findings() {
    let clean: Vec<_> = cases().into_iter().filter(|case| case.starts_with("clean-")).collect();
    assert_eq!(clean.len(), 3);
    for case in clean {
        let found = findings(&case);
        assert!(found.is_empty(), "{case}\n{}", found.render());
    }
}

#[test]
fn messages_follow_the_rules_for_messages() {
    for case in cases() {
        for finding in findings(&case).iter() {
            let message = &finding.message;
            assert!(!message.ends_with('.') && !message.contains('\n'), "{case}: {message}");
            assert!(!message.starts_with(char::is_uppercase), "{case}: {message}");
            assert!(finding.primary.span.is_some(), "{case}: no place for {message}");
        }
    }
}

#[test]
fn pointers_lead_to_nodes() {
    for case in cases() {
        let text = fs::read_to_string(golden().join(&case).join("template.yml")).unwrap();
        let Ok(template) = Template::parse(&text) else { continue };
        let document = template.to_node().to_value().to_json();
        for finding in findings(&case).iter() {
            // What is missing has the pointer of where it belongs.
            let parent = finding.pointer.rsplit_once('/').map_or("", |(parent, _)| parent);
            let found = document.pointer(&finding.pointer).or_else(|| document.pointer(parent));
            assert!(found.is_some(), "{case}: nothing at `{}`: {}", finding.pointer, finding.message);
        }
    }
}
