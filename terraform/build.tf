# Every push to the main branch is tested, built and released by cloudbuild.yaml.

resource "google_cloudbuild_trigger" "release" {
  count = var.repository == null ? 0 : 1

  name            = "crm-release"
  location        = var.region
  service_account = google_service_account.crm["build"].id
  filename        = "cloudbuild.yaml"

  repository_event_config {
    repository = var.repository
    push {
      branch = "^main$"
    }
  }

  approval_config {
    approval_required = var.release_approval
  }

  substitutions = local.release_substitutions
}

locals {
  release_substitutions = {
    _REGION     = var.region
    _BASE_URL   = local.public_base_url
    _CANARY_KEY = var.canary_key
    _PROVIDERS  = join(" ", concat(local.google ? ["google"] : [], local.facebook ? ["facebook"] : []))
  }
}
