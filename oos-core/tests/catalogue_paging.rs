//! The page loop over a scripted caller, in every style.
#![cfg(feature = "catalogue")]
#![expect(clippy::unwrap_used, reason = "tests")]

use std::{collections::VecDeque, sync::Mutex};

use futures::executor::block_on;
use oos_core::{
    Value,
    catalogue::{MAX_PAGES, call_all_pages},
    params,
    ports::api::{ApiCaller, ApiError, ApiRequest, ApiResponse},
};

/// Gives the scripted answers in order, the last one for ever; remembers what it was asked.
#[derive(Debug)]
struct Script {
    answers: Mutex<VecDeque<Result<Value, ApiError>>>,
    asked: Mutex<Vec<ApiRequest>>,
}

impl Script {
    fn new(answers: impl IntoIterator<Item = Value>) -> Self {
        Self { answers: Mutex::new(answers.into_iter().map(Ok).collect()), asked: Mutex::default() }
    }

    fn json(answers: &[&str]) -> Self {
        Self::new(answers.iter().map(|a| Value::from_json_str(a).unwrap()))
    }

    /// The values of one parameter in the calls so far; `-` where it was not given.
    fn asked(&self, name: &str) -> String {
        let asked = self.asked.lock().unwrap();
        let values = asked.iter().map(|r| r.parameters.get(name).map_or("-".to_owned(), |v| v.to_text().to_string()));
        values.collect::<Vec<_>>().join(" ")
    }
}

#[async_trait::async_trait]
impl ApiCaller for Script {
    async fn call(&self, request: ApiRequest) -> Result<ApiResponse, ApiError> {
        self.asked.lock().unwrap().push(request);
        let mut answers = self.answers.lock().unwrap();
        let answer = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
        answer.unwrap().map(|body| ApiResponse { body, request_id: None })
    }
}

fn run(script: &Script, service: &str, api: &str, parameters: Value) -> String {
    let answer = block_on(call_all_pages(script, ApiRequest::new(service, api, parameters), true)).unwrap();
    answer.body.to_string()
}

