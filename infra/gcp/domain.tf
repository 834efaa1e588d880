# A name of one's own for the api function: a load balancer with a certificate that Google renews. It costs by the hour.
# The audience of identity tokens stays the output api_url.

variable "domain" {
  description = "Name that the api function answers to beside Google's, for example strip.example.com. Its DNS record is then to point to the output domain_address. Null: none."
  type        = string
  default     = null

  validation {
    condition     = var.domain == null ? true : can(regex("^([a-z0-9-]+\\.)+[a-z]{2,}$", var.domain))
    error_message = "Give a name such as strip.example.com, without https:// and without a path."
  }
}

locals {
  domains = toset(var.domain == null ? [] : [var.domain])
}

resource "google_compute_global_address" "domain" {
  for_each = local.domains

  name       = var.name
  depends_on = [time_sleep.apis]
}

resource "google_compute_region_network_endpoint_group" "domain" {
  for_each = local.domains

  name                  = "${var.name}-api"
  region                = var.region
  network_endpoint_type = "SERVERLESS"

  cloud_run {
    service = google_cloud_run_v2_service.function["api"].name
  }

  depends_on = [time_sleep.apis]
}

resource "google_compute_backend_service" "domain" {
  for_each = local.domains

  name                  = "${var.name}-api"
  load_balancing_scheme = "EXTERNAL_MANAGED"

  backend {
    group = google_compute_region_network_endpoint_group.domain[each.key].id
  }
}

resource "google_compute_url_map" "domain" {
  for_each = local.domains

  name            = var.name
  default_service = google_compute_backend_service.domain[each.key].id
}

# A certificate cannot be changed, only replaced.
resource "google_compute_managed_ssl_certificate" "domain" {
  for_each = local.domains

  name = "${var.name}-${substr(sha256(each.key), 0, 8)}"
  managed {
    domains = [each.key]
  }

  lifecycle {
    create_before_destroy = true
  }

  depends_on = [time_sleep.apis]
}

resource "google_compute_ssl_policy" "domain" {
  for_each = local.domains

  name            = var.name
  profile         = "MODERN"
  min_tls_version = "TLS_1_2"
  depends_on      = [time_sleep.apis]
}

resource "google_compute_target_https_proxy" "domain" {
  for_each = local.domains

  name             = var.name
  url_map          = google_compute_url_map.domain[each.key].id
  ssl_certificates = [google_compute_managed_ssl_certificate.domain[each.key].id]
  ssl_policy       = google_compute_ssl_policy.domain[each.key].id
}

resource "google_compute_global_forwarding_rule" "domain" {
  for_each = local.domains

  name                  = var.name
  ip_address            = google_compute_global_address.domain[each.key].id
  port_range            = "443"
  target                = google_compute_target_https_proxy.domain[each.key].id
  load_balancing_scheme = "EXTERNAL_MANAGED"
}

output "domain_address" {
  description = "What the domain's DNS record must point to; null without domain."
  value       = one([for address in google_compute_global_address.domain : address.address])
}
