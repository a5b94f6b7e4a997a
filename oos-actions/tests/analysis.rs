//! Analysis of plans with the real actions: the official templates, and golden dry runs of two templates of ours.
//!
//! Rewrite the golden files with `OOS_BLESS=1 cargo test -p oos-actions --test analysis`, then read the difference.
//! The official templates are read from the directory that `OOS_CORPUS` names; without it those tests say so and pass.

#![expect(clippy::disallowed_methods, reason = "tests read the environment")]
#![expect(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "tests")]

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use oos_actions::product::DirectoryTemplates;
use oos_core::{
    ActionName, Limits, Template, TemplateName, Value,
    analysis::{
        Does, DryRun, DryRunOptions, PermissionOptions, Policy, Reach, dry_run, permissions, permissions_with, risks,
    },
    machine::VerbRisk,
    params,
    plan::{Environment, LinkError, Plan, PlanSet},
    registry::ActionRegistry,
    source::SourceText,
};

fn corpus() -> Option<PathBuf> {
    let found = std::env::var("OOS_CORPUS").ok();
    if found.is_none() {
        println!("skipped: OOS_CORPUS is not set");
    }
    found.map(PathBuf::from)
}

/// The actions of this crate, with the official definitions before the embedded ones when there is a corpus.
fn official(corpus: &Path) -> ActionRegistry {
    oos_actions::standard()
        .with_templates(DirectoryTemplates::open(corpus.join("actions")).unwrap())
        .with_templates(DirectoryTemplates::open(corpus.join("public")).unwrap())
}

struct Linked {
    plan: Plan,
    plans: PlanSet,
}

fn compile(name: &str, text: &str, environment: &Environment) -> Result<Plan, String> {
    let source = SourceText::new(format!("{name}.yml"), text);
    let template = Template::parse_source(source, &environment.limits).map_err(|found| found.to_string())?;
    let plan = Plan::compile(&template, environment).map_err(|found| found.to_string())?;
    Ok(Plan { name: Some(TemplateName::new(name)), ..plan })
}

fn link(name: &str, text: &str, registry: &ActionRegistry) -> Result<Linked, String> {
    let environment = Environment::new(Arc::new(registry.clone()));
    let plan = compile(name, text, &environment)?;
    let plans = PlanSet::link(&plan, environment.limits.template_depth, &mut |name, _| {
        let stored = registry.action_template(&ActionName::new(name.text().clone()));
        let stored = stored.ok_or_else(|| LinkError::Missing { name: name.clone() })?;
        let invalid = |findings| LinkError::Invalid { name: name.clone(), findings };
        let template = Template::parse_source(stored.source.clone(), &Limits::default()).map_err(invalid)?;
        let plan = Plan::compile(&template, &environment).map_err(invalid)?;
        Ok(Arc::new(Plan { name: Some(name.clone()), ..plan }))
    });
    Ok(Linked { plan, plans: plans.map_err(|e| format!("{e:?}"))? })
}

fn load(corpus: &Path, name: &str) -> Linked {
    let text = fs::read_to_string(corpus.join("public").join(format!("{name}.yml"))).unwrap();
    link(name, &text, &official(corpus)).unwrap()
}

impl Linked {
    fn actions(&self) -> Vec<String> {
        permissions(&self.plan, &self.plans).actions().iter().map(ToString::to_string).collect()
    }

    fn dry_run(&self, parameters: &Value) -> DryRun {
        dry_run(&self.plan, &self.plans, parameters, &DryRunOptions::default())
    }
}

#[test]
fn every_official_template_is_analysed() {
    let Some(corpus) = corpus() else { return };
    let registry = official(&corpus);
    let (mut analysed, mut calls, mut risky) = (0, 0, 0);
    for folder in ["public", "actions"] {
        let mut files: Vec<_> = fs::read_dir(corpus.join(folder)).unwrap().map(|e| e.unwrap().path()).collect();
        files.sort();
        for path in files {
            let name = path.file_stem().unwrap().to_str().unwrap().replace('.', "::");
            let text = fs::read_to_string(&path).unwrap();
            let linked = match link(&name, &text, &registry) {
                Ok(linked) => linked,
                Err(why) => {
                    println!("{name}: {}", why.lines().next().unwrap_or_default());
                    continue;
                }
            };
            let found = permissions(&linked.plan, &linked.plans);
            let run = linked.dry_run(&Value::Null);
            assert!(!run.truncated, "{name}");
            assert!(!run.steps.is_empty() && !run.to_string().is_empty(), "{name}");
            assert_eq!(run.failure, None, "{name}\n{run}");
            // What the dry run calls is part of what the whole template may call.
            let all = found.actions();
            assert!(
                !found.unresolved.is_empty() || run.actions.iter().all(|a| all.contains(a)),
                "{name}\n{run}\n{found}"
            );
            calls += all.len();
            risky += usize::from(!risks(&linked.plan, &linked.plans, &VerbRisk).tasks.is_empty());
            analysed += 1;
        }
    }
    println!("{analysed} templates, {calls} RAM actions, {risky} with high-risk calls");
    assert!(analysed >= 390, "{analysed}");
}

