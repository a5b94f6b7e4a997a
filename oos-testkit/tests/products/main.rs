//! The embedded product actions beside the official definitions of the same name, on the fake cloud.
//!
//! A table of cases says what is set up and how the action ends. Ours run each case alone. When `OOS_CORPUS` names the
//! official definitions, both run each case, and each success path again and again with another of its APIs refusing:
//! same calls at the same instants, same outputs, same failure, same state of the cloud. What differs stands in
//! `differences.txt` with the reason, and nothing more may stand there.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stdout, reason = "tests")]

mod attach;
mod compute;
mod fleet;
mod guest;
mod observe;
mod other;
mod scaling;
mod service;
mod single;
mod storage;

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use oos_core::machine::ExecutionStatus;
use oos_testkit::prelude::*;

use observe::{Observed, differences, official, ours};

/// One way to run an action.
struct Case {
    action: &'static str,
    path: &'static str,
    /// Makes what is there before, and gives the properties.
    set_up: fn(&FakeCloud) -> Value,
    /// Code of the failure; none for success.
    fails: Option<&'static str>,
}

const fn good(action: &'static str, path: &'static str, set_up: fn(&FakeCloud) -> Value) -> Case {
    Case { action, path, set_up, fails: None }
}

const fn bad(action: &'static str, path: &'static str, code: &'static str, set_up: fn(&FakeCloud) -> Value) -> Case {
    Case { action, path, set_up, fails: Some(code) }
}

fn cases() -> impl Iterator<Item = &'static Case> {
    let all = [
        compute::CASES,
        storage::CASES,
        scaling::CASES,
        other::CASES,
        attach::CASES,
        guest::CASES,
        fleet::CASES,
        service::CASES,
        single::CASES,
    ];
    all.into_iter().flatten()
}

/// The embedded actions without `ACS::`, in order.
fn embedded() -> BTreeSet<&'static str> {
    oos_actions::product::embedded().names().filter_map(|name| name.as_str().strip_prefix("ACS::")).collect()
}

/// Product actions that a template names, in tasks or as the template of one.
fn named(task: &oos_core::template::Task) -> Option<String> {
    let nested = task.properties.as_ref().and_then(|p| p.get("TemplateName")).and_then(oos_core::source::Node::as_str);
    let name = nested.unwrap_or(task.action.value.as_str());
    Some(name.strip_prefix("ACS::")?.to_owned()).filter(|name| name.split("::").count() == 2)
}

#[test]
fn every_action_that_a_public_template_calls_is_embedded() {
    let Some(corpus) = oos_testkit::corpus() else {
        println!("skipped: OOS_CORPUS is not set");
        return;
    };
    let known: BTreeSet<String> = embedded().iter().map(|name| name.to_lowercase()).collect();
    let mut missing = BTreeSet::new();
    let mut calls = 0;
    for file in std::fs::read_dir(corpus.join("public")).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let Ok(template) = oos_core::Template::parse(&text) else { continue };
        let names = template.tasks.iter().filter_map(named);
        missing.extend(names.inspect(|_| calls += 1).filter(|name| !known.contains(&name.to_lowercase())));
    }
    assert!(calls > 150, "{calls} calls were seen");
    assert_eq!(missing, BTreeSet::new());
}

#[test]
fn every_action_has_a_success_and_a_failure() {
    let named =
        |good: bool| -> BTreeSet<&str> { cases().filter(|c| c.fails.is_none() == good).map(|c| c.action).collect() };
    let tabled: BTreeSet<&str> = embedded().into_iter().filter(|name| *name != APPROVAL).collect();
    assert_eq!(named(true), tabled);
    assert_eq!(named(false), tabled);
}

/// The action that waits for people, so that no table can run it to its end.
const APPROVAL: &str = "Approve::DingTalkWebhook";

/// The message and what becomes of the action, ours or the official one.
fn approved(official: Option<&Path>, yes: bool) -> (Vec<String>, ExecutionStatus) {
    let bed = TestBed::new(FakeCloud::new());
    let bed = official.map_or_else(|| bed.clone(), |folder| bed.clone().action_directory(folder));
    let text = json!({ "content": "may it go on?" });
    let properties = json!({
        "webhook": "https://oapi.dingtalk.com/robot/send?access_token=0", "text": text, "link": {}, "markdown": {}, "at": {},
    });
    let task = json!({ "Name": "ask", "Action": format!("ACS::{APPROVAL}"), "Properties": properties });
    let run = bed.start_yaml(&json!({ "FormatVersion": "OOS-2019-06-01", "Tasks": [task] }).to_string(), params! {});
    bed.run_until_waiting();
    let decide = if yes { TestBed::approve } else { TestBed::reject };
    decide(&bed, &run, "approveDingTaskWebhook", "ann");
    bed.run_to_end();
    let sent = bed.http().requests();
    (sent.iter().map(|request| String::from_utf8_lossy(&request.body).into_owned()).collect(), run.status())
}

