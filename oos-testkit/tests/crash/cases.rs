//! The runs that are crashed: control flow, loops of every kind, children, people, triggers, failures, cancels.

use oos_core::{
    engine::StartOptions,
    machine::{ExecutionStatus, LoopMode, Mode, SafetyCheck, SignalKind, SignalTarget},
};
use oos_testkit::prelude::*;

use crate::world::{
    Act, Case, What,
    When::{self, After, Idle},
};

fn nothing(_: &FakeCloud) {}

fn no_ports(_: &TestBed) {}

fn nobody() -> Vec<Act> {
    Vec::new()
}

fn stopped(cloud: &FakeCloud) {
    cloud.ecs().instances(3).stopped().create();
}

fn named(cloud: &FakeCloud) {
    for n in 1..=4 {
        cloud.ecs().instance().id(&format!("i-{n}")).named(&format!("web-{n}")).stopped().create();
    }
}

fn running(cloud: &FakeCloud) {
    for n in 1..=4 {
        cloud.ecs().instance().id(&format!("i-{n}")).running().create();
    }
    cloud.assistant().on_command(any()).on_instance("i-3").then(exit(1).stdout("no space left"));
    cloud.assistant().default(exit(0).stdout("done"));
}

fn stored(bed: &TestBed) {
    bed.parameters().set("amount", "2").set("one", "1").set("two", "2").set("late", "x");
}

fn act(when: When, from: &'static str, kind: SignalKind) -> Act {
    Act { when, from, to: SignalTarget::default(), what: What::Signal(kind) }
}

fn to_items(mut act: Act, items: &[u32]) -> Act {
    act.to.items = items.to_vec();
    act
}

const YES: SignalKind = SignalKind::Approve { note: None };
const NO: SignalKind = SignalKind::Reject { note: None };

/// A case without people; the others say what differs.
const fn case(name: &'static str, template: &'static str, status: &'static str) -> Case {
    Case { name, template, cloud: nothing, bed: no_ports, options: StartOptions::default, acts: nobody, status }
}

