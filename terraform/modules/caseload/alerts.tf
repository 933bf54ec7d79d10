# SPDX-License-Identifier: Apache-2.0
# Metrics of the log, and the alerts. Each alert's text is its runbook.

locals {
  # Where the log comes from. An alert on a metric of the log must name the type of resource that writes it.
  log_sources = {
    worker_pool = { resource = "cloud_run_worker_pool", names = "resource.labels.worker_pool_name=~\"^${var.name}-(ticks|backfills)$\"" }
    job         = { resource = "cloud_run_job", names = "resource.labels.job_name=~\"^${var.name}-(ticks|backfills)$\"" }
    vm          = { resource = "gce_instance", names = "labels.\"compute.googleapis.com/resource_name\"=\"${var.name}-worker\"" }
    none        = { resource = "global", names = "logName=\"caseload\"" }
  }
  log_resource  = local.log_sources[var.runtime].resource
  writes_log    = var.runtime != "none"
  has_heartbeat = contains(["worker_pool", "vm"], var.runtime) && !var.schedule_paused # a job ends before
  log_source    = "resource.type=\"${local.log_resource}\" AND ${local.log_sources[var.runtime].names}"

  subscription_filter = "resource.type = \"pubsub_subscription\" AND resource.labels.subscription_id = monitoring.regex.full_match(\"${var.name}-(ticks|backfills)\")"
  read_log            = "gcloud logging read 'severity>=WARNING AND ${local.log_source}' --project=${var.project} --freshness=2d --format='value(jsonPayload.message)'"
  publish             = "gcloud pubsub topics publish ${var.name} --project=${var.project} --message='{}'"

  log_metrics = {
    messages = {
      description = "Messages that the worker finished, by outcome"
      filter      = "jsonPayload.event=\"message_finished\""
      labels      = { outcome = "EXTRACT(jsonPayload.outcome)" }
    }
    streams = {
      description = "Streams that a run finished, by outcome"
      filter      = "jsonPayload.event=\"stream_finished\""
      labels      = { stream = "EXTRACT(jsonPayload.stream)", outcome = "EXTRACT(jsonPayload.outcome)" }
    }
    critical = {
      description = "Log entries of severity CRITICAL, such as rows_doubled"
      filter      = "severity>=CRITICAL"
      labels      = { event = "EXTRACT(jsonPayload.event)" }
    }
  }
  metric_type = { for key in keys(local.log_metrics) : key => "logging.googleapis.com/user/${var.name}/${key}" }

  # PromQL spells a metric's first slash as a colon, and every other odd character as an underscore.
  promql = { for key in ["messages", "rows"] : key => "logging_googleapis_com:user_${replace("${var.name}/${key}", "/[^a-zA-Z0-9_]/", "_")}" }
}

resource "google_logging_metric" "log" {
  for_each    = local.writes_log ? local.log_metrics : {}
  project     = var.project
  name        = "${var.name}/${each.key}"
  description = each.value.description
  filter      = "${each.value.filter} AND ${local.log_source}"

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
    dynamic "labels" {
      for_each = each.value.labels
      content {
        key        = labels.key
        value_type = "STRING"
      }
    }
  }
  label_extractors = each.value.labels
  depends_on       = [google_project_service.apis]
}

# serve logs a heartbeat each five minutes, with the age of the oldest success of a stream; -1: none since its start.
resource "google_logging_metric" "age" {
  count           = local.has_heartbeat ? 1 : 0
  project         = var.project
  name            = "${var.name}/age"
  description     = "Age of the oldest success of a stream, in seconds"
  filter          = "jsonPayload.event=\"heartbeat\" AND jsonPayload.oldest_success_seconds>=0 AND ${local.log_source}"
  value_extractor = "EXTRACT(jsonPayload.oldest_success_seconds)"

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "DISTRIBUTION"
    unit        = "s"
  }
  depends_on = [google_project_service.apis]
}

resource "google_logging_metric" "heartbeats" {
  count       = local.has_heartbeat ? 1 : 0
  project     = var.project
  name        = "${var.name}/heartbeats"
  description = "Heartbeats of the workers"
  filter      = "jsonPayload.event=\"heartbeat\" AND ${local.log_source}"

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
  }
  depends_on = [google_project_service.apis]
}

resource "google_logging_metric" "rows" {
  count           = local.writes_log ? 1 : 0
  project         = var.project
  name            = "${var.name}/rows"
  description     = "Rows that a run inserted, by stream"
  filter          = "jsonPayload.event=\"stream_finished\" AND ${local.log_source}"
  value_extractor = "EXTRACT(jsonPayload.inserted)"

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "DISTRIBUTION"
    labels {
      key        = "stream"
      value_type = "STRING"
    }
  }
  label_extractors = { stream = "EXTRACT(jsonPayload.stream)" }
  depends_on       = [google_project_service.apis]
}

