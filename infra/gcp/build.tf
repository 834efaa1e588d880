# The images, and the account under which cloudbuild.yaml tests and deploys.

resource "google_artifact_registry_repository" "images" {
  # checkov:skip=CKV_GCP_84: Google encrypts it, and the images hold nothing that is secret
  repository_id = "steel-defect"
  location      = var.region
  format        = "DOCKER"
  description   = "Images of both functions and of the backfill job"

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

  depends_on = [google_project_service.api]
}

resource "google_artifact_registry_repository_iam_member" "build_pushes" {
  repository = google_artifact_registry_repository.images.repository_id
  location   = var.region
  role       = "roles/artifactregistry.writer"
  member     = google_service_account.this["build"].member
}

# What cannot be granted any closer than in the project: to build from source and write logs (run.builder), and to
# upload that source and deploy revisions and the job (run.sourceDeveloper).
resource "google_project_iam_member" "build" {
  # checkov:skip=CKV_GCP_49: deploying from source takes run.sourceDeveloper, and it is granted in a project only
  for_each = toset(["roles/run.builder", "roles/run.sourceDeveloper"])

  project = var.project
  role    = each.key
  member  = google_service_account.this["build"].member
}

# To say who may call a function takes run.admin; here it has it for these two.
resource "google_cloud_run_v2_service_iam_member" "build_sets_callers" {
  for_each = google_cloud_run_v2_service.function

  name     = each.value.name
  location = var.region
  role     = "roles/run.admin"
  member   = google_service_account.this["build"].member
}

# The smoke test calls both, with a token that the account makes for itself.
resource "google_cloud_run_v2_service_iam_member" "build_calls" {
  for_each = google_cloud_run_v2_service.function

  name     = each.value.name
  location = var.region
  role     = "roles/run.invoker"
  member   = google_service_account.this["build"].member
}

resource "google_service_account_iam_member" "build_identifies_itself" {
  service_account_id = google_service_account.this["build"].name
  role               = "roles/iam.serviceAccountOpenIdTokenCreator"
  member             = google_service_account.this["build"].member
}

# What it deploys runs as these accounts, and the builds that it starts as itself.
resource "google_service_account_iam_member" "build_acts_as" {
  for_each = toset(["api", "upload", "backfill", "build"])

  service_account_id = google_service_account.this[each.key].name
  role               = "roles/iam.serviceAccountUser"
  member             = google_service_account.this["build"].member
}
