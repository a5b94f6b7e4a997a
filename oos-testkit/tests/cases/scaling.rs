//! Scaling groups: cases 12, 13 and 24.

use oos_core::machine::{ExecutionStatus, TaskStatus};
use oos_testkit::{cloud::On, prelude::*};

use crate::both_ways;

const WHITELIST: &str = "ACS-ESS-LifeCycleModifyRedisIPWhitelist";

/// A group whose hook runs the template of case 12, that has just grown by two; the run of the template has ended.
fn grown(bed: &TestBed) -> (String, String, String, Run) {
    let cloud = bed.cloud();
    let redis = cloud.redis().create();
    let group = cloud.scaling_group().create();
    let hook = cloud.ess(&group).hook(
        "SCALE_OUT",
        WHITELIST,
        params! {
            "dbInstanceId" => redis.as_str(), "modifyMode" => "Append", "regionId" => "${regionId}",
            "instanceIds" => ["${instanceIds}"], "lifecycleHookId" => "${lifecycleHookId}",
            "lifecycleActionToken" => "${lifecycleActionToken}", "OOSAssumeRole" => "OOSServiceRole",
        },
    );
    assert!(!hook.is_empty());
    let wanted = cloud.ess(&group).scale_out(2);
    assert_eq!(wanted.len(), 1);
    let run = bed.run(&wanted[0].template, wanted[0].parameters.clone());
    let token = wanted[0].parameters.get("lifecycleActionToken").unwrap().to_text().to_string();
    (redis, group, token, run)
}

#[test]
pub(crate) fn case_12_lets_new_members_into_the_database() {
    both_ways(|bed| {
        let cloud = bed.cloud();
        let (redis, group, token, run) = grown(bed);
        run.expect_success();
        bed.run_for(mins(1));
        let members = cloud.ess(&group).members();
        assert_eq!((members.len(), cloud.ess(&group).states()), (2, vec!["InService".to_owned(); 2]));
        assert_eq!(cloud.ess(&group).result_of(&token).as_deref(), Some("CONTINUE"));
        let listed = cloud.redis().whitelist(&redis, "default");
        for id in &members {
            let address = cloud.ecs().describe(id).at(&["VpcAttributes", "PrivateIpAddress", "IpAddress"]).clone();
            let address = address.as_list().unwrap()[0].to_text().to_string();
            assert!(listed.contains(&address), "{listed:?} has {address}");
        }
        cloud.calls().of("R-KVSTORE", "ModifySecurityIps").count(1).params(json!({"InstanceId": redis}));
    });
}

#[test]
pub(crate) fn case_12_abandons_the_members_when_the_role_may_not() {
    const POLICY: &str = r#"{"Version": "1", "Statement": [
        {"Effect": "Allow", "Action": ["ecs:DescribeInstances", "ess:*"], "Resource": "*"}
    ]}"#;
    both_ways(|bed| {
        let cloud = bed.cloud();
        cloud.ram().role("OOSServiceRole").trusts_oos().policy(POLICY).create();
        cloud.ram().enforce(On);
        let (_, group, token, run) = grown(bed);
        run.expect_failure().task("modifySecurityIps").code("*orbidden*");
        run.task("CompleteLifecycleActionForAbandon").status(TaskStatus::Success);
        bed.run_for(mins(1));
        assert_eq!(cloud.ess(&group).result_of(&token).as_deref(), Some("ABANDON"));
        assert!(cloud.ess(&group).members().is_empty());
        assert!(cloud.ecs().ids().is_empty(), "the instances are released");
    });
}

const ROLLING: &str = "ACS-ESS-RollingUpdateByRunCommandInScalingGroup";

/// Goes on at every pause between batches; gives the number of pauses.
fn through_pauses(bed: &TestBed, run: &Run, task: &str, during: impl Fn()) -> usize {
    let mut pauses = 0;
    bed.run_until_waiting();
    while run.status() == ExecutionStatus::Waiting && pauses < 10 {
        pauses += 1;
        during();
        bed.resume(run, task);
        bed.run_until_waiting();
    }
    pauses
}

