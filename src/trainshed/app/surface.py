"""What the surface serves: one servicer per Google service, our own routes, the dashboard."""

from collections.abc import Callable

from starlette.routing import BaseRoute

from trainshed import dashboard
from trainshed import explain as explanations
from trainshed.api import caller
from trainshed.api.calls import Servicer
from trainshed.api.own import (
    builds,
    explain,
    functions,
    functions_web,
    lineage,
    models,
    receipts,
    runs,
    schedules,
    server,
    webhooks,
)
from trainshed.api.reach import Reach
from trainshed.api.serve import Surface
from trainshed.api.services import accounts, storage
from trainshed.api.services.builds import CloudBuild
from trainshed.api.services.custom_jobs import CustomJobs, TrainingPipelines
from trainshed.api.services.custom_jobs_logs import CustomJobLogs
from trainshed.api.services.functions import CloudFunctions
from trainshed.api.services.functions_second import FunctionService
from trainshed.api.services.logging import Functions as LogsOfFunctions
from trainshed.api.services.logging import Logging
from trainshed.api.services.metadata import Metadata
from trainshed.api.services.metadata_upkeep import MetadataUpkeep
from trainshed.api.services.operations import Operations
from trainshed.api.services.pipelines import Pipelines
from trainshed.api.services.projects import IAMPolicy, Locations, Projects
from trainshed.api.services.pubsub import Publisher, Subscriber
from trainshed.api.services.run import routes as services_of_functions
from trainshed.api.services.scheduler import CloudScheduler
from trainshed.api.services.schemas import SchemaService
from trainshed.api.services.vertex_schedules import VertexSchedules
from trainshed.api.sessions import Sessions
from trainshed.app import ports
from trainshed.app.explaining import explaining
from trainshed.app.features import Features
from trainshed.app.health import Measuring
from trainshed.clock import Clock
from trainshed.dashboard import overview
from trainshed.dashboard.artifacts.recorded import Artifacts
from trainshed.dashboard.artifacts.tracing import Lineage
from trainshed.dashboard.buckets import Buckets
from trainshed.dashboard.builds import Builds
from trainshed.dashboard.find import Find, Places
from trainshed.dashboard.functions import Functions
from trainshed.dashboard.login import Login
from trainshed.dashboard.models import Models
from trainshed.dashboard.origin import Origins
from trainshed.dashboard.overview import Overview
from trainshed.dashboard.runs import Runs
from trainshed.dashboard.triggers.new_trigger import New
from trainshed.dashboard.triggers.receipts import Receipts
from trainshed.dashboard.triggers.schedules import Schedules
from trainshed.dashboard.triggers.sources import Sources
from trainshed.dashboard.triggers.starters import Starters
from trainshed.dashboard.triggers.topics import Topics
from trainshed.dashboard.why import Why
from trainshed.settings import Settings


def surface(
    settings: Settings, clock: Clock, features: Features, reach: Reach, *, is_held: Callable[[], bool]
) -> Surface:
    """Put every servicer and route over its service; `is_held` tells whether this server still owns the home."""
    cloud_build = CloudBuild(
        features.builds,
        features.build_triggers,
        features.build_events,
        email=lambda: reach.email(caller.current().principal),
        address=lambda: reach.address,
    )
    read_object = ports.reader(features.buckets)
    accounts_of = explaining(settings, features)
    cloud_functions = CloudFunctions(
        features.functions, features.function_host, features.policies, read_object=read_object
    )
    second_functions = FunctionService(features.functions, features.function_host, read_object=read_object)
    ordinal = features.function_host.next_ordinal
    servicers: list[Servicer] = [
        Projects(settings.project),
        Locations(settings.region),
        IAMPolicy(features.policies, features.require),
        Logging([LogsOfFunctions(features.functions, features.function_host), CustomJobLogs(features.custom_jobs)]),
        cloud_build,
        CloudScheduler(features.schedules),
        Publisher(features.topics, receipt_of=features.receipt_of),
        Subscriber(features.topics, features.arrivals),
        SchemaService(features.topics.schemas),
        cloud_functions,
        second_functions,
        VertexSchedules(features.run_schedules),
        CustomJobs(features.custom_jobs, cause_of=features.cause_of, next_ordinal=ordinal),
        TrainingPipelines(features.custom_jobs),
        Pipelines(features.runs, cause_of=features.cause_of, next_ordinal=ordinal),
        Metadata(features.lineage, features.lineage_author),
        MetadataUpkeep(features.lineage_schemas, features.lineage_purger),
        Operations(
            cloud_build.find_operation,
            cloud_functions.operation,
            second_functions.operation,
            cancels=[cloud_build.cancel_operation],
            lists=[second_functions.operations],
        ),
    ]
    health = Measuring(settings, features, clock, is_held=is_held)
    pages, leave = dashboard.routes(
        _sections(settings, clock, features, accounts_of, reach, health), features.listen, has_login=reach.needs_token
    )
    routes = _routes(clock, features, reach, accounts_of)
    draw = dashboard.failures(has_login=reach.needs_token)
    return Surface(settings, servicers, [*routes, *pages], near=reach, leave=leave, draw=draw)


