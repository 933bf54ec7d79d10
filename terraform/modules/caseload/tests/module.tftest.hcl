# SPDX-License-Identifier: Apache-2.0
# What the module makes, with a mocked provider: `terraform test`.

mock_provider "google" {
  mock_data "google_project" {
    defaults = { number = "123456789" }
  }
  mock_resource "google_secret_manager_secret" {
    defaults = { id = "projects/acme-data/secrets/caseload-intercom-token" }
  }
  mock_resource "google_cloud_run_v2_job" {
    defaults = { id = "projects/acme-data/locations/europe-west1/jobs/caseload-ticks" }
  }
}

variables {
  project    = "acme-data"
  region     = "europe-west1"
  location   = "EU"
  start_date = "2024-01-01"
  token      = "not-a-real-token" # stored only with a token_version
  image      = "europe-west1-docker.pkg.dev/acme-data/caseload/caseload@sha256:0000000000000000000000000000000000000000000000000000000000000000"
}

run "worker_pool" {
  assert {
    condition     = toset(keys(google_cloud_run_v2_worker_pool.worker)) == toset(["ticks", "backfills"])
    error_message = "a pool for ticks and one for backfills"
  }
  assert {
    condition     = google_cloud_run_v2_worker_pool.worker["ticks"].scaling[0].manual_instance_count == 1 && google_cloud_run_v2_worker_pool.worker["backfills"].scaling[0].manual_instance_count == 0
    error_message = "one worker for ticks, none for backfills"
  }
  assert {
    condition     = google_cloud_run_v2_worker_pool.worker["ticks"].template[0].containers[0].args == tolist(["serve", "--config", "/config/caseload.json"])
    error_message = "the pool serves"
  }
  assert {
    condition     = length(google_cloud_run_v2_job.worker) == 0 && length(google_compute_instance.worker) == 0
    error_message = "one runtime at a time"
  }
  assert {
    condition     = jsondecode(output.config.ticks).source.token.secret == "projects/acme-data/secrets/caseload-intercom-token/versions/latest"
    error_message = "the worker reads the newest version of the token by name"
  }
  assert {
    condition     = jsondecode(output.config.ticks).subscription == "caseload-ticks" && jsondecode(output.config.backfills).subscription == "caseload-backfills"
    error_message = "each worker has its subscription"
  }
  assert {
    condition     = !can(jsondecode(output.config.ticks).streams)
    error_message = "without streams the worker loads its default streams"
  }
  assert {
    condition     = length(google_secret_manager_secret_version.token) == 0 && length(output.next_steps) == 3
    error_message = "a token that is not given is the first of the next steps"
  }
}

run "messages" {
  assert {
    condition     = google_pubsub_subscription.worker["ticks"].filter == "NOT attributes.kind = \"backfill\"" && google_pubsub_subscription.worker["backfills"].filter == "attributes.kind = \"backfill\""
    error_message = "each message reaches exactly one subscription"
  }
  assert {
    condition     = alltrue([for s in google_pubsub_subscription.worker : s.dead_letter_policy[0].max_delivery_attempts == 100 && s.retain_acked_messages && s.expiration_policy[0].ttl == ""])
    error_message = "messages survive an outage, can be replayed, and subscriptions never expire"
  }
  assert {
    condition     = google_pubsub_topic_iam_member.dead_publisher.member == "serviceAccount:service-123456789@gcp-sa-pubsub.iam.gserviceaccount.com" && length(google_pubsub_subscription_iam_member.dead_forwarder) == 2
    error_message = "Pub/Sub itself may forward dead letters"
  }
  assert {
    condition     = google_cloud_scheduler_job.tick.region == "europe-west1" && base64decode(google_cloud_scheduler_job.tick.pubsub_target[0].data) == "{}"
    error_message = "the tick asks for everything that is new"
  }
}

