# SPDX-License-Identifier: Apache-2.0

output "image_repository" {
  description = "where the image is pushed to"
  value       = module.caseload.image_repository
}

output "config" {
  description = "the worker's configuration, by subscription"
  value       = module.caseload.config
}

output "next_steps" {
  description = "what remains to be done, as commands"
  value       = module.caseload.next_steps
}
