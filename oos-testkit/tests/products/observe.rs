//! Runs a case and says what was seen, and in what two runs differ.

use std::{collections::BTreeSet, fmt::Write as _, path::Path, sync::Arc};

use async_trait::async_trait;
use oos_actions::product::MemoryTemplates;
use oos_core::{
    expr::{Function, FunctionContext, Kind},
    machine::ExecutionStatus,
    ports::{
        ActionError,
        optional::{GitAuthorizer, GitRequest},
    },
};
use oos_testkit::prelude::*;

use crate::Case;

/// A call: when, what, with which parameters, how it ended.
pub(crate) struct Seen {
    at: Duration,
    pub(crate) name: String,
    region: String,
    params: Value,
    error: Option<String>,
}

/// What a run did.
pub(crate) struct Observed {
    pub(crate) ended_well: bool,
    /// `code: message`, with the task.
    pub(crate) failure: Option<String>,
    pub(crate) calls: Vec<Seen>,
    pub(crate) report: String,
    tasks: Vec<String>,
    outputs: Value,
    state: Value,
    time: Duration,
}

/// A run of the embedded action.
pub(crate) fn ours(case: &Case, refused: Option<usize>) -> Observed {
    run(case, refused, |bed| bed)
}

/// A run of the official definition, which stands with all others of its folder over the embedded ones.
pub(crate) fn official(case: &Case, refused: Option<usize>, folder: &Path) -> Observed {
    run(case, refused, |bed| bed.action_directory(folder))
}

/// One linked account.
#[derive(Debug)]
struct Accounts;

#[async_trait]
impl GitAuthorizer for Accounts {
    async fn authorized_url(&self, request: &GitRequest) -> Result<Arc<str>, ActionError> {
        match request.owner.as_str() {
            "owner" => Ok(format!("https://token@{}.com/owner/{}", request.platform, request.repository).into()),
            _ => Err(ActionError::unsupported("GitAccountNotAuthorized", "no account")),
        }
    }
}

/// A package template, of which only the package matters here.
fn packages() -> MemoryTemplates {
    let package = json!({
        "InstallScript": "sh install.sh {{ port }}", "UninstallScript": "sh remove.sh", "OutputScript": "cat out",
        "BucketName": "packages", "ObjectName": "java.zip",
    });
    let content = json!({ "FormatVersion": "OOS-2019-06-01", "Tasks": [], "Package": package }).to_string();
    let templates = MemoryTemplates::new();
    for _ in 0..2 {
        templates.insert("java", &content);
    }
    templates
}

/// The function that the service keeps for itself: of the packages in a template the one for this machine.
fn find_package() -> Function {
    let find = |arguments: &Value, _: &FunctionContext<'_>| {
        let content = arguments.as_list().and_then(<[Value]>::first).map(Value::parsed_if_json_text);
        Ok(content.unwrap_or_default().at(&["Package"]).clone())
    };
    Function { name: "Fn::FindMatchedPackage".into(), arity: Some((2, 2)), kind: Kind::Strict(find), aggregates: false }
}

fn run(case: &Case, refused: Option<usize>, with: impl Fn(TestBed) -> TestBed) -> Observed {
    let cloud = FakeCloud::new();
    cloud.assistant().default(exit(0).stdout("out"));
    let properties = (case.set_up)(&cloud);
    let before = cloud.calls().len();
    if let Some(n) = refused {
        cloud.fault("refused").on("*", "*").nth(u64::try_from(n).unwrap()).error("Fake.Refused", 400);
    }
    let bed = with(
        TestBed::on(&cloud).templates(packages()).configure(|engine| engine.function(find_package()).git(Accounts)),
    );
    let run = bed.run_action(&format!("ACS::{}", case.action), properties);
    let finished = run.finished();
    let failure = finished.as_ref().and_then(|f| f.failure.as_ref()).map(|f| f.error.to_string());
    let all = cloud.calls();
    let calls = all.iter().skip(before).map(|call| Seen {
        at: call.started.since(run.started()),
        name: format!("{}.{}", call.service, call.api),
        region: call.region.to_string(),
        params: call.params.clone(),
        error: call.error_code().map(str::to_owned),
    });
    let calls = calls.collect();
    let time = run.virtual_time();
    // What the action left under way comes to its end, so that it is compared too.
    bed.run_for(hours(1));
    Observed {
        ended_well: run.status() == ExecutionStatus::Success,
        failure,
        calls,
        report: run.report(),
        tasks: tasks(&run),
        outputs: run.outputs().at(&["result"]).clone(),
        state: state(&cloud),
        time,
    }
}

