# What the functions say in their logs, as figures: CloudLoggingFormatter in functions/main.py writes the lines.

locals {
  of_functions = "resource.type=\"cloud_run_revision\" resource.labels.service_name=(${join(" OR ", [for service in google_cloud_run_v2_service.function : "\"${service.name}\""])})"
}

resource "google_logging_metric" "pictures" {
  name        = "steel-defect-pictures"
  description = "Uploads by what was decided: pass, review, reject; refused where one cannot be scored."
  filter      = "${local.of_functions} jsonPayload.message=~\"^picture [a-z]+$\""

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"

    labels {
      key         = "decision"
      value_type  = "STRING"
      description = "pass, review, reject or refused"
    }
  }

  label_extractors = {
    decision = "REGEXP_EXTRACT(jsonPayload.message, \"^picture ([a-z]+)$\")"
  }

  depends_on = [google_project_service.api]
}

resource "google_logging_metric" "model_not_current" {
  name        = "steel-defect-model-not-current"
  description = "Looks at the registry after which another model serves than the one in production, and starts without a model."
  filter      = "${local.of_functions} ((severity=\"ERROR\" jsonPayload.logger=\"steel_defect.serving\") OR severity=\"CRITICAL\")"

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
  }

  depends_on = [google_project_service.api]
}
