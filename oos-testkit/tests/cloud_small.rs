//! Object storage, backup, Kubernetes, OOS leftovers and the small services of the fake cloud.

use oos_core::ports::{
    ApiRequest,
    parameter_store::{ParameterRef, ParameterStore},
};
use oos_testkit::prelude::*;

fn ask(cloud: &FakeCloud, service: &str, api: &str, params: serde_json::Value) -> Result<Value, String> {
    cloud.call_now(service, api, params).map_err(|e| e.code().to_owned())
}

fn http(
    cloud: &FakeCloud,
    service: &str,
    api: &str,
    method: &str,
    uri: &str,
    params: serde_json::Value,
    body: impl Into<Value>,
) -> Result<Value, String> {
    let mut request = ApiRequest::new(service, api, params);
    (request.method, request.uri, request.body) = (Some(method.into()), Some(uri.into()), body.into());
    cloud.send_now(request).map_err(|e| e.code().to_owned())
}

#[test]
fn bucket_settings_are_told_apart_by_method_and_sub_resource() {
    let cloud = FakeCloud::new();
    let bucket = json!({"BucketName": "b"});
    let referer = |list: &str| {
        let body = format!(
            "<RefererConfiguration><AllowEmptyReferer>false</AllowEmptyReferer><RefererList>{list}</RefererList></RefererConfiguration>"
        );
        http(&cloud, "OSS", "PutBucketReferer", "PUT", "?referer", bucket.clone(), body)
    };
    let get = || {
        http(&cloud, "oss", "GetBucketReferer", "GET", "?referer", bucket.clone(), Value::Null)
            .unwrap()
            .at(&["RefererConfiguration"])
            .clone()
    };
    assert_eq!(referer("").unwrap_err(), "NoSuchBucket");
    cloud.oss().bucket("b");
    assert_eq!(get().at(&["AllowEmptyReferer"]), &Value::from("true"));
    referer("<Referer>http://a</Referer>").unwrap();
    assert_eq!(get().at(&["RefererList", "Referer"]), &Value::from(json!(["http://a"])), "always a list");
    referer("<Referer>http://a</Referer><Referer>http://b</Referer>").unwrap();
    assert_eq!(get().at(&["RefererList", "Referer"]).as_list().unwrap().len(), 2);
    let policy = || http(&cloud, "OSS", "GetBucketPolicy", "GET", "?policy", bucket.clone(), Value::Null);
    assert_eq!(policy().unwrap_err(), "NoSuchBucketPolicy");
    http(&cloud, "OSS", "PutBucketPolicy", "PUT", "?policy", bucket.clone(), "{\"Version\":\"1\",\"Statement\":[]}")
        .unwrap();
    assert_eq!(policy().unwrap().at(&["Version"]), &Value::from("1"));
    assert_eq!(
        http(&cloud, "OSS", "PutBucketEncryption", "PUT", "?encryption", bucket.clone(), "<broken").unwrap_err(),
        "MalformedXML"
    );
    let mut acl = ApiRequest::new("OSS", "PutBucketACL", bucket.clone());
    (acl.method, acl.uri, acl.headers) =
        (Some("PUT".into()), Some("?acl".into()), Value::from(json!({"x-oss-acl": "public-read"})));
    cloud.send_now(acl).unwrap();
    assert_eq!(cloud.oss().setting("b", "acl"), Value::from("public-read"));
}

#[test]
fn signed_addresses_name_bucket_region_and_key() {
    let cloud = FakeCloud::new();
    let params = json!({"BucketName": "b", "RegionId": "cn-beijing", "Expires": 60, "Internal": "true"});
    let url =
        http(&cloud, "OSS", "GenerateUrl", "GET", "dir/a.tgz", params, Value::Null).unwrap().at(&["Url"]).to_text();
    assert!(
        url.starts_with("https://b.oss-cn-beijing-internal.aliyuncs.com/dir/a.tgz?")
            && url.contains("x-oss-expires=60"),
        "{url}"
    );
}

