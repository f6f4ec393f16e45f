# The private network in which the services meet the database.

locals {
  subnet_range = "10.8.0.0/24"
}

resource "google_compute_network" "crm" {
  name                    = "crm"
  auto_create_subnetworks = false
  depends_on              = [google_project_service.api]
}

resource "google_compute_subnetwork" "run" {
  name                     = "crm-run"
  region                   = var.region
  network                  = google_compute_network.crm.id
  ip_cidr_range            = local.subnet_range
  private_ip_google_access = true

  log_config {
    aggregation_interval = "INTERVAL_10_MIN"
    flow_sampling        = 0.1
    metadata             = "EXCLUDE_ALL_METADATA"
  }
}

# Nothing in this network takes connections: Cloud Run gets its requests elsewhere and only dials out.
resource "google_compute_firewall" "deny_ingress" {
  name          = "crm-deny-ingress"
  network       = google_compute_network.crm.id
  direction     = "INGRESS"
  priority      = 65534
  source_ranges = ["0.0.0.0/0"]

  deny {
    protocol = "all"
  }
}

resource "google_compute_global_address" "services" {
  name          = "crm-google-services"
  purpose       = "VPC_PEERING"
  address_type  = "INTERNAL"
  prefix_length = 20
  network       = google_compute_network.crm.id
}

resource "google_service_networking_connection" "services" {
  network                 = google_compute_network.crm.id
  service                 = "servicenetworking.googleapis.com"
  reserved_peering_ranges = [google_compute_global_address.services.name]
  # Google refuses to remove it for days after the last database is gone; it costs nothing.
  deletion_policy = "ABANDON"
}
