//! Permissions, risks, actions; tags, groups, settings, regions.

use serde_json::json;

use crate::{Desk, column, list, sleeping, text};

const STOP: &str = "
FormatVersion: OOS-2019-06-01
Tasks:
  - Name: stop
    Action: ACS::ECS::StopInstance
    Properties: {instanceId: i-1}
  - Name: read
    Action: ACS::ExecuteAPI
    Properties: {Service: SLB, API: DescribeLoadBalancers, Parameters: {}}
";

#[test]
fn a_policy_has_what_the_template_and_its_children_call() {
    let desk = Desk::new();
    desk.template("Stop", STOP);
    let answer = desk.ok("GenerateExecutionPolicy", json!({"TemplateName": "Stop"}));
    let policy = text(&answer, &["Policy"]);
    assert!(policy.starts_with(r#"{"Version":"1","Statement":["#), "{policy}");
    for action in ["ecs:StopInstance", "ecs:DescribeInstances", "slb:DescribeLoadBalancers"] {
        assert!(policy.contains(action), "{action}: {policy}");
    }
    assert_eq!(text(&answer, &["MissingPolicy"]), "[]");
    // A role that may only read does not do; the text is no JSON (service-model 6.3).
    let allowed = json!({"Version": "1", "Statement": [{"Effect": "Allow", "Action": ["ecs:*"], "Resource": "*"}]});
    desk.cloud.ram().role("Reader").policy(&allowed.to_string()).create();
    let answer = desk.ok("GenerateExecutionPolicy", json!({"TemplateContent": STOP, "RamRole": "Reader"}));
    assert_eq!(
        text(&answer, &["MissingPolicy"]),
        "[{'Action': ['slb:DescribeLoadBalancers'], 'ServiceName': 'slb', 'Resources': '*'}]"
    );
    assert_eq!(
        desk.code("GenerateExecutionPolicy", json!({"TemplateName": "Stop", "RamRole": "None"})),
        "EntityNotExists.Role"
    );
    assert_eq!(desk.code("GenerateExecutionPolicy", json!({"TemplateName": "None"})), "EntityNotExists.Template");
    assert_eq!(desk.code("GenerateExecutionPolicy", json!({})), "MissingParameter.TemplateName");
}

#[test]
fn risky_calls_are_listed_through_children() {
    let desk = Desk::new();
    desk.template("Stop", STOP);
    let risky = list(&desk.ok("ListExecutionRiskyTasks", json!({"TemplateName": "Stop"})), "RiskyTasks");
    assert_eq!(column(&risky, "API"), ["StopInstance"]);
    assert_eq!(list(&risky[0], "Template").len(), 1);
    assert_eq!(desk.code("ListExecutionRiskyTasks", json!({"TemplateName": "None"})), "EntityNotExists.Template");
    assert_eq!(desk.code("ListExecutionRiskyTasks", json!({})), "MissingParameter.TemplateName");
}

#[test]
fn actions_are_listed_with_their_types() {
    let desk = Desk::new();
    let one = |name: &str| {
        let rows = list(&desk.ok("ListActions", json!({"OOSActionName": name})), "Actions");
        rows.into_iter().find(|row| text(row, &["OOSActionName"]) == name).unwrap()
    };
    for (name, kind) in [
        ("ACS::ExecuteAPI", "Atomic.API"),
        ("ACS::TimerTrigger", "Atomic.Trigger"),
        ("ACS::Choice", "Atomic.Control"),
        ("ACS::Template", "Atomic.Embedded"),
        ("ACS::ECS::StopInstance", "Product.ECS"),
    ] {
        assert_eq!(text(&one(name), &["ActionType"]), kind, "{name}");
    }
    assert!(one("ACS::ExecuteAPI").get("TemplateVersion").is_none());
    assert_eq!(text(&one("ACS::ECS::StopInstance"), &["TemplateVersion"]), "v1");
    assert!(text(&one("ACS::ECS::StopInstance"), &["Properties"]).contains("instanceId"));
    let (mut all, mut token) = (Vec::new(), String::new());
    loop {
        let mut request = json!({"MaxResults": 100});
        if !token.is_empty() {
            request["NextToken"] = json!(token);
        }
        let page = desk.ok("ListActions", request);
        all.extend(column(&list(&page, "Actions"), "OOSActionName"));
        token = text(&page, &["NextToken"]);
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(all.len(), oos_core::ports::action::ActionCatalog::names(desk.service.engine().actions()).len());
    assert!(all.len() > 60 && all.is_sorted_by_key(|name| name.to_lowercase()), "{}", all.len());
}

#[test]
fn tags_are_set_listed_and_removed() {
    let desk = Desk::new();
    desk.template("Nap", &sleeping(1));
    let id = desk.start("Nap", json!({}));
    desk.ok("CreateParameter", json!({"Name": "p", "Type": "String", "Value": "v"}));
    let region = "cn-hangzhou";
    for (kind, thing) in [("template", "Nap"), ("execution", id.as_str()), ("parameter", "p")] {
        let call = |api: &str, more: serde_json::Value| {
            let mut request = json!({"RegionId": region, "ResourceType": kind});
            request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            desk.send(oos_core::ports::ApiRequest::new("OOS", api, oos_core::Value::from(request)))
                .map_err(|error| error.code().to_owned())
        };
        call("TagResources", json!({"ResourceIds": [thing], "Tags": {"a": "1", "b": "2"}})).unwrap();
        let rows = call("ListTagResources", json!({"ResourceIds": [thing], "Tags": {"a": "1"}})).unwrap();
        let rows = list(rows.at(&["TagResources"]), "TagResource");
        assert_eq!(
            (column(&rows, "TagKey"), column(&rows, "TagValue")),
            (vec!["a".into(), "b".into()], vec!["1".into(), "2".into()]),
            "{kind}"
        );
        assert_eq!(text(&rows[0], &["ResourceId"]), thing);
        assert_eq!(text(&call("ListTagKeys", json!({})).unwrap(), &["Keys"]), r#"["a","b"]"#);
        assert_eq!(text(&call("ListTagValues", json!({"Key": "b"})).unwrap(), &["Values"]), r#"["2"]"#);
        call("UntagResources", json!({"ResourceIds": [thing], "TagKeys": ["a"]})).unwrap();
        assert_eq!(text(&call("ListTagKeys", json!({})).unwrap(), &["Keys"]), r#"["b"]"#);
        call("UntagResources", json!({"ResourceIds": [thing], "All": true})).unwrap();
        assert_eq!(text(&call("ListTagKeys", json!({})).unwrap(), &["Keys"]), "[]");

        let tags: serde_json::Map<_, _> = (0..21).map(|n| (format!("k{n}"), json!("v"))).collect();
        assert_eq!(
            call("TagResources", json!({"ResourceIds": [thing], "Tags": tags})),
            Err("LimitExceeded.Tags".into())
        );
        assert_eq!(
            call("TagResources", json!({"ResourceIds": ["none"], "Tags": {"a": "1"}})),
            Err("InvalidResourceId.NotFound".into())
        );
        assert_eq!(call("UntagResources", json!({"ResourceIds": [thing]})), Err("MissingParameter.TagKeys".into()));
    }
    let odd = json!({"RegionId": region, "ResourceType": "application", "ResourceIds": ["x"], "Tags": {"a": "1"}});
    assert_eq!(desk.code("TagResources", odd), "InvalidParameter.ResourceType");
}

#[test]
fn groups_settings_and_regions_are_kept() {
    let desk = Desk::new();
    desk.template("Nap", &sleeping(1));
    let id = desk.start("Nap", json!({}));
    for (kind, thing) in [("template", "Nap"), ("execution", id.as_str())] {
        desk.ok(
            "ChangeResourceGroup",
            json!({"ResourceType": kind, "ResourceId": thing, "NewResourceGroupId": "rg-9"}),
        );
    }
    assert_eq!(text(&desk.row(&id), &["ResourceGroupId"]), "rg-9");
    assert_eq!(text(&desk.ok("GetTemplate", json!({"TemplateName": "Nap"})), &["Template", "ResourceGroupId"]), "rg-9");
    let none = json!({"ResourceType": "template", "ResourceId": "None", "NewResourceGroupId": "rg-9"});
    assert_eq!(desk.code("ChangeResourceGroup", none), "EntityNotExists.Template");

    let settings = |answer: oos_core::Value| list(&answer, "ServiceSettings").remove(0);
    assert_eq!(text(&settings(desk.ok("GetServiceSettings", json!({}))), &["DeliveryOssEnabled"]), "false");
    desk.ok("SetServiceSettings", json!({"DeliveryOssEnabled": true, "DeliveryOssBucketName": "b"}));
    let now = settings(desk.ok("GetServiceSettings", json!({})));
    assert_eq!(
        (text(&now, &["DeliveryOssEnabled"]), text(&now, &["DeliveryOssBucketName"])),
        ("true".into(), "b".into())
    );

    let regions = list(&desk.ok("DescribeRegions", json!({"AcceptLanguage": "en-US"})), "Regions");
    assert_eq!(text(&regions[0], &["RegionEndpoint"]), "oos.cn-hangzhou.aliyuncs.com");
    assert_eq!(text(&regions[0], &["LocalName"]), "China (Hangzhou)");
}
