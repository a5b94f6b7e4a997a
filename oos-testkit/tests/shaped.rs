//! Answers by shape for APIs without a model.
#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "../src/cloud/shaped/mod.rs"]
#[expect(unreachable_pub, reason = "public where it belongs")]
mod shaped;

use oos_core::{
    Timestamp, Value,
    catalogue::{Catalogue, NormaliseOptions, Shape, normalise},
    params,
    ports::api::{ApiError, ApiRequest},
};
use shaped::{IdSource, Level, Memory, ShapedCall, respond};

#[derive(Default)]
struct Ids(u64);

impl IdSource for Ids {
    fn next(&mut self, prefix: &str, region: &str) -> String {
        self.0 += 1;
        format!("{prefix}{}{}", region.len(), self.0)
    }
    fn number(&mut self, _what: &str) -> u64 {
        self.0 += 1;
        self.0
    }
    fn request_id(&mut self) -> String {
        "R".into()
    }
    fn uuid(&mut self, what: &str) -> String {
        format!("uuid-of-{what}")
    }
}

#[derive(Default)]
struct Fake {
    ids: Ids,
    memory: Memory,
}

impl Fake {
    fn call(&mut self, level: Level, service: &str, api: &str, parameters: Value) -> Result<Value, ApiError> {
        let normalised = normalise(&ApiRequest::new(service, api, parameters), &NormaliseOptions::default());
        let params = normalised.params();
        let call = ShapedCall {
            service: &normalised.service,
            operation: normalised.operation.as_deref(),
            api,
            params: &params,
            region: "cn-x",
            account: "123",
            now: Timestamp::parse("2026-01-02T03:04:05Z").unwrap(),
        };
        respond(level, &call, &["DescribeInstances"], &mut self.ids, &mut self.memory)
    }

    fn shaped(&mut self, service: &str, api: &str, parameters: Value) -> Value {
        self.call(Level::Shaped, service, api, parameters).unwrap()
    }
}