#[test]
fn hana_is_backed_up_and_restored() {
    let cloud = FakeCloud::new();
    cloud.put("HBR::HanaBackup", "b-1", json!({"BackupId": "b-1"}));
    let hbr = |api: &str, params: serde_json::Value| ask(&cloud, "hbr", api, params).unwrap();
    let cluster = hbr("CreateHanaInstance", json!({"VaultId": "v", "HanaName": "h"})).at(&["ClusterId"]).to_json();
    let setting = || {
        hbr("DescribeHanaBackupSetting", json!({"ClusterId": cluster, "VaultId": "v"}))
            .at(&["HanaBackupSetting", "CatalogBackupUsingBackint"])
            .clone()
    };
    assert_eq!(setting(), Value::from(false));
    hbr("UpdateHanaBackupSetting", json!({"ClusterId": cluster, "VaultId": "v", "CatalogBackupUsingBackint": "true"}));
    assert_eq!(setting(), Value::from(true));
    hbr("CreateClients", json!({"VaultId": "v", "ClientInfo": [{"InstanceId": "i-1", "ClusterId": cluster}]}));
    let client = || {
        hbr(
            "DescribeClients",
            json!({"VaultId": "v", "ClusterId": cluster, "ClientType": "ECS_AGENT", "SourceType": "HANA"}),
        )
        .at(&["Clients", "Client"])
        .as_list()
        .unwrap()[0]
            .at(&["Status"])
            .clone()
    };
    assert_eq!(client(), Value::from("INSTALLING"));
    let task = hbr("DescribeHanaBackupsAsync", json!({"ClusterId": cluster, "VaultId": "v"})).at(&["TaskId"]).to_json();
    assert_eq!(hbr("DescribeTask", json!({"TaskId": task})).at(&["Description"]), &Value::from("running"));
    cloud.clock().advance(secs(60));
    assert_eq!(client(), Value::from("ACTIVATED"));
    let done = hbr("DescribeTask", json!({"TaskId": task}));
    assert_eq!(done.at(&["Description"]), &Value::from("completed"));
    assert!(done.at(&["Result"]).to_text().contains("\"BackupId\":\"b-1\""));
    let restore = hbr("CreateHanaRestore", json!({"ClusterId": cluster, "VaultId": "v"})).at(&["RestoreId"]).to_json();
    cloud.clock().advance(secs(600));
    let rows = hbr("DescribeHanaRestores", json!({"ClusterId": cluster, "VaultId": "v", "RestoreId": restore}));
    assert_eq!(
        rows.at(&["HanaRestore", "HanaRestores"]).as_list().unwrap()[0].at(&["Status"]),
        &Value::from("COMPLETE")
    );
    hbr("DeleteHanaInstance", json!({"ClusterId": cluster, "VaultId": "v", "Sid": "s"}));
    assert_eq!(
        hbr("DeleteHanaInstance", json!({"ClusterId": cluster, "VaultId": "v", "Sid": "s"})).at(&["Success"]),
        &Value::from(false)
    );
}

