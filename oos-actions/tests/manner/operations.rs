//! Operations on resources: timers, events, batches, approvals, polling.

use super::expect;

#[test]
fn nightly_stop_with_a_time_window() {
    expect(
        "nightly-stop",
        &[],
        r#"
FormatVersion: OOS-2019-06-01
Description:
  en: Stops instances every night in a zone of one's own
  zh-cn: 每晚按自定义时区停止实例
  name-en: NightlyStop
  categories: [instance_manage, cost]
Metadata:
  ALIYUN::OOS::Interface:
    ParameterGroups:
      - Parameters: [timer, targets]
        Label: {default: {en: What and when, zh-cn: 目标与时间}}
Parameters:
  timer:
    Type: Json
    AssociationProperty: ALIYUN::OOS::Component::TimerTrigger
    Default: {expression: '0 0 22 ? * MON-FRI', zone: Asia/Shanghai, end: '2099-12-31T00:00:00Z'}
  targets: {Type: Json, AssociationProperty: Targets, AssociationPropertyMetadata: {ResourceType: 'ALIYUN::ECS::Instance'}}
  stoppedMode: {Type: String, AllowedValues: [StopCharging, KeepCharging, ''], Default: ''}
  rateControl: {Type: Json, AssociationProperty: RateControl, Default: {Mode: Concurrency, Concurrency: 10%, MaxErrors: 100%}}
  OOSAssumeRole: {Type: String, Default: OOSServiceRole}
RamRole: '{{ OOSAssumeRole }}'
Tasks:
  - Name: timer
    Action: ACS::TimerTrigger
    Properties:
      Type: cron
      Expression: {Fn::Select: [expression, '{{ timer }}']}
      TimeZone: {Fn::Select: [zone, '{{ timer }}']}
      EndDate: {Fn::Select: [end, '{{ timer }}']}
  - Name: choose
    Action: ACS::SelectTargets
    Properties: {ResourceType: 'ALIYUN::ECS::Instance', Filters: ['{{ targets }}']}
    Outputs:
      running: {Type: List, ValueSelector: 'Instances.Instance[] | select(.Status == "Running") | .InstanceId'}
  - Name: nobody
    Action: ACS::Choice
    Properties:
      DefaultTask: stop
      Choices:
        - {When: {Fn::Equals: ['{{ choose.running }}', []]}, NextTask: ACS::END}
  - Name: stop
    Action: ACS::ECS::StopInstance
    Properties:
      instanceId: '{{ ACS::TaskLoopItem }}'
      stoppedMode: {Fn::If: [{Fn::Equals: ['{{ stoppedMode }}', '']}, null, '{{ stoppedMode }}']}
    Loop: {Items: '{{ choose.running }}', RateControl: '{{ rateControl }}'}
"#,
    );
}

#[test]
fn spot_interruption_moves_the_load() {
    expect(
        "spot-interruption",
        &[],
        r#"
FormatVersion: OOS-2019-06-01
Parameters:
  regions: {Type: List, Default: ['{{ ACS::RegionId }}', cn-hangzhou]}
  vServerGroupId: {Type: String, AllowedPattern: '^rsp-(?!.*--)[a-z0-9-]+$'}
Tasks:
  - Name: interrupted
    Action: ACS::EventTrigger
    Properties:
      Product: ECS
      Name: ['Instance:PreemptibleInstanceInterruption']
      Level: [WARN, CRITICAL]
      RegionId: '{{ regions }}'
      Content: {action: [delete]}
    Outputs:
      instanceId: {Type: String, ValueSelector: .content.instanceId}
      when: {Type: String, ValueSelector: '.eventTime // .content.time'}
  - Name: takeOut
    Action: ACS::ExecuteAPI
    OnError: ACS::NEXT
    Properties:
      Service: slb
      API: RemoveVServerGroupBackendServers
      Parameters:
        RegionId: '{{ ACS::RegionId }}'
        VServerGroupId: '{{ vServerGroupId }}'
        BackendServers: [{ServerId: '{{ interrupted.instanceId }}', Port: 80}]
  - Name: remember
    Action: ACS::ExecuteAPI
    IsCritical: false
    OnError: ACS::END
    Properties:
      Service: OOS
      API: CreateParameter
      Parameters: {Name: 'interrupted_{{ ACS::ExecutionId }}', Type: String, Value: '{{ interrupted.instanceId }} at {{ interrupted.when }}'}
Outputs:
  gone: {Type: String, Value: '{{ interrupted.instanceId }}'}
"#,
    );
}

#[test]
fn batches_that_pause_and_a_clean_up_after_a_cancel() {
    expect(
        "batches",
        &[],
        r#"
FormatVersion: OOS-2019-06-01
Parameters:
  instanceIds: {Type: List, AssociationProperty: 'List[ALIYUN::ECS::Instance::InstanceId]'}
  approvers: {Type: List, Default: []}
  webHook: {Type: String}
Conditions:
  mustAsk: {Fn::Not: {Fn::Equals: ['{{ approvers }}', []]}}
  many: {Fn::And: [mustAsk, {Fn::Jq: [First, 'length > 10', '{{ instanceIds }}']}]}
Tasks:
  - Name: ask
    Action: ACS::Approve
    When: many
    OnCancel: tell
    Properties:
      NotifyType: WebHook
      WebHook:
        URI: '{{ webHook }}'
        Headers: {Content-Type: application/json}
        Content: {msgtype: text, text: {content: '{{ ACS::ExecuteUser }} asks: https://example.com/{{ ACS::ExecutionId }}'}}
      Approvers: '{{ approvers }}'
      MinRequiredApprovals: '2'
  - Name: reboot
    Action: ACS::ECS::RebootInstance
    OnCancel: tell
    OnSuccess: ACS::END
    Properties: {regionId: '{{ ACS::RegionId }}', instanceId: '{{ ACS::TaskLoopItem }}'}
    Loop:
      Items: '{{ instanceIds }}'
      RateControl:
        Mode: Batch
        Batch: [1, 25%, '50%']
        ConcurrencyInBatches: [1, 50%]
        BatchPauseOption: FirstBatchPause
        MaxErrors: 10%
  - Name: tell
    Action: ACS::Notify
    Properties:
      NotifyType: WebHook
      WebHook: {URI: '{{ webHook }}', Content: {text: stopped}}
"#,
    );
}

