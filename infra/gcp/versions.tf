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
    # For what the other does not have: the identity of a service, and Identity-Aware Proxy in front of one.
    google-beta = {
      source  = "hashicorp/google-beta"
      version = "~> 6.50"
    }
    # Google takes some changes before they hold. Each wait in here says which.
    time = {
      source  = "hashicorp/time"
      version = "~> 0.13"
    }
  }
}

provider "google" {
  project        = var.project
  region         = var.region
  default_labels = { application = var.name }
}

provider "google-beta" {
  project        = var.project
  region         = var.region
  default_labels = { application = var.name }
}

# The API of budgets belongs to no project: it has to be told which one's quota a call counts against.
provider "google" {
  alias                 = "billing"
  project               = var.project
  billing_project       = var.project
  user_project_override = true
}
