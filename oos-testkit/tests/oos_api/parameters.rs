//! The parameter store, as callers and as templates see it.

use serde_json::json;

use crate::{Desk, column, list, text};

#[test]
fn a_parameter_has_versions() {
    let desk = Desk::new();
    let made = desk.ok(
        "CreateParameter",
        json!({"Name": "p", "Type": "String", "Value": "one", "Description": "d", "Tags": {"a": "b"}}),
    );
    let made = made.at(&["Parameter"]);
    assert!(made.get("Value").is_none() && text(made, &["Id"]).starts_with("p-"), "{made}");
    assert_eq!((text(made, &["ParameterVersion"]), text(made, &["ShareType"])), ("1".into(), "Private".into()));
    assert_eq!((text(made, &["Tags", "a"]), text(made, &["CreatedDate"])), ("b".into(), "2026-01-01T00:00:00Z".into()));
    desk.run_for(60);
    let changed = desk.ok("UpdateParameter", json!({"Name": "p", "Value": "two"}));
    assert_eq!(text(&changed, &["Parameter", "ParameterVersion"]), "2");
    let get = |more: serde_json::Value| {
        let answer = desk.ok("GetParameter", more);
        (text(&answer, &["Parameter", "Value"]), text(&answer, &["Parameter", "UpdatedDate"]))
    };
    assert_eq!(get(json!({"Name": "p"})), ("two".into(), "2026-01-01T00:01:00Z".into()));
    assert_eq!(get(json!({"Name": "p", "ParameterVersion": 1})), ("one".into(), "2026-01-01T00:00:00Z".into()));
    let versions = desk.ok("ListParameterVersions", json!({"Name": "p"}));
    assert_eq!(column(&list(&versions, "ParameterVersions"), "Value"), ["two", "one"]);
    assert_eq!((text(&versions, &["TotalCount"]), text(&versions, &["Type"])), ("2".into(), "String".into()));
    desk.ok("DeleteParameter", json!({"Name": "p"}));
    for api in ["GetParameter", "DeleteParameter", "ListParameterVersions"] {
        assert_eq!(desk.refusal(api, json!({"Name": "p"})), ("EntityNotExists.Parameter".into(), 404), "{api}");
    }
    assert_eq!(desk.code("UpdateParameter", json!({"Name": "p", "Value": "x"})), "EntityNotExists.Parameter");
}

#[test]
fn names_types_values_and_constraints_are_checked() {
    let desk = Desk::new();
    let create = |more: serde_json::Value| {
        let mut request = json!({"Name": "p", "Type": "String", "Value": "v"});
        request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        desk.code("CreateParameter", request)
    };
    assert_eq!(create(json!({"Name": "OOSthing"})), "InvalidParameter.Name");
    assert_eq!(create(json!({"Name": "/acs/x"})), "InvalidParameter.Name");
    assert_eq!(create(json!({"Name": "a b"})), "InvalidParameter.Name");
    assert_eq!(create(json!({"Name": "x".repeat(201)})), "InvalidParameter.Name");
    assert_eq!(create(json!({"Type": "Secret"})), "InvalidParameter.Type");
    assert_eq!(create(json!({"Value": "v".repeat(4097)})), "InvalidParameter.Value");
    assert_eq!(create(json!({"Constraints": "no JSON"})), "InvalidParameter.Constraints");
    assert_eq!(desk.code("CreateParameter", json!({"Name": "p", "Type": "String"})), "MissingParameter.Value");
    for (n, (constraints, good, bad)) in [
        (json!({"AllowedValues": ["a", "b"]}), "a", "c"),
        (json!({"AllowedPattern": "[a-z]+"}), "abc", "abc1"),
        (json!({"MinLength": 2, "MaxLength": 3}), "ab", "abcd"),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("p{n}");
        let request = |value: &str| json!({"Name": name, "Type": "String", "Value": value, "Constraints": constraints.to_string()});
        assert_eq!(desk.code("CreateParameter", request(bad)), "InvalidParameter.Value", "{constraints}");
        desk.ok("CreateParameter", request(good));
        assert_eq!(desk.code("UpdateParameter", json!({"Name": name, "Value": bad})), "InvalidParameter.Value");
        assert_eq!(desk.refusal("CreateParameter", request(good)), ("EntityAlreadyExists.Parameter".into(), 409));
    }
    let token = json!({"Name": "once", "Type": "String", "Value": "v", "ClientToken": "t"});
    assert_eq!(
        desk.ok("CreateParameter", token.clone()).at(&["Parameter", "Id"]),
        desk.ok("CreateParameter", token).at(&["Parameter", "Id"])
    );
}

