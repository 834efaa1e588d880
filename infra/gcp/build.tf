# The images, and the account under which cloudbuild.yaml tests and deploys.

resource "google_artifact_registry_repository" "images" {
  # checkov:skip=CKV_GCP_84: Google encrypts it; a key of one's own is var.kms_key
  repository_id = var.name
  location      = var.region
  format        = "DOCKER"
  description   = "Images of both functions and of the backfill job"
  kms_key_name  = var.kms_key

  # Five to go back to. Storage is what costs here.
  cleanup_policies {
    id     = "keep-the-newest"
    action = "KEEP"
    most_recent_versions {
      keep_count = 5
    }
  }

  cleanup_policies {
    id     = "delete-the-others"
    action = "DELETE"
    condition {
      older_than = "2592000s"
    }
  }

  depends_on = [time_sleep.apis, time_sleep.key]
}

resource "google_artifact_registry_repository_iam_member" "build_pushes" {
  repository = google_artifact_registry_repository.images.repository_id
  location   = var.region
  role       = "roles/artifactregistry.writer"
  member     = google_service_account.this["build"].member
}

# What cannot be granted any closer than in the project: to build from source and write logs (run.builder), to upload that
# source and deploy revisions and the job (run.sourceDeveloper), and to call APIs at the project's expense. The second also
# lets it read every object in the project's buckets.
resource "google_project_iam_member" "build" {
  # checkov:skip=CKV_GCP_49: deploying from source takes run.sourceDeveloper, and it is granted in a project only
  for_each = toset(["roles/run.builder", "roles/run.sourceDeveloper", "roles/serviceusage.serviceUsageConsumer"])

  project = var.project
  role    = each.key
  member  = google_service_account.this["build"].member
}

# To say who may call a function takes run.admin; it has it for these alone.
resource "google_cloud_run_v2_service_iam_member" "build_sets_callers" {
  for_each = merge(google_cloud_run_v2_service.function, google_cloud_run_v2_service.page)

  name     = each.value.name
  location = var.region
  role     = "roles/run.admin"
  member   = google_service_account.this["build"].member
}

# The smoke test calls both, with a token that IAM makes for the account.
resource "google_cloud_run_v2_service_iam_member" "build_calls" {
  for_each = google_cloud_run_v2_service.function

  name     = each.value.name
  location = var.region
  role     = "roles/run.invoker"
  member   = google_service_account.this["build"].member
}

resource "google_service_account_iam_member" "build_identifies_itself" {
  service_account_id = google_service_account.this["build"].name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = google_service_account.this["build"].member
}

# What it deploys runs as these accounts, and the builds that it starts as itself.
resource "google_service_account_iam_member" "build_acts_as" {
  for_each = toset(["api", "upload", "backfill", "build"])

  service_account_id = google_service_account.this[each.key].name
  role               = "roles/iam.serviceAccountUser"
  member             = google_service_account.this["build"].member
}
