//! Values: functions that few templates use, stored parameters, scripts, direct references, parameters of the console.

use super::expect;

#[test]
fn functions_that_no_official_template_calls() {
    expect(
        "functions",
        &[],
        r#"
FormatVersion: OOS-2019-06-01
Parameters:
  addresses: {Type: List, Default: [10.0.0.1, 10.0.0.2]}
  network: {Type: String, Default: 10.0.0.0/8}
  before: {Type: List, Default: [a, b]}
  after: {Type: List, Default: [b, c]}
  sizes: {Type: List, Default: [40, 100]}
  days: {Type: Number, Default: 7}
Conditions:
  inside: {Fn::Equals: [{Fn::IsIpInCIDR: [{Fn::First: '{{ addresses }}'}, '{{ network }}']}, true]}
Tasks:
  - Name: create
    Action: ACS::ExecuteAPI
    When: {Condition: inside}
    Properties:
      Service: ECS
      API: CreateAutoSnapshotPolicy
      Parameters:
        regionId: '{{ ACS::RegionId }}'
        autoSnapshotPolicyName:
          Fn::Join: ['_', [{Fn::FormatUTCTime: [{Fn::AddSecond: ['{{ ACS::CurrentUTCTime }}', -3600]}, '%Y%m%d']}, {Fn::Max: '{{ sizes }}'}, {Fn::Min: '{{ sizes }}'}]]
        timePoints: {Fn::Sub: ['["${hour}"]', {hour: {Fn::Eval: ['({{ days }} * 24) % 23']}}]}
        repeatWeekdays: {Fn::Join: ['', ['[', {Fn::Join: [',', {Fn::Union: [['"1"'], ['"7"']]}]}, ']']]}
        retentionDays: {Fn::If: [inside, '{{ days }}', -1]}
  - Name: each
    Action: ACS::ECS::StartInstance
    Properties: {instanceId: {Fn::Select: [Key, '{{ ACS::TaskLoopItem }}']}}
    Loop:
      Items: {Fn::ConvertMapToList: [{Fn::MapJoin: [{Fn::Difference: ['{{ before }}', '{{ after }}']}, {Fn::RangeSelect: [0, 2, '{{ sizes }}']}]}]}
      Concurrency: {Fn::CalculateBatch: [2, '{{ before }}']}
      BatchPauseOption: EveryBatchPause
  - Name: later
    Action: ACS::Sleep
    Properties:
      Duration: {Fn::DurationBetween: ['{{ ACS::CurrentUTCTime }}', {Fn::CalculateTimeByOpsWindow: ['22:00:00Z', '04:00:00Z']}]}
"#,
    );
}

#[test]
fn stored_parameters_and_secrets() {
    expect(
        "stored",
        &["secret-echo"],
        r#"
FormatVersion: OOS-2019-06-01
Parameters:
  instanceIds: {Type: List}
  secret:
    Type: String
    Default: '{{ oos-secret:RootPassword }}'
    AllowedPattern: '^\{\{ ?oos-secret:.*$'
    NoEcho: true
  newPassword: {Type: String, Default: '{{oos-secret:team/a.b:2}}'}
  script: {Type: String, Default: '{{ oos:aliyun/services/oos/commands/install_DockerCE_for_linux }}'}
Tasks:
  - Name: run
    Action: ACS::ExecuteAPI
    Properties:
      Service: ECS
      API: RunCommand
      Parameters:
        RegionId: '{{ ACS::RegionId }}'
        InstanceId: '{{ instanceIds }}'
        Type: RunShellScript
        EnableParameter: true
        ContentEncoding: Base64
        CommandContent: {Fn::Base64Encode: "{{ script }}\necho 'root:{{ secret }}' | chpasswd\n# {{ newPassword }}"}
    Outputs:
      invokeId: {Type: String, ValueSelector: .InvokeId}
  - Name: name
    Action: ACS::ExecuteAPI
    Properties:
      Service: OOS
      API: GetSecretParameter
      Parameters:
        Name: {Fn::Select: [0, {Fn::Split: ['}', {Fn::Select: [1, {Fn::Split: [':', '{{ secret }}']}]}]}]}
        WithDecryption: false
"#,
    );
}

