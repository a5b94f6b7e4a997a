//! The default chain against the recorded situations of the official libraries, and against our own.
#![cfg(feature = "client")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod support;

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use oos_aliyun::credential::{Chain, ChainMode, ChainOptions, Provided, Source, ecs_ram_role::EcsRamRole};
use oos_core::ports::credential::CredentialError;
use serde_json::Value as Json;
use support::{HOME, Script, Sent, World, answer, lost, sts_answer};

fn vectors() -> Vec<Json> {
    let all: Json = serde_json::from_str(include_str!("vectors/credentials.json")).unwrap();
    all["vectors"].as_array().unwrap().clone()
}

fn text<'a>(vector: &'a Json, key: &str) -> &'a str {
    vector[key].as_str().unwrap_or_default()
}

/// The scripted answers of a vector; a request without one cannot connect.
fn script(vector: &Json) -> Script {
    let answers = vector["http_answers"].as_array().unwrap().clone();
    Script::new(move |sent| {
        let fits = |a: &&Json| {
            matches!(text(a, "method"), "*" | "") | (text(a, "method") == sent.method)
                && (a["path"].is_null() || text(a, "path") == sent.path)
                && sent.host.starts_with(text(a, "host_prefix"))
        };
        match answers.iter().find(fits) {
            Some(found) => answer(u16::try_from(found["status"].as_u64().unwrap()).unwrap(), text(found, "body")),
            None => lost(false),
        }
    })
}

fn world(vector: &Json) -> World {
    let world = World::new(script(vector));
    for (name, value) in vector["env"].as_object().unwrap() {
        world.set(name, &value.as_str().unwrap().replace("$HOME", HOME));
    }
    for (path, content) in vector["files"].as_object().unwrap() {
        world.file(path, &content.as_str().unwrap().replace("$HOME", HOME));
    }
    world
}

async fn fetch(world: &World, mode: ChainMode) -> Result<Option<Provided>, CredentialError> {
    let options = match mode {
        ChainMode::Lenient => ChainOptions::default().lenient(),
        ChainMode::Strict => ChainOptions::default(),
    };
    Chain::new(world.runtime(), options).fetch().await
}

/// `(id, provider name)` where we differ from the recorded library on purpose: what it does not read, we do.
fn more_than_recorded(id: &str) -> Option<(&'static str, &'static str)> {
    Some(match id {
        "cli-config-file-env" => ("cli-ak", "default/cli_profile/static_ak"),
        "ini-file-without-extension" => ("ini-ak", "default/profile/static_ak"),
        "credentials-uri-without-code" => ("STS.uri", "default/credential_uri"),
        _ => return None,
    })
}

/// Stopped by a source that is there and broken, where the recorded library goes on to another identity.
fn stopped_by(id: &str) -> Option<&'static str> {
    Some(match id {
        "env-ak-only-id-falls-through-to-imds" => "env",
        "oidc-env-partial-is-skipped" => "oidc_role_arn",
        _ => return None,
    })
}

fn check_result(vector: &Json, got: &Result<Option<Provided>, CredentialError>) {
    let (id, ok) = (text(vector, "id"), &vector["result"]["ok"]);
    if id == "cli-external" && !cfg!(feature = "process") {
        assert!(got.is_err());
    } else if let Some((key, source)) = more_than_recorded(id) {
        let provided = got.as_ref().unwrap().as_ref().unwrap();
        assert_eq!((&*provided.credential.access_key_id, provided.source.as_str()), (key, source), "{id}");
    } else if ok.is_null() {
        assert!(!matches!(got, Ok(Some(_))), "{id}: {got:?}");
    } else {
        let provided = got.as_ref().unwrap_or_else(|e| panic!("{id}: {e}")).as_ref().unwrap_or_else(|| panic!("{id}"));
        assert_eq!(&*provided.credential.access_key_id, text(ok, "access_key_id"), "{id}");
        assert_eq!(provided.credential.expose_secret(), text(ok, "access_key_secret"), "{id}");
        assert_eq!(provided.credential.expose_token(), ok["security_token"].as_str(), "{id}");
        assert_eq!(provided.source, text(ok, "provider_name"), "{id}");
    }
}

#[tokio::test]
async fn all_recorded_situations_in_lenient_mode() {
    let mut passed = 0;
    for vector in vectors() {
        let world = world(&vector);
        check_result(&vector, &fetch(&world, ChainMode::Lenient).await);
        passed += 1;
    }
    assert_eq!(passed, 32);
}