#[test]
fn stopping_instances_needs_what_the_official_page_lists() {
    let Some(corpus) = corpus() else { return };
    for name in ["ACS-ECS-BulkyStopInstances", "ACS-ECS-ScheduleToStopInstances"] {
        let linked = load(&corpus, name);
        let found = permissions(&linked.plan, &linked.plans);
        assert_eq!(
            linked.actions(),
            ["ecs:DescribeInstances", "ecs:StopInstance", "oos:GetApplicationGroup"],
            "{name}"
        );
        assert_eq!(
            found.policy().to_string(),
            concat!(
                r#"{"Version":"1","Statement":[{"Action":["ecs:DescribeInstances","ecs:StopInstance"],"#,
                r#""Resource":"*","Effect":"Allow"},{"Action":["oos:GetApplicationGroup"],"Resource":"*","Effect":"Allow"}]}"#
            )
        );
        assert!(found.unresolved.is_empty(), "{found}");
        assert_eq!(found.roles.len(), 1, "{found}");
        let missing = Policy::parse("[{'Action': ['ecs:Describe*'], 'ServiceName': 'ecs', 'Resources': '*'}]").unwrap();
        assert_eq!(found.covered_by(&missing).missing.len(), 2);
    }
}

/// Templates of different kinds: bulk with children, events, alarms, timers, life-cycle hooks, other products, clusters.
const KINDS: [&str; 10] = [
    "ACS-ECS-BulkyRunCommand",
    "ACS-ECS-BulkyDeleteInstancesWithApproval",
    "ACS-ECS-RunInstancesWithApproval",
    "ACS-ECS-ScheduleToExecuteTemplate",
    "ACS-ESS-LifeCycleModifyRedisIPWhitelist",
    "ACS-RDS-ScheduleToStartAndStopOrStopAndStartInstances",
    "ACS-ECS-BulkyDettachInstanceRamRole",
    "ACS-ESS-RollingUpdateByRunCommandInScalingGroup",
    "ACS-ECS-BulkyConvertPublicToEIPAndAddToCommonBandwidthPackage",
    "ACS-OSS-PutBucketPolicy",
];

