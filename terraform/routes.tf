# The load balancer's URL map, made from the route table that the local gateway embeds (functions/local/src/routes.rs).

locals {
  routes = jsondecode(file("${path.module}/../functions/routes.json"))

  # A rule compares whole paths, prefixes, or, where `*` stands for a segment in the middle, templates. `/login/**` means
  # what begins with `/login/`: a prefix says just that, while the balancer's own `**` knows only some characters.
  rules = [for index, route in local.routes : {
    index    = index
    service  = route.service
    full     = strcontains(route.path, "*") ? null : route.path
    prefix   = endswith(route.path, "/**") && !strcontains(trimsuffix(route.path, "/**"), "*") ? trimsuffix(route.path, "**") : null
    template = strcontains(trimsuffix(route.path, "/**"), "*") ? route.path : null
  }]

  # The same rules first for requests that ask for the next release, then for everybody.
  releases = [
    { tag = "canary", offset = 100, key = var.canary_key },
    { tag = "live", offset = 500, key = null },
  ]
  routed = flatten([for release in local.releases : [for rule in local.rules : merge(rule, {
    priority = release.offset + rule.index
    tag      = release.tag
    key      = release.key
  })]])

  # What each route stands for: `*` as one segment, `**` as none and as two.
  url_tests = flatten([for rule in local.rules : [
    for rest in(endswith(local.routes[rule.index].path, "**") ? ["", "a/b"] : [""]) : {
      path    = replace(trimsuffix(local.routes[rule.index].path, "**"), "*", "7")
      rest    = rest
      service = rule.service
    }
  ]])
  canary_tests = [for route in local.routes : { path = route.path, service = route.service } if startswith(route.path, "/health/")]

  hsts = "max-age=31536000"
}

resource "google_compute_url_map" "https" {
  name = "crm-https"

  # By any other name than ours: the way to ours.
  default_url_redirect {
    host_redirect          = var.domain
    https_redirect         = true
    redirect_response_code = "MOVED_PERMANENTLY_DEFAULT"
    strip_query            = false
  }

  host_rule {
    hosts        = [var.domain]
    path_matcher = "crm"
  }

  path_matcher {
    name            = "crm"
    default_service = google_compute_backend_bucket.site.id

    dynamic "route_rules" {
      for_each = local.routed
      iterator = rule
      content {
        priority = rule.value.priority
        service  = google_compute_backend_service.crm["${rule.value.service}-${rule.value.tag}"].id

        match_rules {
          full_path_match     = rule.value.full
          prefix_match        = rule.value.prefix
          path_template_match = rule.value.template

          dynamic "header_matches" {
            for_each = rule.value.key == null ? [] : [rule.value.key]
            content {
              header_name = "X-Crm-Canary"
              exact_match = header_matches.value
            }
          }
        }

        header_action {
          request_headers_to_add {
            header_name  = local.client_ip_header
            header_value = "{client_ip_address}"
            # Must be said: with a variable in the value the default is to append to what the client sent.
            replace = true
          }
          response_headers_to_add {
            header_name  = "Strict-Transport-Security"
            header_value = local.hsts
            replace      = true
          }
        }
      }
    }
  }

  # Google refuses an update of the map in which one of these fails (100 at most).
  dynamic "test" {
    for_each = local.url_tests
    content {
      host    = var.domain
      path    = "${test.value.path}${test.value.rest}"
      service = google_compute_backend_service.crm["${test.value.service}-live"].id
    }
  }

  dynamic "test" {
    for_each = local.canary_tests
    content {
      host    = var.domain
      path    = test.value.path
      service = google_compute_backend_service.crm["${test.value.service}-canary"].id
      headers {
        name  = "X-Crm-Canary"
        value = var.canary_key
      }
    }
  }

  dynamic "test" {
    for_each = ["/", "/signin", "/docs", "/openapi.json", "/loginx", "/health/live"]
    content {
      host    = var.domain
      path    = test.value
      service = google_compute_backend_bucket.site.id
    }
  }
}

resource "google_compute_url_map" "http" {
  name = "crm-http"

  default_url_redirect {
    https_redirect         = true
    redirect_response_code = "MOVED_PERMANENTLY_DEFAULT"
    strip_query            = false
  }
}
