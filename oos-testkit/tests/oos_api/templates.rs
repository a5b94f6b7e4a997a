//! Templates and their versions.

use serde_json::json;

use crate::{Desk, column, list, sleeping, text};

#[test]
fn a_template_is_made_changed_read_and_deleted() {
    let desk = Desk::new();
    let made = desk.ok(
        "CreateTemplate",
        json!({"TemplateName": "Nap", "Content": sleeping(1), "VersionName": "first", "Tags": {"team": "blue"}}),
    );
    let template = made.at(&["Template"]);
    assert_eq!(text(&made, &["TemplateType"]), "Automation");
    assert_eq!(text(template, &["TemplateVersion"]), "v1");
    assert_eq!(text(template, &["TemplateFormat"]), "YAML");
    assert_eq!(text(template, &["CreatedBy"]), "root(1234567890123456)");
    assert_eq!(text(template, &["CreatedDate"]), "2026-01-01T00:00:00Z");
    assert_eq!(text(template, &["Tags", "team"]), "blue");
    assert_eq!(text(template, &["HasTrigger"]), "false");
    assert_eq!(text(template, &["Hash"]).len(), 64);
    assert!(text(template, &["TemplateId"]).starts_with("t-") && text(template, &["TemplateId"]).len() == 22);

    let json_text = r#"{"FormatVersion": "OOS-2019-06-01", "Description": "in JSON", "Tasks": [{"Name": "nap", "Action": "ACS::Sleep", "Properties": {"Duration": "PT2S"}}]}"#;
    let changed = desk.ok("UpdateTemplate", json!({"TemplateName": "nap", "Content": json_text}));
    assert_eq!(text(&changed, &["Template", "TemplateVersion"]), "v2");
    assert_eq!(text(&changed, &["Template", "TemplateFormat"]), "JSON");

    let newest = desk.ok("GetTemplate", json!({"TemplateName": "Nap"}));
    assert_eq!(
        (text(&newest, &["Content"]), text(&newest, &["Template", "Description"])),
        (json_text.into(), "in JSON".into())
    );
    let first = desk.ok("GetTemplate", json!({"TemplateName": "Nap", "TemplateVersion": "v1"}));
    assert_eq!((text(&first, &["Content"]), text(&first, &["Template", "VersionName"])), (sleeping(1), "first".into()));

    let versions = list(&desk.ok("ListTemplateVersions", json!({"TemplateName": "Nap"})), "TemplateVersions");
    assert_eq!(column(&versions, "TemplateVersion"), ["v2", "v1"]);
    assert_eq!(column(&versions, "TemplateFormat"), ["JSON", "YAML"]);

    desk.ok("DeleteTemplate", json!({"TemplateName": "Nap"}));
    assert_eq!(desk.refusal("GetTemplate", json!({"TemplateName": "Nap"})), ("EntityNotExists.Template".into(), 404));
    assert_eq!(desk.code("ListTemplateVersions", json!({"TemplateName": "Nap"})), "EntityNotExists.Template");
}

