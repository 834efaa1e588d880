# An upload that failed `delivery_attempts` times goes to this topic. A topic keeps nothing, so a subscription does. The
# cause mended, the backfill job scores what has no result; then
#   gcloud pubsub subscriptions seek steel-defect-dead-letters --time="$(date -u +%FT%TZ)"
# empties it.

resource "google_pubsub_topic" "dead_letters" {
  # checkov:skip=CKV_GCP_83: Google encrypts it; a key of one's own would be one more thing that can stop a line
  name       = "steel-defect-dead-letters"
  depends_on = [google_project_service.api]
}

resource "google_pubsub_subscription" "dead_letters" {
  name                       = "steel-defect-dead-letters"
  topic                      = google_pubsub_topic.dead_letters.id
  message_retention_duration = "604800s" # a week, the most there is

  expiration_policy {
    ttl = "" # never, though nobody reads it for a month
  }
}

locals {
  # Eventarc makes this subscription, and does not let its trigger say what becomes of an upload that fails.
  upload_subscription = google_eventarc_trigger.upload.transport[0].pubsub[0].subscription
}

resource "terraform_data" "delivery" {
  triggers_replace = [local.upload_subscription, google_pubsub_topic.dead_letters.id, var.delivery_attempts]

  provisioner "local-exec" {
    command = <<-EOT
      gcloud pubsub subscriptions update ${local.upload_subscription} --project=${var.project} --quiet \
        --dead-letter-topic=${google_pubsub_topic.dead_letters.id} --max-delivery-attempts=${var.delivery_attempts} \
        --ack-deadline=120 --min-retry-delay=10s --max-retry-delay=600s --message-retention-duration=7d
    EOT
  }

  depends_on = [
    google_pubsub_subscription.dead_letters,
    google_pubsub_subscription_iam_member.pubsub_takes_failed,
    google_pubsub_topic_iam_member.pubsub_gives_up,
  ]
}

# Pub/Sub takes what failed out of the one, and publishes it to the other.
resource "google_pubsub_subscription_iam_member" "pubsub_takes_failed" {
  subscription = local.upload_subscription
  role         = "roles/pubsub.subscriber"
  member       = google_project_service_identity.agent["pubsub.googleapis.com"].member
}

resource "google_pubsub_topic_iam_member" "pubsub_gives_up" {
  topic  = google_pubsub_topic.dead_letters.id
  role   = "roles/pubsub.publisher"
  member = google_project_service_identity.agent["pubsub.googleapis.com"].member
}
