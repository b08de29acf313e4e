"""Addresses of companies, plans, subscriptions and their bills, below ``/api/``. Words stand before numbers."""

from django.urls import path

from tenants.api import billing, companies, company_admins, plans, subscriptions
from tenants.api.views import RegisterCompany

urlpatterns = [
    path("auth/register-company", RegisterCompany.as_view(), name="register-company"),
    path("company", companies.OwnCompany.as_view(), name="own-company"),
    path("companies", companies.Companies.as_view(), name="companies"),
    path("companies/<int:company>", companies.OneCompany.as_view(), name="company"),
    path("companies/<int:company>/toggle-active", companies.ToggleActive.as_view(), name="company-toggle-active"),
    path("companies/<int:company>/admins", company_admins.CompanyAdmins.as_view(), name="company-admins"),
    path("company-admins/<int:admin>", company_admins.OneAdmin.as_view(), name="company-admin"),
    path("company-admins/<int:admin>/set-primary", company_admins.SetPrimary.as_view(), name="company-admin-primary"),
    path("subscription-plans", plans.Plans.as_view(), name="plans"),
    path("subscription-plans/<int:plan>", plans.OnePlan.as_view(), name="plan"),
    path("subscription-plans/<int:plan>/prices/all", plans.AllPlanPrices.as_view(), name="plan-prices-all"),
    path("subscription-plans/<int:plan>/prices", plans.PlanPrices.as_view(), name="plan-prices"),
    path("subscription-prices", plans.Prices.as_view(), name="prices"),
    path("subscription-prices/<int:price>", plans.OnePrice.as_view(), name="price"),
    path("subscriptions/available-plans", subscriptions.AvailablePlans.as_view(), name="available-plans"),
    path("subscriptions/purchase", subscriptions.Purchase.as_view(), name="subscription-purchase"),
    path("subscriptions/active", subscriptions.Active.as_view(), name="subscription-active"),
    path("subscriptions/history", subscriptions.History.as_view(), name="subscription-history"),
    path(
        "subscriptions/<int:subscription>/purchase-quota", subscriptions.PurchaseQuota.as_view(), name="purchase-quota"
    ),
    path("subscriptions/<int:subscription>/extend", subscriptions.Extend.as_view(), name="subscription-extend"),
    path("subscriptions/<int:subscription>/cancel", subscriptions.Cancel.as_view(), name="subscription-cancel"),
    path("payments", billing.Payments.as_view(), name="company-payments"),
    path("payments/upload-proof", billing.UploadProof.as_view(), name="company-payment-proof"),
    path("payments/<int:payment>", billing.OnePayment.as_view(), name="company-payment"),
    path("invoices", billing.Invoices.as_view(), name="invoices"),
    path("invoices/<int:invoice>", billing.OneInvoice.as_view(), name="invoice"),
    path("invoices/<int:invoice>/pdf", billing.InvoicePdf.as_view(), name="invoice-pdf"),
]
