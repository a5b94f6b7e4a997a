//! Transitions of resources on virtual time: a table by kind and event, and rules that bend it.
//!
//! Delays are our choice (nobody publishes them). A transition due at an instant is visible to a call made at that
//! instant. A rule for a resource wins over one for its kind, the newest first; without a rule the profile decides.

use std::{fmt, time::Duration};

use oos_core::Timestamp;

use super::{
    FakeCloud,
    state::State,
    store::{Key, Kind},
};

/// How fast resources change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// With the delays of the table.
    #[default]
    Realistic,
    /// At once, inside the call.
    Instant,
}

/// How one transition goes.
#[derive(Clone, Debug, PartialEq)]
pub enum Behaviour {
    /// Inside the call.
    Immediate,
    /// After that long, whatever the table says.
    After(Duration),
    /// At the n-th call that describes the resource.
    AfterPolls(u32),
    /// Stays in between for ever.
    Never,
    /// Ends in the failure state of the kind, with this code.
    Fail(String),
    /// That many times slower than the table.
    Slower(u32),
    /// As the table says, whatever the profile.
    Table,
}

/// One line of the table: statuses on the way with their length in virtual seconds, the last one, and the failure.
pub(crate) struct Transition {
    pub(crate) kind: Kind,
    pub(crate) event: &'static str,
    pub(crate) steps: &'static [(&'static str, u64)],
    pub(crate) to: &'static str,
    pub(crate) failed: &'static str,
}

const fn t(
    kind: Kind,
    event: &'static str,
    steps: &'static [(&'static str, u64)],
    to: &'static str,
    failed: &'static str,
) -> Transition {
    Transition { kind, event, steps, to, failed }
}

