//! The whole state of a fake cloud, and its steps on virtual time.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use oos_core::{Map, Timestamp, Value};

use super::{
    Unmodelled,
    ecs::assistant::Assistant,
    ess::HookRun,
    fc,
    ids::Ids,
    limits,
    ram::Ram,
    rates::Rates,
    ros::Ros,
    shaped,
    store::{Key, Kind, Queue, Resource, Store},
    transition::{Polled, Profile, Rule, status_field},
};
use crate::{calls::Call, fault::Rules};

/// CHOICE: the account of a fresh cloud.
pub(crate) const ACCOUNT: &str = "1234567890123456";

/// CHOICE: the region where nothing else is said.
pub(crate) const REGION: &str = "cn-hangzhou";

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) now: Timestamp,
    pub(crate) start: Timestamp,
    pub(crate) region: Arc<str>,
    pub(crate) account: Arc<str>,
    pub(crate) ids: Ids,
    pub(crate) store: Store,
    pub(crate) queue: Queue,
    pub(crate) profile: Profile,
    pub(crate) behaviours: Vec<Rule>,
    pub(crate) polled: BTreeMap<Key, Polled>,
    pub(crate) generations: u64,
    pub(crate) calls: Vec<Arc<Call>>,
    pub(crate) ticks: u64,
    pub(crate) attempts: BTreeMap<u64, u32>,
    pub(crate) tokens: BTreeMap<String, Token>,
    pub(crate) eventual: BTreeMap<String, Duration>,
    pub(crate) quotas: BTreeMap<String, usize>,
    pub(crate) codes: BTreeMap<String, (String, u16)>,
    pub(crate) options: Options,
    pub(crate) rules: Rules,
    pub(super) rates: Rates,
    pub(crate) assistant: Assistant,
    pub(crate) events: Vec<Value>,
    pub(crate) addresses: u64,
    pub(crate) fallback: Unmodelled,
    pub(crate) ram: Ram,
    pub(crate) shaped: shaped::Memory,
    pub(crate) ros: Ros,
    pub(crate) functions: Vec<fc::Rule>,
    pub(crate) slb_busy: Option<Duration>,
    pub(crate) hook_runs: Vec<HookRun>,
    /// Resource types that the resource centre knows; `None` for all.
    pub(crate) centre_types: Option<Vec<String>>,
    pub(crate) context: Option<Arc<dyn crate::calls::Context>>,
    /// What the present call has made.
    pub(crate) fresh: Vec<Key>,
    /// Resources before writes that are not seen yet.
    pub(super) before: Vec<limits::Before>,
}

/// Switches.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    pub(crate) strict_parameters: bool,
    pub(crate) auto_events: bool,
}

/// The first answer to a client token.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) params: Value,
    pub(crate) answer: Value,
    pub(crate) at: Timestamp,
}

impl State {
    pub(crate) fn new(start: Timestamp, seed: u64) -> Self {
        Self {
            now: start,
            start,
            region: REGION.into(),
            account: ACCOUNT.into(),
            ids: Ids::new(seed),
            store: Store::default(),
            queue: Queue::default(),
            profile: Profile::default(),
            behaviours: Vec::new(),
            polled: BTreeMap::new(),
            generations: 0,
            calls: Vec::new(),
            ticks: 0,
            attempts: BTreeMap::new(),
            tokens: BTreeMap::new(),
            eventual: BTreeMap::new(),
            quotas: BTreeMap::new(),
            codes: BTreeMap::new(),
            options: Options { strict_parameters: true, auto_events: false },
            rules: Rules::default(),
            rates: Rates::default(),
            assistant: Assistant::default(),
            events: Vec::new(),
            addresses: 0,
            fallback: Unmodelled::Strict,
            ram: Ram::default(),
            shaped: shaped::Memory::default(),
            ros: Ros::default(),
            functions: Vec::new(),
            slb_busy: None,
            hook_runs: Vec::new(),
            centre_types: None,
            context: None,
            fresh: Vec::new(),
            before: Vec::new(),
        }
    }

    /// A recorded call for change; who holds a view on the log keeps it as it was.
    pub(crate) fn call_mut(&mut self, number: usize) -> Option<&mut Call> {
        self.calls.get_mut(number).map(Arc::make_mut)
    }

    /// Lets everything happen that is due by `now`, in order.
    pub(crate) fn settle(&mut self, now: Timestamp) {
        while let Some((at, what)) = self.queue.pop_due(now) {
            self.now = self.now.max(at);
            what(self);
        }
        self.now = self.now.max(now);
    }

    /// Makes a resource; a resource of that id is replaced.
    pub(crate) fn add(&mut self, kind: Kind, id: impl Into<Arc<str>>, region: &str, data: Map) -> Arc<str> {
        let id = id.into();
        let (account, created) = (Arc::clone(&self.account), self.now);
        self.fresh.push(Key::new(kind, Arc::clone(&id)));
        self.store.insert(kind, Resource::new(Arc::clone(&id), region.into(), account, data, created));
        id
    }

    /// Sets the status member of a resource and what hangs on it.
    pub(crate) fn set_status(&mut self, kind: Kind, id: &str, status: &str) {
        let now = self.now;
        let Some(resource) = self.store.get_mut(kind, id) else { return };
        let before = resource.text(status_field(kind));
        resource.set(status_field(kind), status);
        if kind == "ECS::Instance" && &*before != status {
            if status == "Running" {
                resource.set("_running_since", now.as_millis());
                resource.set("StartTime", now.format("%Y-%m-%dT%H:%MZ"));
            }
            self.publish_state_change(id, status);
        }
    }

    fn publish_state_change(&mut self, id: &str, status: &str) {
        if !self.options.auto_events {
            return;
        }
        let (now, region) = (self.now, self.store.get("ECS::Instance", id).map_or("", |r| &r.region).to_owned());
        self.events.push(oos_core::params! {
            "product" => "ECS",
            "name" => "Instance:StateChange",
            "level" => "INFO",
            "regionId" => region,
            "eventTime" => now.to_iso(),
            "content" => oos_core::params! { "resourceId" => id, "resourceType" => "ALIYUN::ECS::Instance", "state" => status },
        });
    }

    /// The next private address.
    pub(crate) fn private_address(&mut self) -> String {
        self.addresses += 1;
        let n = self.addresses;
        format!("172.16.{}.{}", (n / 250) % 250, n % 250 + 1)
    }

    /// The next public address, of the range for documentation and the benchmark range behind it.
    pub(crate) fn public_address(&mut self) -> String {
        self.addresses += 1;
        let n = self.addresses;
        format!("198.18.{}.{}", (n / 250) % 250, n % 250 + 1)
    }
}
