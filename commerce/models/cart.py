"""What a private buyer is about to buy."""

from django.conf import settings
from django.db import models


class Cart(models.Model):
    """The one cart of a buyer. Its row lock orders everything that decides what the buyer may still buy."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="cart")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"cart {self.pk}"


class CartItem(models.Model):
    """One test in a cart, at most once. It has no price: the test's counts until checkout."""

    cart = models.ForeignKey(Cart, on_delete=models.CASCADE, related_name="items")
    test = models.ForeignKey("catalog.Test", on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["cart", "test"], name="cart_item_once")]

    def __str__(self) -> str:
        return f"cart item {self.pk}"
