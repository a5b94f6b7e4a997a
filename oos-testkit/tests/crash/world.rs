//! One run in a world that outlives its process: script, drive, end.

use std::{collections::BTreeMap, sync::LazyLock};

use fancy_regex::Regex;
use oos_core::{
    ExecutionId, Timestamp, Value,
    catalogue::{NormaliseOptions, Repeat, normalise},
    engine::{ExecutionHandle, SignalError, StartOptions},
    machine::{Signal, SignalKind, SignalTarget},
    ports::{
        ApiRequest,
        index::{ExecutionIndex, ExecutionQuery},
    },
};
use oos_testkit::{Call, conformance::store::Store, in_place::wait, prelude::*};

/// When every run starts.
pub(crate) const START: &str = "2026-01-05T10:00:00Z";

/// A run: its template, what it finds, how it is started, and what people do about it.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) template: &'static str,
    /// What there is in the cloud.
    pub(crate) cloud: fn(&FakeCloud),
    /// What the engine is given.
    pub(crate) bed: fn(&TestBed),
    pub(crate) options: fn() -> StartOptions,
    pub(crate) acts: fn() -> Vec<Act>,
    /// How it must end without a crash.
    pub(crate) status: &'static str,
}

/// What somebody does.
pub(crate) struct Act {
    pub(crate) when: When,
    pub(crate) from: &'static str,
    pub(crate) to: SignalTarget,
    pub(crate) what: What,
}

#[derive(Clone, Copy)]
pub(crate) enum When {
    /// That many seconds after [`START`], or at once when it is later already.
    After(u64),
    /// When nothing else moves the run on.
    Idle,
}

pub(crate) enum What {
    Signal(SignalKind),
    /// A message of the event bus, which delivers until it is taken.
    Event(Value),
}

/// How a run ended, and what it left behind. Ids, times and request ids are masked: after a crash, items of a loop may
/// come in another order, and calls may be later.
#[derive(Debug, PartialEq)]
pub(crate) struct End {
    pub(crate) status: String,
    pub(crate) outputs: String,
    pub(crate) message: Option<String>,
    /// Rows of the index: the root and its children.
    rows: Vec<String>,
    /// Everything in the cloud, ordered.
    inventory: Vec<String>,
    /// Every write that the cloud carried out, ordered; repeats that the class of the call makes harmless count once.
    writes: Vec<String>,
}

impl Case {
    pub(crate) fn options(&self, id: &str) -> StartOptions {
        StartOptions { id: Some(id.into()), ..(self.options)() }
    }

    /// Plays the script and drives the run to its end, or to the death of its process.
    pub(crate) fn drive(&self, bed: &TestBed, store: &dyn Store, handle: &ExecutionHandle) {
        let mut events = 0;
        for (n, act) in (self.acts)().into_iter().enumerate() {
            match act.when {
                When::After(seconds) => bed.run_for((start() + secs(seconds)).since(bed.clock().now())),
                When::Idle => bed.run_to_end(),
            }
            if handle.finished().is_some() {
                return;
            }
            self.act(bed, store, handle, n, act, &mut events);
        }
        bed.run_to_end();
    }

    /// Does one thing, unless it was done already: a signal has an id, the event bus knows what was taken.
    pub(crate) fn act(
        &self,
        bed: &TestBed,
        store: &dyn Store,
        handle: &ExecutionHandle,
        n: usize,
        act: Act,
        events: &mut usize,
    ) {
        let kind = match act.what {
            What::Signal(kind) => kind,
            What::Event(message) => {
                *events += 1;
                if firings(store, handle.id()) < *events {
                    assert_eq!(bed.raise_event(message), 1, "{}: somebody listens", self.name);
                    bed.step();
                }
                return;
            }
        };
        let signal = Signal { id: format!("act-{n}").into(), from: act.from.into(), to: act.to, kind };
        let sender = handle.clone();
        match bed.block_on(async move { sender.signal(signal).await }) {
            Ok(()) | Err(SignalError::Gone(_)) => {}
            Err(SignalError::Refused(refusal)) if refusal.code == "DuplicateSignal" => {}
            Err(error) => panic!("{}: act {n} is refused: {error}", self.name),
        }
    }
}

impl End {
    /// Everything that can be compared, line by line.
    fn lines(&self) -> impl Iterator<Item = String> {
        let head = format!("{} {} {:?}", self.status, self.outputs, self.message);
        let parts = [("row", &self.rows), ("there", &self.inventory), ("write", &self.writes)];
        let lines = parts.into_iter().flat_map(|(what, lines)| lines.iter().map(move |l| format!("{what}: {l}")));
        std::iter::once(head).chain(lines)
    }

