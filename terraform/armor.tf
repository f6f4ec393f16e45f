# Cloud Armor: who asks too often is refused at the edge, before it costs anything.

locals {
  # Paths that carry pictures: the rules against attacks take a photo's bytes for one.
  picture_paths = "request.path.matches('^/customers/[^/]+/photo/?$') || request.path.startsWith('/images/')"

  attacks = {
    1000 = "sqli-v33-stable"
    1010 = "xss-v33-stable"
    1020 = "lfi-v33-stable"
    1030 = "rce-v33-stable"
    1040 = "protocolattack-v33-stable"
  }
}

resource "google_compute_security_policy" "crm" {
  #checkov:skip=CKV_GCP_73:Log4j is a Java library and nothing here is Java; a rule costs a dollar a month
  name        = "crm"
  description = "Rate limits by address, and rules against attacks"
  type        = "CLOUD_ARMOR"

  advanced_options_config {
    json_parsing = "STANDARD"
  }

  # The programs limit attempts by account; this stops one address from guessing at many.
  rule {
    priority    = 100
    action      = "rate_based_ban"
    description = "Ban who signs in too often"
    match {
      expr {
        expression = "request.method == 'POST' && request.path.matches('^/(login|token)/?$')"
      }
    }
    rate_limit_options {
      conform_action   = "allow"
      exceed_action    = "deny(429)"
      enforce_on_key   = "IP"
      ban_duration_sec = 600
      rate_limit_threshold {
        count        = 60
        interval_sec = 60
      }
    }
  }

  # A provider's sign-in costs a round trip to the provider, and its callback two.
  rule {
    priority    = 110
    action      = "rate_based_ban"
    description = "Ban who begins too many sign-ins with a provider"
    match {
      expr {
        expression = "request.path.startsWith('/login/')"
      }
    }
    rate_limit_options {
      conform_action   = "allow"
      exceed_action    = "deny(429)"
      enforce_on_key   = "IP"
      ban_duration_sec = 600
      rate_limit_threshold {
        count        = 60
        interval_sec = 60
      }
    }
  }

  dynamic "rule" {
    for_each = local.attacks
    content {
      priority    = rule.key
      action      = "deny(403)"
      preview     = var.waf_preview
      description = "Attacks: ${rule.value}"
      match {
        expr {
          expression = "!(${local.picture_paths}) && evaluatePreconfiguredWaf('${rule.value}', {'sensitivity': 1})"
        }
      }
    }
  }

  # A shop behind one address with ten busy people and their lists of pictures stays below this.
  rule {
    priority    = 2000
    action      = "throttle"
    description = "At most 50 requests a second from one address"
    match {
      versioned_expr = "SRC_IPS_V1"
      config {
        src_ip_ranges = ["*"]
      }
    }
    rate_limit_options {
      conform_action = "allow"
      exceed_action  = "deny(429)"
      enforce_on_key = "IP"
      rate_limit_threshold {
        count        = 3000
        interval_sec = 60
      }
    }
  }

  rule {
    priority    = 2147483647
    action      = "allow"
    description = "Everybody else"
    match {
      versioned_expr = "SRC_IPS_V1"
      config {
        src_ip_ranges = ["*"]
      }
    }
  }
}
