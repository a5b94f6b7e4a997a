//! Every template of a folder, run on the fake cloud with made-up parameters: does each come to an end?
//!
//! `cargo run --release --example sweep -- TEMPLATES --actions ACTIONS`. Parameters come from their declarations and from
//! what is in the fake cloud; triggers fire once, approvals are given. A template that fails has come to an end as well:
//! made-up values seldom are what it needs. One that is rejected, or neither ends nor waits for anybody within the
//! bounds, makes the exit code 1. Nothing is asserted about results; that is what tests are for.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for people")]

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    process::ExitCode,
};

use fancy_regex::Regex;
use oos_actions::product::DirectoryTemplates;
use oos_core::{
    Template,
    engine::StartOptions,
    machine::{ExecutionStatus, SignalKind, SignalTarget},
    ports::{control::WaitingFor, event::EventKind},
    template::Parameter,
};
use oos_examples::read_text;
use oos_testkit::{calls::Answer, cloud::Unmodelled, prelude::*};

/// Virtual time that one template may take.
const MOST_TIME: Duration = Duration::from_secs(60 * 86_400);
/// Virtual time between two looks at who waits.
const STEP: Duration = Duration::from_secs(6 * 3600);
/// Events that one template may cause.
const MOST_EVENTS: usize = 200_000;

fn main() -> ExitCode {
    match sweep(std::env::args().skip(1)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(text) => {
            eprintln!("{text}");
            ExitCode::from(2)
        }
    }
}

fn sweep(arguments: impl Iterator<Item = String>) -> Result<bool, String> {
    let (folder, actions) = read_arguments(arguments)?;
    // A panic is one line of the table, not a page of text.
    std::panic::set_hook(Box::new(|_| {}));
    let mut sum = Sum::default();
    println!("{:<70} {:<22} {:>6} {:>6} {:>6}", "template", "status", "tasks", "calls", "shaped");
    for path in templates_in(&folder)? {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let line = catch_unwind(AssertUnwindSafe(|| run_one(&path, &folder, actions.as_deref())))
            .unwrap_or_else(|cause| Line::bad(format!("panicked: {}", text_of(&*cause))));
        let (status, numbers) = (&line.status, line.numbers);
        println!(
            "{name:<70} {status:<22} {:>6} {:>6} {:>6}{}",
            numbers.tasks,
            numbers.calls,
            numbers.shaped,
            line.note()
        );
        sum.add(&line);
    }
    println!("{sum}");
    Ok(sum.not_ended == 0)
}

fn read_arguments(mut given: impl Iterator<Item = String>) -> Result<(PathBuf, Option<PathBuf>), String> {
    let usage = "usage: sweep TEMPLATES [--actions ACTIONS]";
    let (mut folder, mut actions) = (None, None);
    while let Some(argument) = given.next() {
        match argument.as_str() {
            "--actions" => actions = Some(PathBuf::from(given.next().ok_or(usage)?)),
            _ if folder.is_none() && !argument.starts_with("--") => folder = Some(PathBuf::from(argument)),
            _ => return Err(format!("`{argument}` is not known; {usage}")),
        }
    }
    Ok((folder.ok_or(usage)?, actions))
}

