locals {
  apis = concat(
    [
      "artifactregistry.googleapis.com",
      "cloudbuild.googleapis.com",
      "cloudresourcemanager.googleapis.com", # grants in the project
      "iam.googleapis.com",
      "iamcredentials.googleapis.com",
      "logging.googleapis.com",
      "monitoring.googleapis.com",
      "pubsub.googleapis.com",
      "run.googleapis.com",
      "storage.googleapis.com",
    ],
    var.budget == null ? [] : ["billingbudgets.googleapis.com"],
    var.domain == null && var.training == null ? [] : ["compute.googleapis.com"],
    var.github == null ? [] : ["sts.googleapis.com"],
    var.kms_key == null ? [] : ["cloudkms.googleapis.com"],
    length(var.page_users) == 0 && var.training == null ? [] : ["iap.googleapis.com"],
  )
  # Whose own accounts are granted something.
  agents = concat(
    ["pubsub.googleapis.com"],
    var.kms_key == null ? [] : ["artifactregistry.googleapis.com", "run.googleapis.com"],
    length(var.page_users) == 0 ? [] : ["iap.googleapis.com"],
  )
}

resource "google_project_service" "api" {
  for_each = toset(local.apis)

  service            = each.key
  disable_on_destroy = false # something else in the project may use it
}

# An API that was just enabled refuses calls for a while, as one that is not.
resource "time_sleep" "apis" {
  create_duration = "60s"
  triggers        = { apis = join(" ", sort([for api in google_project_service.api : api.service])) }
}

# Google's own accounts, which are granted something below. Each comes into being when it is first asked for: without
# this, the first apply in a new project fails with "service account does not exist".
resource "google_project_service_identity" "agent" {
  for_each = toset(local.agents)
  provider = google-beta

  service    = each.key
  depends_on = [time_sleep.apis]
}

data "google_storage_project_service_account" "agent" {
  depends_on = [time_sleep.apis]
}
