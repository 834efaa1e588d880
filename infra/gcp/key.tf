# A key of one's own for what is kept: buckets, topics, images, the functions' and the job's revisions. What Google keeps
# by itself (logs, metrics, the disk of a training machine, the sources that gcloud stages) stays with Google's keys.

variable "kms_key" {
  description = "Key in Cloud KMS that encrypts what is kept, projects/P/locations/REGION/keyRings/R/cryptoKeys/K, in var.region. Whoever applies must be allowed to grant its use, and each deployment in a project takes a key of its own. Null: Google's keys."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key == null ? true : can(regex("^projects/[^/]+/locations/${var.region}/keyRings/[^/]+/cryptoKeys/[^/]+$", var.kms_key))
    error_message = "Give projects/PROJECT/locations/REGION/keyRings/RING/cryptoKeys/KEY, with the region of everything else."
  }
}

locals {
  key_users = var.kms_key == null ? {} : {
    images  = google_project_service_identity.agent["artifactregistry.googleapis.com"].member
    pubsub  = google_project_service_identity.agent["pubsub.googleapis.com"].member
    run     = google_project_service_identity.agent["run.googleapis.com"].member
    storage = data.google_storage_project_service_account.agent.member
  }
}

resource "google_kms_crypto_key_iam_member" "agent" {
  for_each = local.key_users

  crypto_key_id = var.kms_key
  role          = "roles/cloudkms.cryptoKeyEncrypterDecrypter"
  member        = each.value
}

# What is to be encrypted with it is refused until the grants hold.
resource "time_sleep" "key" {
  for_each = toset(var.kms_key == null ? [] : ["granted"])

  create_duration = "90s"
  depends_on      = [google_kms_crypto_key_iam_member.agent]
}