pub(crate) const CASES: [Case; 32] = [
    case("loop of calls", RUN_THREE, "Success"),
    Case { cloud: stopped, ..case("loop of product actions", PRODUCT_LOOP, "Success") },
    Case {
        acts: || vec![act(Idle, "anna", YES), act(Idle, "ben", YES)],
        ..case("approval of two", APPROVAL, "Success")
    },
    Case {
        acts: || vec![act(Idle, "anna", YES), act(Idle, "ben", NO)],
        ..case("rejected approval", APPROVAL, "Cancelled")
    },
    case("timer trigger", TIMER, "Success"),
    Case { cloud: named, acts: events, ..case("event trigger", EVENT, "Cancelled") },
    Case { acts: by_hand, ..case("trigger by hand with new parameters", BY_HAND, "Success") },
    case("failure with handler", HANDLER, "Failed"),
    Case {
        acts: || vec![act(After(60), "tester", SignalKind::Cancel)],
        ..case("cancel with handler", CANCELLED, "Cancelled")
    },
    Case {
        acts: || vec![act(After(60), "tester", SignalKind::Cancel), act(After(61), "tester", SignalKind::Cancel)],
        ..case("second cancel", CANCELLED_TWICE, "Cancelled")
    },
    Case {
        cloud: stopped,
        acts: || vec![act(After(90), "tester", SignalKind::Cancel)],
        ..case("cancel in nested children", DEEP_SLEEP, "Cancelled")
    },
    case("polling", RETRIES, "Success"),
    Case { cloud: stopped, ..case("nested template by computed name", NESTED, "Success") },
    case("failure up through three levels", FAIL_UP, "Failed"),
    Case { bed: stored, ..case("stored parameters", STORED, "Success") },
    Case {
        options: || StartOptions { mode: Mode::FailurePause, ..StartOptions::default() },
        acts: || vec![act(Idle, "ops", SignalKind::RetryTask), act(Idle, "ops", SignalKind::SkipTask)],
        ..case("FailurePause: retry, then skip", FAIL_THEN_MAKE, "Success")
    },
    Case {
        cloud: named,
        options: || StartOptions { mode: Mode::FailurePause, ..StartOptions::default() },
        acts: || {
            vec![
                to_items(act(Idle, "ops", SignalKind::RetryTask), &[2]),
                to_items(act(Idle, "ops", SignalKind::SkipTask), &[2]),
            ]
        },
        ..case("FailurePause of items", FAILING_ITEM, "Success")
    },
    Case {
        options: || StartOptions { mode: Mode::Debug, ..StartOptions::default() },
        acts: debug,
        ..case("Debug, step by step", THREE_STEPS, "Success")
    },
    Case {
        acts: || vec![act(After(30), "ops", SignalKind::Pause), act(Idle, "ops", SignalKind::Resume)],
        ..case("pause and resume", NAP_THEN_MAKE, "Success")
    },
    Case { acts: || vec![act(Idle, "ops", YES)], ..case("pause task", PAUSE, "Success") },
    Case {
        cloud: named,
        acts: || vec![act(Idle, "ops", YES), act(Idle, "ops", YES)],
        ..case("batches with pauses", BATCHES, "Success")
    },
    Case {
        cloud: named,
        options: || StartOptions { loop_mode: LoopMode::FirstBatchPause, ..StartOptions::default() },
        acts: || vec![act(Idle, "ops", NO)],
        ..case("first batch rejected", BATCHES, "Cancelled")
    },
    Case { cloud: named, ..case("percent, with failures in the budget", PERCENT, "Success") },
    Case { cloud: named, ..case("percent, with failures above the budget", PERCENT_STRICT, "Failed") },
    Case { cloud: named, ..case("several tasks for each item", EACH, "Success") },
    Case { cloud: running, ..case("commands under rate control", COMMANDS, "Failed") },
    case("jump back and choice", BACKWARD, "Success"),
    Case {
        cloud: named,
        options: || StartOptions { safety_check: SafetyCheck::ConfirmEveryHighRiskAction, ..StartOptions::default() },
        acts: || vec![act(Idle, "ops", YES), act(Idle, "ops", YES)],
        ..case("risk confirmation, items left out", RISK, "Success")
    },
    Case { cloud: named, ..case("targets, snapshots, image", IMAGE, "Success") },
    case("group of instances made and deleted", MAKE_AND_DELETE, "Success"),
    Case {
        options: || StartOptions { mode: Mode::Debug, ..StartOptions::default() },
        acts: || {
            let status = ExecutionStatus::Failed;
            vec![
                act(Idle, "dev", SignalKind::ExecuteTask { parameters: Value::Null }),
                act(Idle, "dev", SignalKind::CompleteExecution { status }),
            ]
        },
        ..case("Debug, ended by hand", THREE_STEPS, "Failed")
    },
    Case { cloud: named, ..case("outputs that fail the run", BAD_OUTPUT, "Failed") },
];

fn debug() -> Vec<Act> {
    let step = || act(Idle, "dev", SignalKind::ExecuteTask { parameters: Value::Null });
    let complete = SignalKind::CompleteExecution { status: ExecutionStatus::Success };
    vec![step(), step(), step(), act(Idle, "dev", complete)]
}

/// Two events fire; then the trigger is cancelled.
fn events() -> Vec<Act> {
    let event = |id: &str| {
        Value::from(json!({
            "product": "ECS", "name": "Instance:StateChange", "level": "INFO", "regionId": "cn-hangzhou",
            "content": {"resourceId": id, "resourceType": "ALIYUN::ECS::Instance", "state": "Stopped"},
        }))
    };
    let raise = |when, id| Act { when, from: "bus", to: SignalTarget::default(), what: What::Event(event(id)) };
    vec![raise(Idle, "i-1"), raise(Idle, "i-2"), act(Idle, "tester", SignalKind::Cancel)]
}

fn by_hand() -> Vec<Act> {
    let message = || Value::empty_map();
    vec![
        act(After(60), "ops", SignalKind::Trigger { message: message() }),
        act(After(600), "ops", SignalKind::UpdateParameters { parameters: params! { "amount" => 2 } }),
        act(After(900), "ops", SignalKind::Trigger { message: message() }),
    ]
}

