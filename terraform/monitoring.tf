# Who watches: a visit every five minutes from around the world, an objective, and alerts. docs/operations.md says what
# each alert means and what to do.

locals {
  balancer = "resource.type=\"https_lb_rule\" AND resource.label.url_map_name=\"crm-https\""
  requests = "metric.type=\"loadbalancing.googleapis.com/https/request_count\" AND ${local.balancer}"
  database = "resource.type=\"cloudsql_database\" AND resource.label.database_id=\"${var.project_id}:${var.database.name}\""

  # per_series: what is done with one series in `window`; across: how series become one.
  alerts = {
    unreachable = {
      title      = "A service does not answer from outside"
      severity   = "CRITICAL"
      filter     = "metric.type=\"monitoring.googleapis.com/uptime_check/check_passed\" AND resource.type=\"uptime_url\" AND resource.label.host=\"${var.domain}\""
      window     = "600s"
      per_series = "ALIGN_NEXT_OLDER"
      across     = "REDUCE_COUNT_FALSE"
      group      = ["metric.label.check_id"]
      over       = 1
    }
    certificate-expires = {
      title      = "The certificate expires in less than two weeks"
      severity   = "ERROR"
      filter     = "metric.type=\"monitoring.googleapis.com/uptime_check/time_until_ssl_cert_expires\" AND resource.type=\"uptime_url\" AND resource.label.host=\"${var.domain}\""
      window     = "3600s"
      per_series = "ALIGN_NEXT_OLDER"
      across     = "REDUCE_MIN"
      under      = 14
    }
    server-errors = {
      title       = "More than one request in a hundred fails with a 5xx"
      severity    = "ERROR"
      filter      = "${local.requests} AND metric.label.response_code_class=500"
      denominator = local.requests
      window      = "300s"
      per_series  = "ALIGN_RATE"
      across      = "REDUCE_SUM"
      over        = 0.01
      lasting     = "300s"
    }
    slow = {
      title      = "One request in twenty takes longer than a second"
      severity   = "WARNING"
      filter     = "metric.type=\"loadbalancing.googleapis.com/https/backend_latencies\" AND ${local.balancer}"
      window     = "300s"
      per_series = "ALIGN_DELTA"
      across     = "REDUCE_PERCENTILE_95"
      over       = 1000
      lasting    = "900s"
    }
    provider-sign-in-fails = {
      title      = "Sign-in with Google or Facebook fails"
      severity   = "ERROR"
      filter     = "metric.type=\"logging.googleapis.com/user/crm-provider-errors\" AND resource.type=\"cloud_run_revision\""
      window     = "600s"
      per_series = "ALIGN_DELTA"
      across     = "REDUCE_SUM"
      over       = 3
    }
    memory = {
      title      = "An instance has almost no memory left"
      severity   = "WARNING"
      filter     = "metric.type=\"run.googleapis.com/container/memory/utilizations\" AND resource.type=\"cloud_run_revision\""
      window     = "300s"
      per_series = "ALIGN_DELTA"
      across     = "REDUCE_PERCENTILE_99"
      group      = ["resource.label.service_name"]
      over       = 0.9
      lasting    = "300s"
    }
    job-failed = {
      title      = "The migrations or the sweep failed"
      severity   = "ERROR"
      filter     = "metric.type=\"run.googleapis.com/job/completed_execution_count\" AND resource.type=\"cloud_run_job\" AND metric.label.result=\"failed\""
      window     = "600s"
      per_series = "ALIGN_DELTA"
      across     = "REDUCE_SUM"
      group      = ["resource.label.job_name"]
      over       = 0
    }
    database-cpu = {
      title      = "The database's processor is busy"
      severity   = "WARNING"
      filter     = "metric.type=\"cloudsql.googleapis.com/database/cpu/utilization\" AND ${local.database}"
      window     = "300s"
      per_series = "ALIGN_MEAN"
      across     = "REDUCE_MAX"
      over       = 0.8
      lasting    = "900s"
    }
    database-disk = {
      title      = "The database's disk is almost full"
      severity   = "ERROR"
      filter     = "metric.type=\"cloudsql.googleapis.com/database/disk/utilization\" AND ${local.database}"
      window     = "300s"
      per_series = "ALIGN_MEAN"
      across     = "REDUCE_MAX"
      over       = 0.9
      lasting    = "600s"
    }
    database-connections = {
      title      = "The database has few connections left"
      severity   = "ERROR"
      filter     = "metric.type=\"cloudsql.googleapis.com/database/network/connections\" AND ${local.database}"
      window     = "300s"
      per_series = "ALIGN_MAX"
      across     = "REDUCE_SUM"
      over       = floor(var.database.max_connections * 0.8)
    }
  }

  instance_alerts = { for name, service in var.services : "instances-at-limit-${name}" => {
    title      = "${name} runs as many instances as it may"
    section    = "instances-at-limit"
    severity   = "WARNING"
    filter     = "metric.type=\"run.googleapis.com/container/instance_count\" AND resource.type=\"cloud_run_revision\" AND resource.label.service_name=\"crm-${name}\" AND metric.label.state=\"active\""
    window     = "300s"
    per_series = "ALIGN_MAX"
    across     = "REDUCE_SUM"
    over       = service.max_instances - 0.5
    lasting    = "600s"
  } }
}

