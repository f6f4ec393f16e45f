# What the deployment tells the programs and what they read is the same, in both directions.

mock_provider "google" {
  source = "./tests/mocks"
}

variables {
  cors_allowed_origins = ["https://app.example.com", "https://other.example.com"]
}

run "sources" {
  module {
    source = "./tests/sources"
  }
}

run "names" {
  assert {
    condition = alltrue(flatten([for name, service in google_cloud_run_v2_service.crm : [for env in service.template[0].containers[0].env :
      contains(concat(run.sources.names[name], run.sources.names.shared), env.name)
    ]]))
    error_message = "26: a service is told something that it does not read: ${join(", ", flatten([for name, service in google_cloud_run_v2_service.crm : [for env in service.template[0].containers[0].env : "${name} ${env.name}" if !contains(concat(run.sources.names[name], run.sources.names.shared), env.name)]]))}."
  }
  assert {
    condition = alltrue(flatten([for job in google_cloud_run_v2_job.crm : [for env in job.template[0].template[0].containers[0].env :
      contains(concat(run.sources.names.admin, run.sources.names.shared, run.sources.names.images), env.name)
    ]]))
    error_message = "26: a job is told something that admin does not read."
  }
  assert {
    condition = length(setsubtract(
      flatten([for crate in ["auth", "customers", "images", "shared"] : run.sources.names[crate]]),
      concat(keys(run.sources.left_to_the_program), flatten([for service in google_cloud_run_v2_service.crm : [for env in service.template[0].containers[0].env : env.name]])),
    )) == 0
    error_message = "26: the programs read what nobody tells them: ${join(", ", setsubtract(flatten([for crate in ["auth", "customers", "images", "shared"] : run.sources.names[crate]]), concat(keys(run.sources.left_to_the_program), flatten([for service in google_cloud_run_v2_service.crm : [for env in service.template[0].containers[0].env : env.name]]))))}. Set it in environment.tf, or say in tests/sources why not."
  }
  assert {
    condition = alltrue(flatten([for variable, services in run.sources.readme : [
      for service in(contains(services, "all") ? ["auth", "customers", "images"] : setintersection(services, ["auth", "customers", "images"])) :
      contains([for env in google_cloud_run_v2_service.crm[service].template[0].containers[0].env : env.name], variable)
    ] if !contains(keys(run.sources.left_to_the_program), variable)])) && length(run.sources.readme) >= 18
    error_message = "26: the README's table names a variable that its service is not told."
  }
  assert {
    condition = alltrue(flatten([for name, service in google_cloud_run_v2_service.crm : [for env in service.template[0].containers[0].env :
      contains(try(run.sources.readme[env.name], []), "all") || contains(try(run.sources.readme[env.name], []), name)
    ]]))
    error_message = "26: a service is told something that the README's table does not name for it."
  }
  assert {
    condition     = alltrue(flatten([for service in google_cloud_run_v2_service.crm : [for env in service.template[0].containers[0].env : length(env.value_source) > 0 || try(length(env.value), 0) > 0]]))
    error_message = "26: no variable is empty."
  }
}

run "values" {
  assert {
    condition = alltrue([for callback in run.sources.callbacks : output.oauth_redirect_uris == { for provider in ["google", "facebook"] :
      provider => "${output.public_base_url}${regex("/login/.*/callback", replace(callback, "/\\{[a-z_]*\\}/callback/", "${provider}/callback"))}"
    }])
    error_message = "29: the redirect URIs to register are those that auth makes from PUBLIC_BASE_URL."
  }
  assert {
    condition = alltrue([for provider, uri in output.oauth_redirect_uris :
      uri == "${one([for env in google_cloud_run_v2_service.crm["auth"].template[0].containers[0].env : env.value if env.name == "PUBLIC_BASE_URL"])}/login/${provider}/callback"
    ])
    error_message = "29: the redirect URIs to register begin with what auth is told."
  }
  assert {
    condition = length(run.sources.site_headers) >= 3 && toset([for header in google_compute_backend_bucket.site.custom_response_headers :
      "${lower(split(":", header)[0])}:${join(":", slice(split(":", header), 1, length(split(":", header))))}"
      if !startswith(header, "Strict-Transport-Security:") && !startswith(header, "X-Content-Type-Options:")
    ]) == toset(run.sources.site_headers)
    error_message = "The static site has the headers that functions/local/src/site.rs serves it with: ${join(" | ", run.sources.site_headers)}"
  }
  assert {
    condition     = length(run.sources.site_freshness) == 2 && alltrue([for freshness in run.sources.site_freshness : strcontains(run.sources.site_release, "\"${freshness}\"")])
    error_message = "Browsers keep the bucket's files as long as those of functions/local/src/site.rs: ${join(" | ", run.sources.site_freshness)}"
  }
  assert {
    condition = { for env in google_cloud_run_v2_service.crm["auth"].template[0].containers[0].env : env.name => env.value if contains(["CORS_ALLOWED_ORIGINS", "LINK_BY_EMAIL", "RETURN_TO", "LOG_FORMAT"], env.name) } == {
      CORS_ALLOWED_ORIGINS = "https://app.example.com,https://other.example.com"
      LINK_BY_EMAIL        = "google"
      RETURN_TO            = "/signin"
      LOG_FORMAT           = "stackdriver"
    }
    error_message = "Lists are separated by commas, and logs are Cloud Logging's."
  }
}

run "no_provider" {
  variables {
    google_client_id     = null
    facebook_client_id   = null
    cors_allowed_origins = []
    telemetry            = false
  }
  assert {
    condition = alltrue([for env in google_cloud_run_v2_service.crm["auth"].template[0].containers[0].env :
      !can(regex("^(GOOGLE_CLIENT|FACEBOOK|CORS|OTEL)", env.name))
    ])
    error_message = "What is not configured is not there, not empty."
  }
  assert {
    condition     = !contains(keys(google_secret_manager_secret.crm), "google-client-secret") && !contains(keys(google_secret_manager_secret.crm), "facebook-client-secret")
    error_message = "Without a provider there is no secret of one."
  }
}
