# The services that both functions run in. Here they begin with Google's placeholder; what runs in them, and how, is
# deployed by cloudbuild.yaml, which needs them to be there: a first revision cannot go without traffic. Terraform
# therefore looks at nothing that a deployment changes, and a deployment changes nothing that is here.
#
# An upload that comes before the first deployment is taken by the placeholder; the backfill job scores it.

locals {
  # Where the page is.
  page_origins = distinct(concat(
    flatten([for service in merge(google_cloud_run_v2_service.page, { api = google_cloud_run_v2_service.function["api"] }) : concat([service.uri], service.urls)]),
    [for domain in local.domains : "https://${domain}"],
  ))
}

resource "google_cloud_run_v2_service" "function" {
  for_each = toset(["api", "upload"])

  name                = "${var.name}-${each.key}"
  location            = var.region
  ingress             = "INGRESS_TRAFFIC_ALL" # who may call is decided by IAM
  deletion_protection = false                 # nothing is kept in it

  template {
    service_account = google_service_account.this[each.key].email
    encryption_key  = var.kms_key

    containers {
      image = "us-docker.pkg.dev/cloudrun/container/hello"
    }
  }

  lifecycle {
    ignore_changes = [annotations, build_config, client, client_version, invoker_iam_disabled, labels, scaling, template, traffic]
  }

  depends_on = [time_sleep.apis, time_sleep.key]
}

resource "google_cloud_run_v2_service_iam_member" "api_caller" {
  for_each = var.api_callers

  name     = google_cloud_run_v2_service.function["api"].name
  location = var.region
  role     = "roles/run.invoker"
  member   = each.key
}

# `gcloud run services proxy` looks at the service first. Only people use it.
resource "google_cloud_run_v2_service_iam_member" "api_viewer" {
  for_each = toset([for caller in var.api_callers : caller if can(regex("^(user|group):", caller))])

  name     = google_cloud_run_v2_service.function["api"].name
  location = var.region
  role     = "roles/run.viewer"
  member   = each.key
}
