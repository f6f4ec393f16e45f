# How large everything may grow, and the arithmetic that keeps the database's connections enough.

variable "services" {
  description = "Per service: instances, connections to the database an instance, and what an instance gets."
  type = map(object({
    min_instances   = optional(number, 0)
    max_instances   = number
    connections     = number
    cpu             = optional(string, "1")
    memory          = optional(string, "512Mi")
    concurrency     = optional(number, 80)
    timeout_seconds = optional(number, 60)
  }))
  default = {
    auth      = { max_instances = 5, connections = 5 }
    customers = { max_instances = 8, connections = 5 }
    # Uploads and pictures being made hold as much as fits into 512 MiB (functions/images/src/memory.rs): more memory
    # would lie idle. Few at once, for each keeps a processor busy. An upload may take 113 seconds to come, and wait.
    images = { max_instances = 5, connections = 3, concurrency = 20, timeout_seconds = 150 }
  }

  validation {
    condition     = toset(keys(var.services)) == toset(["auth", "customers", "images"])
    error_message = "services needs exactly auth, customers and images."
  }
  validation {
    condition     = alltrue([for service in values(var.services) : service.min_instances >= 0 && service.min_instances <= service.max_instances && service.max_instances >= 1])
    error_message = "Each service needs max_instances of at least 1 and min_instances not above it."
  }
  validation {
    condition     = alltrue([for service in values(var.services) : service.connections >= 1 && service.connections <= 100])
    error_message = "connections is what one instance opens at most: between 1 and 100; 3 to 10 is usual."
  }
  validation {
    condition     = try(tonumber(trimsuffix(var.services["images"].memory, "Gi")) * 1024, tonumber(trimsuffix(var.services["images"].memory, "Mi")), 0) >= 512
    error_message = "images needs memory of at least \"512Mi\": its budget for uploads and pictures (functions/images/src/memory.rs) is made for that."
  }
  validation {
    condition     = alltrue([for service in values(var.services) : service.timeout_seconds >= 30 && service.timeout_seconds <= 3600])
    error_message = "timeout_seconds must be between 30, for the slowest handler takes 15 seconds of patience with the storage and 10 for its turn, and 3600."
  }
  validation {
    condition = sum([for service in values(var.services) : service.max_instances * service.connections]) + var.reserved_connections <= var.database.max_connections
    error_message = format(
      "At worst the services open %d connections and %d are reserved, but the database takes %d. Lower max_instances or connections, or raise database.max_connections (and its tier).",
      sum([for service in values(var.services) : service.max_instances * service.connections]), var.reserved_connections, var.database.max_connections,
    )
  }
  validation {
    # One instance of each next release, whose traffic the service's cap does not count, three jobs of two, five others.
    condition     = var.reserved_connections >= sum([for service in values(var.services) : service.connections]) + 3 * 2 + 5
    error_message = format("reserved_connections must be at least %d: one instance of each next release, three jobs of two, and five for people and Cloud SQL itself.", sum([for service in values(var.services) : service.connections]) + 3 * 2 + 5)
  }
  validation {
    # Direct VPC egress takes two addresses an instance, and twice that while one revision replaces another.
    condition     = sum([for service in values(var.services) : service.max_instances]) * 4 <= 250
    error_message = "The subnet of 256 addresses is enough for 62 instances in all: lower max_instances, or widen local.subnet_range in network.tf and this limit with it."
  }
}

variable "database" {
  description = "The Cloud SQL server."
  type = object({
    name            = optional(string, "crm")
    tier            = optional(string, "db-g1-small")
    edition         = optional(string, "ENTERPRISE")
    ha              = optional(bool, false)
    max_connections = optional(number, 120)
    disk_gb         = optional(number, 10)
  })
  default = {}

  validation {
    condition     = contains(["ENTERPRISE", "ENTERPRISE_PLUS"], var.database.edition)
    error_message = "database.edition is ENTERPRISE or ENTERPRISE_PLUS."
  }
  validation {
    condition     = (var.database.edition == "ENTERPRISE_PLUS") == startswith(var.database.tier, "db-perf-optimized-")
    error_message = "Tiers fit one edition only: db-perf-optimized-… needs ENTERPRISE_PLUS, and db-f1-micro, db-g1-small and db-custom-… need ENTERPRISE. Change database.tier or database.edition."
  }
  validation {
    condition     = !(var.database.ha && contains(["db-f1-micro", "db-g1-small"], var.database.tier))
    error_message = "Google promises nothing for a highly available server with a shared core: choose a tier such as db-custom-1-3840, or database.ha = false."
  }
  validation {
    condition     = var.database.max_connections >= 20 && var.database.max_connections <= lookup({ db-f1-micro = 250, db-g1-small = 1000 }, var.database.tier, 4000)
    error_message = "database.max_connections must be at least 20 and at most what the tier has memory for: 250 on db-f1-micro, 1000 on db-g1-small, 4000 on others."
  }
  validation {
    condition     = var.database.disk_gb >= 10
    error_message = "Cloud SQL disks begin at 10 GB; they grow by themselves and never shrink."
  }
}

variable "reserved_connections" {
  description = "Connections kept for the next release's first instances, jobs, Cloud SQL itself and people."
  type        = number
  default     = 28
}

variable "database_password" {
  description = "The password of the services' user. It is in neither state nor plan; docs/deploy.md says where it comes from."
  type        = string
  ephemeral   = true

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{24,128}$", var.database_password))
    error_message = "database_password must be 24 to 128 letters, digits, dashes and underscores, for it stands in an address: `openssl rand -hex 24` makes one. Set it as TF_VAR_database_password, never in a file."
  }
}

variable "database_password_version" {
  description = "Raise it by one whenever database_password is another."
  type        = number
  default     = 1

  validation {
    condition     = var.database_password_version >= 1 && floor(var.database_password_version) == var.database_password_version
    error_message = "database_password_version is 1, 2, 3 and so on."
  }
}
