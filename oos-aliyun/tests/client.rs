//! The client over a scripted transport: what is sent, what is repeated, what comes back.
#![cfg(feature = "client")]
#![expect(clippy::unwrap_used, reason = "tests")]

mod support;

use std::collections::BTreeSet;

use oos_aliyun::{
    Client, ClientBuilder,
    credential::{Credentials, RoleMap, StaticKeys, default_chain},
};
use oos_core::{
    ExecutionId, Value, params,
    ports::api::{ApiCaller, ApiError, ApiErrorKind, ApiRequest},
};
use support::{Answer, Script, World, answer, answer_with, lost, sts_answer};

fn keys() -> Credentials {
    StaticKeys::new("test-id", "test-secret").into()
}

fn builder(world: &World) -> ClientBuilder {
    Client::builder().runtime(world.runtime()).credentials(keys()).region("cn-hangzhou")
}

fn of(answers: Vec<Answer>) -> (World, Client) {
    let world = World::new(Script::of(answers));
    let client = builder(&world).build().unwrap();
    (world, client)
}

fn describe() -> ApiRequest {
    ApiRequest::new(
        "ecs",
        "describeinstances",
        params! { "InstanceIds" => ["i-1", "i-2"], "Tags" => Value::from(vec![params! { "Key" => "k", "Value" => "v" }]) },
    )
}

