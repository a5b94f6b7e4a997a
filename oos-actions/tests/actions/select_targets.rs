//! `ACS::SelectTargets`: requests, chunks, shapes, order.

use oos_actions::select_targets::SelectTargets;
use oos_core::{
    Value, params,
    ports::{Action, ActionErrorKind, ApiError},
};

use crate::support::{World, done, json};

fn targets(resource: &str, filters: Vec<Value>) -> Value {
    params! { "ResourceType" => resource, "Filters" => filters }
}

fn by_ids<const N: usize>(ids: [&str; N]) -> Value {
    params! { "Type" => "ResourceIds", "ResourceIds" => ids, "RegionId" => "cn-beijing" }
}

fn by_tag() -> Value {
    params! { "Type" => "Tags", "Tags" => [params! { "Key" => "env", "Value" => "prod" }], "RegionId" => "cn-beijing" }
}

const ECS: &str = "ALIYUN::ECS::Instance";

fn ecs_answer<I: IntoIterator<Item = S>, S: AsRef<str>>(ids: I) -> Value {
    let list: Value = ids.into_iter().map(|id| params! { "InstanceId" => id.as_ref(), "OSType" => "linux" }).collect();
    params! { "Instances" => params! { "Instance" => list } }
}

fn ids(document: &Value) -> Vec<String> {
    let list = document.at(&["Instances", "Instance"]).as_list().unwrap();
    list.iter().map(|object| object.at(&["InstanceId"]).to_text().to_string()).collect()
}

#[test]
fn what_it_publishes_is_what_it_calls() {
    let published = SelectTargets.signature().calls.unwrap();
    let (made, listed): (Vec<_>, Vec<_>) = published.iter().partition(|call| call.made);
    assert_eq!((made.len(), listed.len()), (6, 1));
    for call in made {
        let (property, resource) = call.given.as_ref().unwrap();
        assert_eq!(*property, "ResourceType");
        let world = World::answering([Value::empty_map()]);
        done(world.run(&SelectTargets, targets(resource, vec![params! { "Type" => "All" }])));
        let requests: Vec<_> = world.api.requests().iter().map(|r| (r.service.clone(), r.api.clone())).collect();
        assert_eq!(requests, [(call.service.clone(), call.api.clone())], "{resource}");
    }
}

#[test]
fn two_hundred_and_fifty_ids_go_out_in_three_chunks() {
    let all: Vec<String> = (0..250).map(|n| format!("i-{n:03}")).collect();
    let world =
        World::answering([ecs_answer(all[..100].iter().rev()), ecs_answer(&all[100..200]), ecs_answer(&all[200..])]);
    let filter = params! { "Type" => "ResourceIds", "ResourceIds" => all.clone(), "RegionId" => "cn-hangzhou" };
    let document = done(world.run(&SelectTargets, targets(ECS, vec![filter])));
    assert_eq!(ids(&document), all, "in the order of the ids");
    let requests = world.api.requests();
    let sizes: Vec<_> = requests
        .iter()
        .map(|request| json(request.parameters.at(&["InstanceIds"]).as_str().unwrap()).as_list().unwrap().len())
        .collect();
    assert_eq!(sizes, [100, 100, 50]);
    assert_eq!(requests[0].parameters.at(&["MaxResults"]), &Value::Int(100));
    assert!(requests.iter().all(|request| &*request.service == "ECS" && &*request.api == "DescribeInstances"));
}

