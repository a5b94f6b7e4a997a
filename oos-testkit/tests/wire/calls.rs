//! Single calls: every style, every signature, every source of keys.

use oos_core::ports::{ApiCaller, ApiError, ApiRequest};
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
        answer.expect("the call ends").map(|answer| answer.body)
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
fn a_slow_call_takes_virtual_time() {
    let world = World::new();
    world.cloud.fault("slow").on("ECS", "Describe*").latency(secs(90)..secs(91));
    let start = world.cloud.now();
    world.call("ECS", "DescribeRegions", Value::Null).unwrap();
    assert!(world.cloud.now().since(start) >= secs(90));
}
