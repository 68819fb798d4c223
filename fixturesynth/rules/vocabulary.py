"""Words and short lists that are not Faker's: neutral English for titles and texts, codes of the world, statuses."""

from functools import lru_cache
from typing import Final

from fixturesynth.rules.grammar import Pool

__all__ = [
    "ADJECTIVES",
    "COLORS",
    "CURRENCIES",
    "DETERMINERS",
    "FILLERS",
    "GENDERS",
    "LANGUAGES",
    "LISTS",
    "LOCALES",
    "MIME_TYPES",
    "MODALS",
    "NOUNS",
    "PREPOSITIONS",
    "STATUSES",
    "TIMEZONES",
    "TRANSITIVE",
    "USER_AGENTS",
    "VERBS",
    "listed",
    "words",
]


def listed(text: str) -> tuple[str, ...]:
    """Words divided by blanks."""
    return tuple(text.split())


NOUNS: Final = listed("""
    time year people way day thing world life hand part place case week company system program question work
    number night point home water room mother area money story fact month lot right study book eye job word
    business issue side kind head house service friend father power hour game line end member law car city
    community name team minute idea body information back parent face others level office door health person art
    war history party result change morning reason research girl guy moment air teacher force education order
    price market product customer account report project design test plan model garden river mountain coffee paper
    kitchen window table bridge station journey letter summer winter autumn spring island forest harbor valley
    village museum library engine signal camera guitar piano lamp carpet basket bottle jacket ticket pocket mirror
    blanket candle hammer ladder
""")
ADJECTIVES: Final = listed("""
    new good high old great big small large young different local social important long early possible public able
    political late general full far low available special short single common current strong whole free military
    true federal international human clear recent certain personal open red difficult likely final main bright
    quiet warm cold fresh gentle golden hidden modern narrow plain quick rapid simple smooth steady sudden tiny
    vast wild
""")
VERBS: Final = listed("""
    make know get see take come think look want give use find tell ask work feel try leave call keep let begin
    help show hear play run move live believe bring happen write provide sit stand lose pay meet include continue
    set learn change lead understand watch follow stop create speak read allow add spend grow open walk win offer
    remember
""")
FILLERS: Final = listed("""
    the of and a to in is for with on as by at from that this it are was be an or their more when all can into its
    about than after which also before very only over two between some our your
""")

# Words of plain sentences: which may stand before a noun, which let a verb stay as it is, verbs that take an object.
DETERMINERS: Final = {"the": 12, "this": 3, "our": 3, "every": 2, "each": 2, "that": 1, "another": 1, "their": 1}
MODALS: Final = {"can": 6, "will": 5, "may": 3, "should": 3, "must": 2, "could": 1, "would": 1}
TRANSITIVE: Final = listed("""
    make know get see take want give use find ask leave keep help show hear run move bring write provide lose pay meet
    include continue set learn change lead understand watch follow stop create read allow add open win offer remember
""")
PREPOSITIONS: Final = {
    "for": 5,
    "with": 5,
    "in": 4,
    "from": 4,
    "at": 2,
    "before": 2,
    "after": 2,
    "near": 1,
    "without": 1,
}

COLORS: Final = {
    "black": 12, "white": 12, "blue": 10, "red": 10, "green": 8, "gray": 8, "yellow": 5, "orange": 4, "purple": 4,
    "pink": 4, "brown": 4, "navy": 3, "teal": 2, "maroon": 2, "olive": 2, "silver": 2, "gold": 2, "beige": 2,
}  # fmt: skip
LANGUAGES: Final = {
    "en": 40, "es": 12, "de": 8, "fr": 8, "zh": 7, "pt": 6, "ja": 5, "it": 4, "ru": 3, "nl": 2, "ko": 2, "pl": 2,
    "tr": 2,
    "ar": 2, "sv": 1, "da": 1, "fi": 1, "cs": 1, "el": 1, "he": 1, "hi": 1,
}  # fmt: skip
LOCALES: Final = {
    "en-US": 40, "en-GB": 12, "es-ES": 8, "de-DE": 8, "fr-FR": 8, "pt-BR": 6, "zh-CN": 6, "ja-JP": 5, "it-IT": 4,
    "nl-NL": 2, "ko-KR": 2, "pl-PL": 2, "sv-SE": 1,
}  # fmt: skip
CURRENCIES: Final = {
    "USD": 50, "EUR": 25, "GBP": 8, "JPY": 4, "CAD": 4, "AUD": 3, "CHF": 2, "SEK": 1, "NOK": 1, "DKK": 1,
    "INR": 1, "BRL": 1,
}  # fmt: skip
TIMEZONES: Final = {
    "UTC": 20, "America/New_York": 16, "Europe/London": 12, "America/Los_Angeles": 12, "Europe/Berlin": 9,
    "America/Chicago": 8, "Europe/Paris": 6, "Asia/Tokyo": 4, "Asia/Kolkata": 4, "Australia/Sydney": 3,
    "America/Sao_Paulo": 3, "Asia/Shanghai": 3,
}  # fmt: skip
MIME_TYPES: Final = {
    "application/json": 12, "text/html": 12, "image/jpeg": 12, "image/png": 12, "application/pdf": 10, "text/plain": 8,
    "text/csv": 5, "application/zip": 3, "video/mp4": 3, "audio/mpeg": 3, "image/gif": 3, "application/xml": 2,
}  # fmt: skip
USER_AGENTS: Final = {
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/126.0.0.0 Safari/537.36": 30,
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/17.5 Safari/605.1.15": 18,
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148": 22,
    "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0": 8,
    "curl/8.5.0": 2,
}  # fmt: skip
STATUSES: Final = {"active": 50, "pending": 18, "completed": 14, "inactive": 8, "cancelled": 6, "failed": 4}
GENDERS: Final = {"female": 49, "male": 49, "other": 2}


