//! Templates within the size limit that were made to cost much: all that is done with them ends soon.

use std::{
    fmt::Write,
    time::{Duration, Instant},
};

use oos_core::{
    Limits, Value,
    expr::{FunctionContext, Functions, Kind},
    selector::SelectorCache,
};

use super::{NAP, findings, template};

/// CHOICE: what was mended took minutes; an unoptimised build on a busy machine may take some seconds.
const ALLOWED: Duration = Duration::from_secs(20);

/// Checks and renders in every form, and gives the number of findings.
fn soon(what: &str, text: &str) -> usize {
    assert!(text.len() <= Limits::default().template_bytes, "{what}: {} bytes", text.len());
    let start = Instant::now();
    let found = findings(text);
    let written = [found.render(), found.to_sarif().to_string(), found.to_lsp().to_string()];
    assert!(start.elapsed() < ALLOWED, "{what} took {:?}", start.elapsed());
    assert!(written.iter().all(|text| !text.is_empty() || found.is_empty()));
    found.len()
}

fn list(count: usize, separator: &str, entry: impl Fn(usize) -> String) -> String {
    (0..count).map(entry).collect::<Vec<_>>().join(separator)
}

#[test]
fn thousands_of_unknown_names_on_one_line() {
    let names = list(3_000, " ", |i| format!("{{{{ x{i} }}}}"));
    let parameters = format!("Parameters: {{{}}}", list(60, ", ", |i| format!("p{i}: {{}}")));
    let task = format!("{{Name: a, Action: ACS::Sleep, Properties: {{Duration: '{names}'}}}}");
    assert_eq!(soon("names", &template(&parameters, &task)), 3_000);
}

#[test]
fn long_names_that_are_nearly_alike() {
    let parameters = list(150, ", ", |i| format!("{}{i}: {{}}", "p".repeat(180)));
    let names = list(50, " ", |i| format!("{{{{ {}{}{i} }}}}", "p".repeat(90), "q".repeat(89)));
    let task = format!("{{Name: a, Action: ACS::Sleep, Properties: {{Duration: '{names}'}}}}");
    assert_eq!(soon("long names", &template(&format!("Parameters: {{{parameters}}}"), &task)), 200);
}

#[test]
fn a_choice_with_jumps_back_to_every_task() {
    let tasks = list(99, ", ", |i| format!("{{{}}}", NAP.replace("nap", &format!("t{i}"))));
    let choices = list(1_500, ",", |i| format!("{{When: true, NextTask: t{}}}", i % 99));
    let choice = format!("{{Name: c, Action: ACS::Choice, Properties: {{DefaultTask: t0, Choices: [{choices}]}}}}");
    assert_eq!(soon("jumps", &template("", &format!("{tasks}, {choice}"))), 1_501 + 1);
}

#[test]
fn conditions_that_every_task_asks() {
    let conditions = list(1_000, ", ", |i| format!("c{i}: {{'Fn::Or': [c999, c{}]}}", (i + 1).min(999)));
    let conditions = conditions.replace("c999: {'Fn::Or': [c999, c999]}", "c999: {'Fn::Equals': [1, 1]}");
    let tasks = list(90, ", ", |i| format!("{{{}, When: c{}}}", NAP.replace("nap", &format!("t{i}")), 950 + i % 40));
    assert_eq!(soon("conditions", &template(&format!("Conditions: {{{conditions}}}"), &tasks)), 1);
}

#[test]
fn patterns_that_are_large_when_compiled() {
    let pattern = "'(?:(?:\\w{99}){9})'";
    let parameters = list(60, ", ", |i| format!("p{i}: {{AllowedPattern: {pattern}, Default: a}}"));
    assert!(soon("patterns", &template(&format!("Parameters: {{{parameters}}}"), &format!("{{{NAP}}}"))) >= 60);
}

/// Once, finding the end of each name took a walk to the end of the text.
#[test]
fn a_substitution_reads_its_text_once() {
    let functions = Functions::default();
    let Some(Kind::Strict(sub)) = functions.get("Fn::Sub").map(|f| f.kind) else { panic!("Fn::Sub is strict") };
    let (limits, selectors) = (Limits::default(), SelectorCache::default());
    let context = FunctionContext { now: oos_core::Timestamp::default(), limits: &limits, selectors: &selectors };
    let mut text = "${".repeat(1_000_000);
    text.write_char('}').unwrap();
    let start = Instant::now();
    assert_eq!(sub(&Value::from(text.as_str()), &context), Ok(Value::from(text)));
    assert!(start.elapsed() < ALLOWED, "it took {:?}", start.elapsed());
}
