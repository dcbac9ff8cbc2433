"""Every call of Google's clients for Cloud Build and Cloud Scheduler, by one transport; prints what came of it as JSON.

Run as `python clients_of_builds.py grpc|rest|async`, where Google's clients are led to a server.
"""

import asyncio
import inspect
import json
import re
import sys

from google.api_core import exceptions
from google.api_core.client_options import ClientOptions
from google.cloud import scheduler_v1 as scheduler
from google.cloud.devtools import cloudbuild_v1 as cb
from google.protobuf import duration_pb2, field_mask_pb2

P, TRANSPORT = "local-project", sys.argv[1]
PLACE = f"projects/{P}/locations/us-central1"
GLOBAL = f"projects/{P}/locations/global"
SEEN = {}


def client(kind, asynchronous):
    if TRANSPORT == "async":
        return asynchronous()
    return kind(transport=TRANSPORT, client_options=ClientOptions())


async def call(method, *arguments, **named):
    found = method(*arguments, **named)
    return await found if inspect.isawaitable(found) else found


async def items(method, **named):
    pager = await call(method, **named)
    return [item async for item in pager] if hasattr(pager, "__aiter__") else list(pager)


async def refusal(method, **named):
    try:
        await call(method, **named)
    except exceptions.GoogleAPICallError as error:
        said = re.sub(r"^[A-Z]+ https://\S+ ", "", error.message)  # what REST puts in front
        return f"{int(error.code)}: {said}"
    return "nothing was refused"


def a_build(script, **fields):
    return cb.Build(steps=[cb.BuildStep(name="bash", script=script)], **fields)


async def builds():
    c = client(cb.CloudBuildClient, cb.CloudBuildAsyncClient)
    regional = cb.CreateBuildRequest(
        parent=PLACE, build=a_build("echo $_A", substitutions={"_A": "x"}, tags=[TRANSPORT])
    )
    regional.build.options.automap_substitutions = True
    made = await call(c.create_build, request=regional)
    done = await call(made.result, timeout=60)
    SEEN["name"] = done.name == f"{PLACE}/builds/{done.id}" and done.status.name
    SEEN["metadata"] = made.metadata.build.id == done.id
    SEEN["by_id"] = (await call(c.get_build, project_id=P, id=done.id)).name == done.name
    SEEN["by_name"] = (await call(c.get_build, request={"name": done.name})).id == done.id
    failing = await call(c.create_build, project_id=P, build=a_build("exit 3"))
    try:
        await call(failing.result, timeout=60)
    except exceptions.GoogleAPICallError as error:
        SEEN["failed"] = error.message
    listed = await items(c.list_builds, request={"parent": PLACE, "filter": f'tags="{TRANSPORT}"', "page_size": 1})
    SEEN["listed"] = [b.id for b in listed] == [done.id]
    slow = await call(c.create_build, project_id=P, build=a_build("sleep 600"))
    SEEN["cancelled"] = (await call(c.cancel_build, project_id=P, id=slow.metadata.build.id)).status.name
    SEEN["cancel_again"] = await refusal(c.cancel_build, project_id=P, id=slow.metadata.build.id)
    again = await call(c.retry_build, project_id=P, id=done.id)
    SEEN["retried"] = (await call(again.result, timeout=60)).substitutions["_A"]
    SEEN["not_found"] = await refusal(c.get_build, project_id="another", id=done.id)
    SEEN["account"] = (
        await call(c.get_default_service_account, name=f"{GLOBAL}/defaultServiceAccount")
    ).service_account_email
    SEEN["pools"] = await items(c.list_worker_pools, parent=PLACE)
    pool = await refusal(c.create_worker_pool, parent=PLACE, worker_pool=cb.WorkerPool(), worker_pool_id="w")
    SEEN["pool"] = pool.partition(". ")[0]


