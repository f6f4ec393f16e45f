# The three services. Nobody reaches them but the load balancer.

resource "google_cloud_run_v2_service" "crm" {
  for_each = var.services

  name                 = "crm-${each.key}"
  location             = var.region
  deletion_protection  = var.deletion_protection
  ingress              = "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER"
  default_uri_disabled = true
  # Who may ask is the programs' own affair (tokens). A grant to allUsers would say the same, and many organisations
  # forbid such grants.
  invoker_iam_disabled = true

  # Over all revisions: while one replaces another the database still has connections enough.
  scaling {
    min_instance_count = each.value.min_instances
    max_instance_count = each.value.max_instances
  }

  template {
    service_account                  = google_service_account.crm[each.key].email
    timeout                          = "${each.value.timeout_seconds}s"
    max_instance_request_concurrency = each.value.concurrency
    execution_environment            = "EXECUTION_ENVIRONMENT_GEN2"

    scaling {
      max_instance_count = each.value.max_instances
    }

    vpc_access {
      egress = "PRIVATE_RANGES_ONLY"
      network_interfaces {
        network    = google_compute_network.crm.id
        subnetwork = google_compute_subnetwork.run.id
      }
    }

    containers {
      image = var.images[each.key]

      ports {
        # HTTP/2 without TLS, which the server loop speaks: uploads are not bound to 32 MiB, and one connection serves.
        name           = "h2c"
        container_port = 8080
      }

      resources {
        limits            = { cpu = each.value.cpu, memory = each.value.memory }
        cpu_idle          = true
        startup_cpu_boost = true
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

      startup_probe {
        period_seconds    = 1
        timeout_seconds   = 1
        failure_threshold = 30
        http_get {
          path = "/health/live"
        }
      }

      # Touches nothing: a database that is away must not make every instance start anew.
      liveness_probe {
        period_seconds    = 30
        timeout_seconds   = 5
        failure_threshold = 3
        http_get {
          path = "/health/live"
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

  lifecycle {
    # The release (cloudbuild.yaml) owns image and traffic; the rest is what gcloud leaves behind.
    ignore_changes = [client, client_version, annotations, traffic, template[0].revision, template[0].annotations, template[0].labels, template[0].containers[0].image]
  }

  # The schema comes before the programs that need it; a grant before the one who needs it.
  depends_on = [
    google_cloud_run_v2_job.crm,
    google_secret_manager_secret_iam_member.reader,
    google_storage_bucket_iam_member.pictures,
  ]
}
