//! Six tests as a user of the testkit would write them. They need nothing but the testkit: every template is here.

use async_trait::async_trait;
use oos_core::{
    ActionName, outputs,
    ports::{Action, ActionContext, ActionError, ApiRequest, Outcome},
};
use oos_testkit::prelude::*;

const START: &str = "
FormatVersion: OOS-2019-06-01
Parameters:
  targets: {Type: Json}
Tasks:
  - Name: pick
    Action: ACS::SelectTargets
    Properties: {ResourceType: 'ALIYUN::ECS::Instance', RegionId: '{{ ACS::RegionId }}', Filters: ['{{ targets }}']}
    Outputs: {ids: {Type: List, ValueSelector: 'Instances.Instance[].InstanceId'}}
  - Name: start
    Action: ACS::ECS::StartInstance
    Properties: {instanceId: '{{ ACS::TaskLoopItem }}'}
    Loop: {Items: '{{ pick.ids }}', RateControl: {Mode: Concurrency, Concurrency: 10, MaxErrors: 0}}
";

#[test]
fn starts_only_what_is_stopped() {
    let cloud = FakeCloud::new();
    let ids = cloud.ecs().instances(3).named("web-{n}").stopped().create();
    cloud.ecs().set_status(&ids[2], Running);

    let run = TestBed::on(&cloud).run_yaml(START, params! { "targets" => by_ids(&ids) });

    run.expect_success();
    assert!(cloud.ecs().all(&ids).are(Running));
    cloud.calls().of("ECS", "StartInstance").count(2);
    assert!(run.virtual_time() <= secs(60));
}

const DEPLOY: &str = "
FormatVersion: OOS-2019-06-01
Parameters:
  ids: {Type: List}
  script: {Type: String}
Tasks:
  - Name: deploy
    Action: ACS::ECS::RunCommand
    Properties: {instanceId: '{{ ACS::TaskLoopItem }}', commandType: RunShellScript, commandContent: '{{ script }}'}
    Loop:
      Items: '{{ ids }}'
      RateControl: {Mode: Concurrency, Concurrency: 4, MaxErrors: 2}
      Outputs: {texts: {AggregateType: 'Fn::ListJoin', AggregateField: text}}
    Outputs: {text: {Type: String, ValueSelector: invocationOutput}}
Outputs:
  texts: {Type: List, Value: '{{ deploy.texts }}'}
";

#[test]
fn two_failures_of_ten_are_tolerated() {
    let cloud = FakeCloud::seeded(7);
    let ids = cloud.ecs().instances(10).running().create();
    cloud.assistant().on_command(re("deploy")).on_any_of(&ids[3..5]).then(exit(1).stdout("disk full"));
    cloud.assistant().default(exit(0).stdout("ok"));

    let run = TestBed::on(&cloud).run_yaml(DEPLOY, params! { "ids" => ids, "script" => "deploy.sh" });

    run.expect_success();
    run.task("deploy").items().failed().eq(&[3, 4]);
    cloud.calls().max_in_flight(loop_items("deploy")).at_most(4);
    run.output("texts").list_contains("ok", 8);
}

#[test]
fn survives_throttling_and_reports_a_stuck_machine() {
    let cloud = FakeCloud::new();
    let id = cloud.ecs().instance().stopped().create();
    cloud.fault("describe is throttled").on("ECS", "Describe*").every_nth(3).throttle();
    let bed = TestBed::on(&cloud);
    bed.run_action("ACS::ECS::StartInstance", json!({"instanceId": id})).expect_success();
    assert!(!cloud.calls().failed_with("Throttling*").is_empty(), "it was throttled, and went on");

    cloud.ecs().set_status(&id, Stopped);
    cloud.ecs().transition(&id, "start").never();
    let run = bed.run_action("ACS::ECS::StartInstance", json!({"instanceId": id}));
    let error = run.expect_failure();
    error.task("untilInstanceReady").kind(WaitTimedOut).last_value("Starting");
    assert!(run.virtual_time() > mins(1));
    // A debug build is slow, and so may be the machine that builds the others meanwhile.
    let bound = if cfg!(debug_assertions) { secs(30) } else { ms(20) };
    assert!(bed.real_elapsed() < bound, "waiting takes no real time: {:?}", bed.real_elapsed());
}

const DELETE: &str = "
FormatVersion: OOS-2019-06-01
Parameters:
  ids: {Type: List}
Tasks:
  - Name: approve
    Action: ACS::Approve
    Properties:
      Approvers: [ana, bo]
      MinRequiredApprovals: 2
      NotifyType: WebHook
      WebHook:
        URI: https://hooks.example.com/approvals
        Headers: {Content-Type: application/json}
        Content: {text: 'about to delete {{ ids }}'}
  - Name: delete
    Action: ACS::ExecuteAPI
    Properties: {Service: ECS, API: DeleteInstance, Parameters: {InstanceId: '{{ ACS::TaskLoopItem }}'}}
    Loop: {Items: '{{ ids }}'}
";