fn failure(status: u16, code: &str) -> Answer {
    answer(status, &format!(r#"{{"Code":"{code}","Message":"m","RequestId":"r-0"}}"#))
}

#[tokio::test]
async fn a_call_is_normalised_signed_and_answered() {
    let (world, client) = of(vec![answer(200, r#"{"RequestId":"r-1","TotalCount":0}"#)]);
    let response = client.call(describe()).await.unwrap();
    assert_eq!(response.request_id.as_deref(), Some("r-1"));
    let sent = &world.script.sent()[0];
    assert_eq!((sent.method.as_str(), sent.host.as_str()), ("POST", "ecs-cn-hangzhou.aliyuncs.com"));
    assert_eq!(sent.member("InstanceIds").as_deref(), Some(r#"["i-1","i-2"]"#));
    assert_eq!(
        (sent.member("Tag.1.Key").as_deref(), sent.member("RegionId").as_deref()),
        (Some("k"), Some("cn-hangzhou"))
    );
    assert_eq!((sent.header("x-acs-action"), sent.header("x-acs-version")), ("DescribeInstances", "2014-05-26"));
    assert!(sent.header("authorization").starts_with("ACS3-HMAC-SHA256 Credential=test-id,SignedHeaders=host;x-acs-"));
    assert!(sent.header("user-agent").contains("oos-aliyun/"));
}

#[tokio::test]
async fn the_region_of_the_call_wins_and_a_strange_one_never_reaches_the_network() {
    let (world, client) = of(vec![answer(200, "{}")]);
    let mut request = describe();
    request.parameters = params! { "RegionId" => "eu-central-1" };
    client.call(request.clone()).await.unwrap();
    assert_eq!(world.script.sent()[0].host, "ecs.eu-central-1.aliyuncs.com");
    request.parameters = params! { "RegionId" => "evil.com/#" };
    let error = client.call(request).await.unwrap_err();
    assert_eq!(error.to_string(), "InvalidEndpoint: `evil.com/#` is not a region");
    assert_eq!(world.script.sent().len(), 1);
}

#[tokio::test]
async fn endpoints_can_be_given_per_call_per_product_and_for_all() {
    let world = World::new(Script::new(|_| answer(200, "{}")));
    world.set("ALIBABA_CLOUD_ENDPOINT", "all.example.com");
    let client = builder(&world).endpoint_for("ECS", "http://10.0.0.9:8080").build().unwrap();
    client.call(describe()).await.unwrap();
    client.call(ApiRequest::new("VPC", "DescribeVpcs", Value::Null)).await.unwrap();
    let mut request = describe();
    request.endpoint = Some("one.example.com".into());
    client.call(request).await.unwrap();
    let urls: Vec<_> = world.script.sent().iter().map(|s| s.url.split('?').next().unwrap().to_owned()).collect();
    assert_eq!(urls, ["http://10.0.0.9:8080/", "https://all.example.com/", "https://one.example.com/"]);
}

#[tokio::test]
async fn as_a_port_it_makes_one_attempt() {
    for broken in [failure(503, "ServiceUnavailable"), failure(400, "Throttling.User"), lost(true), lost(false)] {
        let (world, client) = of(vec![broken]);
        client.call(describe()).await.unwrap_err();
        assert_eq!(world.script.sent().len(), 1);
    }
}

#[tokio::test]
async fn throttling_goes_back_with_the_server_s_delay() {
    let body = r#"{"Code":"Throttling.User","Message":"slow","RequestId":"r-2"}"#;
    let (_world, client) = of(vec![answer_with(400, &[("x-acs-retry-after", "1500")], body)]);
    let error = client.call(describe()).await.unwrap_err();
    assert_eq!(error.kind(), ApiErrorKind::Throttled);
    assert_eq!(error.request_id().map(|id| &**id), Some("r-2"));
    let ApiError::Service { retry_after, .. } = error else { panic!("{error}") };
    assert_eq!(retry_after.unwrap().as_millis(), 1500);
}

#[tokio::test]
async fn retries_wait_as_the_server_says_and_sign_afresh() {
    let slow = || answer_with(400, &[("x-acs-retry-after", "2000")], r#"{"Code":"Throttling","Message":"m"}"#);
    let (world, client) = of(vec![slow(), slow(), answer(200, "{}")]);
    client.call_with_retries(describe()).await.unwrap();
    // The delay and a quarter of it, at the largest jitter.
    let waits: u128 = world.clock.waits.lock().unwrap().iter().sum();
    assert_eq!(waits, 5000);
    let sent = world.script.sent();
    let nonces: BTreeSet<_> = sent.iter().map(|s| s.header("x-acs-signature-nonce").to_owned()).collect();
    let signatures: BTreeSet<_> = sent.iter().map(|s| s.header("authorization").to_owned()).collect();
    assert_eq!((nonces.len(), signatures.len()), (3, 3));
    assert_eq!((sent[2].header("x-acs-retry-attempts"), sent[2].header("x-acs-retry-delay")), ("2", "2500"));
    assert!(sent[2].header("authorization").contains("x-acs-retry-attempts"), "and they are signed");
}

#[tokio::test]
async fn the_client_token_stays_the_same_over_all_attempts() {
    let run = || ApiRequest::new("ECS", "RunInstances", params! { "ImageId" => "m-1" });
    let (world, client) = of(vec![failure(500, "InternalError"), lost(true), answer(200, "{}")]);
    client.call_with_retries(run()).await.unwrap();
    let tokens: BTreeSet<_> = world.script.sent().iter().map(|s| s.member("ClientToken").unwrap()).collect();
    assert_eq!(tokens.len(), 1);
    let (world, client) = of(vec![answer(200, "{}")]);
    let mut request = run();
    request.token = Some("exec-1/step".into());
    client.call(request).await.unwrap();
    assert_eq!(world.script.sent()[0].member("ClientToken").as_deref(), Some("exec-1/step"));
}

#[tokio::test]
async fn a_write_that_may_have_happened_is_not_repeated() {
    let (world, client) = of(vec![lost(true)]);
    let stop = ApiRequest::new("ECS", "StopInstance", params! { "InstanceId" => "i-1" });
    let error = client.call_with_retries(stop).await.unwrap_err();
    assert_eq!((error.kind(), world.script.sent().len()), (ApiErrorKind::UnknownOutcome, 1));
}

#[tokio::test]
async fn a_wrong_clock_is_corrected_and_stays_so() {
    let body = r#"{"Code":"InvalidTimeStamp.Expired","Message":"m"}"#;
    let late = answer_with(400, &[("date", "Thu, 01 Jan 2026 03:00:00 GMT")], body);
    let (world, client) = of(vec![late, answer(200, "{}"), answer(200, "{}")]);
    client.call(describe()).await.unwrap();
    client.call(describe()).await.unwrap();
    let dates: Vec<_> = world.script.sent().iter().map(|s| s.header("x-acs-date").to_owned()).collect();
    assert_eq!(dates, ["2026-01-01T00:00:00Z", "2026-01-01T03:00:00Z", "2026-01-01T03:00:00Z"]);
}

#[tokio::test]
async fn a_clock_that_cannot_be_corrected_is_an_error_after_two_attempts() {
    let (world, client) = of(vec![failure(400, "IllegalTimestamp"), failure(400, "IllegalTimestamp")]);
    assert_eq!(client.call(describe()).await.unwrap_err().kind(), ApiErrorKind::Clock);
    assert_eq!(world.script.sent().len(), 2);
}

#[tokio::test]
async fn a_used_nonce_is_replaced_once() {
    let (world, client) = of(vec![failure(400, "SignatureNonceUsed"), answer(200, "{}")]);
    client.call(ApiRequest::new("ECS", "StopInstance", params! { "InstanceId" => "i-1" })).await.unwrap();
    let sent = world.script.sent();
    assert_ne!(sent[0].header("x-acs-signature-nonce"), sent[1].header("x-acs-signature-nonce"));
}

/// An earlier copy may have been carried out, so a write is not repeated.
#[tokio::test]
async fn a_used_nonce_of_a_later_attempt_of_a_write_is_final() {
    let (world, client) = of(vec![lost(false), failure(400, "SignatureNonceUsed")]);
    let stop = ApiRequest::new("ECS", "StopInstance", params! { "InstanceId" => "i-1" });
    assert_eq!(client.call_with_retries(stop).await.unwrap_err().code(), "SignatureNonceUsed");
    assert_eq!(world.script.sent().len(), 2);
}

/// A machine with a profile that assumes a role; the role's first key is refused as ended.
#[tokio::test]
async fn an_ended_token_is_renewed_once() {
    let mut made = 0;
    let world = World::new(Script::new(move |sent| {
        if sent.host.starts_with("sts") {
            made += 1;
            return sts_answer(&format!("STS.{made}"), "2026-01-01T01:00:00Z");
        }
        match sent.header("x-acs-accesskey-id") {
            "STS.1" => failure(403, "InvalidSecurityToken.Expired"),
            _ => answer(200, "{}"),
        }
    }));
    world.file(
        ".aliyun/config.json",
        r#"{"current":"c","profiles":[{"name":"c","mode":"RamRoleArn","access_key_id":"a","access_key_secret":"b","ram_role_arn":"r","region_id":"cn-beijing"}]}"#,
    );
    let client = Client::builder().runtime(world.runtime()).credentials(default_chain()).build().unwrap();
    client.call(describe()).await.unwrap();
    let hosts: Vec<_> = world.script.sent().iter().map(|s| s.host.clone()).collect();
    let (sts, ecs) = ("sts.aliyuncs.com", "ecs.cn-beijing.aliyuncs.com");
    assert_eq!(hosts, [sts, ecs, sts, ecs], "in the profile's region");
    assert_eq!(world.script.sent()[3].header("x-acs-security-token"), "STS.2-token");
}

#[tokio::test]
async fn a_permanent_key_that_does_not_exist_is_not_asked_for_again() {
    let (world, client) = of(vec![failure(404, "InvalidAccessKeyId.NotFound")]);
    client.call(describe()).await.unwrap_err();
    assert_eq!(world.script.sent().len(), 1);
}

#[tokio::test]
async fn a_wrong_secret_is_told_from_a_wrong_signature() {
    let world = World::new(Script::new(|sent| {
        let canonical = "ACS3-HMAC-SHA256\\n0000";
        let _ = sent;
        let message = format!("server string to sign is:{canonical}");
        answer(400, &format!(r#"{{"Code":"SignatureDoesNotMatch","Message":"{message}"}}"#))
    }));
    let client = builder(&world).build().unwrap();
    let error = client.call(describe()).await.unwrap_err();
    assert_eq!(error.kind(), ApiErrorKind::Auth);
    assert!(error.to_string().ends_with("(the server signed another text: a defect of this client, not of the key)"));
}

#[tokio::test]
async fn without_any_credential_the_error_says_what_to_set() {
    let world = World::new(Script::new(|_| lost(false)));
    let client = Client::builder().runtime(world.runtime()).region("cn-hangzhou").build().unwrap();
    let error = client.call(describe()).await.unwrap_err();
    assert!(error.to_string().contains("set ALIBABA_CLOUD_ACCESS_KEY_ID"), "{error}");
}

#[tokio::test]
async fn a_2xx_that_says_failure_is_an_answer() {
    let (_world, client) = of(vec![answer(200, r#"{"Success":false,"Code":"NotEnough"}"#)]);
    let response = client.call(describe()).await.unwrap();
    assert_eq!(response.body.get("Success"), Some(&Value::Bool(false)));
}

#[tokio::test]
async fn roa_calls_go_to_their_path_with_a_json_body() {
    let (world, client) = of(vec![answer(200, "{}")]);
    let mut request = ApiRequest::new("CS", "ModifyClusterNodePool", Value::Null);
    request.method = Some("PUT".into());
    request.uri = Some("/clusters/c 1/nodepools/np1".into());
    request.body = params! { "a" => 1 };
    client.call(request).await.unwrap();
    let sent = &world.script.sent()[0];
    assert_eq!((sent.method.as_str(), sent.path.as_str()), ("PUT", "/clusters/c%201/nodepools/np1"));
    assert_eq!((sent.body.as_str(), sent.header("x-acs-version")), (r#"{"a":1}"#, "2015-12-15"));
    assert_eq!(sent.header("content-type"), "application/json; charset=utf-8");
}

#[tokio::test]
async fn gateways_of_their_own_need_a_signer_and_unknown_versions_are_refused() {
    let (_world, client) = of(vec![]);
    let mut request = ApiRequest::new("MNS", "PublishMessage", params! { "AccountId" => "123" });
    request.method = Some("POST".into());
    request.uri = Some("/topics/t/messages".into());
    let error = client.call(request).await.unwrap_err();
    assert!(error.to_string().contains("signs requests in its own way"), "{error}");
    let error = client.call(ApiRequest::new("nosuch", "DoIt", Value::Null)).await.unwrap_err();
    assert_eq!(error.to_string(), "UnknownVersion: the version of `nosuch` is not known: give `Version`");
}

#[tokio::test]
async fn a_chain_of_roles_is_assumed_hop_by_hop_and_kept() {
    let world = World::new(Script::new(|sent| match sent.header("x-acs-action") {
        "GetCallerIdentity" => answer(200, r#"{"AccountId":"123456","RequestId":"r"}"#),
        "AssumeRole" => {
            let arn = sent.form("RoleArn").unwrap();
            sts_answer(if arn.ends_with("roleA") { "STS.A" } else { "STS.B" }, "2026-01-01T01:00:00Z")
        }
        _ => answer(200, "{}"),
    }));
    let client = builder(&world).build().unwrap();
    let mut request = describe();
    request.role = "roleA|654321/roleB".into();
    request.origin.execution = Some(ExecutionId::new("exec-1.2"));
    client.call(request.clone()).await.unwrap();
    client.call(request).await.unwrap();
    let sent = world.script.sent();
    let steps: Vec<_> =
        sent.iter().map(|s| (s.header("x-acs-action"), s.form("RoleArn").unwrap_or_default())).collect();
    assert_eq!(
        steps,
        [
            ("GetCallerIdentity", String::new()),
            ("AssumeRole", "acs:ram::123456:role/roleA".to_owned()),
            ("AssumeRole", "acs:ram::654321:role/roleB".to_owned()),
            ("DescribeInstances", String::new()),
            ("DescribeInstances", String::new()),
        ]
    );
    assert!(sent[1].header("authorization").contains("Credential=test-id,"));
    assert!(sent[2].header("authorization").contains("Credential=STS.A,"));
    assert_eq!(sent[2].form("RoleSessionName").as_deref(), Some("oos-exec-1"));
    assert_eq!(sent[4].header("x-acs-security-token"), "STS.B-token");
}

#[tokio::test]
async fn service_linked_roles_are_refused_or_mapped() {
    let world = World::new(Script::new(|sent| match sent.header("x-acs-action") {
        "AssumeRole" => sts_answer("STS.A", "2026-01-01T01:00:00Z"),
        _ => answer(200, "{}"),
    }));
    let mut request = describe();
    request.role = "AliyunServiceRoleForOOSInstanceScheduler".into();
    let error = builder(&world).build().unwrap().call(request.clone()).await.unwrap_err();
    assert!(error.to_string().contains("map it to a role of your own"), "{error}");
    let roles = RoleMap::new().with("AliyunServiceRoleForOOSInstanceScheduler", "Mine").unwrap();
    builder(&world).account("77").roles(roles).build().unwrap().call(request).await.unwrap();
    assert_eq!(world.script.sent()[0].form("RoleArn").as_deref(), Some("acs:ram::77:role/Mine"));
}

#[tokio::test]
async fn an_outage_does_not_multiply_the_load() {
    let world = World::new(Script::new(|_| failure(503, "ServiceUnavailable")));
    let client = builder(&world).build().unwrap();
    for _ in 0..60 {
        client.call_with_retries(describe()).await.unwrap_err();
    }
    // 60 first attempts and the 100 retries that the bucket of 500 tokens pays for.
    assert_eq!(world.script.sent().len(), 160);
}

#[tokio::test]
async fn after_throttling_the_product_pauses_in_that_region() {
    let mut first = true;
    let world = World::new(Script::new(move |_| match std::mem::replace(&mut first, false) {
        true => answer_with(400, &[("x-acs-retry-after", "3000")], r#"{"Code":"Throttling","Message":"m"}"#),
        false => answer(200, "{}"),
    }));
    let client = builder(&world).build().unwrap();
    client.call(describe()).await.unwrap_err();
    client.call(describe()).await.unwrap();
    assert_eq!(*world.clock.waits.lock().unwrap(), [3000]);
}

#[tokio::test]
async fn the_location_service_is_asked_once_an_hour_for_what_no_table_has() {
    let world = World::new(Script::new(|sent| match sent.header("x-acs-action") {
        "DescribeEndpoints" => answer(
            200,
            r#"{"Endpoints":{"Endpoint":[{"Endpoint":"ecs.new.example.com","Type":"openAPI","SerivceCode":"ecs"}]}}"#,
        ),
        _ => answer(200, "{}"),
    }));
    let client = builder(&world).location_service(true).build().unwrap();
    let mut request = describe();
    client.call(request.clone()).await.unwrap();
    request.parameters = params! { "RegionId" => "xx-new-1" };
    client.call(request.clone()).await.unwrap();
    client.call(request.clone()).await.unwrap();
    world.clock.advance(3601);
    client.call(request).await.unwrap();
    let hosts: Vec<_> = world.script.sent().iter().map(|s| s.host.clone()).collect();
    let (location, new) = ("location-readonly.aliyuncs.com", "ecs.new.example.com");
    assert_eq!(hosts, ["ecs-cn-hangzhou.aliyuncs.com", location, new, new, location, new]);
    assert_eq!(world.script.sent()[1].form("Id").as_deref(), Some("xx-new-1"));
}

#[cfg(feature = "oss")]
mod object_storage {
    use super::*;

    fn oss(api: &str, method: &str, uri: &str, parameters: Value) -> ApiRequest {
        let mut request = ApiRequest::new("OSS", api, parameters);
        request.method = Some(method.into());
        request.uri = Some(uri.into());
        request
    }

    #[tokio::test]
    async fn sub_resources_go_to_the_bucket_s_host_signed_with_v4() {
        let (world, client) = of(vec![
            answer_with(200, &[("x-oss-request-id", "r-7")], ""),
            answer(
                200,
                "<?xml version='1.0'?><RefererConfiguration><AllowEmptyReferer>true</AllowEmptyReferer><RefererList><Referer>a</Referer></RefererList></RefererConfiguration>",
            ),
        ]);
        let parameters = params! { "BucketName" => "examplebucket", "RegionId" => "cn-hangzhou" };
        let mut put = oss("PutBucketReferer", "PUT", "?referer", parameters.clone());
        put.headers = params! { "Content-MD5" => "", "Content-Type" => "application/xml" };
        put.body = "<RefererConfiguration/>".into();
        let response = client.call(put).await.unwrap();
        assert_eq!(response.body, params! { "RequestId" => "r-7" });
        let sent = &world.script.sent()[0];
        assert_eq!(sent.url, "https://examplebucket.oss-cn-hangzhou.aliyuncs.com/?referer");
        assert!(
            sent.header("authorization").starts_with("OSS4-HMAC-SHA256 Credential=test-id/20260101/cn-hangzhou/oss/")
        );
        assert_eq!(sent.header("content-md5"), oos_aliyun::sign::content_md5(b"<RefererConfiguration/>"));
        let read = client.call(oss("GetBucketReferer", "GET", "?referer", parameters)).await.unwrap();
        assert_eq!(read.body.at(&["RefererConfiguration", "AllowEmptyReferer"]), &Value::from("true"));
        assert_eq!(read.body.at(&["RefererConfiguration", "RefererList", "Referer"]), &Value::from(["a"]));
    }

    #[tokio::test]
    async fn errors_in_xml_are_the_cloud_s_errors() {
        let xml = "<Error><Code>NoSuchBucket</Code><Message>gone</Message><RequestId>r-8</RequestId></Error>";
        let (_world, client) = of(vec![answer_with(404, &[("content-type", "application/xml")], xml)]);
        let request = oss("GetBucketAcl", "GET", "?acl", params! { "BucketName" => "examplebucket" });
        let error = client.call(request).await.unwrap_err();
        assert_eq!((error.code(), error.kind()), ("NoSuchBucket", ApiErrorKind::NotFound));
        assert_eq!(error.request_id().map(|id| &**id), Some("r-8"));
    }

    #[tokio::test]
    async fn a_bucket_name_cannot_leave_its_host() {
        let (world, client) = of(vec![]);
        for bucket in ["evil.com/", "a", "UPPER", "x.y"] {
            let request = oss("GetBucketAcl", "GET", "?acl", params! { "BucketName" => bucket });
            assert!(client.call(request).await.is_err(), "{bucket}");
        }
        assert!(world.script.sent().is_empty());
    }

    async fn url(parameters: Value) -> Result<String, ApiError> {
        let (world, client) = of(vec![]);
        let mut request = oss("GenerateUrl", "GET", "dir/a b?.txt", parameters);
        request.headers = params! { "Content-MD5" => "", "Content-Type" => "application/json" };
        let response = client.call(request).await?;
        assert!(world.script.sent().is_empty(), "nothing is called");
        Ok(response.body.get("Url").unwrap().as_str().unwrap().to_owned())
    }

    #[tokio::test]
    async fn a_url_is_signed_here() {
        let mut parameters = params! { "BucketName" => "examplebucket", "RegionId" => "cn-beijing", "Expires" => "600", "Internal" => "true" };
        let inner = url(parameters.clone()).await.unwrap();
        let start = "https://examplebucket.oss-cn-beijing-internal.aliyuncs.com/dir/a%20b%3F.txt?x-oss-signature-version=OSS4-HMAC-SHA256&x-oss-date=20260101T000000Z&x-oss-expires=600&x-oss-credential=test-id%2F20260101%2Fcn-beijing%2Foss%2Faliyun_v4_request&x-oss-signature=";
        assert!(inner.starts_with(start), "{inner}");
        if let Value::Map(map) = &mut parameters {
            std::sync::Arc::make_mut(map).insert("Internal", false);
            std::sync::Arc::make_mut(map).insert("Expires", 604_801);
        }
        let error = url(parameters).await.unwrap_err();
        assert!(error.to_string().contains("at most 604800 s"), "{error}");
    }
}
