variable "project" {
  description = "Id of the project that everything is made in."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "A project id has 6 to 30 characters of a-z, 0-9 and '-', begins with a letter, and is not the number or the display name."
  }
}

variable "region" {
  description = "Region of the buckets, the functions and the trigger. A trigger must be where its bucket is, so there is one for all."
  type        = string
  default     = "europe-west1"

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "Name one region such as europe-west1, not a multi-region such as EU and not a zone."
  }
}

variable "name" {
  description = "Begin of every name that is made here. Each deployment in a project has its own, and its own state."
  type        = string
  default     = "steel-defect"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,18}[a-z0-9]$", var.name))
    error_message = "A name has 4 to 20 characters of a-z, 0-9 and '-', and begins with a letter."
  }
}

variable "allow_unauthenticated" {
  description = "Whether anybody who has the URL may call the api function. Where false, a caller needs an identity token and roles/run.invoker."
  type        = bool
  default     = false
}

variable "api_callers" {
  description = "Who may call the api function, for example serviceAccount:line-3@my-project.iam.gserviceaccount.com or group:inspectors@example.com."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for caller in var.api_callers : can(regex("^(user|group|serviceAccount|principal|principalSet):", caller))])
    error_message = "Write each caller as user:..., group:..., serviceAccount:..., principal:... or principalSet:...; for everybody set allow_unauthenticated."
  }
}

variable "cameras" {
  description = "Who may put pictures into the bucket of uploads, written as api_callers are. They can neither read nor overwrite what is there."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for camera in var.cameras : can(regex("^(user|group|serviceAccount|principal|principalSet):", camera))])
    error_message = "Write each camera as user:..., group:..., serviceAccount:..., principal:... or principalSet:...."
  }
}

variable "model" {
  description = "Name of the model in the registry whose version in production the functions follow. Null: they serve the bundled model."
  type        = string
  default     = null

  validation {
    condition     = var.model == null ? true : can(regex("^[a-z0-9][a-z0-9._-]{0,62}$", var.model))
    error_message = "A model's name has at most 63 characters of a-z, 0-9, '.', '_' and '-'."
  }
}

variable "allowed_origins" {
  description = "Origins whose pages may call the api function from a browser, such as https://line-3.example. Their question whether they may shows no credentials: Cloud Run lets it through only with allow_unauthenticated."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for origin in var.allowed_origins : can(regex("^https?://[a-z0-9.-]+(:[0-9]+)?$", origin))])
    error_message = "An origin is as https://line-3.example:8443, without a path."
  }
}

variable "shadow_model" {
  description = "SHA-256 of a version of the model that scores uploads in the shadow of the one in production, and decides nothing. Null: none does."
  type        = string
  default     = null

  validation {
    condition     = var.shadow_model == null ? true : var.model != null && can(regex("^[0-9a-f]{64}$", var.shadow_model))
    error_message = "A version of the model is its SHA-256, and goes with model."
  }
}

variable "decision" {
  description = "Threshold and review band for whatever model serves, each in place of what its file says: defect_status is 1 from threshold on; the decision is pass below review_low and reject from review_high on."
  type = object({
    threshold   = optional(number)
    review_low  = optional(number)
    review_high = optional(number)
  })
  default = {}

  validation {
    condition     = coalesce(var.decision.review_low, 0) >= 0 && coalesce(var.decision.threshold, 0) >= 0 && coalesce(var.decision.review_high, 1) <= 1 && coalesce(var.decision.threshold, 1) <= 1 && coalesce(var.decision.review_low, 0) <= coalesce(var.decision.threshold, var.decision.review_high, 1) && coalesce(var.decision.threshold, 0) <= coalesce(var.decision.review_high, 1)
    error_message = "It must be 0 <= review_low <= threshold <= review_high <= 1."
  }
}

variable "pictures" {
  description = "What is known of the pictures beside their files: millimetres of strip that a pixel covers, bits of the camera's samples, and how the strip runs (horizontal, vertical, or auto: down a picture that is higher than wide)."
  type = object({
    mm_per_pixel = optional(number)
    bit_depth    = optional(number)
    orientation  = optional(string)
  })
  default = {}

  validation {
    condition     = coalesce(var.pictures.mm_per_pixel, 1) >= 0.001 && coalesce(var.pictures.mm_per_pixel, 1) <= 100
    error_message = "mm_per_pixel is from 0.001 to 100."
  }

  validation {
    condition     = contains(range(8, 17), coalesce(var.pictures.bit_depth, 8))
    error_message = "bit_depth is a whole number from 8 to 16."
  }

  validation {
    condition     = contains(["auto", "horizontal", "vertical"], coalesce(var.pictures.orientation, "auto"))
    error_message = "orientation is auto, horizontal or vertical."
  }
}

variable "max_instances" {
  description = "Most instances that each function may have at once: a ceiling on what it can cost."
  type        = number
  default     = 10

  validation {
    condition     = var.max_instances >= 1 && floor(var.max_instances) == var.max_instances
    error_message = "Give a whole number from 1."
  }
}