#[test]
fn wrong_templates_are_refused_with_the_place() {
    let desk = Desk::new();
    desk.template("Nap", &sleeping(1));
    let again = json!({"TemplateName": "Nap", "Content": sleeping(1)});
    assert_eq!(desk.refusal("CreateTemplate", again), ("EntityAlreadyExists.Template".into(), 409));
    assert_eq!(desk.code("CreateTemplate", json!({"Content": sleeping(1)})), "MissingParameter.TemplateName");
    assert_eq!(desk.code("CreateTemplate", json!({"TemplateName": "A"})), "MissingParameter.Content");
    assert_eq!(
        desk.code("CreateTemplate", json!({"TemplateName": "ACS-Mine", "Content": sleeping(1)})),
        "InvalidParameter.TemplateName"
    );
    let large = format!("{}# {}", sleeping(1), "x".repeat(64 * 1024));
    assert_eq!(desk.code("CreateTemplate", json!({"TemplateName": "A", "Content": large})), "LimitExceeded.Content");
    let tags: serde_json::Map<_, _> = (0..21).map(|n| (format!("k{n}"), json!("v"))).collect();
    assert_eq!(
        desk.code("CreateTemplate", json!({"TemplateName": "A", "Content": sleeping(1), "Tags": tags})),
        "LimitExceeded.Tags"
    );
    let unknown = sleeping(1).replace("ACS::Sleep", "ACS::Slep");
    for api in ["CreateTemplate", "UpdateTemplate"] {
        let name = if api == "CreateTemplate" { "B" } else { "Nap" };
        let request = oos_core::ports::ApiRequest::new(
            "OOS",
            api,
            oos_core::params! { "TemplateName" => name, "Content" => unknown.as_str() },
        );
        let error = desk.send(request).unwrap_err();
        assert_eq!(error.code(), "InvalidTemplate");
        assert!(error.to_string().contains("unknown-action") && error.to_string().contains("6:13"), "{error}");
    }
    // Nothing was kept of what was refused.
    assert_eq!(list(&desk.ok("ListTemplateVersions", json!({"TemplateName": "Nap"})), "TemplateVersions").len(), 1);
    assert_eq!(
        desk.code("UpdateTemplate", json!({"TemplateName": "C", "Content": sleeping(1)})),
        "EntityNotExists.Template"
    );
    assert_eq!(
        desk.code("GetTemplate", json!({"TemplateName": "Nap", "TemplateVersion": "v9"})),
        "EntityNotExists.TemplateVersion"
    );
}

#[test]
fn templates_are_listed_filtered_sorted_and_paged() {
    let desk = Desk::new();
    for n in 0..12 {
        desk.template(&format!("Nap-{n:02}"), &sleeping(1));
        desk.run_for(60);
    }
    let timer = "FormatVersion: OOS-2019-06-01\nTasks:\n  - Name: tick\n    Action: ACS::TimerTrigger\n    Properties: {Type: rate, Expression: 1 hour, EndDate: '2027-01-01T00:00:00Z'}\n";
    desk.ok("CreateTemplate", json!({"TemplateName": "Tick", "Content": timer, "Tags": {"kind": "timer"}}));
    desk.start("Nap-03", json!({}));
    let names = |parameters| column(&list(&desk.ok("ListTemplates", parameters), "Templates"), "TemplateName");

    assert_eq!(names(json!({"MaxResults": 10})).first().unwrap(), "Nap-03", "the one that was run most comes first");
    assert_eq!(names(json!({"HasTrigger": true})), ["Tick"]);
    assert_eq!(names(json!({"Category": "TimerTrigger"})), ["Tick"]);
    assert_eq!(names(json!({"Tags": {"kind": "timer"}})), ["Tick"]);
    assert_eq!(names(json!({"TemplateName": "-1", "SortField": "TemplateName"})), ["Nap-11", "Nap-10"]);
    assert!(names(json!({"CreatedBy": "ACS"})).is_empty() && names(json!({"ShareType": "Public"})).is_empty());
    assert_eq!(
        names(
            json!({"CreatedDateBefore": "2026-01-01T00:01:00Z", "SortField": "CreatedDate", "SortOrder": "Ascending"})
        ),
        ["Nap-00", "Nap-01"]
    );
    let first =
        desk.ok("ListTemplates", json!({"MaxResults": 10, "SortField": "TemplateName", "SortOrder": "Ascending"}));
    assert_eq!(list(&first, "Templates").len(), 10);
    let rest = json!({"MaxResults": 10, "SortField": "TemplateName", "SortOrder": "Ascending", "NextToken": text(&first, &["NextToken"])});
    assert_eq!(names(rest), ["Nap-10", "Nap-11", "Tick"]);
    assert_eq!(desk.code("ListTemplates", json!({"SortField": "Colour"})), "InvalidParameter.SortField");
    assert_eq!(desk.code("ListTemplates", json!({"CreatedDateAfter": "soon"})), "InvalidParameter.CreatedDateAfter");

    desk.ok(
        "UpdateTemplateAttributes",
        json!({"TemplateName": "Tick", "IsFavorite": true, "SharePermissionAction": "Share", "AccountIds": "1,2"}),
    );
    assert_eq!(names(json!({"IsFavorite": true})), ["Tick"]);
    assert_eq!(text(&desk.ok("GetTemplate", json!({"TemplateName": "Tick"})), &["Template", "SharedAccounts"]), "1,2");
    assert_eq!(
        desk.code(
            "UpdateTemplateAttributes",
            json!({"TemplateName": "Tick", "SharePermissionAction": "Share", "AccountIds": "1,2,3,4,5,6"})
        ),
        "LimitExceeded.AccountIds"
    );

    assert_eq!(desk.code("DeleteTemplates", json!({"TemplateNames": ["Nap-00", "None"]})), "EntityNotExists.Template");
    desk.ok("DeleteTemplates", json!({"TemplateNames": "[\"Nap-00\",\"Nap-01\"]"}));
    assert_eq!(names(json!({})).len(), 11);
}

