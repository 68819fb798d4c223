"""Rows are seen through the project's own models, and rolled back by pytest-django."""

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from library.models import Book, Loan, Reader

from pytest_fixturesynth import Synth


def test_the_library_is_full(synth: Synth) -> None:
    assert Book.objects.count() == 20 and Loan.objects.count() == 20
    assert set(Book.objects.values_list("kind", flat=True)) <= {"novel", "poems", "guide"}
    assert all(loan.book.pk and loan.reader.user.username for loan in Loan.objects.select_related("reader__user"))


def test_rows_of_the_migrations_are_kept(synth: Synth) -> None:
    assert Permission.objects.filter(codename="add_book").count() == 1


def test_what_a_reader_has_at_home(synth: Synth, client: Client) -> None:
    reader = synth.make("library_reader")
    synth.make("library_loan", reader=reader, returned_at=None, book__title="Middlemarch")
    gone = synth.make("library_loan", reader=reader)
    Loan.objects.filter(pk=gone.pk).update(returned_at=gone.borrowed_at)
    assert client.get(f"/readers/{reader.card}/").json() == {"titles": ["Middlemarch"]}


@pytest.mark.parametrize("turn", [1, 2])
def test_every_test_finds_the_same_rows(synth: Synth, turn: int) -> None:
    assert Reader.objects.count() == 20
    Reader.objects.all().delete()
    assert synth.make("library_loan").reader.card
    assert Reader.objects.count() == 1


def test_a_book_without_inserting(synth: Synth) -> None:
    book = synth.build("library_book", title="Emma")
    assert isinstance(book, Book) and book.title == "Emma" and not Book.objects.filter(pk=book.pk).exists()
