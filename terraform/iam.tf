# One account a program, each with what it needs and nothing of the whole project but telemetry.

locals {
  accounts = {
    auth      = "Signs people in"
    customers = "Keeps customers"
    images    = "Keeps pictures"
    migrate   = "Brings the database's schema up to date"
    sweep     = "Removes what nobody needs"
    doctor    = "Looks at everything and changes nothing"
    build     = "Tests, builds and releases"
    scheduler = "Starts the sweep"
  }

  secret_grants = merge([
    for program, variables in local.secret_environment : {
      for secret in concat(values(variables), ["database-ca"]) : "${program}-${secret}" => { program = program, secret = secret }
    }
  ]...)

  telemetry_roles = ["roles/cloudtrace.agent", "roles/logging.logWriter", "roles/monitoring.metricWriter", "roles/telemetry.writer"]
  project_grants = merge(
    { for pair in setproduct(keys(local.environment), local.telemetry_roles) : "${pair[0]} ${pair[1]}" => { account = pair[0], role = pair[1] } },
    # The release looks at the error log of the revision that it shifts traffic to.
    { for role in ["roles/logging.logWriter", "roles/logging.viewer"] : "build ${role}" => { account = "build", role = role } },
  )
}

resource "google_service_account" "crm" {
  for_each     = local.accounts
  account_id   = "crm-${each.key}"
  display_name = "CRM: ${each.value}"
  depends_on   = [google_project_service.api]
}

resource "google_secret_manager_secret_iam_member" "reader" {
  for_each  = local.secret_grants
  secret_id = google_secret_manager_secret.crm[each.value.secret].id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.crm[each.value.program].member
}

resource "google_storage_bucket_iam_member" "pictures" {
  for_each = { images = "roles/storage.objectUser", sweep = "roles/storage.objectUser", doctor = "roles/storage.objectViewer" }
  bucket   = google_storage_bucket.pictures.name
  role     = each.value
  member   = google_service_account.crm[each.key].member
}

resource "google_project_iam_member" "telemetry" {
  for_each = local.project_grants
  project  = var.project_id
  role     = each.value.role
  member   = google_service_account.crm[each.value.account].member
}

# The release changes these services and jobs, acts as their accounts while it does, and nothing else.
resource "google_cloud_run_v2_service_iam_member" "release" {
  for_each = google_cloud_run_v2_service.crm
  name     = each.value.name
  location = var.region
  role     = "roles/run.developer"
  member   = google_service_account.crm["build"].member
}

resource "google_cloud_run_v2_job_iam_member" "release" {
  for_each = google_cloud_run_v2_job.crm
  name     = each.value.name
  location = var.region
  role     = "roles/run.developer"
  member   = google_service_account.crm["build"].member
}

resource "google_service_account_iam_member" "release" {
  for_each           = local.environment
  service_account_id = google_service_account.crm[each.key].name
  role               = "roles/iam.serviceAccountUser"
  member             = google_service_account.crm["build"].member
}

resource "google_artifact_registry_repository_iam_member" "release" {
  for_each   = google_artifact_registry_repository.crm
  repository = each.value.name
  location   = var.region
  role       = "roles/artifactregistry.writer"
  member     = google_service_account.crm["build"].member
}

resource "google_storage_bucket_iam_member" "site_writer" {
  bucket = google_storage_bucket.site.name
  role   = "roles/storage.objectUser"
  member = google_service_account.crm["build"].member
}

# It adds what a release is made of, and can neither change nor remove that of an earlier one.
resource "google_storage_bucket_iam_member" "release_record" {
  bucket = google_storage_bucket.releases.name
  role   = "roles/storage.objectCreator"
  member = google_service_account.crm["build"].member
}

resource "google_cloud_run_v2_job_iam_member" "scheduler" {
  name     = google_cloud_run_v2_job.crm["sweep"].name
  location = var.region
  role     = "roles/run.invoker"
  member   = google_service_account.crm["scheduler"].member
}
