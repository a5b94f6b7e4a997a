//! `ACS::ExecuteAPI`.

use oos_actions::atom::ExecuteApi;
use oos_core::{
    Value,
    machine::UnknownOutcome,
    params,
    ports::{ActionErrorKind, ApiError, ApiResponse},
};

use crate::support::{World, broken, done, json};

fn task(service: &str, api: &str, parameters: Value) -> Value {
    params! { "Service" => service, "API" => api, "Parameters" => parameters }
}

#[test]
fn carries_over_what_the_task_says() {
    let world = World::answering([params! { "InstanceId" => "i-1" }]);
    let parameters = params! {
        "RegionId" => "cn-beijing",
        "InstanceType" => "ecs.g7.large",
        "ImageFamily" => Value::Null,
        "Tags" => [params! { "Key" => "env", "Value" => "", "Gone" => Value::Null }],
    };
    let document = done(world.run(&ExecuteApi, task("ECS", "RunInstances", parameters)));
    assert_eq!(document, params! { "InstanceId" => "i-1" });
    let request = world.api.only();
    assert_eq!((&*request.service, &*request.api), ("ECS", "RunInstances"));
    // Null is left out at any depth, the empty text inside a list stays.
    let expected = json(r#"{"RegionId":"cn-beijing","InstanceType":"ecs.g7.large","Tags":[{"Key":"env","Value":""}]}"#);
    assert_eq!(request.parameters, expected);
    assert_eq!(request.region.as_ref().map(|r| r.as_str()), Some("cn-hangzhou"));
    assert_eq!((&*request.role, request.token.as_deref()), ("OOSServiceRole", Some("token-1")));
    assert_eq!(request.origin.task.as_ref().map(|t| t.as_str()), Some("task"));
    assert_eq!((request.method, request.uri, request.body), (None, None, Value::Null));
}

#[test]
fn parameters_may_be_null_or_missing() {
    for properties in [
        task("ECS", "DescribeRegions", Value::Null),
        params! { "Service" => "ECS", "API" => "DescribeRegions" },
        task("ECS", "DescribeRegions", "".into()),
    ] {
        let world = World::answering([Value::Null]);
        assert_eq!(done(world.run(&ExecuteApi, properties)), Value::empty_map(), "an empty body is the empty document");
        assert_eq!(world.api.only().parameters, Value::empty_map());
    }
}

#[test]
fn a_roa_call_keeps_method_uri_headers_and_body() {
    let world = World::answering([params! { "task_id" => "T-1" }]);
    let properties = params! {
        "Service" => "CS",
        "API" => "ModifyClusterNodePool",
        "Method" => "PUT",
        "URI" => "/clusters/c-1/nodepools/np-1",
        "Headers" => params! { "Content-Type" => "application/json", "Content-MD5" => "", "X-N" => 1 },
        "Body" => params! { "scaling_group" => params! { "desired_size" => 2, "image" => Value::Null } },
    };
    done(world.run(&ExecuteApi, properties));
    let request = world.api.only();
    assert_eq!(
        (request.method.as_deref(), request.uri.as_deref()),
        (Some("PUT"), Some("/clusters/c-1/nodepools/np-1"))
    );
    assert_eq!(request.headers, json(r#"{"Content-Type":"application/json","X-N":"1"}"#));
    assert_eq!(request.body, json(r#"{"scaling_group":{"desired_size":2}}"#));
}

#[test]
fn the_documented_empty_uri_is_a_uri() {
    let world = World::answering([Value::empty_map()]);
    let properties = params! { "Service" => "CS", "API" => "DescribeClusters", "Method" => "GET", "URI" => "" };
    done(world.run(&ExecuteApi, properties));
    assert_eq!(world.api.only().uri.as_deref(), Some(""));
}

#[test]
fn a_roa_operation_without_method_and_uri_goes_by_its_name() {
    let world = World::answering([params! { "Data" => params! { "AppId" => "a-1" } }]);
    done(world.run(&ExecuteApi, task("SAE", "CreateApplication", params! { "AppName" => "x" })));
    let request = world.api.only();
    assert_eq!((request.method, request.uri), (None, None));
}

#[test]
fn an_object_storage_call_keeps_its_text_body() {
    let world = World::answering([Value::empty_map()]);
    let properties = params! {
        "Service" => "OSS",
        "API" => "PutBucketReferer",
        "Method" => "PUT",
        "URI" => "?referer",
        "Parameters" => params! { "BucketName" => "b", "RegionId" => "cn-hangzhou" },
        "Body" => "<RefererConfiguration/>",
    };
    done(world.run(&ExecuteApi, properties));
    let request = world.api.only();
    assert_eq!((request.uri.as_deref(), request.body.as_str()), (Some("?referer"), Some("<RefererConfiguration/>")));
}

#[test]
fn version_and_endpoint_are_extensions() {
    let world = World::answering([Value::empty_map()]);
    let properties =
        params! { "Service" => "X", "API" => "Y", "Version" => "2020-01-01", "Endpoint" => "x.example.com" };
    done(world.run(&ExecuteApi, properties));
    let request = world.api.only();
    assert_eq!((request.version.as_deref(), request.endpoint.as_deref()), (Some("2020-01-01"), Some("x.example.com")));
}

fn page(number: u32, ids: [&str; 2]) -> Value {
    let instances: Value = ids.iter().map(|id| params! { "InstanceId" => *id }).collect();
    params! {
        "TotalCount" => 4, "PageNumber" => number, "PageSize" => 2, "Instances" => params! { "Instance" => instances },
    }
}

#[test]
fn all_pages_are_fetched_unless_the_task_says_otherwise() {
    let properties = |auto: Value| {
        params! { "Service" => "R-KVSTORE", "API" => "DescribeInstances", "Parameters" => params! { "PageSize" => 2 }, "AutoPaging" => auto }
    };
    for auto in [Value::Null, "true".into(), true.into()] {
        let world = World::answering([page(1, ["r-1", "r-2"]), page(2, ["r-3", "r-4"])]);
        let document = done(world.run(&ExecuteApi, properties(auto)));
        assert_eq!(document.at(&["Instances", "Instance"]).as_list().unwrap().len(), 4);
        assert_eq!(world.api.requests()[1].parameters.at(&["PageNumber"]), &Value::Int(2));
    }
    let world = World::answering([page(1, ["r-1", "r-2"])]);
    let document = done(world.run(&ExecuteApi, properties("false".into())));
    assert_eq!(document.at(&["Instances", "Instance"]).as_list().unwrap().len(), 2);
}

#[test]
fn a_cloud_error_keeps_its_code_and_may_be_retried_when_the_task_asks() {
    let world = World::new();
    let mut error = ApiError::service("IncorrectInstanceStatus", 403, "wrong state");
    if let ApiError::Service { request_id, .. } = &mut error {
        *request_id = Some("R-1".into());
    }
    world.fails(error);
    let error = world.run(&ExecuteApi, task("ECS", "StopInstance", params! { "InstanceId" => "i-1" })).unwrap_err();
    assert_eq!(error.to_string(), "IncorrectInstanceStatus: wrong state (RequestId: R-1)");
    assert_eq!((error.kind, error.retryable), (ActionErrorKind::Service, true));
}

#[test]
fn no_answer_to_a_write_is_an_unknown_outcome_and_to_a_read_a_retry() {
    let world = World::new();
    world.fails(broken(true));
    let error = world.run(&ExecuteApi, task("ECS", "StartInstance", params! { "InstanceId" => "i-1" })).unwrap_err();
    assert_eq!((error.kind, &*error.code), (ActionErrorKind::UnknownOutcome, "OutcomeUnknown"));
    assert!(!error.retryable);
    world.fails(broken(true));
    let error = world.run(&ExecuteApi, task("ECS", "DescribeInstances", Value::Null)).unwrap_err();
    assert_eq!((error.kind, &*error.code, error.retryable), (ActionErrorKind::Transport, "NoAnswer", true));
    world.fails(broken(false));
    let error = world.run(&ExecuteApi, task("ECS", "StartInstance", Value::Null)).unwrap_err();
    assert_eq!((&*error.code, error.retryable), ("NotConnected", true));
}

#[test]
fn what_the_caller_cannot_do_is_not_retried() {
    let world = World::new();
    world.fails(ApiError::Unsupported { code: "Testkit.UnmodelledApi".into(), message: "no model".into() });
    let error = world.run(&ExecuteApi, task("X", "Y", Value::Null)).unwrap_err();
    assert_eq!((error.kind, error.retryable), (ActionErrorKind::Unsupported, false));
    assert_eq!(error.to_string(), "Testkit.UnmodelledApi: no model");
}

#[test]
fn properties_that_do_not_fit_are_named() {
    let refusal = |properties: Value| World::new().run(&ExecuteApi, properties).unwrap_err().to_string();
    assert_eq!(refusal(params! { "API" => "X" }), "InvalidProperty: property `Service` is missing");
    assert_eq!(refusal(params! { "Service" => "ECS", "API" => "" }), "InvalidProperty: property `API` is missing");
    assert_eq!(refusal(task("ECS", "X", "text".into())), "InvalidProperty: property `Parameters` must be a map");
    let body = params! { "Service" => "CS", "API" => "X", "Body" => 1 };
    assert_eq!(refusal(body), "InvalidProperty: property `Body` must be text or a map");
    let paging = params! { "Service" => "CS", "API" => "X", "AutoPaging" => "maybe" };
    assert_eq!(refusal(paging), "InvalidProperty: property `AutoPaging` must be true or false");
}

// Repeats after a crash, one test for each class of durability rule 5.

#[test]
fn a_read_is_repeated() {
    let world = World::answering([params! { "Regions" => 1 }]);
    assert_eq!(
        done(world.run_again(&ExecuteApi, task("ECS", "DescribeRegions", Value::Null))),
        params! { "Regions" => 1 }
    );
}

#[test]
fn a_call_with_a_token_is_repeated_with_the_same_token() {
    let world = World::answering([params! { "InstanceIdSets" => 1 }]);
    done(world.run_again(&ExecuteApi, task("ECS", "RunInstances", params! { "Amount" => 1 })));
    assert_eq!(world.api.only().token.as_deref(), Some("token-1"));
}

#[test]
fn a_natural_call_is_repeated_and_a_thing_that_is_gone_is_gone() {
    let delete = || task("ECS", "DeleteDisk", params! { "DiskId" => "d-1" });
    let world = World::new();
    world.fails(ApiError::service("InvalidDiskId.NotFound", 404, "no such disk"));
    assert_eq!(done(world.run_again(&ExecuteApi, delete())), Value::empty_map());
    world.fails(ApiError::service("IncorrectDiskStatus", 403, "busy"));
    assert_eq!(&*world.run_again(&ExecuteApi, delete()).unwrap_err().code, "IncorrectDiskStatus");
    // Not found is a failure where nothing is taken away.
    world.fails(ApiError::service("InvalidInstanceId.NotFound", 404, "no such instance"));
    let modify = task("ECS", "ModifyInstanceAttribute", params! { "InstanceId" => "i-1" });
    assert_eq!(&*world.run_again(&ExecuteApi, modify).unwrap_err().code, "InvalidInstanceId.NotFound");
}

#[test]
fn a_natural_call_that_was_made_once_fails_when_nothing_is_there() {
    let world = World::new();
    world.fails(ApiError::service("InvalidDiskId.NotFound", 404, "no such disk"));
    assert!(world.run(&ExecuteApi, task("ECS", "DeleteDisk", params! { "DiskId" => "d-1" })).is_err());
}

fn instances(member: &str, value: &str) -> Value {
    params! { "Instances" => params! { "Instance" => [params! { "InstanceId" => "i-1", member => value }] } }
}

#[test]
fn a_start_is_looked_after_before_it_is_repeated() {
    let start = || task("ECS", "StartInstance", params! { "InstanceId" => "i-1" });
    let world = World::answering([instances("Status", "Starting")]);
    assert_eq!(done(world.run_again(&ExecuteApi, start())), Value::empty_map());
    assert_eq!(&*world.api.only().api, "DescribeInstances");

    let world = World::answering([instances("Status", "Stopped"), params! { "RequestId" => "r" }]);
    assert_eq!(done(world.run_again(&ExecuteApi, start())), params! { "RequestId" => "r" });
    assert_eq!(&*world.api.requests()[1].api, "StartInstance");
}

#[test]
fn a_reboot_is_repeated_unless_the_machine_started_after_the_intent() {
    let reboot = || task("ECS", "RebootInstance", params! { "InstanceId" => "i-1" });
    let running = |start: &str| {
        let instance = params! { "InstanceId" => "i-1", "Status" => "Running", "StartTime" => start };
        params! { "Instances" => params! { "Instance" => [instance] } }
    };
    let world = World::answering([running("2024-03-01T00:01Z")]);
    assert_eq!(done(world.run_again(&ExecuteApi, reboot())), Value::empty_map());
    let world = World::answering([running("2024-02-01T00:00Z"), Value::empty_map()]);
    done(world.run_again(&ExecuteApi, reboot()));
    assert_eq!(world.api.requests().len(), 2);
    // On its way: the old start time says nothing.
    let world = World::answering([instances("Status", "Starting")]);
    assert_eq!(done(world.run_again(&ExecuteApi, reboot())), Value::empty_map());
}

#[test]
fn a_probe_that_fails_leaves_the_outcome_unknown() {
    let world = World::new();
    world.fails(ApiError::service("Forbidden.RAM", 403, "no"));
    let error =
        world.run_again(&ExecuteApi, task("ECS", "StartInstance", params! { "InstanceId" => "i-1" })).unwrap_err();
    assert_eq!((error.kind, world.api.requests().len()), (ActionErrorKind::UnknownOutcome, 1));
}

#[test]
fn an_engine_may_want_any_write_made_again() {
    let mut world = World::answering([params! { "InvokeId" => "t-1" }]);
    world.unknown_outcome = UnknownOutcome::Repeat;
    let invoke = || task("ECS", "InvokeCommand", params! { "CommandId" => "c-1", "InstanceId" => ["i-1"] });
    assert_eq!(done(world.run_again(&ExecuteApi, invoke())), params! { "InvokeId" => "t-1" });
    // An answer that was lost is as unknown as one that a crash swallowed; it is asked for once more and no oftener.
    world.fails(broken(true));
    world.api.push(Ok(ApiResponse { body: params! { "InvokeId" => "t-2" }, request_id: None }));
    assert_eq!(done(world.run(&ExecuteApi, invoke())), params! { "InvokeId" => "t-2" });
    world.fails(broken(true));
    world.fails(broken(true));
    assert_eq!(&*world.run(&ExecuteApi, invoke()).unwrap_err().code, "OutcomeUnknown");
    assert_eq!(world.api.requests().len(), 5);
}

#[test]
fn any_other_write_is_never_made_twice() {
    let world = World::new();
    let error = world.run_again(&ExecuteApi, task("BssOpenApi", "CreateInstanceOfNobody", Value::Null)).unwrap_err();
    assert_eq!((error.kind, &*error.code, error.retryable), (ActionErrorKind::UnknownOutcome, "OutcomeUnknown", false));
    assert_eq!(world.api.requests().len(), 0);
}
