//! What a bed offers as the host of an engine: its own function of packages, functions of the test, linked accounts.

use oos_core::expr::{Function, Kind};
use oos_testkit::prelude::*;

const PACKAGE: &str = "
FormatVersion: OOS-2019-06-01
Parameters: {content: {Type: String}, guest: {Type: Json}}
Tasks:
  - {Name: rest, Action: 'ACS::Sleep', Properties: {Duration: PT1S}}
Outputs:
  script:
    Type: String
    Value: {'Fn::Select': [InstallScript, {'Fn::FindMatchedPackage': ['{{ content }}', '{{ guest }}']}]}
";

fn packages() -> serde_json::Value {
    let content = json!({"Packages": [
        {"Architecture": "arm64", "InstallScript": "for arm"},
        {"Architecture": "x86_64", "InstallScript": "for intel"},
    ]});
    json!({"content": content.to_string(), "guest": {"Architecture": "x86_64", "Platform": "Aliyun"}})
}

#[test]
fn a_bed_finds_the_package_that_fits_the_machine() {
    let run = TestBed::new(FakeCloud::new()).run(PACKAGE, packages());
    run.expect_success();
    run.output("script").eq("for intel");
}

#[test]
fn a_test_may_register_a_function_of_its_own() {
    let own = Function {
        name: "Fn::FindMatchedPackage".into(),
        arity: Some((2, 2)),
        kind: Kind::Strict(|_, _| Ok(params! { "InstallScript" => "mine" })),
        aggregates: false,
    };
    let run = TestBed::new(FakeCloud::new()).function(own).run(PACKAGE, packages());
    run.expect_success();
    run.output("script").eq("mine");
}

fn repository(owner: &str) -> serde_json::Value {
    json!({"Platform": "github", "Owner": owner, "Organization": "acme", "Repository": "site"})
}

#[test]
fn only_linked_accounts_give_addresses() {
    let bed = TestBed::new(FakeCloud::new()).git_account("GitHub", "ana", "t0ken");
    let run = bed.run_action("ACS::GitCodeRepo", repository("Ana"));
    run.expect_success();
    run.output("result").eq(json!({"AuthorizedUrl": "https://oauth2:t0ken@github.com/acme/site.git"}));
    bed.run_action("ACS::GitCodeRepo", repository("bo")).expect_failure().code("GitAccountNotAuthorized");
    bed.git().unlink("github", "ana");
    bed.run_action("ACS::GitCodeRepo", repository("ana")).expect_failure().code("GitAccountNotAuthorized");
    let owners: Vec<String> = bed.git().requests().into_iter().map(|r| r.owner).collect();
    assert_eq!(owners, ["Ana", "bo", "ana"]);
    assert!(!format!("{:?}", bed.git()).contains("t0ken"));
}

const DAILY: &str = "
FormatVersion: OOS-2019-06-01
Tasks:
  - Name: daily
    Action: ACS::TimerTrigger
    Properties: {Type: cron, Expression: '0 0 8 ? * *', EndDate: '2026-01-03T00:00:00Z', TimeZone: UTC}
  - {Name: rest, Action: 'ACS::Sleep', Properties: {Duration: PT1S}}
";

#[test]
fn time_passes_until_a_timer_fires() {
    let bed = TestBed::new(FakeCloud::at("2026-01-01T07:00:00Z"));
    bed.start(DAILY, json!({}));
    assert!(bed.advance_to_next_fire());
    assert_eq!(bed.clock().now().to_iso(), "2026-01-01T08:00:00Z");
    assert!(bed.advance_to_next_fire());
    assert_eq!(bed.clock().now().to_iso(), "2026-01-02T08:00:00Z");
    assert!(!bed.advance_to_next_fire(), "its end has come");
}