locals {
  threshold_alerts = {
    backlog = {
      title     = "a message waits for more than ${var.backlog_hours} hours"
      severity  = "ERROR"
      filter    = "${local.subscription_filter} AND metric.type = \"pubsub.googleapis.com/subscription/oldest_unacked_message_age\""
      threshold = var.backlog_hours * 3600
      aligner   = "ALIGN_MAX"
      period    = "300s"
      runbook   = <<-EOT
        A message in `${var.name}-ticks` or `${var.name}-backfills` was published more than ${var.backlog_hours} hours ago and is not acknowledged.
        A message that is being worked on counts, too: a first load of years takes that long.

        1. See what the worker says: `${local.read_log}`
        2. It says nothing: is it running? `gcloud run worker-pools describe ${var.name}-ticks --project=${var.project} --region=${var.region}`, or the VM or job.
        3. A message that comes back again and again has the same error each time; its text tells what to do. Nothing is lost meanwhile: rows are committed week by week.
      EOT
    }
    dead_letters = {
      title     = "a message went to the dead letters"
      severity  = "CRITICAL"
      filter    = "${local.subscription_filter} AND metric.type = \"pubsub.googleapis.com/subscription/dead_letter_message_count\""
      threshold = 0
      aligner   = "ALIGN_SUM"
      period    = "300s"
      runbook   = <<-EOT
        A message failed ${var.max_delivery_attempts} times. No row is lost: each tick loads what is missing.

        1. Look at it, without taking it: `caseload dead list --config FILE --dead-subscription ${var.name}-dead`
        2. See why it failed: `${local.read_log}`
        3. Mend that, then publish it again: `caseload dead requeue --all --config FILE --dead-subscription ${var.name}-dead`
      EOT
    }
    leases_lost = {
      title     = "the worker lost its hold on a message"
      severity  = "WARNING"
      filter    = "${local.subscription_filter} AND metric.type = \"pubsub.googleapis.com/subscription/expired_ack_deadlines_count\""
      threshold = 0
      aligner   = "ALIGN_SUM"
      period    = "900s"
      runbook   = <<-EOT
        A worker was killed, stood still, or could not reach Pub/Sub. The message is delivered again, and its rows are inserted once.
        It is worth a look when it happens each day: `${local.read_log}`
      EOT
    }
    messages_failed = {
      title     = "a message failed"
      severity  = "ERROR"
      filter    = "resource.type = \"${local.log_resource}\" AND metric.type = \"${local.metric_type.messages}\" AND metric.labels.outcome != monitoring.regex.full_match(\"done|stopped|busy\")"
      threshold = 0
      aligner   = "ALIGN_SUM"
      period    = "600s"
      runbook   = <<-EOT
        The last error says what failed, for which stream and interval, and what to do: `${local.read_log}`
        `auth`: Intercom or Google refused the credentials. A new token: raise token_version, or `gcloud secrets versions add`. The worker reads it without a restart.
        `config`: the configuration does not fit the datasets; the worker has ended and starts again.
        The message comes back by itself. To run at once: `${local.publish}`
      EOT
    }
    streams_failed = {
      title     = "a stream failed"
      severity  = "ERROR"
      filter    = "resource.type = \"${local.log_resource}\" AND metric.type = \"${local.metric_type.streams}\" AND metric.labels.outcome = monitoring.regex.full_match(\"refused|format|limit\")"
      threshold = 0
      aligner   = "ALIGN_SUM"
      period    = "600s"
      runbook   = <<-EOT
        Other streams were loaded. The error names the stream, the interval and the request: `${local.read_log}`
        Records that could not be loaded: `caseload rejected list --config FILE`, or `bq query --use_legacy_sql=false 'SELECT * FROM ${local.control_dataset}.rejected WHERE mended_at IS NULL'`
      EOT
    }
    critical = {
      title     = "an entry of severity CRITICAL"
      severity  = "CRITICAL"
      filter    = "resource.type = \"${local.log_resource}\" AND metric.type = \"${local.metric_type.critical}\""
      threshold = 0
      aligner   = "ALIGN_SUM"
      period    = "300s"
      runbook   = <<-EOT
        `rows_doubled`: keys are in a table twice. Another program wrote the table, or somebody copied rows. Later runs of the stream are refused until it is mended.
        Stop the other program, then run the statement that `caseload schema STREAM --deduplicate --config FILE` prints.

        The entries: `${local.read_log}`
      EOT
    }
  }
}

resource "google_monitoring_alert_policy" "threshold" {
  for_each              = { for key, alert in local.threshold_alerts : key => alert if local.writes_log || strcontains(alert.filter, "pubsub.googleapis.com") }
  project               = var.project
  display_name          = "${var.name}: ${each.value.title}"
  combiner              = "OR"
  severity              = each.value.severity
  notification_channels = var.notification_channels
  user_labels           = local.labels

  conditions {
    display_name = each.value.title
    condition_threshold {
      filter          = each.value.filter
      comparison      = "COMPARISON_GT"
      threshold_value = each.value.threshold
      duration        = "0s"
      aggregations {
        alignment_period     = each.value.period
        per_series_aligner   = each.value.aligner
        cross_series_reducer = each.value.aligner == "ALIGN_MAX" ? "REDUCE_MAX" : "REDUCE_SUM"
      }
    }
  }
  documentation {
    mime_type = "text/markdown"
    subject   = "${var.name}: ${each.value.title}"
    content   = each.value.runbook
  }
  alert_strategy {
    auto_close = "604800s"
  }
  depends_on = [google_logging_metric.log]
}

