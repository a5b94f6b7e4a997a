//! The acceptance checks of the actions: where each is tested, and the scenarios that no other file runs.
//!
//! Paths without a folder are in this one.
//!
//! | check | where, and which tests |
//! |---|---|
//! | 1 every official file is read, no unresolved reference or jump | `oos-actions/tests/official_checks.rs`: `official_templates_have_no_errors_and_the_known_warnings`; `oos-actions/tests/registry.rs`: `all_official_actions_load_and_resolve_what_they_name` |
//! | 2 every official product action finds the actions it names | the second of check 1 |
//! | 3 the table of retries, calls and seconds | [`the_table_of_waits_holds_on_the_clock`] |
//! | 4 errors as values | `oos-actions/tests/actions/wait_for.rs`: `an_error_code_is_a_value`; `check_for.rs` there: `a_call_that_may_fail_is_accepted_either_way` (`.Code \| not`) |
//! | 4 null, whole lists, loose equality | `oos-actions/tests/actions/wait_for.rs`: `an_empty_stream_is_null`, `a_list_of_the_answer_compares_as_a_whole`, `numbers_and_booleans_equal_their_text` |
//! | 5 names of parameters | [`names_of_parameters_arrive_as_the_wire_has_them`] |
//! | 6 ROA without Method, map body | `oos-actions/tests/actions/execute_api.rs`: `a_roa_operation_without_method_and_uri_goes_by_its_name`, `a_roa_call_keeps_method_uri_headers_and_body` |
//! | 6 object storage, signed URL | `oos-actions/tests/actions/execute_api.rs`: `an_object_storage_call_keeps_its_text_body`; `oos-aliyun/tests/client.rs`; `cloud_small.rs`; `cases/services.rs` |
//! | 7 texts of durations | `oos-actions/tests/actions/control.rs`: `durations_are_read_in_every_spelling_of_the_page`, `a_duration_that_is_none_is_said` |
//! | 8 cron over a week, rate, at, end date | `oos-actions/tests/actions/timer.rs`: `a_week_of_working_days_in_shanghai`, `a_rate_does_not_drift_and_skips_what_a_firing_covers`, `one_instant_fires_once_and_ends`, `the_end_date_ends_the_trigger_with_success` |
//! | 9 parent and child of a trigger | [`a_failing_child_leaves_its_trigger_waiting`]; `oos-core/tests/machine/triggers.rs` |
//! | 9 firing by hand | `oos-actions/tests/actions/timer.rs`: `firing_by_hand_is_a_firing`; `cases/triggers.rs` |
//! | 10 votes | `oos-actions/tests/actions/control.rs`: `two_of_three_must_agree`, `a_name_that_stands_twice_is_one_approver`, `one_rejection_cancels`; `signals.rs` |
//! | 10 errcode | `oos-actions/tests/actions/notify.rs`: `a_chat_service_may_refuse_with_status_200` |
//! | 11 targets | `oos-actions/tests/actions/select_targets.rs`: `an_unset_target_selects_nothing_without_a_call`, `two_hundred_and_fifty_ids_go_out_in_three_chunks`, `databases_are_asked_for_one_by_one`, `redis_takes_ids_with_commas_and_keeps_its_list`, `tags_go_out_as_pairs_and_answers_keep_their_order` |
//! | 12 scenarios 1, 12, 14, 15 | `cases/instances.rs` cases 3 and 4, `cases/scaling.rs` cases 12 and 13 |
//! | 12 scenarios 5, 6, 7, 10 | [`a_failed_image_leaves_nothing_behind`], [`interrupted_instances_leave_the_load_balancer`], `cases/triggers.rs` case 6, [`snapshots_go_when_they_are_old_enough`] |

#![expect(clippy::print_stdout, reason = "tests")]

use oos_core::machine::{ExecutionStatus, TaskStatus};
use oos_testkit::prelude::*;

/// A bed of the official templates; none without the corpus.
fn official() -> Option<TestBed> {
    let corpus = oos_testkit::corpus();
    if corpus.is_none() {
        println!("skipped: OOS_CORPUS is not set");
    }
    Some(TestBed::new(FakeCloud::new()).action_directory(corpus?.join("actions")))
}

