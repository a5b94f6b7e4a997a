//! The embedded catalogue and the normaliser, from outside: worked examples, every call of the official templates, the
//! data file itself.
#![cfg(feature = "catalogue")]
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

#[path = "../examples/generate_catalogue.rs"]
#[expect(dead_code, reason = "the main function of the generator")]
mod generator;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
};

use oos_core::{
    Map, RegionId, Timestamp, Value,
    catalogue::{
        Catalogue, EndpointRule, Form, NormaliseOptions, Normalised, Place, Repeat, Shape, Style, flatten, normalise,
    },
    params,
    ports::api::ApiRequest,
};

const DATA: &[u8] = include_bytes!("../src/catalogue/catalogue.bin");

fn call(service: &str, api: &str, parameters: Value) -> Normalised {
    normalise(&ApiRequest::new(service, api, parameters), &NormaliseOptions::default())
}

fn roa(service: &str, api: &str, method: &str, uri: &str, parameters: Value) -> Normalised {
    let mut request = ApiRequest::new(service, api, parameters);
    (request.method, request.uri) = (Some(method.into()), Some(uri.into()));
    normalise(&request, &NormaliseOptions::default())
}

fn pairs(normalised: &Normalised, place: Place) -> BTreeMap<String, String> {
    normalised.pairs(place).into_iter().collect()
}

fn query(normalised: &Normalised) -> String {
    normalised.pairs(Place::Query).into_iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join("&")
}

mod shared {
    use super::*;

    /// The shared folder next to the official templates.
    pub(crate) fn folder(name: &str) -> Option<PathBuf> {
        #[expect(clippy::disallowed_methods, reason = "the test data is found through this variable")]
        let corpus = std::env::var("OOS_CORPUS").ok();
        if corpus.is_none() {
            println!("skipped: OOS_CORPUS is not set");
        }
        corpus.map(|c| if name == "spec" { Path::new(&c).join("../spec") } else { Path::new(&c).join(name) })
    }
}

mod worked_examples {
    use super::*;

    #[test]
    fn template_parameters_become_wire_parameters() {
        let file: Value = Value::from_json_str(include_str!("vectors/oos_mapping.json")).unwrap();
        let vectors = file.get("vectors").unwrap().as_list().unwrap();
        assert_eq!(vectors.len(), 15);
        for vector in vectors {
            let text = |key: &str| vector.get(key).unwrap().as_str().unwrap();
            let got = call(text("service"), text("api"), vector.get("parameters").unwrap().clone());
            let expected = |key: &str| -> BTreeMap<String, String> {
                let map = vector.get(key).unwrap().as_map().unwrap();
                map.iter().map(|(k, v)| (k.to_string(), v.to_text().to_string())).collect()
            };
            assert_eq!(pairs(&got, Place::Query), expected("query"), "{}", text("api"));
            assert_eq!(pairs(&got, Place::FormBody), expected("form_body"), "{}", text("api"));
            assert_eq!(got.version.as_deref(), Some(text("version")), "{}", text("api"));
            assert_eq!((&got.unknown.len(), &got.warnings.len()), (&0, &0), "{:?}", got.warnings);
        }
    }

    #[test]
    fn the_same_tree_is_rebuilt_from_the_wire() {
        let file: Value = Value::from_json_str(include_str!("vectors/oos_mapping.json")).unwrap();
        for vector in file.get("vectors").unwrap().as_list().unwrap() {
            let text = |key: &str| vector.get(key).unwrap().as_str().unwrap();
            let from_template = call(text("service"), text("api"), vector.get("parameters").unwrap().clone());
            assert_eq!(from_template.params(), rebuilt(&from_template).params(), "{}", text("api"));
        }
    }

    /// What a server makes of the pairs on the wire.
    pub(crate) fn rebuilt(sent: &Normalised) -> Normalised {
        let wire = [Place::Query, Place::FormBody].into_iter().flat_map(|place| sent.pairs(place));
        let request = ApiRequest::new(sent.service.clone(), sent.api.clone(), wire.collect::<Map>());
        normalise(&request, &NormaliseOptions { keep_empty: true, ..NormaliseOptions::default() })
    }

