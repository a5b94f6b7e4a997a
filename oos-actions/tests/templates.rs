//! The embedded product actions as files: they parse, they keep the conventions of their README, they call only each
//! other, and they take and give what the official definitions take and give.
//!
//! The official definitions are read from the directory that `OOS_CORPUS` names; without it those tests say so and pass.

#![expect(clippy::disallowed_methods, reason = "tests read the environment")]
#![expect(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "tests")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use oos_core::{
    Limits, Template,
    diagnostic::Code,
    plan::{Environment, Plan},
    source::{Node, NodeKind, SourceText},
    template::{Parameter, Task},
};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("templates")
}

fn entries(dir: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    entries
}

/// File path relative to the folder, without `.yml`, and text.
fn files() -> Vec<(String, String)> {
    let folders = entries(&folder()).into_iter().filter(|path| path.is_dir());
    let files = folders.flat_map(|dir| entries(&dir));
    let name = |path: &Path| path.strip_prefix(folder()).unwrap().with_extension("").to_str().unwrap().to_owned();
    files.map(|path| (name(&path), fs::read_to_string(&path).unwrap())).collect()
}

fn parse(name: &str, text: &str) -> Template {
    let source = SourceText::new(name, text);
    Template::parse_source(source, &Limits::default()).unwrap_or_else(|found| panic!("{name}:\n{found}"))
}

/// Action name, as the first line gives it, to template.
fn actions() -> BTreeMap<String, Template> {
    let action = |text: &str| text.lines().next().unwrap().trim_start_matches("# ").to_owned();
    files().into_iter().map(|(name, text)| (action(&text), parse(&name, &text))).collect()
}

/// Our template beside the official one.
fn pairs() -> Vec<(String, Template, Template)> {
    let Ok(corpus) = std::env::var("OOS_CORPUS") else {
        println!("skipped: OOS_CORPUS is not set");
        return Vec::new();
    };
    let official = |action: &str| {
        let name = format!("{}.yml", action.replace("::", "."));
        parse(&name, &fs::read_to_string(Path::new(&corpus).join("actions").join(&name)).unwrap())
    };
    actions()
        .into_iter()
        .map(|(name, ours)| {
            let theirs = official(&name);
            (name, ours, theirs)
        })
        .collect()
}

fn strings(node: &Node, found: &mut Vec<String>) {
    match &node.kind {
        NodeKind::Map(entries) => entries.iter().for_each(|(_, value)| strings(value, found)),
        NodeKind::List(items) => items.iter().for_each(|item| strings(item, found)),
        _ => found.extend(node.as_str().map(str::to_owned)),
    }
}

fn descriptions(template: &Template) -> Vec<&Node> {
    let tasks = template.tasks.iter().filter_map(|task| task.description.as_ref());
    template.description.iter().chain(tasks).collect()
}

/// What a parameter is, where its name and type do not say it all.
fn parameter_descriptions(template: &Template) -> Vec<&Node> {
    template.parameters.iter().filter_map(|parameter| parameter.console("Description")).collect()
}

#[test]
fn every_file_parses_without_a_finding() {
    let files = files();
    assert_eq!(files.len(), 186);
    for (name, text) in files {
        let template = parse(&name, &text);
        assert!(template.warnings.is_empty(), "{name}:\n{}", template.warnings);
        assert!(template.unknown.is_empty() && template.metadata.is_none() && template.ram_role.is_none(), "{name}");
    }
}

/// Names and parameters are the service's, so its unused parameters, shown passwords and wrong defaults are there too.
#[test]
fn every_file_compiles_with_no_other_warning_than_the_official_ones_have() {
    let environment = Environment::new(Arc::new(oos_actions::standard()));
    for (name, template) in actions() {
        let plan = Plan::compile(&template, &environment).unwrap_or_else(|found| panic!("{name}:\n{found}"));
        let known = |code: Code| [Code::UNUSED_PARAMETER, Code::SECRET_ECHO, Code::PARAMETER_DEFAULT].contains(&code);
        let new: Vec<_> = plan.warnings.iter().filter(|w| !known(w.code)).map(|w| w.message.clone()).collect();
        assert!(new.is_empty(), "{name}: {new:?}");
    }
}

