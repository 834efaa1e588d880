variable "budget" {
  description = "What the project may cost in a month: the billing account's id, an amount, and its currency (null: the account's). At half of it, at all of it, and once all of it is forecast, the alert's recipients and the account's administrators are told. Nothing is stopped. Null: no budget."
  type = object({
    billing_account = string
    amount          = number
    currency        = optional(string)
  })
  default = null

  validation {
    condition     = var.budget == null ? true : can(regex("^[0-9A-F]{6}-[0-9A-F]{6}-[0-9A-F]{6}$", var.budget.billing_account)) && var.budget.amount >= 1 && floor(var.budget.amount) == var.budget.amount
    error_message = "Give a billing account such as 012345-6789AB-CDEF01, and a whole amount from 1."
  }
}

locals {
  budgets = var.budget == null ? {} : { month = var.budget }
}

data "google_project" "budgeted" {
  for_each = local.budgets

  depends_on = [time_sleep.apis]
}

resource "google_billing_budget" "month" {
  for_each = local.budgets
  provider = google.billing

  billing_account = each.value.billing_account
  display_name    = var.name

  budget_filter {
    projects        = ["projects/${data.google_project.budgeted[each.key].number}"]
    calendar_period = "MONTH"
  }

  amount {
    specified_amount {
      units         = tostring(each.value.amount)
      currency_code = each.value.currency
    }
  }

  dynamic "threshold_rules" {
    for_each = { half = [0.5, "CURRENT_SPEND"], all = [1.0, "CURRENT_SPEND"], forecast = [1.0, "FORECASTED_SPEND"] }
    content {
      threshold_percent = threshold_rules.value[0]
      spend_basis       = threshold_rules.value[1]
    }
  }

  dynamic "all_updates_rule" {
    for_each = length(local.channels) == 0 ? [] : [local.channels]
    content {
      monitoring_notification_channels = all_updates_rule.value
    }
  }
}
