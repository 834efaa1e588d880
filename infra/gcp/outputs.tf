locals {
  substitutions = {
    _AUTH             = var.allow_unauthenticated ? "public" : "authenticated"
    _REGION           = var.region
    _API_SERVICE      = google_cloud_run_v2_service.function["api"].name
    _UPLOAD_SERVICE   = google_cloud_run_v2_service.function["upload"].name
    _PAGE_SERVICE     = join("", [for page in google_cloud_run_v2_service.page : page.name])
    _BACKFILL_JOB     = google_cloud_run_v2_job.backfill.name
    _MAX_INSTANCES    = var.max_instances
    _MODEL_URI        = var.model == null ? "" : "gs://${local.buckets["models"]}/models/${var.model}"
    _THRESHOLD        = var.decision.threshold == null ? "" : var.decision.threshold
    _REVIEW_LOW       = var.decision.review_low == null ? "" : var.decision.review_low
    _REVIEW_HIGH      = var.decision.review_high == null ? "" : var.decision.review_high
    _MM_PER_PIXEL     = var.pictures.mm_per_pixel == null ? "" : var.pictures.mm_per_pixel
    _BIT_DEPTH        = var.pictures.bit_depth == null ? "" : var.pictures.bit_depth
    _ORIENTATION      = var.pictures.orientation == null ? "" : var.pictures.orientation
    _OUTCOME_TOPIC    = google_pubsub_topic.outcomes.id
    _DEAD_LETTERS     = google_pubsub_subscription.dead_letters.id
    _LOG_SAMPLE_RATE  = var.log_sample_rate
    _IGNORED_SUFFIXES = join(",", var.ignored_suffixes)
    _COIL_PATTERN     = var.coil_pattern
    _CAPTURE_DAILY    = var.capture_daily
    _SHADOW_MODEL_URI = var.shadow_model == null ? "" : "gs://${local.buckets["models"]}/models/${var.model}/${var.shadow_model}"
    _ALLOWED_ORIGINS  = join(",", var.allowed_origins)
    _KMS_KEY          = var.kms_key == null ? "" : var.kms_key
    _UPLOADS_BUCKET   = local.buckets["uploads"]
    _RESULTS_BUCKET   = local.buckets["results"]
    _IMAGES           = "${var.region}-docker.pkg.dev/${var.project}/${google_artifact_registry_repository.images.repository_id}"
    _API_ACCOUNT      = google_service_account.this["api"].email
    _UPLOAD_ACCOUNT   = google_service_account.this["upload"].email
    _BUILD_ACCOUNT    = google_service_account.this["build"].email
  }

  # `beta` shows the log of the build in the terminal.
  deploy = join(" ", [
    "gcloud beta builds submit . --config=cloudbuild.yaml --project=${var.project} --region=${var.region}",
    "--gcs-source-staging-dir=gs://${local.buckets["build"]}/source",
    "'--substitutions=^;^${join(";", [for name, value in local.substitutions : "${name}=${value}"])}'",
  ])

  execute = "gcloud run jobs execute ${google_cloud_run_v2_job.backfill.name} --project=${var.project} --region=${var.region}"
  redrive = "${local.execute} --args=-m,gcp_redrive --wait"
}

output "deploy" {
  description = "Command that tests and deploys what is in this clone, to be run at its top."
  value       = local.deploy
}

output "backfill" {
  description = "Command that scores what is in the bucket of uploads and has no result of this model yet."
  value       = "${local.execute} --wait"
}

output "redrive" {
  description = "Command that processes the uploads which were given up."
  value       = local.redrive
}

output "api_url" {
  description = "Where POST /predict is."
  value       = google_cloud_run_v2_service.function["api"].uri
}

output "buckets" {
  description = "Names of the buckets, by their use."
  value       = local.bucket_names
}

output "outcome_topic" {
  description = "Topic that is told of each result."
  value       = google_pubsub_topic.outcomes.id
}
