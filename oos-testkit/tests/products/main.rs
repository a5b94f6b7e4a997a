//! The embedded product actions beside the official definitions of the same name, on the fake cloud.
//!
//! A table of cases says what is set up and how the action ends. Ours run each case alone. When `OOS_CORPUS` names the
//! official definitions, both run each case, and each success path again and again with another of its calls refused:
//! same calls at the same instants, same outputs, same failure, same state of the cloud. What differs stands in
//! `differences.txt` with the reason, and nothing more may stand there.

#![expect(clippy::unwrap_used, clippy::panic, clippy::print_stdout, clippy::indexing_slicing, reason = "tests")]

mod compute;
mod observe;
mod other;
mod scaling;
mod storage;

use std::{
    collections::{BTreeMap, BTreeSet},
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use oos_testkit::prelude::*;

use observe::{Observed, differences, official, ours};

/// One way to run an action.
struct Case {
    action: &'static str,
    path: &'static str,
    /// Makes what is there before, and gives the properties.
    set_up: fn(&FakeCloud) -> Value,
    /// Code of the failure; none for success.
    fails: Option<&'static str>,
}

const fn good(action: &'static str, path: &'static str, set_up: fn(&FakeCloud) -> Value) -> Case {
    Case { action, path, set_up, fails: None }
}

const fn bad(action: &'static str, path: &'static str, code: &'static str, set_up: fn(&FakeCloud) -> Value) -> Case {
    Case { action, path, set_up, fails: Some(code) }
}

fn cases() -> impl Iterator<Item = &'static Case> {
    [compute::CASES, storage::CASES, scaling::CASES, other::CASES].into_iter().flatten()
}

/// The sixty actions that unlock the most public templates, in the order of their use.
const FIRST: &[&str] = &[
    "ECS::RunCommand",
    "ECS::StopInstance",
    "ECS::StartInstance",
    "ECS::RebootInstance",
    "ROS::CreateStack",
    "ECS::InvokeCommand",
    "ECS::DownloadOSSFileAndRunCommand",
    "ECS::CreateSnapshot",
    "HBR::RestoreHanaDatabaseBackup",
    "ESS::ModifyPolarDBIPWhitelist",
    "ESS::DownloadFileAndRunCommand",
    "ECS::ModifyInstanceSpec",
    "ECS::CreateImage",
    "ECS::CreateDiagnoseReport",
    "ECS::ConfigureOOSPackage",
    "ECS::SMCConversionConstantByJqScript",
    "ECS::SMCVerifyInstanceByRunCommand",
    "ECS::ModifyInstanceAutoRenewAttribute",
    "ECS::ModifyInstanceChargeType",
    "ECS::CopyImage",
    "ECS::UpdateLaunchTemplate",
    "ECS::RunInstances",
    "ECS::InstallCloudAssistant",
    "ECD::StopDesktop",
    "ECD::StartDesktop",
    "VPC::UpgradeEipBandwidth",
    "TAG::TagResources",
    "TAG::GetARNsByTag",
    "SLB::SetLoadBalancerDeleteProtection",
    "SAE::CreateApplication",
    "Redis::UpgradeRedisInstanceBandwidth",
    "Redis::DeleteSecurityIpByInstanceIPArray",
    "RDS::ModifySecurityIpsByInstanceIPArray",
    "RDS::ModifyDBInstanceSpec",
    "RDC::RunCommandByStaragent",
    "RDC::RunCommandByDevops",
    "RDC::RunCommand",
    "RDC::NewRunCommand",
    "FC::InvokeFunction",
    "FC::ExecuteScript",
    "Redis::CreateBackupAndUploadToOSS",
    "ESS::UpdateContainerGroup",
    "ESS::RunCommand",
    "ESS::ReplaceSystemDisk",
    "ESS::ConfigureOOSPackage",
    "ECS::TagInstanceByRunCommandResult",
    "ECS::TagInstanceByOSType",
    "ECS::TagInstanceByLinuxKernelVersion",
    "ECS::RunPacker",
    "ECS::ResetDisk",
    "ECS::ReplaceSystemDisk",
    "ECS::RemoveEipFromCommonBandwidthPackage",
    "ECS::ReleaseEipAddress",
    "ECS::ReInitDisk",
    "ECS::QueryInstanceAttributes",
    "ECS::PutInventory",
    "ECS::ModifyUserPasswordBySecretParameter",
    "ECS::ModifyPrepaySpec",
    "ECS::ModifyInstanceChargeTypeSpecifiedInstanceTypeFamilies",
    "ECS::ModifyInstanceAttribute",
];

