//! The end-to-end cases of the fake cloud: official templates, with our product actions and with the official
//! definitions of them. Skipped, with a printed line, when `OOS_CORPUS` is not set.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stdout, reason = "tests")]

mod addresses;
mod images;
mod instances;
mod scaling;
mod services;
mod stacks;
mod triggers;
#[cfg(feature = "wire-tests")]
#[path = "../wire_support/mod.rs"]
mod wire_support;

use std::path::PathBuf;

use oos_testkit::prelude::*;

/// Ways to the cloud: in memory, and with the feature `wire-tests` through the real client and a socket, too.
#[cfg(not(feature = "wire-tests"))]
const WAYS: [Way; 1] = [in_memory];
#[cfg(feature = "wire-tests")]
const WAYS: [Way; 2] = [in_memory, wire_support::over_http];

/// Sets a bed up; gives what there is to check in the end.
type Way = fn(TestBed) -> (TestBed, Box<dyn Fn()>);

fn in_memory(bed: TestBed) -> (TestBed, Box<dyn Fn()>) {
    (bed, Box::new(|| {}))
}

/// Runs a case twice: with our product actions over the official definitions, and with the official ones alone.
fn both_ways(case: impl Fn(&TestBed)) {
    at_both_ways(FakeCloud::new, case);
}

/// The same over a cloud of the case's own, made anew for each way.
fn at_both_ways(cloud: impl Fn() -> FakeCloud, case: impl Fn(&TestBed)) {
    let Some(corpus) = oos_testkit::corpus() else {
        println!("skipped: OOS_CORPUS is not set");
        return;
    };
    let official: PathBuf = corpus.join("actions");
    // Product actions that we do not ship come from the official definitions both times.
    for (way, set) in WAYS.iter().enumerate() {
        for ours in [true, false] {
            let product_actions = if ours { "ours" } else { "official" };
            println!("product actions: {product_actions}, {}", ["cloud in memory", "cloud behind a socket"][way]);
            let (bed, check) = set(TestBed::new(cloud()));
            let bed = bed.action_directory(&official);
            case(&if ours { bed.templates(oos_actions::product::embedded()) } else { bed });
            check();
        }
    }
}

fn targets(ids: &[String]) -> Value {
    params! { "Type" => "ResourceIds", "ResourceIds" => ids.to_vec(), "RegionId" => "cn-hangzhou" }
}

fn rate(concurrency: i64, max_errors: i64) -> Value {
    params! { "Mode" => "Concurrency", "Concurrency" => concurrency, "MaxErrors" => max_errors }
}
