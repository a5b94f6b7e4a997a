//! Object storage: buckets in the host and in the path, both signatures, presigned addresses.

use std::sync::Arc;

use bytes::Bytes;
use oos_aliyun::{
    sign::oss_v1::OssV1,
    transport::{SendOptions, Transport},
};
use oos_core::ports::{ApiCaller, ApiRequest};
use oos_testkit::{Executor, prelude::*, server::Server};

use crate::{calls::World, support};

const REFERER: &str = "<RefererConfiguration><AllowEmptyReferer>false</AllowEmptyReferer><RefererList>\
                       <Referer>http://a.example</Referer><Referer>http://b.example</Referer>\
                       </RefererList></RefererConfiguration>";

fn request(method: &str, uri: &str, body: &str) -> ApiRequest {
    let mut request = ApiRequest::new("OSS", "", params! { "BucketName" => "pail" });
    (request.method, request.uri) = (Some(method.into()), Some(uri.into()));
    if !body.is_empty() {
        request.body = body.into();
    }
    request
}

/// Writes and reads settings of a bucket.
fn settings(world: &World) {
    world.cloud.oss().bucket("pail");
    world.send(request("PUT", "?referer", REFERER)).unwrap();
    let answer = world.send(request("GET", "?referer", "")).unwrap();
    let configuration = answer.at(&["RefererConfiguration"]);
    assert_eq!(configuration.at(&["AllowEmptyReferer"]), &Value::from("false"));
    assert_eq!(configuration.at(&["RefererList", "Referer"]), &["http://a.example", "http://b.example"].into());
    let policy = r#"{"Version":"1","Statement":[{"Effect":"Deny","Action":["oss:*"],"Resource":["*"]}]}"#;
    world.send(request("PUT", "?policy", policy)).unwrap();
    assert_eq!(world.send(request("GET", "?policy", "")).unwrap(), Value::from_json_str(policy).unwrap());
    let gone = world.send(request("DELETE", "?policy", "")).unwrap();
    assert!(gone.get("RequestId").is_some());
    assert_eq!(world.send(request("GET", "?policy", "")).unwrap_err().code(), "NoSuchBucketPolicy");
    assert_eq!(world.send(request("PUT", "?referer", "<A")).unwrap_err().code(), "MalformedXML");
    let mut acl = request("PUT", "?acl", "");
    acl.headers = params! { "x-oss-acl" => "public-read" };
    world.send(acl).unwrap();
    let answer = world.send(request("GET", "?acl", "")).unwrap();
    assert_eq!(answer.at(&["AccessControlPolicy", "AccessControlList", "Grant"]), &Value::from("public-read"));
}

#[test]
fn a_bucket_may_stand_in_the_host() {
    settings(&World::new());
}

#[test]
fn a_bucket_may_stand_in_the_path() {
    let mut world = World::new();
    world.client =
        support::builder(&world.server, &world.executor).endpoint_for("oss", world.server.endpoint()).build().unwrap();
    settings(&world);
}

#[test]
fn the_old_signature_is_understood() {
    let mut world = World::new();
    world.client = support::builder(&world.server, &world.executor).signer("oss", Arc::new(OssV1)).build().unwrap();
    settings(&world);
}

/// The status and text of a plain GET.
fn get(world: &World, url: &str) -> (u16, String) {
    let transport = support::ToServer::new(&world.server);
    let request = http::Request::get(url).body(Bytes::new()).unwrap();
    let options = SendOptions::default();
    let answer = world.executor.block_on(world.cloud.clock(), async move { transport.send(request, &options).await });
    let answer = answer.unwrap().unwrap();
    (answer.status().as_u16(), String::from_utf8_lossy(answer.body()).into_owned())
}

#[test]
fn an_address_that_was_made_here_is_verified_there() {
    let world = World::new();
    let mut wanted = ApiRequest::new("OSS", "GenerateUrl", params! { "BucketName" => "pail", "Expires" => 600 });
    (wanted.method, wanted.uri) = (Some("GET".into()), Some("/reports/中 1.txt".into()));
    let url = world.send(wanted).unwrap().at(&["Url"]).to_text().to_string();
    // The fake keeps no objects: that it says so means that the signature was right.
    let (status, text) = get(&world, &url);
    assert_eq!(status, 501);
    assert!(text.contains("Testkit.UnmodelledApi"), "{text}");
    let (status, text) = get(&world, &url.replace("reports", "secrets"));
    assert_eq!(status, 403);
    assert!(text.contains("<Code>SignatureDoesNotMatch</Code>"), "{text}");
    world.cloud.clock().advance(secs(601));
    let (status, text) = get(&world, &url);
    assert_eq!((status, text.contains("Request has expired")), (403, true), "{text}");
}

#[test]
fn an_executor_of_ones_own_is_enough() {
    let cloud = FakeCloud::new();
    let (server, executor) = (Server::start(&cloud).unwrap(), Executor::default());
    let client = support::client(&server, &executor);
    cloud.oss().bucket("pail");
    let asked = request("GET", "?acl", "");
    let answer = executor.block_on(cloud.clock(), async move { client.call(asked).await }).unwrap().unwrap();
    assert!(answer.request_id.is_some());
}
