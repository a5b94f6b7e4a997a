//! Mocks of the ports under an engine: where the number and the order of calls are the point.

use oos_core::ports::{
    ApiError, ApiResponse,
    parameter_store::{ParameterRef, ParameterStore, ParameterValue},
};
use oos_testkit::{
    mocks::{
        MockApiCaller, MockNotifier, MockParameterStore,
        mockall::{Sequence, predicate},
    },
    prelude::*,
};

const ASK: &str = "
FormatVersion: OOS-2019-06-01
Tasks:
  - Name: ask
    Action: ACS::ExecuteAPI
    Properties: {Service: ECS, API: StopInstance, Parameters: {InstanceId: i-1}}
";

#[test]
fn a_throttled_call_is_made_twice_and_no_more() {
    let mut order = Sequence::new();
    let mut api = MockApiCaller::new();
    api.expect_call()
        .withf(|request| &*request.api == "StopInstance")
        .times(1)
        .in_sequence(&mut order)
        .returning(|_| Err(ApiError::service("Throttling.User", 400, "slow down")));
    api.expect_call().times(1).in_sequence(&mut order).returning(|_| Ok(ApiResponse::default()));
    let bed = TestBed::on(&FakeCloud::new()).api(api);
    bed.run(ASK, Value::Null).expect_success();
}

#[test]
#[should_panic(expected = "MockApiCaller::call")]
fn a_call_too_many_fails() {
    let mut api = MockApiCaller::new();
    api.expect_call().times(0);
    TestBed::on(&FakeCloud::new()).api(api).run(ASK, Value::Null);
}

#[test]
fn other_ports_have_mocks_too() {
    let name = ParameterRef { secret: false, name: "image".into(), version: None };
    let value = ParameterValue { reference: name.clone(), value: Value::from("m-1") };
    let mut store = MockParameterStore::new();
    let answer = vec![value.clone()];
    store.expect_get().with(predicate::eq(vec![name.clone()])).times(1).returning(move |_| Ok(answer.clone()));
    assert_eq!(VirtualClock::default().block_on(store.get(&[name])).unwrap(), [value]);
    assert!(format!("{:?}", MockNotifier::new()).starts_with("MockNotifier"));
}
