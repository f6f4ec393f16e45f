# What each program reads from its environment. tests/sources.tftest.hcl holds these names against the Rust sources.

locals {
  public_base_url = "https://${var.domain}"

  # Nothing else that the programs put into an address comes from here; nothing comes from a request.
  oauth_redirect_uris = {
    google   = "${local.public_base_url}/login/google/callback"
    facebook = "${local.public_base_url}/login/facebook/callback"
  }

  client_ip_header = "X-Crm-Client-Ip"
  job_connections  = 2

  google   = var.google_client_id != null
  facebook = var.facebook_client_id != null

  telemetry_environment = var.telemetry ? {
    GOOGLE_PROJECT              = var.project_id
    OTEL_EXPORTER_OTLP_ENDPOINT = "https://telemetry.googleapis.com"
  } : { GOOGLE_PROJECT = var.project_id }

  service_environment = merge(local.telemetry_environment, {
    PUBLIC_BASE_URL      = local.public_base_url
    CORS_ALLOWED_ORIGINS = join(",", var.cors_allowed_origins)
    LOG                  = "info,sqlx=warn"
    LOG_FORMAT           = "stackdriver"
  })

  # An empty value counts as one that is not set (shared/src/config.rs); those are left out.
  environment = { for program, values in {
    auth = merge(local.service_environment, {
      DATABASE_MAX_CONNECTIONS = tostring(var.services["auth"].connections)
      CLIENT_IP_HEADER         = local.client_ip_header
      GOOGLE_CLIENT_ID         = local.google ? var.google_client_id : ""
      FACEBOOK_CLIENT_ID       = local.facebook ? var.facebook_client_id : ""
      LINK_BY_EMAIL            = var.link_by_email
      RETURN_TO                = join(",", var.return_to)
    })
    customers = merge(local.service_environment, {
      DATABASE_MAX_CONNECTIONS = tostring(var.services["customers"].connections)
    })
    images = merge(local.service_environment, {
      DATABASE_MAX_CONNECTIONS = tostring(var.services["images"].connections)
      GOOGLE_BUCKET            = google_storage_bucket.pictures.name
    })
    migrate = { DATABASE_MAX_CONNECTIONS = tostring(local.job_connections) }
    sweep = {
      DATABASE_MAX_CONNECTIONS = tostring(local.job_connections)
      GOOGLE_BUCKET            = google_storage_bucket.pictures.name
    }
    # Without what signs and without the providers' secrets: it looks at the rest.
    doctor = {
      PUBLIC_BASE_URL          = local.public_base_url
      DATABASE_MAX_CONNECTIONS = tostring(local.job_connections)
      GOOGLE_BUCKET            = google_storage_bucket.pictures.name
    }
  } : program => { for name, value in values : name => value if value != "" } }

  # Variable => secret. Who may read a secret follows from this, in iam.tf.
  secret_environment = {
    auth = merge(
      { DATABASE_URL = "database-url", VERIFYING_KEYS = "verifying-keys", SIGNING_KEYS = "signing-keys", REFRESH_KEY = "refresh-key" },
      local.google ? { GOOGLE_CLIENT_SECRET = "google-client-secret" } : {},
      local.facebook ? { FACEBOOK_CLIENT_SECRET = "facebook-client-secret" } : {},
    )
    customers = { DATABASE_URL = "database-url", VERIFYING_KEYS = "verifying-keys", IMAGE_URL_KEYS = "image-url-keys", PRIVACY_KEY = "privacy-key" }
    images    = { DATABASE_URL = "database-url", VERIFYING_KEYS = "verifying-keys", IMAGE_URL_KEYS = "image-url-keys", PRIVACY_KEY = "privacy-key" }
    migrate   = { DATABASE_URL = "database-url" }
    sweep     = { DATABASE_URL = "database-url" }
    doctor    = { DATABASE_URL = "database-url", VERIFYING_KEYS = "verifying-keys", IMAGE_URL_KEYS = "image-url-keys", PRIVACY_KEY = "privacy-key" }
  }
}