fn templates_in(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let problem = |error| format!("{}: {error}", folder.display());
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(problem)? {
        let path = entry.map_err(problem)?.path();
        if path.extension().is_some_and(|e| e == "yml" || e == "yaml" || e == "json") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn text_of(cause: &(dyn std::any::Any + Send)) -> String {
    let text = cause.downcast_ref::<String>().map(String::as_str).or_else(|| cause.downcast_ref::<&str>().copied());
    first_line(text.unwrap_or("without a text"))
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

/// What came of one template.
#[derive(Debug, Default)]
struct Line {
    status: String,
    why: String,
    ended: bool,
    numbers: Numbers,
}

#[derive(Clone, Copy, Debug, Default)]
struct Numbers {
    tasks: usize,
    calls: usize,
    shaped: usize,
}

impl Line {
    fn bad(why: String) -> Self {
        Self { status: "NOT ENDED".to_owned(), why, ..Self::default() }
    }

    fn note(&self) -> String {
        if self.why.is_empty() { String::new() } else { format!("  {}", self.why) }
    }
}

/// The last line of the table.
#[derive(Debug, Default)]
struct Sum {
    by_status: BTreeMap<String, usize>,
    numbers: Numbers,
    not_ended: usize,
}

impl Sum {
    fn add(&mut self, line: &Line) {
        *self.by_status.entry(line.status.clone()).or_default() += 1;
        self.not_ended += usize::from(!line.ended);
        self.numbers.tasks += line.numbers.tasks;
        self.numbers.calls += line.numbers.calls;
        self.numbers.shaped += line.numbers.shaped;
    }
}

impl std::fmt::Display for Sum {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let statuses: Vec<String> = self.by_status.iter().map(|(status, n)| format!("{n} {status}")).collect();
        let Numbers { tasks, calls, shaped } = self.numbers;
        let all: usize = self.by_status.values().sum();
        write!(f, "{all} templates: {}; {tasks} tasks, {calls} API calls, {shaped} shaped", statuses.join(", "))
    }
}

fn run_one(path: &Path, folder: &Path, actions: Option<&Path>) -> Line {
    let world = World::new();
    let started = read_text(&path.to_string_lossy()).and_then(|text| {
        let mut bed = TestBed::new(world.cloud.clone()).templates(open(folder)?);
        if let Some(actions) = actions {
            bed = bed.templates(open(actions)?);
        }
        bed.parameters().secret(SECRET, "Passw0rd!").set(SECRET, "text");
        let template = Template::parse(&text).map_err(|found| found.render())?;
        let values = template.parameters.iter().filter_map(|p| world.value(p)).collect::<oos_core::Map>();
        bed.try_start(&text, Value::from(values), StartOptions::default()).map(|run| (bed, run, template.has_trigger()))
    });
    match started {
        Ok((bed, run, trigger)) => to_the_end(&world, &bed, &run, trigger),
        // A state configuration has no tasks, so there is nothing to run.
        Err(found) if found.contains("unsupported-template-type") => {
            Line { status: "no tasks".to_owned(), ended: true, ..Line::default() }
        }
        Err(found) => Line::bad(format!("rejected: {}", first_line(&found))),
    }
}

fn open(folder: &Path) -> Result<DirectoryTemplates, String> {
    DirectoryTemplates::open(folder).map_err(|error| format!("{}: {error}", folder.display()))
}

fn to_the_end(world: &World, bed: &TestBed, run: &Run, trigger: bool) -> Line {
    let (mut why, mut fired) = (String::new(), false);
    let start = bed.clock().now();
    while run.finished().is_none() {
        if let Err(runaway) = bed.try_run_for(if trigger && !fired { secs(1) } else { STEP }) {
            why = runaway;
            break;
        }
        if bed.clock().now().since(start) > MOST_TIME || bed.events().all().len() > MOST_EVENTS {
            why = "too much time or too many events".to_owned();
            break;
        }
        if trigger && !fired {
            fired = true;
            if let Err(refused) =
                say(bed, run, SignalTarget::default(), SignalKind::Trigger { message: world.message() })
            {
                why = format!("the trigger does not fire: {refused}");
                break;
            }
            continue;
        }
        match help(bed, run) {
            Help::Given | Help::NotNeeded => {}
            // The firing has ended: nothing but the trigger is left.
            Help::TriggerWaits => {
                let _ = say(bed, run, SignalTarget::default(), SignalKind::Cancel);
            }
            Help::Impossible(what) => {
                why = format!("waits for {what}");
                break;
            }
        }
    }
    line_of(bed, run, fired, why)
}

fn line_of(bed: &TestBed, run: &Run, fired: bool, why: String) -> Line {
    let events = run.events();
    let tasks =
        events.iter().filter(|e| matches!(&e.kind, EventKind::StepEnded { key, .. } if key.item.is_none())).count();
    let calls = bed.cloud().calls();
    let shaped = |call: &&oos_testkit::Call| {
        matches!(call.answer, Answer::Ok(_)) && !FakeCloud::models(&call.service, &call.api)
    };
    let numbers = Numbers { tasks, calls: calls.len(), shaped: calls.iter().filter(shaped).count() };
    let Some(finished) = run.finished() else { return Line { numbers, ..Line::bad(why) } };
    let children = run.children();
    let firing = children.first().filter(|_| fired && finished.status == ExecutionStatus::Cancelled);
    let of_firing = firing.and_then(|child| {
        events.iter().find_map(|e| match &e.kind {
            EventKind::ExecutionEnded { status, message, .. } if e.execution == *child => {
                Some((*status, message.clone()))
            }
            _ => None,
        })
    });
    let (status, message) = match of_firing {
        Some((status, message)) => (format!("{status} (fired)"), message.map(|m| m.to_string())),
        None => (finished.status.to_string(), finished.message()),
    };
    Line { status, why: message.map(|m| first_line(&m)).unwrap_or_default(), ended: true, numbers }
}

enum Help {
    NotNeeded,
    Given,
    TriggerWaits,
    Impossible(&'static str),
}

/// Answers whoever waits for a person.
fn help(bed: &TestBed, run: &Run) -> Help {
    let mut help = Help::NotNeeded;
    let reports = run.reports();
    for (n, report) in reports.iter().enumerate() {
        for (task, waiting) in
            report.tasks.iter().flat_map(|t| t.steps.iter().filter_map(move |s| Some((t, s.waiting.as_ref()?))))
        {
            let target =
                SignalTarget { path: report.path.clone(), task: Some(task.name.clone()), ..SignalTarget::default() };
            let Some(what) = waiting.waiting_for else { continue };
            let person = waiting.voters.first().map_or("tester", String::as_str).to_owned();
            match what {
                WaitingFor::Timer | WaitingFor::Event | WaitingFor::Alarm if n == 0 && reports.len() == 1 => {
                    help = Help::TriggerWaits;
                }
                WaitingFor::Timer | WaitingFor::Event | WaitingFor::Alarm => {}
                WaitingFor::Approval => {
                    // Every approver says yes; votes that are no longer needed are refused.
                    let voters = if waiting.voters.is_empty() { vec![person] } else { waiting.voters.clone() };
                    for voter in voters {
                        let _ = bed.try_signal(run, &voter, target.clone(), SignalKind::Approve { note: None });
                    }
                    help = Help::Given;
                }
                WaitingFor::Pause | WaitingFor::Batch | WaitingFor::RiskConfirmation => {
                    let _ = bed.try_signal(run, &person, target, SignalKind::Approve { note: None });
                    help = Help::Given;
                }
                other => return Help::Impossible(other.as_str()),
            }
        }
    }
    help
}

fn say(bed: &TestBed, run: &Run, target: SignalTarget, kind: SignalKind) -> Result<(), String> {
    bed.try_signal(run, "tester", target, kind).map_err(|refused| refused.to_string())
}

/// Name of the stored secret that made-up references name.
const SECRET: &str = "sweep";

/// A fake cloud with one of everything, and what things in it are called.
struct World {
    cloud: FakeCloud,
    instances: Vec<String>,
    ids: Vec<(&'static str, String)>,
}

impl World {
    fn new() -> Self {
        let cloud = FakeCloud::new();
        cloud.unmodelled(Unmodelled::Echo);
        cloud.lenient_parameters();
        let (ecs, vpc) = (cloud.ecs(), cloud.vpc());
        let instances = ecs.instances(2).running().public_ip().data_disk(40).tag("team", "web").create();
        let first = instances.first().cloned().unwrap_or_default();
        let shown = ecs.describe(&first);
        let in_vpc = |member: &str| shown.at(&["VpcAttributes", member]).to_text().to_string();
        let groups = shown.at(&["SecurityGroupIds", "SecurityGroupId"]).as_list().unwrap_or_default().to_vec();
        let disk = ecs.disks_of(&first).last().cloned().unwrap_or_default();
        ecs.key_pair("pair");
        ecs.launch_template("launch", [params! { "InstanceType" => "ecs.g7.large" }]);
        let gateway = vpc.nat_gateway();
        vpc.forward_entry(&gateway, 1022, "172.16.0.9", 22);
        // Matched against names in this order; the first that is part of a name wins.
        let ids = vec![
            ("securitygroup", groups.first().map(|g| g.to_text().to_string()).unwrap_or_default()),
            ("vswitch", in_vpc("VSwitchId")),
            ("vpcid", in_vpc("VpcId")),
            ("snapshotpolicy", ecs.auto_snapshot_policy()),
            ("snapshot", ecs.snapshot(&disk, "snap")),
            ("diskid", disk),
            ("image", ecs.image("base")),
            ("keypair", "pair".to_owned()),
            ("launchtemplate", "launch".to_owned()),
            ("bandwidthpackage", vpc.bandwidth_package()),
            ("allocationid", vpc.eip()),
            ("natgateway", gateway),
        ];
        Self { cloud, instances, ids }
    }

    /// The message that a trigger fires with: it looks like an event and like an alarm.
    fn message(&self) -> Value {
        let id = self.instances.first().cloned().unwrap_or_default();
        let content = params! { "resourceId" => id.as_str(), "instanceId" => id.as_str(), "state" => "Stopped" };
        params! {
            "product" => "ECS", "name" => "Instance:StateChange", "level" => "INFO", "regionId" => "cn-hangzhou",
            "content" => content, "instanceId" => id.as_str(), "alertState" => "ALERT", "userId" => &*self.cloud.account_id(),
        }
    }

    /// A value for a parameter that has none by itself.
    fn value(&self, parameter: &Parameter) -> Option<(String, Value)> {
        let name = parameter.name.value.as_str().to_owned();
        if parameter.default.is_some() {
            return None;
        }
        let allowed = parameter.allowed_values.as_ref().map(oos_core::source::Node::to_value);
        if let Some(first) = allowed.as_ref().and_then(|v| v.as_list()).and_then(<[Value]>::first) {
            return Some((name, first.clone()));
        }
        let kind = parameter.value_type.as_ref().map_or("String", |t| t.value.as_str()).to_ascii_lowercase();
        let association =
            parameter.console("AssociationProperty").map(|n| n.to_value().to_text().to_string()).unwrap_or_default();
        let value = match (kind.as_str(), structured(&association)) {
            ("number", _) => Value::from(number(parameter)),
            ("boolean", _) => Value::from(true),
            (_, Some(value)) => value,
            ("list", _) if association.is_empty() && name.to_ascii_lowercase().contains("instanceid") => {
                Value::from(self.instances.clone())
            }
            ("json", _) if association == "Targets" => by_ids(&self.instances),
            ("list", _) => Value::from(vec![self.text(&name, &association, parameter)]),
            ("json", _) => Value::empty_map(),
            (_, _) if association == "Targets" => Value::from(by_ids(&self.instances).to_string()),
            _ => Value::from(self.text(&name, &association, parameter)),
        };
        Some((name, value))
    }

    fn text(&self, name: &str, association: &str, parameter: &Parameter) -> String {
        let meant = format!("{} {}", association.to_ascii_lowercase(), name.to_ascii_lowercase());
        let known = self.ids.iter().find(|(part, _)| meant.contains(part)).map(|(_, id)| id.clone());
        let plain = PLAIN.iter().find(|(part, _)| meant.contains(part)).map(|(_, text)| (*text).to_owned());
        let first = self.instances.first().cloned().unwrap_or_default();
        let instance = (meant.contains("instanceid") || meant.contains("resourceid")).then_some(first);
        let pattern = parameter.allowed_pattern.as_ref().map(|n| n.to_value().to_text());
        let pattern = pattern.and_then(|p| Regex::new(&format!("^(?:{p})$")).ok());
        let fits = |text: &String| pattern.as_ref().is_none_or(|p| p.is_match(text).unwrap_or(true));
        let others = OTHERS.iter().map(|text| (*text).to_owned());
        known.into_iter().chain(plain).chain(instance).chain(others).find(fits).unwrap_or_else(|| "text".to_owned())
    }
}

/// Texts by a part of the parameter's name or association.
const PLAIN: &[(&str, &str)] = &[
    ("role", ""),
    ("instancetype", "ecs.g7.large"),
    ("diskcategory", "cloud_essd"),
    ("zoneid", "cn-hangzhou-b"),
    ("region", "cn-hangzhou"),
    ("daily", "08:00:00Z"),
    ("maintainendtime", "04:00Z"),
    ("maintain", "02:00Z-06:00Z"),
    ("time", "2026-02-01T08:00:00Z"),
    ("date", "2026-02-01T08:00:00Z"),
    ("webhook", "https://hooks.example.com/sweep"),
    ("url", "https://files.example.com/sweep"),
    ("policy", "{\"Version\": \"1\", \"Statement\": []}"),
    ("password", "Passw0rd!"),
    ("cidr", "10.0.0.0/8"),
    ("ipaddress", "10.0.0.7"),
    ("portrange", "22/22"),
    ("port", "22"),
    ("bucket", "bucket"),
    ("templatename", "ACS-ECS-BulkyStartInstances"),
    ("threshold", "80"),
    ("command", "echo sweep"),
];

/// Texts for patterns that nothing else fits.
const OTHERS: &[&str] = &[
    "text",
    "HDB",
    "Passw0rd1",
    "10.0.0.7",
    "192.168.0.7",
    "100",
    "oss://bucket/file",
    "{{oos-secret:sweep}}",
    "ecs.g7.large",
    "sg-fake1",
    "vsw-fake1",
    "/var/log",
];

/// Values of associations that are no plain text.
fn structured(association: &str) -> Option<Value> {
    let timer = || json!({"Type": "cron", "Expression": "0 0 8 ? * *", "EndDate": "2099-12-01T00:00:00Z"});
    let alarm = || {
        json!({
            "Namespace": "acs_ecs_dashboard", "MetricName": "cpu_total", "Statistics": "Average", "Threshold": 90,
            "ComparisonOperator": "GreaterThanThreshold",
        })
    };
    match association {
        "Tags" => Some(Value::from(json!([{"Key": "team", "Value": "web"}]))),
        "RateControl" => Some(Value::from(json!({"Mode": "Concurrency", "Concurrency": 10, "MaxErrors": 0}))),
        "ALIYUN::OOS::Component::TimerTrigger" => Some(timer().into()),
        "ALIYUN::OOS::Alarm::AlarmTrigger" => Some(alarm().into()),
        "TemplateParameter" => Some(Value::empty_map()),
        _ => None,
    }
}

/// The least number that is allowed, and at least 1.
fn number(parameter: &Parameter) -> i64 {
    parameter.min_value.as_ref().and_then(|n| n.to_value().as_i64()).unwrap_or(1).max(1)
}
