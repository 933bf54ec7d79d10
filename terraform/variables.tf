# SPDX-License-Identifier: Apache-2.0
# What differs between deployments. modules/caseload has more variables, and checks them.

variable "project" {
  description = "Google Cloud project"
  type        = string
}

variable "region" {
  description = "region of the worker, such as europe-west1"
  type        = string
}

variable "location" {
  description = "location of the datasets, such as EU; it can't be changed later"
  type        = string
}

variable "start_date" {
  description = "first day to load, YYYY-MM-DD"
  type        = string
}

variable "timezone" {
  description = "zone whose days partition_date counts; fixed once rows are loaded"
  type        = string
  default     = "Etc/UTC"
}

variable "streams" {
  description = "streams to load, see `caseload streams`; null: the default streams"
  type        = set(string)
  default     = null
}

variable "runtime" {
  description = "where the worker runs: worker_pool, job, vm or none"
  type        = string
  default     = "none"
}

variable "image" {
  description = "image of the worker, by digest; not needed while runtime is none"
  type        = string
  default     = null
}

variable "settings" {
  description = "other settings of the worker, such as {lookback_days = 3}"
  type        = any
  default     = {}
}

variable "token" {
  description = "access token of Intercom; it never reaches plan or state"
  type        = string
  ephemeral   = true
  sensitive   = true
  default     = null
}

variable "token_version" {
  description = "raise it by one to store another token; 0: token is not given"
  type        = number
  default     = 0
}

variable "operators" {
  description = "who may publish, replay and read the ledger, such as group:data@example.com"
  type        = set(string)
  default     = []
}

variable "notification_channels" {
  description = "channels of the alerts, projects/P/notificationChannels/N"
  type        = list(string)
  default     = []
}