#[test]
fn a_pipeline_that_polls_an_address_of_its_own() {
    expect(
        "address",
        &[],
        r#"
FormatVersion: OOS-2019-06-01
Parameters:
  endpoint: {Type: String, AllowedPattern: 'https?://'}
  token: {Type: String, NoEcho: true}
Tasks:
  - Name: begin
    Action: ACS::ExecuteHttpRequest
    Properties:
      URL: '{{ endpoint }}/builds'
      Method: POST
      Headers: {Authorization: 'Bearer {{ token }}'}
      Query: {branch: main, at: '{{ ACS::CurrentUTCTime }}'}
      Body: {parameters: [{name: region, value: '{{ ACS::RegionId }}'}]}
    Outputs:
      id: {Type: String, ValueSelector: '.id | tostring'}
  - Name: ready
    Action: ACS::ExecuteHttpRequest
    Properties:
      URL: '{{ endpoint }}/builds/{{ begin.id }}'
      Method: GET
      Headers: {Authorization: 'Bearer {{ token }}'}
      WaitFor:
        Rules: [{PropertySelector: '.state', Operator: In, DesiredValues: [passed]}]
        Retries: 30
        DelayType: Linear
        Delay: 5
        BackOff: 5
        MaxRetryInterval: 60
    Outputs:
      log: {Type: Json, ValueSelector: '[.steps[]? | {(.name): .exit}] | add'}
Outputs:
  log: {Type: Json, Value: '{{ ready.log }}'}
"#,
    );
}

#[test]
fn waiting_in_all_three_ways() {
    expect(
        "waiting",
        &["invalid-retry"],
        r#"
FormatVersion: OOS-2019-06-01
Parameters:
  dbInstanceId: {Type: String}
  retries: {Type: Number, Default: 60, MinValue: 0, MaxValue: 300}
Tasks:
  - Name: running
    Action: ACS::WaitFor
    Retries: '{{ retries }}'
    DelayType: Linear
    Delay: 10
    BackOff: 10
    MaxRetryInterval: 120
    Properties:
      Service: RDS
      API: DescribeDBInstanceAttribute
      Parameters: {DBInstanceId: '{{ dbInstanceId }}'}
      PropertySelector: 'Items.DBInstanceAttribute[] | select(.DBInstanceId == "{{ dbInstanceId }}") | .DBInstanceStatus'
      NotDesiredValues: [Creating, Restarting]
      StopRetryValues: [Deleting]
  - Name: master
    Action: ACS::CheckFor
    DelayType: Exponential
    MaxRetryInterval: 1800
    Retries: 3
    Properties:
      Service: rds
      API: DescribeDBInstanceAttribute
      Parameters: {DBInstanceId: '{{ dbInstanceId }}'}
      PropertySelector: '$.Items.DBInstanceAttribute[?@.DBInstanceType == "Primary"].LockMode'
      DesiredValues: [Unlock]
  - Name: nap
    Action: ACS::Sleep
    Retries: 3
    Properties: {Duration: {Fn::DurationBetween: ['20:00:00Z', '08:00:00Z']}}
"#,
    );
}

#[test]
fn object_storage_and_other_apis_by_path() {
    expect(
        "paths",
        &[],
        r#"
FormatVersion: OOS-2019-06-01
Parameters:
  bucket: {Type: String, MinLength: 3, MaxLength: 63}
  clusterId: {Type: String}
  referers: {Type: Json, Default: ['http://a', 'http://b']}
Tasks:
  - Name: put
    Action: ACS::ExecuteAPI
    Properties:
      Service: OSS
      API: PutBucketReferer
      Method: PUT
      URI: '?referer'
      Headers: null
      Parameters: {BucketName: '{{ bucket }}', RegionId: '{{ ACS::RegionId }}'}
      Body: |
        <RefererConfiguration><AllowEmptyReferer>false</AllowEmptyReferer></RefererConfiguration>
  - Name: nodes
    Action: ACS::ExecuteAPI
    Properties:
      Service: CS
      API: DescribeClusterNodes
      Method: GET
      URI: '/clusters/{{ clusterId }}/nodes'
      Parameters: {pageSize: '50'}
    Outputs:
      ids: {Type: List, ValueSelector: '.nodes[] | .instance_id'}
      byState: {Type: Json, ValueSelector: '.nodes | group_by(.state) | map({(.[0].state): length}) | add'}
Outputs:
  all: {Type: Json, Value: {ids: '{{ nodes.ids }}', states: '{{ nodes.byState }}', referers: '{{ referers }}'}}
"#,
    );
}
