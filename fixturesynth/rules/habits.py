"""What columns of some names usually hold: how often a flag is set, which keys an object has, how often nothing."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

__all__ = ["flag_weights", "json_options", "keys_of", "null_share", "values_of", "words_in"]

# Share of true, in percent, by the last word of the name that is here; others are set in two of five rows.
_SET: Final[Mapping[int, str]] = {
    3: "deleted banned suspended spam test fraud fraudulent blacklisted disabled locked archived removed",
    8: "blocked failed hidden revoked anonymous deceased retired expired cancelled canceled refunded muted "
       "discontinued admin superuser staff root flagged error reported closed bot internal deprecated obsolete frozen "
       "sensitive nsfw mfa draft urgent critical overdue abnormal readonly exclusive sticky pinned gift",
    30: "featured premium default primary main recurring private optional multiple required mandatory "
        "encrypted dirty fragile remote holiday weekend taxable read starred checked chronic trial",
    65: "subscribed newsletter success successful completed paid seen delivered opted notify notifications",
    88: "active enabled visible published verified confirmed approved public available valid accepted current "
        "online open allowed activated",
}  # fmt: skip
_SHARES: Final = {word: share for share, words in _SET.items() for word in words.split()}


def words_in(name: str) -> tuple[str, ...]:
    """The words of a snake or camel case name, lower case."""
    return tuple(re.findall(r"[a-z]+", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()))


def flag_weights(words: Sequence[str]) -> tuple[int, int]:
    """Weights of true and false for a flag of these words.

    >>> flag_weights(("is", "deleted")), flag_weights(("active",))
    ((3, 97), (88, 12))
    """
    turned = any(w in ("not", "no", "non", "un", "never") for w in words)
    share = next((_SHARES[w] for w in reversed(words) if w in _SHARES), 40)
    return (100 - share, share) if turned else (share, 100 - share)


_WEB: Final = ["web", "mobile", "api", "import"]
# Keys and types of objects by a word of the column's name; see rules.compounds for the types.
_KEYS: Final[tuple[tuple[str, Mapping[str, Any]], ...]] = (
    ("setting|preference|option|prefs", {
        "theme": ["light", "dark", "system"], "language": ["en", "de", "fr", "es"], "notifications": "boolean",
        "page_size": [10, 20, 50, 100]}),
    ("config|policy|policies|rule|flag|feature|behavio", {
        "enabled": "boolean", "timeout": [5, 10, 30, 60], "retries": [0, 1, 3, 5], "mode": ["auto", "manual"]}),
    ("address|location|geo|place", {
        "street": "string", "city": ["Berlin", "Chicago", "Lyon", "Denver", "Leeds", "Milano"],
        "postal_code": "integer", "country": ["US", "DE", "GB", "FR", "IT"]}),
    ("header", {
        "content-type": ["application/json", "text/html"], "accept-language": ["en-US", "de-DE", "fr-FR"],
        "x-request-id": "integer"}),
    ("request|params|argument|args|input|query|filter|criteria|condition|search|variable|env", {
        "q": "string", "page": [1, 1, 1, 2, 3], "per_page": [20, 50], "sort": ["created_at", "name", "-created_at"]}),
    ("response|result|output|report", {
        "status": ["ok", "ok", "ok", "error"], "code": [200, 200, 201, 404, 500], "took_ms": "integer"}),
    ("error|exception|failure|trace", {
        "code": ["timeout", "not_found", "invalid", "denied"], "message": "string", "line": "integer"}),
    ("change|diff|old_|new_|before|after|snapshot|history|audit|delta", {
        "field": ["status", "name", "email", "price", "owner"], "from": "string", "to": "string"}),
    ("permission|scope|acl|privilege|grant|role", {
        "read": "boolean", "write": "boolean", "admin": "boolean"}),
    ("profile|user|customer|person|contact|account|claims", {
        "name": "string", "language": ["en", "de", "fr", "es"], "age": "integer", "verified": "boolean"}),
    ("dimension|size|measure|box", {"width": "integer", "height": "integer", "depth": "integer", "unit": ["cm", "in"]}),
    ("image|photo|media|file|attachment|avatar|thumbnail", {
        "name": "string", "width": "integer", "height": "integer", "format": ["jpg", "png", "webp"]}),
    ("payment|billing|invoice|price|charge|amount|money|fee|tax", {
        "currency": ["USD", "EUR", "GBP"], "amount": "number", "method": ["card", "transfer", "paypal"]}),
    ("stat|metric|count|usage|score|summary|total|kpi|telemetry|reading|measurement|sensor", {
        "count": "integer", "mean": "number", "max": "integer"}),
    ("label|tag|annotation|categor|keyword", {"env": ["prod", "staging", "dev"], "team": "string", "tier": [1, 2, 3]}),
    ("schedule|hours|calendar|timetable|availability|period", {
        "day": ["mon", "tue", "wed", "thu", "fri"], "from": ["08:00", "09:00"], "to": ["17:00", "18:00"]}),
    ("attribute|propert|spec|variant|characteristic|detail", {
        "color": ["black", "white", "blue", "red"], "material": ["cotton", "steel", "wood"], "weight": "integer"}),
    ("layout|widget|style|design|theme|template|dashboard|view", {
        "columns": [1, 2, 3, 4], "color": ["#1f77b4", "#2ca02c", "#d62728"], "compact": "boolean"}),
    ("device|client|agent|browser|platform", {
        "os": ["Windows", "Android", "iOS", "macOS"], "browser": ["Chrome", "Safari", "Firefox"], "mobile": "boolean"}),
    ("event|payload|message|body|notification|activity|log", {
        "event": ["created", "updated", "deleted"], "id": "integer", "source": _WEB, "at": "date"}),
    ("extra|meta|context|custom|additional|info", {
        "source": _WEB, "version": "integer", "tag": "string", "verified": "boolean"}),
)  # fmt: skip


def keys_of(name: str) -> Mapping[str, Any] | None:
    """Keys with types for objects in a column of this name; None where it tells nothing.

    >>> list(keys_of("user_settings"))
    ['theme', 'language', 'notifications', 'page_size']
    """
    lowered = name.lower()
    return next((keys for words, keys in _KEYS if re.search(words, lowered)), None)


# JSON columns that hold lists, by the last word of the name: of texts, and of objects.
_LISTED: Final[tuple[tuple[str, str], ...]] = (
    ("tags keywords topics categories", "draft urgent news review internal release"),
    ("permissions scopes roles grants", "read write admin"),
    ("urls uris links", "https://example.com/docs https://example.org/help https://www.example.net/start"),
    ("emails", "ann@example.com lee@example.org sam@example.net"),
    ("domains hosts hostnames", "example.com app.example.org api.example.net"),
    ("ips addresses", "192.0.2.10 198.51.100.7 203.0.113.25"),
    ("languages locales langs", "en de fr es ja"),
    (
        "names columns fields aliases features types codes transports checks dependencies args arguments volumes "
        "mounts interests skills extensions protocols formats ciphers",
        "name status total email code created",
    ),
)
_OF_TEXTS: Final = {last: values.split() for words, values in _LISTED for last in words.split()}
_OF_OBJECTS: Final = set(
    words_in(
        "items entries lines files attachments sources embeds tasks steps events messages comments errors warnings "
        "participants recipients members users images photos conditions filters rules tools blocks "
        "sections widgets cards choices answers questions results revisions products orders payments "
        "changes notes actions triggers folders charts"
    )
)


def json_options(name: str, default: str | None) -> Mapping[str, Any]:
    """Options of the rule ``json`` for a column of this name and default: which keys, or a list of what.

    >>> json_options("scopes", None), json_options("request", "'{}'::jsonb")["keys"]["page"]
    ({'texts': ['read', 'write', 'admin']}, [1, 1, 1, 2, 3])
    """
    keys = keys_of(name)
    options: dict[str, Any] = {"keys": dict(keys)} if keys is not None else {}
    last = (words_in(name) or ("",))[-1]
    told = (default or "").replace(" ", "")
    if "{}" in told:
        return options  # what the column holds at first tells more than a plural
    if last in _OF_TEXTS:
        return {"texts": _OF_TEXTS[last]}
    return {**options, "items": True} if last in _OF_OBJECTS or "[]" in told else options


# By meaning; others are NULL in a tenth of the rows.
_NULLS: Final[Mapping[str, float]] = {
    "deleted_at": 0.9, "cancelled_at": 0.9, "death_date": 0.85, "email": 0.02, "created_at": 0.02, "updated_at": 0.02,
    "error": 0.8, "end": 0.35, "ship_date": 0.2, "delivery_date": 0.3, "paid_at": 0.15, "published_at": 0.15,
    "confirmed_at": 0.15, "middle_name": 0.5, "maiden_name": 0.8, "suffix": 0.9, "prefix": 0.3, "address_line_2": 0.7,
    "fax": 0.7, "coupon": 0.8, "reason": 0.6, "phone_extension": 0.8, "notes": 0.5, "comment": 0.4, "nickname": 0.5,
    "expires_at": 0.3, "first_name": 0.03, "last_name": 0.03, "full_name": 0.03, "name": 0.03, "title": 0.05,
    "status": 0.02, "price": 0.03, "amount": 0.03, "quantity": 0.02, "total": 0.03, "count": 0.05, "flag": 0.04,
    "country": 0.05, "city": 0.05, "postal_code": 0.05, "type": 0.05,
}  # fmt: skip


def null_share(meaning: str | None) -> float:
    """Share of NULL in a nullable column of this meaning when there are no rows to learn it from."""
    return _NULLS.get(meaning or "", 0.1)


# Values of columns whose meaning is no more than a status or a type: by a word of the column's name or, for those
# called status, of the table's; most frequent first.
_STATUSES: Final[tuple[tuple[str, str], ...]] = (
    ("order|sale|purchase|checkout", "paid shipped delivered pending cancelled refunded"),
    ("payment|charge|transaction|transfer|payout|refund|settlement", "completed pending processing failed refunded"),
    ("invoice|bill", "paid sent draft overdue void"),
    ("attendee|rsvp|invitee", "accepted tentative declined pending"),
    ("presence", "online away offline busy"),
    ("ticket|issue|task|todo|incident|bug|case|request|story|alarm|alert",
     "open in_progress resolved closed on_hold"),
    ("job|run|build|pipeline|execution|workflow|deploy|import|export|sync|batch|migration|backup|scan|test",
     "succeeded running queued failed cancelled"),
    ("subscription|membership|plan|licen", "active trialing past_due cancelled expired"),
    ("post|article|page|content|document|book|course|product|listing|campaign|news|blog", "published draft archived"),
    ("comment|review|invit|friend|application|leave|approval|claim|loan|verification", "approved pending rejected"),
    ("ship|deliver|parcel|package|freight|consignment", "delivered in_transit pending out_for_delivery returned"),
    ("appointment|booking|reservation|visit|event|meeting|session|class|flight|trip|ride",
     "confirmed completed scheduled cancelled no_show"),
    ("message|mail|email|sms|notification|push|webhook", "delivered sent queued failed bounced"),
    ("device|sensor|machine|server|node|host|station|gateway|vehicle|equipment", "online offline maintenance error"),
    ("employee|staff|worker|contract", "active on_leave terminated probation"),
    ("user|account|customer|member|client|tenant|patient|student", "active inactive pending suspended"),
    ("table|seat|room|bed|slot|locker|parking", "available occupied reserved out_of_service"),
)  # fmt: skip
_VALUES: Final[tuple[tuple[str, str], ...]] = (
    ("(?:time|period|interval|duration)_unit", "days hours weeks months minutes"),
    ("grant_type|grant", "authorization_code client_credentials refresh_token password"),
    ("operator|comparator", "equals contains starts_with greater_than less_than"),
    ("action|operation|event_type|activity|verb", "create update delete view login export"),
    ("direction", "inbound outbound"),
    ("environment|env|stage_name", "production staging development test"),
    ("visibility|privacy|audience", "public private internal"),
    ("channel|medium", "web email phone mobile store"),
    ("source|origin", "web mobile api import referral"),
    ("principal_type|grantee_type|actor_type|member_type", "user group service"),
    ("theme|color_scheme|appearance", "light dark system"),
    ("vcs|scm|repo_type|repository_type", "git hg svn"),
    ("change_type", "added modified deleted renamed"),
    ("viz_type|chart_type|graph_type|widget_type", "bar line pie table area scatter"),
    ("resource|entity_type|subject_type|object_type|target_type|model_type|owner_type|able_type|item_type",
     "user order product document comment"),
    ("algorithm|algo|digest|cipher|hash_type", "sha256 sha512 md5"),
    ("encoding|charset", "utf-8 latin-1 ascii"),
    ("format", "json csv pdf xml html"),
    ("fuel", "petrol diesel electric hybrid"),
    ("transmission", "manual automatic"),
    ("mood", "neutral happy sad angry"),
    ("weather|condition", "clear cloudy rain snow fog"),
    ("breed", "Labrador Beagle Siamese Poodle Persian"),
    ("cuisine", "Italian Mexican Indian Chinese French Japanese"),
    ("(?:ship|deliver|freight)[a-z]*_method", "standard express pickup"),
    ("method", "manual automatic import api"),
    ("effect", "allow deny"),
    ("strategy|policy|mode", "default automatic manual strict"),
    ("trigger", "manual schedule push webhook"),
    ("certainty", "confirmed suspected possible"),
    ("result|outcome", "success failure partial error"),
    ("resolution|disposition", "fixed done duplicate wont_fix invalid"),
    ("job_type|task_type", "email export import cleanup report"),
    ("transaction_type|entry_type|movement", "debit credit transfer fee refund"),
    ("account_type", "checking savings credit loan"),
    ("contact_type|phone_type|address_type", "home work mobile other"),
    ("document_type|doc_type", "invoice contract report receipt"),
    ("leave_type|absence", "vacation sick parental unpaid"),
    ("room_type|bed_type", "single double suite family"),
    ("vehicle_type|body_type", "car van truck motorcycle bicycle"),
    ("metric_type|instrument_type", "counter gauge histogram summary"),
    ("sensor_type|measurement|quantity_type", "temperature humidity pressure motion light"),
    ("employment_type|contract_type|work_type", "full_time part_time contractor intern"),
    ("question_type|field_type|input_type|data_type|value_type", "text number choice boolean date"),
    ("media_type|content_type|file_type|asset_type|attachment_type", "image video audio document"),
    ("notification_type|message_type", "email push sms in_app"),
    ("shape|layer", "circle square polygon line"),
)  # fmt: skip


def values_of(meaning: str, column: str, table: str) -> list[str] | None:
    """Values of a status or type by the words of the column and its table; None where they tell nothing.

    >>> values_of("status", "status", "invoices")
    ['paid', 'sent', 'draft', 'overdue', 'void']
    """
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", column).lower()
    if meaning == "status":
        own = re.sub(r"_?(status|state|code|cd|name)$", "", snake)
        words = next((v for w, v in _VALUES if re.search(rf"(?:^|_)(?:{w})$", snake)), None) or next(
            (v for name in (own, table.lower()) if name for w, v in _STATUSES if re.search(w, name)), None
        )
        return words.split() if words else None
    if meaning == "role" and re.search(r"message|chat|conversation|turn|prompt|completion", table.lower()):
        return ["user", "assistant", "system", "tool"]
    if meaning == "type":
        whole = f"{table.lower().rstrip('s')}_{snake}" if snake in ("type", "kind", "typ") else snake
        words = next((v for w, v in _VALUES if re.search(rf"(?:^|_)(?:{w})(?:_type|_name|_code)?$", whole)), None)
        return words.split() if words else None
    return None
