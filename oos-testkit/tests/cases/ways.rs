//! The ways in which the cases are run, and what is compared between them.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    time::Instant,
};

use oos_core::ports::event::EventKind;
use oos_testkit::prelude::*;

use crate::{addresses, images, instances, scaling, services, stacks, triggers};

/// A name and the test of it.
type Case = (&'static str, fn());

macro_rules! cases {
    ($($module:ident::$name:ident),* $(,)?) => {
        /// All cases and their variants.
        const CASES: &[Case] = &[$((stringify!($name), $module::$name)),*];
    };
}

cases![
    instances::case_1_starts_only_what_is_stopped,
    instances::case_2_stops_twenty_five_within_the_window,
    instances::case_3_runs_a_command_with_one_failure,
    instances::case_4_deletes_nothing_when_somebody_rejects,
    instances::case_4_deletes_what_is_approved,
    instances::case_4_fails_for_an_instance_that_runs,
    triggers::case_5_reboots_what_raises_an_alarm,
    triggers::case_6_starts_in_the_morning_and_stops_in_the_evening,
    triggers::case_7_starts_what_was_stopped_and_has_the_tag,
    stacks::case_8_makes_an_image_by_way_of_a_helper_instance,
    stacks::case_8_cleans_up_when_the_command_fails,
    images::case_9_takes_snapshots_of_the_disks_that_exist,
    services::case_10_takes_each_server_out_of_the_traffic_for_its_new_disk,
    services::case_10_stops_at_the_first_failure,
    images::case_11_encrypts_what_is_not_encrypted,
    scaling::case_12_lets_new_members_into_the_database,
    scaling::case_12_abandons_the_members_when_the_role_may_not,
    scaling::case_13_updates_a_group_by_batches_and_rolls_back,
    stacks::case_14_creates_instances_when_two_approve,
    stacks::case_14_reads_the_reason_and_deletes_a_stack_that_failed,
    services::case_15_stops_a_database_for_the_night,
    services::case_16_uploads_backups_by_a_function,
    services::case_17_runs_a_command_on_desktops,
    services::case_18_tags_everything_that_is_still_there,
    services::case_19_sets_and_clears_the_referers_of_a_bucket,
    addresses::case_20_deletes_the_entries_of_the_ports,
    addresses::case_20_deletes_nothing_when_every_port_has_an_entry,
    addresses::case_21_converts_public_addresses_only,
    images::case_22_clones_instances_into_another_region,
    triggers::case_23_warns_of_a_quota_that_is_nearly_used_up,
    scaling::case_24_adjusts_the_size_of_a_group,
    images::case_25_brings_a_launch_template_up_to_date,
];

/// One way to run a case.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Way {
    /// With our product actions, else with the official definitions.
    pub(crate) ours: bool,
    /// Ids of this seed, and what is ready in its order.
    seed: Option<u64>,
    /// Every fifth reading call is throttled.
    throttled: bool,
    /// Calls go through the real client and a socket.
    wire: bool,
}

impl Way {
    /// The bed of this way, and what there is to check in the end.
    pub(crate) fn prepare(self, cloud: FakeCloud) -> (TestBed, Box<dyn Fn()>) {
        let cloud = self.seed.map_or(cloud.clone(), |seed| cloud.with_seed(seed));
        if self.throttled {
            cloud.fault("throttled now and then").on("*", "Describe*").every_nth(5).throttle();
        }
        let bed = match self.seed {
            Some(seed) => TestBed::shuffled(&cloud, seed),
            None => TestBed::on(&cloud).seed(0),
        };
        match self.wire {
            #[cfg(feature = "wire-tests")]
            true => crate::wire_support::over_http(bed),
            _ => (bed, Box::new(|| {})),
        }
    }
}

/// What one bed has shown.
#[derive(Clone, Debug, PartialEq)]
struct Seen {
    trace: String,
    outcome: Vec<String>,
    took: Duration,
}

thread_local! {
    static WAYS: RefCell<Option<Vec<Way>>> = const { RefCell::new(None) };
    static SEEN: RefCell<Vec<Seen>> = const { RefCell::new(Vec::new()) };
}

/// The ways that are asked for; when none are, both sets of product actions, in memory and, with the feature
/// `wire-tests`, behind a socket.
pub(crate) fn present() -> Vec<Way> {
    let wires: &[bool] = if cfg!(feature = "wire-tests") { &[false, true] } else { &[false] };
    let all = wires.iter().flat_map(|wire| [true, false].map(|ours| Way { ours, wire: *wire, ..Way::default() }));
    WAYS.with_borrow(|ways| ways.clone()).unwrap_or_else(|| all.collect())
}

