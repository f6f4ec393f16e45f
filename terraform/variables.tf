# What an operator says. Every message tells what to do.

variable "project_id" {
  description = "The Google Cloud project, such as crm-prod-4711."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project_id))
    error_message = "project_id is the project's id, not its name or number: 6 to 30 lower-case letters, digits and dashes. `gcloud projects list` shows it."
  }
}

variable "region" {
  description = "Where everything runs, such as europe-west1."
  type        = string

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "region is a region such as europe-west1, not a zone such as europe-west1-b: drop the last letter."
  }
}

variable "domain" {
  description = "The one host name at which people reach the product, such as crm.example.com."
  type        = string

  validation {
    condition     = can(regex("^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]{2,63}$", var.domain))
    error_message = "domain is a bare host name such as crm.example.com: write no https://, port, path or capital letters."
  }
  validation {
    condition     = !can(regex("(^|\\.)(run\\.app|appspot\\.com|cloudfunctions\\.net|googleapis\\.com)$", var.domain))
    error_message = "domain must be a name whose DNS you manage: Google issues no certificate of yours for run.app or appspot.com. Register a domain and use a name below it."
  }
}

variable "other_domains" {
  description = "Further names, with certificates of their own, that lead to the domain: the next one before it becomes the domain, the last one after."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for domain in var.other_domains : can(regex("^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]{2,63}$", domain)) && domain != var.domain])
    error_message = "other_domains holds bare host names such as www.example.com, and not the domain itself."
  }
}

variable "dns_zone" {
  description = "Name of a Cloud DNS zone of this project that holds the domains. Without it the output dns_records says what to set."
  type        = string
  default     = null
}

variable "alert_email" {
  description = "Who is told when something is wrong."
  type        = string

  validation {
    condition     = can(regex("^[^@[:space:]]+@[^@[:space:]]+\\.[^@[:space:]]+$", var.alert_email))
    error_message = "alert_email must be an address that somebody reads, such as operations@example.com."
  }
}

variable "images" {
  description = "The image of each program, by digest. Only the first apply uses them; after that releases change them."
  type        = map(string)

  validation {
    condition     = toset(keys(var.images)) == toset(["admin", "auth", "customers", "images"])
    error_message = "images needs exactly the programs admin, auth, customers and images: copy them from the end of the build's log."
  }
  validation {
    condition     = alltrue([for image in values(var.images) : can(regex("@sha256:[0-9a-f]{64}$", image))])
    error_message = "Name each image by its digest (…@sha256:…), not by a tag, which may come to mean something else: the end of the build's log has them."
  }
}

variable "release_id" {
  description = "Names the run of the migrations in this apply, such as the commit's first seven letters. A new value runs them again."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{0,38}[a-z0-9]$", var.release_id))
    error_message = "release_id must be 2 to 40 lower-case letters, digits and dashes, for Cloud Run makes the name of an execution of it: `git rev-parse --short HEAD` gives one."
  }
}

variable "secret_versions" {
  description = "The version of each secret that the services use; `terraform/release/put-secret` prints it."
  type        = map(number)

  validation {
    condition     = alltrue([for name in ["signing-keys", "verifying-keys", "refresh-key", "image-url-keys", "privacy-key"] : contains(keys(var.secret_versions), name)])
    error_message = "secret_versions needs signing-keys, verifying-keys, refresh-key, image-url-keys and privacy-key: put them with terraform/release/put-secret, which prints each number."
  }
  validation {
    condition     = alltrue([for version in values(var.secret_versions) : version >= 1 && floor(version) == version])
    error_message = "secret_versions holds numbers such as 1. `latest` is not one: a new version must make a new revision that can be rolled back."
  }
}

variable "google_client_id" {
  description = "The OAuth client of sign-in with Google. Without it there is no such sign-in."
  type        = string
  default     = null

  validation {
    condition     = var.google_client_id == null || can(regex("\\.apps\\.googleusercontent\\.com$", var.google_client_id))
    error_message = "google_client_id ends in .apps.googleusercontent.com: copy the client ID, not the secret, from the console's page Credentials."
  }
  validation {
    condition     = var.google_client_id == null || contains(keys(var.secret_versions), "google-client-secret")
    error_message = "google_client_id needs secret_versions[\"google-client-secret\"]: put the client's secret with terraform/release/put-secret google-client-secret."
  }
}

variable "facebook_client_id" {
  description = "The app ID of sign-in with Facebook. Without it there is no such sign-in."
  type        = string
  default     = null

  validation {
    condition     = var.facebook_client_id == null || can(regex("^[0-9]{8,20}$", var.facebook_client_id))
    error_message = "facebook_client_id is the app's ID, digits alone: copy it from the app's page Settings, Basic."
  }
  validation {
    condition     = var.facebook_client_id == null || contains(keys(var.secret_versions), "facebook-client-secret")
    error_message = "facebook_client_id needs secret_versions[\"facebook-client-secret\"]: put the app's secret with terraform/release/put-secret facebook-client-secret."
  }
}

variable "link_by_email" {
  description = "Whose word on an e-mail address makes the first link to a user: google or none."
  type        = string
  default     = "google"

  validation {
    condition     = contains(["google", "none"], var.link_by_email)
    error_message = "link_by_email is google or none: no other provider says whether an address is verified."
  }
}

variable "return_to" {
  description = "Local paths to which a browser may be led after signing in."
  type        = list(string)
  default     = ["/signin"]

  validation {
    condition     = alltrue([for path in var.return_to : can(regex("^/[A-Za-z0-9/_.~-]{0,199}$", path)) && !strcontains(path, "//") && !strcontains(path, "..")])
    error_message = "return_to holds paths of this origin such as /signin: //host and https://host would lead people elsewhere."
  }
}

variable "cors_allowed_origins" {
  description = "Other origins whose pages may call the API."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for origin in var.cors_allowed_origins : can(regex("^https://[a-z0-9.-]+(:[0-9]+)?$", origin))])
    error_message = "cors_allowed_origins holds origins such as https://app.example.com: no path, no slash at the end, no star."
  }
}

variable "canary_key" {
  description = "The word in the header X-Crm-Canary that leads a request to the next release. It opens nothing else and is no secret, but need not be known."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9-]{8,64}$", var.canary_key))
    error_message = "canary_key must be 8 to 64 letters, digits and dashes: `openssl rand -hex 8` makes one."
  }
}

variable "repository" {
  description = "The Cloud Build repository whose pushes are released: projects/P/locations/R/connections/C/repositories/N. Without it there is no trigger."
  type        = string
  default     = null

  validation {
    condition     = var.repository == null || can(regex("^projects/[^/]+/locations/[^/]+/connections/[^/]+/repositories/[^/]+$", var.repository))
    error_message = "repository is the long name that `gcloud builds repositories list --connection C --region R --format='value(name)'` prints."
  }
}

variable "release_approval" {
  description = "Whether a person must approve each release before it begins."
  type        = bool
  default     = false
}

variable "waf_preview" {
  description = "Whether the rules against attacks only log what they would refuse. Look at the log for a week before turning it off."
  type        = bool
  default     = true
}

variable "images_cdn" {
  description = "Whether Cloud CDN keeps pictures at the edge; read docs/decisions/0006-the-deployment.md first."
  type        = bool
  default     = false
}

variable "telemetry" {
  description = "Whether traces and metrics go to Google Cloud Observability."
  type        = bool
  default     = true
}

variable "deletion_protection" {
  description = "Whether the database and the services refuse to be destroyed. Turn it off, apply, and only then destroy."
  type        = bool
  default     = true
}
