//! Ways through a template: choices, jumps, nested loops, templates in templates.

use super::expect;

#[test]
fn one_loop_inside_another_with_tasks_of_their_own() {
    expect(
        "nested-loops",
        &[],
        r#"
FormatVersion: OOS-2019-06-01
Parameters:
  regions: {Type: List, AssociationProperty: 'List[RegionId]', Default: [cn-hangzhou, cn-beijing]}
  tagKey: {Type: String, Default: owner}
Tasks:
  - Name: everyRegion
    Action: ACS::Loop
    Properties:
      LoopItems: '{{ regions }}'
      LoopRateControl: {Mode: Concurrency, Concurrency: 2, MaxErrors: 100%}
      LoopTasks:
        - Name: list
          Action: ACS::ExecuteAPI
          Properties:
            Service: ECS
            API: DescribeDisks
            Parameters: {RegionId: '{{ ACS::TaskLoopItem }}', Status: Available}
          Outputs:
            loose:
              Type: List
              ValueSelector: '.Disks.Disk[] | select([.Tags.Tag[]?.TagKey] | index("{{ tagKey }}") | not) | .DiskId'
        - Name: none
          Action: ACS::Choice
          Properties:
            DefaultTask: ACS::NEXT
            Choices: [{When: {Fn::Equals: [[], '{{ list.loose }}']}, NextTask: ACS::END}]
        - Name: mark
          Action: ACS::ExecuteAPI
          OnError: CONTINUE
          Properties:
            Service: ECS
            API: TagResources
            Parameters: {ResourceType: disk, ResourceId: ['{{ ACS::TaskLoopItem }}'], Tags: [{Key: '{{ tagKey }}', Value: nobody}]}
          Loop: {Items: '{{ list.loose }}', RateControl: {Mode: Concurrency, Concurrency: 5}}
    Outputs:
      loose: {Type: List, ValueSelector: '{{ list.loose }}'}
Outputs:
  loose: {Type: List, Value: {Fn::MergeList: '{{ everyRegion.loose }}'}}
"#,
    );
}

#[test]
fn a_wait_written_as_a_jump_back() {
    expect(
        "jump-back",
        &["reference-later", "backward-jump"],
        r#"
FormatVersion: OOS-2019-06-01
Parameters:
  instanceId: {Type: String}
Tasks:
  - Name: nap
    Action: ACS::Sleep
    When: {Fn::Not: {Fn::Equals: ['{{ look.status }}', Stopping]}}
    Properties: {Duration: 1M}
  - Name: look
    Action: ACS::ExecuteAPI
    Properties: {Service: ECS, API: DescribeInstanceStatus, Parameters: {RegionId: '{{ ACS::RegionId }}', InstanceId: ['{{ instanceId }}']}}
    Outputs:
      status: {Type: String, ValueSelector: 'InstanceStatuses.InstanceStatus[0].Status'}
  - Name: again
    Action: ACS::Choice
    Properties:
      DefaultTask: nap
      Choices:
        - {When: {Fn::Or: [{Fn::Equals: ['{{ look.status }}', Stopped]}, {Fn::Equals: [null, '{{ look.status }}']}]}, NextTask: ACS::END}
"#,
    );
}

