# The programs: who reaches them, as whom they run, what they are told, how many there may be.

mock_provider "google" {
  source = "./tests/mocks"
}

run "sources" {
  module {
    source = "./tests/sources"
  }
}

run "services" {
  assert {
    condition = alltrue([for service in google_cloud_run_v2_service.crm :
      service.ingress == "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER" && service.default_uri_disabled
    ]) && toset(keys(google_cloud_run_v2_service.crm)) == toset(["auth", "customers", "images"])
    error_message = "1: the three services take traffic from the load balancer alone and have no address of their own."
  }
  assert {
    condition     = alltrue([for service in google_cloud_run_v2_service.crm : service.invoker_iam_disabled])
    error_message = "1: who may ask is the programs' affair; no grant to allUsers is needed."
  }
  assert {
    condition     = alltrue([for service in google_cloud_run_v2_service.crm : service.deletion_protection])
    error_message = "15: services are protected from being destroyed."
  }
  assert {
    condition = alltrue([for name, service in google_cloud_run_v2_service.crm :
      service.scaling[0].max_instance_count == var.services[name].max_instances
      && service.template[0].scaling[0].max_instance_count == var.services[name].max_instances
    ])
    error_message = "11: the cap over all revisions is there and is each revision's cap."
  }
  assert {
    condition = (
      sum([for service in google_cloud_run_v2_service.crm : service.scaling[0].max_instance_count * tonumber(one([
        for env in service.template[0].containers[0].env : env.value if env.name == "DATABASE_MAX_CONNECTIONS"
      ]))]) + var.reserved_connections <= tonumber(one([for flag in google_sql_database_instance.crm.settings[0].database_flags : flag.value if flag.name == "max_connections"]))
      && output.database_connections.at_worst == 80 && output.database_connections.limit == 120 && output.database_connections.spare == 12
    )
    error_message = "10: instances times connections, as the programs are told them, fit the server's max_connections."
  }
  assert {
    condition = alltrue([for service in google_cloud_run_v2_service.crm :
      service.template[0].containers[0].resources[0].cpu_idle && service.template[0].containers[0].resources[0].startup_cpu_boost
    ])
    error_message = "21: the processor is billed while requests run, and helps at the start."
  }
  assert {
    condition = alltrue(flatten([for service in google_cloud_run_v2_service.crm : [for probe in [service.template[0].containers[0].startup_probe, service.template[0].containers[0].liveness_probe] :
      probe[0].http_get[0].path == "/health/live" && !endswith(probe[0].http_get[0].path, "z")
    ]]))
    error_message = "21: probes ask /health/live, which touches no database; no path ends in z."
  }
  assert {
    condition     = alltrue([for service in google_cloud_run_v2_service.crm : service.template[0].containers[0].ports[0].name == "h2c" && service.template[0].containers[0].ports[0].container_port == 8080])
    error_message = "21: the services are spoken to by HTTP/2, without which an upload ends at 32 MiB."
  }
  assert {
    condition     = alltrue([for service in google_cloud_run_v2_service.crm : tonumber(trimsuffix(service.template[0].timeout, "s")) >= 30])
    error_message = "27: a request may take as long as the slowest handler."
  }
  assert {
    condition     = run.sources.drain_seconds < 10
    error_message = "27: a service drains in less than the ten seconds after which Cloud Run kills it."
  }
  assert {
    condition = alltrue(flatten([for service in google_cloud_run_v2_service.crm : [
      service.template[0].vpc_access[0].egress == "PRIVATE_RANGES_ONLY",
      service.template[0].vpc_access[0].connector == null,
      service.template[0].vpc_access[0].network_interfaces[0].subnetwork == google_compute_subnetwork.run.id,
    ]]))
    error_message = "Services reach the database by direct VPC egress, and the rest of the world without it."
  }
  assert {
    condition     = tonumber(split("/", google_compute_subnetwork.run.ip_cidr_range)[1]) <= 26
    error_message = "Direct VPC egress wants a subnet of /26 at least."
  }
  assert {
    condition     = alltrue([for name, service in google_cloud_run_v2_service.crm : service.template[0].containers[0].image == var.images[name]])
    error_message = "Each service runs its own image."
  }
}