#[test]
fn clusters_are_reached_by_path() {
    let cloud = FakeCloud::new();
    let instances = cloud.ecs().instances(2).create();
    let id = cloud.cs().create("ManagedKubernetes", &["i-m1".to_owned()], &instances);
    let cs = |api: &str, method: &str, uri: String, body: Value| http(&cloud, "CS", api, method, &uri, json!({}), body);
    let detail = cs("DescribeClusters", "GET", format!("/clusters/{id}"), Value::Null).unwrap();
    assert_eq!(detail.at(&["outputs"]).as_list().unwrap()[10].at(&["OutputValue"]), &Value::from(["i-m1"]));
    let nodes = http(
        &cloud,
        "CS",
        "DescribeClusterNodes",
        "GET",
        &format!("/clusters/{id}/nodes"),
        json!({"instanceIds": instances[0], "pageSize": "10"}),
        Value::Null,
    )
    .unwrap();
    let names: Vec<_> =
        nodes.at(&["nodes"]).as_list().unwrap().iter().map(|n| n.at(&["node_name"]).to_json()).collect();
    assert_eq!(names.len(), 1);
    let body = json!({"nodes": names, "drain_node": true, "release_node": true}).to_string();
    let task = cs("DeleteClusterNodes", "POST", format!("/clusters/{id}/nodes"), Value::from(body))
        .unwrap()
        .at(&["task_id"])
        .to_text();
    let state = || cs("DescribeTaskInfo", "GET", format!("/tasks/{task}"), Value::Null).unwrap().at(&["state"]).clone();
    assert_eq!(state(), Value::from("running"));
    cloud.clock().advance(secs(60));
    assert_eq!(state(), Value::from("success"));
    assert_eq!(cloud.cs().nodes(&id), instances[1..]);
    assert!(cloud.ecs().gone(&instances[..1]));
    let pool = cloud.cs().node_pool(&id, 3);
    let uri = format!("/clusters/{id}/nodepools/{pool}");
    cs("ModifyClusterNodePool", "PUT", uri.clone(), Value::from(json!({"scaling_group": {"desired_size": 5}})))
        .unwrap();
    let show = || cs("DescribeClusterNodePoolDetail", "GET", uri.clone(), Value::Null).unwrap();
    assert_eq!(show().at(&["status", "state"]), &Value::from("scaling"));
    cloud.clock().advance(secs(60));
    assert_eq!(
        (show().at(&["status", "state"]).clone(), show().at(&["scaling_group", "desired_size"]).clone()),
        (Value::from("active"), Value::from(5))
    );
    assert!(
        cs("DescribeClusterV2UserKubeconfig", "GET", format!("/api/v2/k8s/{id}/user_config"), Value::Null)
            .unwrap()
            .get("config")
            .is_some()
    );
    assert!(
        cs("DescribeClusterAttachScripts", "POST", format!("/clusters/{id}/attachscript"), Value::Null)
            .unwrap()
            .get("data")
            .is_some()
    );
    assert_eq!(
        cs("DescribeClusterNodes", "GET", "/clusters/none".to_owned(), Value::Null).unwrap_err(),
        "ErrorClusterNotFound"
    );
}

#[test]
fn parameters_packages_and_patches_are_kept_for_oos() {
    let cloud = FakeCloud::new();
    let instance = cloud.ecs().instance().create();
    cloud.oos().parameter("p", "v");
    cloud.oos().secret("s", "hush");
    let names = [("p", false), ("s", true), ("none", false)].map(|(name, secret)| ParameterRef {
        secret,
        name: name.into(),
        version: None,
    });
    let values = cloud.clock().block_on(ParameterStore::get(&cloud, &names)).unwrap();
    assert_eq!(values.iter().map(|v| v.value.to_text()).collect::<Vec<_>>(), ["v".into(), "hush".into()]);
    assert_eq!(
        ask(&cloud, "OOS", "GetParameter", json!({"Name": "p"})).unwrap().at(&["Parameter", "Value"]),
        &Value::from("v")
    );
    assert!(
        ask(&cloud, "OOS", "GetSecretParameter", json!({"Name": "s"})).unwrap().at(&["Parameter", "Value"]).is_null()
    );
    ask(&cloud, "OOS", "DeleteSecretParameter", json!({"Name": "s"})).unwrap();
    assert_eq!(
        ask(&cloud, "OOS", "DeleteSecretParameter", json!({"Name": "s"})).unwrap_err(),
        "EntityNotExists.Parameter"
    );
    let package = |action: &str| json!({"InstanceId": instance, "TemplateName": "ACS-Pkg", "TemplateVersion": "v3", "ConfigureAction": action});
    ask(&cloud, "OOS", "UpdateInstancePackageState", package("install")).unwrap();
    let states = || {
        ask(&cloud, "OOS", "ListInstancePackageStates", json!({"InstanceId": instance, "TemplateNames": ["ACS-Pkg"]}))
            .unwrap()
            .at(&["PackageStates"])
            .as_list()
            .unwrap()
            .to_vec()
    };
    assert_eq!(states()[0].at(&["TemplateVersion"]), &Value::from("v3"));
    ask(&cloud, "OOS", "UpdateInstancePackageState", package("uninstall")).unwrap();
    assert!(states().is_empty());
    cloud.oos().patch_state(&instance, json!({"MissingCount": "2"}));
    let patches = ask(&cloud, "OOS", "ListInstancePatchStates", json!({"InstanceIds": [instance]})).unwrap();
    assert_eq!(patches.at(&["InstancePatchStates"]).as_list().unwrap().len(), 1);
    assert_eq!(ask(&cloud, "OOS", "ListExecutions", json!({})).unwrap_err(), "Testkit.UnmodelledApi");
}

