//! Golden journals: runs that were recorded once and must be read for ever (durability.md 1, rule 3).
//!
//! `tests/journals/<case>/` holds the header with its templates, one record a line as stores keep it, the events that
//! the records lead to, and the end. Record a new case, or an old one whose events have become better, with
//! `OOS_BLESS=1 cargo test -p oos-testkit --test crash golden`, then read the difference: header and records of an old case
//! must not change, unless the format's version does.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use oos_core::{
    Limits, Template, TemplateName,
    engine::MemoryStore,
    ids::MachinePath,
    machine::{Effect, InputKind, Tree, TreeOptions},
    plan::{Environment, Plan, PlanSet},
    ports::{
        ExecutionEvent,
        index::{ExecutionIndex, OwnerId},
        store::{
            ExecutionHeader, ExecutionStore, JOURNAL_FORMAT, Journal, JournalWrite, PinnedTemplate, Record, StoreError,
        },
    },
    source::SourceText,
};
use oos_testkit::{InPlace, in_place::wait, prelude::*};

use crate::{
    cases::CASES,
    world::{Case, START},
};

/// The runs that are kept, and the folder of each.
const KEPT: [(&str, &str); 14] = [
    ("loop-of-product-actions", "loop of product actions"),
    ("approval", "approval of two"),
    ("timer-trigger", "timer trigger"),
    ("event-trigger", "event trigger"),
    ("trigger-by-hand", "trigger by hand with new parameters"),
    ("handler", "failure with handler"),
    ("second-cancel", "second cancel"),
    ("nested-cancel", "cancel in nested children"),
    ("polling", "polling"),
    ("computed-name", "nested template by computed name"),
    ("stored-parameters", "stored parameters"),
    ("failed-items", "FailurePause of items"),
    ("batches", "batches with pauses"),
    ("debug", "Debug, step by step"),
];

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/journals").join(name)
}

fn read(name: &str, file: &str) -> String {
    let path = folder(name).join(file);
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}; record it with OOS_BLESS=1", path.display()))
}

/// A journal as it lies in the repository.
fn kept(name: &str) -> Journal {
    let header = serde_json::from_str(&read(name, "header.json")).unwrap();
    let lines = read(name, "records.jsonl");
    let records = lines.lines().zip(1..).map(|(line, seq)| Record::decode(seq, line.as_bytes()).unwrap()).collect();
    Journal { header, snapshot: None, records }
}

fn environment() -> Environment {
    Environment::new(Arc::new(oos_actions::standard()))
}

fn plan(template: &PinnedTemplate) -> Arc<Plan> {
    let source = SourceText::new(template.name.clone(), template.text.clone());
    let mut parsed = Template::parse_source(source, &Limits::unlimited()).unwrap();
    parsed.digest = template.digest.clone();
    let name = (!template.name.is_empty()).then(|| TemplateName::new(template.name.clone()));
    Arc::new(Plan { name, ..Plan::compile(&parsed, &environment()).unwrap() })
}

/// A tree that has not started, with the templates of a header.
fn tree(header: &ExecutionHeader) -> Tree {
    let mut plans = PlanSet::default();
    let mut root = None;
    for template in &header.templates {
        let plan = plan(template);
        if template.digest == header.digest {
            root.get_or_insert_with(|| plan.clone());
        }
        match plan.name.clone() {
            Some(name) => plans.insert(name, template.version.clone(), plan),
            None => plans.insert_anonymous(plan),
        }
    }
    Tree::new(header.id.clone(), root.unwrap(), plans, TreeOptions::default())
}

/// What the records lead to: events, one a line, and the end.
fn replayed(journal: &Journal) -> (String, String) {
    let mut tree = tree(&journal.header);
    let mut events = String::new();
    for record in &journal.records {
        if let InputKind::Linked { result: Ok(linked), .. } = &record.input.kind {
            let mut below = PlanSet::default();
            for template in &linked.below {
                below.insert(TemplateName::new(template.name.clone()), template.version.clone(), plan(template));
            }
            tree.add_plan(plan(&linked.template), below);
        }
        let applied = tree.apply(&record.input);
        assert_eq!(applied.refused, None, "record {} of {}", record.seq, journal.header.id);
        for effect in applied.effects {
            let Effect::Emit { execution, number, at, kind, .. } = effect else { continue };
            let event = ExecutionEvent { number, at, execution, kind: *kind };
            events.push_str(&serde_json::to_string(&event).unwrap());
            events.push('\n');
        }
    }
    let ended = tree.ended().unwrap();
    let root = tree.report(&MachinePath::root()).unwrap();
    let tasks = root.tasks.iter().map(|t| format!("{} {} run {}", t.name, t.status, t.run));
    let mut end = format!("{}\n{}\n", ended.status, ended.outputs);
    end.push_str(&ended.failure.map(|f| format!("{}\n", f.error)).unwrap_or_default());
    tasks.for_each(|line| end.push_str(&format!("{line}\n")));
    (events, end)
}

