//! For start, stop, attach … of unknown outcome: the read call that tells whether it has been carried out
//! (durability rule 5).
//!
//! A write without an entry here is never repeated. Selectors are texts; the caller evaluates them.

use std::sync::Arc;

use crate::{Map, Timestamp, Value, ports::api::ApiRequest};

/// One entry of the table.
#[derive(Debug)]
pub struct Probe {
    /// Product id of the operation.
    pub product: &'static str,
    /// Operation.
    pub api: &'static str,
    /// The read call, of the same service.
    pub read: &'static str,
    /// Where the parameters of the read call come from.
    pub inputs: &'static [Input],
    /// jq selector over the answer of the read call.
    pub selector: &'static str,
    /// What its results must be.
    pub done: Done,
}

/// A parameter of the read call, from a parameter of the write call.
#[derive(Debug)]
pub struct Input {
    /// Wire name in the write call.
    pub from: &'static str,
    /// Name in the read call.
    pub to: &'static str,
    /// True when the read call wants a list.
    pub list: bool,
}

/// When a call counts as carried out.
#[derive(Debug)]
pub enum Done {
    /// Every result is one of these: in the wanted state or on the way to it. Case does not matter.
    Values(&'static [&'static str]),
    /// Every result equals this parameter of the write call.
    Parameter(&'static str),
    /// Every result is a time that is not before the intent, or one of these: on the way.
    SinceIntent(&'static [&'static str]),
}

const fn input(from: &'static str, to: &'static str, list: bool) -> Input {
    Input { from, to, list }
}

const INSTANCE: &[Input] = &[input("InstanceId", "InstanceIds", true)];
const DISK: &[Input] = &[input("DiskId", "DiskIds", true)];
const EIP: &[Input] = &[input("AllocationId", "AllocationId", false)];
const ENI: &[Input] = &[input("NetworkInterfaceId", "NetworkInterfaceId", true)];
const MEMBERS: &[Input] = &[input("ScalingGroupId", "ScalingGroupId", false), input("InstanceId", "InstanceId", true)];
const DB: &[Input] = &[input("DBInstanceId", "DBInstanceId", false)];
const DESKTOP: &[Input] = &[input("DesktopId", "DesktopId", true)];
const ROLE: &[Input] = &[input("InstanceIds", "InstanceIds", true)];

const STATUS: &str = ".Instances.Instance[].Status";
// What is on its way has no new start time yet.
const START_TIME: &str = ".Instances.Instance[] | if .Status == \"Running\" then .StartTime else .Status end";
const EIP_OWNER: &str = ".EipAddresses.EipAddress[].InstanceId";
const EIP_STATUS: &str = ".EipAddresses.EipAddress[].Status";
const LIFECYCLE: &str = ".ScalingInstances.ScalingInstance[].LifecycleState";
const DB_STATUS: &str = ".Items.DBInstanceAttribute[].DBInstanceStatus";
const DESKTOP_STATUS: &str = ".Desktops[].DesktopStatus";
const DESKTOP_START: &str = ".Desktops[] | if .DesktopStatus == \"Running\" then .StartTime else .DesktopStatus end";

const RESTARTED: Done = Done::SinceIntent(&["Stopping", "Starting"]);
const RUNNING: Done = Done::Values(&["Running", "Starting"]);
const STOPPED: Done = Done::Values(&["Stopped", "Stopping"]);
const FREE_EIP: Done = Done::Values(&["Available", "Unassociating"]);
const DETACHED: Done = Done::Values(&["Available", "Detaching"]);
const IN_SERVICE: Done = Done::Values(&["InService", "Protected", "Pending", "Pending:Wait"]);

macro_rules! table {
    ($($product:literal $api:literal => $read:literal $inputs:ident $selector:expr, $done:expr;)*) => {
        [$(Probe { product: $product, api: $api, read: $read, inputs: $inputs, selector: $selector, done: $done }),*]
    };
}

