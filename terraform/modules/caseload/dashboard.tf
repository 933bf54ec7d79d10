# SPDX-License-Identifier: Apache-2.0
# One page: what waits, what was done, how many rows came.

locals {
  subscription = "resource.type = \"pubsub_subscription\" AND resource.labels.subscription_id = monitoring.regex.full_match(\"${var.name}-(ticks|backfills|dead)\")"
  from_log     = "resource.type = \"${local.log_resource}\" AND metric.type = \"logging.googleapis.com/user/${var.name}"

  charts = [
    { title = "Age of the oldest message (s)", query = local.by_filter.age },
    { title = "Messages that wait", query = local.by_filter.waiting },
    { title = "Messages finished, by outcome", query = local.by_filter.messages },
    { title = "Streams finished, by outcome", query = local.by_filter.streams },
    { title = "Rows inserted in an hour, by stream", query = {
      prometheusQuery = "sum by (stream) (increase(${local.promql.rows}_sum{monitored_resource=\"${local.log_resource}\"}[1h]))"
    } },
  ]

  by_filter = { for name, chart in {
    age      = { filter = "${local.subscription} AND metric.type = \"pubsub.googleapis.com/subscription/oldest_unacked_message_age\"", aligner = "ALIGN_MAX", group = "resource.label.subscription_id" }
    waiting  = { filter = "${local.subscription} AND metric.type = \"pubsub.googleapis.com/subscription/num_undelivered_messages\"", aligner = "ALIGN_MAX", group = "resource.label.subscription_id" }
    messages = { filter = "${local.from_log}/messages\"", aligner = "ALIGN_DELTA", group = "metric.label.outcome" }
    streams  = { filter = "${local.from_log}/streams\"", aligner = "ALIGN_DELTA", group = "metric.label.outcome" }
    } : name => {
    timeSeriesFilter = {
      filter = chart.filter
      aggregation = {
        alignmentPeriod    = "600s"
        perSeriesAligner   = chart.aligner
        crossSeriesReducer = chart.aligner == "ALIGN_MAX" ? "REDUCE_MAX" : "REDUCE_SUM"
        groupByFields      = [chart.group]
      }
    }
  } }
}

resource "google_monitoring_dashboard" "this" {
  project = var.project
  dashboard_json = jsonencode({
    displayName = var.name
    labels      = { caseload = "" }
    mosaicLayout = {
      columns = 48
      tiles = [for index, chart in local.charts : {
        xPos   = (index % 2) * 24
        yPos   = floor(index / 2) * 16
        width  = 24
        height = 16
        widget = {
          title = chart.title
          xyChart = {
            dataSets = [{ plotType = "LINE", timeSeriesQuery = chart.query }]
          }
        }
      }]
    }
  })
  depends_on = [google_logging_metric.log, google_logging_metric.rows]
}
