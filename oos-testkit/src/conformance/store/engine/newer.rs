//! What was written before something became newer: a template, or the code.

use oos_actions::product::MemoryTemplates;
use oos_core::{
    ExecutionId, Value,
    engine::EngineError,
    machine::ExecutionStatus,
    ports::store::{ExecutionHeader, ExecutionStore, JOURNAL_FORMAT, StoreError},
};

use super::{
    super::{
        super::{equal, good, require},
        Store,
        samples::{header, owner, write},
    },
    World, drive, finished,
};
use crate::{clock::mins, in_place::wait};

const PARENT: &str = "
FormatVersion: OOS-2019-06-01
Tasks:
- Name: hold
  Action: ACS::Pause
- Name: child
  Action: ACS::Template
  Properties: {TemplateName: Conformance-Child}
";

fn child(value: &str) -> String {
    format!(
        "FormatVersion: OOS-2019-06-01\nTasks:\n- Name: note\n  Action: Conformance::Note\n  Properties: {{value: {value}, seconds: 1}}\n"
    )
}

pub(super) fn a_new_version_of_a_template_is_not_seen<S: Store>(make: &dyn Fn() -> S) {
    let world = World::new(make);
    let with = |value: &str| world.bed().templates(MemoryTemplates::new().with("Conformance-Child", &child(value)));
    let run = with("old").run(PARENT, Value::Null);
    let bed = with("new");
    let (engine, id) = (bed.engine().clone(), run.id().clone());
    let handle = good(bed.block_on(async move { engine.resume(&id).await }), "an execution can be taken up");
    let approver = handle.clone();
    let approved = bed.block_on(async move { approver.approve("ana", Some("hold")).await });
    equal(&approved, &Ok(()), "an execution that is taken up can be approved");
    drive(&bed, &handle);
    equal(&finished(&handle).status, &ExecutionStatus::Success, "it goes on to its end");
    let values: Vec<_> = world.note.log().iter().map(|n| n.value.to_string()).collect();
    require(values.iter().all(|v| v == "old"), "children run as they were when the execution started");
}

pub(super) fn a_journal_of_newer_code_is_left_alone<S: Store>(make: &dyn Fn() -> S) {
    let world = World::new(make);
    let id = ExecutionId::new("exec-newer");
    let newer = ExecutionHeader { format: JOURNAL_FORMAT + 1, ..header(&id) };
    good(wait(world.store.create(&newer)), "a header is kept whatever its format");
    let (now, later) = (world.cloud.now(), world.cloud.now() + mins(5));
    let epoch = good(
        wait(oos_core::ports::index::ExecutionIndex::claim(&world.store, &id, &owner("bed"), now, later)),
        "it can be claimed",
    );
    good(wait(world.store.append(write(&id, 0, epoch, 2))), "the owner can write");
    let bed = world.bed();
    let engine = bed.engine().clone();
    let taken_up = bed.block_on(async move { engine.resume(&"exec-newer".into()).await });
    let told = matches!(
        taken_up,
        Err(EngineError::Store(StoreError::TooNew { found, known })) if found == JOURNAL_FORMAT + 1 && known == JOURNAL_FORMAT
    );
    require(told, "a journal of newer code is refused with both versions");
}
