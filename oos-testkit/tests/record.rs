//! Recording and replaying, and that no secret reaches the file.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::path::PathBuf;

use oos_core::{
    Template,
    ports::{ApiCaller, ApiRequest},
};
use oos_testkit::{
    prelude::*,
    record::{Recorder, Replay, ReplayError},
};

/// A file of this test's own below the target folder.
fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name)
}

const TEMPLATE: &str = "
FormatVersion: OOS-2019-06-01
Parameters:
  ids: {Type: List}
  password: {Type: String, NoEcho: true}
Tasks:
  - Name: start
    Action: ACS::ECS::StartInstance
    Properties: {instanceId: '{{ ACS::TaskLoopItem }}'}
    Loop: {Items: '{{ ids }}', RateControl: {Mode: Concurrency, Concurrency: 3, MaxErrors: 0}}
  - Name: run
    Action: ACS::ECS::RunCommand
    Properties: {instanceId: 'i-1', commandType: RunShellScript, commandContent: 'login --with {{ password }} now'}
    Outputs: {text: {Type: String, ValueSelector: invocationOutput}}
  - Name: account
    Action: ACS::ExecuteAPI
    Properties: {Service: Sts, API: GetCallerIdentity, Parameters: {}}
  - Name: key
    Action: ACS::ExecuteAPI
    Properties: {Service: Ram, API: CreateAccessKey, Parameters: {UserName: web}}
  - Name: reset
    Action: ACS::ExecuteAPI
    OnError: ACS::NEXT
    Properties: {Service: ECS, API: ModifyInstanceAttribute, Parameters: {InstanceId: i-9, Password: '{{ password }}'}}
  - Name: done
    Action: ACS::Sleep
    Properties: {Duration: PT1S}
Outputs:
  text: {Type: String, Value: '{{ run.text }}'}
";

const PASSWORD: &str = "correct horse battery";
const KEY: [&str; 2] = ["LTAI5tQnKjNzYpXwVuTs", "aVerySecretAccessKeySecret30ch"];
const TOKEN: &str = "CAISabcdefTokenOfSts0123456789";

fn parameters(password: &str) -> Value {
    params! { "ids" => ["i-1", "i-2", "i-3"], "password" => password }
}

/// A cloud whose answers hold secrets of all kinds.
fn cloud() -> FakeCloud {
    let cloud = FakeCloud::new().instance("i-1", "Stopped").instance("i-2", "Running").instance("i-3", "Stopped");
    cloud.fault("busy").on("ECS", "DescribeInstances").nth(3).throttle();
    cloud.assistant().default(exit(0).stdout(&format!("logged in with {PASSWORD}")));
    let key = json!({"AccessKey": {"AccessKeyId": KEY[0], "AccessKeySecret": KEY[1], "Status": "Active"}});
    cloud.stub("Ram", "CreateAccessKey").json(key);
    let identity = json!({"AccountId": "1234567890123456", "Note": format!("{} of STS.{}", KEY[0], "NTokenTokenToken1"),
        "SecurityToken": TOKEN});
    cloud.stub("Sts", "GetCallerIdentity").json(identity);
    cloud
}

fn record(path: &PathBuf) -> (Run, FakeCloud) {
    let cloud = cloud();
    let template = Template::parse(TEMPLATE).unwrap();
    let recorder = Recorder::create(path, cloud.clone()).unwrap().no_echo(&template, &parameters(PASSWORD));
    let run = TestBed::on(&cloud).seed(1).api(recorder).run(TEMPLATE, parameters(PASSWORD));
    run.expect_status(oos_core::machine::ExecutionStatus::Success);
    (run, cloud)
}

#[test]
fn a_recording_holds_no_secret_and_answers_the_same_run() {
    let path = file("whole.jsonl");
    let (recorded, cloud) = record(&path);
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().count(), cloud.calls().len() + 1);
    let base64 = |text: &str| base64::Engine::encode(&base64::prelude::BASE64_STANDARD, text);
    let script = base64(&format!("login --with {PASSWORD} now"));
    let secrets = [PASSWORD, KEY[0], KEY[1], TOKEN, "NTokenTokenToken1", &script, &base64(PASSWORD)];
    for secret in secrets {
        // Base64 of a longer text shifts by one or two; what can be seen of it is the middle.
        let middle = &secret[4..secret.len() - 4];
        assert!(!text.contains(middle), "`{middle}` stands in the file:\n{text}");
    }
    assert!(text.contains("\"AccessKeySecret\":\"******\"") && text.contains("\"UserName\":\"web\""), "{text}");
    assert!(text.contains("Throttling.User"), "errors are recorded too");

    let replay = std::sync::Arc::new(
        Replay::open(&path).unwrap().no_echo(&Template::parse(TEMPLATE).unwrap(), &parameters("another secret")),
    );
    let empty = FakeCloud::new();
    let bed = TestBed::on(&empty).seed(1).api(Shared(replay.clone()));
    let run = bed.run(TEMPLATE, parameters("another secret"));
    run.expect_success();
    replay.assert_used_up();
    assert!(empty.calls().is_empty(), "nothing but the recording was asked");
    run.output("text").eq("logged in with ******");
    // The same events, but for what a secret was; calls are those of the cloud and not here.
    let output = |password: &str| base64(&format!("logged in with {password}"));
    let clean = |text: String| text.replace(&output(PASSWORD), &output("******")).replace(PASSWORD, "******");
    let events = |run: &Run| clean(oos_core::view::events(&run.events()));
    assert_eq!(events(&run), events(&recorded));
}

