//! Load balancers, databases, desktops, tags and buckets: cases 10 and 15 to 19.

use oos_core::machine::{ExecutionStatus, TaskStatus};
use oos_testkit::prelude::*;

use crate::{at_both_ways, both_ways, look, targets};

const BEHIND: &str = "ACS-ECS-BulkyReplaceSystemDiskInSLBVServerGroup";

/// Two running servers with weights 100 and 50 in a VServer group; an image.
fn vserver_group(cloud: &FakeCloud) -> (Vec<String>, String, String) {
    let ids = cloud.ecs().instances(2).running().create();
    let balancer = cloud.slb().balancer::<&str>(&[]);
    let group = cloud.slb().vserver_group(&balancer, &[(&ids[0], 100, 80), (&ids[1], 50, 80)]);
    (ids, group, cloud.ecs().image("new"))
}

#[test]
pub(crate) fn case_10_takes_each_server_out_of_the_traffic_for_its_new_disk() {
    both_ways(|bed| {
        let cloud = bed.cloud();
        let (ids, group, image) = vserver_group(cloud);
        let before: Vec<_> = ids.iter().map(|id| cloud.ecs().disks_of(id)[0].clone()).collect();
        let run = bed.run(BEHIND, params! { "imageId" => image, "VServerGroupId" => group.as_str() });
        run.expect_success();
        let after: Vec<_> = ids.iter().map(|id| cloud.ecs().disks_of(id)[0].clone()).collect();
        assert!(before.iter().all(|d| !after.contains(d)));
        run.output("newSystemDiskIds").eq(after);
        assert_eq!(ids.iter().map(|id| cloud.slb().weight(&group, id)).collect::<Vec<_>>(), [Some(100), Some(50)]);
        assert_eq!(run.most_items_in_flight("replaceSystemDisk"), 1, "never both at 0");
        for (id, weight) in ids.iter().zip([100, 50]) {
            let servers = |weight: i64| json!({"BackendServers": [{"ServerId": id, "Weight": weight}]});
            cloud
                .calls()
                .in_order([
                    call("SLB", "SetVServerGroupAttribute").with(servers(0)),
                    call("ECS", "ReplaceSystemDisk").with(json!({"InstanceId": id})),
                    call("SLB", "SetVServerGroupAttribute").with(servers(weight)),
                ])
                .overall();
        }
    });
}

#[test]
pub(crate) fn case_10_stops_at_the_first_failure() {
    both_ways(|bed| {
        let cloud = bed.cloud();
        let (ids, group, image) = vserver_group(cloud);
        cloud.fault("no disk").on("ECS", "ReplaceSystemDisk").error("OperationDenied.NoStock", 403);
        let run = bed.run(BEHIND, params! { "imageId" => image, "VServerGroupId" => group.as_str() });
        run.expect_failure();
        assert_eq!(cloud.slb().weight(&group, &ids[0]), Some(0), "nothing gives the weight back");
        assert_eq!(cloud.slb().weight(&group, &ids[1]), Some(50));
        cloud.calls().of("SLB", "SetVServerGroupAttribute").count(1);
        let second = ids[1].clone();
        cloud.calls().when(move |call| call.params.to_string().contains(&second)).never();
    });
}

