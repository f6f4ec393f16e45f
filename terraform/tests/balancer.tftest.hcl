# The way in: one name, one certificate, one address, and who is turned away.
# Numbers are those of the list of assertions in docs/decisions/0006-the-deployment.md.

mock_provider "google" {
  source = "./tests/mocks"
}

run "certificate_and_name" {
  assert {
    condition = alltrue([for service in google_cloud_run_v2_service.crm :
      [for env in service.template[0].containers[0].env : env.value if env.name == "PUBLIC_BASE_URL"] == ["https://crm.example.com"]
    ]) && output.public_base_url == "https://crm.example.com"
    error_message = "2: every service is told the one public address, and it is https."
  }
  assert {
    condition     = output.public_base_url == "https://${one(google_certificate_manager_certificate.crm["crm.example.com"].managed[0].domains)}"
    error_message = "2: the public address is the certificate's name."
  }
  assert {
    condition = (
      google_certificate_manager_certificate.crm["crm.example.com"].managed[0].domains == tolist(["crm.example.com"])
      && google_certificate_manager_certificate_map_entry.crm["crm.example.com"].hostname == "crm.example.com"
      && google_certificate_manager_dns_authorization.crm["crm.example.com"].domain == "crm.example.com"
      && flatten([for rule in google_compute_url_map.https.host_rule : tolist(rule.hosts)]) == ["crm.example.com"]
    )
    error_message = "3: certificate, its proof, map entry and host rule name the same host."
  }
  assert {
    condition = (
      google_certificate_manager_certificate.crm["crm.example.com"].managed[0].dns_authorizations == tolist([google_certificate_manager_dns_authorization.crm["crm.example.com"].id])
      && google_certificate_manager_certificate_map_entry.crm["crm.example.com"].certificates == tolist([google_certificate_manager_certificate.crm["crm.example.com"].id])
      && google_compute_target_https_proxy.crm.certificate_map == "//certificatemanager.googleapis.com/${google_certificate_manager_certificate_map.crm.id}"
      && google_compute_target_https_proxy.crm.ssl_certificates == null
    )
    error_message = "3: the proxy takes its certificate from the map, proved by DNS."
  }
  assert {
    condition = output.oauth_redirect_uris == {
      google   = "https://crm.example.com/login/google/callback"
      facebook = "https://crm.example.com/login/facebook/callback"
    } && output.oauth_javascript_origins == ["https://crm.example.com"]
    error_message = "4: the redirect URIs to register are exact."
  }
  assert {
    condition = (
      google_compute_url_map.http.default_url_redirect[0].https_redirect
      && !google_compute_url_map.http.default_url_redirect[0].strip_query
      && google_compute_url_map.http.default_url_redirect[0].redirect_response_code == "MOVED_PERMANENTLY_DEFAULT"
      && length(google_compute_url_map.http.path_matcher) == 0
      && google_compute_url_map.http.default_service == null
      && google_compute_target_http_proxy.crm.url_map == google_compute_url_map.http.id
      && google_compute_global_forwarding_rule.http.port_range == "80"
      && google_compute_global_forwarding_rule.http.target == google_compute_target_http_proxy.crm.id
    )
    error_message = "5: port 80 does nothing but lead to https."
  }
  assert {
    condition = (
      google_compute_url_map.https.default_url_redirect[0].host_redirect == "crm.example.com"
      && google_compute_url_map.https.default_url_redirect[0].https_redirect
      && google_compute_url_map.https.default_service == null
    )
    error_message = "5: by any other host name nothing is served."
  }
  assert {
    condition = alltrue([for rule in [google_compute_global_forwarding_rule.https, google_compute_global_forwarding_rule.http] :
      rule.load_balancing_scheme == "EXTERNAL_MANAGED" && rule.ip_address == google_compute_global_address.crm.id
      ]) && alltrue([for backend in google_compute_backend_service.crm : backend.load_balancing_scheme == "EXTERNAL_MANAGED"]
    ) && google_compute_global_forwarding_rule.https.port_range == "443" && google_compute_global_forwarding_rule.https.target == google_compute_target_https_proxy.crm.id
    error_message = "6: one address for both ports, and the balancer that knows route rules."
  }
  assert {
    condition     = output.dns_records["crm.example.com"].address == { name = "crm.example.com.", type = "A", data = "192.0.2.10" } && output.dns_records["crm.example.com"].certificate.type == "CNAME"
    error_message = "6: the DNS records to set are that address and the certificate's proof."
  }
  assert {
    condition = (
      google_compute_ssl_policy.crm.min_tls_version == "TLS_1_2"
      && contains(["MODERN", "RESTRICTED"], google_compute_ssl_policy.crm.profile)
      && google_compute_target_https_proxy.crm.ssl_policy == google_compute_ssl_policy.crm.id
      && google_compute_target_https_proxy.crm.tls_early_data == "DISABLED"
    )
    error_message = "23: TLS 1.2 at least, and nothing that can be replayed."
  }
}