const RUN_THREE: &str = "
FormatVersion: OOS-2019-06-01
Tasks:
  - {Name: make, Action: ACS::ExecuteAPI, Properties: {Service: ECS, API: RunInstances, Parameters: {Amount: 1}}, Outputs: {id: {Type: String, ValueSelector: 'InstanceIdSets.InstanceIdSet[]'}}, Loop: {Items: [1, 2, 3], RateControl: {Mode: Concurrency, Concurrency: 2}, Outputs: {ids: {AggregateType: 'Fn::ListJoin', AggregateField: id}}}}
  - {Name: count, Action: ACS::ExecuteAPI, Properties: {Service: ECS, API: DescribeInstances, Parameters: {}}, Outputs: {n: {Type: Number, ValueSelector: TotalCount}}}
Outputs: {n: {Type: Number, Value: '{{ count.n }}'}, made: {Type: Number, Value: {'Fn::Jq': [First, length, '{{ make.ids }}']}}}
";

const PRODUCT_LOOP: &str = "
FormatVersion: OOS-2019-06-01
Tasks:
  - {Name: find, Action: ACS::ExecuteAPI, Properties: {Service: ECS, API: DescribeInstances, Parameters: {}}, Outputs: {ids: {Type: List, ValueSelector: 'Instances.Instance[].InstanceId'}}}
  - {Name: start, Action: ACS::ECS::StartInstance, Properties: {instanceId: '{{ ACS::TaskLoopItem }}'}, Loop: {Items: '{{ find.ids }}', RateControl: {Mode: Concurrency, Concurrency: 2}}}
  - {Name: see, Action: ACS::ExecuteAPI, Properties: {Service: ECS, API: DescribeInstances, Parameters: {}}, Outputs: {all: {Type: List, ValueSelector: 'Instances.Instance[].Status'}}}
Outputs: {all: {Type: List, Value: '{{ see.all }}'}}
";

const APPROVAL: &str = "
FormatVersion: OOS-2019-06-01
Tasks:
  - {Name: ask, Action: ACS::Approve, OnCancel: make, Properties: {NotifyType: WebHook, Approvers: [anna, ben], MinRequiredApprovals: 2, WebHook: {URI: 'https://x.example', Content: {a: b}}}, Outputs: {who: {Type: Json, ValueSelector: Approvers}}}
  - {Name: make, Action: ACS::ExecuteAPI, Properties: {Service: ECS, API: RunInstances, Parameters: {Amount: 1}}}
Outputs: {who: {Type: Json, Value: '{{ ask.who }}'}}
";

const TIMER: &str = "
FormatVersion: OOS-2019-06-01
Tasks:
  - {Name: tick, Action: ACS::TimerTrigger, Properties: {Type: rate, Expression: 1 hours, EndDate: '2026-01-05T12:30:00Z'}}
  - {Name: make, Action: ACS::ExecuteAPI, Properties: {Service: ECS, API: RunInstances, Parameters: {Amount: 1}}}
";

const EVENT: &str = "
FormatVersion: OOS-2019-06-01
Tasks:
  - {Name: listen, Action: ACS::EventTrigger, Properties: {Product: ECS, Name: ['Instance:StateChange'], Level: [INFO], Content: {state: [Stopped]}}, Outputs: {id: {Type: String, ValueSelector: .content.resourceId}}}
  - {Name: start, Action: ACS::ECS::StartInstance, Properties: {instanceId: '{{ listen.id }}'}}
";

const BY_HAND: &str = "
FormatVersion: OOS-2019-06-01
Parameters: {amount: {Type: Number, Default: 1}}
Tasks:
  - {Name: tick, Action: ACS::TimerTrigger, Properties: {Type: rate, Expression: 1 hours, EndDate: '2026-01-05T11:30:00Z'}}
  - {Name: make, Action: ACS::ExecuteAPI, Properties: {Service: ECS, API: RunInstances, Parameters: {Amount: '{{ amount }}'}}}
  - {Name: rest, Action: ACS::Sleep, Properties: {Duration: PT1M}}
";

const HANDLER: &str = "
FormatVersion: OOS-2019-06-01
Tasks:
  - {Name: bad, Action: ACS::ExecuteAPI, OnError: clean, Properties: {Service: ECS, API: StopInstance, Parameters: {InstanceId: i-none}}}
  - {Name: never, Action: ACS::ExecuteAPI, Properties: {Service: ECS, API: RunInstances, Parameters: {Amount: 9}}}
  - {Name: clean, Action: ACS::ExecuteAPI, Properties: {Service: ECS, API: RunInstances, Parameters: {Amount: 1}}, Outputs: {n: {Type: Json, ValueSelector: 'InstanceIdSets.InstanceIdSet | length'}}}
