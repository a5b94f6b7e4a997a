//! `ACS::WaitFor`: the idioms of official templates, errors as values, failure texts.

use std::{fs, path::PathBuf};

use oos_actions::atom::{
    WaitFor,
    judge::{Judge, Verdict},
};
use oos_core::{
    Value, params,
    ports::{ActionErrorKind, ApiError, Outcome},
};

use crate::support::{World, broken, done, json, not_yet};

fn wait(selector: &str, lists: Value) -> Value {
    let mut properties = lists.as_map().unwrap().clone();
    properties.extend([("Service", "ECS"), ("API", "DescribeInstances"), ("PropertySelector", selector)]);
    properties.into()
}

fn desired<T: Into<Value>>(values: Vec<T>) -> Value {
    params! { "DesiredValues" => values }
}

fn statuses<const N: usize>(list: [&str; N]) -> Value {
    let list: Value = list.iter().map(|status| params! { "Status" => *status }).collect();
    params! { "Instances" => params! { "Instance" => list } }
}

const STATUS: &str = "Instances.Instance[].Status";

#[test]
fn gives_the_document_that_met_the_condition() {
    let world = World::answering([statuses(["Running"])]);
    let document = done(world.run(&WaitFor::default(), wait(STATUS, desired(vec!["Running"]))));
    assert_eq!(document, statuses(["Running"]));
}

#[test]
fn asks_to_be_called_again_and_says_what_it_saw() {
    let world = World::answering([statuses(["Pending"])]);
    let (seen, otherwise) = not_yet(world.run(&WaitFor::default(), wait(STATUS, desired(vec!["Running"]))));
    assert_eq!(seen, Value::from("Pending"));
    assert_eq!(
        otherwise.to_string(),
        r#"WaitForTimeout: condition not met after {retries} retries ({seconds} s); last value "Pending", desired ["Running"]"#
    );
    assert_eq!(
        (otherwise.kind, otherwise.details.at(&["LastValue"])),
        (ActionErrorKind::TimedOut, &Value::from("Pending"))
    );
}

