"""Books, their readers and what they borrow."""

import uuid

from django.contrib.auth.models import User
from django.db import models
from django.db.models import F, Q


class Book(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    title = models.CharField(max_length=120)
    isbn = models.CharField(max_length=13, unique=True)
    kind = models.CharField(max_length=10, choices=[("novel", "Novel"), ("poems", "Poems"), ("guide", "Guide")])
    price = models.DecimalField(max_digits=7, decimal_places=2)


class Reader(models.Model):
    user = models.OneToOneField(User, on_delete=models.CASCADE)
    card = models.CharField(max_length=12, unique=True)
    joined = models.DateField()


class Loan(models.Model):
    book = models.ForeignKey(Book, on_delete=models.CASCADE, related_name="loans")
    reader = models.ForeignKey(Reader, on_delete=models.CASCADE, related_name="loans")
    borrowed_at = models.DateTimeField()
    returned_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="returned_after", condition=Q(returned_at__isnull=True) | Q(returned_at__gte=F("borrowed_at"))
            )
        ]