#[tokio::test]
async fn all_recorded_situations_in_strict_mode() {
    let mut passed = 0;
    for vector in vectors() {
        let (id, world) = (text(&vector, "id"), world(&vector));
        let got = fetch(&world, ChainMode::Strict).await;
        match stopped_by(id) {
            Some(source) => assert_eq!(&*got.unwrap_err().source_name, source, "{id}"),
            None => check_result(&vector, &got),
        }
        passed += 1;
    }
    assert_eq!(passed, 32);
}

/// Metadata: the same requests, but the token is asked for once. STS: the same parameters, but in the body.
#[tokio::test]
async fn requests_are_the_recorded_ones_but_for_the_named_changes() {
    for vector in vectors() {
        let (id, world) = (text(&vector, "id"), world(&vector));
        let refused = vector["result"]["ok"].is_null() || (id == "cli-external" && !cfg!(feature = "process"));
        if more_than_recorded(id).is_some() || refused {
            continue;
        }
        fetch(&world, ChainMode::Lenient).await.unwrap().unwrap();
        let sent = world.script.sent();
        let mut recorded: Vec<Json> = vector["requests"].as_array().unwrap().clone();
        let mut tokens = 0;
        recorded.retain(|r| text(r, "method") != "PUT" || std::mem::replace(&mut tokens, 1) == 0);
        if id == "imds-token-refused-falls-back-to-v1" {
            // Without a token there is nothing to keep; still one question is enough.
            assert_eq!(sent.iter().filter(|s| s.method == "PUT").count(), 1);
        }
        assert_eq!(sent.len(), recorded.len(), "{id}: {sent:?}");
        for (ours, theirs) in sent.iter().zip(&recorded) {
            check_request(id, ours, theirs);
        }
    }
}

fn check_request(id: &str, ours: &Sent, theirs: &Json) {
    assert_eq!(ours.host.split(':').next().unwrap(), text(theirs, "host"), "{id}");
    if ours.host == "100.100.100.200" {
        assert_eq!((ours.method.as_str(), ours.path.as_str()), (text(theirs, "method"), text(theirs, "path")), "{id}");
        for (name, value) in theirs["headers"].as_object().unwrap() {
            assert_eq!(ours.header(name), value.as_str().unwrap(), "{id}");
        }
        assert!(ours.direct, "{id}: metadata never goes through a proxy");
    } else if ours.host.starts_with("sts") {
        assert_eq!((ours.method.as_str(), ours.query.as_str()), ("POST", ""), "{id}");
        let query = theirs["query"].as_object().unwrap();
        assert_eq!(ours.header("x-acs-action"), query["Action"].as_str().unwrap(), "{id}");
        for name in ["RoleArn", "DurationSeconds", "ExternalId", "OIDCProviderArn", "OIDCToken", "RoleSessionName"] {
            let expected = query.get(name).map(|v| v.as_str().unwrap());
            if expected.is_none_or(|v| !v.contains('*')) {
                assert_eq!(ours.form(name).as_deref(), expected, "{id} {name}");
            }
        }
        let anonymous = query["Action"] == "AssumeRoleWithOIDC";
        assert_eq!(ours.header("authorization").is_empty(), anonymous, "{id}");
    }
}

#[tokio::test]
async fn the_cli_session_name_of_oidc_profiles_arrives() {
    let vector = vectors().into_iter().find(|v| text(v, "id") == "cli-oidc").unwrap();
    let world = world(&vector);
    fetch(&world, ChainMode::Strict).await.unwrap().unwrap();
    assert_eq!(world.script.sent()[0].form("RoleSessionName").as_deref(), Some("wanted-name"));
}

