# Certificates. Proved by a DNS record, so that one is there before the first visitor and before a domain moves.

locals {
  domains = toset(concat([var.domain], tolist(var.other_domains)))
  # Names of resources take no dots, and sixty letters.
  labels = { for domain in local.domains : domain => "crm-${substr(replace(domain, ".", "-"), 0, 40)}-${substr(sha256(domain), 0, 6)}" }
}

resource "google_certificate_manager_dns_authorization" "crm" {
  for_each   = local.domains
  name       = local.labels[each.key]
  domain     = each.key
  type       = "FIXED_RECORD"
  depends_on = [google_project_service.api]
}

resource "google_certificate_manager_certificate" "crm" {
  for_each = local.domains
  name     = local.labels[each.key]

  managed {
    domains            = [each.key]
    dns_authorizations = [google_certificate_manager_dns_authorization.crm[each.key].id]
  }
}

resource "google_certificate_manager_certificate_map" "crm" {
  name       = "crm"
  depends_on = [google_project_service.api]
}

resource "google_certificate_manager_certificate_map_entry" "crm" {
  for_each     = local.domains
  name         = local.labels[each.key]
  map          = google_certificate_manager_certificate_map.crm.name
  hostname     = each.key
  certificates = [google_certificate_manager_certificate.crm[each.key].id]
}

# Only where the domains' zone is in this project; otherwise the output dns_records says what to set.
resource "google_dns_record_set" "address" {
  for_each     = var.dns_zone == null ? [] : local.domains
  managed_zone = var.dns_zone
  name         = "${each.key}."
  type         = "A"
  ttl          = 300
  rrdatas      = [google_compute_global_address.crm.address]
}

resource "google_dns_record_set" "certificate" {
  for_each     = var.dns_zone == null ? [] : local.domains
  managed_zone = var.dns_zone
  name         = google_certificate_manager_dns_authorization.crm[each.key].dns_resource_record[0].name
  type         = google_certificate_manager_dns_authorization.crm[each.key].dns_resource_record[0].type
  ttl          = 300
  rrdatas      = [google_certificate_manager_dns_authorization.crm[each.key].dns_resource_record[0].data]
}
