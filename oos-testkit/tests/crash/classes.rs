//! One call of every class of durability.md rule 5 and of every entry of the table of probes, with a crash after its
//! intent is durable: before the cloud has heard of it, and after the cloud carried it out.

use std::collections::BTreeSet;

use oos_core::{
    catalogue::{Catalogue, NormaliseOptions, Repeat, normalise},
    engine::MemoryStore,
    machine::{ExecutionStatus, Mode, SignalKind, SignalTarget, UnknownOutcome},
    ports::{ApiRequest, control::WaitingFor},
};
use oos_sqlite::SqliteStore;
use oos_testkit::{FaultyStore, InPlace, conformance::store::Store, prelude::*};

use crate::{
    prefixes::{Folder, quick},
    world::{START, mask, rest},
};

/// A call, and what there must be in the cloud for it: gives its parameters.
struct Row {
    service: &'static str,
    api: &'static str,
    class: Repeat,
    setup: fn(&FakeCloud) -> Value,
}

const fn row(service: &'static str, api: &'static str, class: Repeat, setup: fn(&FakeCloud) -> Value) -> Row {
    Row { service, api, class, setup }
}

fn of(value: serde_json::Value) -> Value {
    Value::from(value)
}

fn several(cloud: &FakeCloud, status: &str) -> Value {
    of(json!({"InstanceId": cloud.ecs().instances(2).status(status).create()}))
}

fn one(cloud: &FakeCloud, status: &str) -> Value {
    of(json!({"InstanceId": cloud.ecs().instance().status(status).create()}))
}

/// Makes a call of the preparation, and lets it come to rest.
fn prepare(cloud: &FakeCloud, service: &str, api: &str, parameters: Value) -> Value {
    let answer = cloud.call_now(service, api, parameters).unwrap();
    cloud.clock().advance(mins(1));
    answer
}

fn disk(cloud: &FakeCloud) -> Value {
    let instance = cloud.ecs().instance().running().create();
    let zone = cloud.ecs().get(&instance, "ZoneId").to_text();
    of(json!({"DiskId": cloud.ecs().disk(&zone, 20), "InstanceId": instance}))
}

fn interface(cloud: &FakeCloud) -> Value {
    let instance = cloud.ecs().instance().running().create();
    let vpc = cloud.vpc().vpc("10.0.0.0/8");
    let (vswitch, group) = (cloud.vpc().vswitch(&vpc, "cn-hangzhou-b"), cloud.vpc().security_group(&vpc));
    let made = json!({"VSwitchId": vswitch, "SecurityGroupId": group});
    let id = prepare(cloud, "ECS", "CreateNetworkInterface", of(made)).at(&["NetworkInterfaceId"]).clone();
    params! { "NetworkInterfaceId" => id, "InstanceId" => instance }
}

fn address(cloud: &FakeCloud) -> Value {
    let instance = cloud.ecs().instance().running().create();
    of(json!({"AllocationId": cloud.vpc().eip(), "InstanceId": instance}))
}

/// What `undone` prepares, with the call already made.
fn after(cloud: &FakeCloud, service: &str, api: &str, undone: fn(&FakeCloud) -> Value) -> Value {
    let parameters = undone(cloud);
    prepare(cloud, service, api, parameters.clone());
    parameters
}

fn member(cloud: &FakeCloud) -> Value {
    let group = cloud.scaling_group().members(2).create();
    let members = cloud.ess(&group).members();
    of(json!({"ScalingGroupId": group, "InstanceId": members.first()}))
}

fn role(cloud: &FakeCloud) -> Value {
    of(json!({"InstanceIds": [cloud.ecs().instance().running().create()], "RamRoleName": "worker"}))
}

fn command(cloud: &FakeCloud) -> Value {
    cloud.assistant().default(exit(0).stdout("done"));
    let made = json!({"Type": "RunShellScript", "CommandContent": "uptime", "Name": "up"});
    let id = prepare(cloud, "ECS", "CreateCommand", of(made)).at(&["CommandId"]).clone();
    params! { "CommandId" => id, "InstanceId" => [Value::from(cloud.ecs().instance().running().create())] }
}

fn desktops(cloud: &FakeCloud, status: &str) -> Value {
    of(json!({"DesktopId": [cloud.ecd().create(status)]}))
}

fn database(cloud: &FakeCloud) -> Value {
    of(json!({"DBInstanceId": cloud.rds().create()}))
}

