//! A real process: a child of this test drives many executions over one SQLite file and is killed by SIGKILL again and
//! again, at moments that a seed chooses. The fake clouds live in this process, so they remember.
//!
//! The child speaks lines of JSON over its standard streams: a call and its answer, and a word before and after each
//! append, so that kills fall into commits too. Each execution has a cloud of its own, so that its end can be compared
//! with that of a run which nobody killed.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use oos_core::{
    ExecutionId, Timestamp,
    engine::{ExecutionHandle, MemoryStore},
    ports::{ApiCaller, ApiError, ApiRequest, ApiResponse, api::Origin, store::ExecutionStore},
};
use oos_sqlite::SqliteStore;
use oos_testkit::{HookedStore, InPlace, conformance::store::Store, in_place::wait, prelude::*};
use serde_json::Value as Json;

use crate::{
    cases::CASES,
    prefixes::{Folder, quick},
    world::{Case, End, START, When, end},
};

/// What the child is told: the file and the round.
const ROLE: &str = "OOS_TESTKIT_KILL";
const KILLS: u32 = 200;
const SEED: u64 = 4;
/// Words of a child after which it is killed at the latest.
const PATIENCE: u64 = 60;
/// Marks a line of ours among those of the test harness.
const MARK: char = '\u{1}';
/// Runs that end at an instant of the calendar do not fit into a world whose clock goes on from round to round.
const DATED: [&str; 2] = ["timer trigger", "trigger by hand with new parameters"];

fn cases() -> impl Iterator<Item = (usize, &'static Case)> {
    CASES.iter().enumerate().filter(|(_, c)| !DATED.contains(&c.name))
}

fn id(case: usize, round: u64) -> ExecutionId {
    ExecutionId::new(format!("exec-{round}x{case}"))
}

fn root(id: &ExecutionId) -> String {
    id.as_str().split('.').next().unwrap_or_default().to_owned()
}

// The child.

/// The way to the parent. One word at a time.
#[derive(Clone, Debug)]
struct Parent(Arc<Mutex<()>>);

impl Parent {
    fn tell(&self, word: &Json) {
        let _turn = self.0.lock().unwrap();
        say(word);
    }

    fn ask(&self, word: &Json) -> Json {
        let _turn = self.0.lock().unwrap();
        say(word);
        let mut line = String::new();
        std::io::stdin().read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }
}

fn say(word: &Json) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{MARK}{word}").unwrap();
    out.flush().unwrap();
}

/// Calls go to the cloud of their execution, in the parent.
#[derive(Debug)]
struct Remote {
    parent: Parent,
    clock: VirtualClock,
}

#[async_trait]
impl ApiCaller for Remote {
    async fn call(&self, request: ApiRequest) -> Result<ApiResponse, ApiError> {
        let answer = self.parent.ask(&json!({"call": to_json(&request), "now": self.clock.now().as_millis()}));
        if let Some(error) = answer.get("error") {
            return Err(serde_json::from_value(error.clone()).unwrap());
        }
        Ok(ApiResponse { body: Value::from(answer.get("body").cloned().unwrap_or_default()), request_id: None })
    }
}

/// The SQLite store, with a word before and after each append.
type Told = HookedStore<InPlace<SqliteStore>>;

fn told(below: InPlace<SqliteStore>, parent: Parent, clock: VirtualClock) -> Told {
    HookedStore::new(below, move |below, write| {
        let (parent, now) = (parent.clone(), clock.now().as_millis());
        Box::pin(async move {
            parent.tell(&json!({"appends": write.records.len(), "now": now}));
            let answer = below.append(write).await;
            parent.tell(&json!({"appended": answer.is_ok(), "now": now}));
            answer
        })
    })
}

/// Takes up or starts all executions of a round and drives them to their ends.
fn child(role: &str) {
    let (round, path) = role.split_once(' ').unwrap();
    let round: u64 = round.parse().unwrap();
    let parent = Parent(Arc::default());
    let now = parent.ask(&json!({"hello": true})).get("now").and_then(Json::as_i64).unwrap();
    // Only its clock is used.
    let cloud = FakeCloud::new();
    cloud.clock().set(Timestamp::from_millis(now));
    let clock = cloud.clock().clone();
    let below = InPlace::new(SqliteStore::open(path, quick()).unwrap());
    let store = told(below, parent.clone(), clock.clone());
    let bed = TestBed::on(&cloud).store(store.clone()).api(Remote { parent: parent.clone(), clock });
    let runs: Vec<_> = cases().map(|(n, case)| (case, begin(&bed, &store, case, &id(n, round)))).collect();
    play(&bed, &store, &runs);
    settle(&bed, &runs);
    for (case, handle) in &runs {
        assert!(handle.finished().is_some(), "{} has not ended", case.name);
    }
    parent.tell(&json!({"done": true}));
}