#[test]
fn orders_and_container_groups() {
    let cloud = FakeCloud::new();
    cloud.put("BSS::Order", "1", json!({"PaymentStatus": "Unpaid", "InstanceIDs": ["i-1"]}));
    let order = || {
        ask(&cloud, "BssOpenApi", "GetOrderDetail", json!({"OrderId": "1"}))
            .unwrap()
            .at(&["Data", "OrderList", "Order"])
            .as_list()
            .unwrap()[0]
            .clone()
    };
    assert_eq!(
        (order().at(&["PaymentStatus"]), order().at(&["InstanceIDs"])),
        (&Value::from("Unpaid"), &Value::from("[\"i-1\"]"))
    );
    cloud.bss().pay("1");
    assert_eq!(order().at(&["PaymentStatus"]), &Value::from("Paid"));
    ask(&cloud, "BssOpenApi", "SetRenewal", json!({"InstanceIDs": "i-1", "RenewalStatus": "AutoRenewal"})).unwrap();
    cloud.put(
        "ECI::ContainerGroup",
        "eci-1",
        json!({"ContainerGroupId": "eci-1", "Status": "Running", "IntranetIp": "10.0.0.1", "_exec": "out"}),
    );
    let groups =
        ask(&cloud, "ECI", "DescribeContainerGroups", json!({"ContainerGroupIds": ["eci-1"], "Status": "Running"}))
            .unwrap();
    assert_eq!(groups.at(&["ContainerGroups"]).as_list().unwrap()[0].at(&["IntranetIp"]), &Value::from("10.0.0.1"));
    let exec = |group: &str| {
        ask(
            &cloud,
            "ECI",
            "ExecContainerCommand",
            json!({"ContainerGroupId": group, "ContainerName": "c", "Command": ["ls"], "Sync": true}),
        )
    };
    assert_eq!(exec("eci-1").unwrap().at(&["SyncResponse"]), &Value::from("out"));
    assert_eq!(exec("eci-0").unwrap_err(), "InvalidParameter.NotFound");
}

#[test]
fn gateway_apis_are_given_back_as_stored() {
    let cloud = FakeCloud::new();
    cloud.put(
        "CloudAPI::Api",
        "a",
        json!({"ApiName": "n", "DeployedInfos": {"DeployedInfo": [{"StageName": "TEST"}, {"StageName": "RELEASE"}]}}),
    );
    ask(&cloud, "CloudAPI", "ModifyApi", json!({"ApiId": "a", "ApiName": "m", "Visibility": "PRIVATE"})).unwrap();
    ask(&cloud, "CloudAPI", "AbolishApi", json!({"ApiId": "a", "GroupId": "g", "StageName": "TEST"})).unwrap();
    let api = ask(&cloud, "CloudAPI", "DescribeApi", json!({"ApiId": "a"})).unwrap();
    assert_eq!(
        (api.at(&["ApiName"]), api.at(&["DeployedInfos", "DeployedInfo"]).as_list().unwrap().len()),
        (&Value::from("m"), 1)
    );
    assert_eq!(ask(&cloud, "CloudAPI", "DescribeApi", json!({"ApiId": "b"})).unwrap_err(), "NotFoundApi");
}

#[test]
fn service_instances_are_upgraded_and_listed() {
    let cloud = FakeCloud::new();
    cloud.put("ComputeNest::ServiceInstance", "si-1", json!({"Status": "Deployed", "Name": "n"}));
    let upgrade = || {
        ask(
            &cloud,
            "ComputeNestSupplier",
            "UpgradeServiceInstance",
            json!({"ServiceInstanceId": "si-1", "ServiceVersion": "2"}),
        )
    };
    let status = || {
        ask(&cloud, "ComputeNestSupplier", "GetServiceInstance", json!({"ServiceInstanceId": "si-1"}))
            .unwrap()
            .at(&["Status"])
            .clone()
    };
    upgrade().unwrap();
    assert_eq!((status(), upgrade().unwrap_err()), (Value::from("Upgrading"), "IncorrectStatus".to_owned()));
    cloud.clock().advance(secs(120));
    assert_eq!(status(), Value::from("Deployed"));
    let filter = json!([{"Name": "ServiceInstanceId", "Value": ["si-1", "si-2"]}]);
    let list = ask(&cloud, "ComputeNestSupplier", "ListServiceInstances", json!({"Filter": filter})).unwrap();
    assert_eq!(list.at(&["ServiceInstances"]).as_list().unwrap().len(), 1);
}

