"""Use cases of categories. Source: primary contract 7.3."""

import itertools
from typing import Any

from django.db import IntegrityError, transaction

from catalog.models import Test, TestCategory
from catalog.selectors.categories import category_find
from catalog.services.slugs import slug_of
from cbt.kernel import audit, clock
from cbt.kernel.actor import Actor
from cbt.kernel.errors import invalid, not_found

INSERT_TRIES = 10


@transaction.atomic
def category_create(*, data: dict[str, Any], actor: Actor) -> TestCategory:
    """Make a category.

    data: name; optional slug (made of the name otherwise), description, is_active, sort_order.
    Raises VALIDATION_ERROR for a name or a given slug that is taken.
    """
    now = clock.now()
    category = TestCategory(created_at=now, updated_at=now)
    is_slug_made = _apply(category, data)
    _store(category, is_slug_made=is_slug_made)
    audit.record("catalog.category.created", actor=actor, obj=category, name=category.name)
    return _shown(category)


@transaction.atomic
def category_update(*, category_id: int, data: dict[str, Any], actor: Actor) -> TestCategory:
    """Change the given fields; a new name without a slug makes a new slug. Raises NOT_FOUND, VALIDATION_ERROR."""
    category = _locked(category_id)
    is_slug_made = _apply(category, data)
    category.updated_at = clock.now()
    _store(category, is_slug_made=is_slug_made)
    audit.record("catalog.category.updated", actor=actor, obj=category, fields=sorted(data))
    return _shown(category)


@transaction.atomic
def category_delete(*, category_id: int, actor: Actor) -> None:
    """Delete a category softly; its tests stay and lose it. Raises NOT_FOUND."""
    category = _locked(category_id)
    now = clock.now()
    category.deleted_at = category.updated_at = now
    category.save(update_fields=["deleted_at", "updated_at"])
    Test.objects.filter(category=category).update(category=None, updated_at=now)
    audit.record("catalog.category.deleted", actor=actor, obj=category)


@transaction.atomic
def category_ensure(*, slug: str, name: str, actor: Actor) -> TestCategory:
    """The live category with this slug, made under this name if there is none.

    Raises VALIDATION_ERROR for a name that another slug has.
    """
    found = TestCategory.objects.filter(slug=slug, deleted_at__isnull=True).first()
    return found or category_create(data={"name": name, "slug": slug}, actor=actor)


def _locked(category_id: int) -> TestCategory:
    category = TestCategory.objects.select_for_update().filter(pk=category_id, deleted_at__isnull=True).first()
    if category is None:
        raise not_found()
    return category


def _shown(category: TestCategory) -> TestCategory:
    found = category_find(category.pk)
    assert found is not None  # noqa: S101 -- stored in this very transaction
    return found


def _apply(category: TestCategory, data: dict[str, Any]) -> bool:
    """Set the given fields; tell whether the slug was made of the name."""
    is_renamed = "name" in data and data["name"] != category.name
    for name in ("name", "is_active", "sort_order"):
        if data.get(name) is not None:
            setattr(category, name, data[name])
    if "description" in data:
        category.description = data["description"] or ""
    if data.get("slug"):
        category.slug = slug_of(data["slug"])
        if not category.slug:
            raise invalid(slug="The slug must contain letters or digits.")
    elif is_renamed:
        category.slug = _free_slug(category)
        return True
    return False


def _free_slug(category: TestCategory) -> str:
    base = slug_of(category.name) or "category"
    live = TestCategory.objects.filter(deleted_at__isnull=True, slug__startswith=base[:240]).exclude(pk=category.pk)
    taken = set(live.values_list("slug", flat=True))
    # Names without Latin letters all begin alike, so there is no telling how many there are.
    candidates = itertools.chain([base], (f"{base[:240]}-{number}" for number in itertools.count(2)))
    return next(slug for slug in candidates if slug not in taken)


def _store(category: TestCategory, *, is_slug_made: bool) -> None:
    others = TestCategory.objects.filter(deleted_at__isnull=True).exclude(pk=category.pk)
    for tries_left in reversed(range(INSERT_TRIES)):
        if others.filter(name=category.name).exists():
            raise invalid(name="The name has already been taken.")
        if others.filter(slug=category.slug).exists() and not is_slug_made:
            raise invalid(slug="The slug has already been taken.")
        try:
            with transaction.atomic():
                category.save()
        except IntegrityError as error:  # somebody else was quicker between the look and the write
            if not is_slug_made or not tries_left:
                raise invalid(name="The name has already been taken.") from error
            category.slug = _free_slug(category)
        else:
            return