#[test]
fn paths_and_lists() {
    let desk = Desk::new();
    for (name, kind) in
        [("/app/db/host", "String"), ("/app/db/more/port", "String"), ("/app/zones", "StringList"), ("other", "String")]
    {
        desk.ok(
            "CreateParameter",
            json!({"Name": name, "Type": kind, "Value": "a,b", "Tags": {"n": name.len().to_string()}}),
        );
    }
    desk.cloud.oos().parameter("aliyun/services/x", "public");
    let names = |api: &str, parameters| column(&list(&desk.ok(api, parameters), "Parameters"), "Name");
    assert_eq!(names("GetParametersByPath", json!({"Path": "/app/db/"})), ["/app/db/host"]);
    assert_eq!(names("GetParametersByPath", json!({"Path": "/app", "Recursive": true})).len(), 3);
    let found = desk.ok("GetParametersByPath", json!({"Path": "/app"}));
    assert_eq!(
        (text(&list(&found, "Parameters")[0], &["Value"]), text(&found, &["TotalCount"])),
        ("a,b".into(), "1".into())
    );
    assert_eq!(names("ListParameters", json!({"Type": "StringList"})), ["/app/zones"]);
    assert_eq!(names("ListParameters", json!({"Name": "port"})), ["/app/db/more/port"]);
    assert_eq!(names("ListParameters", json!({"Tags": {"n": "5"}})), ["other"]);
    assert_eq!(names("ListParameters", json!({"SortField": "Name", "SortOrder": "Descending"}))[0], "other");
    assert_eq!(names("ListParameters", json!({"ShareType": "Public"})), ["aliyun/services/x"]);
    assert!(list(&desk.ok("ListParameters", json!({})), "Parameters").iter().all(|row| row.get("Value").is_none()));
    assert_eq!(desk.code("ListParameters", json!({"SortField": "Odd"})), "InvalidParameter.SortField");
    let some = desk.ok("GetParameters", json!({"Names": "[\"other\", \"none\"]"}));
    assert_eq!(
        (names("GetParameters", json!({"Names": ["other"]})), text(&some, &["InvalidParameters"])),
        (vec!["other".into()], r#"["none"]"#.into())
    );
}

#[test]
fn secrets_are_shown_on_demand_only() {
    let desk = Desk::new();
    let made = desk.ok("CreateSecretParameter", json!({"Name": "s/one", "Value": "hush", "KeyId": "k-1"}));
    assert_eq!(
        (text(&made, &["Parameter", "Type"]), text(&made, &["Parameter", "KeyId"])),
        ("Secret".into(), "k-1".into())
    );
    desk.ok("UpdateSecretParameter", json!({"Name": "s/one", "Value": "hush2"}));
    for (api, parameters) in [
        ("GetSecretParameter", json!({"Name": "s/one"})),
        ("GetSecretParameters", json!({"Names": ["s/one"]})),
        ("GetSecretParametersByPath", json!({"Path": "/s"})),
        ("ListSecretParameters", json!({})),
        ("ListSecretParameterVersions", json!({"Name": "s/one"})),
    ] {
        let hidden = desk.ok(api, parameters.clone()).to_string();
        assert!(!hidden.contains("hush") && hidden.contains("s/one"), "{api}: {hidden}");
        let mut open = parameters;
        open["WithDecryption"] = json!(true);
        if api != "ListSecretParameters" {
            assert!(desk.ok(api, open).to_string().contains("hush2"), "{api}");
        }
    }
    let many: Vec<String> = (0..11).map(|n| format!("s{n}")).collect();
    assert_eq!(desk.code("GetSecretParameters", json!({"Names": many})), "LimitExceeded.Names");
    assert_eq!(
        desk.code("CreateSecretParameter", json!({"Name": "x".repeat(181), "Value": "v"})),
        "InvalidParameter.Name"
    );
    // A common parameter of the same name is another one.
    assert_eq!(desk.code("GetParameter", json!({"Name": "s/one"})), "EntityNotExists.Parameter");
    desk.ok("DeleteSecretParameter", json!({"Name": "s/one"}));
    assert_eq!(desk.code("GetSecretParameter", json!({"Name": "s/one"})), "EntityNotExists.Parameter");
}

#[test]
fn a_template_reads_what_was_stored() {
    let desk = Desk::new();
    desk.ok("CreateParameter", json!({"Name": "greeting", "Type": "String", "Value": "hello"}));
    desk.ok("UpdateParameter", json!({"Name": "greeting", "Value": "good day"}));
    desk.ok("CreateParameter", json!({"Name": "pauses", "Type": "StringList", "Value": "PT1S, PT2S"}));
    desk.template("Nap", "FormatVersion: OOS-2019-06-01\nParameters:\n  pause: {Type: String}\nTasks:\n  - Name: nap\n    Action: ACS::Sleep\n    Properties: {Duration: '{{ pause }}'}\n");
    let reading = "
FormatVersion: OOS-2019-06-01
Tasks:
  - Name: nap
    Action: ACS::Template
    Properties: {TemplateName: Nap, Parameters: {pause: '{{ ACS::TaskLoopItem }}'}}
    Loop: {Items: '{{ oos:pauses }}'}
Outputs:
  said: {Type: String, Value: '{{ oos:greeting }}'}
";
    let id = text(&desk.ok("StartExecution", json!({"TemplateContent": reading})), &["Execution", "ExecutionId"]);
    desk.run_for(10);
    let row = desk.row(&id);
    assert_eq!(
        (text(&row, &["Status"]), text(&row, &["Outputs"])),
        ("Success".into(), r#"{"said":"good day"}"#.into())
    );
    assert_eq!(text(&row, &["EndDate"]), "2026-01-01T00:00:03Z");
}