const ROWS: &[Row] = &[
    row("ECS", "DescribeInstances", Repeat::Read, |c| {
        one(c, "Running");
        Value::empty_map()
    }),
    row("ECS", "RunInstances", Repeat::Token, |_| of(json!({"Amount": 2, "InstanceName": "pool"}))),
    row("ECS", "RunCommand", Repeat::Token, |c| {
        let id = c.ecs().instance().running().create();
        of(json!({"Type": "RunShellScript", "CommandContent": "uptime", "InstanceIds": [id]}))
    }),
    row("ECS", "CreateDisk", Repeat::Token, |_| of(json!({"ZoneId": "cn-hangzhou-h", "Size": 20}))),
    row("ECS", "CreateSnapshot", Repeat::Token, |c| of(json!({"DiskId": c.ecs().disk("cn-hangzhou-h", 20)}))),
    row("ECS", "CreateImage", Repeat::Token, |c| {
        let id = c.ecs().instance().stopped().create();
        of(json!({"InstanceId": id, "ImageName": "golden"}))
    }),
    row("ECS", "ModifyInstanceAttribute", Repeat::Natural, |c| {
        of(json!({"InstanceId": c.ecs().instance().create(), "InstanceName": "new"}))
    }),
    row("ECS", "DeleteInstance", Repeat::Natural, |c| one(c, "Stopped")),
    row("ECS", "DeleteDisk", Repeat::Natural, |c| of(json!({"DiskId": c.ecs().disk("cn-hangzhou-h", 20)}))),
    row("ECS", "StartInstance", Repeat::Probe, |c| one(c, "Stopped")),
    row("ECS", "StopInstance", Repeat::Probe, |c| one(c, "Running")),
    row("ECS", "RebootInstance", Repeat::Probe, |c| one(c, "Running")),
    row("ECS", "StartInstances", Repeat::Probe, |c| several(c, "Stopped")),
    row("ECS", "StopInstances", Repeat::Probe, |c| several(c, "Running")),
    row("ECS", "RebootInstances", Repeat::Probe, |c| several(c, "Running")),
    row("ECS", "AttachDisk", Repeat::Probe, disk),
    row("ECS", "DetachDisk", Repeat::Probe, |c| after(c, "ECS", "AttachDisk", disk)),
    row("ECS", "AttachNetworkInterface", Repeat::Probe, interface),
    row("ECS", "DetachNetworkInterface", Repeat::Probe, |c| after(c, "ECS", "AttachNetworkInterface", interface)),
    row("ECS", "AttachInstanceRamRole", Repeat::Probe, role),
    row("ECS", "AssociateEipAddress", Repeat::Probe, address),
    row("ECS", "UnassociateEipAddress", Repeat::Probe, |c| after(c, "ECS", "AssociateEipAddress", address)),
    row("VPC", "AssociateEipAddress", Repeat::Token, address),
    row("VPC", "UnassociateEipAddress", Repeat::Token, |c| after(c, "VPC", "AssociateEipAddress", address)),
    row("ESS", "EnterStandby", Repeat::Token, member),
    row("ESS", "ExitStandby", Repeat::Token, |c| after(c, "ESS", "EnterStandby", member)),
    row("RDS", "StopDBInstance", Repeat::Probe, database),
    row("RDS", "StartDBInstance", Repeat::Probe, |c| after(c, "RDS", "StopDBInstance", database)),
    row("ECD", "StartDesktops", Repeat::Probe, |c| desktops(c, "Stopped")),
    row("ECD", "StopDesktops", Repeat::Probe, |c| desktops(c, "Running")),
    row("ECD", "RebootDesktops", Repeat::Probe, |c| desktops(c, "Running")),
    row("ECS", "InvokeCommand", Repeat::Token, command),
    row("ECD", "RunCommand", Repeat::Never, |c| {
        c.assistant().default(exit(0).stdout("done"));
        of(json!({"DesktopId": [c.ecd().create("Running")], "Type": "RunPowerShellScript", "CommandContent": "dir"}))
    }),
    row("RDS", "CreateBackup", Repeat::Never, database),
    row("ECS", "CreateKeyPair", Repeat::Never, |_| of(json!({"KeyPairName": "ops"}))),
    row("ECS", "CreateCommand", Repeat::Token, |_| {
        of(json!({"Type": "RunShellScript", "CommandContent": "uptime", "Name": "up"}))
    }),
    row("ECS", "DetachInstanceRamRole", Repeat::Never, |c| after(c, "ECS", "AttachInstanceRamRole", role)),
];

/// Which side of the call the process dies on.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Side {
    Never,
    Before,
    After,
}

