//! Single calls: every style, every signature, every source of keys.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures::TryStreamExt;
use oos_aliyun::sign::rpc_v1::RpcV1;
use oos_core::ports::{ApiCaller, ApiError, ApiRequest, ApiResponse};
use oos_testkit::{Executor, prelude::*, server::Server};

use crate::support;

/// A server, a client and the executor that both live by.
pub(crate) struct World {
    pub(crate) cloud: FakeCloud,
    pub(crate) server: Server,
    pub(crate) executor: Executor,
    pub(crate) client: oos_aliyun::Client,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(FakeCloud::new(), |server| server)
    }

    pub(crate) fn with(
        cloud: FakeCloud,
        set: impl FnOnce(oos_testkit::server::ServerBuilder) -> oos_testkit::server::ServerBuilder,
    ) -> Self {
        let server = set(Server::builder(&cloud)).start().unwrap();
        let executor = Executor::default();
        let client = support::client(&server, &executor);
        Self { cloud, server, executor, client }
    }

    pub(crate) fn send(&self, request: ApiRequest) -> Result<Value, ApiError> {
        let client = self.client.clone();
        let answer = self.executor.block_on(self.cloud.clock(), async move { client.call(request).await });
        answer.unwrap().map(|answer| answer.body)
    }

    pub(crate) fn call(&self, service: &str, api: &str, params: impl Into<Value>) -> Result<Value, ApiError> {
        self.send(ApiRequest::new(service, api, params))
    }
}

#[test]
fn rpc_calls_reach_the_cloud_and_come_back() {
    let world = World::new();
    let ids = world.cloud.ecs().instances(3).stopped().create();
    let answer = world.call("ECS", "DescribeInstances", params! { "InstanceIds" => ids.clone() }).unwrap();
    assert_eq!(answer.at(&["Instances", "Instance"]).as_list().unwrap().len(), 3);
    world.call("ECS", "StartInstance", params! { "InstanceId" => ids[0].clone() }).unwrap();
    assert!(world.cloud.ecs().all(&ids[..1]).are(Starting));
    world.cloud.calls().of("ECS", "StartInstance").count(1).params(json!({"InstanceId": ids[0]}));
}

#[test]
fn errors_come_in_the_form_of_the_product_with_their_request_id() {
    let world = World::new();
    let error = world.call("ECS", "StartInstance", params! { "InstanceId" => "i-none" }).unwrap_err();
    assert_eq!(error.code(), "InvalidInstanceId.NotFound");
    assert!(error.request_id().is_some());
    let mut request = ApiRequest::new("CS", "DescribeClusterDetail", Value::Null);
    (request.method, request.uri) = (Some("GET".into()), Some("/clusters/c-none".into()));
    assert_eq!(world.send(request).unwrap_err().code(), "ErrorClusterNotFound");
    let mut request = ApiRequest::new("OSS", "GetBucketAcl", params! { "BucketName" => "pail" });
    (request.method, request.uri) = (Some("GET".into()), Some("?acl".into()));
    assert_eq!(world.send(request).unwrap_err().code(), "NoSuchBucket");
}

#[test]
fn pages_come_one_by_one() {
    let world = World::new();
    world.cloud.ecs().instances(25).create();
    for (parameters, expected) in [
        (params! { "MaxResults" => 10 }, vec![10, 10, 5]),
        (params! { "PageSize" => 12 }, vec![12, 12, 1]),
        (params! { "PageSize" => 12, "PageNumber" => 2 }, vec![12]),
    ] {
        let pages = world.client.pages(ApiRequest::new("ECS", "DescribeInstances", parameters));
        let pages = pages.map_ok(|page| page.body.at(&["Instances", "Instance"]).as_list().unwrap().len());
        let sizes = world.executor.block_on(world.cloud.clock(), pages.try_collect::<Vec<_>>()).unwrap().unwrap();
        assert_eq!(sizes, expected);
    }
}

#[test]
fn a_slow_call_takes_virtual_time() {
    let world = World::new();
    world.cloud.fault("slow").on("ECS", "Describe*").latency(secs(90)..secs(91));
    let start = world.cloud.now();
    world.call("ECS", "DescribeRegions", Value::Null).unwrap();
    assert!(world.cloud.now().since(start) >= secs(90));
}

#[test]
fn roa_calls_go_by_path_and_body() {
    let world = World::new();
    let cluster = world.cloud.cs().create::<&str>("ManagedKubernetes", &[], &[]);
    let mut request = ApiRequest::new("CS", "DescribeClusterDetail", Value::Null);
    (request.method, request.uri) = (Some("GET".into()), Some(format!("/clusters/{cluster}").into()));
    assert_eq!(world.send(request).unwrap().at(&["cluster_id"]), &Value::from(cluster.as_str()));
}