/// Takes an execution up when it was started, else starts it.
fn begin(bed: &TestBed, store: &Told, case: &Case, id: &ExecutionId) -> ExecutionHandle {
    (case.bed)(bed);
    let started = wait(ExecutionStore::load(store, id)).is_ok_and(|j| !j.records.is_empty() || j.snapshot.is_some());
    if started {
        let (engine, id) = (bed.engine().clone(), id.clone());
        return bed.block_on(async move { engine.resume(&id).await }).unwrap();
    }
    bed.start_with(case.template, Value::empty_map(), case.options(id.as_str())).handle().clone()
}

/// Drives all runs until they have ended or wait for somebody.
fn settle(bed: &TestBed, runs: &[(&Case, ExecutionHandle)]) {
    bed.run_until(|| runs.iter().all(|(_, handle)| handle.finished().is_some()));
}

/// The scripts of all runs: first what is due at a time, then step by step what waits for somebody.
fn play(bed: &TestBed, store: &Told, runs: &[(&Case, ExecutionHandle)]) {
    let mut events = BTreeMap::new();
    let steps = runs.iter().map(|(case, _)| (case.acts)().len()).max().unwrap_or(0);
    for timed in [true, false] {
        for n in 0..steps {
            if !timed {
                settle(bed, runs);
            }
            for (case, handle) in runs {
                let Some(act) = (case.acts)().into_iter().nth(n) else { continue };
                if matches!(act.when, When::After(_)) != timed || handle.finished().is_some() {
                    continue;
                }
                if timed {
                    bed.run_for(secs(20));
                }
                case.act(bed, store, handle, n, act, events.entry(case.name).or_default());
            }
        }
    }
}

fn to_json(request: &ApiRequest) -> Json {
    let origin = &request.origin;
    json!({
        "service": request.service, "api": request.api, "parameters": request.parameters.to_json(),
        "method": request.method, "uri": request.uri, "headers": request.headers.to_json(),
        "body": request.body.to_json(), "version": request.version, "endpoint": request.endpoint,
        "region": request.region.as_ref().map(|r| r.as_str()), "role": request.role, "token": request.token,
        "execution": origin.execution.as_ref().map(ExecutionId::as_str),
        "task": origin.task.as_ref().map(|t| t.as_str()), "item": origin.item,
    })
}

fn from_json(call: &Json) -> ApiRequest {
    let text = |name: &str| call.get(name).and_then(Json::as_str);
    let value = |name: &str| Value::from(call.get(name).cloned().unwrap_or_default());
    ApiRequest {
        service: text("service").unwrap().into(),
        api: text("api").unwrap().into(),
        parameters: value("parameters"),
        method: text("method").map(Into::into),
        uri: text("uri").map(Into::into),
        headers: value("headers"),
        body: value("body"),
        version: text("version").map(Into::into),
        endpoint: text("endpoint").map(Into::into),
        region: text("region").map(Into::into),
        role: text("role").unwrap_or_default().into(),
        token: text("token").map(Into::into),
        origin: Origin {
            execution: text("execution").map(Into::into),
            task: text("task").map(Into::into),
            item: call.get("item").and_then(Json::as_u64).and_then(|n| u32::try_from(n).ok()),
            parents: Vec::new(),
        },
    }
}

// The parent.

/// Numbers from a seed: enough to choose moments.
struct Moments(u64);

impl Moments {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

/// The clouds of a round, and how late it is in them.
struct Clouds {
    of: BTreeMap<String, FakeCloud>,
    now: Timestamp,
}

impl Clouds {
    fn new(round: u64, now: Timestamp) -> Self {
        let cloud = |case: &Case| {
            let cloud = FakeCloud::new();
            cloud.clock().set(now);
            (case.cloud)(&cloud);
            cloud
        };
        Self { of: cases().map(|(n, case)| (id(n, round).to_string(), cloud(case))).collect(), now }
    }

    fn cloud(&self, id: &ExecutionId) -> &FakeCloud {
        self.of.get(&root(id)).unwrap_or_else(|| panic!("a call of {id}"))
    }

