//! The things and the operations that are rows.

use super::{
    Api,
    Does::{List, Make, Remove, Set, Show},
    Row, Thing, row, run,
};
use crate::cloud::page::{Counters, FIFTY, Paging, TEN};

/// CHOICE: twenty a page where the documents name no other number.
const TWENTY: Paging = Paging { default: 20, max: 500, tokens: None, counters: Counters::Usual };
const BY_TOKEN: Paging = Paging { default: 20, max: 100, tokens: Some((1, 100)), counters: Counters::TokenOnly };

const RECORD: Thing = Thing {
    kind: "DNS::Record",
    id: "RecordId",
    prefix: "rec-",
    unknown: "InvalidRecordId.NotFound",
    list: "DomainRecords.Record",
    fresh: &[("Line", "default"), ("TTL", "600"), ("Status", "ENABLE"), ("Remark", "")],
    numbers: &["TTL", "Priority"],
    flags: &["Locked"],
    paging: TWENTY,
};

const SNAT: Thing = Thing {
    kind: "VPC::SnatEntry",
    id: "SnatEntryId",
    prefix: "snat-",
    unknown: "InvalidSnatEntryId.NotFound",
    list: "SnatTableEntries.SnatTableEntry",
    fresh: &[("Status", "Available"), ("SnatEntryName", ""), ("SourceCIDR", ""), ("SourceVSwitchId", "")],
    numbers: &[],
    flags: &[],
    paging: FIFTY,
};

const PACKAGE: Thing = Thing {
    kind: "VPC::BandwidthPackage",
    id: "BandwidthPackageId",
    prefix: "cbwp-",
    unknown: "InvalidBandwidthPackageId.NotFound",
    list: "CommonBandwidthPackages.CommonBandwidthPackage",
    fresh: &[
        ("Status", "Available"),
        ("BusinessStatus", "Normal"),
        ("InternetChargeType", "PayByBandwidth"),
        ("InstanceChargeType", "PostPaid"),
        ("Name", ""),
        ("Description", ""),
        ("ISP", "BGP"),
        ("Ratio", "100"),
        ("ResourceGroupId", ""),
    ],
    numbers: &["Ratio"],
    flags: &[],
    paging: FIFTY,
};

const DEPLOYMENT_SET: Thing = Thing {
    kind: "ECS::DeploymentSet",
    id: "DeploymentSetId",
    prefix: "ds-",
    unknown: "InvalidDeploymentSetId.NotFound",
    list: "DeploymentSets.DeploymentSet",
    fresh: &[
        ("DeploymentSetName", ""),
        ("Strategy", "Availability"),
        ("DeploymentStrategy", "Availability"),
        ("Domain", "Default"),
        ("Granularity", "Host"),
    ],
    numbers: &["GroupCount"],
    flags: &[],
    paging: TEN,
};

const TASK: Thing = Thing {
    kind: "ESS::ScheduledTask",
    id: "ScheduledTaskId",
    prefix: "astm-",
    unknown: "InvalidScheduledTaskId.NotFound",
    list: "ScheduledTasks.ScheduledTask",
    fresh: &[("TaskEnabled", "true"), ("Description", ""), ("ScheduledTaskName", ""), ("LaunchExpirationTime", "600")],
    numbers: &["MinValue", "MaxValue", "DesiredCapacity", "LaunchExpirationTime"],
    flags: &["TaskEnabled"],
    paging: FIFTY,
};

const KEY: Thing = Thing {
    kind: "KMS::Key",
    id: "KeyId",
    prefix: "key-",
    unknown: "Forbidden.KeyNotFound",
    list: "Keys.Key",
    fresh: &[
        ("KeyState", "Enabled"),
        ("KeySpec", "Aliyun_AES_256"),
        ("KeyUsage", "ENCRYPT/DECRYPT"),
        ("Origin", "Aliyun_KMS"),
        ("ProtectionLevel", "SOFTWARE"),
        ("AutomaticRotation", "Disabled"),
        ("Description", ""),
        ("DeleteDate", ""),
    ],
    numbers: &[],
    flags: &[],
    paging: TWENTY,
};

const ALB: Thing = Thing {
    kind: "ALB::LoadBalancer",
    id: "LoadBalancerId",
    prefix: "alb-",
    unknown: "ResourceNotFound.LoadBalancer",
    list: "LoadBalancers",
    fresh: &[("LoadBalancerStatus", "Active")],
    numbers: &[],
    flags: &[],
    paging: BY_TOKEN,
};

pub(super) const ROWS: &[Row] = &[
    row("Alidns", "AddDomainRecord", &RECORD, Make(&["RecordId"])),
    row("Alidns", "DescribeDomainRecords", &RECORD, List),
    row("Alidns", "DescribeDomainRecordInfo", &RECORD, Show("")),
    row("Alidns", "UpdateDomainRecord", &RECORD, Set(&[], &["RecordId"])),
    row("Alidns", "SetDomainRecordStatus", &RECORD, Set(&[], &["RecordId", "Status"])),
    row("Alidns", "DeleteDomainRecord", &RECORD, Remove),
    row("VPC", "DescribeSnatTableEntries", &SNAT, List),
    row("VPC", "DeleteSnatEntry", &SNAT, Remove),
    row("VPC", "CreateCommonBandwidthPackage", &PACKAGE, Make(&["BandwidthPackageId", "ResourceGroupId"])),
    row("VPC", "DescribeCommonBandwidthPackages", &PACKAGE, List),
    row("VPC", "ModifyCommonBandwidthPackageSpec", &PACKAGE, Set(&[], &[])),
    row("VPC", "ModifyCommonBandwidthPackageAttribute", &PACKAGE, Set(&[], &[])),
    row("ECS", "CreateDeploymentSet", &DEPLOYMENT_SET, Make(&["DeploymentSetId"])),
    row("ECS", "DescribeDeploymentSets", &DEPLOYMENT_SET, List),
    row("ECS", "ModifyDeploymentSetAttribute", &DEPLOYMENT_SET, Set(&[], &[])),
    row("ECS", "DeleteDeploymentSet", &DEPLOYMENT_SET, Remove),
    row("ESS", "CreateScheduledTask", &TASK, Make(&["ScheduledTaskId"])),
    row("ESS", "DescribeScheduledTasks", &TASK, List),
    row("ESS", "ModifyScheduledTask", &TASK, Set(&[], &[])),
    row("ESS", "DeleteScheduledTask", &TASK, Remove),
    row("KMS", "ListKeys", &KEY, List),
    row("KMS", "EnableKey", &KEY, Set(&[("KeyState", "Enabled")], &[])),
    row("KMS", "DisableKey", &KEY, Set(&[("KeyState", "Disabled")], &[])),
    row("KMS", "CancelKeyDeletion", &KEY, Set(&[("KeyState", "Disabled"), ("DeleteDate", "")], &[])),
    row("ALB", "ListLoadBalancers", &ALB, List),
    row("ALB", "GetLoadBalancerAttribute", &ALB, Show("")),
];