#[test]
fn a_long_query_travels_in_the_form() {
    let world = World::new();
    let id = world.cloud.ecs().instance().running().create();
    world.cloud.assistant().default(exit(0).stdout("done"));
    let content = "echo äöü 中文; ".repeat(600);
    let parameters = params! {
        "InstanceId" => [id], "Type" => "RunShellScript", "CommandContent" => content.as_str(), "Timeout" => 60,
    };
    world.call("ECS", "RunCommand", parameters).unwrap();
    let calls = world.cloud.calls().of("ECS", "RunCommand");
    assert_eq!(&*calls.one().param("CommandContent"), content);
}

#[test]
fn the_region_is_told_by_the_host() {
    let world = World::new();
    world.call("ECS", "DescribeInstances", params! { "RegionId" => "cn-beijing" }).unwrap();
    let mut request = ApiRequest::new("CS", "DescribeClusterDetail", Value::Null);
    (request.method, request.uri) = (Some("GET".into()), Some("/clusters/c-1".into()));
    request.region = Some("cn-shanghai".into());
    world.send(request).unwrap_err();
    let regions: Vec<_> = world.cloud.calls().iter().map(|c| c.region.to_string()).collect();
    assert_eq!(regions, ["cn-beijing", "cn-shanghai"]);
}

#[test]
fn old_signatures_are_understood() {
    let cloud = FakeCloud::new();
    let server = Server::start(&cloud).unwrap();
    let executor = Executor::default();
    let client = support::builder(&server, &executor).signer("ecs", Arc::new(RpcV1)).build().unwrap();
    let id = cloud.ecs().instance().stopped().create();
    let request = ApiRequest::new("ECS", "StartInstance", params! { "InstanceId" => id });
    executor.block_on(cloud.clock(), async move { client.call(request).await }).unwrap().unwrap();
    cloud.calls().of("ECS", "StartInstance").count(1);
}

/// Notes what it is asked.
#[derive(Debug, Default)]
struct Mounted(Mutex<Vec<ApiRequest>>);

#[async_trait]
impl ApiCaller for Mounted {
    async fn call(&self, request: ApiRequest) -> Result<ApiResponse, ApiError> {
        self.0.lock().unwrap().push(request.clone());
        match &*request.api {
            "CancelExecution" => Err(ApiError::service("EntityNotExists.Execution", 404, "no such execution")),
            _ => {
                Ok(ApiResponse { body: params! { "Execution" => params! { "Status" => "Running" } }, request_id: None })
            }
        }
    }
}

#[test]
fn another_caller_answers_for_a_product() {
    let mounted = Arc::new(Mounted::default());
    let shared: Arc<dyn ApiCaller> = mounted.clone();
    let world = World::with(FakeCloud::new(), |server| server.mount("OOS", shared));
    world.cloud.ram().role("Worker").trusts_oos().allow_all().create();
    let parameters =
        params! { "TemplateName" => "t", "Parameters" => params! { "a" => [1, 2] }, "Tags" => params! { "k" => "v" } };
    let mut request = ApiRequest::new("OOS", "StartExecution", parameters);
    request.role = "Worker".into();
    let answer = world.send(request).unwrap();
    assert_eq!(answer.at(&["Execution", "Status"]), &Value::from("Running"));
    let error = world.call("OOS", "CancelExecution", params! { "ExecutionId" => "exec-1" }).unwrap_err();
    assert_eq!(error.code(), "EntityNotExists.Execution");
    let asked = mounted.0.lock().unwrap();
    let (first, second) = (&asked[0], &asked[1]);
    assert_eq!((&*first.api, &*first.role), ("StartExecution", "acs:ram::1234567890123456:role/Worker"));
    assert_eq!(first.parameters.at(&["Parameters"]).parsed_if_json_text(), params! { "a" => [1, 2] });
    assert_eq!((&*second.role, first.region.as_ref().unwrap().as_str()), ("", "cn-hangzhou"));
    world.cloud.calls().of("OOS", "*").never();
}

#[test]
fn in_real_time_a_client_needs_nothing_but_the_address() {
    let cloud = FakeCloud::new();
    let id = cloud.ecs().instance().stopped().create();
    let server = Server::builder(&cloud).real_time(1000).start().unwrap();
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tokio.block_on(async {
        let client = oos_aliyun::Client::builder()
            .credentials(oos_aliyun::credential::StaticKeys::new(server.key_id(), server.secret()))
            .region("cn-hangzhou")
            .endpoint(server.endpoint())
            .build()
            .unwrap();
        client.call(ApiRequest::new("ECS", "StartInstance", params! { "InstanceId" => id.clone() })).await.unwrap();
        // Twenty seconds of the cloud are twenty milliseconds: what ends this loop is the instance.
        loop {
            let request = ApiRequest::new("ECS", "DescribeInstances", params! { "InstanceIds" => [id.clone()] });
            let answer = client.call(request).await.unwrap();
            let instances = answer.body.at(&["Instances", "Instance"]).as_list().unwrap();
            if instances[0].at(&["Status"]) == &Value::from("Running") {
                break;
            }
        }
    });
}
