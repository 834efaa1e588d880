# Whoever marks the strip subscribes to this topic. Its messages have the attributes status and decision to filter by.

resource "google_pubsub_topic" "outcomes" {
  # checkov:skip=CKV_GCP_83: Google encrypts it; a key of one's own would be one more thing that can stop a line
  name       = "steel-defect-outcomes"
  depends_on = [google_project_service.api]
}

resource "google_pubsub_topic_iam_member" "upload_tells" {
  topic  = google_pubsub_topic.outcomes.id
  role   = "roles/pubsub.publisher"
  member = google_service_account.this["upload"].member
}