#[test]
fn descriptions_of_parameters_are_short_and_plain() {
    let mut count = 0;
    for (name, template) in actions() {
        for node in parameter_descriptions(&template) {
            let text = node.as_str().unwrap();
            assert!(!text.is_empty() && text.len() <= 90 && !text.ends_with('.'), "{name}: {text}");
            count += 1;
        }
    }
    assert!(count > 250, "{count}");
}

#[test]
fn printing_and_parsing_again_changes_nothing() {
    for (name, template) in actions() {
        assert_eq!(parse(&name, &template.to_yaml()), template, "{name}");
    }
}

#[test]
fn the_first_line_names_the_action_of_the_path() {
    for (name, text) in files() {
        let parts: Vec<_> = text.lines().next().unwrap().split("::").collect();
        assert_eq!(parts.first(), Some(&"# ACS"), "{name}");
        assert_eq!(format!("{}/{}", parts[1].to_lowercase(), parts[2]), name);
        assert_eq!(text.lines().nth(1), Some("FormatVersion: OOS-2019-06-01"), "{name}");
    }
}

#[test]
fn every_template_and_task_has_a_plain_description() {
    for (name, template) in actions() {
        let plain = descriptions(&template).into_iter().filter(|node| node.as_str().is_some()).count();
        assert_eq!(plain, template.tasks.len() + 1, "{name}");
    }
}

#[test]
fn text_is_ascii() {
    for (name, text) in files() {
        assert!(text.is_ascii(), "{name}");
    }
}

fn called(task: &Task) -> Option<String> {
    let nested = task.properties.as_ref().and_then(|p| p.get("TemplateName")).and_then(Node::as_str);
    let action = nested.unwrap_or(task.action.value.as_str());
    (action.split("::").count() == 3).then(|| action.to_owned())
}

#[test]
fn product_actions_call_only_each_other() {
    let actions = actions();
    for (name, template) in &actions {
        for called in template.tasks.iter().filter_map(called) {
            assert!(actions.contains_key(&called), "{name} calls {called}");
        }
    }
}

#[test]
fn readme_lists_exactly_the_files() {
    let readme = fs::read_to_string(folder().join("README.md")).unwrap();
    let rows = readme.lines().filter_map(|line| line.strip_prefix("| ACS::"));
    let mut listed: Vec<_> = rows.map(|row| format!("ACS::{}", row.split([' ', '|']).next().unwrap())).collect();
    listed.sort();
    assert_eq!(listed, actions().into_keys().collect::<Vec<_>>());
}

/// Text of a default with the blanks inside reference braces taken out.
fn default_text(parameter: &Parameter) -> Option<String> {
    let text = parameter.default.as_ref()?.to_value().to_text();
    Some(text.replace("{{ ", "{{").replace(" }}", "}}"))
}

/// Defaults that are texts of the service's authors, beside those of the DingTalk messages.
const OWN_TEXT: [&str; 1] = ["ACS::FC::ExecuteScript script"];

fn same_default(ours: &Parameter, theirs: &Parameter) -> bool {
    let value = |p: &Parameter| p.default.as_ref().map(Node::to_value);
    value(ours) == value(theirs) || default_text(ours) == default_text(theirs)
}