fn config(profiles: &str) -> World {
    let world = World::new(Script::new(|_| lost(false)));
    world.set("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true");
    world.file(".aliyun/config.json", &format!(r#"{{"current":"c","profiles":[{profiles}]}}"#));
    world
}

async fn refused(world: &World) -> String {
    fetch(world, ChainMode::Strict).await.unwrap_err().to_string()
}

#[tokio::test]
async fn a_ring_of_profiles_is_named() {
    let role = |name: &str, source: &str| {
        format!(r#"{{"name":"{name}","mode":"ChainableRamRoleArn","source_profile":"{source}","ram_role_arn":"r"}}"#)
    };
    let world = config(&[role("c", "d"), role("d", "c")].join(","));
    assert!(refused(&world).await.ends_with("profiles form a ring: c -> d -> c"));
}

#[tokio::test]
async fn a_missing_profile_names_file_and_profiles() {
    let world = config(r#"{"name":"x"},{"name":"y"}"#);
    let expected = format!(
        "credential source profile `c` of {HOME}/.aliyun/config.json: there is no such profile; the file has: x, y"
    );
    assert_eq!(refused(&world).await, expected);
}

#[tokio::test]
async fn broken_files_are_not_shown() {
    let world = config("");
    world.file(".aliyun/config.json", r#"{"access_key_secret": "hidden-secret", "#);
    assert!(!refused(&world).await.contains("hidden"));
    let world = config(r#"{"name":"c","mode":"AK","access_key_secret":"hidden-secret"}"#);
    let message = refused(&world).await;
    assert!(message.ends_with("`access_key_id` is missing") && !message.contains("hidden"), "{message}");
    let world = config(r#"{"name":"c","mode":"OAuth"}"#);
    assert!(refused(&world).await.ends_with("the mode `OAuth` is not supported"));
}

#[cfg(feature = "process")]
#[tokio::test]
async fn external_programs_can_be_switched_off_by_the_environment() {
    let world = config(r#"{"name":"c","mode":"External","process_command":"/bin/echo hidden"}"#);
    let message = refused(&world).await;
    assert!(message.contains("not JSON") && !message.contains("hidden"), "{message}");
    world.set("ALIBABA_CLOUD_DISABLE_EXTERNAL_PROCESS", "1");
    assert!(refused(&world).await.ends_with("switched off"));
}

#[tokio::test]
async fn cloud_sso_exchanges_its_token_and_asks_for_a_login_afterwards() {
    let profile = r#"{"name":"c","mode":"CloudSSO","cloud_sso_sign_in_url":"https://sso.example.com/x/login",
        "cloud_sso_account_id":"1","cloud_sso_access_config":"ac","access_token":"at",
        "cloud_sso_access_token_expire":1767229200}"#;
    let mut world = config(profile);
    world.script = Script::new(|_| {
        answer(
            200,
            r#"{"CloudCredential":{"AccessKeyId":"STS.sso","AccessKeySecret":"s","SecurityToken":"t","Expiration":"2026-01-01T01:00:00Z"}}"#,
        )
    });
    let provided = fetch(&world, ChainMode::Strict).await.unwrap().unwrap();
    assert_eq!(provided.source, "default/cli_profile/cloud_sso");
    let sent = world.script.sent();
    assert_eq!(
        (sent[0].url.as_str(), sent[0].header("authorization")),
        ("https://sso.example.com/cloud-credentials", "Bearer at")
    );
    world.clock.advance(7200);
    assert!(refused(&world).await.contains("log in again"));
}

#[tokio::test]
async fn a_credentials_uri_over_plain_http_stays_on_this_machine() {
    let world = World::new(Script::new(|_| lost(false)));
    world.set("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true");
    world.set("ALIBABA_CLOUD_CREDENTIALS_URI", "http://10.0.0.1/cred?token=hidden");
    let message = refused(&world).await;
    assert!(message.contains("this machine only") && !message.contains("hidden"), "{message}");
    assert!(world.script.sent().is_empty());
}

#[tokio::test]
async fn the_chain_remembers_a_source_only_after_it_worked() {
    let world = World::new(Script::new(|_| lost(false)));
    let chain = Chain::new(world.runtime(), ChainOptions::default());
    assert!(chain.fetch().await.unwrap().is_none());
    world.set("ALIBABA_CLOUD_ACCESS_KEY_ID", "late");
    world.set("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "s");
    assert_eq!(&*chain.fetch().await.unwrap().unwrap().credential.access_key_id, "late");
}

#[tokio::test]
async fn a_machine_without_metadata_service_is_asked_once_a_minute() {
    let world = World::new(Script::new(|_| lost(false)));
    let source = EcsRamRole::from_env(world.runtime());
    assert!(source.fetch().await.unwrap().is_none());
    let asked = world.script.sent().len();
    assert!(source.fetch().await.unwrap().is_none());
    assert_eq!(world.script.sent().len(), asked);
    world.clock.advance(61);
    assert!(source.fetch().await.unwrap().is_none());
    assert!(world.script.sent().len() > asked);
}

#[tokio::test]
async fn the_metadata_token_is_kept_and_a_refusal_never_falls_back() {
    let refusing = Arc::new(AtomicU32::new(0));
    let flag = Arc::clone(&refusing);
    let world = World::new(Script::new(move |sent| match sent.path.as_str() {
        "/latest/api/token" if flag.load(Ordering::Relaxed) == 1 => answer(403, ""),
        "/latest/api/token" => answer(200, "TOKEN"),
        path if path.ends_with("/r") => answer(
            200,
            r#"{"Code":"Success","AccessKeyId":"i","AccessKeySecret":"s","SecurityToken":"t","Expiration":"2027-01-01T00:00:00Z"}"#,
        ),
        _ => answer(404, ""),
    }));
    let source = EcsRamRole::new(world.runtime(), Some("r".to_owned()));
    source.fetch().await.unwrap().unwrap();
    source.fetch().await.unwrap().unwrap();
    assert_eq!(world.script.sent().iter().filter(|s| s.method == "PUT").count(), 1);
    world.clock.advance(21_600);
    refusing.store(1, Ordering::Relaxed);
    assert!(source.fetch().await.is_err());
    assert_eq!(world.script.sent().last().unwrap().method, "PUT");
}

#[tokio::test]
async fn malformed_answers_are_errors() {
    for body in ["{}", r#"{"Credentials":{"AccessKeyId":"a"}}"#, "[]", "not json"] {
        let mut world = config(
            r#"{"name":"c","mode":"RamRoleArn","access_key_id":"a","access_key_secret":"b","ram_role_arn":"r"}"#,
        );
        let body = body.to_owned();
        world.script = Script::new(move |_| answer(200, &body));
        assert!(fetch(&world, ChainMode::Strict).await.is_err());
    }
}

#[tokio::test]
async fn a_wrong_clock_is_corrected_once_for_the_token_service() {
    let mut world =
        config(r#"{"name":"c","mode":"RamRoleArn","access_key_id":"a","access_key_secret":"b","ram_role_arn":"r"}"#);
    world.script = Script::new(|sent| match sent.header("x-acs-date") {
        "2026-01-01T02:00:00Z" => sts_answer("STS.x", "2026-01-01T03:00:00Z"),
        _ => support::answer_with(
            400,
            &[("date", "Thu, 01 Jan 2026 02:00:00 GMT")],
            r#"{"Code":"InvalidTimeStamp.Expired","Message":"m","RequestId":"r"}"#,
        ),
    });
    fetch(&world, ChainMode::Strict).await.unwrap().unwrap();
    assert_eq!(world.script.sent().len(), 2);
}

fn ini(content: &str) -> World {
    let world = World::new(Script::new(|_| lost(false)));
    world.set("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true");
    world.file(".alibabacloud/credentials.ini", content);
    world
}

#[tokio::test]
async fn ini_sections_may_hold_temporary_keys_or_be_switched_off() {
    let keys = "[default]\ntype = sts\naccess_key_id = a\naccess_key_secret = b\nsecurity_token = c\n";
    let provided = fetch(&ini(keys), ChainMode::Strict).await.unwrap().unwrap();
    assert_eq!(provided.credential.expose_token(), Some("c"));
    assert!(fetch(&ini(&format!("{keys}enable = false\n")), ChainMode::Strict).await.unwrap().is_none());
}

#[tokio::test]
async fn a_broken_ini_file_stops_the_chain_without_being_shown() {
    for content in ["[default]\ntype = rsa_key_pair\n", "[default]\nhidden\n", "[default]\ntype = access_key\n"] {
        let message = refused(&ini(content)).await;
        assert!(message.contains("credentials.ini") && !message.contains("hidden"), "{message}");
    }
    let world = ini("[other]\ntype = access_key\n");
    assert!(fetch(&world, ChainMode::Strict).await.unwrap().is_none(), "no default section: not configured");
    world.set("ALIBABA_CLOUD_PROFILE", "wanted");
    assert!(refused(&world).await.ends_with("there is no such section; the file has: other"));
}

#[tokio::test]
async fn version_1_of_the_metadata_service_can_be_switched_off() {
    let world = World::new(Script::new(|sent| answer(if sent.method == "PUT" { 404 } else { 200 }, "r")));
    world.set("ALIBABA_CLOUD_IMDSV1_DISABLED", "true");
    assert!(refused(&world).await.contains("version 1 is switched off"));
    assert_eq!(world.script.sent().len(), 1);
}

#[tokio::test]
async fn the_token_file_of_oidc_is_read_anew_and_trimmed() {
    let vector = vectors().into_iter().find(|v| text(v, "id") == "oidc-env").unwrap();
    let world = world(&vector);
    let chain = Chain::new(world.runtime(), ChainOptions::default());
    world.file("token", " first-jwt\n");
    chain.fetch().await.unwrap().unwrap();
    world.file("token", "second-jwt");
    chain.fetch().await.unwrap().unwrap();
    let tokens: Vec<_> = world.script.sent().iter().map(|s| s.form("OIDCToken").unwrap()).collect();
    assert_eq!(tokens, ["first-jwt", "second-jwt"]);
    world.files.0.lock().unwrap().clear();
    assert!(chain.fetch().await.unwrap_err().to_string().contains("cannot read the token file"));
}
