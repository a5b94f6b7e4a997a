//! A fake cloud, virtual time and assertions, to test OOS templates and actions offline.
//!
//! [`FakeCloud`] answers API calls from memory; [`VirtualClock`] jumps instead of waiting; [`Calls`] asserts what was
//! called; faults and stubs bend the answers. Nothing here reads the wall clock or touches a network.

pub mod bed;
pub mod calls;
pub mod clock;
pub mod cloud;
pub mod conformance;
pub mod coverage;
pub mod events;
pub mod executor;
pub mod fault;
pub mod faulty_store;
pub mod fixture;
pub mod git;
pub mod harness;
mod hooked_store;
pub mod in_place;
#[cfg(feature = "mocks")]
pub mod mocks;
pub mod oos_service;
pub mod ports;
pub mod record;
#[cfg(feature = "server")]
pub mod server;
#[cfg(feature = "server")]
mod waiver;

pub use bed::{Run, TestBed, assert_policy_covers, explore};
pub use calls::{Call, Calls};
pub use clock::VirtualClock;
pub use cloud::FakeCloud;
pub use coverage::Coverage;
pub use events::EventRecorder;
pub use executor::Executor;
pub use faulty_store::FaultyStore;
pub use fixture::Fixture;
pub use git::GitAccounts;
pub use harness::ActionHarness;
pub use hooked_store::{Appended, HookedStore};
pub use in_place::InPlace;
pub use ports::{HttpRecorder, ParameterMap, SeededIds, TestTriggers};
pub use record::{Recorder, Replay};

/// The folder of official templates that `OOS_CORPUS` names, for tests that run them.
#[expect(clippy::disallowed_methods, reason = "documented: where official templates lie is told by OOS_CORPUS")]
pub fn corpus() -> Option<std::path::PathBuf> {
    std::env::var("OOS_CORPUS").ok().map(std::path::PathBuf::from)
}

/// What tests write most: values, matchers and durations.
pub mod prelude {
    pub use std::time::Duration;

    pub use oos_core::{
        Value,
        machine::TaskStatus::{self, Cancelled, Failed, Skipped, Success},
        params,
        ports::ActionErrorKind::TimedOut as WaitTimedOut,
    };
    pub use serde_json::json;

    pub use crate::{
        Calls, FakeCloud, Run, TestBed, VirtualClock, assert_policy_covers,
        calls::{any, call, eq, is, loop_items, re, subset},
        clock::{hours, mins, ms, secs},
        cloud::{
            Enforcement::{self, Audit, Off, On},
            Profile,
            ecs::{
                InstanceStatus::{self, Pending, Running, Starting, Stopped, Stopping},
                assistant::{aborted, agent_offline, crash_mid_way, exit, output_bytes, timeout},
                by_ids, by_tag,
            },
        },
        explore,
        fault::{err, ok, x},
    };
}
