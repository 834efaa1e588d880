locals {
  # Names of buckets are shared by the whole world, ids of projects are unique.
  buckets = { for use in ["uploads", "results", "models", "build"] : use => "${var.project}-steel-defect-${use}" }
}

resource "google_storage_bucket" "this" {
  for_each = local.buckets
  # checkov:skip=CKV_GCP_62: who reads and writes is in Cloud Audit Logs where it is wanted; usage logs would fill a bucket

  name                        = each.value
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = var.delete_data

  # A result names the generation of its upload, and an event that comes late must still find it.
  versioning {
    enabled = each.key != "build"
  }

  # What was overwritten or deleted. The versions of models are never overwritten, but what was in production is.
  dynamic "lifecycle_rule" {
    for_each = each.key == "build" ? [] : [each.key == "models" ? 365 : 30]
    content {
      condition {
        days_since_noncurrent_time = lifecycle_rule.value
        with_state                 = "ARCHIVED"
      }
      action {
        type = "Delete"
      }
    }
  }

  dynamic "lifecycle_rule" {
    for_each = each.key == "build" ? [30] : each.key == "uploads" && var.keep_uploads_days != null ? [var.keep_uploads_days] : []
    content {
      condition {
        age        = lifecycle_rule.value
        with_state = "LIVE"
      }
      action {
        type = "Delete"
      }
    }
  }

  # A training run overwrites its checkpoints every few minutes.
  dynamic "lifecycle_rule" {
    for_each = each.key == "models" ? ["runs/"] : []
    content {
      condition {
        days_since_noncurrent_time = 1
        matches_prefix             = [lifecycle_rule.value]
        with_state                 = "ARCHIVED"
      }
      action {
        type = "Delete"
      }
    }
  }

  # The api function's page puts pictures to the URLs that the function signs.
  dynamic "cors" {
    for_each = each.key == "uploads" ? [google_cloud_run_v2_service.function["api"]] : []
    content {
      origin          = distinct(concat([cors.value.uri], cors.value.urls))
      method          = ["PUT"]
      response_header = ["content-type", "x-goog-content-length-range"]
      max_age_seconds = 3600
    }
  }

  lifecycle_rule {
    condition {
      age = 7
    }
    action {
      type = "AbortIncompleteMultipartUpload"
    }
  }

  depends_on = [google_project_service.api]
}

resource "google_storage_bucket_iam_member" "camera" {
  for_each = var.cameras

  bucket = google_storage_bucket.this["uploads"].name
  role   = "roles/storage.objectCreator"
  member = each.key
}
