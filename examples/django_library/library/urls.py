"""One page: what a reader has at home."""

from django.http import HttpRequest, JsonResponse
from django.urls import path

from library.models import Loan


def at_home(request: HttpRequest, card: str) -> JsonResponse:
    loans = Loan.objects.filter(reader__card=card, returned_at=None).select_related("book")
    return JsonResponse({"titles": sorted(loan.book.title for loan in loans)})


urlpatterns = [path("readers/<str:card>/", at_home)]