#[test]
pub(crate) fn case_15_stops_a_database_for_the_night() {
    at_both_ways(
        || FakeCloud::at("2026-01-09T19:59:00Z"),
        |bed| {
            let cloud = bed.cloud();
            let id = cloud.rds().create();
            let run = bed.start(
                "ACS-RDS-ScheduleToStartAndStopOrStopAndStartInstances",
                params! {
                    "targets" => targets(std::slice::from_ref(&id)), "startFirstOrStopFirst" => "StopFirst",
                    "dailyStopTime" => "20:00:00Z", "dailyStartTime" => "08:00:00Z",
                },
            );
            bed.run_for(secs(61));
            assert_eq!(cloud.rds().status(&id), "STOPPING", "{}", run.report());
            bed.run_for(mins(10));
            assert_eq!(cloud.rds().status(&id), "STOPPED");
            bed.run_for(hours(11) + mins(45));
            assert_eq!(cloud.rds().status(&id), "STOPPED");
            let mut seen = Vec::new();
            for _ in 0..40 {
                bed.run_for(secs(30));
                let now = cloud.rds().status(&id);
                if seen.last() != Some(&now) {
                    seen.push(now);
                }
            }
            assert_eq!(seen, ["STOPPED", "STARTING", "Running"], "{}", run.report());
            let child = run.children()[0].clone();
            for name in ["startInstanceFirst", "sleepToStopTime", "stopInstanceSecond"] {
                run.task_of(&child, name).status(TaskStatus::Skipped);
            }
            assert_eq!(run.end_of(&child).unwrap().0, ExecutionStatus::Success);
        },
    );
}

#[test]
pub(crate) fn case_16_uploads_backups_by_a_function() {
    both_ways(|bed| {
        let cloud = bed.cloud();
        let ids = [cloud.redis().create(), cloud.redis().create()];
        cloud.fc().on(re("put_object"), "uploaded");
        let run = bed.run(
            "ACS-Redis-BulkyCreateBackupAndUploadToOSS",
            params! { "targets" => targets(&ids), "OSSRegionId" => "cn-hangzhou", "OSSBucketName" => "backups" },
        );
        run.expect_success();
        cloud.calls().of("R-KVSTORE", "CreateBackup").count(2);
        let finished = cloud.calls().of("R-KVSTORE", "DescribeBackupTasks");
        for id in &ids {
            let answer = finished.with(json!({"InstanceId": id})).last().unwrap().body().unwrap().clone();
            let job = answer.at(&["BackupJobs"]).as_list().unwrap()[0].clone();
            assert_eq!(job.at(&["BackupProgressStatus"]), &Value::from("Finished"));
        }
        cloud.calls().of("ROS", "CreateStack").count(2);
        bed.run_for(mins(2));
        let stacks = cloud.ros().stacks();
        assert_eq!(stacks.len(), 2);
        assert!(stacks.iter().all(|s| cloud.ros().status(s) == "DELETE_COMPLETE"));
        let outputs = run.outputs();
        let urls = outputs.get("OSSObjectURLs").unwrap().as_list().unwrap().to_vec();
        assert_eq!(urls.len(), 2);
        for (url, id) in urls.iter().zip(&ids) {
            let url = url.to_text();
            for part in ["backups", &format!("Backup_{id}/"), "2026-01-01", run.id().as_str()] {
                assert!(url.contains(part), "{url} has {part}");
            }
        }
    });
}

#[test]
pub(crate) fn case_17_runs_a_command_on_desktops() {
    both_ways(|bed| {
        let cloud = bed.cloud();
        let ids = [cloud.ecd().create("Running"), cloud.ecd().create("Running")];
        cloud.assistant().on_command(any()).on_instance(&ids[0]).then(exit(0).stdout("first"));
        cloud.assistant().on_command(any()).on_instance(&ids[1]).then(exit(0).stdout("second"));
        let run = bed.run(
            "ACS-ECD-BulkyRunCommand",
            params! { "desktopIds" => ids.to_vec(), "commandType" => "RunPowerShellScript", "commandContent" => "whoami" },
        );
        run.expect_success();
        run.output("commandOutputs").eq(json!(["first", "second"]));
        let calls = cloud.calls().of("ECD", "DescribeInvocations");
        calls.by_task("untilInvocationReady").count(2..).params(json!({"IncludeOutput": true}));
        let checks = calls.by_task("checkInvocationResult");
        checks.count(2);
        assert!(checks.iter().all(|c| c.params.get("IncludeOutput").is_none()));
    });
}

