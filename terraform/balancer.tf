# The managed HTTPS load balancer: one address, TLS ended here, backends that are Cloud Run services and a bucket.

locals {
  backends = { for pair in setproduct(keys(var.services), ["live", "canary"]) : "${pair[0]}-${pair[1]}" => {
    service = pair[0]
    # The tag that the release gives the next revision: it has no address of its own, so this is the way to it.
    tag = pair[1] == "canary" ? "canary" : null
  } }
}

resource "google_compute_global_address" "crm" {
  name       = "crm"
  depends_on = [google_project_service.api]
}

resource "google_compute_region_network_endpoint_group" "crm" {
  for_each = local.backends

  # A changed group is made anew beside the old one, which is still in use.
  name                  = "crm-${each.key}-${substr(sha256("${google_cloud_run_v2_service.crm[each.value.service].name} ${coalesce(each.value.tag, "-")}"), 0, 6)}"
  region                = var.region
  network_endpoint_type = "SERVERLESS"

  cloud_run {
    service = google_cloud_run_v2_service.crm[each.value.service].name
    tag     = each.value.tag
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "google_compute_backend_service" "crm" {
  for_each = local.backends

  name                  = "crm-${each.key}"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  protocol              = "HTTPS"
  security_policy       = google_compute_security_policy.crm.id
  enable_cdn            = var.images_cdn && each.key == "images-live"

  backend {
    group = google_compute_region_network_endpoint_group.crm[each.key].id
  }

  log_config {
    enable      = true
    sample_rate = 1
  }

  dynamic "cdn_policy" {
    for_each = var.images_cdn && each.key == "images-live" ? [1] : []
    content {
      # Only signed addresses are kept, whatever their Cache-Control says; everything else says `private` or `no-store`.
      # The keys are added by terraform/release/cdn-keys: as a resource their values would stand in the state.
      cache_mode                   = "USE_ORIGIN_HEADERS"
      signed_url_cache_max_age_sec = 3600
      cache_key_policy {
        include_host         = true
        include_protocol     = true
        include_query_string = true
      }
    }
  }
}

resource "google_compute_backend_bucket" "site" {
  name        = "crm-site"
  bucket_name = google_storage_bucket.site.name
  enable_cdn  = false

  # Those but the first two are the same as functions/local/src/site.rs says.
  custom_response_headers = [
    "Strict-Transport-Security: ${local.hsts}",
    "X-Content-Type-Options: nosniff",
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy: same-origin",
    "Referrer-Policy: same-origin",
  ]
}

resource "google_compute_ssl_policy" "crm" {
  name            = "crm"
  profile         = "MODERN"
  min_tls_version = "TLS_1_2"
  depends_on      = [google_project_service.api]
}

resource "google_compute_target_https_proxy" "crm" {
  name            = "crm"
  url_map         = google_compute_url_map.https.id
  ssl_policy      = google_compute_ssl_policy.crm.id
  certificate_map = "//certificatemanager.googleapis.com/${google_certificate_manager_certificate_map.crm.id}"
  # 0-RTT can be replayed by whoever saw it.
  tls_early_data = "DISABLED"
}

resource "google_compute_target_http_proxy" "crm" {
  name    = "crm-redirect"
  url_map = google_compute_url_map.http.id
}

resource "google_compute_global_forwarding_rule" "https" {
  name                  = "crm-https"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  ip_address            = google_compute_global_address.crm.id
  port_range            = "443"
  target                = google_compute_target_https_proxy.crm.id
}

resource "google_compute_global_forwarding_rule" "http" {
  name                  = "crm-http"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  ip_address            = google_compute_global_address.crm.id
  port_range            = "80"
  target                = google_compute_target_http_proxy.crm.id
}