#[test]
fn an_unset_target_selects_nothing_without_a_call() {
    let world = World::new();
    for filter in [by_ids([]), Value::Null, "".into(), params! { "Type" => "Tags", "Tags" => Value::empty_list() }] {
        let document = done(world.run(&SelectTargets, targets(ECS, vec![filter])));
        assert_eq!(document, json(r#"{"Instances":{"Instance":[]}}"#));
    }
    assert!(world.api.requests().is_empty() && world.log().is_empty());
}

#[test]
fn instances_keep_all_their_fields() {
    let world = World::answering([json(
        r#"{"Instances":{"Instance":[{"InstanceId":"i-1","Status":"Running","Tags":{"Tag":[]},"RegionId":"cn-beijing"}]}}"#,
    )]);
    let document = done(world.run(&SelectTargets, targets(ECS, vec![by_ids(["i-1"])])));
    assert_eq!(
        document,
        json(
            r#"{"Instances":{"Instance":[{"InstanceId":"i-1","Status":"Running","Tags":{"Tag":[]},"RegionId":"cn-beijing"}]}}"#
        )
    );
}

#[test]
fn tags_go_out_as_pairs_and_answers_keep_their_order() {
    let world = World::answering([ecs_answer(["i-9", "i-1"])]);
    let document = done(world.run(&SelectTargets, targets(ECS, vec![by_tag()])));
    assert_eq!(ids(&document), ["i-9", "i-1"]);
    let request = world.api.only();
    assert_eq!(request.parameters.at(&["Tag"]), &json(r#"[{"Key":"env","Value":"prod"}]"#));
    assert_eq!(request.region.as_ref().map(|r| r.as_str()), Some("cn-beijing"));
    assert_eq!(request.parameters.at(&["RegionId"]).as_str(), Some("cn-beijing"));
}

#[test]
fn a_tag_without_a_value_is_any_value_of_its_key() {
    let tags = json(r#"[{"Key":"env"},{"Key":"team","Value":""},{"Key":"app","Value":null}]"#);
    let world = World::answering([ecs_answer(["i-1"])]);
    done(world.run(&SelectTargets, targets(ECS, vec![params! { "Type" => "Tags", "Tags" => tags }])));
    let sent = world.api.only().parameters.at(&["Tag"]).clone();
    assert_eq!(sent, json(r#"[{"Key":"env"},{"Key":"team","Value":""},{"Key":"app"}]"#));
}

#[test]
fn all_pages_are_fetched() {
    let mut first = ecs_answer(["i-1"]).as_map().unwrap().clone();
    first.insert("NextToken", "more");
    let world = World::answering([first.into(), ecs_answer(["i-2"])]);
    let document = done(world.run(&SelectTargets, targets(ECS, vec![params! { "Type" => "All" }])));
    assert_eq!(ids(&document), ["i-1", "i-2"]);
    assert_eq!(world.api.requests()[1].parameters.at(&["NextToken"]).as_str(), Some("more"));
}

#[test]
fn groups_regions_and_further_parameters() {
    let world = World::answering([ecs_answer(["i-1"])]);
    let group = params! { "ResourceGroupId" => "rg-1", "Parameters" => params! { "Status" => "Running", "RegionId" => "cn-shanghai" } };
    let properties =
        params! { "ResourceType" => "aliyun::ecs::instance", "RegionId" => "cn-beijing", "Filters" => [group] };
    done(world.run(&SelectTargets, properties));
    let request = world.api.only();
    let sent = |name: &str| request.parameters.at(&[name]).to_text().to_string();
    assert_eq!([sent("ResourceGroupId"), sent("Status"), sent("RegionId")], ["rg-1", "Running", "cn-shanghai"]);
}

#[test]
fn the_region_of_the_execution_is_the_default() {
    let world = World::answering([ecs_answer(["i-1"])]);
    done(world.run(&SelectTargets, targets(ECS, vec![params! { "Type" => "All" }])));
    assert_eq!(world.api.only().parameters.at(&["RegionId"]).as_str(), Some("cn-hangzhou"));
}

#[test]
fn several_filters_are_joined_and_the_first_occurrence_wins() {
    let world = World::answering([ecs_answer(["i-2", "i-3"]), ecs_answer(["i-3", "i-1"])]);
    let document = done(world.run(&SelectTargets, targets(ECS, vec![by_tag(), by_ids(["i-1", "i-3"])])));
    assert_eq!(ids(&document), ["i-2", "i-3", "i-1"]);
}

#[test]
fn ids_that_do_not_exist_are_absent() {
    let world = World::answering([ecs_answer(["i-2"]), ecs_answer(Vec::<String>::new())]);
    let document = done(world.run(&SelectTargets, targets(ECS, vec![by_ids(["i-1", "i-2"])])));
    assert_eq!(ids(&document), ["i-2"]);
    assert!(world.log().is_empty());
    done(world.run(&SelectTargets, targets(ECS, vec![by_ids(["i-1"])])));
    assert_eq!(world.log(), ["warning: none of the given resources exists"]);
}

#[test]
fn managed_instances_have_the_normalised_shape_alone() {
    let world = World::answering([json(r#"{"Instances":[{"InstanceId":"mi-1","InstanceName":"n"}]}"#)]);
    let document = done(world.run(&SelectTargets, targets("ALIYUN::ECS::ManagedInstance", vec![by_ids(["mi-1"])])));
    assert_eq!(
        document,
        json(r#"{"Instances":{"Instance":[{"InstanceId":"mi-1","InstanceName":"n","RegionId":"cn-beijing"}]}}"#)
    );
    assert_eq!(world.api.only().parameters.at(&["InstanceId"]), &Value::from(["mi-1"]));
}

#[test]
fn desktops_have_both_shapes() {
    let world =
        World::answering([json(r#"{"Desktops":[{"DesktopId":"d-1","DesktopName":"n","DesktopStatus":"Running"}]}"#)]);
    let document = done(world.run(&SelectTargets, targets("ALIYUN::ECD::Desktop", vec![by_ids(["d-1"])])));
    let object = json(
        r#"{"DesktopId":"d-1","DesktopName":"n","DesktopStatus":"Running","InstanceId":"d-1","InstanceName":"n","Status":"Running","RegionId":"cn-beijing"}"#,
    );
    assert_eq!(document, params! { "Instances" => params! { "Instance" => [object.clone()] }, "Desktops" => [object] });
    assert_eq!(world.api.only().parameters.at(&["DesktopId"]), &Value::from(["d-1"]));
}

#[test]
fn databases_are_asked_for_one_by_one() {
    let answer = |id: &str| {
        json(&format!(
            r#"{{"Items":{{"DBInstance":[{{"DBInstanceId":"{id}","DBInstanceStatus":"Running","DBInstanceDescription":"x"}}]}}}}"#
        ))
    };
    let world = World::answering([answer("rm-1"), answer("rm-2")]);
    let document = done(world.run(&SelectTargets, targets("ALIYUN::RDS::Instance", vec![by_ids(["rm-1", "rm-2"])])));
    assert_eq!(ids(&document), ["rm-1", "rm-2"]);
    let first = &document.at(&["Instances", "Instance"]).as_list().unwrap()[0];
    assert_eq!([first.at(&["InstanceName"]).as_str(), first.at(&["Status"]).as_str()], [Some("x"), Some("Running")]);
    assert_eq!(document.at(&["Items", "DBInstance"]), document.at(&["Instances", "Instance"]));
    assert_eq!(world.api.requests()[1].parameters.at(&["DBInstanceId"]).as_str(), Some("rm-2"));

    let world = World::answering([answer("rm-1")]);
    done(world.run(&SelectTargets, targets("ALIYUN::RDS::Instance", vec![by_tag()])));
    assert_eq!(world.api.only().parameters.at(&["Tags"]).as_str(), Some(r#"{"env":"prod"}"#));
}

#[test]
fn redis_takes_ids_with_commas_and_keeps_its_list() {
    let world = World::answering([json(
        r#"{"TotalCount":2,"PageNumber":1,"PageSize":50,"Instances":{"KVStoreInstance":[{"InstanceId":"r-2","InstanceStatus":"Normal"},{"InstanceId":"r-1"}]}}"#,
    )]);
    let document = done(world.run(&SelectTargets, targets("ALIYUN::Redis::Instance", vec![by_ids(["r-1", "r-2"])])));
    assert_eq!(ids(&document), ["r-1", "r-2"]);
    assert_eq!(document.at(&["Instances", "KVStoreInstance"]), document.at(&["Instances", "Instance"]));
    let request = world.api.only();
    assert_eq!((&*request.service, request.parameters.at(&["InstanceIds"]).as_str()), ("R-KVSTORE", Some("r-1,r-2")));
}

#[test]
fn compute_nest_filters_by_name() {
    let world = World::answering([json(
        r#"{"ServiceInstances":[{"ServiceInstanceId":"si-1","Name":"n","Status":"Deployed"}]}"#,
    )]);
    let document =
        done(world.run(&SelectTargets, targets("ALIYUN::ComputeNestSupplier::Instance", vec![by_ids(["si-1"])])));
    assert_eq!(
        document.at(&["ServiceInstances"]).as_list().unwrap()[0].at(&["ServiceInstanceId"]).as_str(),
        Some("si-1")
    );
    assert_eq!(ids(&document), ["si-1"]);
    assert_eq!(
        world.api.only().parameters.at(&["Filter"]),
        &json(r#"[{"Name":"ServiceInstanceId","Value":["si-1"]}]"#)
    );
}

#[test]
fn what_cannot_be_selected_is_said() {
    let error = |properties: Value| World::new().run(&SelectTargets, properties).unwrap_err();
    let unknown = error(targets("ALIYUN::SLB::LoadBalancer", vec![by_tag()]));
    assert_eq!((unknown.kind, &*unknown.code), (ActionErrorKind::Unsupported, "UnsupportedResourceType"));
    let inventory = error(targets(ECS, vec![params! { "Type" => "Inventory" }]));
    assert_eq!(&*inventory.code, "UnsupportedTargetType");
    assert_eq!(error(params! { "ResourceType" => ECS }).to_string(), "InvalidProperty: property `Filters` is missing");
    assert_eq!(
        error(params! { "Filters" => Value::empty_list() }).to_string(),
        "InvalidProperty: property `ResourceType` is missing"
    );
}

#[test]
fn an_error_of_the_api_fails_the_task() {
    let world = World::new();
    world.fails(ApiError::service("Forbidden.RAM", 403, "not allowed"));
    let error = world.run(&SelectTargets, targets(ECS, vec![by_tag()])).unwrap_err();
    assert_eq!(error.to_string(), "Forbidden.RAM: not allowed");
}

#[test]
fn a_repeat_after_a_crash_selects_again() {
    let world = World::answering([ecs_answer(["i-1"])]);
    assert_eq!(ids(&done(world.run_again(&SelectTargets, targets(ECS, vec![by_ids(["i-1"])])))), ["i-1"]);
}