/// CHOICE: all delays, in virtual seconds.
pub(crate) const TABLE: &[Transition] = &[
    t("ECS::Instance", "run", &[("Pending", 10), ("Starting", 20)], "Running", "Stopped"),
    t("ECS::Instance", "create", &[("Pending", 10)], "Stopped", "Stopped"),
    t("ECS::Instance", "start", &[("Starting", 20)], "Running", "Stopped"),
    t("ECS::Instance", "stop", &[("Stopping", 20)], "Stopped", "Running"),
    t("ECS::Instance", "force_stop", &[("Stopping", 5)], "Stopped", "Running"),
    t("ECS::Instance", "reboot", &[("Starting", 20)], "Running", "Stopped"),
    t("ECS::Instance", "delete", &[("Stopped", 5)], "Deleted", "Stopped"),
    t("ECS::Disk", "create", &[("Creating", 5)], "Available", "Available"),
    t("ECS::Disk", "attach", &[("Attaching", 5)], "In_use", "Available"),
    t("ECS::Disk", "detach", &[("Detaching", 5)], "Available", "In_use"),
    t("ECS::Disk", "reinit", &[("ReIniting", 30)], "In_use", "In_use"),
    t("ECS::Disk", "reset", &[("ReIniting", 30)], "In_use", "In_use"),
    t("ECS::Disk", "replace", &[("Creating", 20)], "In_use", "In_use"),
    t("ECS::Snapshot", "create", &[("progressing", 60)], "accomplished", "failed"),
    t("ECS::SnapshotGroup", "create", &[("progressing", 60)], "accomplished", "failed"),
    t("ECS::Image", "create", &[("Creating", 120)], "Available", "CreateFailed"),
    t("ECS::Image", "copy", &[("Waiting", 30), ("Creating", 150)], "Available", "CreateFailed"),
    t("ECS::NetworkInterface", "create", &[("Creating", 3)], "Available", "CreateFailed"),
    t("ECS::NetworkInterface", "attach", &[("Attaching", 5)], "InUse", "Available"),
    t("ECS::NetworkInterface", "detach", &[("Detaching", 5)], "Available", "InUse"),
    t("ECS::DiagnosticReport", "create", &[("InProgress", 30)], "Finished", "Failed"),
    t("VPC::EIP", "associate", &[("Associating", 3)], "InUse", "Available"),
    t("VPC::EIP", "unassociate", &[("Unassociating", 3)], "Available", "InUse"),
    t("VPC::VPC", "create", &[("Pending", 3)], "Available", "Pending"),
    t("VPC::VSwitch", "create", &[("Pending", 3)], "Available", "Pending"),
    t("ESS::Activity", "run", &[("InProgress", 60)], "Successful", "Failed"),
    t("ROS::Stack", "create", &[("CREATE_IN_PROGRESS", 90)], "CREATE_COMPLETE", "CREATE_FAILED"),
    t("ROS::Stack", "update", &[("UPDATE_IN_PROGRESS", 90)], "UPDATE_COMPLETE", "UPDATE_FAILED"),
    t("ROS::Stack", "delete", &[("DELETE_IN_PROGRESS", 45)], "DELETE_COMPLETE", "DELETE_FAILED"),
    t(
        "ROS::Stack",
        "rollback",
        &[("CREATE_ROLLBACK_IN_PROGRESS", 45)],
        "CREATE_ROLLBACK_COMPLETE",
        "CREATE_ROLLBACK_FAILED",
    ),
    t("RDS::Instance", "create", &[("Creating", 180)], "Running", "Creating"),
    t("RDS::Instance", "start", &[("STARTING", 120)], "Running", "STOPPED"),
    t("RDS::Instance", "stop", &[("STOPPING", 120)], "STOPPED", "Running"),
    t("RDS::Instance", "restart", &[("Rebooting", 60)], "Running", "Running"),
    t("RDS::Instance", "class", &[("DBInstanceClassChanging", 180)], "Running", "Running"),
    t("RDS::Instance", "upgrade", &[("EngineVersionUpgrading", 180)], "Running", "Running"),
    t("RDS::Instance", "restore", &[("Restoring", 180)], "Running", "Running"),
    t("RDS::Instance", "delete", &[("Deleting", 10)], "Released", "Running"),
    t("RDS::Backup", "create", &[("Running", 120)], "Finished", "Failed"),
    t("RDS::Account", "create", &[("Unavailable", 5)], "Available", "Unavailable"),
    t("RDS::Database", "create", &[("Creating", 5)], "Running", "Creating"),
    t("Redis::Instance", "change", &[("Changing", 10)], "Normal", "Normal"),
    t("Redis::Instance", "flush", &[("Flushing", 10)], "Normal", "Normal"),
    t("Redis::Backup", "create", &[("Running", 60)], "Finished", "Failed"),
    t("ECD::Desktop", "start", &[("Starting", 30)], "Running", "Stopped"),
    t("ECD::Desktop", "stop", &[("Stopping", 30)], "Stopped", "Running"),
    t("ECD::Desktop", "reboot", &[("Starting", 30)], "Running", "Stopped"),
    t("ECD::Desktop", "rebuild", &[("Stopped", 120)], "Stopped", "Stopped"),
    t("ECD::Snapshot", "create", &[("PROGRESSING", 60)], "ACCOMPLISHED", "FAILED"),
    t("HBR::Client", "install", &[("INSTALLING", 60)], "ACTIVATED", "INSTALL_FAILED"),
    t("HBR::Task", "run", &[("running", 30)], "completed", "HanaSqlError"),
    t("HBR::Restore", "run", &[("RUNNING", 600)], "COMPLETE", "FAILED"),
    t("CS::NodePool", "scale", &[("scaling", 60)], "active", "degraded"),
    t("CS::Task", "run", &[("running", 60)], "success", "fail"),
    t("CMS::Agent", "install", &[("installing", 30)], "running", "install_faild"),
    t("ServerGroup", "change", &[("Configuring", 2)], "Available", "Available"),
    t("SAE::ChangeOrder", "run", &[("1", 30)], "2", "3"),
    t("ComputeNest::ServiceInstance", "upgrade", &[("Upgrading", 120)], "Deployed", "UpgradeFailed"),
    t("ComputeNest::ServiceInstance", "rollback", &[("Upgrading", 120)], "Deployed", "UpgradeRollbackFailed"),
];

