# An object in the bucket of uploads -> Eventarc -> the upload function. The trigger works only with four grants, and
# fails in four different ways without them.

# 1. Cloud Storage publishes the event.
resource "google_project_iam_member" "storage_publishes" {
  project = var.project
  role    = "roles/pubsub.publisher"
  member  = data.google_storage_project_service_account.agent.member
}

# 2. Eventarc looks at the bucket (storage.buckets.get), and makes the topic and the subscription behind the trigger. Google
# gives its agent the second role by itself, but some minutes after the first use: too late for the first apply.
resource "google_storage_bucket_iam_member" "eventarc_sees_bucket" {
  bucket = google_storage_bucket.this["uploads"].name
  role   = "roles/storage.legacyBucketReader"
  member = google_project_service_identity.agent["eventarc.googleapis.com"].member
}

resource "google_project_iam_member" "eventarc_is_agent" {
  # checkov:skip=CKV_GCP_49: Google's own agent gets the role that Google would give it
  project = var.project
  role    = "roles/eventarc.serviceAgent"
  member  = google_project_service_identity.agent["eventarc.googleapis.com"].member
}

# 3. The trigger receives events.
resource "google_project_iam_member" "trigger_receives" {
  project = var.project
  role    = "roles/eventarc.eventReceiver"
  member  = google_service_account.this["trigger"].member
}

# 4. The trigger calls the function, and this one only. Pub/Sub, which does it for the trigger, makes its tokens; in
# projects younger than April 2021 it may without being asked.
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

resource "google_eventarc_trigger" "upload" {
  name            = "steel-defect-upload"
  location        = lower(google_storage_bucket.this["uploads"].location) # nowhere else does it see the bucket
  service_account = google_service_account.this["trigger"].email

  matching_criteria {
    attribute = "type"
    value     = "google.cloud.storage.object.v1.finalized"
  }

  matching_criteria {
    attribute = "bucket"
    value     = google_storage_bucket.this["uploads"].name
  }

  destination {
    cloud_run_service {
      service = google_cloud_run_v2_service.function["upload"].name
      region  = var.region
    }
  }

  depends_on = [
    google_project_iam_member.eventarc_is_agent,
    google_project_iam_member.storage_publishes,
    google_project_iam_member.trigger_receives,
    google_storage_bucket_iam_member.eventarc_sees_bucket,
    google_cloud_run_v2_service_iam_member.trigger_calls,
    google_service_account_iam_member.pubsub_signs_for_trigger,
  ]
}
