//! The end-to-end cases of the fake cloud: official templates, with our product actions and with the official
//! definitions of them. Skipped, with a printed line, when `OOS_CORPUS` is not set.
//!
//! A case is written once and run in several ways: as it is, with seeds, with throttling, against the clock.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stdout, reason = "tests")]

mod addresses;
mod images;
mod instances;
mod scaling;
mod services;
mod stacks;
mod triggers;
mod ways;
#[cfg(feature = "wire-tests")]
#[path = "../wire_support/mod.rs"]
mod wire_support;

use std::path::PathBuf;

use oos_testkit::prelude::*;

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
    for way in ways::present() {
        println!("{way:?}");
        let (bed, finish) = way.prepare(cloud());
        // Product actions that we do not ship come from the official definitions both times.
        let bed = bed.action_directory(&official);
        let bed = if way.ours { bed.templates(oos_actions::product::embedded()) } else { bed };
        ways::observe(&bed, || case(&bed));
        finish();
    }
}

/// What the test itself asks the cloud, again when the way of the case throttles it.
fn look(cloud: &FakeCloud, service: &str, api: &str, parameters: serde_json::Value) -> Value {
    loop {
        match cloud.call_now(service, api, parameters.clone()) {
            Err(error) if error.code() == "Throttling.User" => {}
            answer => return answer.unwrap(),
        }
    }
}

fn targets(ids: &[String]) -> Value {
    params! { "Type" => "ResourceIds", "ResourceIds" => ids.to_vec(), "RegionId" => "cn-hangzhou" }
}

fn rate(concurrency: i64, max_errors: i64) -> Value {
    params! { "Mode" => "Concurrency", "Concurrency" => concurrency, "MaxErrors" => max_errors }
}
