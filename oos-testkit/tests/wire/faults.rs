//! Broken networks and gateways under a running template: the outcome is the documented one, nothing is done twice, no
//! nonce comes again, and no secret is in any trace or error.

use std::{
    collections::BTreeSet,
    io::Write,
    sync::{Arc, Mutex, Once, OnceLock},
    time::Duration,
};

use futures::future::BoxFuture;
use oos_core::{
    Timestamp,
    machine::ExecutionStatus,
    ports::{ApiErrorKind, Clock},
};
use oos_testkit::{
    prelude::*,
    server::{Server, Trouble},
};
use tracing_subscriber::{Layer, filter::LevelFilter, fmt::MakeWriter, layer::SubscriberExt};

use crate::{calls::World, support};

/// Everything that any test of this file traces.
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

fn captured() -> &'static Captured {
    static ALL: OnceLock<Captured> = OnceLock::new();
    static SET: Once = Once::new();
    let all = ALL.get_or_init(Captured::default);
    SET.call_once(|| {
        let layer = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(all.clone());
        let subscriber = tracing_subscriber::registry().with(layer.with_filter(LevelFilter::TRACE));
        tracing::subscriber::set_global_default(subscriber).unwrap();
    });
    all
}

/// What must never be seen: secrets and tokens of the server, passwords of templates, and signatures.
const SECRETS: [&str; 6] =
    ["fake-secret-of-the-service", "secret-of-STS", "token-of-STS", "hidden", "Signature=", "OSS4-HMAC"];

/// A bed over a server.
struct Wire {
    bed: TestBed,
    server: Arc<Server>,
}

impl Wire {
    fn new() -> Self {
        Self::over(FakeCloud::new(), |client| client)
    }

    fn over(cloud: FakeCloud, set: impl FnOnce(oos_aliyun::ClientBuilder) -> oos_aliyun::ClientBuilder) -> Self {
        captured();
        let server = Arc::new(Server::start(&cloud).unwrap());
        Self { bed: support::wired(TestBed::new(cloud), &server, set), server }
    }

    fn cloud(&self) -> &FakeCloud {
        self.bed.cloud()
    }

    /// Statuses of the exchanges of an operation; 0 where there was no answer.
    fn statuses(&self, api: &str) -> Vec<u16> {
        self.server.exchanges().iter().filter(|e| e.api == api).map(|e| e.status).collect()
    }

    /// No nonce twice, no secret in anything that was traced or told.
    fn check(&self, run: Option<&Run>) {
        let exchanges = self.server.exchanges();
        let nonces: BTreeSet<_> = exchanges.iter().map(|e| e.nonce.as_str()).collect();
        assert_eq!(nonces.len(), exchanges.len(), "a nonce came again");
        let mut told = String::from_utf8_lossy(&captured().0.lock().unwrap()).into_owned();
        assert!(told.contains("aliyun.call"), "something is traced");
        if let Some(run) = run {
            told += &format!("{:?} {:?}", run.message(), run.events());
        }
        for secret in SECRETS {
            let at = told.find(secret).map(|at| &told[at.saturating_sub(200)..told.len().min(at + 100)]);
            assert_eq!(at, None, "`{secret}` is seen");
        }
    }
}

/// One call of an operation of ECS.
fn one(api: &str, parameters: &str) -> String {
    format!(
        "
FormatVersion: OOS-2019-06-01
Tasks:
  - Name: call
    Action: ACS::ExecuteAPI
    Properties: {{Service: ECS, API: {api}, Parameters: {parameters}}}
"
    )
}

/// A call for each of the ids.
fn each(api: &str, concurrency: u32) -> String {
    format!(
        "
FormatVersion: OOS-2019-06-01
Parameters:
  ids: {{Type: List}}
Tasks:
  - Name: call
    Action: ACS::ExecuteAPI
    Properties: {{Service: ECS, API: {api}, Parameters: {{InstanceId: '{{{{ ACS::TaskLoopItem }}}}'}}}}
    Loop: {{Items: '{{{{ ids }}}}', RateControl: {{Mode: Concurrency, Concurrency: {concurrency}, MaxErrors: 0}}}}
"
    )
}

#[test]
fn a_read_whose_connection_breaks_is_made_again() {
    let wire = Wire::new();
    for (n, trouble) in (1..).zip([Trouble::ResetBefore, Trouble::ResetAfter, Trouble::Cut]) {
        wire.server.trouble("ecs", "DescribeRegions").nth(n).is(trouble);
    }
    let run = wire.bed.run(&one("DescribeRegions", "{}"), params! {});
    run.expect_success();
    assert_eq!(wire.statuses("DescribeRegions"), [0, 0, 200, 200]);
    wire.check(Some(&run));
}

/// One address.
fn allocate() -> String {
    one("AllocateEipAddress", "{InstanceChargeType: PostPaid}").replace("ECS", "VPC")
}

