# What Google would answer, as far as the configuration looks into it.

mock_resource "google_sql_database_instance" {
  defaults = {
    private_ip_address = "10.20.0.3"
    server_ca_cert     = [{ cert = "-----BEGIN CERTIFICATE-----", common_name = "C=US", create_time = "", expiration_time = "", sha1_fingerprint = "" }]
  }
}

mock_resource "google_certificate_manager_dns_authorization" {
  defaults = {
    dns_resource_record = [{ name = "_acme-challenge.crm.example.com.", type = "CNAME", data = "4711.authorize.certificatemanager.goog." }]
  }
}

mock_resource "google_secret_manager_secret_version" {
  defaults = {
    version = "7"
  }
}

mock_resource "google_compute_global_address" {
  defaults = {
    address = "192.0.2.10"
  }
}
