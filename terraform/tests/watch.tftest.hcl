# Who watches, and that every alarm says what to do.

mock_provider "google" {
  source = "./tests/mocks"
}

run "sources" {
  module {
    source = "./tests/sources"
  }
}

run "watch" {
  assert {
    condition = alltrue([for name, check in google_monitoring_uptime_check_config.crm :
      check.http_check[0].use_ssl && check.http_check[0].validate_ssl && check.http_check[0].port == 443
      && check.monitored_resource[0].labels.host == "crm.example.com"
    ])
    error_message = "23: the visits from outside come by https and look at the certificate."
  }
  assert {
    condition     = alltrue([for name, check in google_monitoring_uptime_check_config.crm : contains(run.sources.routes[name], check.http_check[0].path) && !endswith(check.http_check[0].path, "z")])
    error_message = "28: the paths that are visited are there."
  }
  assert {
    condition = alltrue([for service in google_cloud_run_v2_service.crm :
      strcontains(file("../shared/src/server/layers.rs"), "\"${service.template[0].containers[0].startup_probe[0].http_get[0].path}\"")
    ])
    error_message = "28: the path that probes ask for is there."
  }
  assert {
    condition     = alltrue([for path in ["/login", "/token"] : contains(run.sources.routes.auth, path)]) && contains(run.sources.routes.images, "/customers/{id}/photo") && contains(run.sources.routes.images, "/images/{id}/{size}")
    error_message = "28: the paths that Cloud Armor limits or leaves alone are there."
  }
  assert {
    condition     = google_monitoring_slo.availability.goal == 0.995 && google_monitoring_slo.availability.rolling_period_days == 28 && google_monitoring_slo.availability.service == google_monitoring_custom_service.crm.service_id
    error_message = "There is an objective for the whole."
  }
  assert {
    condition = alltrue([for policy in concat(values(google_monitoring_alert_policy.crm), [google_monitoring_alert_policy.error_budget]) :
      policy.notification_channels == tolist([google_monitoring_notification_channel.operators.id])
      && contains(run.sources.operations, try(regex("section `([a-z-]+)`", policy.documentation[0].content)[0], ""))
    ])
    error_message = "Every alert tells somebody, and its section in docs/operations.md is there."
  }
  assert {
    condition = toset(run.sources.operations) == toset([for policy in concat(values(google_monitoring_alert_policy.crm), [google_monitoring_alert_policy.error_budget]) :
      try(regex("section `([a-z-]+)`", policy.documentation[0].content)[0], "")
    ])
    error_message = "docs/operations.md tells of no alert that is not there."
  }
  assert {
    condition     = google_monitoring_notification_channel.operators.labels.email_address == "operations@example.com"
    error_message = "Alerts go to alert_email."
  }
  assert {
    condition = alltrue([for policy in google_monitoring_alert_policy.crm :
      strcontains(policy.conditions[0].condition_threshold[0].filter, "metric.type=") && strcontains(policy.conditions[0].condition_threshold[0].filter, "resource.type=")
    ])
    error_message = "Google wants metric and resource named in every condition."
  }
  assert {
    condition = length(jsondecode(google_monitoring_dashboard.crm.dashboard_json).mosaicLayout.tiles) >= 8 && alltrue([for tile in jsondecode(google_monitoring_dashboard.crm.dashboard_json).mosaicLayout.tiles :
      tile.xPos + tile.width <= 12 && length(tile.widget.xyChart.dataSets) > 0
    ])
    error_message = "The dashboard is JSON with charts that fit its columns."
  }
  assert {
    condition     = alltrue([for exclusion in ["sign-in-codes", "signed-addresses"] : strcontains(google_logging_project_exclusion.crm[exclusion].filter, "http_load_balancer") && strcontains(google_logging_project_exclusion.crm[exclusion].filter, "cloud_run_revision")])
    error_message = "Request logs keep no sign-in codes and no signed addresses."
  }
}