Outputs: {n: {Type: Json, Value: '{{ clean.n }}'}}
";

const CANCELLED: &str = "
FormatVersion: OOS-2019-06-01
Tasks:
  - {Name: make, Action: ACS::ExecuteAPI, Properties: {Service: ECS, API: RunInstances, Parameters: {Amount: 1}}}
  - {Name: doze, Action: ACS::Sleep, OnCancel: clean, Properties: {Duration: P30D}}
  - {Name: never, Action: ACS::ExecuteAPI, Properties: {Service: ECS, API: RunInstances, Parameters: {Amount: 9}}}
  - {Name: clean, Action: ACS::ExecuteAPI, Properties: {Service: ECS, API: RunInstances, Parameters: {Amount: 2}}}
";

const CANCELLED_TWICE: &str = "
FormatVersion: OOS-2019-06-01
Tasks:
  - {Name: make, Action: ACS::ExecuteAPI, Properties: {Service: ECS, API: RunInstances, Parameters: {Amount: 1}}}
  - {Name: doze, Action: ACS::Sleep, OnCancel: rest, Properties: {Duration: P30D}}
  - {Name: rest, Action: ACS::Sleep, OnCancel: clean, Properties: {Duration: P30D}}
  - {Name: clean, Action: ACS::ExecuteAPI, Properties: {Service: ECS, API: RunInstances, Parameters: {Amount: 2}}}
";

const DEEP_SLEEP: &str = "
FormatVersion: OOS-2019-06-01
Tasks:
  - Name: outer
    Action: ACS::Template
    OnCancel: clean
    Loop: {Items: [1, 2], RateControl: {Mode: Concurrency, Concurrency: 2}}
    Properties:
      TemplateContent:
        FormatVersion: OOS-2019-06-01
        Tasks:
          - {Name: make, Action: ACS::ExecuteAPI, Properties: {Service: ECS, API: RunInstances, Parameters: {Amount: 1}}}
          - Name: middle
            Action: ACS::Template
            OnCancel: mend
            Properties:
              TemplateContent:
                FormatVersion: OOS-2019-06-01
                Tasks:
                  - {Name: doze, Action: ACS::Sleep, Properties: {Duration: P30D}}
          - {Name: mend, Action: ACS::ExecuteAPI, Properties: {Service: ECS, API: RunInstances, Parameters: {Amount: 2}}}
  - {Name: clean, Action: ACS::ExecuteAPI, Properties: {Service: ECS, API: RunInstances, Parameters: {Amount: 3}}}
";

const RETRIES: &str = "
FormatVersion: OOS-2019-06-01
Tasks:
  - {Name: make, Action: ACS::ExecuteAPI, Properties: {Service: ECS, API: RunInstances, Parameters: {Amount: 1}}, Outputs: {id: {Type: String, ValueSelector: 'InstanceIdSets.InstanceIdSet[]'}}}
  - {Name: ready, Action: ACS::WaitFor, DelayType: Constant, Delay: 3, Retries: 100, Properties: {Service: ECS, API: DescribeInstances, Parameters: {InstanceIds: ['{{ make.id }}']}, PropertySelector: 'Instances.Instance[].Status', DesiredValues: [Running]}}
  - {Name: doze, Action: ACS::Sleep, Properties: {Duration: PT5M}}
  - {Name: sure, Action: ACS::CheckFor, Properties: {Service: ECS, API: DescribeInstances, Parameters: {InstanceIds: ['{{ make.id }}']}, PropertySelector: 'Instances.Instance[].Status', DesiredValues: [Running]}}
";

const NESTED: &str = "
FormatVersion: OOS-2019-06-01
Tasks:
  - {Name: find, Action: ACS::ExecuteAPI, Properties: {Service: ECS, API: DescribeInstances, Parameters: {}}, Outputs: {id: {Type: String, ValueSelector: 'Instances.Instance[0].InstanceId'}}}
  - {Name: call, Action: ACS::Template, Properties: {TemplateName: {'Fn::Join': ['::', [ACS, ECS, StartInstance]]}, Parameters: {instanceId: '{{ find.id }}'}}}
  - {Name: see, Action: ACS::ExecuteAPI, Properties: {Service: ECS, API: DescribeInstances, Parameters: {}}, Outputs: {all: {Type: List, ValueSelector: 'Instances.Instance[].Status'}}}
