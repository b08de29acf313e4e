"""The contract's examples, as the documentation shows them."""

from typing import Any

TEST: dict[str, Any] = {
    "id": 1, "name": "Test Name", "code": "TEST-001", "description": "Test description", "price": 50000.00,
    "question_count": 50, "duration_minutes": 60, "type": "public",
    "category": {"id": 1, "name": "Category Name", "slug": "category-name"}, "is_active": True,
    "created_at": "2024-01-01T00:00:00Z",
}  # fmt: skip
ITEM: dict[str, Any] = {
    "id": 1, "test": TEST, "test_id": 1, "price": 50000.00, "created_at": "2024-01-01T00:00:00Z",
}  # fmt: skip
CART: dict[str, Any] = {"items": [ITEM], "summary": {"item_count": 1, "total": 50000.00}}
PAYMENT: dict[str, Any] = {
    "id": 1, "payment_number": "PAY-20240101-ABC12345", "amount": 50000.00, "method": "manual", "status": "pending",
    "proof_file": "http://localhost:8000/storage/payments/proofs/abc123.jpg?signature=1abc:xyz",
    "notes": "Payment notes", "paid_at": None, "payable_type": "transaction", "payable_id": 1,
    "created_at": "2024-01-01T00:00:00Z", "updated_at": "2024-01-01T00:00:00Z",
}  # fmt: skip
TRANSACTION: dict[str, Any] = {
    "id": 1, "transaction_number": "TRX-ABC123XYZ0", "total_amount": 50000.00, "status": "pending", "items": [ITEM],
    "payment": {
        "id": 1, "payment_number": "PAY-20240101-ABC12345", "amount": 50000.00, "status": "pending",
        "payment_method": "manual", "proof_url": None,
    },
    "created_at": "2024-01-01T00:00:00Z", "updated_at": "2024-01-01T00:00:00Z",
}  # fmt: skip
VERIFY = {"payment_id": 1, "approved": True, "notes": "Payment verified"}


def answer(data: Any, message: str, status: int = 200) -> dict[str, Any]:
    """Return the envelope round ``data``."""
    return {"success": True, "message": message, "data": data, "status_code": status}
