# SPDX-License-Identifier: Apache-2.0

variable "project" {
  description = "Google Cloud project of everything"
  type        = string
  validation {
    condition     = can(regex("^([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "project must be a project id such as acme-data, not a number or a display name."
  }
}

variable "region" {
  description = "region of the worker, the Scheduler job and the image registry, such as europe-west1"
  type        = string
  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "region must be a region such as europe-west1; a zone or a multi-region such as EU does not fit."
  }
}

variable "name" {
  description = "prefix of all names; two instances in one project need two"
  type        = string
  default     = "caseload"
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,18}[a-z0-9]$", var.name))
    error_message = "name must have 3 to 20 lowercase letters, digits and hyphens, and begin with a letter: service accounts allow 30 with the suffix."
  }
}

variable "dataset" {
  description = "BigQuery dataset of the data tables"
  type        = string
  default     = "intercom"
  validation {
    condition     = can(regex("^[A-Za-z0-9_]{1,1000}$", var.dataset))
    error_message = "dataset must consist of letters, digits and underscores; give the project in project."
  }
}

variable "control_dataset" {
  description = "dataset of ledger, locks and staging; null: the dataset's name with _caseload appended"
  type        = string
  default     = null
  validation {
    condition     = var.control_dataset == null || can(regex("^[A-Za-z0-9_]{1,1000}$", var.control_dataset))
    error_message = "control_dataset must consist of letters, digits and underscores."
  }
  validation {
    condition     = var.control_dataset != var.dataset
    error_message = "control_dataset must not be dataset: analysts get access to one, the worker alone to the other."
  }
}

variable "location" {
  description = "location of both datasets, such as EU; it can't be changed later"
  type        = string
  validation {
    condition     = can(regex("^([A-Z]{2}|[a-z]+-[a-z]+[0-9]+)$", var.location))
    error_message = "location must be EU, US or a region such as europe-west1."
  }
}

variable "create_datasets" {
  description = "make both datasets; false: they exist already"
  type        = bool
  default     = true
}

variable "start_date" {
  description = "first day to load, YYYY-MM-DD"
  type        = string
  validation {
    condition     = can(regex("^20[0-9]{2}-[0-9]{2}-[0-9]{2}$", var.start_date)) && can(formatdate("YYYY", "${var.start_date}T00:00:00Z"))
    error_message = "start_date must be a day such as 2024-01-01."
  }
}

variable "timezone" {
  description = "zone whose days partition_date counts; fixed once rows are loaded"
  type        = string
  default     = "Etc/UTC"
  validation {
    condition     = can(regex("^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)+$", var.timezone)) || var.timezone == "UTC"
    error_message = "timezone must be a name such as Europe/Berlin; abbreviations such as CET are ambiguous."
  }
}

variable "streams" {
  description = "streams to load, see `caseload streams`; null: the default streams"
  type        = set(string)
  default     = null
  validation {
    condition     = var.streams == null || try(length(var.streams) > 0 && alltrue([for s in var.streams : can(regex("^[a-z][a-z0-9_]*$", s))]), false)
    error_message = "streams must be null or a set of names as `caseload streams` prints them; an empty set would load nothing."
  }
}

variable "settings" {
  description = "other settings of the worker (`caseload run --help`), such as {lookback_days = 3}"
  type        = any
  default     = {}
  validation {
    condition     = can(keys(var.settings))
    error_message = "settings must be an object of settings as `caseload run --help` prints them."
  }
  validation {
    condition = length(setintersection(try(keys(var.settings), []), [
      "version", "project", "subscription", "dataset", "control_dataset", "location", "timezone", "start_date", "streams"
    ])) == 0
    error_message = "settings must not have version, project, subscription, dataset, control_dataset, location, timezone, start_date or streams: they are variables of the module, or follow from them."
  }
  validation {
    condition     = !can(var.settings.source.token)
    error_message = "settings must not have source.token: the module keeps the token in Secret Manager, see token and token_secret."
  }
}

variable "token" {
  description = "access token of Intercom; it never reaches plan or state. null: add a version to the secret yourself"
  type        = string
  ephemeral   = true
  sensitive   = true
  default     = null
}

