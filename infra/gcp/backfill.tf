# Scores what is in the bucket of uploads and has no result of this model: everything, or what is below a prefix:
#   gcloud run jobs execute steel-defect-backfill --region=europe-west1 --args=-m,gcp_backfill,line-3/
# Each task takes its share by the key; one that fails is started again, and goes on where it was. With other arguments
# it processes the dead letters, see dead_letters.tf, or reports on a coil, see below. Image, command and environment are
# deployed by cloudbuild.yaml.

resource "google_cloud_run_v2_job" "backfill" {
  name                = "${var.name}-backfill"
  location            = var.region
  deletion_protection = false # nothing is kept in it

  template {
    task_count  = var.backfill_tasks
    parallelism = var.backfill_tasks

    template {
      service_account = google_service_account.this["backfill"].email
      encryption_key  = var.kms_key
      max_retries     = 3
      timeout         = "86400s" # a day; stopped there, another execution goes on

      containers {
        image = "us-docker.pkg.dev/cloudrun/container/job"
      }
    }
  }

  lifecycle {
    ignore_changes = [annotations, client, client_version, labels, template[0].annotations, template[0].labels, template[0].template[0].containers]
  }

  depends_on = [time_sleep.apis, time_sleep.key]
}

# A coil's marker, an object coil.json beside its pictures, has the upload function start the job for it, in one task:
#   gcloud run jobs execute steel-defect-backfill --region=europe-west1 --tasks=1 --args=-m,gcp_coil,line-3/4711/coil.json
resource "google_cloud_run_v2_job_iam_member" "upload_starts" {
  name     = google_cloud_run_v2_job.backfill.name
  location = var.region
  role     = "roles/run.jobsExecutorWithOverrides"
  member   = google_service_account.this["upload"].member
}
