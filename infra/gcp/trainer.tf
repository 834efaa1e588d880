# Trains on a spot VM with a GPU, publishes the model, and goes away. Nothing of it is there where var.training is null.
#
# The group starts one machine. Where the machine is taken away, the group starts the next, which goes on from the last
# checkpoint in the bucket. Where the run has ended, however, the machine resizes the group to none;
# infra/trainer/train.sh says what is in the bucket then.

variable "training" {
  description = "A training run: its name; a recipe; more for `steel-defect train`; the gs:// folder of labelled pictures (null: drawn ones); the model's name in the registry (null: the recipe's); and what machine to take for how long. The run's source must be in the bucket of models, at runs/RUN/source.bundle."
  type = object({
    run          = string
    recipe       = optional(string, "strip")
    options      = optional(string, "")
    data         = optional(string)
    model        = optional(string)
    spot         = optional(bool, true)
    machine_type = optional(string, "g2-standard-8")
    zones        = optional(set(string), ["europe-west1-b", "europe-west1-c"])
    disk_gb      = optional(number, 120) # image and PyTorch take about 60
    max_minutes  = optional(number, 720) # from the begin of the first machine, waiting for a next one included
    # Ubuntu with gcloud and NVIDIA's driver, of version 580 or later for the PyTorch of the lock file.
    image = optional(string, "projects/deeplearning-platform-release/global/images/family/common-cu129-ubuntu-2404-nvidia-580")
  })
  default = null

  validation {
    condition     = var.training == null ? true : can(regex("^[a-z0-9][a-z0-9._-]{0,62}$", var.training.run))
    error_message = "A run's name has at most 63 characters of a-z, 0-9, '.', '_' and '-'."
  }

  validation {
    condition     = var.training == null ? true : can(regex("^[A-Za-z0-9._/-]+$", var.training.recipe)) && can(regex("^[A-Za-z0-9._=,:/ -]*$", var.training.options))
    error_message = "The recipe is a name or a file, and the options have only A-Z, a-z, 0-9, spaces and ._=,:/-."
  }

  validation {
    condition     = try(var.training.data, null) == null ? true : can(regex("^gs://[a-z0-9._-]+/[A-Za-z0-9._-][A-Za-z0-9._/-]*$", var.training.data)) && !endswith(var.training.data, "/")
    error_message = "Give data as gs://BUCKET/FOLDER, without / at the end."
  }

  validation {
    condition     = try(var.training.model, null) == null ? true : can(regex("^[a-z0-9][a-z0-9._-]{0,62}$", var.training.model))
    error_message = "A model's name has at most 63 characters of a-z, 0-9, '.', '_' and '-'."
  }

  validation {
    condition     = var.training == null ? true : can(regex("^(g2|g4|a2|a3)-", var.training.machine_type))
    error_message = "Take a machine that has its GPU built in: g2-..., g4-..., a2-... or a3-...."
  }

  validation {
    condition     = var.training == null ? true : length(var.training.zones) > 0 && alltrue([for zone in var.training.zones : startswith(zone, "${var.region}-")])
    error_message = "Name zones of var.region, such as europe-west1-b, that have the machine type."
  }

  validation {
    condition     = var.training == null ? true : var.training.max_minutes >= 10 && var.training.max_minutes <= 10080 && var.training.disk_gb >= 80
    error_message = "Give 10 to 10080 minutes (a week), and a disk of 80 GB or more."
  }
}

locals {
  trainings   = var.training == null ? {} : { run = var.training }
  trainer     = "${var.name}-trainer"
  data_bucket = try(split("/", var.training.data)[2], null)

  trainer_objects = merge(
    { for name, run in local.trainings : "run" => {
      bucket = local.bucket_names["models"], role = "roles/storage.objectUser", prefix = "runs/${run.run}/"
    } },
    # Create, and read to compare: nothing is overwritten, and what is trained serves only after somebody promoted it. For
    # the first version of a model the promotion would be a file to create.
    { for use in ["objectCreator", "objectViewer"] : use => {
      bucket = local.bucket_names["models"], role = "roles/storage.${use}", prefix = "models/"
      but    = use == "objectCreator" ? " && !resource.name.endsWith(\"/production.json\")" : ""
    } if var.training != null },
    { for name, run in local.trainings : "data" => {
      bucket = local.data_bucket, role = "roles/storage.objectViewer", prefix = "${trimprefix(run.data, "gs://${local.data_bucket}/")}/"
    } if run.data != null },
  )
}

