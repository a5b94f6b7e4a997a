"""What the official Python clients of ECS and OOS see at the loopback server.

Usage: judge.py TOLD, where TOLD is the line of JSON that the example `fake_endpoint` prints. Each check prints a line;
the first that fails ends the program with status 1.
"""

import json
import sys
import time

from alibabacloud_ecs20140526 import models as ecs
from alibabacloud_ecs20140526.client import Client as EcsClient
from alibabacloud_oos20190601 import models as oos
from alibabacloud_oos20190601.client import Client as OosClient
from alibabacloud_tea_openapi.models import Config

REGION = "cn-hangzhou"
FINAL = ("Success", "Failed", "Cancelled")

TEMPLATE = """
FormatVersion: OOS-2019-06-01
Description: Stops an instance after somebody has agreed.
Parameters:
  instanceId: {Type: String}
Tasks:
  - Name: look
    Action: ACS::ExecuteAPI
    Properties:
      Service: ECS
      API: DescribeInstances
      Parameters: {InstanceIds: ['{{ instanceId }}']}
    Outputs:
      status: {Type: String, ValueSelector: 'Instances.Instance[0].Status'}
  - Name: ask
    Action: ACS::Approve
    Properties:
      NotifyType: WebHook
      Approvers: [admin]
      WebHook: {URI: 'https://example.com/hook', Content: {msgtype: text}}
  - Name: stop
    Action: ACS::ECS::StopInstance
    Properties: {instanceId: '{{ instanceId }}'}
Outputs:
  before: {Type: String, Value: '{{ look.status }}'}
"""


class Failed(Exception):
    """An expectation that did not hold."""


def check(what, holds, seen=""):
    if not holds:
        raise Failed(f"{what}: {seen}")
    print(f"ok  {what}")


def until(what, ask, holds, seconds=30):
    """Asks again until it holds; the server's clock runs sixty times as fast as this one."""
    end = time.monotonic() + seconds
    while True:
        seen = ask()
        if holds(seen):
            print(f"ok  {what}")
            return seen
        if time.monotonic() > end:
            raise Failed(f"{what}: still {seen}")
        time.sleep(0.1)


def refused(what, code, call, *arguments):
    """A call that must be refused with a code."""
    try:
        call(*arguments)
    except Exception as error:  # the clients raise several classes, all with a code
        check(what, getattr(error, "code", None) == code, repr(error))
        check(f"{what}: request id", bool((getattr(error, "data", None) or {}).get("RequestId")), repr(vars(error)))
        return
    raise Failed(f"{what}: it was not refused")


def judge_ecs(client):
    """Runs, waits for, stops and deletes an instance; gives the id of one that still runs."""
    images = client.describe_images(ecs.DescribeImagesRequest(region_id=REGION)).body.images.image
    check("ECS lists images", len(images) > 0)
    group = client.create_security_group(ecs.CreateSecurityGroupRequest(region_id=REGION, description="judge"))
    started = client.run_instances(
        ecs.RunInstancesRequest(
            region_id=REGION,
            image_id=images[0].image_id,
            instance_type="ecs.g6.large",
            security_group_id=group.body.security_group_id,
            instance_name="judged",
            amount=2,
            client_token="judge-1",
            tag=[ecs.RunInstancesRequestTag(key="team", value="blue")],
            system_disk=ecs.RunInstancesRequestSystemDisk(category="cloud_essd", size="40"),
        )
    ).body
    ids = started.instance_id_sets.instance_id_set
    check("ECS runs two instances", len(ids) == 2 and bool(started.request_id), started)

    def described():
        request = ecs.DescribeInstancesRequest(region_id=REGION, instance_ids=json.dumps(ids))
        return {i.instance_id: i for i in client.describe_instances(request).body.instances.instance}

    def status(wanted):
        return lambda found: [found[i].status for i in ids if i in found] == [wanted] * len(ids)

    until("ECS instances come to run", described, status("Running"))
    one = described()[ids[0]]
    check("ECS tags", [(t.tag_key, t.tag_value) for t in one.tags.tag] == [("team", "blue")], one.tags)
    by_tag = ecs.DescribeInstancesRequest(
        region_id=REGION, tag=[ecs.DescribeInstancesRequestTag(key="team", value="blue")]
    )
    check("ECS filters by tag", client.describe_instances(by_tag).body.total_count == 2)
    refused(
        "ECS refuses to delete what runs",
        "IncorrectInstanceStatus",
        client.delete_instance,
        ecs.DeleteInstanceRequest(instance_id=ids[0]),
    )
    keep, ids[:] = ids[1], ids[:1]
    client.stop_instance(ecs.StopInstanceRequest(instance_id=ids[0]))
    until("ECS stops one", described, status("Stopped"))
    client.delete_instance(ecs.DeleteInstanceRequest(instance_id=ids[0]))
    until("ECS deletes it", described, lambda found: not found)
    refused(
        "ECS knows it no more",
        "InvalidInstanceId.NotFound",
        client.start_instance,
        ecs.StartInstanceRequest(instance_id=ids[0]),
    )
    return keep


