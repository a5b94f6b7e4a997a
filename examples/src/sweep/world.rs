//! A fake cloud with one or two of everything, and what kinds of things parameters ask for.
//!
//! Which kind a parameter means is told by product and key: `rds`, `dbinstanceid`. Ids are then looked up in the fake
//! itself. What stands here is an ordinary account, not one made for a template; [`Account`] says in which of a few
//! ways it differs from try to try.

use oos_testkit::{cloud::Unmodelled, prelude::*};

use super::kinds::{KINDS, NAMES};

/// In what way the resources of an account are.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Account {
    /// Instances are stopped.
    pub(crate) stopped: bool,
    /// Instances are paid in advance.
    pub(crate) prepaid: bool,
    /// Instances have an EIP, not a public address, and a RAM role.
    pub(crate) eip: bool,
    /// Instances run Windows.
    pub(crate) windows: bool,
    /// Scaling groups take instances away.
    pub(crate) shrinks: bool,
    /// Data disks are attached to nothing, snapshots are of them.
    pub(crate) loose: bool,
    /// Nothing takes time.
    pub(crate) quick: bool,
    /// The template has run before: what it makes when it is missing is there.
    pub(crate) again: bool,
}

/// When the cloud begins: defaults of templates, such as end dates, lie behind it.
const START: &str = "2021-01-04T00:30:00Z";
/// Name of the VSwitch's zone.
pub(crate) const ZONE: &str = "cn-hangzhou-h";
/// Name of the only bucket.
pub(crate) const BUCKET: &str = "bucket";
/// Name of the only RAM user, and of what else needs a name.
pub(crate) const NAME: &str = "sweep";

/// Name of a template that does nothing, for templates that run another.
pub(crate) const NOTHING: &str = "sweep-nothing";

/// Name of a template of packages.
pub(crate) const PACKAGE: &str = "sweep-package";

/// The fake cloud of one try.
#[derive(Clone, Debug)]
pub(crate) struct World {
    /// The cloud.
    pub(crate) cloud: FakeCloud,
    /// The instances that stand for themselves, in no group and no cluster.
    pub(crate) instances: Vec<String>,
    account: Account,
}

impl World {
    /// A cloud whose operations without a model are answered by shape.
    pub(crate) fn new(account: Account) -> Self {
        let cloud = FakeCloud::at(START);
        let cloud = if account.quick { cloud.with_profile(Profile::Instant) } else { cloud };
        cloud.unmodelled(Unmodelled::Shaped);
        // Names that an operation does not have are ignored, as the real gateway does.
        cloud.lenient_parameters();
        let instances = make_instances(&cloud, account);
        make_ecs(&cloud, account, &instances);
        make_elastic(&cloud, &instances);
        make_stores(&cloud);
        make_others(&cloud);
        // By now what was made above is ready.
        cloud.clock().advance(mins(3));
        Self { cloud, instances, account }
    }

    /// True when the template runs a second time.
    pub(crate) fn has_run_before(&self) -> bool {
        self.account.again
    }

    /// Ids of what a key of a product asks for; `None` when it asks for nothing that is known.
    pub(crate) fn ids(&self, service: &str, key: &str) -> Option<Vec<String>> {
        let (whole, service, key) = (service, product(service), singular(key));
        if let Some(addresses) = self.addresses(&key) {
            return Some(addresses);
        }
        let fits =
            |(of, end, _): &&(&str, &str, &str)| (*of == "*" || service == *of || whole == *of) && key.ends_with(end);
        if let Some((_, _, name)) = NAMES.iter().find(fits) {
            return Some(vec![(*name).to_owned()]);
        }
        let (_, _, kind) = KINDS.iter().find(fits)?;
        let found = self.of_kind(kind);
        (!found.is_empty()).then_some(found)
    }

    /// Ids of a kind, those first that nothing else uses.
    pub(crate) fn of_kind(&self, kind: &str) -> Vec<String> {
        match kind {
            "ECS::Instance" => self.instances.clone(),
            "ECS::Disk" => self.disks(),
            _ => self.cloud.ecs().ids_of(kind).into_iter().take(2).collect(),
        }
    }