Outputs: {all: {Type: List, Value: '{{ see.all }}'}}
";

const FAIL_UP: &str = "
FormatVersion: OOS-2019-06-01
Tasks:
  - Name: outer
    Action: ACS::Template
    OnError: clean
    Properties:
      TemplateContent:
        FormatVersion: OOS-2019-06-01
        Tasks:
          - Name: middle
            Action: ACS::Template
            OnError: mend
            Properties:
              TemplateContent:
                FormatVersion: OOS-2019-06-01
                Tasks:
                  - {Name: make, Action: ACS::ExecuteAPI, Properties: {Service: ECS, API: RunInstances, Parameters: {Amount: 1}}}
                  - {Name: bad, Action: ACS::ExecuteAPI, Properties: {Service: ECS, API: StopInstance, Parameters: {InstanceId: i-none}}}
          - {Name: mend, Action: ACS::ExecuteAPI, Properties: {Service: ECS, API: RunInstances, Parameters: {Amount: 2}}}
  - {Name: clean, Action: ACS::ExecuteAPI, Properties: {Service: ECS, API: RunInstances, Parameters: {Amount: 3}}}
";

const STORED: &str = "
FormatVersion: OOS-2019-06-01
Tasks:
  - {Name: make, Action: ACS::ExecuteAPI, Properties: {Service: ECS, API: RunInstances, Parameters: {Amount: '{{ oos:amount }}'}}}
  - {Name: many, Action: ACS::ExecuteAPI, Properties: {Service: ECS, API: RunInstances, Parameters: {Amount: {'Fn::If': [{'Fn::Equals': ['{{ ACS::TaskLoopItem }}', 1]}, '{{ oos:one }}', '{{ oos:two }}']}}}, Loop: {Items: [1, 2], RateControl: {Mode: Concurrency, Concurrency: 2}}}
Outputs: {amount: {Type: Json, Value: '{{ oos:amount }}-{{ oos:late }}'}}
";

const FAIL_THEN_MAKE: &str = "
FormatVersion: OOS-2019-06-01
Tasks:
  - {Name: bad, Action: ACS::ExecuteAPI, Properties: {Service: ECS, API: StopInstance, Parameters: {InstanceId: i-none}}}
  - {Name: make, Action: ACS::ExecuteAPI, Properties: {Service: ECS, API: RunInstances, Parameters: {Amount: 1}}}
";

const FAILING_ITEM: &str = "
FormatVersion: OOS-2019-06-01
Tasks:
  - {Name: start, Action: ACS::ExecuteAPI, Properties: {Service: ECS, API: StartInstance, Parameters: {InstanceId: '{{ ACS::TaskLoopItem }}'}}, Loop: {Items: [i-1, i-none, i-2], RateControl: {Mode: Concurrency, Concurrency: 2, MaxErrors: 0}}}
  - {Name: make, Action: ACS::ExecuteAPI, Properties: {Service: ECS, API: RunInstances, Parameters: {Amount: 1}}}
";

const THREE_STEPS: &str = "
FormatVersion: OOS-2019-06-01
Tasks:
  - {Name: one, Action: ACS::ExecuteAPI, Properties: {Service: ECS, API: RunInstances, Parameters: {Amount: 1}}, Outputs: {n: {Type: Json, ValueSelector: 'InstanceIdSets.InstanceIdSet | length'}}}
  - {Name: two, Action: ACS::Sleep, Properties: {Duration: PT1M}}
  - {Name: three, Action: ACS::ExecuteAPI, Properties: {Service: ECS, API: RunInstances, Parameters: {Amount: 2}}}
Outputs: {n: {Type: Json, Value: '{{ one.n }}'}}
";

const NAP_THEN_MAKE: &str = "
FormatVersion: OOS-2019-06-01
Tasks:
  - {Name: nap, Action: ACS::Sleep, Properties: {Duration: P1D}}
  - {Name: make, Action: ACS::ExecuteAPI, Properties: {Service: ECS, API: RunInstances, Parameters: {Amount: 1}}}
";