#[test]
fn strict_says_what_is_modelled_and_how_to_stub() {
    let error = Fake::default().call(Level::Strict, "ecs", "createimage", Value::Null).unwrap_err();
    assert_eq!(error.code(), "Testkit.UnmodelledApi");
    let text = error.to_string();
    for part in ["`ECS.CreateImage`", r#"cloud.stub("ECS", "CreateImage").ok()"#, "DescribeInstances"] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn echo_knows_nothing_and_shaped_needs_a_shape() {
    let mut fake = Fake::default();
    assert_eq!(fake.call(Level::Echo, "foo", "DoBar", Value::Null), Ok(params! { "RequestId" => "R" }));
    assert_eq!(
        fake.call(Level::Shaped, "alidns", "AddDomain", Value::Null).unwrap_err().code(),
        "Testkit.UnmodelledApi"
    );
}

#[test]
fn values_are_typed_by_name() {
    let mut fake = Fake::default();
    let answer = fake.shaped("RDS", "DescribeDBInstances", params! { "DBInstanceId" => "rm-1", "PageNumber" => 3 });
    let item = answer.at(&["Items", "DBInstance"]).as_list().unwrap().first().unwrap().clone();
    assert_eq!(item.get("DBInstanceId"), Some(&"rm-1".into()));
    assert_eq!(item.get("DBInstanceStatus"), Some(&"Running".into()));
    assert_eq!(item.get("CreateTime"), Some(&"2026-01-02T03:04:05Z".into()));
    assert_eq!(
        (answer.get("PageNumber"), answer.get("TotalRecordCount")),
        (Some(&Value::Int(3)), Some(&Value::Int(1)))
    );
    assert_eq!((answer.get("RequestId"), answer.get("NextToken")), (Some(&"R".into()), Some(&"".into())));
    let key = fake.shaped("KMS", "DescribeKey", params! { "KeyId" => "k-1" });
    assert!(key.at(&["KeyMetadata", "Arn"]).as_str().is_some_and(|arn| arn.starts_with("acs:kms:cn-x:123:")), "{key}");
    assert_eq!(key.at(&["KeyMetadata", "KeyId"]), &Value::from("k-1"));
}

#[test]
fn lists_are_empty_without_a_filter_and_keep_their_wrapper() {
    let answer = Fake::default().shaped("RDS", "DescribeDBInstances", Value::Null);
    assert_eq!(answer.at(&["Items", "DBInstance"]), &Value::empty_list());
    assert_eq!(answer.get("TotalRecordCount"), Some(&Value::Int(0)));
}

#[test]
fn what_was_created_is_described_until_it_is_deleted() {
    let mut fake = Fake::default();
    let id = fake.shaped("ECS", "CreateSnapshot", params! { "DiskId" => "d-1" });
    let id = id.get("SnapshotId").unwrap().clone();
    assert!(id.as_str().unwrap().starts_with("s-"), "{id}");
    let path = ["Snapshots", "Snapshot"];
    let described = fake.shaped("ECS", "DescribeSnapshots", Value::Null);
    let items = described.at(&path).as_list().unwrap();
    assert_eq!((items.len(), items.first().unwrap().get("SnapshotId")), (1, Some(&id)));
    fake.shaped("ECS", "DeleteSnapshot", params! { "SnapshotId" => id.clone() });
    for filter in [Value::Null, params! { "SnapshotIds" => [id] }] {
        assert_eq!(fake.shaped("ECS", "DescribeSnapshots", filter).at(&path), &Value::empty_list());
    }
}

#[test]
fn the_ids_of_a_thing_are_the_same_on_every_look() {
    let mut fake = Fake::default();
    let mut look = || fake.shaped("ECS", "DescribeInstances", params! { "InstanceIds" => ["i-1", "i-2"] });
    let (first, second) = (look(), look());
    assert_eq!(first, second);
    let items = first.at(&["Instances", "Instance"]).as_list().unwrap();
    assert_eq!(items.len(), 2);
    assert_ne!(items[0].at(&["VpcAttributes", "VpcId"]), items[1].at(&["VpcAttributes", "VpcId"]));
}

#[test]
fn a_call_that_makes_several_things_lists_them() {
    let answer = Fake::default().shaped("ECS", "RunInstances", params! { "Amount" => 3 });
    assert_eq!(answer.at(&["InstanceIdSets", "InstanceIdSet"]).as_list().map(<[Value]>::len), Some(3));
}

#[test]
fn success_in_the_body_is_success() {
    let answer = Fake::default().shaped("SAE", "BindSlb", params! { "AppId" => "a" });
    assert_eq!((answer.get("Success"), answer.get("Code")), (Some(&Value::Bool(true)), Some(&"200".into())));
    assert_eq!(answer.get("ErrorCode"), Some(&"".into()));
}

#[test]
fn the_same_calls_give_the_same_answers() {
    let run = || {
        let mut fake = Fake::default();
        let created = fake.shaped("ROS", "CreateStack", params! { "StackName" => "s" });
        (created, fake.shaped("ROS", "GetStack", Value::Null), fake.shaped("VPC", "CreateVSwitch", Value::Null))
    };
    assert_eq!(run(), run());
}

#[test]
fn every_shape_of_the_catalogue_gives_an_answer_that_fits_it() {
    let catalogue = Catalogue::embedded();
    let mut answered = 0;
    for product in catalogue.products() {
        for api in catalogue.operations(&product) {
            let Some(operation) = catalogue.operation(&product, &api, None) else { continue };
            let Some(shape) = operation.response.clone() else { continue };
            let ids = operation.parameters.iter().filter(|p| p.name.ends_with("Id") || p.name.ends_with("Ids"));
            let given: oos_core::Map = ids.map(|p| (p.name.clone(), Value::from("x-1"))).collect();
            for parameters in [Value::Null, given.into()] {
                let answer = Fake::default().shaped(&product, &api, parameters);
                assert!(fits(&answer, &shape), "{product} {api}: {answer}");
            }
            answered += 1;
        }
    }
    assert!(answered >= 407, "{answered}");
}

fn fits(value: &Value, shape: &Shape) -> bool {
    match (shape, value) {
        (Shape::Map(members), Value::Map(map)) => {
            members.len() == map.len() && members.iter().all(|(n, s)| map.get(n).is_some_and(|v| fits(v, s)))
        }
        (Shape::List(item), Value::List(items)) => items.iter().all(|i| fits(i, item)),
        (Shape::String | Shape::Binary, Value::String(_)) | (Shape::Boolean, Value::Bool(_)) => true,
        (Shape::Integer, Value::Int(_)) | (Shape::Number, Value::Int(_) | Value::Float(_)) => true,
        (Shape::Free(_), Value::Map(_)) | (Shape::Any, _) => true,
        _ => false,
    }
}