    /// Fails with the lines that only one of both has.
    pub(crate) fn assert_same(&self, expected: &Self, label: &str) {
        if self == expected {
            return;
        }
        let without = |lines: Vec<String>, mut others: Vec<String>| {
            let mut left = lines;
            left.retain(|line| match others.iter().position(|o| o == line) {
                Some(at) => {
                    others.swap_remove(at);
                    false
                }
                None => true,
            });
            left.join("\n    ")
        };
        let (found, wanted): (Vec<_>, Vec<_>) = (self.lines().collect(), expected.lines().collect());
        let (more, less) = (without(found.clone(), wanted.clone()), without(wanted, found));
        panic!("{label}\n  only with the crash:\n    {more}\n  only without it:\n    {less}");
    }
}

/// What there is when everything has come to rest.
pub(crate) fn rest(cloud: &FakeCloud) -> Vec<Value> {
    while let Some(at) = cloud.next_change() {
        cloud.clock().set(at);
        drop(cloud.inventory());
    }
    cloud.inventory()
}

fn start() -> Timestamp {
    Timestamp::parse(START).unwrap()
}

/// Firings of a trigger: its children. A store that has died is asked no more.
fn firings(store: &dyn Store, id: &ExecutionId) -> usize {
    let query = ExecutionQuery { parent: Some(id.clone()), limit: 1_000, ..ExecutionQuery::default() };
    wait(ExecutionIndex::list(store, &query)).map_or(0, |page| page.total)
}

/// How the run ended. `store` is one that works.
pub(crate) fn end(name: &str, cloud: &FakeCloud, store: &dyn Store, handle: &ExecutionHandle) -> End {
    let finished = handle.finished().unwrap_or_else(|| panic!("{name}: the run has not ended")).unwrap();
    let query = ExecutionQuery { root: Some(handle.id().clone()), limit: 1_000, ..ExecutionQuery::default() };
    let rows = wait(ExecutionIndex::list(store, &query)).unwrap().rows;
    let row = |r: &oos_core::ports::index::Summary| {
        assert!(r.end.is_some(), "{name}: {} has no end", r.id);
        mask(&format!("{} {} {} {:?}", r.id, r.status, r.outputs, r.status_message))
    };
    End {
        status: finished.status.to_string(),
        outputs: mask(&finished.outputs.to_string()),
        message: finished.message().map(|m| mask(&m)),
        rows: sorted(rows.iter().map(row)),
        inventory: sorted(rest(cloud).iter().map(|r| mask(&r.to_string()))),
        writes: writes(cloud),
    }
}

fn sorted(lines: impl Iterator<Item = String>) -> Vec<String> {
    let mut lines: Vec<_> = lines.collect();
    lines.sort();
    lines
}

/// Ids of the fake, UUIDs, addresses and times.
pub(crate) fn mask(text: &str) -> String {
    static PATTERNS: LazyLock<Vec<(Regex, &'static str)>> = LazyLock::new(|| {
        let patterns = [
            (r"\b([a-z]+)-[a-z0-9]*fake[a-z0-9]{9}", "<$1>"),
            (r"\b[a-z]*[0-9]?[a-z0-9]*fake[a-z0-9]{9}Z?", "<id>"),
            (r"(?i)\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "<uuid>"),
            (r"\b\d{4}-\d\d-\d\dT[0-9:.]+Z", "<time>"),
            (r"\b(172\.16|198\.18)\.\d+\.\d+\b", "<ip>"),
        ];
        patterns.map(|(pattern, name)| (Regex::new(pattern).unwrap(), name)).into()
    });
    PATTERNS.iter().fold(text.to_owned(), |text, (regex, name)| regex.replace_all(&text, *name).into_owned())
}

/// Writes that were carried out, as lines. What is repeated with the same token, or by a call that changes nothing the
/// second time, is one write; anything else counts each time.
fn writes(cloud: &FakeCloud) -> Vec<String> {
    let mut counted: BTreeMap<String, usize> = BTreeMap::new();
    for call in cloud.calls().iter().filter(|c| c.body().is_some()) {
        let class = class(call);
        if class == Repeat::Read {
            continue;
        }
        let origin = &call.origin;
        let key = format!("{:?} {:?} {:?} {} {}", origin.execution, origin.task, origin.item, call.api, call.params);
        let count = counted.entry(key).or_default();
        *count = if matches!(class, Repeat::Token | Repeat::Natural) { 1 } else { *count + 1 };
    }
    let lines = counted.into_iter().flat_map(|(key, n)| std::iter::repeat_n(mask(&key), n));
    sorted(lines)
}

/// What a repeat of a call means.
pub(crate) fn class(call: &Call) -> Repeat {
    let request = ApiRequest::new(call.service.clone(), call.api.clone(), call.params.clone());
    normalise(&request, &NormaliseOptions::default()).repeat()
}