variable "token_version" {
  description = "raise it by one to store another token; 0: token is not given"
  type        = number
  default     = 0
  validation {
    condition     = var.token_version >= 0 && floor(var.token_version) == var.token_version
    error_message = "token_version must be 0, 1, 2, ...: Terraform can't see that a write-only token changed, so it looks at this number."
  }
}

variable "token_secret" {
  description = "an existing secret with the token, projects/P/secrets/S; null: the module makes one"
  type        = string
  default     = null
  validation {
    condition     = var.token_secret == null || can(regex("^projects/[^/]+/secrets/[A-Za-z0-9_-]+$", var.token_secret))
    error_message = "token_secret must be projects/P/secrets/S, without a version."
  }
  validation {
    condition     = var.token_secret == null || var.token_version == 0
    error_message = "token_secret and token exclude each other: the owner of the existing secret adds its versions."
  }
}

variable "runtime" {
  description = "where the worker runs: worker_pool (Cloud Run, always on), job (Cloud Run, started by Scheduler), vm (Compute Engine) or none"
  type        = string
  default     = "worker_pool"
  validation {
    condition     = contains(["worker_pool", "job", "vm", "none"], var.runtime)
    error_message = "runtime must be worker_pool, job, vm or none."
  }
}

variable "image" {
  description = "image of the worker, by digest: REGION-docker.pkg.dev/P/caseload/caseload@sha256:..."
  type        = string
  default     = null
  validation {
    condition     = var.image == null || can(regex("^[a-z0-9.:/_-]+(:[A-Za-z0-9._-]+)?(@sha256:[0-9a-f]{64})?$", var.image))
    error_message = "image must be a container image such as europe-west1-docker.pkg.dev/acme-data/caseload/caseload@sha256:... ."
  }
  validation {
    condition     = var.runtime == "none" || var.image != null
    error_message = "image is missing: build it and push it to the registry (docs/deploy.md), or set runtime = \"none\" for a first apply that makes the registry."
  }
  validation {
    condition     = !var.production || var.image == null || can(regex("@sha256:[0-9a-f]{64}$", var.image))
    error_message = "image must have a digest (@sha256:...) in production: a tag can point to another image tomorrow."
  }
}

variable "production" {
  description = "production: the image by digest, datasets and worker protected from deletion"
  type        = bool
  default     = true
}

variable "instances" {
  description = "workers on the subscription of ticks, runtime worker_pool; 0 parks them"
  type        = number
  default     = 1
  validation {
    condition     = var.instances >= 0 && var.instances <= 10 && floor(var.instances) == var.instances
    error_message = "instances must be a whole number from 0 to 10; all share one rate limit of Intercom."
  }
}

variable "backfill_instances" {
  description = "workers for backfills alone, runtime worker_pool; 0: the worker of the ticks takes them, too"
  type        = number
  default     = 0
  validation {
    condition     = var.backfill_instances >= 0 && var.backfill_instances <= 10 && floor(var.backfill_instances) == var.backfill_instances
    error_message = "backfill_instances must be a whole number from 0 to 10; all share one rate limit of Intercom."
  }
}

variable "memory" {
  description = "memory of one worker; caseload stays under 64 MiB, Cloud Run's least is 512Mi"
  type        = string
  default     = "512Mi"
  validation {
    condition     = can(regex("^(51[2-9]|5[2-9][0-9]|[6-9][0-9]{2}|[1-9][0-9]{3,})Mi$|^[1-9][0-9]?Gi$", var.memory))
    error_message = "memory must be at least 512Mi, such as 512Mi or 1Gi."
  }
}

variable "vm" {
  description = "runtime vm: zone, machine type, and the network"
  type = object({
    zone         = optional(string)
    machine_type = optional(string, "e2-micro")
    network      = optional(string, "default")
    subnetwork   = optional(string)
    external_ip  = optional(bool, true)
  })
  default = {}
  validation {
    condition     = var.vm.zone == null || can(regex("^[a-z]+-[a-z]+[0-9]+-[a-z]$", var.vm.zone))
    error_message = "vm.zone must be a zone such as europe-west1-b."
  }
}

