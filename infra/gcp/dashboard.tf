locals {
  # Each: what is drawn, made to one line for each value of `by`.
  charts = {
    "Requests a second, by class of status"        = { filter = "${local.service_filter["api"]} AND metric.type = \"run.googleapis.com/request_count\"", aligner = "ALIGN_RATE", reducer = "REDUCE_SUM", by = "metric.label.response_code_class" }
    "Slowest hundredth of answers, ms"             = { filter = "${local.service_filter["api"]} AND metric.type = \"run.googleapis.com/request_latencies\"", aligner = "ALIGN_DELTA", reducer = "REDUCE_PERCENTILE_99", by = "resource.label.service_name" }
    "Upload events a second, by class of status"   = { filter = "${local.service_filter["upload"]} AND metric.type = \"run.googleapis.com/request_count\"", aligner = "ALIGN_RATE", reducer = "REDUCE_SUM", by = "metric.label.response_code_class" }
    "Uploads a second that failed, tried again"    = { filter = "resource.type = \"cloud_run_revision\" AND ${local.metric["UploadErrors"]}", aligner = "ALIGN_RATE", reducer = "REDUCE_SUM", by = "resource.label.service_name" }
    "Pictures a second, 1: cannot be scored"       = { filter = "resource.type = \"cloud_run_revision\" AND ${local.metric["PictureRefused"]}", aligner = "ALIGN_RATE", reducer = "REDUCE_SUM", by = "metric.label.value" }
    "Scored pictures a second, 1: camera suspect"  = { filter = "resource.type = \"cloud_run_revision\" AND ${local.metric["CameraSuspect"]}", aligner = "ALIGN_RATE", reducer = "REDUCE_SUM", by = "metric.label.value" }
    "Scored pictures a second, 1: rejected"        = { filter = "resource.type = \"cloud_run_revision\" AND ${local.metric["DefectFound"]}", aligner = "ALIGN_RATE", reducer = "REDUCE_SUM", by = "metric.label.value" }
    "Time in the model, slowest hundredth, ms"     = { filter = "resource.type = \"cloud_run_revision\" AND ${local.metric["ModelMilliseconds"]}", aligner = "ALIGN_DELTA", reducer = "REDUCE_PERCENTILE_99", by = "resource.label.service_name" }
    "Time of a picture, slowest hundredth, ms"     = { filter = "resource.type = \"cloud_run_revision\" AND ${local.metric["TotalMilliseconds"]}", aligner = "ALIGN_DELTA", reducer = "REDUCE_PERCENTILE_99", by = "resource.label.service_name" }
    "Cold starts a second"                         = { filter = "resource.type = \"cloud_run_revision\" AND ${local.metric["ColdStart"]}", aligner = "ALIGN_RATE", reducer = "REDUCE_SUM", by = "resource.label.service_name" }
    "Instances"                                    = { filter = "resource.type = \"cloud_run_revision\" AND metric.type = \"run.googleapis.com/container/instance_count\"", aligner = "ALIGN_MAX", reducer = "REDUCE_SUM", by = "resource.label.service_name" }
    "Share of memory in use, highest hundredth"    = { filter = "resource.type = \"cloud_run_revision\" AND metric.type = \"run.googleapis.com/container/memory/utilizations\"", aligner = "ALIGN_DELTA", reducer = "REDUCE_PERCENTILE_99", by = "resource.label.service_name" }
    "Oldest upload that waits, and dead letter, s" = { filter = "resource.type = \"pubsub_subscription\" AND metric.type = \"pubsub.googleapis.com/subscription/oldest_unacked_message_age\"", aligner = "ALIGN_MAX", reducer = "REDUCE_MAX", by = "resource.label.subscription_id" }
    "Calls, 1: another model than production's"    = { filter = "resource.type = \"cloud_run_revision\" AND ${local.metric["ModelNotCurrent"]}", aligner = "ALIGN_DELTA", reducer = "REDUCE_SUM", by = "metric.label.value" }
  }
}

resource "google_monitoring_dashboard" "this" {
  dashboard_json = jsonencode({
    displayName = var.name
    mosaicLayout = {
      columns = 12
      tiles = [for index, title in keys(local.charts) : {
        xPos   = index % 2 * 6
        yPos   = floor(index / 2) * 4
        width  = 6
        height = 4
        widget = {
          title = title
          xyChart = {
            dataSets = [{
              plotType = "LINE"
              timeSeriesQuery = {
                timeSeriesFilter = {
                  filter = local.charts[title].filter
                  aggregation = {
                    alignmentPeriod    = "60s"
                    perSeriesAligner   = local.charts[title].aligner
                    crossSeriesReducer = local.charts[title].reducer
                    groupByFields      = [local.charts[title].by]
                  }
                }
              }
            }]
          }
        }
      }]
    }
  })

  depends_on = [time_sleep.apis]
}