pub(crate) const DNS_APIS: &[Api] = &[
    Api::new("AddDomainRecord", run, "DomainName! RR! Type! Value! Line Priority TTL Lang UserClientIp"),
    Api::new(
        "DescribeDomainRecords",
        run,
        "DomainName! Direction GroupId KeyWord Lang Line OrderBy RRKeyWord SearchMode Status Type TypeKeyWord ValueKeyWord RR Value",
    ),
    Api::new("DescribeDomainRecordInfo", run, "RecordId! Lang UserClientIp"),
    Api::new("UpdateDomainRecord", run, "RecordId! RR! Type! Value! Line Priority TTL Lang UserClientIp"),
    Api::new("SetDomainRecordStatus", run, "RecordId! Status! Lang UserClientIp"),
    Api::new("DeleteDomainRecord", run, "RecordId! Lang UserClientIp"),
];

pub(crate) const SNAT_APIS: &[Api] = &[
    Api::new(
        "DescribeSnatTableEntries",
        run,
        "NatGatewayId NetworkInterfaceIds.N SnatEntryId SnatEntryName SnatIp SnatTableId SourceCIDR SourceVSwitchId",
    ),
    Api::new("DeleteSnatEntry", run, "SnatTableId! SnatEntryId!"),
];

pub(crate) const PACKAGE_APIS: &[Api] = &[
    Api::new(
        "CreateCommonBandwidthPackage",
        run,
        "Bandwidth! Description ISP InternetChargeType Name Ratio SecurityProtectionTypes.N Tag.N Zone",
    ),
    Api::new(
        "DescribeCommonBandwidthPackages",
        run,
        "BandwidthPackageId IncludeReservationData Name SecurityProtectionEnabled Tag.N",
    ),
    Api::new("ModifyCommonBandwidthPackageSpec", run, "BandwidthPackageId! Bandwidth!"),
    Api::new("ModifyCommonBandwidthPackageAttribute", run, "BandwidthPackageId! Name Description"),
];

pub(crate) const DEPLOYMENT_APIS: &[Api] = &[
    Api::new(
        "CreateDeploymentSet",
        run,
        "Affinity DeploymentSetName Description Domain Granularity GroupCount OnUnableToRedeployFailedInstance Strategy Type",
    ),
    Api::new(
        "DescribeDeploymentSets",
        run,
        "DeploymentSetIds DeploymentSetName Domain Granularity NetworkType Strategy Type",
    ),
    Api::new("ModifyDeploymentSetAttribute", run, "DeploymentSetId! DeploymentSetName Description"),
    Api::new("DeleteDeploymentSet", run, "DeploymentSetId!"),
];

const TASK_PARAMETERS: &str = "ScheduledTaskName Description ScheduledAction RecurrenceEndTime LaunchTime RecurrenceType RecurrenceValue TaskEnabled LaunchExpirationTime MinValue MaxValue DesiredCapacity ScalingGroupId";

pub(crate) const SCHEDULE_APIS: &[Api] = &[
    Api::new("CreateScheduledTask", run, TASK_PARAMETERS),
    Api::new(
        "DescribeScheduledTasks",
        run,
        "ScalingGroupId ScheduledAction.N ScheduledTaskId.N ScheduledTaskName.N TaskName TaskEnabled RecurrenceType RecurrenceValue",
    ),
    Api::new(
        "ModifyScheduledTask",
        run,
        "ScheduledTaskId! ScheduledTaskName Description ScheduledAction RecurrenceEndTime LaunchTime RecurrenceType RecurrenceValue TaskEnabled LaunchExpirationTime MinValue MaxValue DesiredCapacity ScalingGroupId",
    ),
    Api::new("DeleteScheduledTask", run, "ScheduledTaskId!"),
];

pub(crate) const KEY_APIS: &[Api] = &[
    Api::new("ListKeys", run, "Filters"),
    Api::new("EnableKey", run, "KeyId!"),
    Api::new("DisableKey", run, "KeyId!"),
    Api::new("CancelKeyDeletion", run, "KeyId!"),
];

pub(crate) const ALB_APIS: &[Api] = &[
    Api::new(
        "ListLoadBalancers",
        run,
        "AddressIpVersion AddressType DNSName Ipv6AddressType LoadBalancerBussinessStatus LoadBalancerIds.N LoadBalancerNames.N LoadBalancerStatus PayType Tag.N VpcIds.N ZoneId",
    ),
    Api::new("GetLoadBalancerAttribute", run, "LoadBalancerId!"),
];
