# What an operator may turn.

mock_provider "google" {
  source = "./tests/mocks"
}

run "quiet_by_default" {
  assert {
    condition     = length(google_cloudbuild_trigger.release) == 0 && length(google_dns_record_set.address) == 0 && length(google_dns_record_set.certificate) == 0
    error_message = "Without repository and zone there is no trigger and no record."
  }
}

run "everything" {
  variables {
    images_cdn          = true
    waf_preview         = false
    deletion_protection = false
    dns_zone            = "example-com"
    repository          = "projects/crm-example/locations/europe-west1/connections/github/repositories/crm"
    release_approval    = true
    domain              = "other.example.org"
    other_domains       = ["crm.example.com"]
    database            = { ha = true, tier = "db-custom-2-7680", max_connections = 400, name = "crm-restored" }
  }
  assert {
    condition = [for name, backend in google_compute_backend_service.crm : name if backend.enable_cdn] == ["images-live"] && (
      google_compute_backend_service.crm["images-live"].cdn_policy[0].cache_mode == "USE_ORIGIN_HEADERS"
      && google_compute_backend_service.crm["images-live"].cdn_policy[0].signed_url_cache_max_age_sec <= 3600
    )
    error_message = "The edge keeps pictures alone, and only what their own headers or a signature allow, for an hour."
  }
  assert {
    condition     = alltrue([for rule in google_compute_security_policy.crm.rule : !coalesce(rule.preview, false)])
    error_message = "Out of preview the rules against attacks refuse."
  }
  assert {
    condition     = google_dns_record_set.address["other.example.org"].name == "other.example.org." && google_dns_record_set.address["other.example.org"].rrdatas == tolist(["192.0.2.10"]) && google_dns_record_set.certificate["other.example.org"].type == "CNAME"
    error_message = "With a zone the records are set."
  }
  assert {
    condition = (
      google_cloudbuild_trigger.release[0].filename == "cloudbuild.yaml"
      && google_cloudbuild_trigger.release[0].repository_event_config[0].push[0].branch == "^main$"
      && google_cloudbuild_trigger.release[0].approval_config[0].approval_required
      && google_cloudbuild_trigger.release[0].service_account == google_service_account.crm["build"].id
      && google_cloudbuild_trigger.release[0].substitutions._BASE_URL == "https://other.example.org"
      && google_cloudbuild_trigger.release[0].substitutions._PROVIDERS == "google facebook"
    )
    error_message = "Each push to main is released as the build's own account, towards the public address."
  }
  assert {
    condition     = !google_sql_database_instance.crm.deletion_protection && !google_sql_database_instance.crm.settings[0].deletion_protection_enabled && alltrue([for service in google_cloud_run_v2_service.crm : !service.deletion_protection])
    error_message = "Protection is turned off in all places at once."
  }
  assert {
    condition     = google_sql_database_instance.crm.settings[0].availability_type == "REGIONAL" && google_sql_database_instance.crm.name == "crm-restored" && strcontains(google_monitoring_alert_policy.crm["database-cpu"].conditions[0].condition_threshold[0].filter, "crm-example:crm-restored")
    error_message = "Another database is another name everywhere."
  }
  assert {
    condition = (
      output.oauth_redirect_uris.google == "https://other.example.org/login/google/callback"
      && one(google_certificate_manager_certificate.crm["other.example.org"].managed[0].domains) == "other.example.org"
      && google_certificate_manager_certificate_map_entry.crm["crm.example.com"].hostname == "crm.example.com"
      && google_compute_url_map.https.default_url_redirect[0].host_redirect == "other.example.org"
      && flatten([for rule in google_compute_url_map.https.host_rule : tolist(rule.hosts)]) == ["other.example.org"]
      && alltrue([for check in google_monitoring_uptime_check_config.crm : check.monitored_resource[0].labels.host == "other.example.org"])
    )
    error_message = "Another domain is another name everywhere, and the old one leads to it under a certificate of its own."
  }
}
