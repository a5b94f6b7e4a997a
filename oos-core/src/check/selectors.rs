//! Selectors and jq programs that only their references keep from being compiled: with placeholders they should be.
//!
//! Literal ones are compiled with the plan. Here are `PropertySelector`, which actions compile themselves, and all
//! texts with references, whose values go into the program before jq sees it (template-language 3.3).

use super::walk::{is_plain, members};
use crate::{
    diagnostic::{Diagnostic, Diagnostics, Severity},
    expr::selector_error,
    plan::{Plan, escape},
    ports::action::ActionClass,
    selector::{Selector, SelectorError},
    source::{Node, SourceText},
    template::{Task, Template},
};

/// CHOICE: what stands for a reference, one after the other, until the program compiles: a value, a number, a bare
/// word, a text, a path, a list, a map. Authors write quotes around references themselves.
const PLACEHOLDERS: [&str; 7] = ["null", "0", "x", "\"x\"", ".x", "[]", "{}"];
/// CHOICE: references for which all mixtures of the first [`MIXED`] placeholders are tried.
const MOST_MIXED: u32 = 3;
const MIXED: usize = 4;

pub(super) fn check(template: &Template, plan: &Plan, found: &mut Diagnostics) {
    for (i, (task, compiled)) in template.tasks.iter().zip(&plan.tasks).enumerate() {
        let pointer = format!("/Tasks/{i}");
        let inner = compiled.action.is("ACS::Loop");
        for output in task.outputs.iter().filter(|_| !inner) {
            let pointer = format!("{pointer}/Outputs/{}/ValueSelector", escape(output.name.value.as_str()));
            if let Some(node) = output.selector.as_ref().filter(|node| is_mixed(node)) {
                with_placeholders(node, &pointer, Selector::parse, found);
            }
        }
        if compiled.signature.class == ActionClass::Api {
            property_selectors(task, &pointer, template.source.as_ref(), found);
        }
        programs(task, inner, &pointer, found);
    }
    for output in &template.outputs {
        let pointer = format!("/Outputs/{}/Value", escape(output.name.value.as_str()));
        output.value.iter().for_each(|node| jq(node, &pointer, found));
    }
    for condition in &template.conditions {
        jq(&condition.node, &format!("/Conditions/{}", escape(condition.name.value.as_str())), found);
    }
}

/// `PropertySelector` of WaitFor, CheckFor, and the rules of ExecuteHttpRequest.
fn property_selectors(task: &Task, pointer: &str, source: Option<&SourceText>, found: &mut Diagnostics) {
    let Some(properties) = &task.properties else { return };
    members(properties, &format!("{pointer}/Properties"), &mut |key, node, pointer| {
        if key != "PropertySelector" {
            return;
        }
        if is_mixed(node) {
            with_placeholders(node, pointer, Selector::parse, found);
        } else if let Some((text, Err(error))) = plain_text(node).map(|text| (text, Selector::parse(text))) {
            found.push(selector_error(&error, text, node.span, pointer, source));
        }
    });
}

fn plain_text(node: &Node) -> Option<&str> {
    node.as_str().filter(|_| is_plain(node))
}

/// Programs of `Fn::Jq` anywhere in a task; what stands in `LoopTasks` is checked with those tasks.
fn programs(task: &Task, inner: bool, pointer: &str, found: &mut Diagnostics) {
    let properties = task.properties.as_ref().filter(|_| !inner);
    properties.into_iter().for_each(|node| jq(node, &format!("{pointer}/Properties"), found));
    task.when.iter().for_each(|node| jq(node, &format!("{pointer}/When"), found));
    for output in &task.outputs {
        let pointer = format!("{pointer}/Outputs/{}/ValueSelector", escape(output.name.value.as_str()));
        output.selector.iter().for_each(|node| jq(node, &pointer, found));
    }
    let items = task.looping.as_ref().and_then(|l| l.items.as_ref());
    items.into_iter().for_each(|node| jq(node, &format!("{pointer}/Loop/Items"), found));
}

fn jq(node: &Node, pointer: &str, found: &mut Diagnostics) {
    members(node, pointer, &mut |key, node, pointer| {
        let program = node.as_list().and_then(|list| list.get(1)).filter(|_| key == "Fn::Jq");
        if let Some(program) = program.filter(|program| is_mixed(program)) {
            with_placeholders(program, &format!("{pointer}/1"), Selector::parse_program, found);
        }
    });
}

/// Text with at least one reference, and something beside it.
fn is_mixed(node: &Node) -> bool {
    node.as_str().map(str::trim).is_some_and(|text| match pieces(text).as_slice() {
        [] | [_] => false,
        [first, last] => !(first.is_empty() && last.is_empty()),
        _ => true,
    })
}

/// The text around the references.
fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((_, after)) = after.split_once("}}") else { break };
        pieces.push(before);
        rest = after;
    }
    pieces.push(rest);
    pieces
}

type Compile = fn(&str) -> Result<Selector, SelectorError>;

fn with_placeholders(node: &Node, pointer: &str, compile: Compile, found: &mut Diagnostics) {
    let Some(text) = node.as_str() else { return };
    let pieces = pieces(text);
    let alone = PLACEHOLDERS.iter().map(|placeholder| vec![*placeholder; pieces.len() - 1]);
    let mut first = None;
    for fillings in alone.chain(mixtures(pieces.len() - 1)) {
        match compile(&filled(&pieces, &fillings)) {
            Ok(_) => return,
            Err(error) => first = first.or(Some(error)),
        }
    }
    if let Some(error) = first {
        // The fault stands in the text with placeholders.
        let finding = selector_error(&error, text, node.span, pointer, None);
        let help = "whatever its references give, it does not compile".to_owned();
        found.push(Diagnostic { severity: Severity::Warning, help: Some(help), ..finding });
    }
}

fn filled(pieces: &[&str], fillings: &[&str]) -> String {
    let fillings = fillings.iter().chain(std::iter::once(&""));
    pieces.iter().zip(fillings).map(|(piece, filling)| format!("{piece}{filling}")).collect()
}

/// All mixtures of a few placeholders for a few references.
fn mixtures(references: usize) -> impl Iterator<Item = Vec<&'static str>> {
    let count = u32::try_from(references).unwrap_or(u32::MAX);
    let total = if (2..=MOST_MIXED).contains(&count) { MIXED.pow(count) } else { 0 };
    let pick = move |mixture: usize| {
        let digits = (0..count).map(move |place| mixture / MIXED.pow(place) % MIXED);
        digits.filter_map(|digit| PLACEHOLDERS.get(digit).copied()).collect()
    };
    (0..total).map(pick)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_around_references_is_found() {
        assert_eq!(pieces("a {{ b }} c {{d}}"), ["a ", " c ", ""]);
        assert_eq!(pieces(".a | {b: {c: 1}}"), [".a | {b: {c: 1}}"]);
        assert_eq!(filled(&pieces("map({{ a }})"), &["null"]), "map(null)");
        assert_eq!(mixtures(2).count(), 16);
        assert_eq!(mixtures(9).count(), 0);
    }
}
