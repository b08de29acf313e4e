"""Addresses of buying and paying, below /api/."""

from django.urls import path

from commerce.api import buying, catalogue, payments, transactions

urlpatterns = [
    path("tests/catalog", catalogue.Catalogue.as_view(), name="catalogue"),
    path("tests/catalog/categories", catalogue.CatalogueCategories.as_view(), name="catalogue-categories"),
    path("tests/catalog/<int:test_id>", catalogue.CatalogueTest.as_view(), name="catalogue-test"),
    path("cart", buying.CartShow.as_view(), name="cart"),
    path("cart/add", buying.CartAdd.as_view(), name="cart-add"),
    path("cart/clear", buying.CartClear.as_view(), name="cart-clear"),
    path("cart/<int:test_id>", buying.CartRemove.as_view(), name="cart-test"),
    path("checkout", buying.Checkout.as_view(), name="checkout"),
    path("checkout/verify", buying.CheckoutVerify.as_view(), name="checkout-verify"),
    path("transactions", transactions.Transactions.as_view(), name="transactions"),
    path("transactions/purchased-tests", transactions.PurchasedTests.as_view(), name="purchased-tests"),
    path("transactions/<int:transaction_id>", transactions.TransactionShow.as_view(), name="transaction"),
    path(
        "transactions/<int:transaction_id>/payment", transactions.TransactionPayment.as_view(),
        name="transaction-payment",
    ),
    path(
        "transactions/<int:transaction_id>/payment/upload-proof", transactions.ProofUpload.as_view(),
        name="transaction-proof",
    ),
    path("payments/all", payments.AllPayments.as_view(), name="payments-all"),
    path("payments/pending", payments.PendingPayments.as_view(), name="payments-pending"),
    path("payments/verify", payments.PaymentVerify.as_view(), name="payment-verify"),
    path("payments/<int:payment_id>/verify", payments.PaymentShow.as_view(), name="payment-details"),
]  # fmt: skip
