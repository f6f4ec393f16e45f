# Where images are kept: releases, whose tags never move, and the build's cache, whose tags must.

resource "google_artifact_registry_repository" "crm" {
  #checkov:skip=CKV_GCP_84:Google's own encryption at rest is enough for programs whose source is no secret
  for_each = {
    crm       = { immutable = true, keep = 30 }
    crm-cache = { immutable = false, keep = 5 }
  }

  repository_id = each.key
  location      = var.region
  format        = "DOCKER"

  docker_config {
    immutable_tags = each.value.immutable
  }

  cleanup_policies {
    id     = "keep-the-newest"
    action = "KEEP"
    most_recent_versions {
      keep_count = each.value.keep
    }
  }

  cleanup_policies {
    id     = "delete-what-is-old"
    action = "DELETE"
    condition {
      older_than = "7776000s"
    }
  }

  depends_on = [google_project_service.api]
}