run "least_privilege" {
  assert {
    condition     = toset([for r in google_bigquery_dataset_iam_member.worker : r.role]) == toset(["roles/bigquery.dataEditor"]) && toset(keys(google_bigquery_dataset_iam_member.worker)) == toset(["data", "control"])
    error_message = "rows are written into the two datasets only"
  }
  assert {
    condition     = google_project_iam_member.worker_jobs.role == "roles/bigquery.jobUser" && length(google_project_iam_member.vm) == 0
    error_message = "the project grants nothing but jobs"
  }
  assert {
    condition     = alltrue([for d in google_bigquery_dataset.this : d.default_table_expiration_ms == null && d.default_partition_expiration_ms == null && !d.delete_contents_on_destroy])
    error_message = "rows never expire, and production keeps them on destroy"
  }
}

run "worker_configuration" {
  assert {
    condition     = alltrue([for kind in ["ticks", "backfills"] : jsondecode(output.config[kind]).dead_subscription == "caseload-dead"])
    error_message = "`caseload dead` finds the dead letters"
  }
  assert {
    condition     = jsondecode(output.config.ticks).backfill_subscription == "caseload-backfills" && !can(jsondecode(output.config.backfills).backfill_subscription)
    error_message = "without workers of their own, backfills are taken beside the ticks"
  }
}

run "own_backfill_workers" {
  variables {
    backfill_instances = 2
  }
  assert {
    condition     = !can(jsondecode(output.config.ticks).backfill_subscription)
    error_message = "backfills have their own workers"
  }
}

run "job" {
  variables {
    runtime = "job"
  }
  assert {
    condition     = length(google_monitoring_alert_policy.heartbeat) == 0 && length(google_monitoring_alert_policy.age) == 0 && !can(jsondecode(output.config.ticks).backfill_subscription)
    error_message = "a job ends before a heartbeat, and each subscription has its own"
  }
  assert {
    condition     = google_cloud_run_v2_job.worker["ticks"].template[0].template[0].containers[0].args == tolist(["drain", "--config", "/config/caseload.json"])
    error_message = "the job drains the subscription"
  }
  assert {
    condition     = google_cloud_scheduler_job.start["ticks"].http_target[0].uri == "https://run.googleapis.com/v2/projects/acme-data/locations/europe-west1/jobs/caseload-ticks:run" && google_cloud_run_v2_job_iam_member.starter["ticks"].role == "roles/run.invoker"
    error_message = "Scheduler starts the job, and may"
  }
}

run "vm" {
  variables {
    runtime = "vm"
  }
  assert {
    condition     = strcontains(google_compute_instance.worker[0].metadata["user-data"], base64encode(output.config.ticks)) && strcontains(google_compute_instance.worker[0].metadata["user-data"], "${var.image} serve --config /config/caseload.json")
    error_message = "the machine runs the image with the configuration"
  }
  assert {
    condition     = can(yamldecode(google_compute_instance.worker[0].metadata["user-data"]).write_files[3].content)
    error_message = "cloud-init can read it"
  }
  assert {
    condition     = google_compute_instance.worker[0].zone == "europe-west1-b" && toset(keys(google_project_iam_member.vm)) == toset(["roles/logging.logWriter", "roles/monitoring.metricWriter"])
    error_message = "the machine may write its log"
  }
}

run "first_apply" {
  variables {
    runtime = "none"
    image   = null
  }
  assert {
    condition     = output.image_repository == "europe-west1-docker.pkg.dev/acme-data/caseload" && length(google_cloud_run_v2_worker_pool.worker) == 0
    error_message = "the registry is there before an image is"
  }
  assert {
    condition     = length(google_logging_metric.log) == 0 && toset(keys(google_monitoring_alert_policy.threshold)) == toset(["backlog", "dead_letters", "leases_lost"])
    error_message = "nobody writes a log yet"
  }
}

run "token" {
  variables {
    token_version = 3
  }
  assert {
    condition     = google_secret_manager_secret_version.token[0].secret_data_wo_version == 3 && google_secret_manager_secret_version.token[0].secret_data_wo == null
    error_message = "the token is stored, and is not in the state"
  }
  assert {
    condition     = length(output.next_steps) == 2
    error_message = "no token is left to be stored"
  }
}

