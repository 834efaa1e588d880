# The services that both functions run in. Here they begin with Google's placeholder; what runs in them, and how, is
# deployed by cloudbuild.yaml, which needs them to be there: a first revision cannot go without traffic. Terraform
# therefore looks at nothing that a deployment changes, and a deployment changes nothing that is here.
#
# An upload that comes before the first deployment is taken by the placeholder; the backfill job scores it.

resource "google_cloud_run_v2_service" "function" {
  for_each = toset(["api", "upload"])

  name                = "steel-defect-${each.key}"
  location            = var.region
  ingress             = "INGRESS_TRAFFIC_ALL" # who may call is decided by IAM
  deletion_protection = false                 # nothing is kept in it

  template {
    service_account = google_service_account.this[each.key].email

    containers {
      image = "us-docker.pkg.dev/cloudrun/container/hello"
    }
  }

  lifecycle {
    ignore_changes = [annotations, build_config, client, client_version, labels, scaling, template, traffic]
  }

  depends_on = [google_project_service.api]
}

resource "google_cloud_run_v2_service_iam_member" "api_caller" {
  for_each = var.api_callers

  name     = google_cloud_run_v2_service.function["api"].name
  location = var.region
  role     = "roles/run.invoker"
  member   = each.key
}