/// Name of the member that holds the status, by kind.
pub(crate) fn status_field(kind: Kind) -> &'static str {
    match kind {
        "RDS::Instance" => "DBInstanceStatus",
        "Redis::Instance" => "InstanceStatus",
        "ECD::Desktop" => "DesktopStatus",
        "ESS::Member" | "ESS::Group" => "LifecycleState",
        "ESS::Activity" => "StatusCode",
        "RDS::Account" => "AccountStatus",
        "RDS::Database" => "DBStatus",
        "RDS::Backup" | "Redis::Backup" => "BackupProgressStatus",
        "HBR::Task" => "Description",
        "CS::NodePool" | "CS::Task" | "CS::Cluster" => "state",
        "ServerGroup" => "ServerGroupStatus",
        _ => "Status",
    }
}

/// What to do at the end of a transition; the flag is false when it failed.
pub(crate) type Done = Box<dyn FnOnce(&mut State, bool) + Send>;

/// Nothing more to do at the end.
pub(crate) fn nothing() -> Done {
    Box::new(|_, _| {})
}

#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) kind: Option<String>,
    pub(crate) id: Option<String>,
    pub(crate) event: Option<String>,
    pub(crate) behaviour: Behaviour,
    /// How many transitions it still holds for; `None` for all.
    pub(crate) left: Option<u32>,
}

impl Rule {
    fn takes(&self, key: &Key, event: &str) -> bool {
        let fits = |wanted: &Option<String>, found: &str| wanted.as_ref().is_none_or(|w| w.eq_ignore_ascii_case(found));
        self.left != Some(0) && fits(&self.kind, key.kind) && fits(&self.id, &key.id) && fits(&self.event, event)
    }
}

/// A transition that waits for polls.
pub(crate) struct Polled {
    left: u32,
    generation: u64,
    end: End,
}

impl fmt::Debug for Polled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Polled({} left)", self.left)
    }
}

struct End {
    status: &'static str,
    ok: bool,
    done: Done,
}

impl State {
    /// Starts the transition of a resource for an event; see the table. Call it when the event is legal.
    pub(crate) fn transit(&mut self, kind: Kind, id: &str, event: &'static str, done: Done) {
        let Some(line) = TABLE.iter().find(|l| l.kind == kind && l.event == event) else { return };
        let key = Key::new(kind, id);
        let behaviour = self.take_behaviour(&key, event);
        let generation = self.next_generation(&key);
        let end = End { status: line.to, ok: true, done };
        let first = line.steps.first().map_or(line.to, |(status, _)| status);
        match behaviour {
            Behaviour::Immediate => self.finish(&key, generation, end),
            Behaviour::Never => self.set_status(kind, id, first),
            Behaviour::After(delay) => {
                self.set_status(kind, id, first);
                self.end_later(key, generation, self.now + delay, end);
            }
            Behaviour::AfterPolls(polls) => {
                self.set_status(kind, id, first);
                self.polled.insert(key, Polled { left: polls, generation, end });
            }
            Behaviour::Fail(code) => {
                if let Some(resource) = self.store.get_mut(kind, id) {
                    resource.set("_fail_code", code);
                }
                self.walk(&key, generation, line, 1, End { status: line.failed, ok: false, ..end });
            }
            Behaviour::Slower(times) => self.walk(&key, generation, line, times.into(), end),
            Behaviour::Table => self.walk(&key, generation, line, 1, end),
        }
    }

    fn walk(&mut self, key: &Key, generation: u64, line: &Transition, times: u64, end: End) {
        let mut at = self.now;
        for (n, (status, seconds)) in line.steps.iter().enumerate() {
            if n == 0 {
                self.set_status(key.kind, &key.id, status);
            } else {
                self.status_later(key.clone(), generation, at, status);
            }
            at = at + Duration::from_secs(seconds * times);
        }
        self.end_later(key.clone(), generation, at, end);
    }

    fn status_later(&mut self, key: Key, generation: u64, at: Timestamp, status: &'static str) {
        self.queue.push(
            at,
            Box::new(move |state| {
                if state.generation(&key) == generation {
                    state.set_status(key.kind, &key.id, status);
                }
            }),
        );
    }

    fn end_later(&mut self, key: Key, generation: u64, at: Timestamp, end: End) {
        self.queue.push(at, Box::new(move |state| state.finish(&key, generation, end)));
    }