/// Every resource by kind and id: its members, tags and region. Commands of Cloud Assistant are compared by their calls.
fn state(cloud: &FakeCloud) -> Value {
    let entry = |resource: Value| {
        let text = |name: &str| resource.at(&[name]).to_text();
        let mut members = resource.at(&["Data"]).as_map().cloned().unwrap_or_default();
        members.insert("Tags", resource.at(&["Tags"]).clone());
        members.insert("Region", resource.at(&["Region"]).clone());
        (format!("{} {}", text("Kind"), text("Id")), Value::from(members))
    };
    let resources = cloud.inventory().into_iter().filter(|r| *r.at(&["Kind"]).to_text() != *"Invocation");
    Value::from(resources.map(entry).collect::<oos_core::Map>())
}

/// Names of the tasks of all executions with their ends, in order.
fn tasks(run: &Run) -> Vec<String> {
    use oos_core::ports::event::EventKind;
    let ended = run.events().into_iter().filter_map(|event| match event.kind {
        EventKind::StepEnded { key, status, .. } => Some(format!("{} {status}", key.task)),
        _ => None,
    });
    ended.collect()
}

/// Paths in which two runs differ, and a text that shows how.
pub(crate) fn differences(mine: &Observed, theirs: &Observed) -> (BTreeSet<String>, String) {
    let mut out = Differences::default();
    let names = |o: &Observed| o.calls.iter().map(|c| c.name.clone()).collect::<Vec<_>>();
    if names(mine) == names(theirs) {
        for (m, t) in mine.calls.iter().zip(&theirs.calls) {
            out.note(&format!("{} time", m.name), &m.at, &t.at);
            out.note(&format!("{} region", m.name), &m.region, &t.region);
            out.note(&format!("{} error", m.name), &m.error, &t.error);
            out.members(&m.name, &m.params, &t.params);
        }
    } else {
        out.note("calls", &names(mine), &names(theirs));
    }
    out.note("tasks", &mine.tasks, &theirs.tasks);
    out.note("failure", &mine.failure, &theirs.failure);
    out.note("time", &mine.time, &theirs.time);
    out.members("output", &mine.outputs, &theirs.outputs);
    let keys = |o: &Observed| o.state.as_map().unwrap().keys().map(ToString::to_string).collect::<Vec<_>>();
    if keys(mine) == keys(theirs) {
        for key in keys(mine) {
            let kind = key.split(' ').next().unwrap();
            out.members(&format!("state {kind}"), mine.state.at(&[&key]), theirs.state.at(&[&key]));
        }
    } else {
        out.note("resources", &keys(mine), &keys(theirs));
    }
    (out.paths, out.detail)
}

#[derive(Default)]
struct Differences {
    paths: BTreeSet<String>,
    detail: String,
}

impl Differences {
    fn note<T: PartialEq + std::fmt::Debug>(&mut self, path: &str, mine: &T, theirs: &T) {
        if mine != theirs && self.paths.insert(path.to_owned()) {
            writeln!(self.detail, "{path}\n  ours     {mine:?}\n  official {theirs:?}").unwrap();
        }
    }

    fn members(&mut self, path: &str, mine: &Value, theirs: &Value) {
        let (Some(m), Some(t)) = (mine.as_map(), theirs.as_map()) else {
            return self.note(path, &mine.to_string(), &theirs.to_string());
        };
        let names: BTreeSet<_> = m.keys().chain(t.keys()).collect();
        for name in names {
            let text = |map: &oos_core::Map| map.get(name).map(ToString::to_string);
            self.note(&format!("{path}.{name}"), &text(m), &text(t));
        }
    }
}
