//! Permissions, the policy of a finished run, and risks.

use oos_core::{
    Value,
    analysis::{Does, PermissionOptions, Policy, permissions_with, risks, used},
    machine::{RiskPolicy, VerbRisk},
    params,
};

use crate::bed::{call, linked, parent};

#[test]
fn what_a_parent_passes_literally_is_known_in_the_child() {
    let found = parent().permissions();
    assert_eq!(found.actions(), ["ecs:ModifyX".into(), "ecs:StopInstance".into()]);
    assert!(found.unresolved.is_empty(), "{found}");
    assert_eq!(&*found.caller_policy().statements[0].resources[0], "acs:ram::*:role/inner");
}

#[test]
fn resources_are_named_where_parameters_name_them() {
    let linked = parent();
    let options = |id: Value| PermissionOptions {
        parameters: params! { "id" => id },
        resources: true,
        ..PermissionOptions::default()
    };
    let found = permissions_with(&linked.0, &linked.1, &options("i-1".into()));
    let text = found.policy().to_string();
    assert!(
        text.contains(r#"{"Action":["ecs:StopInstance"],"Resource":"acs:ecs:*:*:instance/i-1","Effect":"Allow"}"#),
        "{text}"
    );
    let without = PermissionOptions { resources: true, ..PermissionOptions::default() };
    let open = permissions_with(&linked.0, &linked.1, &without);
    assert!(open.statements.iter().all(|s| s.resources == ["*".into()]), "{open}");
    // A policy for one instance is not enough for any instance.
    let coverage = open.covered_by(&found.policy());
    assert_eq!((coverage.partial.len(), coverage.missing.len()), (1, 0));
}

#[test]
fn known_items_name_one_resource_each() {
    let text = call("a", "StopInstance", "Parameters: {InstanceId: '{{ ACS::TaskLoopItem }}', RegionId: r}")
        .trim_end()
        .to_owned()
        + "\n  Loop: {Items: '{{ ids }}'}\n";
    let linked = linked("Parameters: {ids: {Type: List}}", &text);
    let options = PermissionOptions {
        parameters: params! { "ids" => ["i-1", "i-2"] },
        resources: true,
        ..PermissionOptions::default()
    };
    let found = permissions_with(&linked.0, &linked.1, &options);
    let needs: Vec<_> = found.needs().iter().map(|n| n.resource.to_string()).collect();
    assert_eq!(needs, ["acs:ecs:r:*:instance/i-1", "acs:ecs:r:*:instance/i-2"]);
}

#[test]
fn computed_names_are_unresolved_with_their_lines() {
    let text = "- Name: a
  Action: ACS::ExecuteAPI
  Properties:
    Service: '{{ service }}'
    API: DescribeX
- Name: b
  Action: ACS::Template
  Properties:
    TemplateName: '{{ name }}'
- Name: c
  Action: Acme::Page
- Name: d
  Action: ACS::SelectTargets
  Properties:
    ResourceType: '{{ name }}'
    Filters: []
";
    let linked = linked("Parameters: {service: {Type: String, Default: ECS}, name: {Type: String}}", text);
    let found = linked.permissions();
    let unresolved: Vec<_> = found.unresolved.iter().map(ToString::to_string).collect();
    assert_eq!(
        unresolved,
        ["root:7: task `a`: Service `{{ service }}`", "root:12: task `b`: TemplateName `{{ name }}`"]
    );
    assert_eq!(found.notes.len(), 2, "{found}");
    assert!(found.actions().contains(&"kvstore:DescribeInstances".into()), "{found}");
    // With values the same template has less that is open.
    let options = PermissionOptions { parameters: params! {}, ..PermissionOptions::default() };
    let found = permissions_with(&linked.0, &linked.1, &options);
    assert!(found.actions().contains(&"ecs:DescribeX".into()), "{found}");
}

#[test]
fn the_policy_of_a_finished_run_holds_what_was_called() {
    let call = |service: &str, api: &str, resources: &[&str]| {
        (service.to_owned(), api.to_owned(), resources.iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    let found = used([
        call("ECS", "stopinstance", &["acs:ecs:r:1:instance/i-1"]),
        call("ecs", "StopInstance", &["acs:ecs:r:1:instance/i-2"]),
        call("Redis", "DescribeInstances", &[]),
    ]);
    assert_eq!(
        found.policy().to_string(),
        concat!(
            r#"{"Version":"1","Statement":[{"Action":["ecs:StopInstance"],"#,
            r#""Resource":["acs:ecs:r:1:instance/i-1","acs:ecs:r:1:instance/i-2"],"Effect":"Allow"},"#,
            r#"{"Action":["kvstore:DescribeInstances"],"Resource":"*","Effect":"Allow"}]}"#
        )
    );
    assert!(found.covered_by(&Policy::parse(&found.policy().to_string()).unwrap()).is_sufficient());
}

#[test]
fn risks_follow_the_policy_that_is_given() {
    #[derive(Debug)]
    struct Reads;
    impl RiskPolicy for Reads {
        fn is_high(&self, _: &str, api: &str, _: &str) -> bool {
            api.starts_with("Modify")
        }
    }
    let linked = parent();
    let of = |policy: &dyn RiskPolicy| risks(&linked.0, &linked.1, policy).to_value().to_string();
    assert_eq!(of(&VerbRisk), r#"[{"Service":"ecs","API":"StopInstance","Task":["stop"],"Template":["child"]}]"#);
    assert_eq!(of(&Reads), r#"[{"Service":"ECS","API":"ModifyX","Task":["after"],"Template":["root"]}]"#);
}

#[test]
fn an_action_publishes_what_it_calls_of_its_own_accord() {
    let text = "- {Name: page, Action: 'Acme::Page'}
- {Name: print, Action: 'Acme::Print'}
- {Name: wipe, Action: 'Acme::Wipe', Properties: {Disks: [d-1]}}
- {Name: select, Action: 'ACS::SelectTargets', Properties: {ResourceType: 'aliyun::ecs::instance '}}
- {Name: wrong, Action: 'ACS::SelectTargets', Properties: {ResourceType: 'ALIYUN::OSS::Bucket'}}
";
    let linked = linked("", text);
    let found = linked.permissions();
    let actions = ["ecs:DeleteDisk", "ecs:DescribeDisks", "ecs:DescribeInstances", "oos:GetApplicationGroup"];
    assert_eq!(found.actions(), actions.map(Into::into));
    assert_eq!(found.notes, ["`Acme::Page` is an action of the host; what it calls is not known"]);
    let unresolved: Vec<_> = found.unresolved.iter().map(ToString::to_string).collect();
    assert_eq!(
        unresolved,
        ["root:8: task `wrong`: ResourceType `ALIYUN::OSS::Bucket` is none that `ACS::SelectTargets` knows"]
    );
    let risky = risks(&linked.0, &linked.1, &VerbRisk).to_value().to_string();
    assert_eq!(risky, r#"[{"Service":"ECS","API":"DeleteDisk","Task":["wipe"],"Template":["root"]}]"#);
    // A run makes no call that is only listed, and an action without calls just acts.
    let run = linked.run(Value::Null);
    assert_eq!(run.actions, actions[..3].iter().map(|a| (*a).into()).collect::<Vec<_>>());
    let wipe = run.steps[2].calls();
    assert_eq!((wipe.len(), wipe[0].high_risk, wipe[1].high_risk), (2, false, true));
    assert!(matches!(run.steps[1].does, Does::Acts(_)));
}

#[test]
fn a_complete_list_has_the_reads_after_a_crash_and_the_roles_that_are_handed_over() {
    let role = |text| format!("Parameters: {{InstanceIds: [i-1], RamRoleName: {text}}}");
    let text = call("stop", "StopInstance", "")
        + &call("give", "AttachInstanceRamRole", &role("App"))
        + &call("any", "RunInstances", &role("'{{ r }}'"))
        + &call("look", "DescribeInstanceRamRole", &role("Other"))
        + &call("take", "DetachInstanceRamRole", &role("Taken"));
    let linked = linked("Parameters: {r: {Type: String}}", &text);
    let of = |complete| {
        let options = PermissionOptions { complete, ..PermissionOptions::default() };
        permissions_with(&linked.0, &linked.1, &options)
    };
    let own = [
        "ecs:AttachInstanceRamRole",
        "ecs:DescribeInstanceRamRole",
        "ecs:DetachInstanceRamRole",
        "ecs:RunInstances",
        "ecs:StopInstance",
    ];
    assert_eq!(of(false).actions(), own.map(Into::into));
    let complete = of(true);
    let more: Vec<_> = complete.actions().into_iter().filter(|a| !own.contains(&&**a)).collect();
    assert_eq!(more, ["ecs:DescribeInstances".into(), "ram:PassRole".into()]);
    let roles: Vec<_> = complete.needs().into_iter().filter(|n| &*n.action == "ram:PassRole").collect();
    let roles: Vec<_> = roles.iter().map(|n| &*n.resource).collect();
    assert_eq!(roles, ["acs:ram::*:role/*", "acs:ram::*:role/app"]);
}