#[test]
fn an_approval_asks_and_goes_by_the_answer() {
    let (messages, status) = approved(None, true);
    assert_eq!((messages.len(), status), (1, ExecutionStatus::Success));
    assert!(messages[0].contains("may it go on?"), "{}", messages[0]);
    assert_eq!(approved(None, false).1, ExecutionStatus::Cancelled);
    if let Some(corpus) = oos_testkit::corpus() {
        let folder = corpus.join("actions");
        assert_eq!(approved(Some(&folder), true), approved(None, true));
        assert_eq!(approved(Some(&folder), false), approved(None, false));
    }
}

/// Runs every case and gathers what goes wrong, so that one run shows all.
fn all<'c>(cases: impl Iterator<Item = &'c Case>, check: impl Fn(&Case) -> Result<(), String>) {
    let mut wrong = Vec::new();
    for case in cases {
        let found = catch_unwind(AssertUnwindSafe(|| check(case)));
        let text = match found {
            Ok(Ok(())) => continue,
            Ok(Err(text)) => text,
            Err(panic) => panic.downcast_ref::<String>().cloned().unwrap_or_else(|| "a panic".to_owned()),
        };
        wrong.push(format!("{} ({}): {text}", case.action, case.path));
    }
    assert!(wrong.is_empty(), "{} cases:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn ours_end_as_the_table_says() {
    all(cases(), |case| {
        let seen = ours(case, None);
        match (&seen.failure, case.fails) {
            (None, None) if seen.ended_well => Ok(()),
            (Some(failure), Some(code)) if failure.split(':').next() == Some(code) => Ok(()),
            (failure, _) => Err(format!("ended with {failure:?}, well: {}\n{}", seen.ended_well, seen.report)),
        }
    });
}

/// Differences that are meant, by action: path and reason.
fn meant() -> BTreeMap<String, BTreeSet<String>> {
    let mut out: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in include_str!("differences.txt").lines().filter(|l| !l.is_empty() && !l.starts_with('#')) {
        let parts: Vec<&str> = line.split(" | ").collect();
        assert!(parts.len() == 3 && parts.iter().all(|p| !p.trim().is_empty()), "action | path | reason: {line}");
        assert!(out.entry(parts[0].trim().to_owned()).or_default().insert(parts[1].trim().to_owned()), "twice: {line}");
    }
    out
}

/// Numbers of the calls that are refused in turn: the first of each API, since later ones are mostly a wait that asks
/// again or another item of a loop.
fn refusable(seen: &Observed) -> impl Iterator<Item = usize> {
    let mut known = BTreeSet::new();
    seen.calls.iter().zip(1..).filter(move |(call, _)| known.insert(&call.name)).map(|(_, n)| n)
}

/// Runs each case of a table both ways.
fn side_by_side(cases: &[Case]) {
    let Some(corpus) = oos_testkit::corpus() else {
        println!("skipped: OOS_CORPUS is not set");
        return;
    };
    let folder = corpus.join("actions");
    let actions: BTreeSet<&str> = cases.iter().map(|case| case.action).collect();
    let mut meant = meant();
    meant.retain(|action, _| actions.contains(action.as_str()));
    let found = RefCell::new(BTreeMap::<String, BTreeSet<String>>::new());
    let pairs = Cell::new(0_usize);
    all(cases.iter(), |case| {
        let compare = |refused: Option<usize>| -> Result<Observed, String> {
            let (mine, theirs) = (ours(case, refused), official(case, refused, &folder));
            pairs.set(pairs.get() + 1);
            let (different, detail) = differences(&mine, &theirs);
            let known = meant.get(case.action).cloned().unwrap_or_default();
            found.borrow_mut().entry(case.action.to_owned()).or_default().extend(different.iter().cloned());
            let new: Vec<_> = different.difference(&known).collect();
            if new.is_empty() { Ok(mine) } else { Err(format!("refused call {refused:?}: {new:?}\n{detail}")) }
        };
        let seen = compare(None)?;
        if case.fails.is_none() {
            for n in refusable(&seen) {
                compare(Some(n))?;
            }
        }
        Ok(())
    });
    println!("{} pairs of runs were compared", pairs.get());
    let mut found = found.into_inner();
    found.retain(|_, paths| !paths.is_empty());
    assert_eq!(found, meant, "differences.txt lists what is not different");
}

#[test]
fn every_difference_is_one_of_an_embedded_action() {
    for action in meant().keys() {
        assert!(embedded().contains(action.as_str()), "{action}");
    }
}

#[test]
fn instances_and_commands_do_the_same() {
    side_by_side(compute::CASES);
}

#[test]
fn disks_and_images_do_the_same() {
    side_by_side(storage::CASES);
}

#[test]
fn scaling_groups_do_the_same() {
    side_by_side(scaling::CASES);
}

#[test]
fn stacks_and_databases_do_the_same() {
    side_by_side(other::CASES);
}

#[test]
fn what_hangs_on_an_instance_does_the_same() {
    side_by_side(attach::CASES);
}

#[test]
fn work_inside_machines_does_the_same() {
    side_by_side(guest::CASES);
}

#[test]
fn service_instances_do_the_same() {
    side_by_side(service::CASES);
}

#[test]
fn small_things_do_the_same() {
    side_by_side(single::CASES);
}

#[test]
fn work_on_many_resources_does_the_same() {
    side_by_side(fleet::CASES);
}