def _routes(clock: Clock, features: Features, reach: Reach, accounts_of: explanations.Service) -> list[BaseRoute]:
    """Put our own routes, and those that Google has in no proto, over their services."""
    ordinal = features.function_host.next_ordinal
    return [
        *functions_web.hosts(features.functions, features.function_host),
        *storage.routes(features.buckets, reach.verify),
        *builds.routes(features.builds, features.docker),
        *builds.trigger_routes(features.build_triggers),
        *builds.image_routes(features.environments),
        *webhooks.routes(features.hooks),
        *functions.routes(features.functions, features.function_host),
        *services_of_functions(features.functions, features.policies),
        *schedules.routes(features.schedules, features.run_schedules),
        *receipts.routes(features.ledger),
        *accounts.routes(features.accounts, features.policies, reach),
        *lineage.routes(features.lineage, features.runs.spec),
        *models.routes(features.models, features.runs.triggers_of),
        *explain.routes(accounts_of),
        *runs.routes(features.runs, features.run_triggers, cause_of=features.cause_of, next_ordinal=ordinal),
        *server.routes(clock, reach.environment),
    ]


def _sections(
    settings: Settings,
    clock: Clock,
    features: Features,
    accounts_of: explanations.Service,
    reach: Reach,
    health: Measuring,
) -> list[dashboard.Section]:
    parent = f"projects/{settings.project}/locations/{settings.region}"
    events = Sources(features.ledger, features.runs, features.builds, features.run_schedules)
    origins = Origins(accounts_of.origin)
    return [
        Overview(_seen(settings, clock, features, accounts_of, health)),
        Builds(features.builds, features.build_triggers),
        Runs(features.runs, parent, origins),
        Functions(features.functions, features.function_host, features.policies),
        Schedules(features.schedules, features.run_schedules, events, features.topics, parent),
        Topics(
            features.topics, settings.project, events, ports.trigger_of(features.build_triggers, features.run_triggers)
        ),
        Buckets(features.buckets, settings.project),
        Artifacts(features.lineage),
        Lineage(features.lineage, origins),
        Models(features.models, origins, features.runs.triggers_of),
        Starters(
            features.build_triggers,
            features.run_triggers,
            events,
            New(features.run_triggers, features.topics, features.buckets, parent),
        ),
        Receipts(events),
        Why(accounts_of),
        Find(_places(features, parent)),
        Login(Sessions(reach, needs_token=lambda: reach.needs_token)),
    ]


def _places(features: Features, parent: str) -> Places:
    return Places(
        builds=features.builds,
        build_triggers=features.build_triggers,
        runs=features.runs,
        run_triggers=features.run_triggers,
        functions=features.functions,
        schedules=features.schedules,
        run_schedules=features.run_schedules,
        topics=features.topics,
        ledger=features.ledger,
        models=features.models,
        parent=parent,
    )


def _seen(
    settings: Settings, clock: Clock, features: Features, accounts_of: explanations.Service, health: Measuring
) -> overview.Sources:
    return overview.Sources(
        builds=features.builds,
        runs=features.runs,
        schedules=features.schedules,
        run_schedules=features.run_schedules,
        functions=features.functions,
        topics=features.topics,
        ledger=features.ledger,
        models=features.models,
        accounts=accounts_of,
        health=health.measure,
        clock=clock,
        parent=f"projects/{settings.project}/locations/{settings.region}",
    )