#[test]
fn a_write_whose_answer_is_lost_is_not_done_twice() {
    for (trouble, code) in [
        (Trouble::ResetAfter, "OutcomeUnknown"),
        (Trouble::Cut, "OutcomeUnknown"),
        (Trouble::Truncated, "UnparsableError"),
    ] {
        let wire = Wire::new();
        wire.server.trouble("vpc", "AllocateEipAddress").is(trouble);
        let run = wire.bed.run(&allocate(), params! {});
        run.expect_failure().task("call").code(code);
        wire.cloud().calls().of("VPC", "AllocateEipAddress").count(1);
        assert_eq!(wire.statuses("AllocateEipAddress").len(), 1);
        wire.check(Some(&run));
    }
}

#[test]
fn a_write_with_a_token_is_repeated_after_a_failure_of_the_server() {
    let wire = Wire::new();
    wire.server.trouble("vpc", "AllocateEipAddress").is(Trouble::Page(503));
    let run = wire.bed.run(&allocate(), params! {});
    run.expect_success();
    assert_eq!(wire.statuses("AllocateEipAddress"), [503, 200]);
    let calls = wire.cloud().calls().of("VPC", "AllocateEipAddress");
    assert!(calls.one().params.get("ClientToken").is_some());
    wire.check(Some(&run));
}

#[test]
fn a_write_without_a_token_is_never_repeated_blindly() {
    for (trouble, code, done) in [
        (Trouble::ResetAfter, "OutcomeUnknown", 1),
        (Trouble::ResetBefore, "OutcomeUnknown", 0),
        (Trouble::Page(503), "UnparsableError", 0),
    ] {
        let wire = Wire::new();
        let id = wire.cloud().ecs().instance().running().create();
        wire.server.trouble("ecs", "RebootInstance").is(trouble);
        let run = wire.bed.run(&one("RebootInstance", &format!("{{InstanceId: {id}}}")), params! {});
        run.expect_failure().task("call").code(code);
        wire.cloud().calls().of("ECS", "RebootInstance").count(done);
        assert_eq!(wire.statuses("RebootInstance").len(), 1);
        wire.check(Some(&run));
    }
}

#[test]
fn a_body_that_never_ends_is_given_up() {
    let wire = Wire::over(FakeCloud::new(), |client| client.attempt_timeout(Duration::from_millis(300)));
    wire.server.trouble("ecs", "DescribeRegions").is(Trouble::Stalled);
    let run = wire.bed.run(&one("DescribeRegions", "{}"), params! {});
    run.expect_success();
    assert_eq!(wire.statuses("DescribeRegions").len(), 2);
    wire.check(Some(&run));
}

#[test]
fn half_an_answer_is_no_answer() {
    let wire = Wire::new();
    wire.server.trouble("ecs", "DescribeRegions").is(Trouble::Truncated);
    let run = wire.bed.run(&one("DescribeRegions", "{}"), params! {});
    run.expect_failure().task("call").code("UnparsableError");
    assert_eq!(wire.statuses("DescribeRegions"), [200]);
    wire.check(Some(&run));
}

#[test]
fn a_wrong_content_type_does_no_harm() {
    let wire = Wire::new();
    wire.server.trouble("ecs", "DescribeRegions").is(Trouble::ContentType("text/html"));
    wire.bed.run(&one("DescribeRegions", "{}"), params! {}).expect_success();
    assert_eq!(wire.statuses("DescribeRegions"), [200]);
    wire.check(None);
}

#[test]
fn a_gateway_that_fails_twice_is_asked_a_third_time() {
    let wire = Wire::new();
    wire.server.trouble("ecs", "DescribeRegions").times(2).is(Trouble::Page(502));
    let run = wire.bed.run(&one("DescribeRegions", "{}"), params! {});
    run.expect_success();
    assert_eq!(wire.statuses("DescribeRegions"), [502, 502, 200]);
    assert!(run.virtual_time() >= secs(3), "it waits in between, on the engine's clock");
    wire.check(Some(&run));
}

#[test]
fn a_storm_of_throttling_ends_in_success_and_nothing_is_doubled() {
    const COUNT: usize = 200;
    const REFUSED: usize = 150;
    let wire = Wire::new();
    let ids = wire.cloud().ecs().instances(COUNT).stopped().create();
    let headers = vec![("x-acs-retry-after", "3000".to_owned())];
    let refused = Trouble::Refused { status: 400, code: "Throttling.User", headers };
    wire.server.trouble("ecs", "StartInstance").times(REFUSED as u64).is(refused);
    let run = wire.bed.run(&each("StartInstance", 20), params! { "ids" => ids.clone() });
    run.expect_success();
    wire.cloud().calls().of("ECS", "StartInstance").count(COUNT);
    let statuses = wire.statuses("StartInstance");
    assert_eq!((statuses.len(), statuses.iter().filter(|s| **s == 400).count()), (COUNT + REFUSED, REFUSED));
    wire.check(Some(&run));
}

