"""Forms of the Django admin that end in a use case."""

from typing import Any, ClassVar

from django import forms
from django.db import transaction
from django.db.models import Model

from cbt.kernel.actor import Actor
from cbt.kernel.errors import DomainError


class ServiceForm(forms.ModelForm):
    """A form whose validation ends with the use case itself, so that what it refuses stands beside its field."""

    actor: ClassVar[Actor]

    def act(self, data: dict[str, Any]) -> Model:
        """Call the service and return the stored row."""
        raise NotImplementedError

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        if self.errors:
            return
        try:
            with transaction.atomic():
                self.instance = self.act(self.cleaned_data)
        except DomainError as error:
            for name, texts in (error.fields or {"": [error.message]}).items():
                self.add_error(name if name in self.fields else None, texts)
