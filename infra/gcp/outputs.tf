locals {
  substitutions = {
    _AUTH            = var.allow_unauthenticated ? "public" : "authenticated"
    _REGION          = var.region
    _API_SERVICE     = google_cloud_run_v2_service.function["api"].name
    _UPLOAD_SERVICE  = google_cloud_run_v2_service.function["upload"].name
    _BACKFILL_JOB    = google_cloud_run_v2_job.backfill.name
    _MAX_INSTANCES   = var.max_instances
    _MODEL_URI       = var.model == null ? "" : "gs://${google_storage_bucket.this["models"].name}/models/${var.model}"
    _OUTCOME_TOPIC   = google_pubsub_topic.outcomes.id
    _LOG_SAMPLE_RATE = var.log_sample_rate
    _UPLOADS_BUCKET  = google_storage_bucket.this["uploads"].name
    _RESULTS_BUCKET  = google_storage_bucket.this["results"].name
    _IMAGES          = "${var.region}-docker.pkg.dev/${var.project}/${google_artifact_registry_repository.images.repository_id}"
    _API_ACCOUNT     = google_service_account.this["api"].email
    _UPLOAD_ACCOUNT  = google_service_account.this["upload"].email
    _BUILD_ACCOUNT   = google_service_account.this["build"].email
  }
}

output "deploy" {
  description = "Command that tests and deploys what is in this clone, to be run at its top."
  value = join(" ", [
    "gcloud builds submit . --config=cloudbuild.yaml --project=${var.project} --region=${var.region}",
    "--gcs-source-staging-dir=gs://${google_storage_bucket.this["build"].name}/source",
    "--substitutions=${join(",", [for name, value in local.substitutions : "${name}=${value}"])}",
  ])
}

output "backfill" {
  description = "Command that scores what is in the bucket of uploads and has no result of this model yet."
  value       = "gcloud run jobs execute ${google_cloud_run_v2_job.backfill.name} --project=${var.project} --region=${var.region} --wait"
}

output "api_url" {
  description = "Where POST /predict is."
  value       = google_cloud_run_v2_service.function["api"].uri
}

output "buckets" {
  description = "Names of the buckets, by their use."
  value       = local.buckets
}

output "outcome_topic" {
  description = "Topic that is told of each result."
  value       = google_pubsub_topic.outcomes.id
}