def judge_templates(client):
    parts = client.validate_template_content(oos.ValidateTemplateContentRequest(content=TEMPLATE)).body
    check("OOS validates", [task.name for task in parts.tasks] == ["look", "ask", "stop"], parts)
    refused(
        "OOS refuses a wrong template",
        "InvalidTemplate",
        client.create_template,
        oos.CreateTemplateRequest(template_name="Judged", content=TEMPLATE.replace("ACS::Approve", "ACS::Aprove")),
    )
    made = client.create_template(
        oos.CreateTemplateRequest(template_name="Judged", content=TEMPLATE, tags={"team": "blue"})
    ).body.template
    check("OOS makes a template", made.template_version == "v1" and made.tags == {"team": "blue"}, made)
    changed = client.update_template(oos.UpdateTemplateRequest(template_name="Judged", content=TEMPLATE + "\n"))
    check("OOS makes a version", changed.body.template.template_version == "v2", changed.body)
    got = client.get_template(oos.GetTemplateRequest(template_name="Judged", template_version="v1")).body
    check("OOS gives the text back", got.content == TEMPLATE, got.content)
    listed = client.list_templates(oos.ListTemplatesRequest(template_name="Judg", max_results=50)).body
    check("OOS lists templates", [t.template_name for t in listed.templates] == ["Judged"], listed)
    policy = client.generate_execution_policy(oos.GenerateExecutionPolicyRequest(template_name="Judged")).body
    check("OOS tells permissions", "ecs:StopInstance" in policy.policy, policy)
    risky = client.list_execution_risky_tasks(oos.ListExecutionRiskyTasksRequest(template_name="Judged")).body
    check("OOS tells risks", [r.api for r in risky.risky_tasks] == ["StopInstance"], risky)
    actions = client.list_actions(oos.ListActionsRequest(oosaction_name="ACS::ECS::StopInstance")).body.actions
    check("OOS lists actions", [a.action_type for a in actions] == ["Product.ECS"], actions)


