# Two buckets: customers' pictures, which nobody reads but the services, and the static site, which everybody reads.

resource "google_storage_bucket" "pictures" {
  #checkov:skip=CKV_GCP_62:Only the images service reads it, and its requests are logged; Cloud Audit Logs name everybody else
  name                        = "${var.project_id}-crm-pictures"
  location                    = var.region
  storage_class               = "STANDARD"
  public_access_prevention    = "enforced"
  uniform_bucket_level_access = true
  force_destroy               = false

  # As long as the database can be taken back in time, so can its pictures; then what was erased is gone for good.
  versioning {
    enabled = true
  }
  soft_delete_policy {
    retention_duration_seconds = 0
  }
  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      days_since_noncurrent_time = 7
    }
  }
  lifecycle_rule {
    action {
      type = "AbortIncompleteMultipartUpload"
    }
    condition {
      age = 1
    }
  }
}

# What each release is made of.
resource "google_storage_bucket" "releases" {
  #checkov:skip=CKV_GCP_62:Nothing in it is secret or personal, and only the build writes to it; Cloud Audit Logs name everybody else
  name                        = "${var.project_id}-crm-releases"
  location                    = var.region
  public_access_prevention    = "enforced"
  uniform_bucket_level_access = true
  force_destroy               = true

  versioning {
    enabled = true
  }
}

resource "google_storage_bucket" "site" {
  #checkov:skip=CKV_GCP_62:The load balancer logs who reads the static site
  #checkov:skip=CKV_GCP_114:A backend bucket shows only what everybody may read; this one holds nothing else
  name                        = "${var.project_id}-crm-site"
  location                    = var.region
  uniform_bucket_level_access = true
  force_destroy               = true

  website {
    main_page_suffix = "index.html"
  }
  versioning {
    enabled = true
  }
  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      num_newer_versions = 5
    }
  }
}

# A backend bucket of the load balancer shows only what everybody may read.
resource "google_storage_bucket_iam_member" "site_reader" {
  #checkov:skip=CKV_GCP_28:A backend bucket shows only what everybody may read; this one holds nothing else
  bucket = google_storage_bucket.site.name
  role   = "roles/storage.objectViewer"
  member = "allUsers"
}