#[test]
fn a_script_full_of_braces() {
    expect(
        "script",
        &["literal-braces"],
        r#"
FormatVersion: OOS-2019-06-01
Parameters:
  name: {Type: String, Default: web}
  instanceId: {Type: String}
Tasks:
  - Name: run
    Action: ACS::ECS::RunCommand
    Properties:
      regionId: '{{ ACS::RegionId }}'
      instanceId: '{{ instanceId }}'
      commandType: RunShellScript
      commandContent:
        Fn::Sub:
          - |
            #!/bin/bash
            set -e; name=${name}; for f in ${!FILES[@]}; do echo "${f}" "$HOME" "${UNSET:-x}"; done
            docker ps --format '{{ .Names }}' | grep -v "^${name}$" || true
            awk '{ if ($1 == "}") print $2 }' <<< '{{ name }}'
            jq -r '.a | {b: .c}' /tmp/x.json
          - name: '{{ name }}'
    Outputs:
      text: {Type: String, ValueSelector: commandOutput}
Outputs:
  lines: {Type: List, Value: {Fn::Split: ["\n", '{{ run.text }}']}}
"#,
    );
}

#[test]
fn outputs_that_read_raw_results() {
    expect(
        "raw-results",
        &["undefined-output"],
        r#"
FormatVersion: OOS-2019-06-01
Tasks:
  - Name: regions
    Action: ACS::ExecuteAPI
    Properties: {Service: ECS, API: DescribeRegions, Parameters: {}}
  - Name: zones
    Action: ACS::ExecuteAPI
    Properties: {Service: ECS, API: DescribeZones, Parameters: {RegionId: '{{ regions.Regions.Region[0].RegionId }}'}}
Outputs:
  names: {Type: List, Value: '{{ regions.Regions.Region[]?.LocalName }}'}
  first: {Type: String, Value: '{{ regions.Regions.Region[0].RegionId }}'}
  request: {Type: String, Value: 'asked by {{ zones.RequestId }}'}
"#,
    );
}

#[test]
fn selectors_of_every_make() {
    expect(
        "selectors",
        &[],
        r#"
FormatVersion: OOS-2019-06-01
Parameters:
  families: {Type: List, Default: [ecs.g7, ecs.c7]}
Tasks:
  - Name: types
    Action: ACS::ExecuteAPI
    Properties: {Service: ECS, API: DescribeInstanceTypes, AutoPaging: 'true', Parameters: {}}
    Outputs:
      path: {Type: List, ValueSelector: '$.InstanceTypes.InstanceType[?@.CpuCoreCount >= 4 && match(@.InstanceTypeId, "ecs[.]g.*")].InstanceTypeId'}
      deep: {Type: List, ValueSelector: '$..InstanceFamily'}
      big: {Type: Json, ValueSelector: '[.InstanceTypes.InstanceType[] | select(.InstanceTypeFamily as $f | {{ families }} | index($f))] | sort_by(-.MemorySize) | first'}
      shape: {Type: Json, ValueSelector: '.InstanceTypes.InstanceType | reduce .[] as $t ({}; .[$t.InstanceTypeFamily] += [$t.InstanceTypeId])'}
      safe: {Type: String, ValueSelector: 'try (.InstanceTypes.Nothing | tonumber) catch "none"'}
      text: {Type: String, ValueSelector: '[limit(3; .InstanceTypes.InstanceType[] | "\(.InstanceTypeId)=\(.CpuCoreCount // 0)")] | join(",") | @base64'}
      rest: {Type: Json, ValueSelector: '[.. | objects | select(has("LocalStorageAmount")) | with_entries(select(.key | test("^(?!Local)")))]'}
      odd: {Type: String, ValueSelector: '.["a-b"]."c.d" | getpath(["SystemDisk.Size"])? // empty'}
Outputs:
  all: {Type: Json, Value: {Fn::MergeMap: [{path: '{{ types.path }}', deep: '{{ types.deep }}'}, '{{ types.shape }}', {big: '{{ types.big }}', safe: '{{ types.safe }}', text: '{{ types.text }}', rest: '{{ types.rest }}', odd: '{{ types.odd }}'}]}}
"#,
    );
}

