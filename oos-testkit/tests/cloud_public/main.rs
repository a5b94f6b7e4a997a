//! Operations that public templates of the products call beside those of the corpus: state behind them, and the
//! members that the documents name.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod compute;
mod network;
mod other;

use oos_testkit::prelude::*;

fn call(cloud: &FakeCloud, service: &str, api: &str, params: serde_json::Value) -> serde_json::Value {
    match cloud.call_now(service, api, params) {
        Ok(answer) => answer.to_json(),
        Err(error) => panic!("{service}.{api}: {error}"),
    }
}

fn refused(cloud: &FakeCloud, service: &str, api: &str, params: serde_json::Value) -> String {
    cloud.call_now(service, api, params).unwrap_err().code().to_owned()
}

fn has(answer: &serde_json::Value, members: &[&str]) {
    for member in members {
        assert!(answer.get(member).is_some(), "`{member}` is not in {answer}");
    }
}