#[test]
pub(crate) fn case_13_updates_a_group_by_batches_and_rolls_back() {
    both_ways(|bed| {
        let cloud = bed.cloud();
        let group = cloud.scaling_group().members(4).create();
        let members = cloud.ess(&group).members();
        cloud.assistant().default(exit(0).stdout("done"));
        let parameters = params! {
            "invokeType" => "invoke", "scalingGroupId" => group.as_str(), "invokeScript" => "update.sh", "batchNumber" => 2,
            "batchPauseOption" => "EveryBatchPause",
        };
        let run = bed.start(ROLLING, parameters);
        let pauses = through_pauses(bed, &run, "invokeByRunCommand", || {
            assert_eq!(cloud.ess(&group).suspended().len(), 5, "no other activity meanwhile");
            assert_eq!(cloud.calls().of("ECS", "RunCommand").len(), 2, "one batch");
        });
        assert_eq!(pauses, 1, "{}", run.report());
        run.expect_success();
        cloud.calls().max_in_flight(loop_items("invokeByRunCommand")).exactly(2);
        cloud.calls().of("ESS", "SuspendProcesses").count(1);
        cloud.calls().of("ESS", "ResumeProcesses").count(1);
        assert!(cloud.ess(&group).suspended().is_empty());
        assert_eq!(cloud.ess(&group).states(), vec!["InService"; 4]);
        for id in &members {
            let standby = json!({"InstanceId": [id]});
            cloud
                .calls()
                .in_order([
                    call("ESS", "EnterStandby").with(standby.clone()),
                    call("ECS", "RunCommand").with(json!({"InstanceId": [id]})),
                    call("ESS", "ExitStandby").with(standby),
                ])
                .overall();
        }
        let tag = json!({"ess:rollingupdate": format!("oos:{}", run.id())});
        for id in &members {
            assert_eq!(cloud.ecs().tags(id), Value::from(tag.clone()));
            assert_eq!(cloud.assistant().ran_on(id), ["update.sh"]);
        }

        let back = bed.start(
            ROLLING,
            params! {
                "invokeType" => "rollback", "scalingGroupId" => group.as_str(), "rollbackScript" => "undo.sh",
                "sourceExecutionId" => run.id().as_str(),
            },
        );
        bed.run_to_end();
        back.expect_success();
        assert!(!back.reached("tagInstance"));
        for id in &members {
            assert_eq!(cloud.assistant().ran_on(id), ["update.sh", "undo.sh"]);
        }
        cloud.calls().of("ESS", "SuspendProcesses").count(2);
        cloud.calls().of("ESS", "ResumeProcesses").count(2);
        assert!(cloud.ess(&group).suspended().is_empty());
        assert_eq!(cloud.ess(&group).states(), vec!["InService"; 4]);
    });
}

#[test]
pub(crate) fn case_24_adjusts_the_size_of_a_group() {
    both_ways(|bed| {
        let cloud = bed.cloud();
        let group = cloud.scaling_group().members(3).min(1).max(10).create();
        let run = bed.run(
            "ACS-ESS-AdjustScalingGroupInstanceCount",
            params! { "scalingGroupId" => group.as_str(), "adjustmentType" => "TotalCapacity", "adjustmentCount" => 5 },
        );
        run.expect_success();
        assert_eq!(cloud.ess(&group).members().len(), 5);
        for api in ["CreateScalingRule", "ExecuteScalingRule", "DeleteScalingRule"] {
            cloud.calls().of("ESS", api).count(1);
        }
        let detail = cloud.calls().of("ESS", "DescribeScalingActivityDetail").last().unwrap().body().unwrap().clone();
        run.output("adjustDetail").eq(detail.at(&["Detail"]).clone());
        let activities = cloud.calls().of("ESS", "DescribeScalingActivities").last().unwrap().body().unwrap().clone();
        let activity = activities.at(&["ScalingActivities", "ScalingActivity"]).as_list().unwrap()[0].clone();
        assert_eq!(activity.at(&["StatusCode"]), &Value::from("Successful"));

        let chosen = cloud.ess(&group).members()[1..3].to_vec();
        let run = bed.run(
            "ACS-ESS-AdjustScalingGroupInstanceCount",
            params! {
                "scalingGroupId" => group.as_str(), "adjustmentType" => "ScaleIn", "adjustmentCount" => 0,
                "instancesToBeRemoved" => by_ids(&chosen),
            },
        );
        run.expect_success();
        cloud.calls().of("ESS", "RemoveInstances").count(1);
        cloud.calls().of("ESS", "CreateScalingRule").count(1);
        run.skipped(["deleteScalingRule"]);
        let left = cloud.ess(&group).members();
        assert_eq!(left.len(), 3);
        assert!(chosen.iter().all(|id| !left.contains(id)));
    });
}