    #[test]
    fn names_in_any_case_come_out_official() {
        for (service, api, official) in [
            ("ecs", "UNTAGRESOURCES", "UntagResources"),
            ("Ess", "ExitStandBy", "ExitStandby"),
            ("ECS", "DescribeInstanceRAMRole", "DescribeInstanceRamRole"),
            ("OSS", "PutBucketACL", "PutBucketAcl"),
        ] {
            assert_eq!(&*call(service, api, Value::Null).api, official);
        }
    }

    #[test]
    fn indexed_and_dotted_names_meet_in_one_list() {
        let got = call("ESS", "DescribeScalingInstances", params! { "InstanceId1" => "i-1", "InstanceId.3" => "i-3" });
        assert_eq!(got.params().get("InstanceId").unwrap().to_string(), r#"["i-1",null,"i-3"]"#);
        let got =
            call("ECS", "DescribeSnapshots", params! { "Filter2Key" => "CreationEndTime", "Filter2Value" => "x" });
        assert_eq!(query(&got), "Filter.2.Key=CreationEndTime&Filter.2.Value=x");
        let got = call(
            "ECS",
            "RunInstances",
            params! { "Tag.1.Key" => "a", "SystemDiskSize" => 40, "SystemDisk.Category" => "c" },
        );
        assert_eq!(query(&got), "Tag.1.Key=a&SystemDisk.Size=40&SystemDisk.Category=c");
        assert_eq!(got.params().get("SystemDisk"), Some(&params! { "Size" => "40", "Category" => "c" }));
    }

    #[test]
    fn a_struct_under_its_own_name_and_a_member_alias_come_to_the_same() {
        let whole = call("ECS", "RunInstances", params! { "ImageOptions" => params! { "LoginAsNonRoot" => true } });
        let member = call("ECS", "RunInstances", params! { "ImageOptions.LoginAsNonRoot" => "true" });
        assert_eq!(whole.tree, member.tree);
        assert_eq!(query(&whole), "ImageOptions.LoginAsNonRoot=true");
    }

    #[test]
    fn empty_texts_mean_not_given_at_the_top_only() {
        let parameters = params! { "InstanceId" => "i-1", "StoppedMode" => "", "Tag" => Value::Null };
        assert_eq!(query(&call("ECS", "StopInstance", parameters.clone())), "InstanceId=i-1");
        let keep = NormaliseOptions { keep_empty: true, ..NormaliseOptions::default() };
        let kept = normalise(&ApiRequest::new("ECS", "StopInstance", parameters), &keep);
        assert_eq!(query(&kept), "InstanceId=i-1&StoppedMode=");
        let tags = call("ECS", "TagResources", params! { "Tags" => [params! { "Key" => "k", "Value" => "" }] });
        assert_eq!(query(&tags), "Tag.1.Key=k&Tag.1.Value=");
    }

    #[test]
    fn an_instance_id_of_describe_instances_never_widens_the_call() {
        for given in [Value::from("i-1 "), Value::from(["i-1"])] {
            let got = call("ECS", "DescribeInstances", params! { "InstanceId" => given });
            assert_eq!(query(&got), r#"InstanceIds=["i-1"]"#);
            assert_eq!((got.unknown.len(), got.warnings.len()), (0, 1));
        }
    }

    #[test]
    fn lists_reach_flattened_json_and_comma_parameters() {
        let text = call("ECS", "RunCommand", params! { "InstanceId" => r#"["i-1", "i-2"]"# });
        assert_eq!(query(&text), "InstanceId.1=i-1&InstanceId.2=i-2");
        let one = call("ECS", "RunCommand", params! { "InstanceIds" => "i-1" });
        assert_eq!(query(&one), "InstanceId.1=i-1");
        let ids = call("ECS", "DescribeDisks", params! { "DiskIds" => Value::empty_list() });
        assert_eq!(query(&ids), "DiskIds=[]", "no ids is not the same as every id");
        let names =
            roa("CS", "DescribeClusterNodes", "GET", "/clusters/c/nodes", params! { "instanceIds" => ["i-1", "i-2"] });
        assert_eq!(query(&names), "instanceIds=i-1,i-2");
    }

    #[test]
    fn lists_in_a_text_parameter_read_as_lists() {
        let got = call("ECS", "AttachInstanceRamRole", params! { "InstanceIds" => ["i-1"] });
        assert_eq!(query(&got), r#"InstanceIds=["i-1"]"#);
        assert_eq!(got.params().get("InstanceIds"), Some(&["i-1"].into()));
        let script = r#"{"not": "parsed"}"#;
        let got = call("ECS", "RunCommand", params! { "CommandContent" => script });
        assert_eq!(got.params().get("CommandContent"), Some(&script.into()));
    }

    #[test]
    fn tags_read_alike_in_every_spelling() {
        let expected = Value::from([params! { "Key" => "k", "Value" => "v" }]);
        for (service, api, name, value) in [
            ("ECS", "TagResources", "Tags", Value::from([params! { "Key" => "k", "Value" => "v" }])),
            ("ECS", "TagResources", "Tag", params! { "Key" => "k", "Value" => "v" }),
            ("TAG", "TagResources", "Tags", params! { "k" => "v" }),
            ("TAG", "TagResources", "Tags", Value::from(r#"{"k":"v"}"#)),
        ] {
            let params = call(service, api, params! { name => value.clone() }).params();
            let got = params.get("Tag").or(params.get("Tags"));
            assert_eq!(got, Some(&expected), "{service} {name} {value}");
        }
    }
}

mod unknown_names {
    use super::*;

    #[test]
    fn a_name_that_a_complete_operation_lacks_is_reported_and_still_sent() {
        let parameters = params! { "InstanceId" => "i-1", "Typo" => ["a"], "TypoIds" => ["b"], "Nope.1.Key" => "x" };
        let got = call("ECS", "StopInstance", parameters);
        assert_eq!(got.unknown, ["Typo".into(), "TypoIds".into(), Arc::<str>::from("Nope.1.Key")]);
        assert_eq!(query(&got), r#"InstanceId=i-1&Typo.1=a&TypoIds=["b"]&Nope.1.Key=x"#);
    }

    #[test]
    fn an_operation_without_a_full_list_takes_any_name_as_one_text() {
        let got = call("ECS", "ModifyHpcClusterAttribute", params! { "Whatever" => params! { "a" => [1] } });
        assert_eq!((query(&got).as_str(), got.unknown.len()), (r#"Whatever={"a":[1]}"#, 0));
    }

    #[test]
    fn an_unknown_operation_is_passed_on_as_written() {
        let got = call("Foo", "DoBar", params! { "A" => [1], "B" => params! { "c" => true }, "RegionId" => "cn-x" });
        assert_eq!(query(&got), "A.1=1&B.c=true&RegionId=cn-x");
        assert_eq!((&*got.service, &*got.api, got.version.clone()), ("foo", "DoBar", None));
        assert!(got.operation.is_none() && got.warnings.len() == 1);
        assert_eq!(got.repeat(), Repeat::Never);
    }

    #[test]
    fn hostile_names_cost_nothing_and_lose_nothing() {
        for name in ["Tag.4000000000.Key", "InstanceId99999999999", "..", "Tag.-1", "Tag.1.1.1.1.1", ""] {
            let got = call("ECS", "TagResources", params! { name => "x" });
            assert_eq!(got.pairs(Place::Query).len(), 1, "{name}: {:?}", got.tree);
        }
        let both = call("ECS", "RunInstances", params! { "SystemDisk.Size" => 1, "SystemDisk.1" => 2 });
        assert_eq!(query(&both), "SystemDisk.Size=1&SystemDisk.1=2");
    }
}

mod targets {
    use super::*;

    #[test]
    fn method_and_uri_decide_over_the_name() {
        let got = roa("CS", "DescribeClusters", "get", "/clusters/c-1", Value::Null);
        assert_eq!((&*got.api, &*got.path, got.style), ("DescribeClusterDetail", "/clusters/c-1", Style::Roa));
        let got = roa("CS", "X", "GET", "/clusters/c%201/nodepools/np 1", params! { "RegionId" => "cn-x", "a" => 1 });
        assert_eq!((&*got.api, &*got.path), ("DescribeClusterNodePoolDetail", "/clusters/c%201/nodepools/np%201"));
        assert_eq!(pairs(&got, Place::Path).get("ClusterId").map(String::as_str), Some("c 1"));
        assert_eq!((query(&got).as_str(), got.region.as_deref()), ("a=1", Some("cn-x")));
    }

    #[test]
    fn a_path_of_the_catalogue_is_filled_and_encoded() {
        let got = call("SAE", "BindSlb", params! { "AppId" => "a/b" });
        assert_eq!((&*got.path, &*got.method, got.style), ("/pop/v1/sam/app/slb", "POST", Style::Roa));
        let got = call("CS", "DescribeTaskInfo", params! { "task_id" => "T/1 x" });
        assert_eq!((&*got.path, query(&got).as_str()), ("/tasks/T%2F1%20x", ""));
        let missing = call("CS", "DescribeTaskInfo", Value::Null);
        assert_eq!(missing.warnings.len(), 1);
    }

    #[test]
    fn host_inputs_leave_the_query() {
        let got =
            roa("OSS", "PutBucketReferer", "PUT", "?referer", params! { "BucketName" => "b", "RegionId" => "cn-x" });
        assert_eq!((got.style, got.bucket.as_deref(), &*got.path), (Style::ObjectStorage, Some("b"), "/"));
        assert_eq!((query(&got).as_str(), got.region.as_deref()), ("referer=", Some("cn-x")));
        let got = roa(
            "MNS",
            "PublishMessage",
            "POST",
            "/topics/t/messages",
            params! { "AccountId" => "1", "RegionId" => "r" },
        );
        assert_eq!(
            (got.style, got.account_id.as_deref(), &*got.path),
            (Style::MnsRest, Some("1"), "/topics/t/messages")
        );
        let got = roa("FC", "GetService", "GET", "/services/s", params! { "AccountId" => "1" });
        assert_eq!((&*got.path, &*got.product, &*got.service), ("/2021-04-06/services/s", "fc-open", "fc"));
        let got = roa("EVENTBRIDGE", "PutEvents", "POST", "/openapi/putEvents", params! { "AccountId" => "1" });
        assert_eq!((&*got.api, got.style, got.account_id.as_deref()), ("PutEvents", Style::Roa, Some("1")));
        assert!(got.unknown.is_empty());
    }

    #[test]
    fn object_keys_stay_as_they_are() {
        let got = roa("OSS", "GenerateUrl", "PUT", "dir/a b?.tgz", params! { "BucketName" => "b", "Expires" => 6000 });
        assert_eq!((got.style, &*got.path, &*got.method), (Style::Local, "/dir/a b?.tgz", "PUT"));
        assert_eq!((query(&got).as_str(), got.unknown.len()), ("Expires=6000", 0));
    }

    #[test]
    fn region_and_token_are_filled_where_the_api_takes_them() {
        let mut request = ApiRequest::new("ECS", "RunCommand", params! { "Type" => "x" });
        (request.region, request.token) = (Some(RegionId::new("cn-x")), Some("t-1".into()));
        let got = normalise(&request, &NormaliseOptions::default());
        assert_eq!(
            (query(&got).as_str(), got.region.as_deref()),
            ("Type=x&RegionId=cn-x&ClientToken=t-1", Some("cn-x"))
        );
        request.parameters = params! { "ClientToken" => "own", "RegionId" => "cn-y" };
        assert_eq!(query(&normalise(&request, &NormaliseOptions::default())), "ClientToken=own&RegionId=cn-y");
        let mut read = ApiRequest::new("RDS", "DescribeDBInstances", Value::Null);
        read.token = Some("t-1".into());
        assert_eq!(query(&normalise(&read, &NormaliseOptions::default())), "", "pages of a read would share it");
        request = ApiRequest::new("Actiontrail", "CreateTrail", params! { "RegionId" => "cn-x", "RoleName" => "r" });
        let got = normalise(&request, &NormaliseOptions::default());
        assert_eq!((query(&got).as_str(), got.region.as_deref(), got.unknown.len()), ("", Some("cn-x"), 0));
    }

    #[test]
    fn products_are_found_under_their_other_names() {
        let catalogue = Catalogue::embedded();
        for (service, api, product, version) in [
            ("BSS", "SetRenewal", "bssopenapi", "2017-12-14"),
            ("REDIS", "DescribeInstances", "r-kvstore", "2015-01-01"),
            ("KVSTORE", "DescribeInstances", "r-kvstore", "2015-01-01"),
            ("MNS", "PublishMessage", "mns", "2015-06-06"),
            ("mns", "CreateTopic", "mns-open", "2022-01-19"),
            ("FC", "InvokeFunction", "fc-open", "2021-04-06"),
            ("fc", "CreateSession", "fc", "2023-03-30"),
            ("ESS", "DescribeScalingGroups", "ess", "2014-08-28"),
            ("waf-openapi", "ModifyLogServiceStatus", "waf-openapi", "2019-09-10"),
        ] {
            let operation = catalogue.operation(service, api, None).unwrap_or_else(|| panic!("{service} {api}"));
            assert_eq!((&*operation.product, &*operation.version), (product, version), "{service} {api}");
        }
        let newer = catalogue.operation("ess", "DescribeScalingGroups", Some("2022-02-22")).unwrap();
        assert_eq!(&*newer.version, "2022-02-22");
        assert!(catalogue.operation("ess", "DescribeScalingGroups", Some("1999-01-01")).is_none());
    }
}

mod facts {
    use super::*;

    #[test]
    fn repeat_classes_follow_the_rule() {
        let class = |service: &str, api: &str| Catalogue::embedded().operation(service, api, None).unwrap().repeat();
        assert_eq!(class("ecs", "DescribeInstances"), Repeat::Read);
        assert_eq!(class("oss", "GenerateUrl"), Repeat::Read);
        assert_eq!(class("ecs", "RunCommand"), Repeat::Token);
        assert_eq!(class("ecs", "RunInstances"), Repeat::Token);
        assert_eq!(class("ecs", "DeleteSnapshot"), Repeat::Natural);
        assert_eq!(class("ecs", "TagResources"), Repeat::Natural);
        assert_eq!(class("ess", "CompleteLifecycleAction"), Repeat::Token);
        assert_eq!(class("ecs", "StopInstance"), Repeat::Probe);
        assert_eq!(class("ess", "ExitStandBy"), Repeat::Token);
        assert_eq!(class("rds", "RestartDBInstance"), Repeat::Token);
        assert_eq!(class("ecs", "ReInitDisk"), Repeat::Never);
        assert_eq!(class("CS", "DeleteClusterNodes"), Repeat::Natural);
    }

    #[test]
    fn a_probe_asks_about_the_things_of_the_call_and_nothing_else() {
        let write = call("ECS", "StopInstances", params! { "RegionId" => "cn-x", "InstanceIds" => ["i-1", "i-2"] });
        let probe = write.operation.as_ref().unwrap().probe().unwrap();
        let request = ApiRequest::new("ECS", "StopInstances", params! { "RegionId" => "cn-x" });
        let read = probe.request(&request, &write.params());
        let sent = normalise(&read, &NormaliseOptions::default());
        assert_eq!(query(&sent), r#"InstanceIds=["i-1","i-2"]&RegionId=cn-x"#);
        let done = |results: &[&str]| {
            let results: Vec<_> = results.iter().map(|r| Value::from(*r)).collect();
            probe.is_done(&results, &write.params(), Timestamp::from_millis(0))
        };
        assert!(done(&["Stopping", "stopped"]));
        assert!(!done(&["Stopped", "Running"]));
        assert!(!done(&["Stopped"]), "one of two has not been seen");
        assert!(!done(&[]));
    }

    #[test]
    fn a_reboot_is_done_when_the_thing_started_since() {
        let write = call("ECS", "RebootInstance", params! { "InstanceId" => "i-1" });
        let probe = write.operation.as_ref().unwrap().probe().unwrap();
        let intent = Timestamp::parse("2026-01-01T10:30:20Z").unwrap();
        let done = |time: &str| probe.is_done(&[time.into()], &write.params(), intent);
        assert!(done("2026-01-01T10:30Z") && done("2026-01-01T10:30:20Z"));
        assert!(!done("2026-01-01T10:29Z") && !done("2026-01-01T10:30:19Z") && !done("x"));
    }

    #[test]
    fn endpoint_facts_are_those_of_the_version() {
        let facts = |product: &str| Catalogue::embedded().endpoint_facts(product, None).unwrap();
        assert_eq!(facts("ECS").hosts.get("cn-hangzhou").map(|h| &**h), Some("ecs-cn-hangzhou.aliyuncs.com"));
        assert_eq!(facts("oos").rule_host("cn-hangzhou", "vpc"), "oos-vpc.cn-hangzhou.aliyuncs.com");
        assert_eq!((facts("cdn").rule, facts("resourcecenter").rule), (EndpointRule::Central, EndpointRule::Central));
        assert_eq!(facts("r-kvstore").location_code.as_deref(), Some("redisa"));
        assert!(facts("ecs").vpc_hosts.len() > 30);
        assert_eq!(facts("mns").pattern.as_deref(), Some("{account}.mns.{region}.aliyuncs.com"));
        assert_eq!(facts("eci").rule_host("cn-x", ""), "eci.cn-x.aliyuncs.com");
    }

    #[test]
    fn shapes_and_paging_are_there() {
        let op = Catalogue::embedded().operation("ECS", "describeinstances", None).unwrap();
        let status =
            op.response.as_ref().and_then(|r| r.member("Instances")?.member("Instance")?.item()?.member("Status"));
        assert_eq!(status, Some(&Shape::String));
        let paging = op.paging.as_ref().unwrap();
        assert_eq!(
            paging.token.as_ref().map(|t| (&*t.cursor, t.size.as_deref())),
            Some(("NextToken", Some("MaxResults")))
        );
        assert_eq!(paging.number.as_ref().map(|t| &*t.cursor), Some("PageNumber"));
        let instance_ids = op.parameter("instanceids").unwrap();
        assert_eq!((&*instance_ids.name, instance_ids.form), ("InstanceIds", Form::JsonText));
    }

    #[test]
    fn flattening_is_that_of_the_vectors() {
        let mut out = Vec::new();
        flatten("Tag", &Value::from([params! { "Key" => "k", "N" => 1.0 }]), &mut out);
        assert_eq!(out, [("Tag.1.Key".to_owned(), "k".to_owned()), ("Tag.1.N".to_owned(), "1".to_owned())]);
    }
}

mod data_file {
    use super::*;

    #[test]
    fn it_stays_small() {
        assert!(DATA.len() < 500_000, "{} bytes", DATA.len());
    }

    #[test]
    fn every_operation_of_every_product_can_be_read() {
        let catalogue = Catalogue::embedded();
        let (mut operations, mut shapes, mut products) = (0, 0, BTreeSet::new());
        for product in catalogue.products() {
            for version in catalogue.api_versions(&product) {
                products.insert((product.clone(), version.clone()));
                for api in catalogue.operations(&product) {
                    let Some(op) = catalogue.operation(&product, &api, Some(&version)) else { continue };
                    operations += usize::from(op.product == product);
                    shapes += usize::from(op.product == product && op.response.is_some());
                }
            }
        }
        // 8,965 of the packages, 7 that only the catalogue has, 5 in no public package; 407 and those 5 have shapes.
        assert_eq!((operations, shapes), (8977, 412));
        assert!(catalogue.products().len() >= 60);
    }

    #[test]
    fn every_probe_reads_an_operation_and_a_path_that_exist() {
        let catalogue = Catalogue::embedded();
        let mut seen = 0;
        for product in ["ecs", "vpc", "ess", "rds", "ecd"] {
            for api in catalogue.operations(product) {
                let Some(probe) = catalogue.operation(product, &api, None).and_then(|op| op.probe()) else { continue };
                let read = catalogue.operation(product, probe.read, None).unwrap();
                for input in probe.inputs {
                    assert!(read.parameter(input.to).is_some(), "{api}: {} has no {}", probe.read, input.to);
                }
                let mut shape = read.response.as_ref().unwrap();
                // What stands behind a pipe judges the values that the path leads to.
                let path = probe.selector.split('|').next().unwrap().trim();
                for part in path.trim_start_matches('.').split('.') {
                    let member = shape.member(part.trim_end_matches("[]"));
                    shape = member.unwrap_or_else(|| panic!("{api}: {} has no {part}", probe.read));
                    shape = if part.ends_with("[]") { shape.item().unwrap() } else { shape };
                }
                seen += 1;
            }
        }
        assert_eq!(seen, 22, "entries of operations that do not exist");
    }

    #[test]
    fn the_generator_writes_the_committed_bytes() {
        let Some(tables) = shared::folder("spec") else { return };
        assert!(generator::generate(&tables).unwrap() == DATA, "run the generator and commit its output");
    }
}

mod official_templates {
    use super::*;

    #[test]
    fn every_call_is_understood() {
        let (Some(public), Some(actions)) = (shared::folder("public"), shared::folder("actions")) else { return };
        let (mut calls, mut unknown, mut warned) = (0, BTreeSet::new(), BTreeSet::new());
        for path in files(&public).into_iter().chain(files(&actions)) {
            let text = std::fs::read_to_string(&path).unwrap();
            let Ok(document) = serde_yaml::from_str::<serde_yaml::Value>(&text) else {
                println!("not read: {}", path.display());
                continue;
            };
            for request in requests(&document) {
                calls += 1;
                let got = normalise(&request, &NormaliseOptions::default());
                let name = format!("{} {}", got.service, got.api);
                unknown.extend(got.unknown.iter().map(|n| format!("{name} {n}")));
                warned.extend(got.warnings.iter().map(|w| format!("{name}: {w}")));
                if got.style == Style::Rpc {
                    assert_eq!(got.params(), super::worked_examples::rebuilt(&got).params(), "{name}");
                }
            }
        }
        assert!(calls > 850, "{calls} calls");
        assert_eq!(unknown, BTreeSet::new());
        let expected =
            "ecs DescribeInstances: `DescribeInstances` has no parameter `InstanceId`; taken as `InstanceIds`";
        assert_eq!(warned, [expected.to_owned()].into());
    }

    fn files(folder: &Path) -> Vec<PathBuf> {
        let mut found: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
        found.sort();
        found
    }

    /// The calls of all tasks of a document, expressions left as they are.
    fn requests(node: &serde_yaml::Value) -> Vec<ApiRequest> {
        let mut found = Vec::new();
        if let Some(map) = node.as_mapping() {
            let text = |m: &serde_yaml::Mapping, key: &str| m.get(key).and_then(|v| v.as_str()).map(Arc::<str>::from);
            let action = text(map, "Action").unwrap_or_default().to_ascii_lowercase();
            let is_call = ["acs::executeapi", "acs::waitfor", "acs::checkfor"].contains(&action.as_str());
            if let Some(properties) = map.get("Properties").and_then(|p| p.as_mapping()).filter(|_| is_call) {
                let value = |key: &str| properties.get(key).and_then(|v| serde_json::to_value(v).ok()).map(Value::from);
                let (service, api) = (text(properties, "Service"), text(properties, "API"));
                if let (Some(service), Some(api)) = (service, api) {
                    let mut request = ApiRequest::new(service, api, value("Parameters").unwrap_or_default());
                    (request.method, request.uri) = (text(properties, "Method"), text(properties, "URI"));
                    found.push(request);
                }
            }
            found.extend(map.values().flat_map(requests));
        }
        found.extend(node.as_sequence().into_iter().flatten().flat_map(requests));
        found
    }
}

#[test]
fn a_look_up_after_the_first_costs_microseconds() {
    let catalogue = Catalogue::embedded();
    let request =
        ApiRequest::new("ecs", "describeinstances", params! { "InstanceIds" => ["i-1"], "RegionId" => "cn-x" });
    normalise(&request, &NormaliseOptions::default());
    let rounds: u32 = 20_000;
    #[expect(clippy::disallowed_methods, reason = "a cost is measured")]
    let start = std::time::Instant::now();
    for _ in 0..rounds {
        std::hint::black_box(catalogue.operation("ecs", "describeinstances", None));
    }
    let look_up = start.elapsed() / rounds;
    #[expect(clippy::disallowed_methods, reason = "a cost is measured")]
    let start = std::time::Instant::now();
    for _ in 0..rounds {
        std::hint::black_box(normalise(&request, &NormaliseOptions::default()));
    }
    let whole = start.elapsed() / rounds;
    println!("look-up {look_up:?}, normalise {whole:?}");
    // Generous: a debug build on a busy machine. Decoding again would cost milliseconds.
    assert!(look_up.as_micros() < 100 && whole.as_micros() < 500, "{look_up:?} {whole:?}");
}
