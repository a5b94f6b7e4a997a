//! The contract suites, over the implementations of this workspace and over broken ones, which must fail.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::{Arc, LazyLock, Mutex};

use async_trait::async_trait;
use oos_core::{
    ActionName, ExecutionId, Timestamp,
    engine::{ApiRetryPolicy, MemoryStore, RetryingCaller, TokioClock},
    outputs,
    ports::{
        Action, ActionContext, ActionError, ApiRequest, Clock, Outcome,
        action::{Property, Signature},
        index::{ExecutionIndex, ExecutionQuery, OwnerId, Page, Summary},
        store::{Epoch, ExecutionHeader, ExecutionStore, Journal, JournalWrite, StoreError},
    },
    template::ValueType,
};
use oos_testkit::{
    FaultyStore, InPlace,
    conformance::{self, action::Case},
    in_place::wait,
    prelude::*,
};

#[test]
fn the_memory_store_keeps_the_contract() {
    conformance::store::suite(MemoryStore::new);
}

#[test]
fn decorators_without_faults_keep_the_contract() {
    conformance::store::ports(|| FaultyStore::new(InPlace::new(MemoryStore::new())));
}

#[test]
fn the_virtual_clock_keeps_the_contract() {
    let clock = VirtualClock::default();
    conformance::clock::suite(clock.clone(), &|f| clock.block_on(f), ms(1));
}

#[test]
fn the_clock_of_tokio_keeps_the_contract() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    conformance::clock::suite(TokioClock, &|f| runtime.block_on(f), ms(2));
}

fn samples() -> conformance::api::Samples {
    let read = ApiRequest::new("ECS", "DescribeInstances", params! { "RegionId" => "cn-hangzhou" });
    let missing = ApiRequest::new("ECS", "StartInstance", params! { "InstanceId" => "i-nobody" });
    conformance::api::Samples::new(read).refused(missing, "InvalidInstanceId.NotFound")
}

#[test]
fn the_fake_cloud_keeps_the_contract() {
    let cloud = FakeCloud::new();
    conformance::api::suite(cloud.clone(), &|f| cloud.clock().block_on(f), &samples());
}

#[test]
fn repeats_around_a_cloud_keep_the_contract() {
    let cloud = FakeCloud::new();
    cloud.fault("now and then").on("ECS", "Describe*").every_nth(5).throttle();
    let clock = Arc::new(cloud.clock().clone());
    let caller = RetryingCaller::new(Arc::new(cloud.clone()), clock, ApiRetryPolicy::default());
    conformance::api::suite(caller, &|f| cloud.clock().block_on(f), &samples());
}

/// Orders a ticket once per token, waits for it, and says what it does.
#[derive(Debug)]
struct Order(Flaw);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Flaw {
    None,
    OrdersTwice,
    TellsSecrets,
    TakesAnything,
    WrongOutput,
}

static ORDER: LazyLock<ActionName> = LazyLock::new(|| ActionName::new("Acme::Order"));

#[async_trait]
impl Action for Order {
    fn name(&self) -> &ActionName {
        &ORDER
    }

    fn signature(&self) -> Signature {
        let what = Property::required("what", &[ValueType::String], "what to order");
        let password = Property::optional("password", &[ValueType::String], "password of the shop");
        Signature { open: false, properties: vec![what, password], ..Signature::open(ORDER.clone()) }
    }

    async fn run(&self, ctx: ActionContext) -> Result<Outcome, ActionError> {
        let what = ctx.raw_properties().at(&["what"]).to_text();
        if what.is_empty() && self.0 != Flaw::TakesAnything {
            return Err(ActionError::invalid_property("property `what` is missing"));
        }
        ctx.emit(format!("ordering {what}"));
        if self.0 == Flaw::TellsSecrets {
            ctx.emit(ctx.raw_properties().at(&["password"]).to_text());
        }
        let again = if self.0 == Flaw::OrdersTwice && ctx.is_repeat() { "-again" } else { "" };
        let token = format!("{}{again}", ctx.idempotency_token());
        ctx.call(ctx.request("SHOP", "CreateOrder", params! { "What" => what, "ClientToken" => token })).await?;
        ctx.ports().clock.sleep_until(ctx.now() + secs(30)).await;
        let state = ctx.call(ctx.request("SHOP", "GetOrder", params! {})).await?;
        let number = state.body.at(&["Orders"]).clone();
        let number = if self.0 == Flaw::WrongOutput { Value::from(number.to_text()) } else { number };
        Ok(outputs! { "orders" => number })
    }
}