resource "google_monitoring_notification_channel" "operators" {
  display_name = "CRM operators"
  type         = "email"
  labels       = { email_address = var.alert_email }
  depends_on   = [google_project_service.api]
}

resource "google_monitoring_alert_policy" "crm" {
  for_each = merge(local.alerts, local.instance_alerts)

  display_name          = "CRM: ${each.value.title}"
  combiner              = "OR"
  severity              = each.value.severity
  notification_channels = [google_monitoring_notification_channel.operators.id]

  conditions {
    display_name = each.value.title

    condition_threshold {
      filter             = each.value.filter
      denominator_filter = try(each.value.denominator, null)
      comparison         = can(each.value.under) ? "COMPARISON_LT" : "COMPARISON_GT"
      threshold_value    = try(each.value.under, each.value.over)
      duration           = try(each.value.lasting, "0s")

      aggregations {
        alignment_period     = each.value.window
        per_series_aligner   = each.value.per_series
        cross_series_reducer = each.value.across
        group_by_fields      = try(each.value.group, [])
      }

      dynamic "denominator_aggregations" {
        for_each = can(each.value.denominator) ? [1] : []
        content {
          alignment_period     = each.value.window
          per_series_aligner   = each.value.per_series
          cross_series_reducer = each.value.across
        }
      }

      trigger {
        count = 1
      }
    }
  }

  documentation {
    subject   = "CRM: ${each.value.title}"
    mime_type = "text/markdown"
    content   = "What it means and what to do: docs/operations.md, section `${try(each.value.section, each.key)}`."
  }

  alert_strategy {
    auto_close = "86400s"
  }

  depends_on = [google_logging_metric.provider_errors]
}

resource "google_monitoring_alert_policy" "error_budget" {
  display_name          = "CRM: The month's errors are used up too fast"
  combiner              = "OR"
  severity              = "CRITICAL"
  notification_channels = [google_monitoring_notification_channel.operators.id]

  conditions {
    display_name = "A twentieth of the month's errors within an hour"

    condition_threshold {
      filter          = "select_slo_burn_rate(\"${google_monitoring_slo.availability.name}\", \"3600s\")"
      comparison      = "COMPARISON_GT"
      threshold_value = 33
      duration        = "0s"

      trigger {
        count = 1
      }
    }
  }

  documentation {
    subject   = "CRM: The month's errors are used up too fast"
    mime_type = "text/markdown"
    content   = "What it means and what to do: docs/operations.md, section `error-budget`."
  }
}

resource "google_monitoring_uptime_check_config" "crm" {
  for_each = var.services

  display_name = "CRM: ${each.key}"
  period       = "300s"
  timeout      = "10s"

  http_check {
    path           = "/health/${each.key}"
    port           = 443
    use_ssl        = true
    validate_ssl   = true
    request_method = "GET"

    accepted_response_status_codes {
      status_value = 200
    }
  }

  content_matchers {
    content = "\"service\":\"${each.key}\""
    matcher = "CONTAINS_STRING"
  }

  monitored_resource {
    type   = "uptime_url"
    labels = { project_id = var.project_id, host = var.domain }
  }

  depends_on = [google_project_service.api]
}

resource "google_monitoring_custom_service" "crm" {
  service_id   = "crm"
  display_name = "CRM"
  depends_on   = [google_project_service.api]
}

resource "google_monitoring_slo" "availability" {
  service             = google_monitoring_custom_service.crm.service_id
  slo_id              = "availability"
  display_name        = "995 of 1000 requests in 28 days are answered without a 5xx"
  goal                = 0.995
  rolling_period_days = 28

  request_based_sli {
    good_total_ratio {
      total_service_filter = local.requests
      bad_service_filter   = "${local.requests} AND metric.label.response_code_class=500"
    }
  }
}

resource "google_monitoring_dashboard" "crm" {
  dashboard_json = file("${path.module}/dashboard.json")
  depends_on     = [google_project_service.api]
}