// CHOICE: read calls and states are facts of the APIs; that a state on the way counts as done is durability rule 5. A
// detached disk keeps its id, so its status tells; a role that is taken away leaves no trace to read, so it has no entry.
static TABLE: [Probe; 22] = table! {
    "ecs" "StartInstance" => "DescribeInstances" INSTANCE STATUS, RUNNING;
    "ecs" "StartInstances" => "DescribeInstances" INSTANCE STATUS, RUNNING;
    "ecs" "StopInstance" => "DescribeInstances" INSTANCE STATUS, STOPPED;
    "ecs" "StopInstances" => "DescribeInstances" INSTANCE STATUS, STOPPED;
    "ecs" "RebootInstance" => "DescribeInstances" INSTANCE START_TIME, RESTARTED;
    "ecs" "RebootInstances" => "DescribeInstances" INSTANCE START_TIME, RESTARTED;
    "ecs" "AttachDisk" => "DescribeDisks" DISK ".Disks.Disk[].InstanceId", Done::Parameter("InstanceId");
    "ecs" "DetachDisk" => "DescribeDisks" DISK ".Disks.Disk[].Status", DETACHED;
    "ecs" "AttachNetworkInterface" => "DescribeNetworkInterfaces" ENI
        ".NetworkInterfaceSets.NetworkInterfaceSet[].InstanceId", Done::Parameter("InstanceId");
    "ecs" "DetachNetworkInterface" => "DescribeNetworkInterfaces" ENI
        ".NetworkInterfaceSets.NetworkInterfaceSet[].Status", DETACHED;
    "ecs" "AttachInstanceRamRole" => "DescribeInstanceRamRole" ROLE
        ".InstanceRamRoleSets.InstanceRamRoleSet[].RamRoleName", Done::Parameter("RamRoleName");
    "ecs" "AssociateEipAddress" => "DescribeEipAddresses" EIP EIP_OWNER, Done::Parameter("InstanceId");
    "ecs" "UnassociateEipAddress" => "DescribeEipAddresses" EIP EIP_STATUS, FREE_EIP;
    "vpc" "AssociateEipAddress" => "DescribeEipAddresses" EIP EIP_OWNER, Done::Parameter("InstanceId");
    "vpc" "UnassociateEipAddress" => "DescribeEipAddresses" EIP EIP_STATUS, FREE_EIP;
    "ess" "EnterStandby" => "DescribeScalingInstances" MEMBERS LIFECYCLE, Done::Values(&["Standby"]);
    "ess" "ExitStandby" => "DescribeScalingInstances" MEMBERS LIFECYCLE, IN_SERVICE;
    "rds" "StartDBInstance" => "DescribeDBInstanceAttribute" DB DB_STATUS, RUNNING;
    "rds" "StopDBInstance" => "DescribeDBInstanceAttribute" DB DB_STATUS, STOPPED;
    "ecd" "StartDesktops" => "DescribeDesktops" DESKTOP DESKTOP_STATUS, RUNNING;
    "ecd" "StopDesktops" => "DescribeDesktops" DESKTOP DESKTOP_STATUS, STOPPED;
    "ecd" "RebootDesktops" => "DescribeDesktops" DESKTOP DESKTOP_START, RESTARTED;
};

/// The entry for an operation, both in any case.
pub(crate) fn find(product: &str, api: &str) -> Option<&'static Probe> {
    TABLE.iter().find(|p| p.product.eq_ignore_ascii_case(product) && p.api.eq_ignore_ascii_case(api))
}

impl Probe {
    /// The read call for a write call: its `params` by wire name and the request they came from.
    pub fn request(&self, write: &ApiRequest, params: &Map) -> ApiRequest {
        let inputs = self.inputs.iter().filter_map(|i| Some((i.to, i.value(params.get(i.from)?))));
        let mut parameters: Map = inputs.collect();
        if let Some(region) = write.parameters.get("RegionId") {
            parameters.insert("RegionId", region.clone());
        }
        let mut read = ApiRequest::new(write.service.clone(), self.read, parameters);
        read.version = write.version.clone();
        read.endpoint = write.endpoint.clone();
        read.region = write.region.clone();
        read.role = write.role.clone();
        read.origin = write.origin.clone();
        read
    }

    /// True when `results` of the selector say that the call has been carried out: as many as were asked about, and all
    /// of them as wanted.
    pub fn is_done(&self, results: &[Value], params: &Map, intent: Timestamp) -> bool {
        !results.is_empty()
            && results.len() >= self.asked(params)
            && results.iter().all(|r| self.fits(r, params, intent))
    }

    /// How many things the write call is about.
    fn asked(&self, params: &Map) -> usize {
        let lists = self.inputs.iter().filter(|i| i.list).filter_map(|i| params.get(i.from)?.as_list());
        lists.map(<[Value]>::len).max().unwrap_or(1)
    }

    fn fits(&self, result: &Value, params: &Map, intent: Timestamp) -> bool {
        let text = result.to_text();
        match &self.done {
            Done::Values(values) => values.iter().any(|v| v.eq_ignore_ascii_case(&text)),
            Done::Parameter(name) => params.get(name).is_some_and(|wanted| wanted.to_text() == text),
            Done::SinceIntent(way) => way.iter().any(|w| w.eq_ignore_ascii_case(&text)) || since(&text, intent),
        }
    }
}

impl Input {
    fn value(&self, given: &Value) -> Value {
        match given {
            Value::List(_) => given.clone(),
            one if self.list => [one.clone()].into(),
            one => Value::String(Arc::clone(&one.to_text())),
        }
    }
}

/// ECS writes start times without seconds; such a time is compared with the minute of the intent.
// CHOICE: a start earlier in the same minute counts as this one; the other error would reboot twice.
fn since(text: &str, intent: Timestamp) -> bool {
    const MINUTE: i64 = 60_000;
    let whole = text.matches(':').count() < 2;
    let from = if whole { intent.as_millis() - intent.as_millis().rem_euclid(MINUTE) } else { intent.as_millis() };
    Timestamp::parse(text).is_ok_and(|time| time.as_millis() >= from)
}