run "existing" {
  variables {
    token_secret    = "projects/acme-secrets/secrets/intercom"
    create_datasets = false
    create_registry = false
    enable_apis     = false
  }
  assert {
    condition     = length(google_bigquery_dataset.this) == 0 && google_bigquery_dataset_iam_member.worker["control"].dataset_id == "intercom_caseload"
    error_message = "existing datasets are used"
  }
  assert {
    condition     = google_secret_manager_secret_iam_member.token.project == "acme-secrets" && output.token_secret == "projects/acme-secrets/secrets/intercom"
    error_message = "the secret of another project is used"
  }
  assert {
    condition     = output.image_repository == null && length(google_project_service.apis) == 0
    error_message = "nothing is made that exists"
  }
}

run "settings" {
  variables {
    streams  = ["tickets", "contacts"]
    settings = { lookback_days = 3, source = { base_url = "https://api.eu.intercom.io" } }
  }
  assert {
    condition     = jsondecode(output.config.ticks).streams == ["contacts", "tickets"] && jsondecode(output.config.ticks).lookback_days == 3
    error_message = "settings reach the worker"
  }
  assert {
    condition     = jsondecode(output.config.ticks).source.base_url == "https://api.eu.intercom.io" && jsondecode(output.config.ticks).source.type == "intercom" && can(jsondecode(output.config.ticks).source.token.secret)
    error_message = "settings of the source are added to the token"
  }
}

run "people" {
  variables {
    operators = ["group:data@example.com"]
    analysts  = ["group:analytics@example.com"]
  }
  assert {
    condition     = length(google_pubsub_subscription_iam_member.operators) == 3 && length(google_bigquery_dataset_iam_member.operators) == 2 && length(google_project_iam_member.operators) == 2 && length(google_bigquery_dataset_iam_member.analysts) == 1
    error_message = "operators reach all subscriptions and both datasets, analysts the data"
  }
}

run "paused" {
  variables {
    schedule_paused = true
  }
  assert {
    condition     = length(google_monitoring_alert_policy.freshness) == 0 && length(google_monitoring_alert_policy.age) == 0 && length(google_monitoring_alert_policy.heartbeat) == 0
    error_message = "without ticks, old tables are no alarm"
  }
}

run "alerts" {
  variables {
    notification_channels = ["projects/acme-data/notificationChannels/1"]
  }
  assert {
    condition     = alltrue([for policy in google_monitoring_alert_policy.threshold : policy.documentation[0].content != "" && policy.notification_channels == tolist(var.notification_channels) && strcontains(policy.conditions[0].condition_threshold[0].filter, "resource.type = ")])
    error_message = "each alert has a runbook, a channel, and the type of resource that Cloud Monitoring asks for"
  }
  assert {
    condition     = strcontains(google_monitoring_alert_policy.freshness[0].conditions[0].condition_prometheus_query_language[0].query, "logging_googleapis_com:user_caseload_messages{")
    error_message = "the metric of the log has its PromQL name"
  }
  assert {
    condition     = google_logging_metric.age[0].value_extractor == "EXTRACT(jsonPayload.oldest_success_seconds)" && strcontains(google_monitoring_alert_policy.age[0].conditions[0].condition_threshold[0].filter, "metric.type = \"logging.googleapis.com/user/caseload/age\"") && google_monitoring_alert_policy.age[0].conditions[0].condition_threshold[0].threshold_value == 25 * 3600
    error_message = "freshness is the age in the worker's heartbeat"
  }
  assert {
    condition     = google_monitoring_alert_policy.heartbeat[0].conditions[0].condition_absent[0].duration == "1800s"
    error_message = "a worker that is gone is an alarm"
  }
  assert {
    condition     = length(jsondecode(google_monitoring_dashboard.this.dashboard_json).mosaicLayout.tiles) == 5
    error_message = "the dashboard has its charts"
  }
}
