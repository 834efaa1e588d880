# An object in the bucket of uploads -> Cloud Storage's notification -> this topic -> Pub/Sub calls the upload function.

resource "google_pubsub_topic" "uploads" {
  # checkov:skip=CKV_GCP_83: Google encrypts it; a key of one's own is var.kms_key
  name         = "${var.name}-uploads"
  kms_key_name = var.kms_key
  depends_on   = [time_sleep.apis, time_sleep.key]
}

# Cloud Storage publishes the event.
resource "google_pubsub_topic_iam_member" "storage_publishes" {
  topic  = google_pubsub_topic.uploads.id
  role   = "roles/pubsub.publisher"
  member = data.google_storage_project_service_account.agent.member
}

# Pub/Sub calls the function, and this one only, as this account. It makes the tokens for that; in projects younger than
# April 2021 it may without being asked.
resource "google_cloud_run_v2_service_iam_member" "trigger_calls" {
  name     = google_cloud_run_v2_service.function["upload"].name
  location = var.region
  role     = "roles/run.invoker"
  member   = google_service_account.this["trigger"].member
}

resource "google_service_account_iam_member" "pubsub_signs_for_trigger" {
  service_account_id = google_service_account.this["trigger"].name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = google_project_service_identity.agent["pubsub.googleapis.com"].member
}

# A grant holds some time after it was given, and Cloud Storage looks at its own before it takes a notification.
resource "time_sleep" "grants" {
  create_duration = "90s"

  depends_on = [
    google_pubsub_topic_iam_member.storage_publishes,
    google_cloud_run_v2_service_iam_member.trigger_calls,
    google_service_account_iam_member.pubsub_signs_for_trigger,
  ]
}

resource "google_pubsub_subscription" "uploads" {
  name                       = "${var.name}-uploads"
  topic                      = google_pubsub_topic.uploads.id
  ack_deadline_seconds       = 120       # above the function's timeout
  message_retention_duration = "604800s" # a week

  push_config {
    # The framework reads the topic from the path; the function takes every path.
    push_endpoint = "${google_cloud_run_v2_service.function["upload"].uri}/${google_pubsub_topic.uploads.id}"
    oidc_token {
      service_account_email = google_service_account.this["trigger"].email
      audience              = google_cloud_run_v2_service.function["upload"].uri
    }
  }

  retry_policy {
    minimum_backoff = "10s"
    maximum_backoff = "600s"
  }

  dead_letter_policy {
    dead_letter_topic     = google_pubsub_topic.dead_letters.id
    max_delivery_attempts = var.delivery_attempts
  }

  expiration_policy {
    ttl = "" # never, though nothing comes for a month
  }

  depends_on = [google_pubsub_topic_iam_member.pubsub_gives_up, time_sleep.grants]
}

resource "google_storage_notification" "uploads" {
  bucket         = local.buckets["uploads"]
  topic          = google_pubsub_topic.uploads.id
  payload_format = "JSON_API_V1"
  event_types    = ["OBJECT_FINALIZE"]

  depends_on = [google_pubsub_subscription.uploads] # a topic keeps nothing
}
