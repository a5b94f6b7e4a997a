//! Executions that a trigger starts again and again: cases 5, 6, 7 and 23.

use oos_core::machine::{ExecutionStatus, TaskStatus};
use oos_testkit::prelude::*;

use crate::{at_both_ways, both_ways, targets};

const TAG: (&str, &str) = ("team", "web");

fn tags() -> Value {
    Value::from(json!([{"Key": TAG.0, "Value": TAG.1}]))
}

#[test]
pub(crate) fn case_5_reboots_what_raises_an_alarm() {
    both_ways(|bed| {
        let cloud = bed.cloud();
        let ids = cloud.ecs().instances(2).running().tag(TAG.0, TAG.1).create();
        let other = cloud.ecs().instance().running().create();
        let run = bed.start("ACS-ECS-RebootInstanceAtHighCpuByTags", params! { "threshold" => 90, "tags" => tags() });
        bed.run_until_waiting();
        let alarm = |id: &str| {
            json!({
                "namespace": "acs_ecs_dashboard", "metricName": "cpu_total", "alertState": "ALERT", "instanceId": id,
                "curValue": "97",
            })
        };
        assert_eq!(bed.raise_alarm(alarm(&other)), 0, "an instance without the tag is none of ours");
        for (n, id) in [&ids[0], &ids[1], &ids[0]].into_iter().enumerate() {
            assert_eq!(bed.raise_alarm(alarm(id)), 1);
            bed.run_for(mins(10));
            run.expect_status(ExecutionStatus::Waiting);
            assert_eq!(run.children().len(), n + 1);
        }
        let rebooted: Vec<_> =
            cloud.calls().of("ECS", "RebootInstance").iter().map(|c| c.param("InstanceId")).collect();
        assert_eq!(rebooted.iter().map(|id| &**id).collect::<Vec<_>>(), [&*ids[0], &*ids[1], &*ids[0]]);
        for child in run.children() {
            assert_eq!(run.end_of(&child).unwrap().0, ExecutionStatus::Success);
        }
        bed.cancel(&run);
        bed.run_to_end();
        run.expect_status(ExecutionStatus::Cancelled);
        assert_eq!(bed.raise_alarm(alarm(&ids[0])), 0, "nobody listens any more");
    });
}

#[test]
pub(crate) fn case_6_starts_in_the_morning_and_stops_in_the_evening() {
    // 2026-01-09 is a Friday.
    at_both_ways(
        || FakeCloud::at("2026-01-09T07:59:00Z"),
        |bed| {
            let cloud = bed.cloud();
            let id = cloud.ecs().instance().stopped().create();
            let run = bed.start(
                "ACS-ECS-ScheduleToStartAndStopInstances",
                params! {
                    "dailyStartTime" => "08:00:00Z", "dailyStopTime" => "20:00:00Z",
                    "targets" => targets(std::slice::from_ref(&id)),
                },
            );
            bed.run_for(mins(2));
            assert_eq!(cloud.ecs().status(&id), "Running", "{}", run.report());
            let child = run.children()[0].clone();
            bed.run_for(hours(12) + mins(1));
            assert_eq!(cloud.ecs().status(&id), "Stopped", "{}", run.report());
            run.task_of(&child, "sleepToSpecifiedTime").took(hours(12));
            // 14 hours after the start.
            bed.run_for(hours(2) - mins(3));
            assert_eq!(run.end_of(&child).unwrap().0, ExecutionStatus::Success);
            run.expect_status(ExecutionStatus::Waiting);
            assert_eq!(run.next_schedule_time().unwrap().to_iso(), "2026-01-12T08:00:00Z");
            bed.run_for(hours(40));
            assert_eq!(run.children().len(), 1, "no fire on Saturday and Sunday");
        },
    );
}

#[test]
pub(crate) fn case_7_starts_what_was_stopped_and_has_the_tag() {
    both_ways(|bed| {
        let cloud = bed.cloud();
        let tagged = cloud.ecs().instance().stopped().tag(TAG.0, TAG.1).create();
        let other = cloud.ecs().instance().stopped().create();
        let run = bed.start("ACS-ECS-AutoStartECSWhenStoppedByTags", params! { "tags" => tags() });
        bed.run_until_waiting();
        let event = |id: &str| {
            json!({
                "product": "ECS", "name": "Instance:StateChange", "level": "INFO", "regionId": "cn-hangzhou",
                "content": {"resourceId": id, "resourceType": "ALIYUN::ECS::Instance", "state": "Stopped"},
            })
        };
        assert_eq!(bed.raise_event(event(&tagged)), 1);
        assert_eq!(bed.raise_event(event(&other)), 0, "without the tag the event is ignored");
        bed.run_for(mins(5));
        assert_eq!(run.children().len(), 1);
        let (status, outputs) = run.end_of(&run.children()[0]).unwrap();
        assert_eq!(status, ExecutionStatus::Success);
        assert_eq!(outputs.get("instanceId"), Some(&Value::from(tagged.as_str())));
        assert_eq!(cloud.ecs().status(&tagged), "Running");
        assert_eq!(cloud.ecs().status(&other), "Stopped");
    });
}

#[test]
pub(crate) fn case_23_warns_of_a_quota_that_is_nearly_used_up() {
    for (used, webhooks) in [("85", 1), ("70", 0)] {
        both_ways(|bed| {
            let cloud = bed.cloud();
            cloud.ecs().account_attribute("max-postpaid-instance-vcpu-count", 0, "100");
            cloud.ecs().account_attribute("used-postpaid-instance-vcpu-count", 0, used);
            let run = bed.start(
                "ACS-ECS-AlarmAccountResourceUsage",
                params! { "webHookUrl" => "https://hooks.example.com/quota" },
            );
            bed.run_for(mins(29));
            assert!(run.children().is_empty(), "the first firing comes after a full period");
            bed.run_for(mins(2));
            assert_eq!(run.children().len(), 1, "{}", run.report());
            let child = run.children()[0].clone();
            assert_eq!(run.end_of(&child).unwrap().0, ExecutionStatus::Success, "{}", run.report());
            bed.webhooks().sent(webhooks);
            if webhooks == 1 {
                bed.webhooks()
                    .body_contains("PostpaidInstanceVcpuCount")
                    .body_lacks("SpotInstanceVcpuCount")
                    .body_lacks("YundiskCapacity");
                run.task_of(&child, "alarmNotify").status(TaskStatus::Success);
            }
        });
    }
}