/// A shop that takes one order per token.
fn shop(world: &conformance::action::World) {
    let orders = Arc::new(Mutex::new(Vec::new()));
    let taken = orders.clone();
    world.cloud.stub("SHOP", "CreateOrder").respond(move |call, _| {
        let (mut taken, token) = (taken.lock().unwrap(), call.param("ClientToken"));
        if call.param("What").as_ref() == "nothing" {
            return err("Shop.SoldOut", 409, "sold out");
        }
        if !taken.contains(&token) {
            taken.push(token);
        }
        ok(json!({}))
    });
    world.cloud.stub("SHOP", "GetOrder").respond(move |_, _| ok(json!({ "Orders": orders.lock().unwrap().len() })));
}

fn order(flaw: Flaw) {
    let orders = |world: &conformance::action::World| {
        world.cloud.call_now("SHOP", "GetOrder", params! {}).unwrap().at(&["Orders"]).clone()
    };
    let good = Case::new("one", params! { "what" => "tea", "password" => "hunter2" });
    let cases = [
        good.output("orders", ValueType::Number).secret("hunter2").set_up(shop).effect(orders),
        Case::new("sold out", params! { "what" => "nothing" }).set_up(shop).fails("Shop.SoldOut"),
    ];
    conformance::action::suite(|| Order(flaw), cases);
}

#[test]
fn a_good_plug_in_keeps_the_contract() {
    order(Flaw::None);
}

#[test]
#[should_panic(expected = "a repeat has no second effect")]
fn a_plug_in_that_orders_twice_is_found() {
    order(Flaw::OrdersTwice);
}

#[test]
#[should_panic(expected = "secrets are in no log line")]
fn a_plug_in_that_tells_secrets_is_found() {
    order(Flaw::TellsSecrets);
}

#[test]
#[should_panic(expected = "without `what` the action ends with InvalidProperty")]
fn a_plug_in_that_takes_anything_is_found() {
    order(Flaw::TakesAnything);
}

#[test]
#[should_panic(expected = "output `orders` is a Number")]
fn a_plug_in_with_another_output_is_found() {
    order(Flaw::WrongOutput);
}

#[test]
#[should_panic(expected = "waits for something that never comes")]
fn a_plug_in_that_waits_outside_its_ports_is_found() {
    #[derive(Debug)]
    struct Hang;
    #[async_trait]
    impl Action for Hang {
        fn name(&self) -> &ActionName {
            &ORDER
        }
        async fn run(&self, _ctx: ActionContext) -> Result<Outcome, ActionError> {
            futures::future::pending().await
        }
    }
    conformance::action::suite(|| Hang, [Case::new("any", params! {})]);
}

#[test]
fn our_own_actions_keep_the_contract() {
    let get = |properties: Value| Case::new("describe", properties);
    let describe = params! { "Service" => "ECS", "API" => "DescribeInstances", "Parameters" => params! {} };
    let unknown = params! { "Service" => "ECS", "API" => "DescribeNothingAtAll", "Parameters" => params! {} };
    let stop = params! {
        "Service" => "ECS", "API" => "StopInstance", "Parameters" => params! { "InstanceId" => "i-1" },
    };
    let stopped =
        |world: &conformance::action::World| Value::from(world.cloud.calls().of("ECS", "StopInstance").len() as u64);
    let cases = [
        get(describe).output("TotalCount", ValueType::Number),
        Case::new("unknown", unknown).fails("Testkit.UnmodelledApi"),
        Case::new("stop", stop)
            .set_up(|world| drop(world.cloud.ecs().instance().id("i-1").running().create()))
            .output("RequestId", ValueType::String)
            .effect(stopped),
    ];
    conformance::action::suite(|| oos_actions::atom::ExecuteApi, cases);
}