    /// Addresses that exist, where a key asks for some.
    fn addresses(&self, key: &str) -> Option<Vec<String>> {
        let ecs = self.cloud.ecs();
        let of_instance = |path: &[&str]| {
            let shown = self.instances.iter().map(|id| ecs.describe(id));
            shown
                .map(|v| {
                    v.at(path)
                        .as_list()
                        .and_then(<[Value]>::first)
                        .map_or_else(String::new, |v| v.to_text().to_string())
                })
                .collect()
        };
        let found: Vec<String> = if key.contains("publicipaddr") {
            of_instance(&["PublicIpAddress", "IpAddress"])
        } else if key.contains("eipaddr") {
            ecs.ids_of("VPC::EIP").iter().map(|id| ecs.get(id, "IpAddress").to_text().to_string()).collect()
        } else if key.contains("privateipaddr") {
            of_instance(&["VpcAttributes", "PrivateIpAddress", "IpAddress"])
        } else {
            return None;
        };
        let found: Vec<String> = found.into_iter().filter(|text| !text.is_empty()).collect();
        (!found.is_empty()).then_some(found)
    }

    /// ARNs of the instances.
    pub(crate) fn arns(&self) -> Vec<String> {
        let account = self.cloud.account_id();
        self.instances.iter().map(|id| format!("arn:acs:ecs:cn-hangzhou:{account}:instance/{id}")).collect()
    }

    fn disks(&self) -> Vec<String> {
        let ecs = self.cloud.ecs();
        let loose = |id: &String| ecs.get(id, "InstanceId").to_text().is_empty();
        let data = self.instances.iter().filter_map(|id| ecs.disks_of(id).last().cloned());
        if self.account.loose { ecs.ids_of("ECS::Disk").into_iter().filter(loose).collect() } else { data.collect() }
    }

    /// The value of `Targets` for a type of resource.
    pub(crate) fn targets(&self, resource_type: &str) -> Value {
        let words: Vec<&str> = resource_type.split("::").collect();
        let service = words.get(1).copied().unwrap_or("ecs");
        let id = if service.eq_ignore_ascii_case("computenestsupplier") { "serviceinstanceid" } else { "instanceid" };
        let ids = self.ids(&service.to_lowercase(), id).unwrap_or_else(|| self.instances.clone());
        by_ids(&ids)
    }

    /// What a life-cycle hook hands to a template: its parameters with `${..}` filled in.
    pub(crate) fn handed_by_hook(&self, template: &str, parameters: &Value) -> Value {
        let id = self.cloud.ecs().ids_of("ESS::Group").first().cloned().unwrap_or_default();
        let group = self.cloud.ess(&id);
        let runs = if self.account.shrinks {
            group.hook("SCALE_IN", template, parameters.clone());
            let members = group.members();
            group.scale_in(members.get(..2).unwrap_or(&members))
        } else {
            group.hook("SCALE_OUT", template, parameters.clone());
            group.scale_out(2)
        };
        let Some(run) = runs.first() else { return parameters.clone() };
        for (n, id) in run.instances.iter().enumerate() {
            self.cloud.put("ECI::ContainerGroup", id, container_group(id, n));
        }
        if !self.account.stopped {
            // By the time of the hook the new machines are up.
            self.cloud.clock().advance(secs(45));
        }
        run.parameters.clone()
    }
}

/// True when a key means something else for the product than elsewhere.
pub(crate) fn is_of_product(service: &str, key: &str) -> bool {
    let (whole, service, key) = (service, product(service), singular(key));
    KINDS.iter().any(|(of, end, _)| (service == *of || whole == *of) && key.ends_with(end))
}

fn container_group(id: &str, n: usize) -> Value {
    json!({
        "ContainerGroupId": id, "ContainerGroupName": id, "Status": "Running", "IntranetIp": format!("172.16.9.{}", n + 1),
        "Containers": [{"Name": "container", "CurrentState": {"State": "Running"}}],
    })
    .into()
}

