# State is kept in this folder. A team keeps it in a bucket of its own, made beforehand and versioned: put
#   terraform { backend "gcs" { bucket = "my-terraform-state", prefix = "steel-defect" } }
# into a file backend.tf here, and run `terraform init -migrate-state`.

terraform {
  required_version = ">= 1.9.0, < 2.0.0"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 6.50"
    }
    # For google_project_service_identity alone, which the other does not have.
    google-beta = {
      source  = "hashicorp/google-beta"
      version = "~> 6.50"
    }
  }
}

provider "google" {
  project        = var.project
  region         = var.region
  default_labels = { application = "steel-defect" }
}

provider "google-beta" {
  project = var.project
  region  = var.region
}
