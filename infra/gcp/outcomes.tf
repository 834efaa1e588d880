# Whoever marks the strip subscribes to this topic. Its messages have the attributes status and decision to filter by.

resource "google_pubsub_topic" "outcomes" {
  # checkov:skip=CKV_GCP_83: Google encrypts it; a key of one's own is var.kms_key
  name         = "${var.name}-outcomes"
  kms_key_name = var.kms_key
  depends_on   = [time_sleep.apis, time_sleep.key]
}

# The job does so for dead letters.
resource "google_pubsub_topic_iam_member" "tells" {
  for_each = toset(["upload", "backfill"])

  topic  = google_pubsub_topic.outcomes.id
  role   = "roles/pubsub.publisher"
  member = google_service_account.this[each.key].member
}