variable "uploads_bucket" {
  description = "Bucket of this project that cameras write to already. Null: one is made."
  type        = string
  default     = null
}

variable "results_bucket" {
  description = "Bucket of this project that is to get the results, and holds nothing else. Null: one is made."
  type        = string
  default     = null

  validation {
    condition     = var.results_bucket == null ? true : var.results_bucket != var.uploads_bucket
    error_message = "Take another bucket than that of the uploads: each result would be an upload."
  }
}

variable "ignored_suffixes" {
  description = "Ends of names of uploads that are no pictures: they get no result. Upper and lower case are the same."
  type        = list(string)
  default     = [".tmp", ".part", ".partial", ".filepart", ".crdownload", ".swp", ".json", ".xml", ".csv", ".txt", ".md5", ".sha256", ".log", ".db", ".ds_store"]

  validation {
    condition     = alltrue([for suffix in var.ignored_suffixes : can(regex("^[A-Za-z0-9._-]+$", suffix))])
    error_message = "A suffix has only A-Z, a-z, 0-9, '.', '_' and '-'."
  }
}

variable "capture_daily" {
  description = "Pictures of each kind that are kept for people to look at, a day. 0 keeps none."
  type        = number
  default     = 0

  validation {
    condition     = contains(range(1001), var.capture_daily)
    error_message = "From 0 to 1000 pictures."
  }
}

variable "coil_pattern" {
  description = "Regular expression for the key of an upload, with a group (?P<coil>...) and perhaps (?P<position_mm>...). Empty for .../COIL/NAME and .../COIL/NAME_128000mm.jpg."
  type        = string
  default     = ""

  validation {
    condition     = !can(regex("[';]", var.coil_pattern)) # it is in a command line
    error_message = "The pattern has no quote and no semicolon."
  }
}

variable "keep_uploads_days" {
  description = "Uploads are deleted that many days after they came, and can be had back for 37 days more. Null: never."
  type        = number
  default     = null

  validation {
    condition     = var.keep_uploads_days == null ? true : var.keep_uploads_days >= 1
    error_message = "Give at least one day, or null."
  }
}

variable "keep_results_days" {
  description = "As keep_uploads_days, for results."
  type        = number
  default     = null

  validation {
    condition     = var.keep_results_days == null ? true : var.keep_results_days >= 1
    error_message = "Give at least one day, or null."
  }
}

variable "delivery_attempts" {
  description = "How often an upload is tried before it goes to the dead letters."
  type        = number
  default     = 10

  validation {
    condition     = var.delivery_attempts >= 5 && var.delivery_attempts <= 100
    error_message = "Pub/Sub takes 5 to 100."
  }
}

variable "backfill_tasks" {
  description = "Tasks of the backfill job; all run at once, each on one processor."
  type        = number
  default     = 10

  validation {
    condition     = var.backfill_tasks >= 1 && var.backfill_tasks <= 1000
    error_message = "Give 1 to 1000."
  }
}

variable "alert_email" {
  description = "Who is told of alerts. Null: they only show in the console."
  type        = string
  default     = null

  validation {
    condition     = var.alert_email == null ? true : can(regex("^[^@ ]+@[^@ ]+$", var.alert_email))
    error_message = "That is no address."
  }
}

variable "alert_channels" {
  description = "Notification channels of Cloud Monitoring that are told as well, such as Slack, PagerDuty or a webhook: projects/P/notificationChannels/ID."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for channel in var.alert_channels : can(regex("^projects/[^/]+/notificationChannels/[0-9]+$", channel))])
    error_message = "Give each as projects/PROJECT/notificationChannels/ID."
  }
}

variable "log_sample_rate" {
  description = "Share of the good answers that get their whole line in the log. Errors, refusals, reviews and cold starts always do, and metrics count everything."
  type        = number
  default     = 0.1

  validation {
    condition     = var.log_sample_rate >= 0 && var.log_sample_rate <= 1
    error_message = "Give a share from 0 to 1."
  }
}

variable "alert_refused_share" {
  description = "Share of uploads that cannot be scored, over an hour, from which on there is an alert."
  type        = number
  default     = 0.2

  validation {
    condition     = var.alert_refused_share > 0 && var.alert_refused_share < 1
    error_message = "Give a share between 0 and 1."
  }
}

variable "alert_reject_share" {
  description = "Share of scored uploads that are decided to be rejected, over an hour, from which on there is an alert. Set it above what the line usually has."
  type        = number
  default     = 0.5

  validation {
    condition     = var.alert_reject_share > 0 && var.alert_reject_share < 1
    error_message = "Give a share between 0 and 1."
  }
}

variable "delete_data" {
  description = "Whether `terraform destroy` also deletes the buckets' contents: pictures, results and models. Where false it stops at a bucket that is not empty."
  type        = bool
  default     = false
}
