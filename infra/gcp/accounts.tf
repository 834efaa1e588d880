# One account for each thing that runs. None has a role in the whole project but what cannot be granted any closer.

resource "google_service_account" "this" {
  for_each = {
    api      = "Scores pictures over HTTP"
    upload   = "Scores uploads"
    backfill = "Scores what is in the bucket of uploads"
    trigger  = "Calls the upload function for Pub/Sub"
    build    = "Tests and deploys"
  }

  account_id   = "${var.name}-${each.key}"
  display_name = "${var.name} ${each.key}"
  description  = each.value
  depends_on   = [time_sleep.apis]
}

locals {
  # Who may do what with the objects of which bucket. Writing results takes objectUser: Cloud Storage asks for
  # storage.objects.delete to overwrite one, and for storage.objects.list to say "not found" instead of "forbidden".
  bucket_grants = {
    api-results      = { account = "api", bucket = "results", role = "roles/storage.objectViewer" }
    api-models       = { account = "api", bucket = "models", role = "roles/storage.objectViewer" }
    upload-models    = { account = "upload", bucket = "models", role = "roles/storage.objectViewer" }
    upload-uploads   = { account = "upload", bucket = "uploads", role = "roles/storage.objectViewer" }
    upload-results   = { account = "upload", bucket = "results", role = "roles/storage.objectUser" }
    backfill-models  = { account = "backfill", bucket = "models", role = "roles/storage.objectViewer" }
    backfill-uploads = { account = "backfill", bucket = "uploads", role = "roles/storage.objectViewer" }
    backfill-results = { account = "backfill", bucket = "results", role = "roles/storage.objectUser" }
    build-source     = { account = "build", bucket = "build", role = "roles/storage.objectViewer" }
  }
}

resource "google_storage_bucket_iam_member" "account" {
  for_each = local.bucket_grants

  bucket = local.buckets[each.value.bucket]
  role   = each.value.role
  member = google_service_account.this[each.value.account].member
}

# What the api function signs is done with its account's permission, by whoever has the URL: new objects below web/. To
# overwrite one would take another role.
resource "google_storage_bucket_iam_member" "api_signs_uploads" {
  bucket = local.buckets["uploads"]
  role   = "roles/storage.objectCreator"
  member = google_service_account.this["api"].member

  condition {
    title      = "web"
    expression = "resource.name.startsWith(\"projects/_/buckets/${local.buckets["uploads"]}/objects/web/\")"
  }
}

# What people say is kept as new objects below verdicts/; this role cannot change one.
resource "google_storage_bucket_iam_member" "api_keeps_verdicts" {
  bucket = local.buckets["results"]
  role   = "roles/storage.objectCreator"
  member = google_service_account.this["api"].member

  condition {
    title      = "verdicts"
    expression = "resource.name.startsWith(\"projects/_/buckets/${local.buckets["results"]}/objects/verdicts/\")"
  }
}

# It has no key to sign with: IAM signs in its name.
resource "google_service_account_iam_member" "api_signs_as_itself" {
  service_account_id = google_service_account.this["api"].name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = google_service_account.this["api"].member
}
