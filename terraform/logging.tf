# What the request logs must not keep, and what is counted in them.

resource "google_logging_project_exclusion" "crm" {
  for_each = {
    # A provider's answer carries a code in its address. It is of use once, for minutes, and only with a browser's
    # cookie; all the same it has no place in a log. The programs' own lines tell how it went, without the address.
    sign-in-codes = "httpRequest.requestUrl=~\"/login/[a-z]+/callback\""
    # A signed address shows its picture to whoever has it, for a day.
    signed-addresses = "httpRequest.requestUrl=~\"/images/[0-9a-f]{32}/\" AND httpRequest.status<400"
  }

  name        = "crm-${each.key}"
  description = "Addresses that open something; see terraform/logging.tf"
  filter      = "(resource.type=\"http_load_balancer\" OR resource.type=\"cloud_run_revision\") AND ${each.value}"
  depends_on  = [google_project_service.api]
}

# Log metrics count what is excluded as well.
resource "google_logging_metric" "provider_errors" {
  name        = "crm-provider-errors"
  description = "Sign-ins with Google or Facebook that ended in an error of ours or theirs"
  filter      = "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=\"crm-auth\" AND httpRequest.requestUrl=~\"/login/[a-z]+\" AND httpRequest.status>=500"

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
  }

  depends_on = [google_project_service.api]
}
