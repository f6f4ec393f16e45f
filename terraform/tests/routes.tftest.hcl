# Every path reaches its service. The same table leads the local gateway.

mock_provider "google" {
  source = "./tests/mocks"
}

run "sources" {
  module {
    source = "./tests/sources"
  }
}

run "url_map" {
  assert {
    condition = alltrue([for index, rule in google_compute_url_map.https.path_matcher[0].route_rules :
      index == 0 || google_compute_url_map.https.path_matcher[0].route_rules[max(index - 1, 0)].priority < rule.priority
    ])
    error_message = "24: route rules stand in the order of their priorities, which are distinct: the first that fits decides."
  }
  assert {
    condition     = length(google_compute_url_map.https.path_matcher[0].route_rules) == 2 * length(jsondecode(file("../functions/routes.json")))
    error_message = "24: every route of functions/routes.json is there, for everybody and for the next release."
  }
  assert {
    condition = alltrue([for rule in google_compute_url_map.https.path_matcher[0].route_rules :
      length([for way in [rule.match_rules[0].full_path_match, rule.match_rules[0].prefix_match, rule.match_rules[0].path_template_match] : way if way != null]) == 1
      && length(rule.match_rules) == 1 && !coalesce(rule.match_rules[0].ignore_case, false)
    ])
    error_message = "24: each rule says exactly one thing about the path."
  }
  assert {
    condition = alltrue([for rule in google_compute_url_map.https.path_matcher[0].route_rules :
      rule.match_rules[0].path_template_match == null || length(regexall("\\*+", coalesce(rule.match_rules[0].path_template_match, "-"))) <= 5
    ])
    error_message = "24: Google takes five wildcards in a template."
  }
  assert {
    condition = alltrue(flatten([for service, paths in run.sources.routes : [for path in paths : try([
      for rule in google_compute_url_map.https.path_matcher[0].route_rules : rule.service if length(rule.match_rules[0].header_matches) == 0 && (
        rule.match_rules[0].full_path_match == replace(path, "/\\{[a-z_]+\\}/", "7")
        || (rule.match_rules[0].prefix_match == null ? false : startswith(replace(path, "/\\{[a-z_]+\\}/", "7"), rule.match_rules[0].prefix_match))
        || (rule.match_rules[0].path_template_match == null ? false : can(regex("^${replace(rule.match_rules[0].path_template_match, "*", "[^/]+")}$", replace(path, "/\\{[a-z_]+\\}/", "7"))))
      )
    ][0], null) == google_compute_backend_service.crm["${service}-live"].id]]))
    error_message = "25: every path that a service's router answers reaches that service."
  }
  assert {
    condition = alltrue(flatten([for service, paths in run.sources.routes : [for path in paths : try([
      for rule in google_compute_url_map.https.path_matcher[0].route_rules : rule.service if(
        rule.match_rules[0].full_path_match == replace(path, "/\\{[a-z_]+\\}/", "7")
        || (rule.match_rules[0].prefix_match == null ? false : startswith(replace(path, "/\\{[a-z_]+\\}/", "7"), rule.match_rules[0].prefix_match))
        || (rule.match_rules[0].path_template_match == null ? false : can(regex("^${replace(rule.match_rules[0].path_template_match, "*", "[^/]+")}$", replace(path, "/\\{[a-z_]+\\}/", "7"))))
      )
    ][0], null) == google_compute_backend_service.crm["${service}-canary"].id]]))
    error_message = "25: with the canary's word every path reaches the service's next release."
  }
  assert {
    condition     = sum([for paths in values(run.sources.routes) : length(paths)]) >= 18
    error_message = "25: the routers' paths were found in the sources; did the way they are written change?"
  }
  assert {
    condition = alltrue([for rule in google_compute_url_map.https.path_matcher[0].route_rules :
      alltrue([for header in rule.match_rules[0].header_matches : header.header_name == "X-Crm-Canary" && header.exact_match == "canary-4711"])
    ]) && google_compute_url_map.https.path_matcher[0].default_service == google_compute_backend_bucket.site.id
    error_message = "24: only the canary's word leads to the next release; what no route names is the static site."
  }
}

run "tests_of_the_map" {
  assert {
    condition = alltrue([for route in jsondecode(file("../functions/routes.json")) : length([
      for test in google_compute_url_map.https.test : test if length(test.headers) == 0
      && test.service == google_compute_backend_service.crm["${route.service}-live"].id
      && startswith(test.path, replace(replace(route.path, "**", ""), "*", "7"))
    ]) >= (endswith(route.path, "**") ? 2 : 1)])
    error_message = "20: the URL map carries a test for each route."
  }
  assert {
    condition     = length(google_compute_url_map.https.test) <= 100 && alltrue([for test in google_compute_url_map.https.test : test.host == "crm.example.com"])
    error_message = "20: Google takes 100 tests, each of our own host."
  }
  assert {
    condition = alltrue([for test in google_compute_url_map.https.test : length(test.headers) > 0 ? true : test.service == try([
      for rule in google_compute_url_map.https.path_matcher[0].route_rules : rule.service if length(rule.match_rules[0].header_matches) == 0 && (
        rule.match_rules[0].full_path_match == test.path
        || (rule.match_rules[0].prefix_match == null ? false : startswith(test.path, rule.match_rules[0].prefix_match))
        || (rule.match_rules[0].path_template_match == null ? false : can(regex("^${replace(rule.match_rules[0].path_template_match, "*", "[^/]+")}$", test.path)))
      )
    ][0], google_compute_backend_bucket.site.id)])
    error_message = "20: the map passes its own tests, so Google takes it."
  }
  assert {
    condition     = length([for test in google_compute_url_map.https.test : test if length(test.headers) > 0]) == 3
    error_message = "20: the way to each next release is tested as well."
  }
}

run "headers" {
  assert {
    condition = alltrue([for rule in google_compute_url_map.https.path_matcher[0].route_rules :
      length(rule.header_action[0].request_headers_to_add) == 1
      && rule.header_action[0].request_headers_to_add[0].header_name == "X-Crm-Client-Ip"
      && rule.header_action[0].request_headers_to_add[0].header_value == "{client_ip_address}"
      && rule.header_action[0].request_headers_to_add[0].replace
    ])
    error_message = "Every request carries the client's address as the balancer sees it, in place of what the client claimed."
  }
  assert {
    condition     = [for env in google_cloud_run_v2_service.crm["auth"].template[0].containers[0].env : env.value if env.name == "CLIENT_IP_HEADER"] == ["X-Crm-Client-Ip"]
    error_message = "auth reads the client's address where the balancer writes it."
  }
  assert {
    condition = alltrue([for rule in google_compute_url_map.https.path_matcher[0].route_rules : length([
      for header in rule.header_action[0].response_headers_to_add : header if header.header_name == "Strict-Transport-Security" && can(regex("^max-age=[0-9]{8,}$", header.header_value)) && header.replace
    ]) == 1])
    error_message = "Every answer carries HSTS."
  }
}