#[derive(Debug)]
struct Shared(std::sync::Arc<Replay>);

#[async_trait::async_trait]
impl ApiCaller for Shared {
    async fn call(&self, request: ApiRequest) -> Result<oos_core::ports::ApiResponse, oos_core::ports::ApiError> {
        self.0.call(request).await
    }
}

/// A call of a replay outside of any engine.
fn ask(replay: &Replay, api: &str, parameters: serde_json::Value) -> Result<Value, String> {
    let answer = VirtualClock::default().block_on(replay.call(ApiRequest::new("ecs", api, parameters)));
    answer.map(|a| a.body).map_err(|e| e.to_string())
}

#[test]
fn what_was_not_recorded_is_told_with_what_is_near() {
    let path = file("near.jsonl");
    let cloud = FakeCloud::new().instance("i-1", "Stopped").instance("i-2", "Running");
    let recorder = Recorder::create(&path, cloud.clone()).unwrap();
    for id in ["i-1", "i-2"] {
        let request =
            ApiRequest::new("ECS", "DescribeInstances", json!({"InstanceIds": [id], "RegionId": "cn-hangzhou"}));
        cloud.clock().block_on(recorder.call(request)).unwrap();
    }
    let replay = Replay::open(&path).unwrap();
    // Spelling does not matter, and neither does the form of a list.
    let found =
        ask(&replay, "describeinstances", json!({"instanceIds": "[\"i-2\"]", "regionId": "cn-hangzhou"})).unwrap();
    assert_eq!(found.at(&["TotalCount"]), &Value::from(1));

    let again =
        ask(&replay, "DescribeInstances", json!({"InstanceIds": ["i-2"], "RegionId": "cn-hangzhou"})).unwrap_err();
    assert!(again.contains("Testkit.NoRecording") && again.contains("it was recorded 1 times, in line 3"), "{again}");
    let other =
        ask(&replay, "DescribeInstances", json!({"InstanceIds": ["i-5"], "RegionId": "cn-hangzhou"})).unwrap_err();
    assert!(other.contains("near misses: line 2: InstanceIds is [\"i-1\"] there and [\"i-5\"] here"), "{other}");
    let elsewhere =
        ask(&replay, "DescribeInstances", json!({"InstanceIds": ["i-1"], "RegionId": "cn-beijing"})).unwrap_err();
    assert!(elsewhere.contains("the region is cn-hangzhou there and cn-beijing here"), "{elsewhere}");
    let nothing = ask(&replay, "StartInstance", json!({"InstanceId": "i-1"})).unwrap_err();
    assert!(nothing.contains("recorded are ecs.DescribeInstances"), "{nothing}");
    assert_eq!(replay.unused().len(), 1);
    assert!(replay.unused()[0].starts_with("line 2: ecs.DescribeInstances in cn-hangzhou {\"InstanceIds\":[\"i-1\"]}"));
}

#[test]
fn equal_calls_are_answered_in_their_order() {
    let path = file("order.jsonl");
    let cloud = FakeCloud::new();
    cloud
        .stub("CAS", "DescribeCertificateState")
        .sequence(["a", "b", "c"].map(|t| oos_testkit::fault::ok(json!({"T": t}))));
    let recorder = Recorder::create(&path, cloud.clone()).unwrap();
    let request = || ApiRequest::new("CAS", "DescribeCertificateState", json!({"OrderId": 1}));
    for _ in 0..3 {
        cloud.clock().block_on(recorder.call(request())).unwrap();
    }
    let replay = Replay::open(&path).unwrap();
    let answers: Vec<_> =
        (0..3).map(|_| VirtualClock::default().block_on(replay.call(request())).unwrap().body).collect();
    assert_eq!(answers.iter().map(|a| a.at(&["T"]).to_text().to_string()).collect::<Vec<_>>(), ["a", "b", "c"]);
}

#[test]
fn a_file_that_is_no_recording_is_refused_with_the_line() {
    let error = |name: &str, text: &str| {
        std::fs::write(file(name), text).unwrap();
        Replay::open(file(name)).unwrap_err()
    };
    assert!(error("a.jsonl", "{}\n").to_string().contains("a.jsonl:1: this is no recording"));
    let head = "{\"format\":\"oos-testkit recording 1\"}\n\n";
    let broken = error("b.jsonl", &format!("{head}{{\"service\":\"ecs\"}}\n"));
    assert!(
        matches!(&broken, ReplayError::Line { line: 3, message, .. } if message.contains("`api` is missing")),
        "{broken}"
    );
    let both = r#"{"service":"ecs","api":"A","region":"","params":{},"ok":{},"error":{}}"#;
    assert!(error("c.jsonl", &format!("{head}{both}\n")).to_string().contains("one of `ok` and `error`"));
    assert!(matches!(Replay::open(file("none.jsonl")).unwrap_err(), ReplayError::Io(..)));
}
