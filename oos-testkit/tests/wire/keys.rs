//! Who calls: keys, temporary keys and their sources, and what is refused.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use oos_aliyun::{
    Client,
    credential::{StaticKeys, default_chain},
    transport::{SendOptions, Transport, TransportError},
};
use oos_core::ports::{ApiCaller, ApiError, ApiRequest};
use oos_testkit::{cloud::On, prelude::*, server::Identity};

use crate::{
    calls::World,
    support::{self, Surroundings, ToServer},
};

impl World {
    fn describe(&self, client: &Client) -> Result<Value, ApiError> {
        let client = client.clone();
        let request = ApiRequest::new("ECS", "DescribeRegions", Value::Null);
        let answer = self.executor.block_on(self.cloud.clock(), async move { client.call(request).await });
        answer.unwrap().map(|answer| answer.body)
    }

    fn with_keys(&self, keys: StaticKeys) -> Client {
        support::builder(&self.server, &self.executor).credentials(keys).build().unwrap()
    }

    /// A client with the default chain in these surroundings.
    fn chain(&self, vars: Vec<(&'static str, String)>, file: &'static str) -> Client {
        let mut runtime = support::runtime(&self.server, &self.executor);
        let around = Arc::new(Surroundings { vars, file });
        (runtime.env, runtime.files) = (around.clone(), around);
        Client::builder().runtime(runtime).credentials(default_chain()).region("cn-hangzhou").build().unwrap()
    }

    fn callers(&self) -> Vec<String> {
        self.cloud.calls().of("ECS", "DescribeRegions").iter().map(|c| c.caller.to_string()).collect()
    }
}

#[test]
fn a_user_may_do_what_its_policies_say() {
    let world = World::with(FakeCloud::new(), |server| {
        let user = |name: &str| Identity::User(name.to_owned());
        server.access_key("LTAIana", "secret-of-ana", user("ana")).access_key("LTAIbo", "secret-of-bo", user("bo"))
    });
    world.cloud.ram().user("ana").allow_all().create();
    world.cloud.ram().user("bo").create();
    world.cloud.ram().enforce(On);
    world.describe(&world.with_keys(StaticKeys::new("LTAIana", "secret-of-ana"))).unwrap();
    let error = world.describe(&world.with_keys(StaticKeys::new("LTAIbo", "secret-of-bo"))).unwrap_err();
    assert_eq!(error.code(), "Forbidden.RAM");
    let ApiError::Service { body, http_status: 403, .. } = error else { panic!("{error}") };
    assert_eq!(body.at(&["AccessDeniedDetail", "AuthAction"]), &Value::from("ecs:DescribeRegions"));
    assert_eq!(world.callers(), ["user/ana", "user/bo"]);
}

#[test]
fn roles_are_assumed_on_the_server_and_end_there() {
    let world = World::new();
    world.cloud.ram().role("Worker").trusts_oos().allow_all().create();
    let mut request = ApiRequest::new("ECS", "DescribeRegions", Value::Null);
    request.role = "Worker".into();
    world.send(request.clone()).unwrap();
    world.send(request.clone()).unwrap();
    world.cloud.calls().of("Sts", "AssumeRole").count(1);
    world.cloud.clock().advance(hours(2));
    world.send(request).unwrap();
    world.cloud.calls().of("Sts", "AssumeRole").count(2);
    assert_eq!(world.callers(), ["role/Worker"; 3]);
    assert!(world.server.exchanges().iter().all(|e| e.status == 200), "renewed in time");
}

#[test]
fn a_chain_leads_into_another_account() {
    let world = World::new();
    world.cloud.ram().role("A").trusts_oos().allow_all().create();
    let there = world.cloud.ram().in_account("654321");
    there.role("B").trusts_account("1234567890123456").allow_all().create();
    let mut request = ApiRequest::new("ECS", "DescribeRegions", Value::Null);
    request.role = "A|654321/B".into();
    world.send(request).unwrap();
    let calls = world.cloud.calls();
    assert_eq!(&*calls.of("ECS", "DescribeRegions").one().account, "654321");
    calls.of("Sts", "AssumeRole").count(2);
}

#[test]
fn a_role_that_does_not_trust_is_refused_by_the_token_service() {
    let world = World::new();
    world.cloud.ram().role("Closed").trusts_account("999").create();
    world.cloud.ram().enforce(On);
    let mut request = ApiRequest::new("ECS", "DescribeRegions", Value::Null);
    request.role = "Closed".into();
    let error = world.send(request).unwrap_err();
    assert!(matches!(&error, ApiError::Credential { message } if message.contains("NoPermission")), "{error}");
    world.cloud.calls().of("ECS", "*").never();
}

#[test]
fn the_default_chain_finds_the_metadata_service() {
    let world = World::with(FakeCloud::new(), |server| server.instance_role("OnInstance"));
    let client = world.chain(Vec::new(), "");
    world.describe(&client).unwrap();
    world.cloud.clock().advance(hours(7));
    world.describe(&client).unwrap();
    assert_eq!(world.callers(), ["role/OnInstance"; 2]);
}

#[test]
fn the_default_chain_finds_the_credentials_uri() {
    let world = World::with(FakeCloud::new(), |server| server.uri_role("ByUri"));
    let vars = vec![("ALIBABA_CLOUD_CREDENTIALS_URI", world.server.credentials_uri())];
    world.describe(&world.chain(vars, "")).unwrap();
    assert_eq!(world.callers(), ["role/ByUri"]);
}

#[test]
fn the_default_chain_trades_an_oidc_token() {
    let world = World::with(FakeCloud::new(), |server| server.oidc_token("token-of-the-cluster"));
    world.cloud.ram().role("Pod").trusts_oos().allow_all().create();
    let vars = || {
        vec![
            ("ALIBABA_CLOUD_ROLE_ARN", "acs:ram::1234567890123456:role/Pod".to_owned()),
            ("ALIBABA_CLOUD_OIDC_PROVIDER_ARN", "acs:ram::1234567890123456:oidc-provider/ack".to_owned()),
            ("ALIBABA_CLOUD_OIDC_TOKEN_FILE", "/var/run/token".to_owned()),
        ]
    };
    world.describe(&world.chain(vars(), "token-of-the-cluster\n")).unwrap();
    assert_eq!(world.callers(), ["role/Pod"]);
    let error = world.describe(&world.chain(vars(), "another")).unwrap_err();
    assert!(error.to_string().contains("AuthenticationFail.OIDCToken.Invalid"), "{error}");
    assert!(!error.to_string().contains("another"), "the token is not shown: {error}");
}

#[test]
fn keys_that_are_wrong_are_told_apart() {
    let world = World::new();
    let secret = world.server.secret();
    let code = |keys: StaticKeys| world.describe(&world.with_keys(keys)).unwrap_err().code().to_owned();
    assert_eq!(code(StaticKeys::new("LTAInobody", secret)), "InvalidAccessKeyId.NotFound");
    assert_eq!(code(StaticKeys::new(world.server.key_id(), "wrong")), "SignatureDoesNotMatch");
    let with_token = StaticKeys::new(world.server.key_id(), secret).with_token("no-such-token");
    assert_eq!(code(with_token), "InvalidSecurityToken.MismatchWithAccessKey");
    world.cloud.calls().of("*", "*").never();
}

/// Keeps what is sent, and sends it.
#[derive(Debug)]
struct Tapped(ToServer, Arc<Mutex<Vec<http::Request<Bytes>>>>);

#[async_trait]
impl Transport for Tapped {
    async fn send(
        &self,
        request: http::Request<Bytes>,
        options: &SendOptions,
    ) -> Result<http::Response<Bytes>, TransportError> {
        self.1.lock().unwrap().push(copy(&request));
        self.0.send(request, options).await
    }
}

fn copy(request: &http::Request<Bytes>) -> http::Request<Bytes> {
    let mut out = http::Request::new(request.body().clone());
    *out.method_mut() = request.method().clone();
    *out.uri_mut() = request.uri().clone();
    *out.headers_mut() = request.headers().clone();
    out
}

/// The status and code that a request gets.
fn code_of(world: &World, request: http::Request<Bytes>) -> (u16, String) {
    let transport = ToServer::new(&world.server);
    let options = SendOptions::default();
    let answer = world.executor.block_on(world.cloud.clock(), async move { transport.send(request, &options).await });
    let answer = answer.unwrap().unwrap();
    let body = Value::from_json_str(&String::from_utf8_lossy(answer.body())).unwrap();
    assert!(!body.at(&["RequestId"]).to_text().is_empty());
    (answer.status().as_u16(), body.at(&["Code"]).to_text().to_string())
}

#[test]
fn a_request_that_was_seen_cannot_be_used_again_or_changed() {
    let world = World::new();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let tapped = Tapped(ToServer::new(&world.server), Arc::clone(&seen));
    let client = support::builder(&world.server, &world.executor).transport(Arc::new(tapped)).build().unwrap();
    let id = world.cloud.ecs().instance().stopped().create();
    let request = ApiRequest::new("ECS", "StartInstance", params! { "InstanceId" => id.clone() });
    world.executor.block_on(world.cloud.clock(), async move { client.call(request).await }).unwrap().unwrap();
    let sent = seen.lock().unwrap().pop().unwrap();
    assert_eq!(code_of(&world, copy(&sent)), (400, "SignatureNonceUsed".to_owned()));
    let mut changed = copy(&sent);
    *changed.uri_mut() = sent.uri().to_string().replace(&id, "i-other").parse().unwrap();
    assert_eq!(code_of(&world, changed), (400, "SignatureDoesNotMatch".to_owned()));
    let mut changed = copy(&sent);
    *changed.body_mut() = Bytes::from_static(b"InstanceId=i-other");
    assert_eq!(code_of(&world, changed), (400, "SignatureDoesNotMatch".to_owned()));
    world.cloud.clock().advance(mins(16));
    assert_eq!(code_of(&world, copy(&sent)), (400, "InvalidTimeStamp.Expired".to_owned()));
    world.cloud.calls().of("ECS", "StartInstance").count(1);
}

#[test]
fn requests_that_make_no_sense_are_refused_with_a_reason() {
    let world = World::new();
    let of = |uri: &str, headers: &[(&'static str, &str)]| {
        let mut builder = http::Request::post(format!("https://ecs.cn-hangzhou.aliyuncs.com{uri}"));
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        code_of(&world, builder.body(Bytes::new()).unwrap())
    };
    let named = [("x-acs-action", "DescribeRegions"), ("x-acs-version", "2014-05-26")];
    assert_eq!(of("/", &[]).1, "MissingParameter");
    assert_eq!(of("/", &named).1, "MissingAccessKeyId");
    assert_eq!(of("/?Action=DescribeRegions&Version=2014-05-26", &[]).1, "MissingAccessKeyId");
    let with = |authorization: &'static str| {
        let headers: Vec<_> = named.into_iter().chain([("authorization", authorization)]).collect();
        of("/", &headers).1
    };
    assert_eq!(with("Bearer x"), "SignatureMethodNotSupported");
    assert_eq!(with("ACS3-HMAC-SHA256 Credential=a,SignedHeaders=host,Signature=b"), "IncompleteSignature");
    assert_eq!(with("ACS3-HMAC-SHA256 nonsense"), "IncompleteSignature");
    assert_eq!(with("ACS3-ROT13 Credential=a,SignedHeaders=host,Signature=b"), "InvalidParameter");
    world.cloud.calls().of("*", "*").never();
}