/// Check 3: calls and seconds of a wait that is never met.
#[test]
fn the_table_of_waits_holds_on_the_clock() {
    let table = [
        (json!({}), 11, 2_046),
        (json!({"Retries": 57}), 58, 86_646),
        (json!({"Retries": 296, "MaxRetryInterval": 300}), 297, 86_910),
        (json!({"Retries": 7, "DelayType": "Constant", "Delay": 15}), 8, 105),
        (json!({"Retries": 7, "Delay": 15}), 8, 254),
        (json!({"Retries": 30, "DelayType": "Constant", "Delay": 10}), 31, 300),
        (json!({"Retries": 300, "DelayType": "Constant", "Delay": 120}), 301, 36_000),
        (json!({"Retries": 3, "DelayType": "Linear", "Delay": 5, "BackOff": 10}), 4, 75),
        (json!({"Retries": 0}), 1, 0),
    ];
    for (settings, calls, seconds) in table {
        let mut task = json!({
            "Name": "wait", "Action": "ACS::WaitFor",
            "Properties": {
                "Service": "ECS", "API": "DescribeInstances", "Parameters": {"InstanceIds": ["i-1"]},
                "PropertySelector": ".Instances.Instance[].Status", "DesiredValues": ["Stopped"],
            },
        });
        task.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
        let cloud = FakeCloud::new().instance("i-1", "Running");
        let bed = TestBed::on(&cloud);
        let run = bed.run(&json!({"FormatVersion": "OOS-2019-06-01", "Tasks": [task]}).to_string(), params! {});
        run.expect_failure().code("WaitForTimeout").last_value("Running");
        cloud.calls().of("ECS", "DescribeInstances").count(calls);
        assert_eq!(run.virtual_time(), secs(seconds), "{settings}");
    }
}

/// Check 5: the five calls of the list, through ExecuteAPI.
#[test]
fn names_of_parameters_arrive_as_the_wire_has_them() {
    let cloud = FakeCloud::new().instance("i-1", "Running");
    let bed = TestBed::on(&cloud);
    let call = |service: &str, api: &str, parameters: serde_json::Value| {
        let properties = json!({"Service": service, "API": api, "Parameters": parameters});
        bed.run_action("ACS::ExecuteAPI", properties);
        cloud.calls().of(service, api).last().unwrap().clone()
    };
    let command = json!({"InstanceIds": ["i-1"], "Type": "RunShellScript", "CommandContent": "ls"});
    assert_eq!(call("ECS", "RunCommand", command).params.at(&["InstanceId"]), &Value::from(["i-1"]));
    let instances = json!({"SystemDiskCategory": "cloud_essd", "Tags": [{"Key": "a", "Value": "b"}]});
    let sent = call("ECS", "RunInstances", instances).params;
    assert_eq!(sent.at(&["SystemDisk", "Category"]), &Value::from("cloud_essd"));
    assert_eq!(sent.at(&["Tag"]), &Value::from(json!([{"Key": "a", "Value": "b"}])));
    let filter = json!({"Filter2Key": "CreationEndTime", "Filter2Value": "2026-01-01T00:00Z"});
    let sent = call("ECS", "DescribeSnapshots", filter).params;
    assert_eq!(sent.at(&["Filter"]).as_list().unwrap().last().unwrap().at(&["Key"]), &Value::from("CreationEndTime"));
    let sent = call("ESS", "DescribeScalingGroups", json!({"ScalingGroupId1": "asg-1"})).params;
    assert_eq!(sent.at(&["ScalingGroupId"]), &Value::from(["asg-1"]));
    let sent = call("ECS", "DescribeInstances", json!({"InstanceIds": ["i-1"]})).params;
    assert_eq!(sent.at(&["InstanceIds"]), &Value::from(["i-1"]), "as JSON text on the wire");
}

/// Check 9: the child fails, the parent waits on, and the next firing runs.
#[test]
fn a_failing_child_leaves_its_trigger_waiting() {
    const TEXT: &str = "
FormatVersion: OOS-2019-06-01
Tasks:
  - Name: event
    Action: ACS::EventTrigger
    Properties: {Product: ECS, Name: ['Instance:StateChange'], Content: {state: [Stopped]}}
    Outputs:
      id: {Type: String, ValueSelector: '.content.resourceId'}
  - Name: start
    Action: ACS::ExecuteAPI
    Properties: {Service: ECS, API: StartInstance, Parameters: {InstanceId: '{{ event.id }}'}}
";
    let cloud = FakeCloud::new().instance("i-1", "Stopped");
    let bed = TestBed::on(&cloud);
    let run = bed.start_yaml(TEXT, params! {});
    bed.run_until_waiting();
    let event = |id: &str, state: &str| {
        let content = json!({"resourceId": id, "resourceType": "ALIYUN::ECS::Instance", "state": state});
        json!({"product": "ECS", "name": "Instance:StateChange", "level": "INFO", "regionId": "cn-hangzhou", "content": content})
    };
    assert_eq!(bed.raise_event(event("i-1", "Running")), 0);
    assert_eq!(bed.raise_event(event("i-missing", "Stopped")), 1);
    bed.run_for(mins(1));
    assert_eq!(run.status(), ExecutionStatus::Waiting);
    assert_eq!(run.end_of(&run.children()[0]).unwrap().0, ExecutionStatus::Failed);
    assert_eq!(bed.raise_event(event("i-1", "Stopped")), 1);
    bed.run_for(mins(1));
    assert_eq!(run.end_of(&run.children()[1]).unwrap().0, ExecutionStatus::Success);
    assert!(cloud.ecs().all(&["i-1"]).are(Running));
    assert_eq!(run.status(), ExecutionStatus::Waiting);
}

