# Secret Manager: what the programs must not find in a file, a state or a log. Versions are pinned by number.

locals {
  # Put by terraform/release/put-secret; Terraform never sees their values.
  given_secrets = concat(
    ["signing-keys", "verifying-keys", "refresh-key", "image-url-keys", "privacy-key", "database-password"],
    local.google ? ["google-client-secret"] : [],
    local.facebook ? ["facebook-client-secret"] : [],
  )
  made_secrets = ["database-url", "database-ca"]

  secret_version = merge(
    { for name, version in var.secret_versions : name => tostring(version) },
    { database-url = google_secret_manager_secret_version.database_url.version },
  )

  database_ca_folder = "/etc/crm"
  database_ca_file   = "${local.database_ca_folder}/database-ca.pem"
}

resource "google_secret_manager_secret" "crm" {
  for_each  = toset(concat(local.given_secrets, local.made_secrets))
  secret_id = "crm-${each.key}"

  replication {
    auto {}
  }

  # A version that was destroyed by mistake can be had back for a week.
  version_destroy_ttl = "604800s"
  depends_on          = [google_project_service.api]
}

# The password reaches the server and this secret in the same apply, and neither state nor plan.
resource "google_secret_manager_secret_version" "database_url" {
  secret                 = google_secret_manager_secret.crm["database-url"].id
  secret_data_wo         = "mysql://${google_sql_user.crm.name}:${var.database_password}@${google_sql_database_instance.crm.private_ip_address}/${google_sql_database.crm.name}?ssl-mode=VERIFY_CA&ssl-ca=${local.database_ca_file}"
  secret_data_wo_version = tostring(var.database_password_version)
  # A revision that is rolled back to still reads its own version.
  deletion_policy = "ABANDON"

  lifecycle {
    create_before_destroy = true
  }
}

# The certificate of the server's authority: public, and mounted as a file because MySQL's clients want one.
resource "google_secret_manager_secret_version" "database_ca" {
  secret          = google_secret_manager_secret.crm["database-ca"].id
  secret_data     = join("\n", google_sql_database_instance.crm.server_ca_cert[*].cert)
  deletion_policy = "ABANDON"

  lifecycle {
    create_before_destroy = true
  }
}
