//! Whatever happens, no secret comes out: not in traces of any level, not in errors, not in `Debug`.
//!
//! All secrets of this file begin with `hidden`.
#![cfg(all(feature = "tls-ring", feature = "oss"))]
#![expect(clippy::unwrap_used, reason = "tests")]

mod support;

use std::{
    io::Write,
    sync::{Arc, Mutex},
};

use oos_aliyun::{
    Client,
    credential::{StaticKeys, default_chain},
    transport::reqwest::ReqwestTransport,
};
use oos_core::{
    Value, params,
    ports::api::{ApiCaller, ApiRequest},
};
use support::{Answer, Script, Sent, World, answer, lost};
use tracing_subscriber::{Layer, filter::LevelFilter, fmt::MakeWriter, layer::SubscriberExt};

/// Collects everything that is traced.
#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Captured {
    type Writer = Self;
    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Captured {
    fn note(&mut self, text: &str) {
        self.write_all(text.as_bytes()).unwrap();
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

fn requests() -> Vec<ApiRequest> {
    let secrets = params! {
        "Password" => "hidden-password", "CommandContent" => "hidden-command", "UserData" => "hidden-data",
        "InstanceId" => "i-1",
    };
    let mut oss = ApiRequest::new("OSS", "PutBucketPolicy", params! { "BucketName" => "examplebucket" });
    oss.method = Some("PUT".into());
    oss.uri = Some("?policy".into());
    oss.body = "hidden-policy".into();
    let mut roa = ApiRequest::new("CS", "CreateCluster", Value::Null);
    roa.method = Some("POST".into());
    roa.uri = Some("/clusters".into());
    roa.body = params! { "login_password" => "hidden-login" };
    roa.headers = params! { "X-Custom" => "hidden-header" };
    let mut role = ApiRequest::new("ECS", "DescribeInstances", Value::Null);
    role.role = "roleA".into();
    vec![
        ApiRequest::new("ECS", "RunCommand", secrets.clone()),
        ApiRequest::new("ECS", "NoSuchCall", secrets),
        oss,
        roa,
        role,
    ]
}

/// The service repeats what it got where it can: in messages about signatures.
fn answers(sent: &Sent) -> Vec<Answer> {
    let token = format!("{}{}", sent.header("x-acs-security-token"), sent.header("x-oss-security-token"));
    let encoded = oos_aliyun::sign::percent_encode(&token);
    let echo = format!(
        r#"{{"Code":"SignatureDoesNotMatch","Message":"server string to sign is:POST {token} {encoded}","RequestId":"r"}}"#
    );
    vec![
        answer(200, r#"{"RequestId":"r","Output":"hidden-output"}"#),
        answer(400, &echo),
        answer(400, r#"{"Code":"InvalidParameter","Message":"no","RequestId":"r"}"#),
        answer(403, r#"{"Code":"InvalidSecurityToken.Expired","Message":"no","RequestId":"r"}"#),
        answer(503, r#"{"Code":"ServiceUnavailable","Message":"no","RequestId":"r"}"#),
        lost(true),
        lost(false),
    ]
}

/// Number of [`answers`].
const KINDS: usize = 7;
const ROLE_KEYS: &str = r#"{"Credentials":{"AccessKeyId":"STS.1","AccessKeySecret":"hidden-role-secret","SecurityToken":"hidden+role/token","Expiration":"2026-01-01T01:00:00Z"}}"#;

async fn all_requests(client: &Client, out: &mut Captured) {
    for request in requests() {
        if let Err(error) = client.call(request.clone()).await {
            out.note(&format!("{error} {error:?}\n"));
        }
        if let Err(error) = client.call_with_retries(request).await {
            out.note(&format!("{error} {error:?}\n"));
        }
    }
    out.note(&format!("{client:?}\n"));
}

async fn scripted(out: &mut Captured) {
    for index in 0..KINDS {
        let world = World::new(Script::new(move |sent| match sent.host.starts_with("sts") {
            true => answer(200, ROLE_KEYS),
            false => answers(sent).swap_remove(index),
        }));
        let keys = StaticKeys::new("test-id", "hidden-secret").with_token("hidden+base/token");
        let builder = Client::builder().runtime(world.runtime()).region("cn-hangzhou").account("1");
        all_requests(&builder.credentials(keys).build().unwrap(), out).await;
    }
}

async fn sources(out: &mut Captured) {
    let files = [
        r#"{"current":"c","profiles":[{"name":"c","mode":"AK","access_key_id":"a","access_key_secret":"hidden-secret"}]}"#,
        r#"{"current":"c","profiles":[{"name":"c","mode":"StsToken","access_key_id":"a","access_key_secret":"hidden-secret"}]}"#,
        r#"{"current":"c","profiles":[{"name":"c","mode":"RamRoleArn","access_key_id":"a","access_key_secret":"hidden-secret","ram_role_arn":"r"}]}"#,
        r#"{"current":"c","profiles":[{"name":"c","mode":"External","process_command":"/bin/echo hidden-output"}]}"#,
        r#"{"current":"c","profiles":[{"name":"c","mode":"CredentialsURI","credentials_uri":"http://127.0.0.1/hidden-path"}]}"#,
        r#"{"current":"c","profiles":[{"name":"c","mode":"CloudSSO","cloud_sso_sign_in_url":"https://s.example.com","cloud_sso_account_id":"1","cloud_sso_access_config":"x","access_token":"hidden-access"}]}"#,
        r#"{"current":"c","profiles":[{"name":"c","access_key_secret":"hidden-secret" broken"#,
    ];
    for file in files {
        for status in [200, 403, 500] {
            let world = World::new(Script::new(move |sent| match sent.header("x-acs-action") {
                "" | "AssumeRole" | "GetCallerIdentity" if !sent.host.contains(".oss-") => {
                    answer(status, r#"{"Code":"X","Message":"m","AccessKeySecret":"hidden-answer"}"#)
                }
                _ => answer(status, r#"{"Code":"X","Message":"m"}"#),
            }));
            world.file(".aliyun/config.json", file);
            let client = Client::builder().runtime(world.runtime()).credentials(default_chain()).region("cn-hangzhou");
            all_requests(&client.build().unwrap(), out).await;
        }
    }
}

async fn over_the_network(out: &mut Captured) {
    let world = World::new(Script::new(|_| lost(false)));
    let client = Client::builder()
        .runtime(world.runtime())
        .transport(Arc::new(ReqwestTransport::new().unwrap()))
        .credentials(StaticKeys::new("test-id", "hidden-secret").with_token("hidden-token"))
        .region("cn-hangzhou")
        .account("1")
        // Nobody listens there.
        .endpoint("http://127.0.0.1:9")
        .sts_endpoint("http://127.0.0.1:9");
    all_requests(&client.build().unwrap(), out).await;
}

#[tokio::test]
async fn no_secret_appears_in_any_trace_error_or_debug_text() {
    let mut out = Captured::default();
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(out.clone())
        .with_ansi(false)
        .with_span_events(tracing_subscriber::fmt::format::FmtSpan::FULL)
        .with_filter(LevelFilter::TRACE);
    let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));
    scripted(&mut out).await;
    sources(&mut out).await;
    over_the_network(&mut out).await;
    let text = out.text();
    for wanted in ["aliyun.call", "aliyun.credential", "DescribeInstances", "request_id", "RunCommand", "repeating"] {
        assert!(text.contains(wanted), "the capture works: {wanted}");
    }
    let leaks: Vec<_> = text.lines().filter(|line| line.contains("hidden")).collect();
    assert!(leaks.is_empty(), "{leaks:#?}");
}