# ---- What the machine may ------------------------------------------------------------------------------------------

resource "google_service_account" "trainer" {
  for_each = local.trainings

  account_id   = local.trainer
  display_name = "${var.name} trainer"
  description  = "Trains, and publishes what came out"
  depends_on   = [time_sleep.apis]
}

resource "google_storage_bucket_iam_member" "trainer_objects" {
  for_each = local.trainer_objects

  bucket = each.value.bucket
  role   = each.value.role
  member = google_service_account.trainer["run"].member

  condition {
    title      = "objects below ${each.value.prefix}"
    expression = "resource.name.startsWith(\"projects/_/buckets/${each.value.bucket}/objects/${each.value.prefix}\")${lookup(each.value, "but", "")}"
  }

  depends_on = [google_storage_bucket.this]
}

# gcloud storage looks at a bucket before it copies, and lists what is in it.
resource "google_storage_bucket_iam_member" "trainer_lists" {
  for_each = toset([for grant in local.trainer_objects : grant.bucket])

  bucket = each.key
  role   = "roles/storage.legacyBucketReader"
  member = google_service_account.trainer["run"].member

  depends_on = [google_storage_bucket.this]
}

# To end its group. It cannot be granted on one group, so it is the least that does it.
resource "google_project_iam_custom_role" "trainer" {
  for_each = local.trainings

  role_id     = replace(local.trainer, "-", "_")
  title       = "${var.name} trainer"
  description = "Resizes a managed instance group"
  permissions = ["compute.instanceGroupManagers.get", "compute.instanceGroupManagers.update", "compute.regionOperations.get"]
}

resource "google_project_iam_member" "trainer" {
  for_each = local.trainings

  project = var.project
  role    = google_project_iam_custom_role.trainer[each.key].id
  member  = google_service_account.trainer[each.key].member
}

# ---- Its network: nobody comes in but through Google's Identity-Aware Proxy ------------------------------------------

resource "google_compute_network" "trainer" {
  for_each = local.trainings

  name                    = local.trainer
  auto_create_subnetworks = false
  depends_on              = [time_sleep.apis]
}

resource "google_compute_subnetwork" "trainer" {
  # checkov:skip=CKV_GCP_26: one machine for some hours, whose own log is kept
  for_each = local.trainings

  name                     = local.trainer
  network                  = google_compute_network.trainer[each.key].id
  region                   = var.region
  ip_cidr_range            = "10.0.0.0/28"
  private_ip_google_access = true # the buckets, not through the gateway
}

# gcloud compute ssh INSTANCE --tunnel-through-iap, for who has roles/iap.tunnelResourceAccessor and OS Login.
resource "google_compute_firewall" "trainer" {
  for_each = local.trainings

  name          = "${local.trainer}-iap"
  network       = google_compute_network.trainer[each.key].id
  source_ranges = ["35.235.240.0/20"] # of the proxy
  allow {
    protocol = "tcp"
    ports    = ["22"]
  }
}

resource "google_compute_router" "trainer" {
  for_each = local.trainings

  name    = local.trainer
  network = google_compute_network.trainer[each.key].id
  region  = var.region
}

# The way to packages and sources; the machine has no address of its own.
resource "google_compute_router_nat" "trainer" {
  for_each = local.trainings

  name                               = local.trainer
  router                             = google_compute_router.trainer[each.key].name
  region                             = var.region
  nat_ip_allocate_option             = "AUTO_ONLY"
  source_subnetwork_ip_ranges_to_nat = "ALL_SUBNETWORKS_ALL_IP_RANGES"
}

# ---- The machine -----------------------------------------------------------------------------------------------------