/// What came of it: the run, how often the call was made, and what there is in the cloud.
struct Seen {
    bed: TestBed,
    run: oos_core::engine::ExecutionHandle,
    calls: Calls,
    inventory: Vec<Value>,
}

impl Seen {
    fn status(&self) -> ExecutionStatus {
        self.run.finished().map(|f| f.unwrap().status).unwrap_or(ExecutionStatus::Waiting)
    }

    fn code(&self) -> String {
        let finished = self.run.finished().unwrap().unwrap();
        finished.failure.map(|f| f.error.code.to_string()).unwrap_or_default()
    }
}

/// The call as the only write of a template that runs under `engine`; a handler makes nothing but tells.
fn seen<S: Store + Clone>(row: &Row, side: Side, mode: Mode, unknown: UnknownOutcome, open: &dyn Fn() -> S) -> Seen {
    let cloud = FakeCloud::at(START);
    let parameters = (row.setup)(&cloud);
    // What was prepared is older than the intent, to the minute that ECS tells times in.
    cloud.clock().advance(mins(5));
    let before = cloud.calls().of(row.service, row.api).len();
    let template = params! {
        "FormatVersion" => "OOS-2019-06-01",
        "Tasks" => [params! {
            "Name" => "call", "Action" => "ACS::ExecuteAPI",
            "Properties" => params! { "Service" => row.service, "API" => row.api, "Parameters" => parameters },
        }],
    };
    let first = FaultyStore::new(open());
    // The first write is the intent: what starts the run starts the call.
    let first = match side {
        Side::Never => first,
        Side::Before => first.crash_in(1),
        Side::After => first.crash_after(1),
    };
    let bed = TestBed::on(&cloud).store(first.clone()).unknown_outcome(unknown);
    let options = oos_core::engine::StartOptions { mode, id: Some("exec-class".into()), ..Default::default() };
    let run = bed.try_start(&template.to_string(), Value::empty_map(), options);
    bed.run_to_end();
    let made = cloud.calls().of(row.service, row.api).len() - before;
    let (bed, handle) = if side == Side::Never {
        (bed, run.unwrap().handle().clone())
    } else {
        assert!(first.is_down(), "{}: the process died", row.api);
        assert_eq!(made, usize::from(side == Side::After), "{}: calls before the crash {side:?}", row.api);
        drop((run, bed, first));
        // The option of the first engine is recorded; the second one has another.
        let bed = TestBed::on(&cloud).store(open());
        let engine = bed.engine().clone();
        let handle = bed.block_on(async move { engine.resume(&"exec-class".into()).await }).unwrap();
        bed.run_to_end();
        (bed, handle)
    };
    let seen = Seen {
        calls: Calls::clone(&cloud.calls().of(row.service, row.api)),
        inventory: rest(&cloud),
        bed,
        run: handle,
    };
    assert!(seen.calls.len() >= before);
    seen
}

/// Calls of the run itself: the preparation has no origin.
fn made(seen: &Seen) -> Vec<(String, bool)> {
    let own = seen.calls.iter().filter(|c| c.origin.execution.is_some());
    own.map(|c| (c.param("ClientToken").to_string(), c.body().is_some())).collect()
}

fn check<S: Store + Clone>(row: &Row, store: &str, make: &dyn Fn() -> Box<dyn Fn() -> S>) {
    let run = |side| seen(row, side, Mode::Automatic, UnknownOutcome::Fail, &*make());
    let expected = run(Side::Never);
    assert_eq!(expected.status(), ExecutionStatus::Success, "{}: {:?}", row.api, expected.run.finished());
    assert_eq!(made(&expected).len(), 1, "{}", row.api);
    for side in [Side::Before, Side::After] {
        let found = run(side);
        let calls = made(&found);
        let label =
            format!("{}.{} ({:?}) over {store}, crash {side:?} the call: {calls:?}", row.service, row.api, row.class);
        if row.class == Repeat::Never {
            assert_eq!(
                (found.status(), found.code()),
                (ExecutionStatus::Failed, "OutcomeUnknown".to_owned()),
                "{label}"
            );
            assert_eq!(calls.len(), usize::from(side == Side::After), "no second call: {label}");
            continue;
        }
        assert_eq!(found.status(), ExecutionStatus::Success, "{label}: {:?}", found.run.finished());
        assert_eq!(texts(&found.inventory), texts(&expected.inventory), "{label}");
        let again = side == Side::After && row.class != Repeat::Probe;
        assert_eq!(calls.len(), 1 + usize::from(again), "{label}");
        if row.class == Repeat::Token {
            let tokens: BTreeSet<_> = calls.iter().map(|(token, _)| token).collect();
            assert!(tokens.len() == 1 && !tokens.contains(&String::new()), "{label}");
        }
    }
}

