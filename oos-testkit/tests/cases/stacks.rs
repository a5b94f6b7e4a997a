//! Stacks made and removed: cases 8 and 14.

use oos_core::machine::{ExecutionStatus, TaskStatus};
use oos_testkit::{cloud::ros::fails_at, prelude::*};

use crate::both_ways;

/// The status of the only stack, a minute from now.
fn stack_later(bed: &TestBed) -> String {
    bed.run_for(mins(1));
    let stacks = bed.cloud().ros().stacks();
    assert_eq!(stacks.len(), 1);
    bed.cloud().ros().status(&stacks[0])
}

fn update_image(bed: &TestBed, source: &str) -> Run {
    let parameters = params! {
        "zoneId" => "cn-hangzhou-b", "sourceImageId" => source, "instanceType" => "ecs.g7.large", "whetherCreateVpc" => true,
    };
    bed.run("ACS-ECS-UpdateImage", parameters)
}

#[test]
pub(crate) fn case_8_makes_an_image_by_way_of_a_helper_instance() {
    both_ways(|bed| {
        let cloud = bed.cloud();
        let source = cloud.ecs().image("base");
        cloud.assistant().default(exit(0).stdout("updated"));
        let run = update_image(bed, &source);
        run.expect_success();
        cloud.calls().of("ROS", "CreateStack").count(1);
        cloud.calls().of("ROS", "DeleteStack").count(1);
        let images: Vec<_> = cloud.ecs().ids_of("ECS::Image").into_iter().filter(|id| *id != source).collect();
        assert_eq!(images.len(), 1);
        run.output("imageId").eq(images[0].as_str());
        let member = |name: &str| cloud.ecs().get(&images[0], name).to_text().to_string();
        assert_eq!(member("ImageName"), format!("UpdateImage_from_{source}_on_{}", run.id()));
        assert_eq!(member("Status"), "Available");
        assert_eq!(stack_later(bed), "DELETE_COMPLETE", "{}", run.report());
        assert!(cloud.ecs().ids().is_empty(), "the helper instance is gone");
    });
}

#[test]
pub(crate) fn case_8_cleans_up_when_the_command_fails() {
    both_ways(|bed| {
        let cloud = bed.cloud();
        let source = cloud.ecs().image("base");
        cloud.assistant().default(exit(1).stdout("broken"));
        let run = update_image(bed, &source);
        run.expect_failure().task("runCommand");
        run.task("runCommand").status(TaskStatus::Failed);
        assert!(!run.reached("createImage"));
        run.task("deleteInstance").status(TaskStatus::Success);
        run.task("deleteStack").status(TaskStatus::Success);
        assert_eq!(cloud.ecs().ids_of("ECS::Image"), [source]);
        assert_eq!(stack_later(bed), "DELETE_COMPLETE", "{}", run.report());
        assert!(cloud.ecs().ids().is_empty());
    });
}

/// Starts the template of case 14 and has two of three people approve.
fn approved(bed: &TestBed) -> Run {
    let run = bed.start(
        "ACS-ECS-ApproveROSCreateInstances",
        params! {
            "approvers" => ["ana", "bo", "cy"], "minRequiredApprovals" => 2, "instancesCount" => 2,
            "imageId" => "aliyun_3_x64_20G_alibase_20240101.vhd", "instanceType" => "ecs.g7.large",
            "zoneId" => "cn-hangzhou-b", "webHookUrl" => "https://hooks.example.com/approve",
            "atMobiles" => Value::empty_list(),
        },
    );
    bed.run_until_waiting();
    run.assert_waiting_for_approval("approveCreateInstances");
    bed.approve(&run, "approveCreateInstances", "ana");
    bed.run_until_waiting();
    run.assert_waiting_for_approval("approveCreateInstances");
    assert!(bed.cloud().ros().stacks().is_empty(), "one of two is not enough");
    bed.approve(&run, "approveCreateInstances", "cy");
    bed.run_to_end();
    run
}

#[test]
pub(crate) fn case_14_creates_instances_when_two_approve() {
    both_ways(|bed| {
        let run = approved(bed);
        run.expect_success();
        let outputs = run.outputs();
        let ids: Vec<_> =
            outputs.get("instanceIds").unwrap().as_list().unwrap().iter().map(|v| v.to_text().to_string()).collect();
        assert_eq!(ids.len(), 2);
        assert!(bed.cloud().ecs().all(&ids).are(Running));
        bed.webhooks().sent(1).body_contains("Please approve");
    });
}

#[test]
pub(crate) fn case_14_reads_the_reason_and_deletes_a_stack_that_failed() {
    both_ways(|bed| {
        bed.cloud().ros().next_stack(fails_at("ecs", "no stock is left"));
        let run = approved(bed);
        run.expect_status(ExecutionStatus::Failed);
        run.task("untilStackReady").status(TaskStatus::Failed);
        let read = run.task("queryStackStatusReason").outputs.get("statusReason").unwrap().to_text();
        assert!(read.contains("no stock is left"), "{read}");
        bed.cloud().calls().of("ROS", "DeleteStack").count(1);
        let of_task = run.task("untilStackReady").message.unwrap();
        let message = run.message().unwrap();
        assert!(message.contains(&*of_task) || of_task.contains(&message), "{message} / {of_task}");
        assert_eq!(stack_later(bed), "DELETE_COMPLETE");
    });
}
