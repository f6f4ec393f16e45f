# MySQL: private address, encrypted only, restorable to any second of the last week.

resource "google_sql_database_instance" "crm" {
  #checkov:skip=CKV_GCP_6:The check wants client certificates; encrypted only, a private address and a checked server certificate are what the services can use
  name                = var.database.name
  region              = var.region
  database_version    = "MYSQL_8_4"
  deletion_protection = var.deletion_protection

  settings {
    tier                        = var.database.tier
    edition                     = var.database.edition
    availability_type           = var.database.ha ? "REGIONAL" : "ZONAL"
    disk_type                   = "PD_SSD"
    disk_size                   = var.database.disk_gb
    disk_autoresize             = true
    deletion_protection_enabled = var.deletion_protection
    retain_backups_on_delete    = true

    ip_configuration {
      ipv4_enabled    = false
      private_network = google_compute_network.crm.id
      ssl_mode        = "ENCRYPTED_ONLY"
      # An authority of this server's own: clients check that the certificate is its (ssl-mode=VERIFY_CA).
      server_ca_mode = "GOOGLE_MANAGED_INTERNAL_CA"
    }

    backup_configuration {
      enabled = true
      # MySQL's way to restore to a point in time.
      binary_log_enabled             = true
      start_time                     = "02:00"
      transaction_log_retention_days = 7

      backup_retention_settings {
        retained_backups = 14
      }
    }

    final_backup_config {
      enabled        = true
      retention_days = 30
    }

    dynamic "database_flags" {
      for_each = {
        max_connections    = tostring(var.database.max_connections)
        local_infile       = "off"
        skip_show_database = "on"
        slow_query_log     = "on"
        long_query_time    = "1"
      }
      content {
        name  = database_flags.key
        value = database_flags.value
      }
    }

    insights_config {
      query_insights_enabled  = true
      query_string_length     = 1024
      record_client_address   = false
      record_application_tags = false
    }

    maintenance_window {
      day          = 7
      hour         = 3
      update_track = "stable"
    }
  }

  lifecycle {
    # The disk grows by itself.
    ignore_changes = [settings[0].disk_size]
  }

  depends_on = [google_service_networking_connection.services]
}

resource "google_sql_database" "crm" {
  name      = "crm"
  instance  = google_sql_database_instance.crm.name
  charset   = "utf8mb4"
  collation = "utf8mb4_bin"
}

resource "google_sql_user" "crm" {
  name                = "crm"
  host                = "%"
  instance            = google_sql_database_instance.crm.name
  password_wo         = var.database_password
  password_wo_version = var.database_password_version
}