def judge_execution(client, instance, stopped):
    request = oos.StartExecutionRequest(
        template_name="Judged",
        parameters=json.dumps({"instanceId": instance}),
        description="judged",
        tags={"team": "blue"},
        client_token="judge-2",
    )
    started = client.start_execution(request).body.execution
    check("OOS starts", started.status == "Started" and json.loads(started.parameters) == {"instanceId": instance}, started)
    again = client.start_execution(request).body.execution
    check("OOS starts once per token", again.execution_id == started.execution_id, again)

    def row(execution=started.execution_id):
        listed = client.list_executions(oos.ListExecutionsRequest(execution_id=execution)).body.executions
        check_one = [e for e in listed if e.execution_id == execution]
        return check_one[0] if check_one else None

    waiting = until("OOS waits for an approval", row, lambda e: e.waiting_status == "WaitingForApproval")
    check("OOS gives parameters as an object", waiting.parameters == {"instanceId": instance}, waiting.parameters)
    task = waiting.current_tasks[0]
    check("OOS names the task", task.task_name == "ask", task)
    client.notify_execution(
        oos.NotifyExecutionRequest(
            execution_id=started.execution_id,
            notify_type="Approve",
            task_execution_id=task.task_execution_id,
            notify_note="go on",
        )
    )
    ended = until("OOS ends", row, lambda e: e.status in FINAL)
    check("OOS ends well", ended.status == "Success", ended.status_message)
    check("OOS gives outputs", json.loads(ended.outputs) == {"before": "Running"}, ended.outputs)
    check("OOS has stopped the instance", stopped(instance))

    tasks = client.list_task_executions(oos.ListTaskExecutionsRequest(execution_id=started.execution_id)).body
    check(
        "OOS lists tasks",
        [(t.task_name, t.status) for t in tasks.task_executions]
        == [("look", "Success"), ("ask", "Success"), ("stop", "Success")],
        tasks,
    )
    child = tasks.task_executions[2].child_execution_id
    logs = client.list_execution_logs(oos.ListExecutionLogsRequest(execution_id=child, log_type="Action")).body
    check("OOS logs calls", any("ECS.StopInstance done" in line.message for line in logs.execution_logs), logs)
    run = client.get_execution_template(oos.GetExecutionTemplateRequest(execution_id=started.execution_id)).body
    check("OOS gives what was run", run.content == TEMPLATE + "\n" and run.template.template_version == "v2", run)

    other = client.start_execution(
        oos.StartExecutionRequest(template_name="Judged", parameters=json.dumps({"instanceId": instance}))
    ).body.execution.execution_id
    until("OOS waits again", lambda: row(other), lambda e: e.status == "Waiting")
    client.cancel_execution(oos.CancelExecutionRequest(execution_id=other))
    until("OOS cancels", lambda: row(other), lambda e: e.status == "Cancelled")
    refused(
        "OOS refuses a late vote",
        "EntityStatusConflict.Execution",
        client.notify_execution,
        oos.NotifyExecutionRequest(execution_id=other, notify_type="Approve"),
    )
    client.delete_executions(oos.DeleteExecutionsRequest(execution_ids=json.dumps([other])))
    check("OOS deletes", row(other) is None)


def judge_parameters(client):
    client.create_parameter(oos.CreateParameterRequest(name="judged", type="StringList", value="a,b"))
    got = client.get_parameter(oos.GetParameterRequest(name="judged")).body.parameter
    check("OOS keeps parameters", (got.value, got.parameter_version) == ("a,b", 1), got)
    client.create_secret_parameter(oos.CreateSecretParameterRequest(name="hidden", value="hush"))
    hidden = client.get_secret_parameter(oos.GetSecretParameterRequest(name="hidden")).body.parameter
    check("OOS hides secrets", hidden.value is None, hidden)
    shown = client.get_secret_parameter(oos.GetSecretParameterRequest(name="hidden", with_decryption=True)).body
    check("OOS shows them on demand", shown.parameter.value == "hush", shown)
    refused(
        "OOS knows no other parameter",
        "EntityNotExists.Parameter",
        client.get_parameter,
        oos.GetParameterRequest(name="none"),
    )


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        told = json.load(file)

    def config(secret=told["accessKeySecret"]):
        return Config(
            access_key_id=told["accessKeyId"],
            access_key_secret=secret,
            endpoint=told["host"],
            protocol="http",
            region_id=REGION,
        )

    ecs_client, oos_client = EcsClient(config()), OosClient(config())
    refused(
        "a wrong secret is refused",
        "SignatureDoesNotMatch",
        OosClient(config("wrong")).list_templates,
        oos.ListTemplatesRequest(),
    )
    instance = judge_ecs(ecs_client)

    def stopped(id):
        request = ecs.DescribeInstancesRequest(region_id=REGION, instance_ids=json.dumps([id]))
        return ecs_client.describe_instances(request).body.instances.instance[0].status == "Stopped"

    judge_templates(oos_client)
    judge_execution(oos_client, instance, stopped)
    judge_parameters(oos_client)
    print("all judges agree")


if __name__ == "__main__":
    try:
        main()
    except Failed as failure:
        print(f"FAILED  {failure}", file=sys.stderr)
        sys.exit(1)
