# An open service, granted to everybody, behind an unguarded backend: what the three policies must find.

resource "google_cloud_run_v2_service" "open" {
  name     = "open"
  location = "europe-west1"
  ingress  = "INGRESS_TRAFFIC_ALL"

  template {
    containers {
      image = "example"
    }
  }
}

resource "google_cloud_run_v2_service_iam_member" "everybody" {
  name     = google_cloud_run_v2_service.open.name
  location = "europe-west1"
  role     = "roles/run.invoker"
  member   = "allUsers"
}

resource "google_compute_backend_service" "unguarded" {
  name = "unguarded"
}