/// A store with a flaw; the rest is memory.
#[derive(Debug)]
struct Flawed(MemoryStore, StoreFlaw);

#[derive(Clone, Copy, Debug, PartialEq)]
enum StoreFlaw {
    TakesAnyEpoch,
    LosesRecords,
    KeepsHalf,
    ForgetsLeases,
    NeverRenews,
    SortsBackwards,
}

#[async_trait]
impl ExecutionStore for Flawed {
    async fn create(&self, header: &ExecutionHeader) -> Result<(), StoreError> {
        self.0.create(header).await
    }

    async fn append(&self, mut write: JournalWrite) -> Result<(), StoreError> {
        match self.1 {
            StoreFlaw::TakesAnyEpoch => {
                // The epoch that rules is asked for by a write that cannot be taken.
                for epoch in 0..5 {
                    let epoch = Epoch(epoch);
                    if self.0.append(JournalWrite { epoch, ..write.clone() }).await.is_ok() {
                        return Ok(());
                    }
                }
            }
            StoreFlaw::LosesRecords if (100..2_000).contains(&write.expected_seq) => return Ok(()),
            StoreFlaw::KeepsHalf => {
                let rows = std::mem::take(&mut write.summaries);
                let taken = self.0.append(write.clone()).await;
                let seq = self.0.load(&write.id).await?.records.last().map_or(0, |r| r.seq);
                let rows =
                    JournalWrite { records: Vec::new(), summaries: rows, expected_seq: seq, snapshot: None, ..write };
                let _ = self.0.append(rows).await;
                return taken;
            }
            _ => {}
        }
        self.0.append(write).await
    }

    async fn load(&self, id: &ExecutionId) -> Result<Journal, StoreError> {
        self.0.load(id).await
    }
}

#[async_trait]
impl ExecutionIndex for Flawed {
    async fn claim(
        &self,
        id: &ExecutionId,
        who: &OwnerId,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Epoch, StoreError> {
        let until = if self.1 == StoreFlaw::ForgetsLeases { now } else { until };
        self.0.claim(id, who, now, until).await
    }

    async fn renew(&self, who: &OwnerId, until: Timestamp) -> Result<(), StoreError> {
        if self.1 == StoreFlaw::NeverRenews { Ok(()) } else { self.0.renew(who, until).await }
    }

    async fn list(&self, query: &ExecutionQuery) -> Result<Page<Summary>, StoreError> {
        let mut page = self.0.list(query).await?;
        if self.1 == StoreFlaw::SortsBackwards {
            page.rows.reverse();
        }
        Ok(page)
    }

    async fn remove(&self, ids: &[ExecutionId]) -> Result<(), StoreError> {
        self.0.remove(ids).await
    }
}

fn flawed(flaw: StoreFlaw) {
    conformance::store::ports(|| Flawed(MemoryStore::new(), flaw));
}

#[test]
#[should_panic(expected = "the old owner's writes are refused")]
fn a_store_that_takes_any_epoch_is_found() {
    flawed(StoreFlaw::TakesAnyEpoch);
}

#[test]
#[should_panic(expected = "1,000 appends give 1,000 records")]
fn a_store_that_loses_records_is_found() {
    flawed(StoreFlaw::LosesRecords);
}

#[test]
#[should_panic(expected = "a refused write leaves the rows alone")]
fn a_store_that_keeps_half_a_write_is_found() {
    flawed(StoreFlaw::KeepsHalf);
}

#[test]
#[should_panic(expected = "a lease that is not over refuses another owner")]
fn a_store_that_forgets_leases_is_found() {
    flawed(StoreFlaw::ForgetsLeases);
}

#[test]
#[should_panic(expected = "a renewed lease refuses another owner")]
fn a_store_that_never_renews_is_found() {
    flawed(StoreFlaw::NeverRenews);
}

#[test]
#[should_panic(expected = "come in order")]
fn a_store_that_sorts_backwards_is_found() {
    flawed(StoreFlaw::SortsBackwards);
}

#[test]
#[should_panic(expected = "an unknown API is no call whose outcome is unknown")]
fn a_caller_that_blames_the_network_is_found() {
    #[derive(Debug)]
    struct Vague(FakeCloud);
    #[async_trait]
    impl oos_core::ports::ApiCaller for Vague {
        async fn call(&self, request: ApiRequest) -> Result<oos_core::ports::ApiResponse, oos_core::ports::ApiError> {
            let lost = |_| oos_core::ports::ApiError::Transport { message: "gone".into(), sent: true };
            oos_core::ports::ApiCaller::call(&self.0, request).await.map_err(lost)
        }
    }
    let cloud = FakeCloud::new();
    let read = ApiRequest::new("ECS", "DescribeInstances", params! {});
    conformance::api::suite(
        Vague(cloud.clone()),
        &|f| cloud.clock().block_on(f),
        &conformance::api::Samples::new(read),
    );
}

#[test]
#[should_panic(expected = "a sleep does not end before its deadline")]
fn a_clock_that_wakes_early_is_found() {
    #[derive(Debug)]
    struct Early(VirtualClock);
    impl Clock for Early {
        fn now(&self) -> Timestamp {
            self.0.now()
        }
        fn sleep_until(&self, deadline: Timestamp) -> futures::future::BoxFuture<'static, ()> {
            self.0.sleep_until(Timestamp::from_millis(deadline.as_millis().saturating_sub(1)))
        }
    }
    let clock = VirtualClock::default();
    conformance::clock::suite(Early(clock.clone()), &|f| clock.block_on(f), ms(10));
}

