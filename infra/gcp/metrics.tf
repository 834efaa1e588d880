# What the functions say in their logs, as figures: functions/main.py writes one line for each call, with these names and
# values under `metrics`, whatever LOG_SAMPLE_RATE leaves out of the rest of the line. Names, units and meanings are those
# of functions/steel_defect/metrics.py, and the same on AWS.

locals {
  # Of a second deployment in the project the metrics have its name too.
  namespace    = var.name == "steel-defect" ? "SteelDefect" : "SteelDefect/${var.name}"
  of_functions = "resource.type=\"cloud_run_revision\" resource.labels.service_name=(${join(" OR ", [for service in merge(google_cloud_run_v2_service.function, google_cloud_run_v2_service.page) : "\"${service.name}\""])})"

  # Each: its meaning, and how the value is kept. "count" adds up; "flag" has the label `value`, 0 or 1, so that shares can
  # be told; "time" is a distribution of milliseconds.
  metrics = {
    Responses2xx      = { kind = "count", meaning = "Requests that were answered." }
    Responses4xx      = { kind = "count", meaning = "Requests that were refused." }
    Responses5xx      = { kind = "count", meaning = "Requests that failed here." }
    PictureRefused    = { kind = "flag", meaning = "1 for a picture that was refused, otherwise 0." }
    DefectFound       = { kind = "flag", meaning = "1 for a scored picture that is rejected, otherwise 0." }
    CameraSuspect     = { kind = "flag", meaning = "1 for a scored picture that is not like those the model was trained on, otherwise 0." }
    ModelMilliseconds = { kind = "time", meaning = "Time in the model for each scored picture." }
    TotalMilliseconds = { kind = "time", meaning = "Whole time in the function for each scored picture." }
    UploadEvents      = { kind = "count", meaning = "Calls of the upload function." }
    UploadsScored     = { kind = "count", meaning = "Uploads that were scored." }
    UploadsFailed     = { kind = "count", meaning = "Uploads that can never be scored; their results say why." }
    UploadsDuplicate  = { kind = "count", meaning = "Events of uploads that had their result already." }
    UploadsIgnored    = { kind = "count", meaning = "Events of objects that are no pictures; log lines say why." }
    UploadErrors      = { kind = "count", meaning = "Uploads that failed here and are tried again." }
    UploadsSuperseded = { kind = "count", meaning = "Events of uploads of which a newer version is there." }
    ModelNotCurrent   = { kind = "flag", meaning = "1 for a call while another model serves than the one in production, otherwise 0." }
    ColdStart         = { kind = "count", meaning = "Calls that were the first of their environment." }
  }

  # As filters of Cloud Monitoring name them.
  metric = { for name, metric in google_logging_metric.this : name => "metric.type = \"logging.googleapis.com/user/${metric.name}\"" }
}

resource "google_logging_metric" "this" {
  for_each = local.metrics

  name            = "${local.namespace}/${each.key}"
  description     = each.value.meaning
  filter          = "${local.of_functions} jsonPayload.metrics.${each.key}>=0"
  value_extractor = each.value.kind == "time" ? "EXTRACT(jsonPayload.metrics.${each.key})" : null

  # A number becomes a label as text, whole or with its decimals.
  label_extractors = each.value.kind == "flag" ? { value = "REGEXP_EXTRACT(jsonPayload.metrics.${each.key}, \"^([01])\")" } : null

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = each.value.kind == "time" ? "DISTRIBUTION" : "INT64"
    unit        = each.value.kind == "time" ? "ms" : "1"

    dynamic "labels" {
      for_each = each.value.kind == "flag" ? ["value"] : []
      content {
        key         = labels.value
        value_type  = "STRING"
        description = "0 or 1"
      }
    }
  }

  dynamic "bucket_options" {
    for_each = each.value.kind == "time" ? [1] : []
    content {
      # From 1 ms to a minute, each a fifth wider than the one before.
      exponential_buckets {
        num_finite_buckets = 60
        growth_factor      = 1.2
        scale              = 1
      }
    }
  }

  depends_on = [time_sleep.apis]
}

# Cloud Monitoring knows a new metric minutes after Cloud Logging does, and until then refuses an alert on it.
resource "time_sleep" "metrics" {
  create_duration = "600s"
  triggers        = { metrics = join(" ", sort([for metric in google_logging_metric.this : metric.name])) }
}