@lru_cache(maxsize=1)
def words() -> Pool:
    """Nouns, adjectives and verbs, all alike: for slugs, paths and keys."""
    return Pool.of(sorted({*NOUNS, *ADJECTIVES, *VERBS}))


# What columns of these meanings hold where there are no rows to learn from, most frequent first.
LISTS: Final[dict[str, list[str]]] = {
    "answer": ["Yes", "No", "Not sure", "Sometimes", "Never"],
    "blood_type": ["O+", "A+", "B+", "O-", "A-", "AB+", "B-", "AB-"],
    "brand": ["Northwind", "Acme", "Globex", "Initech", "Umbra", "Stellar", "Vertex", "Lumen", "Orion", "Zenith"],
    "browser": ["Chrome", "Safari", "Edge", "Firefox", "Opera"],
    "carrier": ["UPS", "FedEx", "DHL", "USPS", "DPD", "GLS", "Maersk"],
    "cron": ["0 * * * *", "0 0 * * *", "*/15 * * * *", "0 6 * * 1", "30 2 * * *", "0 9 * * 1-5", "0 0 1 * *"],
    "diagnosis": ["Hypertension", "Type 2 diabetes", "Asthma", "Migraine", "Influenza", "Anxiety disorder",
                  "Lower back pain", "Bronchitis", "Sinusitis", "Fracture of wrist", "Anaemia", "Eczema"],
    "ethnicity": ["White", "Hispanic", "Black", "Asian", "Mixed", "Other"],
    "medication": ["Ibuprofen", "Amoxicillin", "Metformin", "Lisinopril", "Atorvastatin", "Paracetamol", "Omeprazole",
                   "Salbutamol", "Sertraline", "Insulin glargine"],
    "regex": ["^[a-z0-9-]+$", "^[A-Z]{2}[0-9]{4}$", "^.+@.+$", "^v[0-9]+$", "[0-9]{3,5}"],
    "semester": ["Fall 2025", "Spring 2025", "Fall 2024", "Summer 2025", "Spring 2024", "Winter 2025"],
    "currency_symbol": ["$", "€", "£", "¥"],
    "currency_name": ["US Dollar", "Euro", "Pound Sterling", "Yen", "Swiss Franc", "Canadian Dollar"],
    "license": ["MIT", "Apache-2.0", "GPL-3.0", "BSD-3-Clause", "Proprietary"],
    "race": ["White", "Black", "Asian", "Other"],
    "religion": ["Christian", "Muslim", "None", "Hindu", "Buddhist", "Jewish"],
    "category": ["General", "Home", "Office", "Outdoor", "Electronics", "Clothing", "Food", "Books", "Toys", "Health"],
    "continent": ["Europe", "Asia", "North America", "Africa", "South America", "Oceania"],
    "credit_card_type": ["Visa", "Mastercard", "American Express", "Discover"],
    "department": ["Sales", "Engineering", "Support", "Marketing", "Finance", "Operations", "Human Resources", "Legal"],
    "device": ["mobile", "desktop", "tablet", "tv"],
    "education": ["Bachelor", "High school", "Master", "Associate", "Doctorate"],
    "file_extension": ["pdf", "jpg", "png", "csv", "docx", "txt", "zip"],
    "clause": ["status = 'active'", "amount > 100", "country = 'US'", "created_at >= '2025-01-01'",
               "owner_id IS NOT NULL"],
    "css": [".header { color: #1f77b4; }", "body { font-size: 14px; }", ".card { padding: 8px; }",
            "a { color: #d62728; }"],
    "command": ["python manage.py migrate", "npm run build", "make test", "./run.sh --verbose", "tar -xzf data.tar.gz",
                "python -m app.worker", "bash deploy.sh production"],
    "container_image": ["nginx:1.27", "python:3.12-slim", "postgres:16", "redis:7-alpine",
                        "registry.example.com/app:2.4.1", "node:22", "ubuntu:24.04"],
    "date_format": ["%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y", "%Y-%m-%d %H:%M:%S", "%H:%M"],
    "emoji": ["👍", "❤️", "😀", "🎉", "🚀", "👀", "✅", "🔥"],
    "expression": ["COUNT(*)", "SUM(amount)", "AVG(price)", "price * quantity", "MAX(created_at)", "total / 100"],
    "folder": ["Documents", "Reports", "Images", "Archive", "Projects", "Invoices", "Templates", "Shared", "Drafts"],
    "netmask": ["255.255.255.0", "255.255.255.128", "255.255.254.0", "255.255.0.0", "255.255.255.240"],
    "ldap_dn": ["dc=example,dc=com", "ou=people,dc=example,dc=com", "ou=groups,dc=example,dc=org",
                "cn=admin,dc=example,dc=com", "cn=staff,ou=groups,dc=example,dc=net"],
    "ldap_filter": ["(uid=%s)", "(objectClass=person)", "(&(objectClass=user)(mail=*))", "(memberOf=cn=staff)"],
    "mailbox": ["INBOX", "Sent", "Drafts", "Trash", "Archive", "Junk"],
    "architecture": ["x86_64", "aarch64", "amd64", "arm64", "ppc64le", "s390x"],
    "icon": ["home", "user", "settings", "star", "search", "bell", "calendar", "lock", "folder", "chart"],
    "separator": [",", ".", ";", "|"],
    "collation": ["utf8mb4_general_ci", "utf8mb4_unicode_ci", "utf8mb3_bin", "latin1_swedish_ci"],
    "interface": ["eth0", "eth1", "ens3", "lo", "wlan0"],
    "availability_zone": ["us-east-1a", "us-east-1b", "eu-central-1a", "eu-west-1c", "ap-southeast-2b"],
    "machine_type": ["t3.small", "m5.large", "c5.xlarge", "r6g.large", "t3.micro"],
    "glob": ["*.py", "src/**/*.ts", "locale/*.po", "docs/*.md", "**/*.json", "images/*.png"],
    "group": ["Administrators", "Editors", "Members", "Support", "Marketing", "Finance", "Operations", "Research",
              "Design", "Engineering"],
    "provider": ["google", "github", "microsoft", "local", "aws", "okta", "ldap"],
    "recurrence": ["FREQ=DAILY", "FREQ=WEEKLY;BYDAY=MO,WE", "FREQ=MONTHLY;BYMONTHDAY=1", "FREQ=WEEKLY;INTERVAL=2",
                   "FREQ=YEARLY"],
    "scope": ["read", "write", "openid", "profile", "email", "admin"],
    "scope_list": ["read", "read write", "openid profile email", "admin", "write"],
    "tag": ["important", "draft", "review", "featured", "archive", "urgent", "news", "howto", "internal", "release",
            "stable", "beta"],
    "template_name": ["default.html", "base.html", "article.html", "landing.html", "email/welcome.html"],
    "language_name": ["English", "Spanish", "German", "French", "Chinese", "Portuguese", "Japanese", "Italian",
                      "Russian", "Dutch", "Korean", "Polish", "Turkish", "Arabic", "Swedish"],
    "genre": ["Drama", "Comedy", "Rock", "Action", "Pop", "Documentary", "Jazz", "Thriller", "Classical", "Horror"],
    "http_method": ["GET", "POST", "PUT", "DELETE", "PATCH"],
    "industry": ["Software", "Retail", "Healthcare", "Finance", "Education", "Logistics", "Energy", "Media"],
    "level": ["basic", "intermediate", "advanced", "expert"],
    "marital_status": ["married", "single", "divorced", "widowed"],
    "month": ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
              "November", "December"],
    "operating_system": ["Windows", "Android", "iOS", "macOS", "Linux"],
    "payment_method": ["credit_card", "paypal", "debit_card", "bank_transfer", "cash"],
    "payment_terms": ["Net 30", "Net 15", "Net 60", "Due on receipt"],
    "period": ["monthly", "yearly", "weekly", "daily", "quarterly"],
    "plan": ["free", "basic", "pro", "team", "enterprise"],
    "prefix": ["Ms.", "Mr.", "Mrs.", "Dr."],
    "priority": ["medium", "high", "low", "urgent"],
    "protocol": ["https", "http", "ftp", "ssh"],
    "quarter": ["Q1", "Q2", "Q3", "Q4"],
    "reason": ["Requested by customer", "Duplicate", "No longer needed", "Found a better price", "Other"],
    "region": ["North", "South", "East", "West", "Central"],
    "relationship": ["spouse", "parent", "child", "sibling", "friend"],
    "role": ["user", "editor", "admin", "viewer", "owner"],
    "severity": ["info", "warning", "error", "critical"],
    "size": ["M", "L", "S", "XL", "XS", "XXL"],
    "suffix": ["Jr.", "Sr.", "II", "III"],
    "type": ["standard", "basic", "special", "custom", "internal", "external"],
    "unit": ["piece", "kg", "box", "litre", "metre", "pack", "hour"],
    "weekday": ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
}  # fmt: skip