#[test]
fn permissions_of_official_templates_are_those_of_the_table() {
    let Some(corpus) = corpus() else { return };
    let mut told = String::from("# Made by: OOS_BLESS=1 cargo test -p oos-actions --test analysis\n");
    for name in KINDS {
        let linked = load(&corpus, name);
        let found = permissions(&linked.plan, &linked.plans);
        // One statement per product, on every resource, actions sorted: the form of GenerateExecutionPolicy.
        let products: Vec<_> = found.statements.iter().map(|s| s.actions[0].split(':').next().unwrap()).collect();
        assert!(products.is_sorted() && products.windows(2).all(|p| p[0] != p[1]), "{name}: {products:?}");
        assert!(found.statements.iter().all(|s| s.resources == ["*".into()] && s.actions.is_sorted()), "{name}");
        let complete = PermissionOptions { complete: true, ..PermissionOptions::default() };
        let complete = permissions_with(&linked.plan, &linked.plans, &complete).actions();
        let more: Vec<_> = complete.iter().filter(|a| !found.actions().contains(a)).map(ToString::to_string).collect();
        told.push_str(&format!("\n{name}\n"));
        told.extend(linked.actions().iter().map(|action| format!("  {action}\n")));
        told.extend(found.unresolved.iter().map(|u| format!("  unresolved: {u}\n")));
        if !more.is_empty() {
            told.push_str(&format!("  complete: {}\n", more.join(", ")));
        }
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/analysis/official.txt");
    if std::env::var("OOS_BLESS").is_ok() {
        fs::write(&path, &told).unwrap();
    }
    assert_eq!(told, fs::read_to_string(&path).unwrap());
}

#[test]
fn a_child_that_a_parameter_names_is_unresolved() {
    let Some(corpus) = corpus() else { return };
    let linked = load(&corpus, "ACS-ECS-ScheduleToExecuteTemplate");
    let found = permissions(&linked.plan, &linked.plans);
    assert!(found.statements.is_empty(), "{found}");
    assert_eq!(found.unresolved.len(), 1, "{found}");
    assert_eq!(found.unresolved[0].property, "TemplateName");
    assert!(found.unresolved[0].line.is_some());
}

#[test]
fn known_targets_become_resources() {
    let Some(corpus) = corpus() else { return };
    let linked = load(&corpus, "ACS-ECS-BulkyStopInstances");
    let options = PermissionOptions {
        parameters: params! { "targets" => params! { "Type" => "ResourceIds", "ResourceIds" => ["i-1"] }, "OOSAssumeRole" => "Ops" },
        resources: true,
        variables: params! { "RegionId" => "cn-hangzhou" },
        ..PermissionOptions::default()
    };
    let found = permissions_with(&linked.plan, &linked.plans, &options);
    assert_eq!(&*found.caller_policy().statements[0].resources[0], "acs:ram::*:role/ops");
    // The instances come out of a call, so they stay open.
    assert!(found.statements.iter().all(|s| s.resources == ["*".into()]), "{found}");
}

#[test]
fn risks_are_found_inside_product_actions() {
    let Some(corpus) = corpus() else { return };
    let linked = load(&corpus, "ACS-ECS-BulkyStopInstances");
    let found = risks(&linked.plan, &linked.plans, &VerbRisk);
    assert_eq!(found.tasks.len(), 1);
    let risk = &found.tasks[0];
    assert_eq!((&*risk.service, &*risk.api), ("ECS", "StopInstance"));
    assert_eq!((risk.tasks[0].as_str(), risk.templates[0].as_str()), ("stopInstance", "ACS::ECS::StopInstance"));
}

#[test]
fn the_dry_run_follows_the_loop_into_the_product_action() {
    let Some(corpus) = corpus() else { return };
    let linked = load(&corpus, "ACS-ECS-BulkyStopInstances");
    let run = linked.dry_run(&params! { "targets" => params! { "Type" => "ResourceIds", "ResourceIds" => ["i-1"] } });
    println!("{run}");
    let looped = &run.steps[1];
    assert!(matches!(&looped.does, Does::Child { unexplored: None, .. }));
    assert_eq!(looped.fan_out.as_ref().unwrap().items, None);
    let reach: Vec<_> = looped.body.iter().map(|s| (s.task.as_str(), s.reach == Reach::Always)).collect();
    assert_eq!(reach[0], ("getInstanceStatus", true));
    let stop = looped.body.iter().find(|s| s.task.as_str() == "stopInstance").unwrap();
    assert!(matches!(stop.reach, Reach::Maybe(_)) && stop.calls()[0].high_risk);
}

/// A golden dry run: `tests/golden/analysis/<case>.{yml,json,txt}`, the middle one the parameters.
fn golden(case: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/analysis");
    let read = |extension: &str| fs::read_to_string(folder.join(format!("{case}.{extension}"))).unwrap();
    let linked = link(case, &read("yml"), &oos_actions::standard()).unwrap_or_else(|e| panic!("{e}"));
    let parameters = Value::from_json_str(&read("json")).unwrap();
    let run = linked.dry_run(&parameters);
    let found = permissions(&linked.plan, &linked.plans);
    let risks = risks(&linked.plan, &linked.plans, &VerbRisk);
    let told = format!("{run}\n{}\n{}", found, risks);
    let path = folder.join(format!("{case}.txt"));
    if std::env::var("OOS_BLESS").is_ok() {
        fs::write(&path, &told).unwrap();
    }
    assert_eq!(told, fs::read_to_string(&path).unwrap());
    assert_eq!(Value::from_json_str(&run.to_value().to_string()).unwrap(), run.to_value());
}

#[test]
fn resize_disks_as_written_down() {
    golden("resize-disks");
}

#[test]
fn nightly_stop_as_written_down() {
    golden("nightly-stop");
}
