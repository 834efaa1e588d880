locals {
  # Names of buckets are shared by the whole world, ids of projects are unique.
  new_buckets = { for use in ["uploads", "results", "models", "build"] : use => "${var.project}-${var.name}-${use}" if lookup(local.given_buckets, use, null) == null }
  # Nothing of theirs is changed here.
  given_buckets = { uploads = var.uploads_bucket, results = var.results_bucket }

  bucket_names = merge(local.new_buckets, { for use, name in local.given_buckets : use => name if name != null })
  # The same, to be had once they are there.
  buckets = { for use, name in local.bucket_names : use => try(google_storage_bucket.this[use].name, name) }

  keep_days = { uploads = var.keep_uploads_days, results = var.keep_results_days, models = null, build = 30 }
}

resource "google_storage_bucket" "this" {
  for_each = local.new_buckets
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
    for_each = local.keep_days[each.key][*]
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

  # Google keeps deleted versions for a week more, and charges for them. A training run overwrites its checkpoints every
  # few minutes, and the versions of models are never deleted.
  soft_delete_policy {
    retention_duration_seconds = contains(["build", "models"], each.key) ? 0 : 604800
  }

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

  # The page puts pictures to the URLs that the function signs.
  dynamic "cors" {
    for_each = each.key == "uploads" ? [local.page_origins] : []
    content {
      origin          = cors.value
      method          = ["PUT"]
      response_header = ["content-type", "x-goog-content-length-range"]
      max_age_seconds = 3600
    }
  }

  dynamic "encryption" {
    for_each = var.kms_key[*]
    content {
      default_kms_key_name = encryption.value
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

  depends_on = [time_sleep.apis, time_sleep.key]
}

resource "google_storage_bucket_iam_member" "camera" {
  for_each = var.cameras

  bucket = local.buckets["uploads"]
  role   = "roles/storage.objectCreator"
  member = each.key
}