/// The failure of `ACS::Loop` that the machine raises (`oos-actions/tests/actions/failures.rs` provokes all others).
#[test]
fn a_loop_with_too_many_errors_ends() {
    const TEXT: &str = "
FormatVersion: OOS-2019-06-01
Tasks:
  - Name: each
    Action: ACS::Loop
    Properties:
      LoopItems: [i-missing, i-1]
      LoopTasks:
        - Name: start
          Action: ACS::ExecuteAPI
          Properties: {Service: ECS, API: StartInstance, Parameters: {InstanceId: '{{ ACS::TaskLoopItem }}'}}
";
    let run = TestBed::new(FakeCloud::new().instance("i-1", "Stopped")).run(TEXT, params! {});
    run.expect_failure().code("LoopMaxErrorsExceeded");
}

/// Scenario 5: the helper instance and its network go even when the image cannot be made.
#[test]
fn a_failed_image_leaves_nothing_behind() {
    let Some(bed) = official() else { return };
    let cloud = bed.cloud();
    cloud.assistant().default(exit(0).stdout("updated"));
    cloud.fault("no image").on("ECS", "CreateImage").error("QuotaExceed.Image", 403);
    let parameters = params! {
        "zoneId" => "cn-hangzhou-b", "sourceImageId" => cloud.ecs().image("base"), "instanceType" => "ecs.g7.large",
        "whetherCreateVpc" => true,
    };
    let run = bed.run("ACS-ECS-UpdateImage", parameters);
    run.expect_failure().code("QuotaExceed.Image");
    run.task("createImage").status(TaskStatus::Failed);
    run.task("deleteInstance").status(TaskStatus::Success);
    bed.run_for(mins(2));
    assert!(cloud.ecs().ids().is_empty());
    assert!(cloud.ros().stacks().iter().all(|id| cloud.ros().status(id) == "DELETE_COMPLETE"));
    assert_eq!(cloud.ecs().ids_of("ECS::Image").len(), 1);
}

/// Scenario 6: a spot instance that is taken away leaves the load balancer within five minutes, several at once.
#[test]
fn interrupted_instances_leave_the_load_balancer() {
    let Some(bed) = official() else { return };
    let cloud = bed.cloud();
    let ids = cloud.ecs().instances(3).running().create();
    let balancer = cloud.slb().balancer(&[(&ids[0], 100), (&ids[1], 100), (&ids[2], 100)]);
    let run = bed.start("ACS-ECS-RemoveFromSLBWhenPreemptibleInstanceInterrupted", params! {});
    bed.run_until_waiting();
    let event = |id: &str, action: &str| {
        json!({
            "product": "ECS", "name": "Instance:PreemptibleInstanceInterruption", "level": "WARN",
            "regionId": "cn-hangzhou", "content": {"instanceId": id, "action": action},
        })
    };
    assert_eq!(bed.raise_event(event(&ids[0], "keep")), 0);
    assert_eq!(bed.raise_event(event(&ids[0], "delete")), 1);
    assert_eq!(bed.raise_event(event(&ids[1], "delete")), 1);
    bed.run_for(secs(30));
    assert_eq!(cloud.slb().weight(&balancer, &ids[0]), Some(0), "no new connections, the old ones live on");
    bed.run_for(mins(4));
    let weights: Vec<_> = ids.iter().map(|id| cloud.slb().weight(&balancer, id)).collect();
    assert_eq!(weights, [None, None, Some(100)]);
    assert!(run.children().iter().all(|child| run.end_of(child).unwrap().0 == ExecutionStatus::Success));
    assert_eq!((run.children().len(), run.status()), (2, ExecutionStatus::Waiting));
}

/// Scenario 10: only snapshots older than the days given go, and only those whose name fits.
#[test]
fn snapshots_go_when_they_are_old_enough() {
    let Some(bed) = official() else { return };
    let cloud = bed.cloud();
    let disk = cloud.ecs().disk("cn-hangzhou-b", 40);
    let old = cloud.ecs().snapshot(&disk, "daily-old");
    let kept = cloud.ecs().snapshot(&disk, "keep-old");
    bed.run_for(hours(24 * 10));
    let young = cloud.ecs().snapshot(&disk, "daily-young");
    let run = bed.run("ACS-ECS-BulkyDeleteExpiredSnapshot", params! { "expiredDays" => 7, "snapshotName" => "daily" });
    run.expect_success();
    run.output("deletedSnapshotIds").eq(json!([old]));
    let mut left = vec![kept, young];
    left.sort();
    assert_eq!(cloud.ecs().ids_of("ECS::Snapshot"), left);
    cloud.calls().of("ECS", "DeleteSnapshot").count(1);
}