const PAUSE: &str = "
FormatVersion: OOS-2019-06-01
Tasks:
  - {Name: make, Action: ACS::ExecuteAPI, Properties: {Service: ECS, API: RunInstances, Parameters: {Amount: 1}}}
  - {Name: hold, Action: ACS::Pause}
  - {Name: more, Action: ACS::ExecuteAPI, Properties: {Service: ECS, API: RunInstances, Parameters: {Amount: 1}}}
";

const BATCHES: &str = "
FormatVersion: OOS-2019-06-01
Tasks:
  - {Name: start, Action: ACS::ECS::StartInstance, Properties: {instanceId: '{{ ACS::TaskLoopItem }}'}, Loop: {Items: [i-1, i-2, i-3, i-4], RateControl: {Mode: Batch, Batch: [1, 2, 50%], MaxErrors: 0, BatchPauseOption: EveryBatchPause}}}
";

const PERCENT: &str = "
FormatVersion: OOS-2019-06-01
Tasks:
  - {Name: tag, Action: ACS::ExecuteAPI, Properties: {Service: ECS, API: ModifyInstanceAttribute, Parameters: {InstanceId: '{{ ACS::TaskLoopItem }}', InstanceName: 'new-{{ ACS::TaskLoopItem }}'}}, Outputs: {ok: {Type: String, ValueSelector: '\"yes\"'}}, Loop: {Items: [i-1, i-none, i-2, i-3], RateControl: {Mode: Concurrency, Concurrency: 50%, MaxErrors: 25%}, Outputs: {ok: {AggregateType: 'Fn::ListJoin', AggregateField: ok}}}}
Outputs: {ok: {Type: List, Value: '{{ tag.ok }}'}}
";

const PERCENT_STRICT: &str = "
FormatVersion: OOS-2019-06-01
Tasks:
  - {Name: gone, Action: ACS::ExecuteAPI, IsCritical: true, OnError: make, Properties: {Service: ECS, API: ModifyInstanceAttribute, Parameters: {InstanceId: '{{ ACS::TaskLoopItem }}', InstanceName: late}}, Loop: {Items: [i-none, i-1, i-2, i-3], RateControl: {Mode: Concurrency, Concurrency: 25%, MaxErrors: 10%}}}
  - {Name: make, Action: ACS::ExecuteAPI, Properties: {Service: ECS, API: RunInstances, Parameters: {Amount: 1}}}
";

const EACH: &str = "
FormatVersion: OOS-2019-06-01
Tasks:
  - Name: each
    Action: ACS::Loop
    Properties:
      LoopItems: [i-1, i-2, i-3]
      LoopRateControl: {Mode: Concurrency, Concurrency: 2}
      LoopTasks:
        - {Name: start, Action: ACS::ExecuteAPI, Properties: {Service: ECS, API: StartInstance, Parameters: {InstanceId: '{{ ACS::TaskLoopItem }}'}}}
        - {Name: wait, Action: ACS::WaitFor, Properties: {Service: ECS, API: DescribeInstances, Parameters: {InstanceIds: ['{{ ACS::TaskLoopItem }}']}, PropertySelector: 'Instances.Instance[].Status', DesiredValues: [Running]}}
        - {Name: name, Action: ACS::ExecuteAPI, Properties: {Service: ECS, API: DescribeInstances, Parameters: {InstanceIds: ['{{ ACS::TaskLoopItem }}']}}, Outputs: {name: {Type: String, ValueSelector: 'Instances.Instance[].InstanceName'}}}
    Outputs: {names: {Type: Json, ValueSelector: '{{ name.name }}'}}
Outputs: {names: {Type: Json, Value: '{{ each.names }}'}}
";

const COMMANDS: &str = "
FormatVersion: OOS-2019-06-01
Tasks:
  - {Name: run, Action: ACS::ECS::RunCommand, Properties: {instanceId: '{{ ACS::TaskLoopItem }}', commandType: RunShellScript, commandContent: uptime}, Outputs: {out: {Type: String, ValueSelector: invocationOutput}}, Loop: {Items: [i-1, i-2, i-3, i-4], RateControl: {Mode: Concurrency, Concurrency: 2, MaxErrors: 0}, Outputs: {all: {AggregateType: 'Fn::ListJoin', AggregateField: out}}}}
Outputs: {all: {Type: Json, Value: '{{ run.all }}'}}
";

