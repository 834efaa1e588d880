# The web page for people, behind Google's login (Identity-Aware Proxy): the api function once more, as a service of its
# own, since whatever calls through the proxy must log in. Machines call the other one. Not there where nobody may open it.

variable "page_users" {
  description = "Who may open the web page with their Google account, for example group:inspectors@example.com. The project must be in an organization, and so must they. Empty: there is no page service."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for user in var.page_users : can(regex("^(user|group|domain|principal|principalSet):", user))])
    error_message = "Write each as user:..., group:..., domain:..., principal:... or principalSet:...."
  }
}

locals {
  pages = toset(length(var.page_users) == 0 ? [] : ["page"])
}

resource "google_cloud_run_v2_service" "page" {
  for_each = local.pages
  provider = google-beta

  name                = "${var.name}-page"
  location            = var.region
  ingress             = "INGRESS_TRAFFIC_ALL" # who may call is decided by the proxy
  launch_stage        = "BETA"
  iap_enabled         = true
  deletion_protection = false # nothing is kept in it

  template {
    service_account = google_service_account.this["api"].email
    encryption_key  = var.kms_key

    containers {
      image = "us-docker.pkg.dev/cloudrun/container/hello"
    }
  }

  lifecycle {
    ignore_changes = [annotations, build_config, client, client_version, invoker_iam_disabled, labels, launch_stage, scaling, template, traffic]
  }

  depends_on = [time_sleep.apis, time_sleep.key]
}

# The proxy calls the service, and nobody else does.
resource "google_cloud_run_v2_service_iam_member" "proxy_calls_page" {
  for_each = google_cloud_run_v2_service.page

  name     = each.value.name
  location = var.region
  role     = "roles/run.invoker"
  member   = google_project_service_identity.agent["iap.googleapis.com"].member
}

resource "google_iap_web_cloud_run_service_iam_member" "page_user" {
  for_each = var.page_users

  cloud_run_service_name = google_cloud_run_v2_service.page["page"].name
  location               = var.region
  role                   = "roles/iap.httpsResourceAccessor"
  member                 = each.key
}

output "page_url" {
  description = "Where the web page is; null without page_users."
  value       = one([for page in google_cloud_run_v2_service.page : page.uri])
}