#[test]
fn parameters_equal_the_official_ones() {
    for (action, ours, theirs) in pairs() {
        assert_eq!(ours.parameters.len(), theirs.parameters.len(), "{action}");
        for (ours, theirs) in ours.parameters.iter().zip(&theirs.parameters) {
            let name = format!("{action} {}", theirs.name.value.as_str());
            let own_text = OWN_TEXT.contains(&name.as_str()) || action.ends_with("::DingTalkWebhook");
            assert_eq!(ours.name.value.as_str(), theirs.name.value.as_str(), "{name}");
            assert_eq!(ours.value_type, theirs.value_type, "{name}");
            assert!(own_text || same_default(ours, theirs), "{name}");
            assert_eq!(ours.allowed_values, theirs.allowed_values, "{name}");
            assert_eq!(ours.allowed_pattern, theirs.allowed_pattern, "{name}");
            assert_eq!(ours.min_length, theirs.min_length, "{name}");
            assert_eq!(ours.max_length, theirs.max_length, "{name}");
            assert_eq!(ours.min_value, theirs.min_value, "{name}");
            assert_eq!(ours.max_value, theirs.max_value, "{name}");
            assert_eq!(ours.is_no_echo(), theirs.is_no_echo(), "{name}");
        }
    }
}

/// What a failure text or a recorded call shows of a task.
fn outline(task: &Task) -> String {
    let property = |key: &str| task.properties.as_ref().and_then(|p| p.get(key)).map(|node| node.to_value().to_text());
    let keys = |node: Option<&Node>| {
        let mut keys: Vec<_> = node.and_then(Node::as_map).into_iter().flatten().map(|(k, _)| k.text.clone()).collect();
        keys.sort();
        keys
    };
    format!(
        "{} {} {:?} {:?} {:?} {:?} {:?}",
        task.name.value.as_str(),
        task.action.value.as_str().to_lowercase(),
        property("Service"),
        property("API"),
        keys(task.properties.as_ref().and_then(|p| p.get("Parameters"))),
        property("DesiredValues").map(|text| text.replace("{{ ", "{{").replace(" }}", "}}")),
        task.outputs.iter().map(|output| output.name.value.as_str()).collect::<Vec<_>>(),
    )
}

#[test]
fn tasks_equal_the_official_ones_in_order_calls_and_outputs() {
    for (action, ours, theirs) in pairs() {
        let outlines = |template: &Template| template.tasks.iter().map(outline).collect::<Vec<_>>();
        assert_eq!(outlines(&ours), outlines(&theirs), "{action}");
    }
}

#[test]
fn retries_equal_the_official_ones() {
    let text = |node: &Option<Node>, default: &str| {
        node.as_ref().map_or_else(|| default.to_owned(), |node| node.to_value().to_text().to_string())
    };
    let retry = |task: &Task| {
        let waits = task.action.value.as_str().eq_ignore_ascii_case("ACS::WaitFor");
        let kind = text(&task.retry.delay_type, "Exponential");
        let delay = if kind == "Exponential" { String::new() } else { text(&task.retry.delay, "2") };
        let longest = text(&task.retry.max_retry_interval, "1800");
        (text(&task.retry.retries, if waits { "10" } else { "0" }), kind, delay, longest)
    };
    for (action, ours, theirs) in pairs() {
        for (ours, theirs) in ours.tasks.iter().zip(&theirs.tasks) {
            assert_eq!(retry(ours), retry(theirs), "{action} {}", ours.name.value.as_str());
        }
    }
}

#[test]
fn outputs_equal_the_official_ones() {
    for (action, ours, theirs) in pairs() {
        let names = |template: &Template| {
            template
                .outputs
                .iter()
                .map(|o| (o.name.value.as_str().to_owned(), o.value_type.clone()))
                .collect::<Vec<_>>()
        };
        assert_eq!(names(&ours), names(&theirs), "{action}");
    }
}

#[test]
fn no_description_is_an_official_one() {
    let pairs = pairs();
    let mut official = Vec::new();
    for (_, _, theirs) in &pairs {
        let nodes = descriptions(theirs).into_iter().chain(parameter_descriptions(theirs));
        nodes.for_each(|node| strings(node, &mut official));
    }
    for (action, ours, _) in &pairs {
        let nodes = descriptions(ours).into_iter().chain(parameter_descriptions(ours));
        for text in nodes.filter_map(Node::as_str) {
            assert!(!official.iter().any(|known| known.eq_ignore_ascii_case(text)), "{action}: {text}");
        }
    }
}