/// Runs a case on a bed and remembers what it has shown.
#[expect(clippy::disallowed_methods, reason = "how long a case takes is told in real time")]
pub(crate) fn observe(bed: &TestBed, case: impl FnOnce()) {
    let start = Instant::now();
    case();
    let took = start.elapsed();
    let wanted = WAYS.with_borrow(Option::is_some);
    if wanted {
        let calls = bed.cloud().calls().tail(usize::MAX);
        let trace = format!("{}{calls}", bed.trace_text());
        SEEN.with_borrow_mut(|seen| seen.push(Seen { trace, outcome: outcome(bed), took }));
    }
}

/// How each execution ended, with its outputs; without when. Our product actions are templates of their own, so inside
/// of them only the end of the whole counts.
fn outcome(bed: &TestBed) -> Vec<String> {
    let mut parents = BTreeMap::new();
    let mut ends = Vec::new();
    for event in bed.events().all() {
        match event.kind {
            EventKind::ExecutionStarted { parent, template } => _ = parents.insert(event.execution, (parent, template)),
            EventKind::ExecutionEnded { status, outputs, .. } => {
                let (parent, template) = parents.get(&event.execution).cloned().unwrap_or_default();
                let key = parent.map(|(_, key)| format!("{}[{:?}]", key.task, key.item)).unwrap_or_default();
                ends.push(format!("{template:?} {key} {status} {outputs}"));
            }
            _ => {}
        }
    }
    ends.sort();
    ends
}

/// What a case shows when it is run in these ways.
fn seen_in(case: &Case, ways: &[Way]) -> Vec<Seen> {
    WAYS.set(Some(ways.to_vec()));
    SEEN.take();
    let outcome = catch_unwind(AssertUnwindSafe(case.1));
    WAYS.set(None);
    let seen = SEEN.take();
    if let Err(panic) = outcome {
        println!("{} failed in {ways:?}", case.0);
        std::panic::resume_unwind(panic);
    }
    seen
}

#[test]
fn there_are_twenty_five_cases() {
    let number = |case: &Case| case.0.split('_').nth(1).unwrap().parse::<u32>().unwrap();
    let numbers: std::collections::BTreeSet<_> = CASES.iter().map(number).collect();
    assert_eq!(numbers.into_iter().collect::<Vec<_>>(), (1..=25).collect::<Vec<_>>());
}

#[test]
fn our_product_actions_give_the_results_of_the_official_ones() {
    let ways = [true, false].map(|ours| Way { ours, ..Way::default() });
    for case in CASES {
        // A case may make several clouds; each is seen in both ways, one after the other.
        for pair in seen_in(case, &ways).chunks(2) {
            assert_eq!(pair.len(), 2, "{}", case.0);
            assert_eq!(pair[0].outcome, pair[1].outcome, "{}", case.0);
        }
    }
}

/// Twenty seeds in a release build; a debug build is ten times slower and looks at three.
const SEEDS: u64 = if cfg!(debug_assertions) { 3 } else { 20 };

#[test]
fn one_seed_gives_one_trace() {
    for case in CASES {
        for seed in 1..=SEEDS {
            let ways = [true, false].map(|ours| Way { ours, seed: Some(seed), ..Way::default() });
            let (first, second) = (seen_in(case, &ways), seen_in(case, &ways));
            assert_eq!(first.len(), second.len());
            for (a, b) in first.iter().zip(&second) {
                let differs = a.trace.lines().zip(b.trace.lines()).find(|(a, b)| a != b);
                assert!(a.trace == b.trace, "{} with seed {seed}: {differs:?}", case.0);
            }
        }
    }
}

#[test]
fn throttling_changes_no_outcome() {
    for case in CASES {
        let ways = |throttled| [true, false].map(|ours| Way { ours, throttled, ..Way::default() });
        let (plain, throttled) = (seen_in(case, &ways(false)), seen_in(case, &ways(true)));
        for (plain, throttled) in plain.iter().zip(&throttled) {
            assert_eq!(plain.outcome, throttled.outcome, "{}", case.0);
        }
    }
}

#[test]
fn each_case_takes_less_than_fifty_milliseconds_in_a_release_build() {
    let ways = [true, false].map(|ours| Way { ours, ..Way::default() });
    let (mut slow, mut whole, mut beds) = (Vec::new(), Duration::ZERO, 0_u32);
    for case in CASES {
        // The least of several rounds: other tests run beside this one.
        let rounds: Vec<Vec<Seen>> =
            (0..if cfg!(debug_assertions) { 1 } else { 5 }).map(|_| seen_in(case, &ways)).collect();
        let least = |way: usize| rounds.iter().filter_map(|r| r.get(way)).map(|s| s.took).min().unwrap_or_default();
        let (ours, official) = (least(0), least(1));
        println!("{:<75} ours {ours:>10.1?}  official {official:>10.1?}", case.0);
        (whole, beds) = (whole + ours + official, beds + 2);
        if ours.max(official) > ms(50) {
            slow.push(case.0);
        }
    }
    println!("{beds} runs of cases in {whole:?}, {:.0} per second", f64::from(beds) / whole.as_secs_f64());
    assert!(cfg!(debug_assertions) || slow.is_empty(), "more than 50 ms: {slow:?}");
}