/// One name for each spelling of a product; of a type of resource, its product.
pub(crate) fn product(service: &str) -> String {
    let service = service.split('/').next().unwrap_or(service);
    let words: Vec<&str> = service.split("::").collect();
    let word = if words.len() > 1 { words.get(1).copied().unwrap_or(service) } else { service };
    match word.to_lowercase().as_str() {
        "r-kvstore" | "kvstore" => "redis",
        "mongodb" => "dds",
        "analyticdb" => "adb",
        "apigateway" => "cloudapi",
        "ack" => "cs",
        other => return other.to_owned(),
    }
    .to_owned()
}

/// A key without the mark of a list and without digits: `InstanceIds` and `InstanceId1` are `instanceid`.
fn singular(key: &str) -> String {
    key.to_lowercase().trim_end_matches(|c: char| c.is_ascii_digit() || c == '.').trim_end_matches('s').to_owned()
}

fn make_instances(cloud: &FakeCloud, account: Account) -> Vec<String> {
    let (ecs, vpc) = (cloud.ecs(), cloud.vpc());
    let network = vpc.vpc("172.16.0.0/12");
    let (vswitch, group) = (vpc.vswitch(&network, ZONE), vpc.security_group(&network));
    let mut new = ecs.instances(2).in_zone(ZONE).in_vswitch(&vswitch).in_security_group(&group).tag("team", "web");
    new = if account.stopped { new.stopped() } else { new.running() };
    new = if account.prepaid { new.prepaid() } else { new };
    new = if account.windows { new.windows() } else { new };
    new = if account.eip { new } else { new.public_ip() };
    let instances = new.data_disk(40).create();
    if account.eip {
        instances.iter().for_each(|id| drop(vpc.eip_of(id)));
        let role = json!({"RegionId": "cn-hangzhou", "InstanceIds": instances, "RamRoleName": NAME});
        drop(cloud.call_now("ECS", "AttachInstanceRamRole", role));
    }
    instances
}

fn make_ecs(cloud: &FakeCloud, account: Account, instances: &[String]) {
    let (ecs, vpc) = (cloud.ecs(), cloud.vpc());
    let disk = if account.loose {
        ecs.disk(ZONE, 40)
    } else {
        instances.first().and_then(|id| ecs.disks_of(id).last().cloned()).unwrap_or_default()
    };
    ecs.snapshot(&disk, "snapshot");
    ecs.image(if account.windows { "windows base" } else { "base" });
    ecs.key_pair("pair");
    ecs.auto_snapshot_policy();
    ecs.launch_template("launch", [params! { "InstanceType" => "ecs.g7.large", "ImageId" => "m-base" }]);
    vpc.bandwidth_package();
    vpc.eip();
    let gateway = vpc.nat_gateway();
    vpc.forward_entry(&gateway, 1022, "172.16.0.9", 22);
}

fn make_elastic(cloud: &FakeCloud, instances: &[String]) {
    let slb = cloud.slb();
    let weights: Vec<(&str, i64)> = instances.iter().map(|id| (id.as_str(), 100)).collect();
    let ports: Vec<(&str, i64, i64)> = instances.iter().map(|id| (id.as_str(), 80, 100)).collect();
    let balancer = slb.balancer(&weights);
    slb.vserver_group(&balancer, &ports);
    slb.acl();
    let group = cloud.scaling_group().members(4).max(10).config("KeyPairName", "pair").create();
    // A group of containers looks the same: its members are there as both.
    for (n, id) in cloud.ess(&group).members().iter().enumerate() {
        cloud.put("ECI::ContainerGroup", id, container_group(id, n));
    }
    let cluster = cloud.cs().create("ManagedKubernetes", &[] as &[String], instances);
    cloud.cs().node_pool(&cluster, 2);
}

