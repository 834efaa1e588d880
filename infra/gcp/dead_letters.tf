# An upload that failed `delivery_attempts` times goes to this topic. A topic keeps nothing, so a subscription does. The
# cause mended, the job of the backfill processes them as the upload function would have, outcome events included:
#   gcloud run jobs execute steel-defect-backfill --region=europe-west1 --args=-m,gcp_redrive --wait
# What fails again stays. What can never be processed goes after a week, or by
#   gcloud pubsub subscriptions seek steel-defect-dead-letters --time="$(date -u +%FT%TZ)"

resource "google_pubsub_topic" "dead_letters" {
  # checkov:skip=CKV_GCP_83: Google encrypts it; a key of one's own is var.kms_key
  name         = "${var.name}-dead-letters"
  kms_key_name = var.kms_key
  depends_on   = [time_sleep.apis, time_sleep.key]
}

resource "google_pubsub_subscription" "dead_letters" {
  name                       = "${var.name}-dead-letters"
  topic                      = google_pubsub_topic.dead_letters.id
  ack_deadline_seconds       = 600       # the job takes several at once
  message_retention_duration = "604800s" # a week

  expiration_policy {
    ttl = "" # never, though nobody reads it for a month
  }
}

resource "google_pubsub_subscription_iam_member" "job_takes_dead_letters" {
  subscription = google_pubsub_subscription.dead_letters.id
  role         = "roles/pubsub.subscriber"
  member       = google_service_account.this["backfill"].member
}

# Pub/Sub takes what failed out of the one, and publishes it to the other.
resource "google_pubsub_subscription_iam_member" "pubsub_takes_failed" {
  subscription = google_pubsub_subscription.uploads.id
  role         = "roles/pubsub.subscriber"
  member       = google_project_service_identity.agent["pubsub.googleapis.com"].member
}

resource "google_pubsub_topic_iam_member" "pubsub_gives_up" {
  topic  = google_pubsub_topic.dead_letters.id
  role   = "roles/pubsub.publisher"
  member = google_project_service_identity.agent["pubsub.googleapis.com"].member
}