#[test]
fn a_loop_of_a_thousand_items_survives_throttling() {
    const COUNT: usize = 1000;
    let wire = Wire::new();
    let ids = wire.cloud().ecs().instances(COUNT).stopped().create();
    wire.cloud().fault("busy").on("ECS", "StartInstance").every_nth(3).throttle();
    let run = wire.bed.run(&each("StartInstance", 50), params! { "ids" => ids.clone() });
    run.expect_success();
    let statuses = wire.statuses("StartInstance");
    assert_eq!(statuses.iter().filter(|s| **s == 200).count(), COUNT, "each is carried out once");
    assert!(statuses.len() > COUNT + 400, "{}", statuses.len());
    wire.check(Some(&run));
}

#[test]
fn a_token_that_ends_in_the_middle_of_a_loop_is_renewed() {
    let wire = Wire::new();
    let cloud = wire.cloud();
    cloud.ram().role("Worker").trusts_oos().allow_all().create();
    let ids = cloud.ecs().instances(8).stopped().create();
    cloud.fault("slow").on("ECS", "StartInstance").latency(secs(10)..secs(11));
    cloud.fault("expired").expire_token_at(cloud.now() + secs(35));
    let template = format!("RamRole: Worker{}", each("StartInstance", 1));
    let run = wire.bed.run(&template, params! { "ids" => ids.clone() });
    run.expect_success();
    cloud.calls().of("ECS", "StartInstance").count(8);
    assert_eq!(wire.statuses("AssumeRole"), [200, 200], "once at first, once after the end");
    assert_eq!(wire.statuses("StartInstance").iter().filter(|s| **s != 200).count(), 1);
    let keys: BTreeSet<_> =
        wire.server.exchanges().into_iter().filter(|e| e.api == "StartInstance").map(|e| e.key).collect();
    assert_eq!(keys.len(), 2);
    wire.check(Some(&run));
}

/// A clock that is an hour ahead of another.
#[derive(Debug)]
struct Ahead(oos_testkit::VirtualClock);

const HOUR: Duration = Duration::from_secs(3600);

impl Clock for Ahead {
    fn now(&self) -> Timestamp {
        self.0.now() + HOUR
    }

    fn sleep_until(&self, deadline: Timestamp) -> BoxFuture<'static, ()> {
        let wait = deadline.since(self.now());
        self.0.sleep_until(self.0.now() + wait)
    }
}

#[test]
fn a_clock_that_is_off_by_an_hour_is_corrected_once() {
    let cloud = FakeCloud::new();
    let clock = Arc::new(Ahead(cloud.clock().clone()));
    let wire = Wire::over(cloud, |client| client.clock(clock));
    let ids = wire.cloud().ecs().instances(5).stopped().create();
    let run = wire.bed.run(&each("StartInstance", 1), params! { "ids" => ids });
    run.expect_success();
    assert_eq!(wire.statuses("StartInstance"), [400, 200, 200, 200, 200, 200]);
    wire.cloud().calls().of("ECS", "StartInstance").count(5);
    wire.check(Some(&run));
}

#[test]
fn a_refused_signature_says_whose_fault_it_is_and_shows_no_secret() {
    let cloud = FakeCloud::new();
    let wire = Wire::over(cloud, |client| {
        client.credentials(oos_aliyun::credential::StaticKeys::new("LTAIfake", "hidden-wrong-secret"))
    });
    let run = wire.bed.run(&one("DescribeRegions", "{}"), params! {});
    run.expect_failure().task("call").code("SignatureDoesNotMatch");
    assert!(run.report().contains("the access key secret is wrong"), "{}", run.report());
    assert_eq!(wire.statuses("DescribeRegions"), [400]);
    wire.check(Some(&run));
}

#[test]
fn without_an_engine_the_client_repeats_by_itself() {
    captured();
    let world = World::new();
    world.server.trouble("ecs", "DescribeRegions").times(2).is(Trouble::Page(503));
    let client = world.client.clone();
    let request = oos_core::ports::ApiRequest::new("ECS", "DescribeRegions", Value::Null);
    let clock = world.cloud.clock().clone();
    let answer = world.executor.block_on(&clock, async move { client.call_with_retries(request).await });
    answer.unwrap().unwrap();
    let retries: Vec<_> = world.server.exchanges().into_iter().map(|e| (e.status, e.retry)).collect();
    assert_eq!(retries, [(503, String::new()), (503, "1".to_owned()), (200, "2".to_owned())]);
}

#[test]
fn as_a_port_the_client_makes_one_attempt() {
    captured();
    let world = World::new();
    world.server.trouble("ecs", "DescribeRegions").times(9).is(Trouble::Page(503));
    let error = world.call("ECS", "DescribeRegions", Value::Null).unwrap_err();
    assert_eq!(error.kind(), ApiErrorKind::ServerFault);
    assert_eq!(world.server.exchanges().len(), 1);
}

#[test]
fn the_status_of_a_run_that_cannot_go_on_is_failed() {
    let wire = Wire::new();
    wire.server.trouble("ecs", "*").times(u64::MAX / 2).is(Trouble::ResetBefore);
    let run = wire.bed.run(&one("DescribeRegions", "{}"), params! {});
    run.expect_status(ExecutionStatus::Failed);
    assert_eq!(wire.statuses("DescribeRegions").len(), 4, "the first and three repeats");
    wire.check(Some(&run));
}