async def triggers():
    c = client(cb.CloudBuildClient, cb.CloudBuildAsyncClient)
    wanted = cb.BuildTrigger(
        name=f"by-{TRANSPORT}", build=a_build("echo"), approval_config={"approval_required": True}, tags=["a"]
    )
    made = await call(c.create_build_trigger, project_id=P, trigger=wanted)
    SEEN["trigger"] = made.resource_name == f"{GLOBAL}/triggers/by-{TRANSPORT}"
    SEEN["trigger_again"] = (await refusal(c.create_build_trigger, project_id=P, trigger=wanted)).partition(":")[0]
    changed = cb.BuildTrigger(name=made.name, description="changed", resource_name=made.resource_name)
    mask = field_mask_pb2.FieldMask(paths=["description"])
    request = cb.UpdateBuildTriggerRequest(project_id=P, trigger_id=made.id, trigger=changed, update_mask=mask)
    updated = await call(c.update_build_trigger, request=request)
    SEEN["updated"] = [updated.description, list(updated.tags)]
    SEEN["triggers"] = made.id in [
        t.id for t in await items(c.list_build_triggers, request={"project_id": P, "page_size": 1})
    ]
    SEEN["got"] = (await call(c.get_build_trigger, project_id=P, trigger_id=made.id)).name == made.name
    run = await call(c.run_build_trigger, project_id=P, trigger_id=made.id, source=cb.RepoSource())
    pending = run.metadata.build
    SEEN["pending"] = pending.status.name
    decision = cb.ApprovalResult(decision=cb.ApprovalResult.Decision.APPROVED, comment="fine")
    approved = await call(c.approve_build, name=f"projects/{P}/builds/{pending.id}", approval_result=decision)
    SEEN["approved"] = (await call(approved.result, timeout=60)).approval.result.comment
    await call(c.delete_build_trigger, project_id=P, trigger_id=made.id)
    SEEN["deleted"] = (await refusal(c.get_build_trigger, project_id=P, trigger_id=made.id)).partition(":")[0]


async def jobs():
    c = client(scheduler.CloudSchedulerClient, scheduler.CloudSchedulerAsyncClient)
    name = f"{PLACE}/jobs/by-{TRANSPORT}"
    target = scheduler.PubsubTarget(topic_name=f"projects/{P}/topics/trigger", data=b'{"num_epochs": "3"}')
    job = scheduler.Job(name=name, pubsub_target=target, schedule="*/3 * * * *")
    made = await call(c.create_job, scheduler.CreateJobRequest(parent=PLACE, job=job))
    retry = made.retry_config
    SEEN["job"] = [made.state.name, made.time_zone, retry.min_backoff_duration.seconds, retry.max_doublings]
    SEEN["job_again"] = (await refusal(c.create_job, parent=PLACE, job=job)).partition(":")[0]
    wrong = scheduler.Job(name="jobs/x", pubsub_target=target, schedule="* * * * *")
    SEEN["job_name"] = (await refusal(c.create_job, parent=PLACE, job=wrong)).partition(":")[0]
    job.schedule = "0 * * * *"
    mask = field_mask_pb2.FieldMask(paths=["schedule"])
    SEEN["rescheduled"] = (await call(c.update_job, job=job, update_mask=mask)).schedule
    SEEN["paused"] = (await call(c.pause_job, name=name)).state.name
    SEEN["resumed"] = (await call(c.resume_job, name=name)).state.name
    SEEN["ran"] = bool((await call(c.run_job, name=name)).last_attempt_time)
    http = scheduler.HttpTarget(
        uri="https://us-central1-local-project.cloudfunctions.net/f",
        http_method=scheduler.HttpMethod.PUT,
        oidc_token=scheduler.OidcToken(service_account_email="a@b.c"),
    )
    other = scheduler.Job(
        name=f"{name}-http", http_target=http, schedule="0 0 1 1 *", attempt_deadline=duration_pb2.Duration(seconds=20)
    )
    called = await call(c.create_job, parent=PLACE, job=other)
    SEEN["http"] = [called.http_target.oidc_token.audience, called.attempt_deadline.seconds]
    engine = scheduler.Job(schedule="* * * * *", app_engine_http_target=scheduler.AppEngineHttpTarget())
    SEEN["app_engine"] = (await refusal(c.create_job, parent=PLACE, job=engine)).partition(";")[0]
    found = await items(c.list_jobs, request={"parent": PLACE, "page_size": 1})
    SEEN["jobs"] = sorted(j.name for j in found if f"by-{TRANSPORT}" in j.name) == [name, f"{name}-http"]
    for one in (name, f"{name}-http"):
        await call(c.delete_job, name=one)
    SEEN["gone"] = (await refusal(c.get_job, name=name)).partition(":")[0]


async def main():
    await builds()
    await triggers()
    await jobs()


asyncio.run(main())
sys.stdout.write(json.dumps(SEEN))