fn record(case: &Case) -> Journal {
    let cloud = FakeCloud::at(START);
    (case.cloud)(&cloud);
    let store = InPlace::new(MemoryStore::new().keeping_history());
    let bed = TestBed::on(&cloud).store(store.clone());
    (case.bed)(&bed);
    let run = bed.start_with(case.template, Value::empty_map(), case.options("exec-golden"));
    case.drive(&bed, &store, run.handle());
    assert!(run.finished().is_some(), "{}", case.name);
    wait(store.history(run.id())).unwrap()
}

fn bless(name: &str, case: &Case) {
    let folder = folder(name);
    fs::create_dir_all(&folder).unwrap();
    // A journal that is kept stays as it was written; what it leads to may have become better.
    if !folder.join("records.jsonl").exists() {
        let journal = record(case);
        let header = serde_json::to_string_pretty(&journal.header).unwrap();
        fs::write(folder.join("header.json"), header + "\n").unwrap();
        let lines = journal.records.iter().map(|r| String::from_utf8(r.encode().unwrap()).unwrap() + "\n");
        fs::write(folder.join("records.jsonl"), lines.collect::<String>()).unwrap();
    }
    let (events, end) = replayed(&kept(name));
    fs::write(folder.join("events.jsonl"), events).unwrap();
    fs::write(folder.join("end.txt"), end).unwrap();
}

#[test]
fn golden_journals_lead_to_the_same_events_and_the_same_end() {
    for (name, case) in KEPT {
        if std::env::var_os("OOS_BLESS").is_some() {
            bless(name, CASES.iter().find(|c| c.name == case).unwrap());
        }
        let (events, end) = replayed(&kept(name));
        let wanted = read(name, "events.jsonl");
        for (n, (found, wanted)) in events.lines().zip(wanted.lines()).enumerate() {
            assert_eq!(found, wanted, "{name}: event {}", n + 1);
        }
        assert_eq!(events.lines().count(), wanted.lines().count(), "{name}: events");
        assert_eq!(end, read(name, "end.txt"), "{name}");
    }
    let folders = fs::read_dir(folder("")).unwrap().count();
    assert_eq!(folders, KEPT.len(), "every folder has a line here");
}

/// A store that holds a journal, and an engine over it.
fn taken_up(journal: &Journal) -> Result<oos_core::engine::Finished, oos_core::engine::EngineError> {
    let id = journal.header.id.clone();
    let store = InPlace::new(MemoryStore::new());
    wait(store.create(&journal.header)).unwrap();
    let (now, later) = (journal.header.created, journal.header.created + hours(1));
    let epoch = wait(store.claim(&id, &OwnerId("bed".into()), now, later)).unwrap();
    let (records, summaries) = (journal.records.clone(), Vec::new());
    let write = JournalWrite { id: id.clone(), expected_seq: 0, epoch, records, summaries, snapshot: None };
    wait(store.append(write)).unwrap();
    let cloud = FakeCloud::at(START);
    let bed = TestBed::on(&cloud).store(store);
    let engine = bed.engine().clone();
    let handle = bed.block_on(async move { engine.resume(&id).await })?;
    bed.step();
    assert_eq!(cloud.calls().len(), 0, "what has ended calls nobody");
    Ok(handle.finished().unwrap().unwrap())
}

#[test]
fn an_engine_takes_golden_journals_up_where_they_ended() {
    for (name, _) in KEPT {
        let finished = taken_up(&kept(name)).unwrap();
        let end = format!("{}\n{}\n", finished.status, finished.outputs);
        assert!(read(name, "end.txt").starts_with(&end), "{name}: {end}");
    }
}

#[test]
fn a_journal_of_newer_code_is_refused_with_both_versions() {
    let mut journal = kept("polling");
    journal.header.format = JOURNAL_FORMAT + 1;
    let error = taken_up(&journal).unwrap_err();
    let expected = format!("the store has format {}, this code reads up to {JOURNAL_FORMAT}", JOURNAL_FORMAT + 1);
    assert_eq!(error.to_string(), expected);
    // An input that this code does not know is told with its number, and is not taken for another.
    let error = Record::decode(7, br#"{"at":1767607200000,"kind":{"Dreamt":{"of":"sheep"}}}"#).unwrap_err();
    let StoreError::Corrupt(reason) = error else { panic!("{error}") };
    assert!(reason.starts_with("record 7: unknown variant `Dreamt`"), "{reason}");
}