#[test]
fn application_orders_are_numbers() {
    let cloud = FakeCloud::new();
    let app = ask(
        &cloud,
        "sae",
        "CreateApplication",
        json!({"AppName": "a", "Cpu": 500, "Memory": 1024, "PackageType": "Image", "Replicas": 1}),
    )
    .unwrap();
    let order = app.at(&["Data", "ChangeOrderId"]).to_json();
    let status = || {
        ask(&cloud, "sae", "DescribeChangeOrder", json!({"ChangeOrderId": order}))
            .unwrap()
            .at(&["Data", "Status"])
            .clone()
    };
    assert_eq!(status(), Value::from(1));
    cloud.clock().advance(secs(30));
    assert_eq!(status(), Value::from(2));
    let bound = ask(&cloud, "sae", "BindSlb", json!({"AppId": app.at(&["Data", "AppId"]).to_json(), "Internet": "[]"}))
        .unwrap();
    assert!(bound.at(&["Data", "ChangeOrderId"]).as_str().is_some());
}

#[test]
fn keys_registries_and_the_security_centre() {
    let cloud = FakeCloud::new();
    cloud.put("KMS::Key", "k", json!({"KeyState": "Enabled"}));
    let key = ask(&cloud, "KMS", "DescribeKey", json!({"KeyId": "k"})).unwrap();
    let arn = key.at(&["KeyMetadata", "Arn"]).to_json();
    ask(&cloud, "KMS", "SetDeletionProtection", json!({"ProtectedResourceArn": arn, "EnableDeletionProtection": true}))
        .unwrap();
    assert_eq!(cloud.get("k", "DeletionProtection"), Value::from("Enabled"));
    assert_eq!(ask(&cloud, "KMS", "DescribeKey", json!({"KeyId": "x"})).unwrap_err(), "Forbidden.KeyNotFound");
    cloud.put("CR::Instance", "cri-1", json!({"InstanceName": "r"}));
    assert_eq!(
        ask(&cloud, "cr", "GetInstance", json!({"InstanceId": "cri-1"})).unwrap().at(&["InstanceName"]),
        &Value::from("r")
    );
    assert!(
        ask(&cloud, "cr", "GetAuthorizationToken", json!({"InstanceId": "cri-1"}))
            .unwrap()
            .get("TempUsername")
            .is_some()
    );
    let id = cloud.ecs().instance().create();
    let criteria = json!([{"name": "instanceId", "value": id}]).to_string();
    let found = ask(&cloud, "Sas", "DescribeCloudCenterInstances", json!({"Criteria": criteria})).unwrap();
    let uuid = found.at(&["Instances"]).as_list().unwrap()[0].at(&["Uuid"]).to_text();
    let install = ask(&cloud, "Sas", "OperateAgentClientInstall", json!({"Uuids": &*uuid})).unwrap();
    assert_eq!(install.at(&["AegisCelintInstallResposeList"]).as_list().unwrap()[0].at(&["RecordId"]), &Value::from(1));
    let code = || {
        ask(&cloud, "Sas", "DescribeAgentInstallStatus", json!({"Uuids": &*uuid}))
            .unwrap()
            .at(&["AegisClientInvokeStatusResponseList"])
            .as_list()
            .unwrap()[0]
            .at(&["ResuleCode"])
            .clone()
    };
    assert_eq!(code(), Value::from("0"));
    cloud.put("SAS::Result", &id, json!({"ResuleCode": "1008"}));
    assert_eq!(code(), Value::from("1008"));
}

