# The operator's program as jobs: migrations before the services, and the nightly sweep.

locals {
  jobs = {
    # A migration that failed half-way wants a person, not another try. A new release_id starts it, and the apply waits
    # for its end: services do not follow when it fails.
    migrate = { retries = 0, timeout = "1800s", run = var.release_id }
    sweep   = { retries = 1, timeout = "3600s", run = null }
  }
}

resource "google_cloud_run_v2_job" "crm" {
  for_each = local.jobs

  name                = "crm-${each.key}"
  location            = var.region
  deletion_protection = false
  run_execution_token = each.value.run

  template {
    template {
      service_account       = google_service_account.crm[each.key].email
      max_retries           = each.value.retries
      timeout               = each.value.timeout
      execution_environment = "EXECUTION_ENVIRONMENT_GEN2"

      vpc_access {
        egress = "PRIVATE_RANGES_ONLY"
        network_interfaces {
          network    = google_compute_network.crm.id
          subnetwork = google_compute_subnetwork.run.id
        }
      }

      containers {
        image = var.images["admin"]
        args  = [each.key]

        resources {
          limits = { cpu = "1", memory = "512Mi" }
        }

        dynamic "env" {
          for_each = local.environment[each.key]
          content {
            name  = env.key
            value = env.value
          }
        }

        dynamic "env" {
          for_each = local.secret_environment[each.key]
          content {
            name = env.key
            value_source {
              secret_key_ref {
                secret  = google_secret_manager_secret.crm[env.value].secret_id
                version = local.secret_version[env.value]
              }
            }
          }
        }

        volume_mounts {
          name       = "database-ca"
          mount_path = local.database_ca_folder
        }
      }

      volumes {
        name = "database-ca"
        secret {
          secret = google_secret_manager_secret.crm["database-ca"].secret_id
          items {
            path    = basename(local.database_ca_file)
            version = google_secret_manager_secret_version.database_ca.version
          }
        }
      }
    }
  }

  lifecycle {
    # The release (cloudbuild.yaml) owns the image.
    ignore_changes = [client, client_version, annotations, template[0].template[0].containers[0].image]
  }

  depends_on = [
    google_secret_manager_secret_iam_member.reader,
    google_storage_bucket_iam_member.pictures,
    google_sql_user.crm,
  ]
}

resource "google_cloud_scheduler_job" "sweep" {
  name             = "crm-sweep"
  region           = var.region
  schedule         = "30 3 * * *"
  time_zone        = "Etc/UTC"
  attempt_deadline = "60s"

  http_target {
    http_method = "POST"
    # Google's API, not a service of ours: it works although those have no address of their own.
    uri = "https://run.googleapis.com/v2/projects/${var.project_id}/locations/${var.region}/jobs/${google_cloud_run_v2_job.crm["sweep"].name}:run"
    oauth_token {
      service_account_email = google_service_account.crm["scheduler"].email
    }
  }

  retry_config {
    retry_count = 3
  }
}