#[test]
fn templates_by_name_by_version_and_in_place() {
    expect(
        "children",
        &["child-parameter"],
        r#"
FormatVersion: OOS-2019-06-01
Parameters:
  which: {Type: String, Default: MyTemplate}
  given: {Type: Json, Default: {}}
Tasks:
  - Name: byReference
    Action: ACS::Template
    Properties: {TemplateName: '{{ which }}', TemplateVersion: v3, Parameters: '{{ given }}'}
  - Name: byName
    Action: ACS::Template
    Properties: {TemplateName: ACS::ECS::StartInstance, Parameters: {instanceId: i-1, OOSAssumeRole: '|1234567890/Admin'}}
  - Name: inPlace
    Action: ACS::Template
    Properties:
      Parameters: {pause: PT5S}
      TemplateContent:
        FormatVersion: OOS-2019-06-01
        Parameters: {pause: {Type: String}}
        Tasks: [{Name: nap, Action: ACS::Sleep, Properties: {Duration: '{{ pause }}'}}]
  - Name: asText
    Action: ACS::Template
    Loop: {Items: [1S, 2S], Outputs: {all: {AggregateType: Fn::ListJoin, AggregateField: slept}}}
    Properties:
      Parameters: {pause: '{{ ACS::TaskLoopItem }}'}
      TemplateContent: |
        {"FormatVersion": "OOS-2019-06-01", "Parameters": {"pause": {"Type": "String"}},
         "Tasks": [{"Name": "nap", "Action": "ACS::Sleep", "Properties": {"Duration": "{{ pause }}"}}],
         "Outputs": {"slept": {"Type": "String", "Value": "{{ pause }}"}}}
    Outputs:
      slept: {Type: String, ValueSelector: slept}
Outputs:
  slept: {Type: List, Value: '{{ asText.all }}'}
"#,
    );
}

#[test]
fn spellings_that_match_without_case() {
    expect(
        "spellings",
        &["reference-case", "reference-case", "reference-case", "reference-case", "reference-case", "invalid-loop"],
        r#"
FormatVersion: OOS-2019-06-01
Parameters:
  regionId: {Type: String, Default: '{{ acs::regionid }}'}
  ids: {Type: List}
Tasks:
  - Name: describeVSwitches
    Action: acs::ExecuteApi
    OnSuccess: deletevswitch
    Properties: {Service: vpc, API: describevswitches, Parameters: {RegionId: '{{ RegionID }}'}}
    Outputs:
      VSwitchId: {Type: String, ValueSelector: 'VSwitches.VSwitch[0].VSwitchId'}
  - Name: deleteVSwitch
    Action: ACS::ExecuteAPI
    Properties: {Service: VPC, API: DeleteVSwitch, Parameters: {VSwitchId: '{{ DescribeVSwitches.vSwitchId }}'}}
    Loop: {Items: '{{ ids }}', RateControl: {Mode: concurrency, Concurrency: 1}}
"#,
    );
}

#[test]
fn a_handler_for_each_end() {
    expect(
        "handlers",
        &[],
        r#"
FormatVersion: OOS-2019-06-01
Parameters:
  stackName: {Type: String, Default: 'OOS-{{ACS::ExecutionId}}'}
  body: {Type: Json, AssociationProperty: Code}
Tasks:
  - Name: create
    Action: ACS::ExecuteAPI
    OnError: reason
    OnCancel: remove
    Properties:
      Service: ROS
      API: CreateStack
      Parameters:
        RegionId: '{{ ACS::RegionId }}'
        StackName: {Fn::Select: ['0', {Fn::Split: ['.', '{{ stackName }}']}]}
        TemplateBody: '{{ body }}'
        Parameters: [{ParameterKey: Zone, ParameterValue: a}]
        TimeoutInMinutes: 20
    Outputs:
      stackId: {Type: String, ValueSelector: StackId}
  - Name: made
    Action: ACS::WaitFor
    OnError: reason
    OnSuccess: ACS::END
    Properties:
      Service: ROS
      API: GetStack
      Parameters: {RegionId: '{{ ACS::RegionId }}', StackId: '{{ create.stackId }}'}
      PropertySelector: Status
      DesiredValues: [CREATE_COMPLETE]
      StopRetryValues: [CREATE_FAILED, CREATE_ROLLBACK_COMPLETE]
  - Name: reason
    Action: ACS::ExecuteAPI
    Properties: {Service: ROS, API: GetStack, Parameters: {RegionId: '{{ ACS::RegionId }}', StackId: '{{ create.stackId }}'}}
    Outputs:
      reason: {Type: String, ValueSelector: StatusReason}
  - Name: remove
    Action: ACS::ExecuteAPI
    Properties: {Service: ROS, API: DeleteStack, Parameters: {RegionId: '{{ ACS::RegionId }}', StackId: '{{ create.stackId }}'}}
Outputs:
  stackId: {Type: String, Value: '{{ create.stackId }}'}
  reason: {Type: String, Value: '{{ reason.reason }}'}
"#,
    );
}
