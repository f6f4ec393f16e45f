# What is refused at plan time, before anything is changed: each run names the variables that are wrong in it.

mock_provider "google" {
  source = "./tests/mocks"
}

run "a_scheme_a_zone_a_tag_and_too_many_connections" {
  command = plan
  variables {
    domain               = "https://crm.example.com"
    region               = "europe-west1-b"
    alert_email          = "operations"
    release_id           = "a-name-of-a-release-that-is-too-long-for-an-execution"
    canary_key           = "1"
    google_client_id     = "GOCSPX-abcdef"
    return_to            = ["//evil.example"]
    cors_allowed_origins = ["*"]
    database_password    = "hunter2"
    link_by_email        = "facebook"
    images = {
      auth      = "europe-west1-docker.pkg.dev/crm-example/crm/auth:latest"
      customers = "europe-west1-docker.pkg.dev/crm-example/crm/customers:latest"
      images    = "europe-west1-docker.pkg.dev/crm-example/crm/images:latest"
      admin     = "europe-west1-docker.pkg.dev/crm-example/crm/admin:latest"
    }
    services = {
      auth      = { max_instances = 10, connections = 5 }
      customers = { max_instances = 10, connections = 5 }
      images    = { max_instances = 5, connections = 3 }
    }
  }
  expect_failures = [var.domain, var.region, var.alert_email, var.release_id, var.canary_key, var.google_client_id, var.return_to, var.cors_allowed_origins, var.database_password, var.link_by_email, var.images, var.services]
}

run "a_port_a_path_back_up_and_too_few_connections_reserved" {
  command = plan
  variables {
    domain               = "crm.example.com:443"
    database_password    = "long-enough-but-with@and/and?"
    return_to            = ["/a/../b"]
    cors_allowed_origins = ["https://app.example.com/"]
    facebook_client_id   = "my-app"
    reserved_connections = 10
    project_id           = "CRM"
  }
  expect_failures = [var.domain, var.database_password, var.return_to, var.cors_allowed_origins, var.facebook_client_id, var.project_id, var.services]
}

run "an_appspot_host_and_a_tier_of_the_other_edition" {
  command = plan
  variables {
    domain   = "crm-example.appspot.com"
    database = { tier = "db-perf-optimized-N-2" }
  }
  expect_failures = [var.domain, var.database]
}

run "a_run_app_host_and_an_edition_without_its_tier" {
  command = plan
  variables {
    domain   = "crm-abc-ew.a.run.app"
    database = { edition = "ENTERPRISE_PLUS" }
  }
  expect_failures = [var.domain, var.database]
}

run "a_shared_core_that_is_highly_available" {
  command = plan
  variables {
    database = { ha = true }
  }
  expect_failures = [var.database]
}

run "more_connections_than_the_memory_has_room_for" {
  command = plan
  variables {
    database = { tier = "db-f1-micro", max_connections = 500 }
  }
  expect_failures = [var.database]
}

run "more_instances_than_addresses" {
  command = plan
  variables {
    services = {
      auth      = { max_instances = 40, connections = 1 }
      customers = { max_instances = 20, connections = 1 }
      images    = { max_instances = 20, connections = 1 }
    }
    database = { max_connections = 400 }
  }
  expect_failures = [var.services]
}

run "more_instances_at_least_than_at_most" {
  command = plan
  variables {
    services = {
      auth      = { max_instances = 1, min_instances = 2, connections = 5 }
      customers = { max_instances = 2, connections = 5 }
      images    = { max_instances = 2, connections = 3 }
    }
  }
  expect_failures = [var.services]
}

run "a_request_that_is_cut_short" {
  command = plan
  variables {
    services = {
      auth      = { max_instances = 1, connections = 5 }
      customers = { max_instances = 2, connections = 5 }
      images    = { max_instances = 2, connections = 3, timeout_seconds = 10 }
    }
  }
  expect_failures = [var.services]
}

run "pictures_in_too_little_memory" {
  command = plan
  variables {
    services = {
      auth      = { max_instances = 1, connections = 5 }
      customers = { max_instances = 2, connections = 5 }
      images    = { max_instances = 2, connections = 3, memory = "256Mi" }
    }
  }
  expect_failures = [var.services]
}

run "a_service_that_is_missing" {
  command = plan
  variables {
    services = {
      auth      = { max_instances = 1, connections = 5 }
      customers = { max_instances = 2, connections = 5 }
    }
  }
  expect_failures = [var.services]
}

run "keys_that_are_missing" {
  command = plan
  variables {
    secret_versions = { signing-keys = 1, verifying-keys = 1, refresh-key = 1, privacy-key = 1, google-client-secret = 1, facebook-client-secret = 1 }
  }
  expect_failures = [var.secret_versions]
}

run "no_key_of_privacy" {
  command = plan
  variables {
    secret_versions = { signing-keys = 1, verifying-keys = 1, refresh-key = 1, image-url-keys = 1, google-client-secret = 1, facebook-client-secret = 1 }
  }
  expect_failures = [var.secret_versions]
}

run "a_provider_without_its_secret" {
  command = plan
  variables {
    secret_versions = { signing-keys = 1, verifying-keys = 1, refresh-key = 1, image-url-keys = 1, privacy-key = 1, facebook-client-secret = 1 }
  }
  expect_failures = [var.google_client_id]
}

run "the_domain_once_more" {
  command = plan
  variables {
    other_domains = ["www.example.com", "crm.example.com"]
  }
  expect_failures = [var.other_domains]
}