#[test]
pub(crate) fn case_18_tags_everything_that_is_still_there() {
    both_ways(|bed| {
        let cloud = bed.cloud();
        let near = cloud.ecs().instance().running().create();
        let far = cloud.ecs().instance().in_region("cn-beijing").running().create();
        // Else the disks and networks of the instances would count, too; the next test has them.
        cloud.centre_knows(&["ACS::ECS::Instance"]);
        cloud.ghost_resource("i-gone", "ACS::ECS::Instance", "cn-hangzhou");
        let run = bed.run("ACS-TAG-TagAllResources", params! { "regionIds" => ["cn-hangzhou", "cn-beijing"] });
        run.expect_success();
        run.output("allNumbers").eq(3);
        run.output("errorNumbers").eq(1);
        let outputs = run.outputs();
        let messages = outputs.get("errorMessages").unwrap().to_string();
        assert!(messages.contains("i-gone") && messages.contains("InvalidResourceId.NotFound"), "{messages}");
        let arn = |region: &str, id: &str| format!("arn:acs:ecs:{region}:{}:instance/{id}", cloud.account_id());
        run.output("boundResources").eq(json!([[arn("cn-hangzhou", &near)], [arn("cn-beijing", &far)]]));
        for (region, id) in [("cn-hangzhou", &near), ("cn-beijing", &far)] {
            assert_eq!(cloud.ecs().tags(id), Value::from(json!({"oosGenerate": "oosGenerate"})));
            let stored = look(cloud, "Tag", "ListTagResources", json!({"RegionId": region}));
            let rows = stored.at(&["TagResources"]).as_list().unwrap().to_vec();
            let arns: Vec<_> = rows.iter().map(|row| row.at(&["ResourceARN"]).to_text().to_string()).collect();
            assert_eq!(arns, [arn(region, id)], "the tag store agrees");
        }
    });
}

#[test]
fn tagging_everything_reaches_disks_and_networks() {
    both_ways(|bed| {
        let cloud = bed.cloud();
        let id = cloud.ecs().instance().running().create();
        let disk = cloud.ecs().disks_of(&id)[0].clone();
        let all = look(cloud, "ResourceCenter", "SearchResources", json!({}));
        let known = all.at(&["Resources"]).as_list().unwrap().len();
        assert!(known > 3, "instance, disk, interface, group and network");
        let run = bed.run("ACS-TAG-TagAllResources", params! { "regionIds" => ["cn-hangzhou"] });
        run.expect_success();
        run.output("allNumbers").eq(known);
        run.output("errorNumbers").eq(0);
        assert_eq!(cloud.ecs().tags(&disk), Value::from(json!({"oosGenerate": "oosGenerate"})));
    });
}

#[test]
pub(crate) fn case_19_sets_and_clears_the_referers_of_a_bucket() {
    both_ways(|bed| {
        let cloud = bed.cloud();
        cloud.oss().bucket("pictures");
        let both = ["http://a.example.com", "https://b.example.com"];
        let run = bed.run("ACS-OSS-PutBucketReferer", params! { "bucketName" => "pictures", "refererList" => both });
        run.expect_success();
        let stored = cloud.oss().setting("pictures", "referer").to_string();
        assert!(both.iter().all(|url| stored.contains(url)), "{stored}");
        run.skipped(["waitBucketRefererNoRefererList"]);
        run.task("waitBucketReferer").status(TaskStatus::Success);

        let cleared = bed.run(
            "ACS-OSS-PutBucketReferer",
            params! { "bucketName" => "pictures", "refererList" => Value::empty_list() },
        );
        cleared.expect_success();
        let stored = cloud.oss().setting("pictures", "referer").to_string();
        assert!(!stored.contains("example.com") && stored.contains("\"AllowEmptyReferer\":\"true\""), "{stored}");
        cleared.task("waitBucketRefererNoRefererList").status(TaskStatus::Success);
        assert!(!cleared.reached("waitBucketReferer"));
    });
}