    fn finish(&mut self, key: &Key, generation: u64, end: End) {
        if self.generation(key) != generation {
            return;
        }
        self.set_status(key.kind, &key.id, end.status);
        (end.done)(self, end.ok);
    }

    /// Notes that a call described the resource; a transition by polls moves on.
    pub(crate) fn described(&mut self, kind: Kind, id: &str) {
        if self.polled.is_empty() {
            return;
        }
        let key = Key::new(kind, id);
        let Some(polled) = self.polled.get_mut(&key) else { return };
        polled.left = polled.left.saturating_sub(1);
        let over = polled.left == 0;
        if let Some(polled) = over.then(|| self.polled.remove(&key)).flatten() {
            self.finish(&key, polled.generation, polled.end);
        }
    }

    fn take_behaviour(&mut self, key: &Key, event: &str) -> Behaviour {
        let best = self.behaviours.iter().enumerate().filter(|(_, r)| r.takes(key, event));
        let best = best.max_by_key(|(n, r)| (r.id.is_some(), *n)).map(|(n, _)| n);
        match best.and_then(|n| self.behaviours.get_mut(n)) {
            Some(rule) => {
                rule.left = rule.left.map(|left| left.saturating_sub(1));
                rule.behaviour.clone()
            }
            None if self.profile == Profile::Instant => Behaviour::Immediate,
            None => Behaviour::Table,
        }
    }

    fn generation(&self, key: &Key) -> u64 {
        self.store.get(key.kind, &key.id).map_or(0, |r| r.generation)
    }

    /// Makes every transition that is under way void and gives the number of the next one.
    pub(crate) fn next_generation(&mut self, key: &Key) -> u64 {
        self.polled.remove(key);
        self.generations += 1;
        let generation = self.generations;
        if let Some(resource) = self.store.get_mut(key.kind, &key.id) {
            resource.generation = generation;
        }
        generation
    }
}

/// Bends transitions: of a resource, of a kind, of all. Ends with what shall happen, e.g. [`never`](Self::never).
#[derive(Clone, Debug)]
#[must_use = "say what shall happen, e.g. `never()`"]
pub struct Transitions {
    cloud: FakeCloud,
    kind: Option<String>,
    id: Option<String>,
    event: Option<String>,
    left: Option<u32>,
}

impl Transitions {
    pub(crate) fn new(cloud: FakeCloud, kind: Option<&str>, id: Option<&str>) -> Self {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Self { cloud, kind: owned(kind), id: owned(id), event: None, left: None }
    }

    /// Only for this event: `run`, `start`, `stop`, `reboot`, `create`, `attach`, …
    pub fn on(mut self, event: &str) -> Self {
        self.event = Some(event.to_owned());
        self
    }

    /// Only for the next transition.
    pub fn once(self) -> Self {
        self.times(1)
    }

    /// Only for the next `n` transitions.
    pub fn times(mut self, n: u32) -> Self {
        self.left = Some(n);
        self
    }

    /// They end inside the call.
    pub fn immediate(self) {
        self.set(Behaviour::Immediate);
    }

    /// They end after that long.
    pub fn after(self, delay: Duration) {
        self.set(Behaviour::After(delay));
    }

    /// They end at the n-th call that describes the resource.
    pub fn after_polls(self, polls: u32) {
        self.set(Behaviour::AfterPolls(polls));
    }

    /// They never end.
    pub fn never(self) {
        self.set(Behaviour::Never);
    }

    /// They end in the failure state, with this code.
    pub fn fail(self, code: &str) {
        self.set(Behaviour::Fail(code.to_owned()));
    }

    /// They take that many times longer.
    pub fn slower(self, times: u32) {
        self.set(Behaviour::Slower(times));
    }

    /// They go as the table of delays says, also in the profile `Instant`.
    pub fn realistic(self) {
        self.set(Behaviour::Table);
    }

    fn set(self, behaviour: Behaviour) {
        let Self { cloud, kind, id, event, left } = self;
        cloud.with(|state| state.behaviours.push(Rule { kind, id, event, behaviour, left }));
    }
}
