//! `ACS::CheckFor`: WaitFor's judgement as a guard.

use oos_actions::atom::CheckFor;
use oos_core::{Value, params, ports::ApiError};

use crate::support::{World, broken, done, not_yet};

fn check(selector: &str, desired: Value) -> Value {
    params! { "Service" => "ECS", "API" => "DescribeImages", "PropertySelector" => selector, "DesiredValues" => desired }
}

#[test]
fn passes_when_the_value_is_listed() {
    let world = World::answering([params! { "TotalCount" => 0 }]);
    assert_eq!(done(world.run(&CheckFor::default(), check("TotalCount", [0].into()))), params! { "TotalCount" => 0 });
}

#[test]
fn says_what_it_found_instead() {
    let world = World::answering([params! { "TotalCount" => 2 }, params! { "Status" => "Deleting" }]);
    let (seen, otherwise) = not_yet(world.run(&CheckFor::default(), check("TotalCount", [0].into())));
    assert_eq!((seen, otherwise.to_string()), (Value::Int(2), "CheckForFailed: value 2 is not in [0]".to_owned()));
    let gone = params! { "Service" => "ECS", "API" => "X", "PropertySelector" => "Status", "NotDesiredValues" => ["Deleting"] };
    let (_, otherwise) = not_yet(world.run(&CheckFor::default(), gone));
    assert_eq!(otherwise.to_string(), r#"CheckForFailed: value "Deleting" is in ["Deleting"]"#);
}

#[test]
fn a_stop_value_fails_without_another_try() {
    let world = World::answering([params! { "Status" => "Error" }]);
    let mut properties = check("Status", ["Available"].into()).as_map().unwrap().clone();
    properties.insert("StopRetryValues", ["Error"]);
    let error = world.run(&CheckFor::default(), properties.into()).unwrap_err();
    assert_eq!(error.to_string(), r#"CheckForFailed: value "Error" is not in ["Available"]"#);
    assert!(!error.retryable);
}

#[test]
fn an_error_code_is_a_value() {
    let expected = || Value::from(["OperationDenied.ImageCopying", "null"]);
    let world = World::answering([Value::empty_map()]);
    done(world.run(&CheckFor::default(), check(".Code|tostring", expected())));
    world.fails(ApiError::service("OperationDenied.ImageCopying", 403, "copying"));
    done(world.run(&CheckFor::default(), check(".Code|tostring", expected())));
    world.fails(ApiError::service("InvalidImageId.NotFound", 404, "no such image"));
    let (_, otherwise) = not_yet(world.run(&CheckFor::default(), check(".Code|tostring", expected())));
    assert_eq!(&*otherwise.code, "CheckForFailed");
}

#[test]
fn a_call_that_may_fail_is_accepted_either_way() {
    let either = || check(".Code | not", Value::from([true, false]));
    let world = World::answering([Value::empty_map()]);
    done(world.run(&CheckFor::default(), either()));
    world.fails(ApiError::service("Forbidden.RAM", 403, "not allowed"));
    done(world.run(&CheckFor::default(), either()));
    // An existence probe that survives the error of what is missing.
    world.fails(ApiError::service("EntityNotExist.Policy", 404, "no such policy"));
    let probe = check(".DefaultPolicyVersion != null|tostring", Value::from(["true", "false"]));
    done(world.run(&CheckFor::default(), probe));
}

#[test]
fn throttling_and_lost_connections_fail_the_check() {
    let world = World::new();
    for (error, code) in [(ApiError::service("Throttling", 429, "slow"), "Throttling"), (broken(false), "NotConnected")]
    {
        world.fails(error);
        let error = world.run(&CheckFor::default(), check(".Code | not", [true].into())).unwrap_err();
        assert_eq!((&*error.code, error.retryable), (code, true), "with retries the check polls on");
    }
}

#[test]
fn there_must_be_something_to_check() {
    let error = World::new().run(&CheckFor::default(), params! { "PropertySelector" => "x" }).unwrap_err();
    assert_eq!(error.to_string(), "InvalidTemplate: CheckFor needs DesiredValues or NotDesiredValues");
}