    fn call(&self, call: &Json) -> Json {
        let request = from_json(call);
        let cloud = self.cloud(request.origin.execution.as_ref().unwrap());
        if cloud.now() < self.now {
            cloud.clock().set(self.now);
        }
        match cloud.send_now(request) {
            Ok(body) => json!({ "body": body.to_json() }),
            Err(error) => json!({ "error": error }),
        }
    }
}

/// A child, and the way to it. It is killed when the test fails.
struct Process {
    child: Child,
    words: BufReader<ChildStdout>,
    answers: ChildStdin,
}

impl Process {
    fn start(path: &std::path::Path, round: u64) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kill::a_process_that_is_killed_200_times_does_what_one_that_is_not_does", "--nocapture"])
            .env(ROLE, format!("{round} {}", path.display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (words, answers) = (BufReader::new(child.stdout.take().unwrap()), child.stdin.take().unwrap());
        Self { child, words, answers }
    }

    /// The next word of the child; `None` when it has ended.
    fn word(&mut self) -> Option<Json> {
        loop {
            let mut line = String::new();
            if self.words.read_line(&mut line).unwrap() == 0 {
                return None;
            }
            if let Some((_, word)) = line.split_once(MARK) {
                return Some(serde_json::from_str(word).unwrap());
            }
        }
    }

    fn answer(&mut self, answer: &Json) {
        writeln!(self.answers, "{answer}").unwrap();
    }

    fn kill(mut self, spins: u64) {
        // A little later than the word, so that the child is somewhere in what follows it.
        (0..spins).for_each(|_| std::hint::spin_loop());
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Which side of the last word of a child it is killed on.
#[derive(Clone, Copy, PartialEq)]
enum Side {
    /// The call is not made.
    Before,
    /// The call is made and not answered.
    Between,
    /// The call is answered.
    After,
}

/// Serves a child until it is done, or until it has said that many words; true when it was killed.
fn serve(mut process: Process, clouds: &mut Clouds, moment: Option<(u64, Side, u64)>) -> bool {
    let mut words = 0;
    loop {
        let word = process.word().unwrap_or_else(|| panic!("the child ended by itself"));
        words += 1;
        let dies = moment.filter(|(last, ..)| words >= *last);
        if let Some(now) = word.get("now").and_then(Json::as_i64) {
            clouds.now = clouds.now.max(Timestamp::from_millis(now));
        }
        if word.get("hello").is_some() {
            process.answer(&json!({"now": clouds.now.as_millis()}));
        } else if let Some(call) = word.get("call") {
            if let Some((_, Side::Before, spins)) = dies {
                process.kill(spins);
                return true;
            }
            let answer = clouds.call(call);
            if let Some((_, Side::Between, spins)) = dies {
                process.kill(spins);
                return true;
            }
            process.answer(&answer);
        } else if word.get("done").is_some() {
            return false;
        }
        if let Some((_, _, spins)) = dies {
            process.kill(spins);
            return true;
        }
    }
}

/// How a case ends when nobody kills it.
fn undisturbed(case: &Case, id: &ExecutionId) -> End {
    let cloud = FakeCloud::at(START);
    (case.cloud)(&cloud);
    let store = InPlace::new(MemoryStore::new());
    let bed = TestBed::on(&cloud).store(store.clone());
    (case.bed)(&bed);
    let run = bed.start_with(case.template, Value::empty_map(), case.options(id.as_str()));
    case.drive(&bed, &store, run.handle());
    end(case.name, &cloud, &store, run.handle())
}

/// Compares all executions of a round with runs that nobody killed.
fn compare(store: &InPlace<SqliteStore>, clouds: &Clouds, round: u64) -> usize {
    let mut compared = 0;
    for (n, case) in cases() {
        let id = id(n, round);
        let cloud = clouds.cloud(&id);
        let bed = TestBed::on(cloud).store(store.clone());
        let (engine, wanted) = (bed.engine().clone(), id.clone());
        let handle = bed.block_on(async move { engine.resume(&wanted).await }).unwrap();
        bed.run_to_end();
        let found = end(case.name, cloud, store as &dyn Store, &handle);
        found.assert_same(&undisturbed(case, &id), &format!("{} {id}", case.name));
        compared += 1;
    }
    compared
}

#[test]
fn a_process_that_is_killed_200_times_does_what_one_that_is_not_does() {
    if let Some(role) = std::env::var_os(ROLE) {
        return child(&role.to_string_lossy());
    }
    let folder = Folder::new("kill");
    let mut moments = Moments(SEED);
    let (mut kills, mut round, mut compared) = (0, 0, 0);
    let mut now = Timestamp::parse(START).unwrap();
    while kills < KILLS {
        let mut clouds = Clouds::new(round, now);
        loop {
            let side = [Side::Before, Side::Between, Side::After][usize::try_from(moments.below(3)).unwrap()];
            let moment = (1 + moments.below(PATIENCE), side, moments.below(30_000));
            let moment = (kills < KILLS).then_some(moment);
            if !serve(Process::start(&folder.file(), round), &mut clouds, moment) {
                break;
            }
            kills += 1;
        }
        let store = InPlace::new(SqliteStore::open(folder.file(), quick()).unwrap());
        compared += compare(&store, &clouds, round);
        assert_eq!(wait(store.store().check()), Ok(()));
        (round, now) = (round + 1, clouds.now);
    }
    println!("{kills} kills, {round} rounds, {compared} executions compared");
}