run "identity" {
  assert {
    condition = alltrue([for name, service in google_cloud_run_v2_service.crm :
      service.template[0].service_account == google_service_account.crm[name].email
      ]) && alltrue([for name, job in google_cloud_run_v2_job.crm : job.template[0].template[0].service_account == google_service_account.crm[name].email
    ]) && length(distinct([for account in google_service_account.crm : account.account_id])) == length(google_service_account.crm)
    error_message = "16: every service and job runs as an account of its own."
  }
  assert {
    condition = alltrue([for grant in google_project_iam_member.telemetry : contains([
      "roles/cloudtrace.agent", "roles/logging.logWriter", "roles/logging.viewer", "roles/monitoring.metricWriter", "roles/telemetry.writer",
    ], grant.role)])
    error_message = "16: nobody has a role over the whole project but for telemetry."
  }
  assert {
    condition     = alltrue([for grant in google_project_iam_member.telemetry : grant.role != "roles/logging.viewer" || grant.member == google_service_account.crm["build"].member])
    error_message = "16: only the release reads logs."
  }
  assert {
    condition = toset([for key, grant in google_secret_manager_secret_iam_member.reader : key if grant.member == google_service_account.crm["auth"].member]) == toset([
      "auth-database-ca", "auth-database-url", "auth-facebook-client-secret", "auth-google-client-secret", "auth-refresh-key", "auth-signing-keys", "auth-verifying-keys",
    ])
    error_message = "17: auth reads its own secrets."
  }
  assert {
    condition = alltrue([for secret in ["google-client-secret", "facebook-client-secret", "signing-keys", "refresh-key"] : [
      for grant in google_secret_manager_secret_iam_member.reader : grant.member if grant.secret_id == google_secret_manager_secret.crm[secret].id
    ] == [google_service_account.crm["auth"].member]])
    error_message = "17: only auth reads the providers' secrets and the keys that make tokens."
  }
  assert {
    condition = toset([for grant in google_secret_manager_secret_iam_member.reader : grant.member if grant.secret_id == google_secret_manager_secret.crm["privacy-key"].id]) == toset([
      for name in ["customers", "images", "doctor"] : google_service_account.crm[name].member
    ])
    error_message = "17: only customers, images and the doctor read the key of privacy."
  }
  assert {
    condition     = length([for grant in google_secret_manager_secret_iam_member.reader : grant if grant.secret_id == google_secret_manager_secret.crm["database-password"].id]) == 0
    error_message = "17: no program reads the bare password; it is in the address of the database."
  }
  assert {
    condition = alltrue([for grant in google_secret_manager_secret_iam_member.reader : grant.role == "roles/secretmanager.secretAccessor"]) && alltrue([
      for grant in google_storage_bucket_iam_member.pictures : grant.role == "roles/storage.objectViewer" || contains([google_service_account.crm["images"].member, google_service_account.crm["sweep"].member], grant.member)
    ]) && length(google_storage_bucket_iam_member.pictures) == 3
    error_message = "17: pictures are changed by images and the sweep alone."
  }
  assert {
    condition = alltrue([for grant in google_cloud_run_v2_service_iam_member.release : grant.role == "roles/run.developer" && grant.member == google_service_account.crm["build"].member]) && (
      google_cloud_run_v2_job_iam_member.scheduler.role == "roles/run.invoker" && google_cloud_run_v2_job_iam_member.scheduler.name == "crm-sweep" && google_cloud_run_v2_job_iam_member.scheduler.member == google_service_account.crm["scheduler"].member
    )
    error_message = "16: the release may change these services, the scheduler may start the sweep, and neither more."
  }
}

run "secrets" {
  assert {
    condition = alltrue(flatten([for container in concat([for service in google_cloud_run_v2_service.crm : service.template[0].containers[0]], [for job in google_cloud_run_v2_job.crm : job.template[0].template[0].containers[0]]) : [
      for env in container.env : can(regex("^[1-9][0-9]*$", env.value_source[0].secret_key_ref[0].version)) if length(env.value_source) > 0
    ]]))
    error_message = "18: every secret is pinned to a version; none is `latest`."
  }
  assert {
    condition = alltrue([for template in concat([for service in google_cloud_run_v2_service.crm : service.template[0]], [for job in google_cloud_run_v2_job.crm : job.template[0].template[0]]) :
      template.volumes[0].secret[0].secret == "crm-database-ca" && can(regex("^[1-9][0-9]*$", template.volumes[0].secret[0].items[0].version))
      && "${template.containers[0].volume_mounts[0].mount_path}/${template.volumes[0].secret[0].items[0].path}" == "/etc/crm/database-ca.pem"
    ])
    error_message = "18: the certificate of the database's authority lies where DATABASE_URL says, at a pinned version."
  }
  assert {
    condition = alltrue(flatten([for container in concat([for service in google_cloud_run_v2_service.crm : service.template[0].containers[0]], [for job in google_cloud_run_v2_job.crm : job.template[0].template[0].containers[0]]) : [
      for env in container.env : length(env.value_source) > 0 if can(regex("(_SECRET|_KEY|_KEYS|PASSWORD|DATABASE_URL)$", env.name))
    ]]))
    error_message = "19: whatever is secret comes from Secret Manager, never as a value."
  }
}

run "jobs" {
  assert {
    condition = (
      google_cloud_run_v2_job.crm["migrate"].run_execution_token == "0a1b2c3"
      && google_cloud_run_v2_job.crm["migrate"].template[0].template[0].max_retries == 0
      && length("crm-migrate-${coalesce(google_cloud_run_v2_job.crm["migrate"].run_execution_token, "-")}") < 63
      && google_cloud_run_v2_job.crm["sweep"].run_execution_token == null
    )
    error_message = "22: an apply runs the migrations of its release once, and never twice."
  }
  assert {
    condition     = alltrue([for name, job in google_cloud_run_v2_job.crm : job.template[0].template[0].containers[0].args == tolist([name]) && job.template[0].template[0].containers[0].image == var.images["admin"]])
    error_message = "22: each job is one command of admin."
  }
  assert {
    condition = (
      google_cloud_scheduler_job.sweep.http_target[0].uri == "https://run.googleapis.com/v2/projects/crm-example/locations/europe-west1/jobs/crm-sweep:run"
      && google_cloud_scheduler_job.sweep.http_target[0].oauth_token[0].service_account_email == google_service_account.crm["scheduler"].email
      && length(split(" ", google_cloud_scheduler_job.sweep.schedule)) == 5
    )
    error_message = "The sweep is started once a day, through Google's API and not through an address of ours."
  }
}