run "backends" {
  assert {
    condition     = toset(keys(google_compute_backend_service.crm)) == toset([for pair in setproduct(["auth", "customers", "images"], ["live", "canary"]) : "${pair[0]}-${pair[1]}"])
    error_message = "7: each service has a backend for everybody and one for the next release."
  }
  assert {
    condition = alltrue([for backend in google_compute_backend_service.crm :
      backend.security_policy == google_compute_security_policy.crm.id && backend.log_config[0].enable && backend.log_config[0].sample_rate == 1
    ])
    error_message = "7: every backend, the next release's too, has Cloud Armor before it and logs requests."
  }
  assert {
    condition = alltrue([for name, group in google_compute_region_network_endpoint_group.crm :
      group.cloud_run[0].service == "crm-${split("-", name)[0]}" && group.cloud_run[0].tag == (endswith(name, "-canary") ? "canary" : null) && group.network_endpoint_type == "SERVERLESS"
    ])
    error_message = "7: every endpoint group leads to its own service, and the canary's to the tagged revision alone."
  }
  assert {
    condition = alltrue([for name, backend in google_compute_backend_service.crm :
      one(backend.backend).group == google_compute_region_network_endpoint_group.crm[name].id
    ])
    error_message = "7: every backend has its own endpoint group."
  }
  assert {
    condition     = alltrue([for backend in google_compute_backend_service.crm : !backend.enable_cdn]) && !google_compute_backend_bucket.site.enable_cdn
    error_message = "Pictures are not kept at the edge unless somebody says so (docs/decisions/0006-the-deployment.md)."
  }
  assert {
    condition     = contains(google_compute_backend_bucket.site.custom_response_headers, "Strict-Transport-Security: max-age=31536000") && contains(google_compute_backend_bucket.site.custom_response_headers, "X-Content-Type-Options: nosniff")
    error_message = "The static site is sent with HSTS and nosniff."
  }
}

run "armor" {
  assert {
    condition = length([for rule in google_compute_security_policy.crm.rule : rule if try(
      rule.action == "rate_based_ban" && !coalesce(rule.preview, false)
      && strcontains(rule.match[0].expr[0].expression, "'^/(login|token)/?$'") && strcontains(rule.match[0].expr[0].expression, "'POST'")
      && rule.rate_limit_options[0].enforce_on_key == "IP" && rule.rate_limit_options[0].exceed_action == "deny(429)"
      && rule.rate_limit_options[0].rate_limit_threshold[0].count <= 100 && rule.rate_limit_options[0].rate_limit_threshold[0].interval_sec == 60
      && rule.rate_limit_options[0].ban_duration_sec >= 300, false)
    ]) == 1
    error_message = "8: who signs in too often from one address is banned."
  }
  assert {
    condition = (
      length([for rule in google_compute_security_policy.crm.rule : rule if rule.priority == 2147483647 && rule.action == "allow"]) == 1
      && length(distinct([for rule in google_compute_security_policy.crm.rule : rule.priority])) == length(google_compute_security_policy.crm.rule)
    )
    error_message = "9: there is a default rule, and no two rules have the same priority."
  }
  assert {
    condition = alltrue([for rule in google_compute_security_policy.crm.rule :
      !strcontains(try(rule.match[0].expr[0].expression, ""), "evaluatePreconfiguredWaf") || (
        coalesce(rule.preview, false) && startswith(try(rule.match[0].expr[0].expression, ""), "!(request.path.matches('^/customers/[^/]+/photo/?$') || request.path.startsWith('/images/')) && ")
      )
    ]) && length([for rule in google_compute_security_policy.crm.rule : rule if strcontains(try(rule.match[0].expr[0].expression, ""), "evaluatePreconfiguredWaf")]) == 5
    error_message = "The rules against attacks only log at first, and leave the paths of pictures alone."
  }
  assert {
    condition     = alltrue([for rule in google_compute_security_policy.crm.rule : length(rule.description) <= 64])
    error_message = "Cloud Armor takes descriptions of 64 characters."
  }
}
