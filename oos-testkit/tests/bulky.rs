//! The official bulk templates over the fake cloud (fake-cloud.md 19, cases 1 to 3), with our product actions and with
//! the official definitions. Skipped, with a printed line, when `OOS_CORPUS` is not set.

use std::path::PathBuf;

use oos_core::machine::TaskStatus;
use oos_testkit::prelude::*;

/// A bed with our product actions, and one with the official definitions over them.
fn beds(cloud: impl Fn() -> FakeCloud) -> Vec<(&'static str, TestBed)> {
    let Some(corpus) = oos_testkit::corpus() else {
        println!("skipped: OOS_CORPUS is not set");
        return Vec::new();
    };
    let official: PathBuf = corpus.join("actions");
    vec![("ours", TestBed::new(cloud())), ("official", TestBed::new(cloud()).action_directory(official))]
}

fn targets(ids: &[String]) -> Value {
    params! { "Type" => "ResourceIds", "ResourceIds" => ids.to_vec(), "RegionId" => "cn-hangzhou" }
}

#[test]
fn case_1_starts_only_what_is_stopped() {
    for (name, bed) in beds(FakeCloud::new) {
        let cloud = bed.cloud().clone();
        let ids = cloud.ecs().instances(3).stopped().create();
        cloud.ecs().set_status(&ids[1], Starting);
        cloud.ecs().set_status(&ids[2], Running);
        let run = bed.run("ACS-ECS-BulkyStartInstances", params! { "targets" => targets(&ids) });
        run.expect_success();
        assert!(cloud.ecs().all(&ids).are(Running), "{name}");
        cloud.calls().of("ECS", "StartInstance").count(1).params(json!({"InstanceId": ids[0]}));
        run.output("instanceIds").eq(ids);
    }
}

#[test]
fn case_2_stops_twenty_five_within_the_window() {
    for (name, bed) in beds(FakeCloud::new) {
        let cloud = bed.cloud().clone();
        let ids = cloud.ecs().instances(25).running().create();
        cloud.ecs().set_status(&ids[7], Stopping);
        let run = bed.run("ACS-ECS-BulkyStopInstances", params! { "targets" => targets(&ids) });
        run.expect_success();
        assert!(cloud.ecs().all(&ids).are(Stopped), "{name}");
        assert!(run.most_items_in_flight("stopInstance") <= 10, "{name}");
        assert_eq!(run.most_items_in_flight("stopInstance"), 10, "{name}: the window is used");
        cloud.calls().of("ECS", "StopInstance").count(24).params(json!({"StoppedMode": "KeepCharging"}));
        run.output("instanceIds").list_contains(ids[24].as_str(), 1);
    }
}

#[test]
fn case_3_runs_a_command_with_one_failure() {
    for (name, bed) in beds(FakeCloud::new) {
        let cloud = bed.cloud().clone();
        let ids = cloud.ecs().instances(5).running().create();
        cloud.assistant().on_command(any()).on_instance(&ids[2]).then(exit(1).stdout("no space left"));
        cloud.assistant().default(exit(0).stdout("done"));
        let run = bed.run("ACS-ECS-BulkyRunCommand", params! { "targets" => targets(&ids), "commandContent" => "run" });
        run.expect_failure();
        run.task("runCommand").status(TaskStatus::Failed);

        let rate = params! { "Mode" => "Concurrency", "Concurrency" => 10, "MaxErrors" => 1 };
        let parameters = params! { "targets" => targets(&ids), "commandContent" => "run", "rateControl" => rate };
        let run = bed.run("ACS-ECS-BulkyRunCommand", parameters);
        run.expect_success();
        run.task("runCommand").items().failed().eq(&[2]);
        let expected = json!(["done", "done", null, "done", "done"]);
        run.output("commandOutputs").eq(expected);
        assert!(cloud.ecs().all(&ids).are(Running), "{name}");
    }
}

#[test]
fn rebooting_waits_for_running_again() {
    for (name, bed) in beds(FakeCloud::new) {
        let cloud = bed.cloud().clone();
        let id = cloud.ecs().instance().running().create();
        let run = bed.run_action("ACS::ECS::RebootInstance", params! { "instanceId" => id.clone() });
        run.expect_success();
        cloud.calls().of("ECS", "RebootInstance").count(1);
        assert!(cloud.ecs().all(&[id]).are(Running), "{name}");
        assert!(run.virtual_time() >= secs(20), "{name}: it has been away");
    }
}
