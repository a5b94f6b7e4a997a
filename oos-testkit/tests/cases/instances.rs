//! Instances in bulk: cases 1 to 4.

use oos_core::machine::{ExecutionStatus, TaskStatus};
use oos_testkit::prelude::*;

use crate::{both_ways, rate, targets};

#[test]
pub(crate) fn case_1_starts_only_what_is_stopped() {
    both_ways(|bed| {
        let cloud = bed.cloud();
        let ids = cloud.ecs().instances(3).stopped().create();
        cloud.ecs().set_status(&ids[1], Starting);
        cloud.ecs().set_status(&ids[2], Running);
        let run = bed.run("ACS-ECS-BulkyStartInstances", params! { "targets" => targets(&ids) });
        run.expect_success();
        assert!(cloud.ecs().all(&ids).are(Running));
        cloud.calls().of("ECS", "StartInstance").count(1).params(json!({"InstanceId": ids[0]}));
        run.output("instanceIds").eq(ids);
    });
}

#[test]
pub(crate) fn case_2_stops_twenty_five_within_the_window() {
    both_ways(|bed| {
        let cloud = bed.cloud();
        let ids = cloud.ecs().instances(25).running().create();
        cloud.ecs().set_status(&ids[7], Stopping);
        let run = bed.run("ACS-ECS-BulkyStopInstances", params! { "targets" => targets(&ids) });
        run.expect_success();
        assert!(cloud.ecs().all(&ids).are(Stopped));
        assert_eq!(run.most_items_in_flight("stopInstance"), 10, "the window is used and kept");
        cloud.calls().of("ECS", "StopInstance").count(24).params(json!({"StoppedMode": "KeepCharging"}));
        run.output("instanceIds").list_contains(ids[24].as_str(), 1);
    });
}

#[test]
pub(crate) fn case_3_runs_a_command_with_one_failure() {
    both_ways(|bed| {
        let cloud = bed.cloud();
        let ids = cloud.ecs().instances(5).running().create();
        cloud.assistant().on_command(any()).on_instance(&ids[2]).then(exit(1).stdout("no space left"));
        cloud.assistant().default(exit(0).stdout("done"));
        let run = bed.run("ACS-ECS-BulkyRunCommand", params! { "targets" => targets(&ids), "commandContent" => "run" });
        run.expect_failure();
        run.task("runCommand").status(TaskStatus::Failed);

        let parameters =
            params! { "targets" => targets(&ids), "commandContent" => "run", "rateControl" => rate(10, 1) };
        let run = bed.run("ACS-ECS-BulkyRunCommand", parameters);
        run.expect_success();
        run.task("runCommand").items().failed().eq(&[2]);
        run.output("commandOutputs").eq(json!(["done", "done", null, "done", "done"]));
    });
}

/// Starts the template of case 4 and lets it come to the approval.
fn deletion(bed: &TestBed, ids: &[String]) -> Run {
    let run = bed.start(
        "ACS-ECS-BulkyDeleteInstancesWithApproval",
        params! { "targets" => targets(ids), "accessToken" => "abc123" },
    );
    bed.run_until_waiting();
    run.assert_waiting_for_approval("approvalForDeleteInstances");
    run
}

#[test]
pub(crate) fn case_4_deletes_nothing_when_somebody_rejects() {
    both_ways(|bed| {
        let cloud = bed.cloud();
        let ids = cloud.ecs().instances(2).stopped().create();
        let run = deletion(bed, &ids);
        bed.webhooks().sent(1).body_contains(&ids[0]).body_contains(&ids[1]).url_contains("access_token=abc123");
        bed.reject(&run, "approvalForDeleteInstances", "ana");
        bed.run_to_end();
        run.expect_status(ExecutionStatus::Cancelled);
        run.task("approvalForDeleteInstances").status(TaskStatus::Cancelled);
        cloud.calls().of("ECS", "DeleteInstance").never();
    });
}

#[test]
pub(crate) fn case_4_deletes_what_is_approved() {
    both_ways(|bed| {
        let cloud = bed.cloud();
        let ids = cloud.ecs().instances(2).stopped().create();
        let run = deletion(bed, &ids);
        cloud.calls().of("ECS", "DeleteInstance").never();
        bed.approve(&run, "approvalForDeleteInstances", "ana");
        bed.run_to_end();
        run.expect_success();
        bed.run_for(mins(1));
        assert!(cloud.ecs().gone(&ids));
        cloud.calls().of("ECS", "DeleteInstance").count(2);
    });
}

#[test]
pub(crate) fn case_4_fails_for_an_instance_that_runs() {
    both_ways(|bed| {
        let cloud = bed.cloud();
        let running = cloud.ecs().instance().running().create();
        let stopped = cloud.ecs().instance().stopped().create();
        let run = deletion(bed, &[running.clone(), stopped]);
        bed.approve(&run, "approvalForDeleteInstances", "ana");
        bed.run_to_end();
        run.expect_failure();
        run.task("deleteInstance").items().failed().eq(&[0]);
        run.task_of(&run.children()[0], "checkInstanceReady").status(TaskStatus::Failed);
        cloud.calls().of("ECS", "DeleteInstance").with(json!({"InstanceId": running})).never();
    });
}

#[test]
fn rebooting_waits_for_running_again() {
    both_ways(|bed| {
        let cloud = bed.cloud();
        let id = cloud.ecs().instance().running().create();
        let run = bed.run_action("ACS::ECS::RebootInstance", params! { "instanceId" => id.clone() });
        run.expect_success();
        cloud.calls().of("ECS", "RebootInstance").count(1);
        assert!(cloud.ecs().all(&[id]).are(Running));
        assert!(run.virtual_time() >= secs(20), "it has been away");
    });
}