resource "google_compute_instance_template" "trainer" {
  for_each = local.trainings

  name_prefix  = "${local.trainer}-"
  machine_type = each.value.machine_type

  disk {
    source_image = each.value.image
    disk_type    = "pd-balanced"
    disk_size_gb = each.value.disk_gb
    boot         = true
    auto_delete  = true
  }

  network_interface {
    subnetwork = google_compute_subnetwork.trainer[each.key].id
  }

  scheduling {
    provisioning_model          = each.value.spot ? "SPOT" : "STANDARD"
    preemptible                 = each.value.spot
    automatic_restart           = false
    on_host_maintenance         = "TERMINATE" # a GPU does not move
    instance_termination_action = "DELETE"
    max_run_duration {
      seconds = (each.value.max_minutes + 30) * 60 # should all else fail
    }
  }

  service_account {
    email  = google_service_account.trainer[each.key].email
    scopes = ["cloud-platform"]
  }

  shielded_instance_config {
    enable_vtpm                 = true
    enable_integrity_monitoring = true
  }

  metadata = {
    enable-oslogin             = "TRUE"
    block-project-ssh-keys     = "TRUE"
    serial-port-logging-enable = "TRUE" # what the startup script says, in Cloud Logging
    startup-script             = <<-EOT
      #!/bin/bash
      # Gets the run's source, trains, and turns the machine off, however that ended.
      set -euo pipefail
      export RUN='${each.value.run}' RECIPE='${each.value.recipe}' MODEL='${each.value.model == null ? "" : each.value.model}' MAX_MINUTES='${each.value.max_minutes}'
      export DATA='${each.value.data == null ? "" : each.value.data}' MODELS='gs://${local.bucket_names["models"]}' TRAIN_OPTIONS='${each.value.options}'
      cd "$(mktemp --directory)"
      export HOME=$PWD PATH=$PATH:/usr/local/bin:/snap/bin
      export CLOUDSDK_STORAGE_PARALLEL_COMPOSITE_UPLOAD_ENABLED=False # its pieces would be outside the run's folder
      LOG=$PWD/$(date -u +%Y%m%dT%H%M%SZ).log
      export LOG
      exec > >(trap '' TERM && exec tee "$LOG") 2>&1

      finish() {
        status=$?
        echo "trainer ended with status $status"
        sleep 1 # until that is in the log
        timeout 120 gcloud storage cp --no-user-output-enabled "$LOG" "$MODELS/runs/$RUN/logs/" || true
        if [ "$status" -ne 75 ]; then # 75: this machine is taken away, the group starts the next
          for pause in 5 15 45 0; do
            timeout 60 gcloud compute instance-groups managed resize ${local.trainer} --size=0 --project=${var.project} --region=${var.region} --quiet && break
            sleep "$pause"
          done
        fi
        shutdown -P now
      }
      trap finish EXIT
      trap 'exit 75' TERM
      shutdown -P "+$((MAX_MINUTES + 15))" # should all else fail

      timeout 600 gcloud storage cp --no-user-output-enabled "$MODELS/runs/$RUN/source.bundle" source.bundle
      git -c advice.detachedHead=false clone --quiet source.bundle steel-defect
      steel-defect/infra/trainer/train.sh
    EOT
  }

  lifecycle {
    create_before_destroy = true
  }

  depends_on = [
    google_compute_router_nat.trainer,
    google_project_iam_member.trainer,
    google_storage_bucket_iam_member.trainer_lists,
    google_storage_bucket_iam_member.trainer_objects,
  ]
}

resource "google_compute_region_instance_group_manager" "trainer" {
  for_each = local.trainings

  name                             = local.trainer
  base_instance_name               = local.trainer
  region                           = var.region
  distribution_policy_zones        = each.value.zones
  distribution_policy_target_shape = "ANY" # wherever there is a GPU
  target_size                      = 1

  version {
    instance_template = google_compute_instance_template.trainer[each.key].self_link_unique
  }

  update_policy {
    type                         = "OPPORTUNISTIC"
    minimal_action               = "REPLACE"
    instance_redistribution_type = "NONE"
    max_unavailable_fixed        = length(each.value.zones)
    max_surge_fixed              = 0
  }

  lifecycle {
    # The machine sets it to none at the end, and another apply must not begin again; another run is another group.
    ignore_changes       = [target_size]
    replace_triggered_by = [google_compute_instance_template.trainer[each.key]]
  }
}

output "training" {
  description = "Where log, run folder and outcome of the training run are."
  value       = var.training == null ? null : "gs://${local.bucket_names["models"]}/runs/${var.training.run}/"
}