#[test]
fn the_embedded_actions_are_the_sixty_that_unlock_most() {
    let wanted: BTreeSet<String> = FIRST.iter().map(|name| format!("ACS::{name}")).collect();
    let embedded: BTreeSet<String> =
        oos_actions::product::embedded().names().map(|name| name.as_str().to_owned()).collect();
    assert_eq!(wanted.len(), 60);
    assert_eq!(embedded, wanted);
}

#[test]
fn every_action_has_a_success_and_a_failure() {
    let named =
        |good: bool| -> BTreeSet<&str> { cases().filter(|c| c.fails.is_none() == good).map(|c| c.action).collect() };
    let wanted: BTreeSet<&str> = FIRST.iter().copied().collect();
    assert_eq!(named(true), wanted);
    assert_eq!(named(false), wanted);
}

/// Runs every case and gathers what goes wrong, so that one run shows all.
fn all(check: impl Fn(&Case) -> Result<(), String>) {
    let mut wrong = Vec::new();
    for case in cases() {
        let found = catch_unwind(AssertUnwindSafe(|| check(case)));
        let text = match found {
            Ok(Ok(())) => continue,
            Ok(Err(text)) => text,
            Err(panic) => panic.downcast_ref::<String>().cloned().unwrap_or_else(|| "a panic".to_owned()),
        };
        wrong.push(format!("{} ({}): {text}", case.action, case.path));
    }
    assert!(wrong.is_empty(), "{} cases:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn ours_end_as_the_table_says() {
    all(|case| {
        let seen = ours(case, None);
        match (&seen.failure, case.fails) {
            (None, None) if seen.ended_well => Ok(()),
            (Some(failure), Some(code)) if failure.split(':').next() == Some(code) => Ok(()),
            (failure, _) => Err(format!("ended with {failure:?}, well: {}\n{}", seen.ended_well, seen.report)),
        }
    });
}

/// Differences that are meant, by action: path and reason.
fn meant() -> BTreeMap<String, BTreeSet<String>> {
    let mut out: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in include_str!("differences.txt").lines().filter(|l| !l.is_empty() && !l.starts_with('#')) {
        let parts: Vec<&str> = line.split(" | ").collect();
        assert!(parts.len() == 3 && parts.iter().all(|p| !p.trim().is_empty()), "action | path | reason: {line}");
        assert!(out.entry(parts[0].trim().to_owned()).or_default().insert(parts[1].trim().to_owned()), "twice: {line}");
    }
    out
}

/// Numbers of the calls that are refused in turn: the first of each row of equal ones, since a wait that asks again is
/// refused alike at every round.
fn refusable(seen: &Observed) -> impl Iterator<Item = usize> {
    let names: Vec<_> = seen.calls.iter().map(|call| &call.name).collect();
    (0..names.len()).filter(move |n| *n == 0 || names.get(*n) != names.get(n - 1)).map(|n| n + 1)
}

#[test]
fn ours_and_the_official_ones_do_the_same() {
    let Some(corpus) = oos_testkit::corpus() else {
        println!("skipped: OOS_CORPUS is not set");
        return;
    };
    let folder = corpus.join("actions");
    let meant = meant();
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let pairs = std::cell::Cell::new(0_usize);
    let cell = std::cell::RefCell::new(&mut found);
    all(|case| {
        let compare = |refused: Option<usize>| -> Result<Observed, String> {
            let (mine, theirs) = (ours(case, refused), official(case, refused, Path::new(&folder)));
            pairs.set(pairs.get() + 1);
            let (different, detail) = differences(&mine, &theirs);
            let known = meant.get(case.action).cloned().unwrap_or_default();
            cell.borrow_mut().entry(case.action.to_owned()).or_default().extend(different.iter().cloned());
            let new: Vec<_> = different.difference(&known).collect();
            if new.is_empty() { Ok(mine) } else { Err(format!("refused call {refused:?}: {new:?}\n{detail}")) }
        };
        let seen = compare(None)?;
        if case.fails.is_none() {
            for n in refusable(&seen) {
                compare(Some(n))?;
            }
        }
        Ok(())
    });
    println!("{} pairs of runs were compared", pairs.get());
    found.retain(|_, paths| !paths.is_empty());
    assert_eq!(found, meant, "differences.txt lists what is not different");
}