#[test]
fn page_numbers_go_on_until_the_total() {
    let script = Script::json(&[
        r#"{"RequestId":"A","PageNumber":1,"PageSize":2,"TotalCount":5,"Disks":{"Disk":[1,2]}}"#,
        r#"{"RequestId":"B","PageNumber":2,"PageSize":2,"TotalCount":5,"Disks":{"Disk":[3,4]}}"#,
        r#"{"RequestId":"C","PageNumber":3,"PageSize":2,"TotalCount":5,"Disks":{"Disk":[5]}}"#,
    ]);
    let body = run(&script, "ECS", "DescribeDisks", params! { "RegionId" => "cn-x" });
    assert_eq!(body, r#"{"RequestId":"A","PageSize":2,"TotalCount":5,"Disks":{"Disk":[1,2,3,4,5]}}"#);
    assert_eq!(script.asked("PageNumber"), "- 2 3");
    assert_eq!(script.asked("RegionId"), "cn-x cn-x cn-x");
    assert_eq!(script.asked("PageSize"), "- - -", "the API's default is asked for");
}

#[test]
fn tokens_go_on_until_none_is_given() {
    for last in [r#"{"NextToken":"","Instances":{"Instance":["c"]}}"#, r#"{"Instances":{"Instance":["c"]}}"#] {
        let script = Script::json(&[
            r#"{"NextToken":"t1","Instances":{"Instance":["a"]}}"#,
            r#"{"NextToken":"t2","Instances":{"Instance":["b"]}}"#,
            last,
        ]);
        let body = run(&script, "ECS", "DescribeInstances", params! { "MaxResults" => 1 });
        assert_eq!(body, r#"{"Instances":{"Instance":["a","b","c"]}}"#);
        assert_eq!((script.asked("NextToken").as_str(), script.asked("MaxResults").as_str()), ("- t1 t2", "1 1 1"));
    }
}

#[test]
fn an_operation_with_both_styles_follows_the_answer() {
    let numbered = [
        r#"{"PageNumber":1,"PageSize":1,"TotalCount":2,"Instances":{"Instance":["a"]}}"#,
        r#"{"PageNumber":2,"PageSize":1,"TotalCount":2,"Instances":{"Instance":["b"]}}"#,
    ];
    let script = Script::json(&numbered);
    let body = run(&script, "ECS", "DescribeInstances", Value::Null);
    assert_eq!(body, r#"{"PageSize":1,"TotalCount":2,"Instances":{"Instance":["a","b"]}}"#);
    assert_eq!((script.asked("PageNumber").as_str(), script.asked("NextToken").as_str()), ("- 2", "- -"));
}

#[test]
fn counters_of_rds_and_other_cursor_names_work() {
    let rds = Script::json(&[
        r#"{"PageNumber":1,"PageRecordCount":2,"TotalRecordCount":3,"Items":{"DBInstance":[1,2]}}"#,
        r#"{"PageNumber":2,"PageRecordCount":1,"TotalRecordCount":3,"Items":{"DBInstance":[3]}}"#,
    ]);
    assert!(run(&rds, "RDS", "DescribeDBInstances", Value::Null).contains("[1,2,3]"));
    assert_eq!(rds.asked("PageNumber"), "- 2");
    let nested = Script::json(&[
        r#"{"PageInfo":{"CurrentPage":1,"PageSize":1,"TotalCount":2},"Instances":[{"a":[1]}]}"#,
        r#"{"PageInfo":{"CurrentPage":2,"PageSize":1,"TotalCount":2},"Instances":[{"a":[2]}]}"#,
    ]);
    let body = run(&nested, "SAS", "DescribeCloudCenterInstances", Value::Null);
    assert_eq!(body, r#"{"PageInfo":{"PageSize":1,"TotalCount":2},"Instances":[{"a":[1]},{"a":[2]}]}"#);
    assert_eq!(nested.asked("CurrentPage"), "- 2");
}

#[test]
fn markers_go_on_while_the_answer_is_truncated() {
    let ram = Script::json(&[
        r#"{"IsTruncated":true,"Marker":"m1","Policies":{"Policy":[1]}}"#,
        r#"{"IsTruncated":false,"Marker":"m2","Policies":{"Policy":[2]}}"#,
    ]);
    assert_eq!(run(&ram, "RAM", "ListPolicies", Value::Null), r#"{"IsTruncated":true,"Policies":{"Policy":[1,2]}}"#);
    assert_eq!(ram.asked("Marker"), "- m1");
    let oss = Script::json(&[
        r#"{"ListBucketResult":{"IsTruncated":"true","NextMarker":"k","Contents":[1]}}"#,
        r#"{"ListBucketResult":{"IsTruncated":"false","Contents":[2]}}"#,
    ]);
    assert!(run(&oss, "OSS", "ListObjects", params! { "BucketName" => "b" }).contains("[1,2]"));
    assert_eq!(oss.asked("marker"), "- k");
}

#[test]
fn roa_answers_page_under_page_info() {
    let script = Script::json(&[
        r#"{"page_info":{"page_number":1,"page_size":1,"total_count":2},"events":[{"id":1}]}"#,
        r#"{"page_info":{"page_number":2,"page_size":1,"total_count":2},"events":[{"id":2}]}"#,
    ]);
    let body = run(&script, "CS", "DescribeEvents", Value::Null);
    assert!(body.contains(r#"[{"id":1},{"id":2}]"#), "{body}");
    assert_eq!(script.asked("page_number"), "- 2");
}

#[test]
fn one_call_when_the_caller_pages_or_nothing_is_paged() {
    let more = r#"{"NextToken":"t","PageNumber":1,"PageSize":1,"TotalCount":9,"Instances":{"Instance":["a"]}}"#;
    for parameters in [params! { "PageNumber" => 1 }, params! { "NextToken" => "x" }, params! { "pagenumber" => 2 }] {
        let script = Script::json(&[more]);
        assert_eq!(run(&script, "ECS", "DescribeInstances", parameters), more, "the answer is untouched");
        assert_eq!(script.asked.lock().unwrap().len(), 1);
    }
    for (service, api) in [("ECS", "StopInstance"), ("Foo", "ListBar")] {
        let script = Script::json(&[more]);
        run(&script, service, api, Value::Null);
        assert_eq!(script.asked.lock().unwrap().len(), 1);
    }
    let script = Script::json(&[more]);
    let request = ApiRequest::new("ECS", "DescribeInstances", Value::Null);
    block_on(call_all_pages(&script, request, false)).unwrap();
    assert_eq!(script.asked.lock().unwrap().len(), 1, "AutoPaging: false");
}

#[test]
fn an_empty_cursor_of_the_template_means_not_given() {
    let script =
        Script::json(&[r#"{"NextToken":"t","Instances":{"Instance":["a"]}}"#, r#"{"Instances":{"Instance":[]}}"#]);
    run(&script, "ECS", "DescribeInstances", params! { "NextToken" => "", "PageNumber" => Value::Null });
    assert_eq!(script.asked("NextToken"), " t");
}

#[test]
fn endless_answers_end() {
    let grows = Script::new((1..=1200).map(|n| {
        params! { "PageNumber" => n, "PageSize" => 1, "TotalCount" => n + 1, "Disks" => params! { "Disk" => [n] } }
    }));
    let request = ApiRequest::new("ECS", "DescribeDisks", Value::Null);
    let error = block_on(call_all_pages(&grows, request, true)).unwrap_err();
    assert_eq!(error.code(), "AutoPagingLimitExceeded");
    assert_eq!(grows.asked.lock().unwrap().len(), MAX_PAGES as usize);

    let same = Script::json(&[r#"{"NextToken":"t","Instances":{"Instance":["a"]}}"#]);
    run(&same, "ECS", "DescribeInstances", Value::Null);
    assert_eq!(same.asked("NextToken"), "- t", "a token that was just sent ends the loop");

    let empty = Script::json(&[r#"{"PageNumber":1,"PageSize":1,"TotalCount":9,"Disks":{"Disk":[]}}"#]);
    run(&empty, "ECS", "DescribeDisks", Value::Null);
    assert_eq!(empty.asked.lock().unwrap().len(), 1, "an empty page ends the loop");
}

#[test]
fn the_limit_itself_is_still_a_success() {
    let pages = Script::new((1..=i64::from(MAX_PAGES)).map(|n| {
        params! { "PageSize" => 1, "TotalCount" => i64::from(MAX_PAGES), "Disks" => params! { "Disk" => [n] } }
    }));
    let request = ApiRequest::new("ECS", "DescribeDisks", Value::Null);
    let body = block_on(call_all_pages(&pages, request, true)).unwrap().body;
    assert_eq!(body.at(&["Disks", "Disk"]).as_list().unwrap().len(), MAX_PAGES as usize);
}

#[test]
fn an_error_on_a_later_page_is_the_error_of_the_call() {
    let script = Script::json(&[r#"{"NextToken":"t","Instances":{"Instance":["a"]}}"#]);
    script.answers.lock().unwrap().push_back(Err(ApiError::service("Throttling", 400, "slow down")));
    let request = ApiRequest::new("ECS", "DescribeInstances", Value::Null);
    assert_eq!(block_on(call_all_pages(&script, request, true)).unwrap_err().code(), "Throttling");
}

#[test]
fn a_size_of_the_caller_is_kept_on_every_page() {
    let script = Script::json(&[
        r#"{"PageNumber":1,"TotalCount":3,"Disks":{"Disk":[1,2]}}"#,
        r#"{"PageNumber":2,"TotalCount":3,"Disks":{"Disk":[3]}}"#,
    ]);
    run(&script, "ECS", "DescribeDisks", params! { "PageSize" => "2" });
    assert_eq!((script.asked("PageSize").as_str(), script.asked("PageNumber").as_str()), ("2 2", "- 2"));
}