const BACKWARD: &str = "
FormatVersion: OOS-2019-06-01
Tasks:
  - {Name: make, Action: ACS::ExecuteAPI, Properties: {Service: ECS, API: RunInstances, Parameters: {Amount: 1}}}
  - {Name: count, Action: ACS::ExecuteAPI, Properties: {Service: ECS, API: DescribeInstances, Parameters: {}}, Outputs: {n: {Type: Number, ValueSelector: TotalCount}}}
  - {Name: enough, Action: ACS::Choice, Properties: {DefaultTask: make, Choices: [{When: {'Fn::Equals': ['{{ count.n }}', 3]}, NextTask: 'ACS::END'}]}}
Outputs: {n: {Type: Number, Value: '{{ count.n }}'}}
";

const RISK: &str = "
FormatVersion: OOS-2019-06-01
Tasks:
  - {Name: skipped, When: {'Fn::Equals': [1, 2]}, Action: ACS::ExecuteAPI, Properties: {Service: ECS, API: RunInstances, Parameters: {Amount: 9}}}
  - {Name: gone, Action: ACS::ExecuteAPI, Properties: {Service: ECS, API: DeleteInstance, Parameters: {InstanceId: i-1}}}
  - {Name: more, When: {'Fn::Not': {'Fn::Equals': ['{{ ACS::TaskLoopItem }}', i-2]}}, Action: ACS::ExecuteAPI, Properties: {Service: ECS, API: DeleteInstance, Parameters: {InstanceId: '{{ ACS::TaskLoopItem }}'}}, Loop: {Items: [i-2, i-3], RateControl: {Mode: Concurrency, Concurrency: 1}}}
";

const IMAGE: &str = "
FormatVersion: OOS-2019-06-01
Tasks:
  - {Name: targets, Action: ACS::SelectTargets, Properties: {ResourceType: 'ALIYUN::ECS::Instance', Filters: [{Type: ResourceIds, ResourceIds: [i-1, i-2], RegionId: cn-hangzhou}]}, Outputs: {ids: {Type: List, ValueSelector: 'Instances.Instance[].InstanceId'}}}
  - {Name: image, Action: ACS::ECS::CreateImage, Properties: {instanceId: '{{ ACS::TaskLoopItem }}', imageName: 'of-{{ ACS::TaskLoopItem }}'}, Outputs: {id: {Type: String, ValueSelector: imageId}}, Loop: {Items: '{{ targets.ids }}', RateControl: {Mode: Concurrency, Concurrency: 2}, Outputs: {ids: {AggregateType: 'Fn::ListJoin', AggregateField: id}}}}
Outputs: {n: {Type: Number, Value: {'Fn::Jq': [First, length, '{{ image.ids }}']}}}
";

const MAKE_AND_DELETE: &str = "
FormatVersion: OOS-2019-06-01
Tasks:
  - {Name: make, Action: ACS::ExecuteAPI, Properties: {Service: ECS, API: RunInstances, Parameters: {Amount: 3, InstanceName: pool}}, Outputs: {ids: {Type: List, ValueSelector: 'InstanceIdSets.InstanceIdSet[]'}}}
  - {Name: doze, Action: ACS::Sleep, Properties: {Duration: PT2M}}
  - {Name: gone, Action: ACS::ExecuteAPI, Properties: {Service: ECS, API: DeleteInstance, Parameters: {InstanceId: '{{ ACS::TaskLoopItem }}', Force: true}}, Loop: {Items: '{{ make.ids }}', RateControl: {Mode: Batch, Batch: [1, 2]}}}
  - {Name: see, Action: ACS::ExecuteAPI, Properties: {Service: ECS, API: DescribeInstances, Parameters: {}}, Outputs: {n: {Type: Number, ValueSelector: TotalCount}}}
Outputs: {n: {Type: Number, Value: '{{ see.n }}'}}
";

const BAD_OUTPUT: &str = "
FormatVersion: OOS-2019-06-01
Tasks:
  - {Name: start, Action: ACS::ECS::StartInstance, Properties: {instanceId: i-1}}
  - {Name: see, Action: ACS::ExecuteAPI, Properties: {Service: ECS, API: DescribeInstances, Parameters: {}}, Outputs: {n: {Type: Number, ValueSelector: TotalCount}}}
Outputs: {n: {Type: Number, Value: {'Fn::Jq': [First, '.a.b', '{{ see.n }}']}}}
";
