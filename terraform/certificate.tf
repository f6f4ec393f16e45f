# The certificate. Proved by a DNS record, so that it is there before the first visitor and before the domain moves.

resource "google_certificate_manager_dns_authorization" "crm" {
  name       = "crm"
  domain     = var.domain
  type       = "FIXED_RECORD"
  depends_on = [google_project_service.api]
}

resource "google_certificate_manager_certificate" "crm" {
  # The name changes with the domain, so that the new certificate is there before the old one goes.
  name = "crm-${local.domain_label}"

  managed {
    domains            = [var.domain]
    dns_authorizations = [google_certificate_manager_dns_authorization.crm.id]
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "google_certificate_manager_certificate_map" "crm" {
  name       = "crm"
  depends_on = [google_project_service.api]
}

resource "google_certificate_manager_certificate_map_entry" "crm" {
  name         = "crm-${local.domain_label}"
  map          = google_certificate_manager_certificate_map.crm.name
  hostname     = var.domain
  certificates = [google_certificate_manager_certificate.crm.id]

  lifecycle {
    create_before_destroy = true
  }
}

locals {
  domain_label = "${substr(replace(var.domain, ".", "-"), 0, 40)}-${substr(sha256(var.domain), 0, 6)}"
}

# Only where the domain's zone is in this project; otherwise the output dns_records says what to set.
resource "google_dns_record_set" "address" {
  count        = var.dns_zone == null ? 0 : 1
  managed_zone = var.dns_zone
  name         = "${var.domain}."
  type         = "A"
  ttl          = 300
  rrdatas      = [google_compute_global_address.crm.address]
}

resource "google_dns_record_set" "certificate" {
  count        = var.dns_zone == null ? 0 : 1
  managed_zone = var.dns_zone
  name         = google_certificate_manager_dns_authorization.crm.dns_resource_record[0].name
  type         = google_certificate_manager_dns_authorization.crm.dns_resource_record[0].type
  ttl          = 300
  rrdatas      = [google_certificate_manager_dns_authorization.crm.dns_resource_record[0].data]
}