variable "schedule" {
  description = "when a tick is published, as cron"
  type        = string
  default     = "15 3 * * *"
  validation {
    condition     = can(regex("^([0-9*,/-]+) ([0-9*,/-]+) ([0-9*,/-]+) ([0-9A-Za-z*,/-]+) ([0-9A-Za-z*,/-]+)$", var.schedule))
    error_message = "schedule must have five fields of cron, such as \"15 3 * * *\"."
  }
}

variable "schedule_timezone" {
  description = "zone of schedule; a zone with summer time skips or repeats an hour"
  type        = string
  default     = "Etc/UTC"
}

variable "job_schedule" {
  description = "when the jobs are started, as cron, runtime job; a start without messages ends at once"
  type        = string
  default     = "20 * * * *"
  validation {
    condition     = can(regex("^([0-9*,/-]+) ([0-9*,/-]+) ([0-9*,/-]+) ([0-9A-Za-z*,/-]+) ([0-9A-Za-z*,/-]+)$", var.job_schedule))
    error_message = "job_schedule must have five fields of cron, such as \"20 * * * *\"."
  }
}

variable "schedule_paused" {
  description = "publish no ticks"
  type        = bool
  default     = false
}

variable "retention_days" {
  description = "days that Pub/Sub keeps messages, also acknowledged ones, so that they can be replayed"
  type        = number
  default     = 7
  validation {
    condition     = var.retention_days >= 1 && var.retention_days <= 31
    error_message = "retention_days must be from 1 to 31."
  }
}

variable "max_delivery_attempts" {
  description = "deliveries of a message before it goes to the dead letters; with 100 an outage of half a day loses none"
  type        = number
  default     = 100
  validation {
    condition     = var.max_delivery_attempts >= 5 && var.max_delivery_attempts <= 100
    error_message = "max_delivery_attempts must be from 5 to 100."
  }
}

variable "operators" {
  description = "who may publish ticks and backfills, replay and read the ledger: user:..., group:..., serviceAccount:..."
  type        = set(string)
  default     = []
  validation {
    condition     = alltrue([for m in var.operators : can(regex("^(user|group|serviceAccount|domain|principal|principalSet):.+$", m))])
    error_message = "operators must be members such as group:data@example.com."
  }
}

variable "analysts" {
  description = "who may read the data tables"
  type        = set(string)
  default     = []
  validation {
    condition     = alltrue([for m in var.analysts : can(regex("^(user|group|serviceAccount|domain|principal|principalSet):.+$", m))])
    error_message = "analysts must be members such as group:analytics@example.com."
  }
}

variable "notification_channels" {
  description = "channels of the alerts, projects/P/notificationChannels/N; empty: alerts are only shown in the console"
  type        = list(string)
  default     = []
  validation {
    condition     = alltrue([for c in var.notification_channels : can(regex("^projects/[^/]+/notificationChannels/[^/]+$", c))])
    error_message = "notification_channels must be full names, projects/P/notificationChannels/N."
  }
}

variable "backlog_hours" {
  description = "age of the oldest message that raises an alert; longer than the longest run"
  type        = number
  default     = 6
  validation {
    condition     = var.backlog_hours >= 1 && var.backlog_hours <= 168
    error_message = "backlog_hours must be from 1 to 168: a message that is being worked on counts as unacknowledged, so a shorter time always alerts."
  }
}

variable "freshness_hours" {
  description = "hours without a finished run that raise an alert"
  type        = number
  default     = 25
  validation {
    condition     = var.freshness_hours >= 2 && var.freshness_hours <= 25
    error_message = "freshness_hours must be from 2 to 25: Cloud Monitoring looks back 25 hours at most."
  }
}

variable "create_registry" {
  description = "make the Artifact Registry repository of the image"
  type        = bool
  default     = true
}

variable "enable_apis" {
  description = "enable the APIs that are needed"
  type        = bool
  default     = true
}

variable "labels" {
  description = "labels of all resources that take some"
  type        = map(string)
  default     = {}
}