#[test]
fn nothing_is_deleted_before_both_approve() {
    let cloud = FakeCloud::at("2026-01-09T16:00:00Z");
    let ids = cloud.ecs().instances(2).stopped().create();
    let bed = TestBed::on(&cloud).as_user("ops");

    let execution = bed.start_yaml(DELETE, params! { "ids" => ids.clone() });
    bed.run_until_waiting();
    execution.assert_waiting_for_approval("approve");
    cloud.calls().of("ECS", "DeleteInstance").never();

    bed.approve(&execution, "approve", "ana");
    bed.run_for(hours(20));
    execution.assert_waiting_for_approval("approve");
    cloud.calls().of("ECS", "DeleteInstance").never();

    bed.approve(&execution, "approve", "bo");
    bed.run_to_end();
    execution.expect_success();
    bed.run_for(mins(1));
    assert!(cloud.ecs().gone(&ids));
    bed.webhooks().sent(1).body_contains(&ids[0]);
}

const STOP: &str = "
FormatVersion: OOS-2019-06-01
Parameters:
  targets: {Type: Json}
  OOSAssumeRole: {Type: String}
RamRole: '{{ OOSAssumeRole }}'
Tasks:
  - Name: pick
    Action: ACS::SelectTargets
    Properties: {ResourceType: 'ALIYUN::ECS::Instance', RegionId: '{{ ACS::RegionId }}', Filters: ['{{ targets }}']}
    Outputs: {ids: {Type: List, ValueSelector: 'Instances.Instance[].InstanceId'}}
  - Name: stop
    Action: ACS::ECS::StopInstance
    Properties: {instanceId: '{{ ACS::TaskLoopItem }}'}
    Loop: {Items: '{{ pick.ids }}'}
";

const WORKER: &str = r#"{"Version": "1", "Statement": [
    {"Effect": "Allow", "Action": "ecs:DescribeInstances", "Resource": "*"},
    {"Effect": "Allow", "Action": "ecs:StopInstance", "Resource": "acs:ecs:*:*:instance/*",
     "Condition": {"StringEquals": {"acs:ResourceTag/team": "web"}}}
]}"#;

#[test]
fn a_role_is_sufficient_and_not_too_wide() {
    let cloud = FakeCloud::new();
    cloud.ecs().instance().running().tag("team", "web").create();
    cloud.ram().role("OosWorker").trusts_oos().policy(WORKER).create();
    cloud.ram().enforce(On);
    let bed = TestBed::on(&cloud);

    let run = bed.run_yaml(STOP, params! { "targets" => by_tag("team", "web"), "OOSAssumeRole" => "OosWorker" });

    run.expect_success();
    run.calls("*", "*").by_role("OosWorker").count(1..);
    run.least_privilege().assert_covered_by(WORKER).assert_equals_snapshot("worker_policy");
    let other = cloud.ecs().instance().running().tag("team", "db").create();
    let refused = bed.run_action_as("OosWorker", "ACS::ECS::StopInstance", json!({"instanceId": other}));
    refused.expect_failure().code("Forbidden.RAMSTS");
    assert_eq!(cloud.ecs().status(&other), "Running");
}

const ISSUE: &str = "
FormatVersion: OOS-2019-06-01
Parameters:
  domain: {Type: String}
Tasks:
  - Name: issue
    Action: Acme::IssueCertificate
    Properties: {domain: '{{ domain }}'}
    Outputs: {order: {Type: String, ValueSelector: orderId}}
  - Name: wait
    Action: ACS::WaitFor
    Properties:
      Service: CAS
      API: DescribeCertificateState
      Parameters: {OrderId: '{{ issue.order }}'}
      PropertySelector: Type
      DesiredValues: [certificate]
    Outputs: {text: {Type: String, ValueSelector: Certificate}}
Outputs:
  certificate: {Type: String, Value: '{{ wait.text }}'}
";

/// An action of the user's own.
#[derive(Debug)]
struct IssueCertificate(ActionName);

#[async_trait]
impl Action for IssueCertificate {
    fn name(&self) -> &ActionName {
        &self.0
    }

    async fn run(&self, ctx: ActionContext) -> Result<Outcome, ActionError> {
        let domain = ctx.raw_properties().get("domain").cloned().unwrap_or_default();
        let request = ApiRequest::new("CAS", "CreateCertificateRequest", params! { "Domain" => domain });
        let answer = ctx.call(request).await?;
        Ok(outputs! { "orderId" => answer.body.at(&["OrderId"]).clone() })
    }
}

#[test]
fn waits_for_the_certificate() {
    let cloud = FakeCloud::new();
    cloud
        .stub("CAS", "DescribeCertificateState")
        .per("OrderId")
        .sequence([
            ok(json!({"Type": "process"})),
            err("Throttling.User", 429, "slow down"),
            ok(json!({"Type": "certificate", "Certificate": "PEM"})),
        ])
        .then_last();
    cloud.stub("CAS", "CreateCertificateRequest").json(json!({"OrderId": 77})).times(1..=1);
    let bed = TestBed::on(&cloud).register(IssueCertificate(ActionName::new("Acme::IssueCertificate")));

    let run = bed.run_yaml(ISSUE, json!({"domain": "example.com"}));

    run.expect_success();
    run.task("issue").status(Success).attempts(1);
    run.task("wait").status(Success).attempts(1..=2).took(secs(3));
    run.expect_outputs(json!({"certificate": "PEM"}));
    run.output("certificate").eq("PEM");
    cloud.calls().of("CAS", "DescribeCertificateState").count(3);
    cloud.assert_rules_used();
    run.matches_snapshot("issue_certificate");
}
