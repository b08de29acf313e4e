"""What the routes of buying and paying read and write."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from catalog.models import Test
from cbt.http.fields import IdField, Input, Money, OutputSerializer
from cbt.http.request import Request
from cbt.kernel import clock, storage
from commerce.models import CartItem, Payment, PublicTransaction, PublicTransactionItem
from commerce.selectors.carts import CartView

NOTES_MAX = 1000


class CartAddIn(Input):
    """Which test."""

    test_id = IdField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["test_id"]
        field.error_messages |= {
            "required": "Test ID is required.",
            "null": "Test ID is required.",
            "invalid": "Test ID must be an integer.",
            "max_string_length": "Test ID must be an integer.",
        }
        validator: Any
        for validator in field.validators:
            validator.message = "Test not found."


class ProofIn(Input):
    """A proof of payment: multipart with the file, the payer's notes, and the transaction once more."""

    transaction_id = IdField(required=False, allow_null=True)
    proof_file = serializers.FileField(help_text="jpg, jpeg, png or pdf, at most 5120 KB", allow_empty_file=True)
    notes = serializers.CharField(max_length=NOTES_MAX, required=False, allow_null=True, allow_blank=True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["proof_file"].error_messages["invalid"] = "The proof file field is required."


class VerifyIn(Input):
    """A decision. Contract 7.6."""

    payment_id = IdField()
    approved = serializers.BooleanField()
    notes = serializers.CharField(max_length=NOTES_MAX, required=False, allow_null=True, allow_blank=True)


class CatalogCategoryOut(OutputSerializer):
    """A category in short."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    slug = serializers.CharField()


class CatalogTestOut(OutputSerializer):
    """A test as buyers see it. Contract 2.2."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    code = serializers.CharField()
    description = serializers.SerializerMethodField()
    price = Money()
    question_count = serializers.IntegerField()
    duration_minutes = serializers.IntegerField()
    type = serializers.CharField()
    category = CatalogCategoryOut(allow_null=True)
    is_active = serializers.BooleanField()
    created_at = serializers.DateTimeField()

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_description(self, test: Test) -> str | None:
        """Null where there is none."""
        return test.description or None


class CatalogDetailOut(CatalogTestOut):
    """A test, and whether the caller has bought it."""

    is_purchased = serializers.BooleanField()


class ItemOut(OutputSerializer):
    """A test in a cart at today's price, or in an order at the price of its checkout."""

    id = serializers.IntegerField()
    test = CatalogTestOut()
    test_id = serializers.IntegerField()
    price = Money()
    created_at = serializers.DateTimeField()


class CartSummaryOut(OutputSerializer):
    """The cart in two numbers."""

    item_count = serializers.IntegerField()
    total = Money()


class CartOut(OutputSerializer):
    """A cart. Contract 2.3."""

    items = ItemOut(many=True)
    summary = CartSummaryOut()


class VerifiedCartOut(OutputSerializer):
    """A cart that could be checked out. Contract 2.4."""

    valid = serializers.BooleanField()
    item_count = serializers.IntegerField()
    total = Money()
    items = ItemOut(many=True)


class OrderPaymentOut(OutputSerializer):
    """The newest payment of an order, in short."""

    id = serializers.IntegerField()
    payment_number = serializers.CharField()
    amount = Money()
    status = serializers.CharField()
    payment_method = serializers.CharField()
    proof_url = serializers.URLField(allow_null=True)


class TransactionOut(OutputSerializer):
    """An order. Contract 2.4."""

    id = serializers.IntegerField()
    transaction_number = serializers.CharField()
    total_amount = Money()
    status = serializers.CharField()
    items = ItemOut(many=True)
    payment = OrderPaymentOut(allow_null=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class PurchasedTestOut(OutputSerializer):
    """A bought test. Contract 2.5."""

    test = CatalogTestOut()
    purchased_at = serializers.DateTimeField()
    transaction_number = serializers.CharField()


class PaymentOut(OutputSerializer):
    """A payment. proof_file: signed address, good for ten minutes. payable_type: transaction,
    subscription_transaction or invoice."""

    id = serializers.IntegerField()
    payment_number = serializers.CharField()
    amount = Money()
    method = serializers.CharField()
    status = serializers.CharField()
    proof_file = serializers.URLField(allow_null=True)
    notes = serializers.CharField(allow_null=True)
    paid_at = serializers.DateTimeField(allow_null=True)
    payable_type = serializers.CharField()
    payable_id = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


def proof_url(payment: Payment, request: Request) -> str | None:
    """Return the absolute signed address of the proof, None while there is none."""
    return request.build_absolute_uri(storage.signed_path(payment.proof_file)) if payment.proof_file else None


def payment_shape(payment: Payment, request: Request) -> dict[str, Any]:
    """Write a payment as every route of it does."""
    return {
        "id": payment.pk,
        "payment_number": payment.payment_number,
        "amount": Money().to_representation(payment.amount),
        "method": payment.method,
        "status": payment.status,
        "proof_file": proof_url(payment, request),
        "notes": payment.notes or None,
        "paid_at": clock.iso(payment.paid_at),
        "payable_type": payment.purpose,
        "payable_id": payment.payable_id,
        "created_at": clock.iso(payment.created_at),
        "updated_at": clock.iso(payment.updated_at),
    }


def _item_shape(item: CartItem | PublicTransactionItem) -> dict[str, Any]:
    price = item.price_amount if isinstance(item, PublicTransactionItem) else item.test.price
    return {
        "id": item.pk,
        "test": CatalogTestOut(item.test).data,
        "test_id": item.test_id,
        "price": Money().to_representation(price),
        "created_at": clock.iso(item.created_at),
    }


def cart_shape(cart: CartView) -> dict[str, Any]:
    """Write a cart."""
    total = Money().to_representation(cart.total)
    return {
        "items": [_item_shape(item) for item in cart.items],
        "summary": {"item_count": cart.item_count, "total": total},
    }


def verified_shape(cart: CartView) -> dict[str, Any]:
    """Write a cart that could be checked out."""
    shape = cart_shape(cart)
    return {"valid": True, **shape["summary"], "items": shape["items"]}


def transaction_shape(order: PublicTransaction, payment: Payment | None, request: Request) -> dict[str, Any]:
    """Write an order with its newest payment."""
    return {
        "id": order.pk,
        "transaction_number": order.transaction_number,
        "total_amount": Money().to_representation(order.total_amount),
        "status": order.status,
        "items": [_item_shape(item) for item in order.items.all()],
        "payment": None if payment is None else _order_payment(payment, request),
        "created_at": clock.iso(order.created_at),
        "updated_at": clock.iso(order.updated_at),
    }


def _order_payment(payment: Payment, request: Request) -> dict[str, Any]:
    return {
        "id": payment.pk,
        "payment_number": payment.payment_number,
        "amount": Money().to_representation(payment.amount),
        "status": payment.status,
        "payment_method": payment.method,
        "proof_url": proof_url(payment, request),
    }
