# GitHub Actions deploys (.github/workflows/deploy-google.yml): with a token that GitHub makes for one run, and no key.

variable "github" {
  description = "The repository whose runs may deploy: its number (gh api repos/OWNER/NAME --jq .id), which no other repository gets, and the branch or tag. Null: none."
  type = object({
    repository_id = string
    ref           = optional(string, "refs/heads/main")
  })
  default = null

  validation {
    condition     = var.github == null ? true : can(regex("^[0-9]+$", var.github.repository_id)) && can(regex("^refs/(heads|tags)/[A-Za-z0-9._/-]+$", var.github.ref))
    error_message = "Give the repository's number, not its name, and a ref such as refs/heads/main."
  }
}

locals {
  pipelines = var.github == null ? {} : { github = var.github }
}

resource "google_iam_workload_identity_pool" "pipeline" {
  for_each = local.pipelines

  workload_identity_pool_id = "${var.name}-github"
  depends_on                = [time_sleep.apis]
}

resource "google_iam_workload_identity_pool_provider" "pipeline" {
  # checkov:skip=CKV_GCP_125: the condition names repository and ref; by its number, since a name can be taken over
  for_each = local.pipelines

  workload_identity_pool_id          = google_iam_workload_identity_pool.pipeline[each.key].workload_identity_pool_id
  workload_identity_pool_provider_id = "github"
  attribute_mapping = {
    "google.subject"          = "assertion.sub"
    "attribute.repository_id" = "assertion.repository_id"
  }
  attribute_condition = "assertion.repository_id == \"${each.value.repository_id}\" && assertion.ref == \"${each.value.ref}\""

  oidc {
    issuer_uri = "https://token.actions.githubusercontent.com"
  }
}

resource "google_service_account" "pipeline" {
  for_each = local.pipelines

  account_id   = "${var.name}-pipeline"
  display_name = "${var.name} pipeline"
  description  = "Starts the build that deploys"
  depends_on   = [time_sleep.apis]
}

resource "google_service_account_iam_member" "github_is_pipeline" {
  for_each = local.pipelines

  service_account_id = google_service_account.pipeline[each.key].name
  role               = "roles/iam.workloadIdentityUser"
  member             = "principalSet://iam.googleapis.com/${google_iam_workload_identity_pool.pipeline[each.key].name}/attribute.repository_id/${each.value.repository_id}"
}

# It starts builds, at the project's expense, and reads their logs: the project's, since these cannot be granted closer.
resource "google_project_iam_member" "pipeline" {
  for_each = var.github == null ? toset([]) : toset(["roles/cloudbuild.builds.editor", "roles/logging.viewer", "roles/serviceusage.serviceUsageConsumer"])

  project = var.project
  role    = each.key
  member  = google_service_account.pipeline["github"].member
}

# It sends the source, as gcloud does: the bucket is looked at first.
resource "google_storage_bucket_iam_member" "pipeline" {
  for_each = var.github == null ? toset([]) : toset(["roles/storage.legacyBucketReader", "roles/storage.objectUser"])

  bucket = local.buckets["build"]
  role   = each.key
  member = google_service_account.pipeline["github"].member
}

# The build runs as its own account.
resource "google_service_account_iam_member" "pipeline_acts_as_build" {
  for_each = local.pipelines

  service_account_id = google_service_account.this["build"].name
  role               = "roles/iam.serviceAccountUser"
  member             = google_service_account.pipeline[each.key].member
}

output "github_variables" {
  description = "Variables that the workflow reads, by name, for `gh variable set`; null without github."
  value = var.github == null ? null : {
    GOOGLE_DEPLOY                     = local.deploy
    GOOGLE_SERVICE_ACCOUNT            = google_service_account.pipeline["github"].email
    GOOGLE_WORKLOAD_IDENTITY_PROVIDER = google_iam_workload_identity_pool_provider.pipeline["github"].name
  }
}