#[test]
fn deleting_a_template_may_take_its_ended_executions_along() {
    let desk = Desk::new();
    desk.template("Nap", &sleeping(1));
    desk.template("Nap-Long", &sleeping(3600));
    let (ended, open) = (desk.start("Nap", json!({})), desk.start("Nap-Long", json!({})));
    desk.run_for(10);
    desk.ok("DeleteTemplate", json!({"TemplateName": "Nap", "AutoDeleteExecutions": true}));
    assert!(list(&desk.ok("ListExecutions", json!({"ExecutionId": ended})), "Executions").is_empty());
    assert_eq!(desk.status(&open), "Running");
    // Without it they stay, and the run goes on with the template that it started with.
    desk.ok("DeleteTemplate", json!({"TemplateName": "Nap-Long"}));
    desk.run_for(3600);
    assert_eq!(desk.status(&open), "Success");
}

#[test]
fn a_text_is_validated_without_being_kept() {
    let desk = Desk::new();
    let parts = desk.ok("ValidateTemplateContent", json!({"Content": sleeping(1)}));
    assert_eq!(text(&parts, &["Parameters"]), r#"{"who":{"Type":"String","Default":"nobody"}}"#);
    let tasks = list(&parts, "Tasks");
    assert_eq!((text(&tasks[0], &["Name"]), text(&tasks[0], &["Type"])), ("nap".into(), "ACS::Sleep".into()));
    assert_eq!(text(&tasks[0], &["Properties"]), r#"{"Duration":"PT1S"}"#);
    assert_eq!(desk.code("ValidateTemplateContent", json!({"Content": "Tasks: 1"})), "InvalidTemplate");
    assert_eq!(desk.code("ValidateTemplateContent", json!({})), "MissingParameter.Content");
    assert_eq!(
        desk.code("ValidateTemplateContent", json!({"TemplateURL": "https://b.oss-cn-hangzhou.aliyuncs.com/t.yml"})),
        "InvalidParameter.TemplateURL"
    );
    let chosen = sleeping(1).replace("Default: nobody", "Default: nobody, AllowedValues: [nobody, ana]");
    let constraints = desk.ok("GetTemplateParameterConstraints", json!({"TemplateContent": chosen}));
    assert_eq!(text(&constraints, &["ParameterConstraints", "who"]), r#"["nobody","ana"]"#);
    assert!(list(&desk.ok("ListTemplates", json!({})), "Templates").is_empty());
}

#[test]
fn a_changed_child_is_run_as_it_is_now() {
    let desk = Desk::new();
    let parent = "FormatVersion: OOS-2019-06-01\nTasks:\n  - Name: below\n    Action: ACS::Template\n    Properties: {TemplateName: Child}\n";
    desk.template("Child", &sleeping(1));
    desk.template("Parent", parent);
    let first = desk.start("Parent", json!({}));
    desk.run_for(5);
    desk.ok("UpdateTemplate", json!({"TemplateName": "Child", "Content": sleeping(100)}));
    let second = desk.start("Parent", json!({}));
    desk.run_for(5);
    assert_eq!((desk.status(&first), desk.status(&second)), ("Success".into(), "Running".into()));
}