fn make_stores(cloud: &FakeCloud) {
    for databases in [cloud.rds(), cloud.redis(), cloud.polardb(), cloud.adb(), cloud.dds()] {
        (0..2).for_each(|_| drop(databases.create()));
    }
    for id in cloud.ecs().ids_of("RDS::Instance") {
        let make = |api: &str, more: serde_json::Value| {
            let mut given = json!({"DBInstanceId": id});
            given.as_object_mut().into_iter().for_each(|m| m.extend(more.as_object().cloned().unwrap_or_default()));
            drop(cloud.call_now("RDS", api, given));
        };
        make("CreateDatabase", json!({"DBName": NAME, "CharacterSetName": "utf8mb4"}));
        make("CreateAccount", json!({"AccountName": NAME, "AccountPassword": "Passw0rd!"}));
    }
    cloud.oss().bucket(BUCKET);
    (0..2).for_each(|_| drop(cloud.ecd().create("Running")));
    let ram = cloud.ram();
    ram.user(NAME).create();
    // Who starts executions.
    ram.user("tester").create();
    ram.policy(NAME, r#"{"Version": "1", "Statement": []}"#);
    ram.role(NAME).trusts_oos().allow_all().create();
}

fn make_others(cloud: &FakeCloud) {
    cloud.put("KMS::Key", "key-1", json!({"KeyId": "key-1", "KeyState": "Enabled"}));
    cloud.put("CR::Instance", "cri-1", json!({"InstanceId": "cri-1", "InstanceName": "registry"}));
    cloud.put("CDN::Domain", "www.example.com", json!({}));
    cloud.put(
        "CloudAPI::Group",
        "group-1",
        json!({"GroupId": "group-1", "InstanceType": "VPC_DEDICATED", "InstanceId": "apigateway-1"}),
    );
    cloud.put("CloudAPI::Instance", "apigateway-1", json!({"InstanceId": "apigateway-1"}));
    let deployed = json!({"DeployedInfo": [{"StageName": "RELEASE"}, {"StageName": "TEST"}, {"StageName": "PRE"}]});
    cloud.put(
        "CloudAPI::Api",
        "api-1",
        json!({"ApiId": "api-1", "GroupId": "group-1", "ApiName": "api", "DeployedInfos": deployed}),
    );
    cloud.put(
        "ComputeNest::ServiceInstance",
        "si-1",
        json!({"ServiceInstanceId": "si-1", "Status": "Deployed", "Name": "service"}),
    );
    cloud.put("ECI::ContainerGroup", "eci-1", container_group("eci-1", 0));
    cloud.put("ENS::Instance", "ens-1", json!({"InstanceId": "ens-1", "Status": "Running"}));
    cloud.put("ENS::Disk", "d-ens-1", json!({"DiskId": "d-ens-1"}));
    cloud.put("HBR::HanaBackup", "1001", json!({"BackupId": 1001}));
    let hana = json!({"VaultId": "v-1", "HanaName": "hana", "Host": "172.16.0.9"});
    if let Ok(made) = cloud.call_now("hbr", "CreateHanaInstance", hana) {
        let setting = json!({"VaultId": "v-1", "ClusterId": made.at(&["ClusterId"]).to_json(), "CatalogBackupUsingBackint": true});
        drop(cloud.call_now("hbr", "UpdateHanaBackupSetting", setting));
    }
    let stack = json!({"StackName": NAME, "TemplateBody": {"ROSTemplateFormatVersion": "2015-09-01"}});
    drop(cloud.call_now("ROS", "CreateStack", stack));
    let reserved = json!({"InstanceType": "ecs.g7.large", "InstanceAmount": 1, "Scope": "Region", "Platform": "Linux"});
    drop(cloud.call_now("ECS", "PurchaseReservedInstancesOffering", reserved));
    let command = json!({"Name": NAME, "Type": "RunShellScript", "CommandContent": "echo sweep"});
    drop(cloud.call_now("ECS", "CreateCommand", command));
    cloud.fc().function(NAME, NAME);
    cloud.put("BSS::Order", "1001", json!({"OrderId": "1001", "PaymentStatus": "Paid"}));
}