fn write(id: &ExecutionId, seq: u64) -> JournalWrite {
    JournalWrite {
        id: id.clone(),
        expected_seq: seq,
        epoch: Epoch(1),
        records: Vec::new(),
        summaries: Vec::new(),
        snapshot: None,
    }
}

fn faulty() -> (FaultyStore<MemoryStore>, ExecutionId) {
    let store = FaultyStore::new(MemoryStore::new());
    let id = ExecutionId::from("exec-1");
    let header = ExecutionHeader {
        format: 1,
        id: id.clone(),
        template_name: None,
        template_version: None,
        digest: "d".into(),
        templates: Vec::new(),
        created: Timestamp::from_millis(0),
        executed_by: None,
        description: None,
        tags: Value::Null,
        rerun_of: None,
        parent: None,
    };
    wait(store.create(&header)).unwrap();
    wait(store.claim(&id, &OwnerId("a".into()), Timestamp::from_millis(0), Timestamp::from_millis(1))).unwrap();
    (store, id)
}

#[test]
fn the_faulty_store_fails_the_append_that_was_named() {
    let (store, id) = faulty();
    let store = store.fail_append(2);
    let results: Vec<bool> = (0..4).map(|_| wait(store.append(write(&id, 0))).is_ok()).collect();
    assert_eq!(results, [true, false, true, true]);
    assert_eq!((store.appends(), store.is_down()), (4, false));
}

#[test]
fn a_crashed_store_drops_everything_later() {
    let (store, id) = faulty();
    let store = store.crash_after(2);
    let results: Vec<bool> = (0..4).map(|_| wait(store.append(write(&id, 0))).is_ok()).collect();
    assert_eq!(results, [true, true, false, false]);
    assert!(store.is_down() && wait(store.load(&id)).is_err() && wait(store.below().load(&id)).is_ok());
}

#[test]
fn a_store_that_crashes_inside_an_append_keeps_it() {
    use oos_core::machine::{Input, InputKind};
    let (store, id) = faulty();
    let store = store.crash_in(1);
    let input = Input { at: Timestamp::from_millis(1), kind: InputKind::Started(Box::default()) };
    let records = vec![oos_core::ports::store::Record { seq: 1, input: Arc::new(input) }];
    assert!(wait(store.append(JournalWrite { records, ..write(&id, 0) })).is_err());
    assert_eq!(wait(store.below().load(&id)).unwrap().records.len(), 1);
    assert!(wait(store.append(write(&id, 1))).is_err());
}