/// Lines without times: a repeat may be later than the first call.
fn texts(inventory: &[Value]) -> Vec<String> {
    inventory.iter().map(|r| mask(&r.to_string())).collect()
}

fn memory() -> Box<dyn Fn() -> InPlace<MemoryStore>> {
    let shared = InPlace::new(MemoryStore::new());
    Box::new(move || shared.clone())
}

fn sqlite() -> Box<dyn Fn() -> InPlace<SqliteStore>> {
    let folder = Folder::new("class");
    Box::new(move || InPlace::new(SqliteStore::open(folder.file(), quick()).unwrap()))
}

#[test]
fn every_class_is_repeated_as_it_may_be() {
    let class = |row: &Row| {
        let request = ApiRequest::new(row.service, row.api, Value::Null);
        normalise(&request, &NormaliseOptions::default()).repeat()
    };
    let wrong: Vec<_> = ROWS.iter().filter(|r| class(r) != r.class).map(|r| (r.service, r.api, class(r))).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    for row in ROWS {
        check(row, "memory", &memory);
        check(row, "SQLite", &sqlite);
    }
    println!("{} calls, each with a crash before and after, over two stores", ROWS.len());
}

#[test]
fn every_probe_of_the_catalogue_has_a_row() {
    let mut missing = Vec::new();
    let mut probes = 0;
    for service in ["ECS", "VPC", "ESS", "RDS", "ECD"] {
        for name in Catalogue::embedded().operations(service) {
            let operation = Catalogue::embedded().operation(service, &name, None);
            // What has a token needs no probe; what the fake has no model of is proved by the action's own tests.
            let token = operation.as_ref().is_some_and(|o| o.repeat() == Repeat::Token);
            if !token && operation.is_some_and(|o| o.probe().is_some()) && FakeCloud::models(service, &name) {
                probes += 1;
                let there = |r: &&Row| r.service == service && r.api.eq_ignore_ascii_case(&name);
                missing.extend(ROWS.iter().find(there).is_none().then(|| format!("{service}.{name}")));
            }
        }
    }
    assert!(missing.is_empty() && probes >= 15, "{probes} probes, without a row: {missing:?}");
}

fn command_on_a_desktop() -> &'static Row {
    ROWS.iter().find(|r| (r.service, r.api) == ("ECD", "RunCommand")).unwrap()
}

#[test]
fn fail_is_the_default_and_pauses_in_mode_failure_pause() {
    for side in [Side::Before, Side::After] {
        let found = seen(command_on_a_desktop(), side, Mode::FailurePause, UnknownOutcome::default(), &*sqlite());
        let reports = found.run.clone();
        let reports = found.bed.block_on(async move { reports.report().await });
        let report = reports.first().unwrap();
        assert_eq!((report.status, report.waiting_for), (ExecutionStatus::Waiting, Some(WaitingFor::FailureDecision)));
        assert!(report.message.as_ref().unwrap().starts_with("OutcomeUnknown: RunCommand may have been carried out"));
    }
}

#[test]
fn repeat_makes_the_call_again() {
    for side in [Side::Before, Side::After] {
        let found = seen(command_on_a_desktop(), side, Mode::Automatic, UnknownOutcome::Repeat, &*sqlite());
        assert_eq!(found.status(), ExecutionStatus::Success);
        assert_eq!(made(&found).len(), 1 + usize::from(side == Side::After), "crash {side:?} the call");
    }
}

#[test]
fn pause_waits_for_a_person_in_any_mode() {
    for (side, decision, calls) in [
        (Side::Before, SignalKind::RetryTask, 1),
        (Side::After, SignalKind::RetryTask, 2),
        (Side::Before, SignalKind::SkipTask, 0),
        (Side::After, SignalKind::SkipTask, 1),
    ] {
        let found = seen(command_on_a_desktop(), side, Mode::Automatic, UnknownOutcome::Pause, &*sqlite());
        assert_eq!(found.status(), ExecutionStatus::Waiting);
        let (handle, kind) = (found.run.clone(), decision.clone());
        let sent = found.bed.block_on(async move { handle.send("ops", SignalTarget::default(), kind).await });
        assert_eq!(sent, Ok(()));
        found.bed.run_to_end();
        assert_eq!(found.status(), ExecutionStatus::Success, "{decision:?}");
        let own = found.bed.cloud().calls().of("ECD", "RunCommand").when(|c| c.origin.execution.is_some());
        own.count(calls);
    }
}
