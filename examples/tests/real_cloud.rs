//! The job of `real_cloud` over sockets of this machine: client, server, fake cloud, in virtual time.

use std::sync::Arc;

use oos_aliyun::{Client, credential::StaticKeys};
use oos_core::{machine::ExecutionStatus, params, source::SourceText};
use oos_examples::real_cloud::Job;
use oos_testkit::{EventRecorder, FakeCloud, prelude::*, server::Server};

fn job(tag: &str) -> Job {
    Job {
        template: SourceText::new("bulk_run_command.yml", include_str!("../templates/bulk_run_command.yml")),
        parameters: params! { "tagKey" => "role", "tagValue" => tag, "command" => "uptime" },
        region: "cn-hangzhou".to_owned(),
    }
}

#[tokio::test]
async fn the_plan_names_calls_fan_out_and_policy() {
    let text = job("web").plan().await.unwrap();
    for part in [
        "calls ECS RunCommand (ecs:RunCommand)",
        "for each of <findInstances.all>; at once 2",
        "\"ecs:RunCommand\"",
        "\"Version\": \"1\"",
        "high-risk calls:",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[tokio::test]
async fn the_job_runs_through_the_endpoint_of_the_server() {
    let cloud = FakeCloud::new();
    let web = cloud.ecs().instances(2).running().tag("role", "web").create();
    let stopped = cloud.ecs().instance().stopped().tag("role", "web").create();
    cloud.ecs().instance().running().tag("role", "database").create();
    cloud.assistant().default(exit(0).stdout("up 3 days"));
    let server = Server::builder(&cloud).real_time(600).start().unwrap();
    let client = Client::builder()
        .endpoint(server.endpoint())
        .region("cn-hangzhou")
        .credentials(StaticKeys::new(server.key_id(), server.secret()))
        .build()
        .unwrap();
    // Waits of the engine pass on the clock of the cloud, which the server drives; signatures have the real time.
    let clock = cloud.clock().clone();
    let observer = Arc::new(EventRecorder::default());
    let ended = job("web").execute(client, observer, |engine| engine.clock(clock)).await.unwrap();
    assert_eq!(ended.status, ExecutionStatus::Success, "{}", ended.tasks);
    let ids: Vec<String> = web.iter().cloned().chain([stopped]).collect();
    assert_eq!(ended.outputs.at(&["instanceIds"]), &ids.clone().into());
    assert!(cloud.ecs().all(&ids).are(Running));
    cloud.calls().of("ECS", "RunCommand").count(3);
    cloud.calls().of("ECS", "StartInstance").count(1);
    assert!(server.exchanges().len() >= 10, "every call went over the wire");
}
