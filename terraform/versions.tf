# Terraform, its one provider, and where the state is kept.

terraform {
  # 1.11 is the first with write-only arguments, which keep secret values out of the state.
  required_version = ">= 1.11"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = ">= 8.7, < 9"
    }
  }

  # terraform init -backend-config="bucket=YOUR_STATE_BUCKET"; see docs/deploy.md.
  backend "gcs" {
    prefix = "crm"
  }
}

provider "google" {
  project = var.project_id
  region  = var.region
}