#[test]
fn inner_commands_go_by_the_scripts_of_cloud_assistant() {
    let cloud = FakeCloud::new();
    cloud.assistant().on_command(re("restart")).on_instance("tag-2").then(exit(1).stdout("boom"));
    for (service, run, describe) in [
        ("RDC-inner", "StaragentRunCommand", "StaragentDescribeCommand"),
        ("devops-inner", "RunStaragentCommand", "DescribeStaragentCommand"),
    ] {
        let tasks = ask(&cloud, service, run, json!({"ServiceTags": "tag-1,tag-2", "CommandContent": "restart"}))
            .unwrap()
            .at(&["Data", "tasks"])
            .as_list()
            .unwrap()
            .to_vec();
        let status = |n: usize| {
            let data = ask(&cloud, service, describe, json!({"Uid": tasks[n].at(&["uid"]).to_json()}))
                .unwrap()
                .at(&["Data"])
                .clone();
            (data.at(&["status"]).to_text().to_string(), data.at(&["jobResult"]).to_text().to_string())
        };
        assert_eq!(status(0).0, "Running");
        cloud.clock().advance(secs(5));
        assert_eq!([status(0), status(1)], [("Success".into(), String::new()), ("Failed".into(), "boom".into())]);
    }
}

#[test]
fn shares_domains_trails_messages_and_edges() {
    let cloud = FakeCloud::new();
    cloud.put(
        "ResourceSharing::SharedResource",
        "vsw-1",
        json!({"ResourceId": "vsw-1", "ResourceShareId": "rs-1", "ResourceType": "VSwitch"}),
    );
    let shared = || {
        ask(
            &cloud,
            "ResourceSharing",
            "ListSharedResources",
            json!({"ResourceOwner": "Self", "ResourceIds": ["vsw-1"]}),
        )
        .unwrap()
        .at(&["SharedResources"])
        .as_list()
        .unwrap()
        .len()
    };
    assert_eq!(shared(), 1);
    ask(
        &cloud,
        "ResourceSharing",
        "DisassociateResourceShare",
        json!({"ResourceShareId": "rs-1", "Resources": [{"ResourceId": "vsw-1", "ResourceType": "VSwitch"}]}),
    )
    .unwrap();
    assert_eq!(shared(), 0);
    cloud.put("CDN::Domain", "a.com", json!({}));
    let domain = |name: &str| {
        ask(&cloud, "Cdn", "DescribeCdnDomainDetail", json!({"DomainName": name}))
            .map(|v| v.at(&["GetDomainDetailModel", "ServerCertificateStatus"]).to_text().to_string())
    };
    assert_eq!(domain("a.com").unwrap(), "off");
    ask(&cloud, "Cdn", "SetDomainServerCertificate", json!({"DomainName": "a.com", "ServerCertificateStatus": "on"}))
        .unwrap();
    assert_eq!(
        (domain("a.com").unwrap(), domain("b.com").unwrap_err()),
        ("on".into(), "InvalidDomain.NotFound".into())
    );
    let trail = ask(
        &cloud,
        "Actiontrail",
        "CreateTrail",
        json!({"Name": "t", "OssBucketName": "b", "RoleName": "old", "TrailRegion": "All", "EventRW": "All"}),
    )
    .unwrap();
    assert_eq!(trail.at(&["OssBucketName"]), &Value::from("b"));
    assert!(!cloud.calls().last().unwrap().warnings.is_empty());
    let message =
        http(&cloud, "MNS", "PublishMessage", "POST", "/topics/t/messages", json!({"AccountId": "1"}), "<Message/>")
            .unwrap();
    assert!(message.at(&["Message", "MessageId"]).as_str().is_some());
    let event = http(
        &cloud,
        "EventBridge",
        "PutEvents",
        "POST",
        "/openapi/putEvents",
        json!({"AccountId": "1"}),
        Value::from(json!([{}])),
    )
    .unwrap();
    assert_eq!(event.at(&["FailedEntryCount"]), &Value::from(0));
    cloud.put("ENS::Disk", "d-1", json!({"DiskId": "d-1"}));
    assert_eq!(
        ask(&cloud, "Ens", "DescribeDisks", json!({})).unwrap().at(&["Disks", "Disks"]).as_list().unwrap().len(),
        1
    );
    for (service, api, params) in [
        ("WAF-OPENAPI", "ModifyLogServiceStatus", json!({"Domain": "a.com", "Enabled": 1, "InstanceId": "waf-1"})),
        ("EHPC", "ModifyClusterAttributes", json!({"ClusterId": "ehpc-1", "ImageId": "m-1"})),
        ("ALB", "EnableDeletionProtection", json!({"ResourceId": "alb-1"})),
    ] {
        ask(&cloud, service, api, params).unwrap();
    }
    assert_eq!(cloud.get("ehpc-1", "ImageId"), Value::from("m-1"));
}