# Absence of a metric can be watched for less than a day only; a sum over the last 25 hours can.
resource "google_monitoring_alert_policy" "freshness" {
  count                 = local.writes_log && !var.schedule_paused ? 1 : 0
  project               = var.project
  display_name          = "${var.name}: no run was finished for ${var.freshness_hours} hours"
  combiner              = "OR"
  severity              = "ERROR"
  notification_channels = var.notification_channels
  user_labels           = local.labels

  conditions {
    display_name = "no finished run"
    condition_prometheus_query_language {
      query = join(" or ", [
        "sum(increase(${local.promql.messages}{monitored_resource=\"${local.log_resource}\", outcome=\"done\"}[${var.freshness_hours}h])) < 1",
        "absent_over_time(${local.promql.messages}{monitored_resource=\"${local.log_resource}\", outcome=\"done\"}[${var.freshness_hours}h])",
      ])
      duration            = "600s"
      evaluation_interval = "300s"
    }
  }
  documentation {
    mime_type = "text/markdown"
    subject   = "${var.name}: tables are not up to date"
    content   = <<-EOT
      No message was done for ${var.freshness_hours} hours, so the tables miss a day or more. Nothing is lost: the next run loads what is missing.

      1. Is a tick published? `gcloud scheduler jobs describe ${var.name}-tick --project=${var.project} --location=${var.region}`
      2. Does a message wait? `gcloud pubsub subscriptions describe ${var.name}-ticks --project=${var.project}`
      3. What does the worker say? `${local.read_log}`
      4. How far is each stream? `caseload status --config FILE`, or `bq query --use_legacy_sql=false 'SELECT stream, state, fresh_at, error FROM ${local.control_dataset}.status'`
      5. Run now: `${local.publish}`
    EOT
  }
  depends_on = [google_logging_metric.log]
}

# By the worker's own heartbeat: a stream that fails night after night is seen, although other streams are done. Of several
# workers the youngest age counts, since each knows only what it loaded itself.
resource "google_monitoring_alert_policy" "age" {
  count                 = local.has_heartbeat ? 1 : 0
  project               = var.project
  display_name          = "${var.name}: a stream is older than ${var.freshness_hours} hours"
  combiner              = "OR"
  severity              = "ERROR"
  notification_channels = var.notification_channels
  user_labels           = local.labels

  conditions {
    display_name = "age of the oldest success"
    condition_threshold {
      filter          = "resource.type = \"${local.log_resource}\" AND metric.type = \"logging.googleapis.com/user/${google_logging_metric.age[0].name}\""
      comparison      = "COMPARISON_GT"
      threshold_value = var.freshness_hours * 3600
      duration        = "0s"
      aggregations {
        alignment_period     = "900s"
        per_series_aligner   = "ALIGN_PERCENTILE_05"
        cross_series_reducer = "REDUCE_MIN"
      }
    }
  }
  documentation {
    mime_type = "text/markdown"
    subject   = "${var.name}: a stream is not up to date"
    content   = <<-EOT
      A stream has had no success for ${var.freshness_hours} hours. `oldest_success` of the worker's `heartbeat` in the log names it.

      1. How far is each stream, and what failed? `caseload status --config FILE`, then `caseload history --failed --config FILE`
      2. What does the worker say? `${local.read_log}`
      3. Run now: `${local.publish}`
    EOT
  }
}

resource "google_monitoring_alert_policy" "heartbeat" {
  count                 = local.has_heartbeat ? 1 : 0
  project               = var.project
  display_name          = "${var.name}: the worker is gone"
  combiner              = "OR"
  severity              = "ERROR"
  notification_channels = var.notification_channels
  user_labels           = local.labels

  conditions {
    display_name = "no heartbeat for 30 minutes"
    condition_absent {
      filter   = "resource.type = \"${local.log_resource}\" AND metric.type = \"logging.googleapis.com/user/${google_logging_metric.heartbeats[0].name}\""
      duration = "1800s"
      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_SUM"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }
  documentation {
    mime_type = "text/markdown"
    subject   = "${var.name}: the worker is gone"
    content   = <<-EOT
      No worker has logged a heartbeat for 30 minutes. Messages wait meanwhile, and nothing is lost.

      1. What did it say last? `${local.read_log}`
      2. Is it there? `gcloud run worker-pools describe ${var.name}-ticks --project=${var.project} --region=${var.region}`, or the VM.
      3. It ends at once and again: `caseload check --config FILE` names what is wrong.
    EOT
  }
}