#[test]
fn stops_at_a_stop_value() {
    let world = World::answering([params! { "InvokeStatus" => "Failed" }]);
    let lists = params! { "DesiredValues" => ["Finished"], "StopRetryValues" => ["Failed", "Stopped"] };
    let error = world.run(&WaitFor::default(), wait("InvokeStatus", lists)).unwrap_err();
    assert_eq!(error.to_string(), r#"WaitForStopped: value "Failed" is in StopRetryValues ["Failed","Stopped"]"#);
    assert!(!error.retryable && error.kind != ActionErrorKind::Service, "no retry rule covers it");
}

#[test]
fn an_empty_stream_is_null() {
    let world = World::answering([statuses([]), statuses(["Running"])]);
    let nothing = || wait("Instances.Instance[]", desired(vec![Value::Null]));
    done(world.run(&WaitFor::default(), nothing()));
    not_yet(world.run(&WaitFor::default(), nothing()));
}

#[test]
fn a_list_of_the_answer_compares_as_a_whole() {
    let world = World::answering([
        json(r#"{"EipAddresses":{"EipAddress":[]}}"#),
        json(r#"{"EipAddresses":{"EipAddress":[{}]}}"#),
    ]);
    let some = || wait("EipAddresses.EipAddress", params! { "NotDesiredValues" => [Value::empty_list()] });
    not_yet(world.run(&WaitFor::default(), some()));
    done(world.run(&WaitFor::default(), some()));
}

#[test]
fn numbers_and_booleans_equal_their_text() {
    let world = World::answering([json(r#"{"ExitCode":"0"}"#), json(r#"{"ExitCode":0}"#), json(r#"{"Ok":"true"}"#)]);
    done(world.run(&WaitFor::default(), wait("ExitCode", desired(vec![0]))));
    done(world.run(&WaitFor::default(), wait("ExitCode", desired(vec!["0"]))));
    done(world.run(&WaitFor::default(), wait(".Ok", desired(vec![true]))));
}

/// The call that puts an instance into standby, waited on until it stops failing with a code that passes.
const STANDBY: &str = r#".|if .Code==null then "CodeNotExists" elif .Code=="IncorrectScalingGroupStatus" then "RetryCodeExists" else "OtherCodes" end"#;

#[test]
fn an_error_code_is_a_value() {
    let lists = || params! { "DesiredValues" => ["CodeNotExists"], "StopRetryValues" => ["OtherCodes"] };
    let world = World::new();
    world.fails(ApiError::service("IncorrectScalingGroupStatus", 400, "busy"));
    let (seen, otherwise) = not_yet(world.run(&WaitFor::default(), wait(STANDBY, lists())));
    assert_eq!(seen, Value::from("RetryCodeExists"));
    assert_eq!(
        otherwise.to_string(),
        r#"WaitForTimeout: condition not met after {retries} retries ({seconds} s); last value "RetryCodeExists", desired ["CodeNotExists"]; last error IncorrectScalingGroupStatus: busy"#
    );
    world.fails(ApiError::service("InvalidScalingGroupId.NotFound", 404, "no such group"));
    let error = world.run(&WaitFor::default(), wait(STANDBY, lists())).unwrap_err();
    assert_eq!(&*error.code, "WaitForStopped");
    let world = World::answering([params! { "RequestId" => "r" }]);
    done(world.run(&WaitFor::default(), wait(STANDBY, lists())));
}

#[test]
fn the_error_document_has_code_message_and_request_id() {
    let world = World::new();
    let mut error = ApiError::service("Busy.Now", 409, "later");
    if let ApiError::Service { request_id, body, .. } = &mut error {
        *request_id = Some("R-1".into());
        *body = params! { "HostId" => "ecs.aliyuncs.com" };
    }
    world.fails(error);
    let document = done(world.run(&WaitFor::default(), wait(".Code", desired(vec!["Busy.Now"]))));
    assert_eq!(
        document,
        json(r#"{"HostId":"ecs.aliyuncs.com","Code":"Busy.Now","Message":"later","RequestId":"R-1"}"#)
    );
}

#[test]
fn an_error_under_an_ordinary_selector_is_one_more_round() {
    let world = World::new();
    world.fails(ApiError::service("InvalidInstanceId.NotFound", 404, "not yet there"));
    let (seen, otherwise) = not_yet(world.run(&WaitFor::default(), wait("Status", desired(vec!["Running"]))));
    assert_eq!(seen, Value::Null);
    assert!(otherwise.message.ends_with("; last error InvalidInstanceId.NotFound: not yet there"), "{otherwise}");
    assert_eq!(otherwise.details.at(&["LastError"]).as_str(), Some("InvalidInstanceId.NotFound: not yet there"));
}

#[test]
fn a_vanished_resource_is_not_the_undesired_value() {
    let world = World::answering([json(r#"{"Items":{"DBInstance":[]}}"#)]);
    let lists = params! { "NotDesiredValues" => ["Deleting"] };
    done(world.run(&WaitFor::default(), wait("Items.DBInstance[].DBInstanceStatus", lists)));
}

#[test]
fn null_out_of_an_error_answer_is_not_what_is_waited_for() {
    let world = World::new();
    for lists in [desired(vec![Value::Null]), params! { "NotDesiredValues" => ["Deleting"] }] {
        for selector in [STATUS, "Status"] {
            world.fails(ApiError::service("InternalError", 500, "oops"));
            not_yet(world.run(&WaitFor::default(), wait(selector, lists.clone())));
        }
    }
}

#[test]
fn a_permission_error_ends_the_wait_unless_the_selector_reads_codes() {
    let world = World::new();
    world.fails(ApiError::service("Forbidden.RAM", 403, "not allowed"));
    let error = world.run(&WaitFor::default(), wait(STATUS, desired(vec!["Running"]))).unwrap_err();
    assert_eq!((error.to_string(), error.retryable), ("Forbidden.RAM: not allowed".to_owned(), false));
    assert_ne!(error.kind, ActionErrorKind::Service, "errors of the service are retried");
    world.fails(ApiError::service("Forbidden.RAM", 403, "not allowed"));
    done(world.run(&WaitFor::default(), wait(".Code | not", desired(vec![true, false]))));
}

#[test]
fn a_selector_reads_codes_in_every_spelling() {
    for (selector, reads) in [
        ("Code == null", true),
        (".Code|not", true),
        (r#".["Code"]"#, true),
        ("$.Code", true),
        (".ExitCode", false),
        (".CodeName", false),
    ] {
        let world = World::new();
        world.fails(ApiError::service("Forbidden.RAM", 403, "not allowed"));
        let ended = world.run(&WaitFor::default(), wait(selector, desired(vec!["never"]))).is_err();
        assert_eq!(ended, !reads, "{selector}");
    }
}

#[test]
fn throttling_and_lost_connections_are_rounds_for_nothing() {
    let world = World::new();
    for error in [ApiError::service("Throttling.User", 400, "slow down"), broken(true), broken(false)] {
        let code = error.code().to_owned();
        world.fails(error);
        // Even a selector that would call a missing code a success sees no document here.
        let (seen, otherwise) = not_yet(world.run(&WaitFor::default(), wait(".Code | not", desired(vec![true]))));
        assert_eq!(seen, Value::Null);
        assert!(otherwise.message.contains(&format!("; last error {code}: ")), "{otherwise}");
    }
}

#[test]
fn what_the_caller_cannot_do_ends_the_wait() {
    let world = World::new();
    world.fails(ApiError::Unsupported { code: "Testkit.UnmodelledApi".into(), message: "no model".into() });
    assert!(world.run(&WaitFor::default(), wait(STATUS, desired(vec!["Running"]))).is_err());
    world.fails(ApiError::Credential { message: "none".into() });
    let error = world.run(&WaitFor::default(), wait(STATUS, desired(vec!["Running"]))).unwrap_err();
    assert_eq!(&*error.code, "CredentialError");
}

#[test]
fn a_selector_that_fails_on_an_answer_is_one_more_round() {
    let world = World::answering([params! { "Instances" => "text" }]);
    let (seen, otherwise) = not_yet(world.run(&WaitFor::default(), wait(STATUS, desired(vec![Value::Null]))));
    assert_eq!(seen, Value::Null, "a failure is not the null that is waited for");
    assert!(otherwise.message.contains("; last error SelectorError: "), "{otherwise}");
}

#[test]
fn a_selector_that_does_not_compile_fails() {
    let error = World::new().run(&WaitFor::default(), wait(".a[", desired(vec!["x"]))).unwrap_err();
    assert_eq!((error.kind, &*error.code), (ActionErrorKind::InvalidProperty, "InvalidSelector"));
}

#[test]
fn there_must_be_something_to_wait_for() {
    let error = World::new().run(&WaitFor::default(), wait(STATUS, Value::empty_map())).unwrap_err();
    assert_eq!(error.to_string(), "InvalidTemplate: WaitFor needs DesiredValues or NotDesiredValues");
    let error = World::new().run(&WaitFor::default(), params! { "DesiredValues" => [1] }).unwrap_err();
    assert_eq!(error.to_string(), "InvalidProperty: property `PropertySelector` is missing");
}

#[test]
fn all_pages_are_one_round() {
    let page = |number: u32, status: &str| {
        let list: Value = [params! { "InstanceStatus" => status }].into();
        params! { "TotalCount" => 2, "PageNumber" => number, "PageSize" => 1, "Instances" => params! { "KVStoreInstance" => list } }
    };
    let world = World::answering([page(1, "Normal"), page(2, "Creating")]);
    let properties = params! {
        "Service" => "r-kvstore", "API" => "DescribeInstances", "Parameters" => params! { "PageSize" => 1 },
        "PropertySelector" => "Instances.KVStoreInstance[].InstanceStatus", "DesiredValues" => ["Normal"],
    };
    let (seen, _) = not_yet(world.run(&WaitFor::default(), properties));
    assert_eq!(seen, Value::from(["Normal", "Creating"]));
}

#[test]
fn a_repeat_after_a_crash_is_one_more_round() {
    let world = World::answering([statuses(["Running"])]);
    let result = world.run_again(&WaitFor::default(), wait(STATUS, desired(vec!["Running"])));
    assert!(matches!(result, Ok(Outcome::Done(_))));
}

#[test]
fn lists_may_be_json_text() {
    let world = World::answering([statuses(["Stopped"])]);
    done(world.run(&WaitFor::default(), wait(STATUS, params! { "DesiredValues" => r#"["Running","Stopped"]"# })));
}

/// Every value that an official wait or check desires must meet it, whatever else it lists.
#[test]
fn every_official_wait_can_succeed() {
    let Some(corpus) = std::env::var_os("OOS_CORPUS").map(PathBuf::from) else {
        println!("skipped: OOS_CORPUS is not set");
        return;
    };
    let mut judged = 0;
    for folder in ["public", "actions"] {
        for file in fs::read_dir(corpus.join(folder)).unwrap() {
            let text = fs::read_to_string(file.unwrap().path()).unwrap();
            let Ok(template) = oos_core::Template::parse(&text) else { continue };
            let waits = |name: &str| ["acs::waitfor", "acs::checkfor"].contains(&name.to_ascii_lowercase().as_str());
            for task in template.tasks.iter().filter(|task| waits(task.action.value.as_str())) {
                let properties = task.properties.as_ref().unwrap().to_value();
                let judge = Judge::of(&properties, "WaitFor").unwrap();
                for value in &judge.desired {
                    assert_eq!(judge.judge(value), Verdict::Met, "{} {value}", task.name.value);
                    judged += 1;
                }
            }
        }
    }
    assert!(judged > 200, "{judged} values were judged");
}
