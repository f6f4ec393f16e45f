# What must not be lost, and what must not be seen.

mock_provider "google" {
  source = "./tests/mocks"
}

run "sources" {
  module {
    source = "./tests/sources"
  }
}

run "database" {
  assert {
    condition = (
      google_sql_database_instance.crm.database_version == "MYSQL_8_4"
      && !google_sql_database_instance.crm.settings[0].ip_configuration[0].ipv4_enabled
      && google_sql_database_instance.crm.settings[0].ip_configuration[0].private_network == google_compute_network.crm.id
      && google_sql_database_instance.crm.settings[0].ip_configuration[0].ssl_mode == "ENCRYPTED_ONLY"
      && length(google_sql_database_instance.crm.settings[0].ip_configuration[0].authorized_networks) == 0
    )
    error_message = "14: MySQL 8.4 at a private address, encrypted only."
  }
  assert {
    condition     = strcontains(run.sources.configuration, "?ssl-mode=VERIFY_CA&ssl-ca=$${local.database_ca_file}\"")
    error_message = "14: the services check whose certificate the database shows."
  }
  assert {
    condition = (
      google_sql_database_instance.crm.deletion_protection
      && google_sql_database_instance.crm.settings[0].deletion_protection_enabled
      && google_sql_database_instance.crm.settings[0].backup_configuration[0].enabled
      && google_sql_database_instance.crm.settings[0].backup_configuration[0].binary_log_enabled
      && google_sql_database_instance.crm.settings[0].backup_configuration[0].transaction_log_retention_days == 7
      && google_sql_database_instance.crm.settings[0].final_backup_config[0].enabled
    )
    error_message = "15: protected from deletion twice, restorable to any second of the last seven days."
  }
  assert {
    condition     = google_sql_database_instance.crm.settings[0].edition == "ENTERPRISE" && google_service_networking_connection.services.deletion_policy == "ABANDON"
    error_message = "15: the edition is said, for tiers fit one only; the peering, which cannot be removed, is left."
  }
  assert {
    condition     = google_sql_database.crm.charset == "utf8mb4" && google_sql_database.crm.collation == "utf8mb4_bin"
    error_message = "The database compares text as the migrations and the tests do."
  }
  assert {
    condition     = google_sql_user.crm.password == null && google_sql_user.crm.password_wo_version == 1
    error_message = "19: the user's password is write-only."
  }
  assert {
    condition     = google_secret_manager_secret_version.database_url.secret_data == null && google_secret_manager_secret_version.database_url.secret_data_wo_version == "1"
    error_message = "19: the database's address, which holds the password, is write-only."
  }
  assert {
    condition     = !can(regex("google_service_account_key|signed_url_key\"|key_value|root_password|random_password|\n\\s+password\\s+=|private_key", run.sources.configuration))
    error_message = "19: no resource is there whose secret would stand in the state, and no key file anywhere."
  }
  assert {
    condition     = length(regexall("\n\\s+secret_data\\s+=", run.sources.configuration)) == 1 && can(regex("secret_data\\s+= join\\(\"\\\\n\", google_sql_database_instance.crm.server_ca_cert", run.sources.configuration))
    error_message = "19: only the certificate of the database's authority, which is public, is written in clear."
  }
  assert {
    condition     = alltrue([for secret in google_secret_manager_secret.crm : length(secret.replication) == 1 && secret.version_destroy_ttl == "604800s"])
    error_message = "A destroyed secret can be had back for a week."
  }
}

run "buckets" {
  assert {
    condition = (
      google_storage_bucket.pictures.public_access_prevention == "enforced"
      && google_storage_bucket.pictures.uniform_bucket_level_access
      && google_storage_bucket.pictures.versioning[0].enabled
      && !google_storage_bucket.pictures.force_destroy
    )
    error_message = "12: pictures are private, uniformly so, versioned, and not destroyed with what is in the bucket."
  }
  assert {
    condition = [for rule in google_storage_bucket.pictures.lifecycle_rule : rule.condition[0].days_since_noncurrent_time if rule.action[0].type == "Delete"] == [
      google_sql_database_instance.crm.settings[0].backup_configuration[0].transaction_log_retention_days
    ]
    error_message = "12: removed pictures can be had back as long as the database can be taken back, and no longer."
  }
  assert {
    condition     = google_storage_bucket.releases.public_access_prevention == "enforced" && google_storage_bucket_iam_member.release_record.role == "roles/storage.objectCreator"
    error_message = "What releases are made of is not public, and nobody writes it anew."
  }
  assert {
    condition     = length(google_storage_bucket.pictures.cors) == 0
    error_message = "13: no other origin reads the bucket: pictures come through the images service alone."
  }
  assert {
    condition     = google_storage_bucket_iam_member.site_reader.bucket == google_storage_bucket.site.name && google_storage_bucket_iam_member.site_reader.role == "roles/storage.objectViewer"
    error_message = "12: only the static site's bucket is read by everybody."
  }
  assert {
    condition     = length(regexall("allUsers|allAuthenticatedUsers", run.sources.configuration)) == 1
    error_message = "12: everybody is granted one thing only, the static site."
  }
  assert {
    condition     = google_compute_backend_bucket.site.bucket_name == google_storage_bucket.site.name
    error_message = "The balancer serves the static site's bucket, not the pictures'."
  }
}

run "registry" {
  assert {
    condition     = google_artifact_registry_repository.crm["crm"].docker_config[0].immutable_tags && !google_artifact_registry_repository.crm["crm-cache"].docker_config[0].immutable_tags
    error_message = "A release's tag never moves; the build's cache is kept apart."
  }
  assert {
    condition     = length([for policy in google_artifact_registry_repository.crm["crm"].cleanup_policies : policy if policy.action == "KEEP"]) == 1
    error_message = "The newest images are kept whatever their age, so that a release can be rolled back."
  }
}