#[test]
fn parameters_for_a_form_of_the_console() {
    expect(
        "console",
        &["parameter-default", "unused-parameter", "parameter-default"],
        r#"
FormatVersion: OOS-2019-06-01
Parameters:
  payType:
    Label: {en: Pay type, zh-cn: 付费类型}
    Type: String
    AllowedValues: [PostPaid, PrePaid]
    Default: PostPaid
  period:
    Type: Number
    AllowedValues: [1, 2, 3, 12]
    Default: '1'
    AssociationPropertyMetadata:
      Visible: {Condition: {Fn::And: [{Fn::Equals: ['${payType}', PrePaid]}, {Fn::Not: {Fn::Equals: ['${zone}', '{{ not a reference']}}]}}
  zone: {Type: String, AssociationProperty: ZoneId, AssociationPropertyMetadata: {RegionId: regionId}, Default: ''}
  regionId: {Type: String, AssociationProperty: RegionId, Default: '{{ ACS::RegionId }}'}
  disks:
    Type: List
    AssociationProperty: List[Parameters]
    AssociationPropertyMetadata:
      Parameters:
        size: {Type: Number, MinValue: 20, Default: 40}
        category: {Type: String, AllowedValues: [cloud_essd, cloud_auto]}
    Default: []
  forgotten: {Type: Boolean, Default: 'TRUE', NoEcho: 'false'}
Tasks:
  - Name: launch
    Action: ACS::ExecuteAPI
    Properties:
      Service: ecs
      API: RunInstances
      Parameters:
        RegionId: '{{ regionId }}'
        InstanceChargeType: '{{ payType }}'
        Period: {Fn::If: [{Fn::Equals: ['{{ payType }}', PrePaid]}, '{{ period }}', null]}
        ZoneId: '{{ zone }}'
        DataDisks:
          Fn::MergeMapToList:
            - {Size: {Fn::Jq: [All, '.[].size', '{{ disks }}']}}
            - {Category: {Fn::Jq: [All, '.[].category', '{{ disks }}']}, DeleteWithInstance: [true]}
        SystemDisk.Size: 40
        Tags: [{Key: oos, Value: '{{ ACS::ExecutionId }}'}]
    Outputs:
      ids: {Type: List, ValueSelector: 'InstanceIdSets.InstanceIdSet[]'}
Outputs:
  ids: {Type: List, Value: '{{ launch.ids }}'}
"#,
    );
}

#[test]
fn a_template_in_json_with_everything_quoted() {
    expect(
        "json",
        &[],
        r#"{
  "FormatVersion": "OOS-2019-06-01",
  "Description": {"en": "Adds \u4f60\u597d \ud83d\ude00 to a name", "zh-cn": "改名"},
  "Parameters": {"loadBalancerId": {"Type": "String", "AllowedPattern": "lb-[a-z0-9]+"}, "suffix": {"Type": "String", "Default": "\u4f60\u597d", "MaxLength": "8"}},
  "RamRole": "",
  "Tasks": [
    {"Name": "read", "Action": "ACS::ExecuteAPI", "Properties": {"Service": "SLB", "API": "DescribeLoadBalancerAttribute", "Parameters": {"RegionId": "{{ ACS::RegionId }}", "LoadBalancerId": "{{loadBalancerId}}"}}, "Outputs": {"name": {"Type": "String", "ValueSelector": ".LoadBalancerName // \"none\""}}},
    {"Name": "write", "Action": "ACS::ExecuteAPI", "When": {"Fn::Not": [{"Fn::ContainsSubString": ["{{ read.name }}", "{{ suffix }}"]}]}, "Properties": {"Service": "SLB", "API": "SetLoadBalancerName", "Parameters": {"RegionId": "{{ ACS::RegionId }}", "LoadBalancerId": "{{loadBalancerId}}", "LoadBalancerName": "{{ read.name }}-{{ suffix }}"}}}
  ],
  "Outputs": {"name": {"Type": "String", "Value": {"Fn::If": [{"Fn::Equals": ["{{ read.name }}", "none"]}, "", "{{ read.name }}-{{ suffix }}"]}}}
}"#,
    );
}
