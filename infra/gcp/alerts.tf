resource "google_monitoring_notification_channel" "email" {
  count = var.alert_email == null ? 0 : 1

  display_name = "${var.name} alerts"
  type         = "email"
  labels       = { email_address = var.alert_email }
  depends_on   = [time_sleep.apis]
}

locals {
  channels = concat(google_monitoring_notification_channel.email[*].id, sort(var.alert_channels))

  service_filter = { for key, service in google_cloud_run_v2_service.function : key =>
    "resource.type = \"cloud_run_revision\" AND resource.labels.service_name = \"${service.name}\""
  }

  # Each: what is measured, made to one figure every `every` seconds by `aligner` and `reducer`; an alert where that is
  # above `above` (or its share of `share_of`), for `lasting` seconds.
  alerts = {
    api_errors = {
      title   = "The api function answers with 5xx"
      filter  = "${local.service_filter["api"]} AND metric.type = \"run.googleapis.com/request_count\" AND metric.labels.response_code_class = \"5xx\""
      aligner = "ALIGN_DELTA", reducer = "REDUCE_SUM", every = 300, above = 5, lasting = 0, share_of = null
      action  = "Read its log. 503 is a model that cannot be loaded."
    }
    api_slow = {
      title   = "One in a hundred answers of the api function takes longer than 5 s"
      filter  = "${local.service_filter["api"]} AND metric.type = \"run.googleapis.com/request_latencies\""
      aligner = "ALIGN_DELTA", reducer = "REDUCE_PERCENTILE_99", every = 300, above = 5000, lasting = 600, share_of = null
      action  = "Look at instances and processors on the dashboard: it may need more instances (max_instances)."
    }
    upload_errors = {
      title   = "The upload function fails"
      filter  = "${local.service_filter["upload"]} AND metric.type = \"run.googleapis.com/request_count\" AND metric.labels.response_code_class = \"5xx\""
      aligner = "ALIGN_DELTA", reducer = "REDUCE_SUM", every = 300, above = 5, lasting = 0, share_of = null
      action  = "Read its log. Each upload is tried again, then goes to the dead letters."
    }
    upload_backlog = {
      title   = "Uploads wait for more than ten minutes"
      filter  = "resource.type = \"pubsub_subscription\" AND resource.labels.subscription_id = \"${google_pubsub_subscription.uploads.name}\" AND metric.type = \"pubsub.googleapis.com/subscription/oldest_unacked_message_age\""
      aligner = "ALIGN_MAX", reducer = "REDUCE_MAX", every = 60, above = 600, lasting = 0, share_of = null
      action  = "The upload function fails, or has too few instances (max_instances)."
    }
    dead_letters = {
      title   = "Uploads were given up"
      filter  = "resource.type = \"pubsub_subscription\" AND resource.labels.subscription_id = \"${google_pubsub_subscription.dead_letters.name}\" AND metric.type = \"pubsub.googleapis.com/subscription/num_undelivered_messages\""
      aligner = "ALIGN_MAX", reducer = "REDUCE_MAX", every = 60, above = 0, lasting = 0, share_of = null
      action  = "Mend the cause, then process them: ${local.redrive}"
    }
    model_not_current = {
      title   = "Another model serves than the one in production"
      filter  = "resource.type = \"cloud_run_revision\" AND ${local.metric["ModelNotCurrent"]} AND metric.labels.value = \"1\""
      aligner = "ALIGN_DELTA", reducer = "REDUCE_SUM", every = 300, above = 0, lasting = 0, share_of = null
      action  = "GET /model says why. Check the version with steel-defect models verify, or roll back."
    }
    pictures_refused = {
      title    = "Many uploads cannot be scored"
      filter   = "${local.service_filter["upload"]} AND ${local.metric["PictureRefused"]} AND metric.labels.value = \"1\""
      aligner  = "ALIGN_DELTA", reducer = "REDUCE_SUM", every = 3600, above = var.alert_refused_share, lasting = 0
      share_of = "${local.service_filter["upload"]} AND ${local.metric["PictureRefused"]}"
      action   = "Look at what the cameras send; the results say what is wrong with it."
    }
    api_camera = {
      title    = "Many pictures sent to the api function are not like those the model was trained on"
      filter   = "${local.service_filter["api"]} AND ${local.metric["CameraSuspect"]} AND metric.labels.value = \"1\""
      aligner  = "ALIGN_DELTA", reducer = "REDUCE_SUM", every = 300, above = 0.2, lasting = 900
      share_of = "${local.service_filter["api"]} AND ${local.metric["CameraSuspect"]}"
      action   = "None of them is passed. Look at reasons in the answers and the log, then at the light, the lens, and the camera's settings."
    }
    upload_camera = {
      title    = "Many uploads are not like the pictures the model was trained on"
      filter   = "${local.service_filter["upload"]} AND ${local.metric["CameraSuspect"]} AND metric.labels.value = \"1\""
      aligner  = "ALIGN_DELTA", reducer = "REDUCE_SUM", every = 300, above = 0.2, lasting = 900
      share_of = "${local.service_filter["upload"]} AND ${local.metric["CameraSuspect"]}"
      action   = "None of them is passed. Look at reasons in the results and the log, then at the light, the lens, and the camera's settings."
    }
    pictures_rejected = {
      title    = "More strip is rejected than usual"
      filter   = "${local.service_filter["upload"]} AND ${local.metric["DefectFound"]} AND metric.labels.value = \"1\""
      aligner  = "ALIGN_DELTA", reducer = "REDUCE_SUM", every = 3600, above = var.alert_reject_share, lasting = 0
      share_of = "${local.service_filter["upload"]} AND ${local.metric["DefectFound"]}"
      action   = "It may be the strip, the light, a camera, or a new model. Look at some of the pictures."
    }
    backfill_failed = {
      title   = "A backfill left something undone"
      filter  = "resource.type = \"cloud_run_job\" AND resource.labels.job_name = \"${google_cloud_run_v2_job.backfill.name}\" AND metric.type = \"run.googleapis.com/job/completed_execution_count\" AND metric.labels.result = \"failed\""
      aligner = "ALIGN_DELTA", reducer = "REDUCE_SUM", every = 300, above = 0, lasting = 0, share_of = null
      action  = "Its log names each object. Run it again: it goes on where it was."
    }
  }
}

resource "google_monitoring_alert_policy" "this" {
  for_each = local.alerts

  display_name          = "${var.name}: ${each.value.title}"
  combiner              = "OR"
  notification_channels = local.channels

  conditions {
    display_name = each.value.title

    condition_threshold {
      filter             = each.value.filter
      denominator_filter = each.value.share_of
      comparison         = "COMPARISON_GT"
      threshold_value    = each.value.above
      duration           = "${each.value.lasting}s"

      aggregations {
        alignment_period     = "${each.value.every}s"
        per_series_aligner   = each.value.aligner
        cross_series_reducer = each.value.reducer
      }

      dynamic "denominator_aggregations" {
        for_each = each.value.share_of == null ? [] : [each.value.every]
        content {
          alignment_period     = "${denominator_aggregations.value}s"
          per_series_aligner   = each.value.aligner
          cross_series_reducer = each.value.reducer
        }
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = each.value.action
  }

  depends_on = [time_sleep.metrics]
}
