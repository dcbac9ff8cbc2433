"""Who needs what for a request, beside the one who sends it."""

import json

import pytest

from trainshed.targets import principals, requests

NUMBER = "PROJECT_NUMBER"
ME = "me@p.iam.gserviceaccount.com"
DEFAULT = f"{NUMBER}-compute@developer.gserviceaccount.com"


def needs(verb, path, body, **requirements):
    call = requests.read(verb, path, content_type="application/json", body=json.dumps(body).encode())
    found = principals.everybody([call], "p", requirements=requirements.get("requirements", {}))
    return {(need.principal.removeprefix("serviceAccount:"), need.permission, need.resource) for need in found}


def test_pushing_with_a_token_and_dead_letters_are_done_by_pubsubs_agent():
    agent = f"service-{NUMBER}@gcp-sa-pubsub.iam.gserviceaccount.com"
    push = {"pushEndpoint": "https://x.example/", "oidcToken": {"serviceAccountEmail": ME}}
    body = {
        "topic": "projects/p/topics/t",
        "pushConfig": push,
        "deadLetterPolicy": {"deadLetterTopic": "projects/p/topics/dead"},
    }

    assert needs("PUT", "/v1/projects/p/subscriptions/s", body) == {
        ("caller", "pubsub.subscriptions.create", "projects/p"),
        ("caller", "pubsub.topics.attachSubscription", "projects/p/topics/t"),
        ("caller", "iam.serviceAccounts.actAs", ME),
        (agent, "iam.serviceAccounts.getOpenIdToken", ME),
        (ME, "run.routes.invoke", "projects/p"),
        (agent, "pubsub.topics.publish", "projects/p/topics/dead"),
        (agent, "pubsub.subscriptions.consume", "projects/p/subscriptions/s"),
    }


@pytest.mark.parametrize(("token", "permission"), [("oidcToken", "getOpenIdToken"), ("oauthToken", "getAccessToken")])
def test_a_schedule_calls_with_the_token_of_the_account_that_it_names(token, permission):
    agent = f"service-{NUMBER}@gcp-sa-cloudscheduler.iam.gserviceaccount.com"
    target = {"uri": "https://x.example/", token: {"serviceAccountEmail": ME}}
    body = {"name": "projects/p/locations/r/jobs/j", "schedule": "* * * * *", "httpTarget": target}

    assert needs("POST", "/v1/projects/p/locations/r/jobs", body) == {
        ("caller", "cloudscheduler.jobs.create", "projects/p"),
        ("caller", "iam.serviceAccounts.actAs", ME),
        (agent, f"iam.serviceAccounts.{permission}", ME),
    }


def test_a_build_needs_its_source_its_log_its_artifacts_and_its_registry():
    body = {
        "steps": [{"name": "ubuntu"}],
        "images": ["us-docker.pkg.dev/p/r/i"],
        "logsBucket": "gs://logs/here",
        "artifacts": {"objects": {"location": "gs://made/x", "paths": ["a"]}},
        "source": {"storageSource": {"bucket": "source", "object": "o"}},
        "serviceAccount": f"projects/p/serviceAccounts/{ME}",
    }

    assert needs("POST", "/v1/projects/p/locations/r/builds", body) == {
        ("caller", "cloudbuild.builds.create", "projects/p"),
        ("caller", "iam.serviceAccounts.actAs", ME),
        (ME, "logging.logEntries.create", "projects/p"),
        (ME, "storage.objects.get", "gs://source"),
        (ME, "storage.objects.create", "gs://logs"),
        (ME, "storage.objects.create", "gs://made"),
        (ME, "artifactregistry.repositories.uploadArtifacts", "projects/p"),
    }


def test_a_function_of_the_second_generation_is_called_by_eventarc():
    name = "projects/p/locations/r/functions/f"
    trigger = {
        "eventType": "google.cloud.storage.object.v1.finalized",
        "eventFilters": [{"attribute": "bucket", "value": "b"}],
    }
    body = {"name": name, "serviceConfig": {"serviceAccountEmail": ME}, "eventTrigger": trigger}
    found = needs(
        "POST", "/v2/projects/p/locations/r/functions?functionId=f", body, requirements={name: ["google-cloud-pubsub"]}
    )

    assert {
        ("caller", "iam.serviceAccounts.actAs", ME),
        (DEFAULT, "run.routes.invoke", "projects/p"),
        (DEFAULT, "eventarc.events.receiveEvent", "projects/p"),
        (f"service-{NUMBER}@gs-project-accounts.iam.gserviceaccount.com", "pubsub.topics.publish", "projects/p"),
        (ME, "pubsub.topics.publish", "projects/p"),
    } <= found


def test_the_account_of_a_run_reads_its_images_and_writes_below_its_root():
    image = {"container": {"image": "us-docker.pkg.dev/p/r/i"}}
    body = {
        "serviceAccount": ME,
        "pipelineSpec": {"deploymentSpec": {"executors": {"e": image}}},
        "runtimeConfig": {"gcsOutputDirectory": "gs://runs-of-p/x"},
    }
    found = needs("POST", "/v1/projects/p/locations/r/pipelineJobs?pipelineJobId=j", body)

    assert {(ME, f"storage.objects.{verb}", "gs://runs-of-p") for verb in ("create", "get", "list")} <= found
    assert (ME, "artifactregistry.repositories.downloadArtifacts", "projects/p") in found
    assert ("caller", "iam.serviceAccounts.actAs", ME) in found


def need(permission, resource, principal="caller"):
    return principals.Need(principal=principal, permission=permission, resource=resource)


def test_a_role_that_is_needed_anyway_takes_the_place_of_narrower_ones():
    found = principals.bindings(
        [
            need("pubsub.topics.publish", "projects/p/topics/t"),
            need("pubsub.topics.create", "projects/p"),
            need("storage.objects.get", "gs://b"),
            need("storage.objects.delete", "gs://b"),
            need("storage.objects.get", "gs://other"),
            need("pubsub.topics.publish", "projects/p/topics/t", principal="serviceAccount:x@y"),
        ],
        "p",
    )

    assert [(b.principal, b.resource, b.role) for b in found] == [
        ("caller", "gs://b", "roles/storage.objectUser"),
        ("caller", "gs://other", "roles/storage.objectViewer"),
        ("caller", "projects/p", "roles/pubsub.editor"),
        ("serviceAccount:x@y", "projects/p/topics/t", "roles/pubsub.publisher"),
    ]
    assert found[2].permissions == ("pubsub.topics.create", "pubsub.topics.publish")


@pytest.mark.parametrize(
    ("resource", "command"),
    [
        ("projects/p", "gcloud projects add-iam-policy-binding p "),
        ("projects/p/topics/t", "gcloud pubsub topics add-iam-policy-binding projects/p/topics/t "),
        (
            "projects/p/subscriptions/s",
            "gcloud pubsub subscriptions add-iam-policy-binding projects/p/subscriptions/s ",
        ),
        ("gs://b", "gcloud storage buckets add-iam-policy-binding gs://b "),
        (ME, f"gcloud iam service-accounts add-iam-policy-binding {ME} "),
        ("projects/p/locations/r/functions/f", "gcloud projects add-iam-policy-binding p "),
    ],
)
def test_a_grant_is_made_on_the_resource_where_iam_has_that(resource, command):
    (found,) = principals.bindings([need("pubsub.topics.publish", resource)], "p")

    assert principals.grant(found, "p", "user:me@x") == f"{command}--member=user:me@x --role=roles/pubsub.publisher"
