"""The keys of every shape, as the contract and its details list them."""

TEST_KEYS = {
    "id", "name", "code", "description", "price", "question_count", "duration_minutes", "type", "category",
    "is_active", "created_at",
}  # fmt: skip
ITEM_KEYS = {"id", "test", "test_id", "price", "created_at"}
TRANSACTION_KEYS = {
    "id", "transaction_number", "total_amount", "status", "items", "payment", "created_at", "updated_at",
}  # fmt: skip
ORDER_PAYMENT_KEYS = {"id", "payment_number", "amount", "status", "payment_method", "proof_url"}
PAYMENT_KEYS = {
    "id", "payment_number", "amount", "method", "status", "proof_file", "notes", "paid_at", "payable_type",
    "payable_id", "created_at", "updated_at",
}  # fmt: skip
