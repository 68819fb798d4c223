"""The table of meanings: what columns are called, in words, and what types they may have.

A line is ``meaning | families | phrases``. Families: t text, n number, d date or time, b boolean, y bytes, a array,
j json. A phrase matches the last words of a column's name (``billing_postal_code`` ends in ``postal code``); the
longest match wins, so ``tax id`` beats ``id``. A star after a meaning says that it identifies people.
"""

import re
from dataclasses import dataclass, replace

from fixturesynth.profiling.nouns import ABBREVIATIONS
from fixturesynth.profiling.systems import SYSTEMS

__all__ = ["MEANINGS", "PERSONAL", "PHRASES", "Meaning"]

_TABLE = {
    "person": """
        first_name* | t | first name; given name; forename; fname; firstname; vorname; prenom; nombre; christian name;
            name first; name given
        last_name* | t | last name; surname; family name; lname; lastname; nachname; apellido; apellidos; cognome;
            name last; name family
        middle_name* | t | middle name; middle initial; second name; middlename
        maiden_name* | t | maiden name; birth name; maiden; mothers maiden name
        full_name* | t | full name; person name; contact name; owner name; author name; real name; legal name;
            holder name; cardholder; card holder; account holder; beneficiary; payee; payer name; recipient name;
            sender name; signatory; emergency contact; next of kin; nombre completo; fullname; attention;
            contact person
        username* | t | username; user name; login; login name; user login; screen name; handle; logon; user handle;
            account name; userid; login id; created by; updated by; modified by; deleted by; changed by; approved by;
            last modified by; uploaded by; assigned to; submitted by; owned by
        nickname* | t | nickname; nick; nick name; display name; alias name; preferred name; known as; gamertag
        prefix | t | name prefix; title of courtesy; salutation; courtesy title; honorific; name title; anrede
        suffix | t | name suffix; generation suffix
        gender | tnb | gender; sex; geschlecht; genre personne
        birth_date* | td | birth date; date of birth; dob; birthday; born; born on; born at; birthdate; geburtsdatum;
            fecha nacimiento; date naissance; birth datetime
        birth_year | tn | birth year; year of birth; year born
        birth_month | n | birth month; month of birth
        birth_day | n | birth day; day of birth
        birth_place* | t | birth place; place of birth; birthplace; birth city; city of birth;
            death city; place of death
        death_date* | td | death date; date of death; deceased at; died; died on; dod; deathdate; deceased date;
            death datetime
        age | n | age; age years; years old; alter jahre
        job_title | t | job title; job; occupation; profession; position title; contact title; designation; beruf;
            puesto; job position
        department | t | department; department name; dept name; division; abteilung
        education | t | education; degree; education level; qualification; schooling
        marital_status | tn | marital status; marital; civil status; marriage; marital state; familienstand
        nationality | t | nationality; citizenship
        native_country | t | native country; country of birth; birth country; death country
        ethnicity | t | ethnicity; ethnic group; ethnic origin
        race | t | race
        religion | t | religion; faith
        relationship | t | relationship; kinship; relation type
        ssn* | tn | ssn; social security number; social security; social insurance number; national insurance number;
            sin number
        national_id* | tn | national id; national identification number; personal id number; identity number;
            id card number; citizen id; national number; dni; nif; cpf; personnummer; id number; passport id
        passport_number* | tn | passport; passport number; passport no
        driving_licence* | tn | drivers; driver license; drivers license; driving licence; driver licence number;
            license number; licence number
        blood_type | t | blood type; blood group
        salary* | n | salary; wage; wages; base salary; annual salary; monthly salary; annual income; monthly income;
            pay rate; gehalt; compensation; hourly rate
        height_cm | n | height cm; body height
        weight_kg | n | weight kg; body weight
        biography* | t | bio; biography; about me; about; profile text
        avatar | t | avatar; avatar url; profile picture; profile image; photo url; photo path; headshot
        signature | ty | signature
        """,
    "contact": """
        email* | t | email; e mail; email address; mail address; mail; correo; courriel; contact email; email addr
        phone* | tn | phone; telephone; phone number; telephone number; mobile; mobile number; cell; cell phone;
            cellphone; mobile phone; telefon; telefono; contact number; handy; home phone; work phone; msisdn
        fax* | tn | fax; fax number; telefax
        phone_extension | tn | extension; phone extension; phone ext; ext
        address* | t | address; street address; full address; mailing address; postal address; home address;
            residential address; adresse; direccion; indirizzo; anschrift
        street* | t | street; street name; strasse; calle; rue; road; street line
        house_number* | tn | house number; street number; building number; house no; hausnummer
        address_line_1* | t | address line; address line 1; address 1; address1; line 1; addr 1; street 1;
            street address 1
        address_line_2* | t | address line 2; address 2; address2; line 2; addr 2; apartment; apt; suite; unit number;
            apartment number; street 2; address line 3; address 3
        city | t | city; town; city name; municipality; locality; ort; stadt; ciudad; ville; place name; township;
            suburb
        district | t | district; neighborhood; neighbourhood; borough; quarter name; ward; county district
        county | t | county; county name; parish
        state | t | state province; province; state name; province name; state or province; bundesland; provincia;
            state region; address state; billing state; shipping state; ship state; home state; us state; mailing state;
            birth state; state of birth; death state
        state_code | t | state code; state abbr; state abbreviation; province code; state abbrev; province abbr
        region | t | region; region name; area name; geographic region; region description; territory description;
            territory name; administrative area
        postal_code | tn | postal code; post code; zip; zip code; zipcode; postcode; plz; codigo postal; code postal;
            cap code; pincode; pin code; zip 5
        country | t | country; country name; nation; nation name; land; pais; pays; staat
        country_code | t | country code; country iso; iso country; iso country code; country abbr; iso 2; iso 3; iso2;
            iso3; country iso code; country alpha 2; alpha 2; alpha 3; nation code
        continent | t | continent; continent name
        latitude | n | latitude; lat; geo lat; breitengrad; latitud
        longitude | n | longitude; lon; lng; geo lon; geo lng; laengengrad; longitud; long
        altitude | n | altitude; elevation; alt; elevation m
        coordinates | t | coordinates; geo point; lat lon; lat lng; geolocation; location point; geom; geography
        location | t | location; location name; place; venue; site; where; place of service
        building | t | building; building name; tower
        floor | tn | floor; floor number; storey
        room | tn | room; room number; room name
        """,
    "company": """
        company | t | company; company name; organization; organisation; organization name; organisation name;
            org name; business name; employer; employer name; vendor name; supplier name; firm; firma; entreprise;
            empresa; vendor; supplier; shipper name; merchant; merchant name; bank name; corporation; legal entity;
            trading name; hospital name; school name; university; university name; school; insurer
        manufacturer | t | manufacturer; manufacturer name; maker; make; manufac name; mfgr; mfr; producer
        brand | t | brand; brand name; marque
        industry | t | industry; sector; industry name; business sector
        tax_number | tn | tax id; tax number; vat number; vat id; tin; ein; vat; tax no; fein; vat reg no; ust id;
            siret; siren; abn; company number; registration number; business number; tax identification number
        duns | tn | duns; duns number
        ticker | t | ticker; ticker symbol; stock symbol
        employee_count | n | employee count; number of employees; employees count; headcount; num employees;
            staff count
        revenue | n | revenue; turnover; annual revenue; sales amount; total revenue; gross sales; net sales
        catch_phrase | t | slogan; tagline; catch phrase; motto; strapline
        """,
    "internet": """
        url | ta | url; uri; urls; uris; links; redirect uris; callback urls; allowed origins; link; href; website;
            homepage; home page; web site; permalink; web address; webpage;
            endpoint; callback; webhook; redirect uri; site url; web; html url; repository; repo; source url;
            redirect to; issuer; documentation url; webhook url; registry
        image_url | t | image url; image; thumbnail; thumb; thumbnail url; picture url; cover url; cover image; logo;
            logo url; icon url; banner; poster; poster url; img; picture; photo
        image_data | y | image; picture; photo; thumbnail; logo; icon; avatar; cover; scan
        domain | t | domain; domain name; email domain; subdomain
        hostname | t | hostname; host name; host; server name; remote host; machine name; fqdn; node name; server
        ip_address | t | ip; ip address; ip addr; ipv4; remote ip; client ip; last ip; remote addr; ipaddress;
            source ip; host ip; ipv4 address
        ipv6 | t | ipv6; ipv6 address
        mac_address | t | mac; mac address; mac addr
        port | tn | port; port number; tcp port; target port; source port; dest port; dst port; src port; local port;
            remote port; listen port
        slug | t | slug; url key; permalink slug; url slug; url name; canonical name
        user_agent | t | user agent; browser agent; useragent; ua string
        browser | t | browser; browser name
        operating_system | tn | operating system; operating systems; os; os name; platform
        device | t | device; device name; device type; device model
        http_method | t | http method; request method; http verb
        http_status | tn | http status; status code; response code; http status code
        token* | ty | token; access token; refresh token; auth token; api token; session token; csrf token; bearer;
            confirmation token; reset token; verification token; recovery token; nonce; challenge; invite token;
            token value; credential; code verifier; cert; certificate; ca certificate; auth; code challenge; jwt;
            id token; otp; otp secret; totp secret; device token; push token; remember token; webhook secret
        api_key* | ty | api key; secret key; access key; client secret; secret; private key; apikey; shared secret;
            signing key; encryption key
        public_key | ty | public key; ssh key; pub key
        session_id* | t | session id; session key; sid; session token id
        password_hash* | ty | password; password hash; passwd; hashed password; encrypted password; pwd;
            crypted password; pass; password digest; passwort; contrasena; mot de passe
        salt* | ty | salt; password salt
        mime_type | t | mime type; content type; mime; mimetype; media mime type
        protocol | t | protocol; scheme
        referrer | t | referrer; referer; referrer url
        search_query | t | search query; query; search term; keyword; search text; q
        user_count | n | users count; user count; follower count; followers; followers count; member count
        view_count | n | view count; views; hits; downloads; impressions; clicks; play count; visits; page views;
            likes; like count; comment count; votes; upvotes; downvotes; shares; download count; reads
        """,
    "commerce": """
        price | n | price; unit price; list price; retail price; sale price; sales price; standard price; prix; preis;
            precio; selling price; base price; unit amount; rental rate; fare; msrp; rate amount; price amount;
            purchase price
        cost | n | cost; unit cost; total cost; supply cost; base cost; standard cost; replacement cost; kosten; costs;
            shipping cost; encounter cost; claim cost; expense; expenses
        amount | n | amount; sum; betrag; monto; montant; payment amount; transaction amount; paid amount; payment;
            payments; amount paid; amount due; net amount; gross amount; line amount; order amount; refund amount;
            refund; deposit; loan amount; invoice amount; payment value; charge; charges; coverage; value amount;
            adjustments; outstanding; payoff; installment; fee amount; net; gross; principal; overdraft; copay;
            coinsurance; deductible; premium; bid; bid amount; offer; prize; prize money; bonus; allowance; collateral;
            credit; debit; donation; pledge; interest amount; principal amount; monthly payment; insured value;
            face value; coverage amount; claim amount; withdrawal; reserved amount; hold amount
        total | n | total; grand total; total amount; total price; order total; total due; total charge;
            extended price; line total; total paid; total value
        subtotal | n | subtotal; sub total; net total
        tax | n | tax; tax amount; vat amount; sales tax; mwst; iva; gst; total tax
        tax_rate | n | tax rate; vat rate; tax percent; tax percentage
        discount | n | discount; discount amount; rebate; discount value; total discount
        discount_rate | n | discount rate; discount percent; discount pct; discount percentage; percent off
        shipping | n | freight; shipping; shipping fee; delivery fee; postage; shipping amount; freight value;
            shipping price; carriage
        fee | n | fee; commission; service fee; commission amount; tip; gratuity; surcharge; late fee; penalty
        rate | n | rate; exchange rate; interest rate; commission rate; conversion rate; apr; ratio; factor;
            coefficient
        percentage | n | percent; percentage; pct; share; commission pct; proportion; fraction; progress; completion;
            progress percent; completion rate; battery; battery level; cpu; cpu usage; memory usage; disk usage;
            usage percent; open rate; click rate; attendance; opacity; interest; occupancy; uptime percent;
            signal strength
        balance | n | balance; account balance; current balance; acctbal; bal; opening balance; closing balance;
            outstanding balance; saldo; bill amount
        credit_limit | n | credit limit; limit balance; limit bal; credit line; overdraft limit; spending limit
        budget | n | budget; allocated budget; budget amount
        profit | n | profit; margin; net income; gross profit; gain; loss; capital gain; capital loss; earnings
        income | tn | income; household income; income level; einkommen
        quantity | n | quantity; qty; count ordered; units; order quantity; menge; cantidad; quantite; pieces;
            available quantity; avail quantity; units sold; number of units; quantity ordered; qty ordered; unit count;
            dispenses; reserved; reserved quantity; allocated; ordered; dose quantity; days supply; ordered quantity;
            received quantity; shipped quantity; on order; picked; packed; backordered; min stock; max stock;
            reorder point; reorder quantity; doses
        stock | n | stock; in stock; units in stock; stock quantity; inventory; inventory count; on hand;
            quantity on hand; units on order; reorder level; stock level; inventory quantity; available stock
        currency | t | currency; currency code; iso currency; waehrung; moneda; devise; ccy; currency iso
        currency_name | t | currency name
        currency_symbol | t | currency symbol
        payment_method | tn | payment method; payment type; pay method; paid with; payment mode; tender type;
            zahlungsart
        credit_card_number* | tn | credit card number; card number; cc number; credit card; pan; card no; ccnum;
            creditcard; credit card no
        credit_card_type | t | card type; credit card type; card brand; card issuer; card scheme; card network
        credit_card_expiry | td | card expiry; card expiration; expiry month year; cc exp; cc expiry; card exp date
        cvv* | tn | cvv; cvc; cvv2; card security code; security code
        iban* | t | iban; iban number; bank iban
        bic | t | bic; swift; swift code; bic code; swift bic
        bank_account* | tn | account number; bank account; bank account number; account no; acct no; acct number;
            kontonummer; bban
        routing_number | tn | routing number; sort code; aba; bank code; blz; routing no
        sku | t | sku; article number; item number; product code; item code; part number; product number; stock code;
            article code; material number; model number; catalog number; product sku; item no; style code
        barcode | tn | barcode; ean; upc; gtin; ean13; ean 13; gtin 13; bar code; scan code
        isbn | t | isbn; isbn13; isbn 13; isbn10; isbn 10
        product_name | t | product name; item name; article name; part name; product; product title; item title;
            food name; drug name; medication name; service name product; goods; merchandise
        product_category | t | product category; item category; product type; category name product; product line;
            product class
        order_number | tn | order number; order no; po number; purchase order; order reference; purchase order number;
            confirmation number; booking reference; order code; reservation number
        invoice_number | tn | invoice number; invoice no; bill number; receipt number; invoice code; receipt no
        transaction_id | t | transaction id; transaction reference; txn id; payment reference; payment id reference;
            transaction number; charge reference; tx hash; transaction hash
        tracking_number | t | tracking number; tracking code; shipment number; tracking no; waybill; awb;
            consignment number
        coupon | t | coupon; coupon code; promo code; voucher; voucher code; discount code; promotion code; gift code
        rating | tn | rating; stars; rating value; average rating; avg rating; review score; star rating
        score | n | score; points; grade point; credit score; gpa; marks; ranking score; reputation; karma; elo; xp;
            experience; experience points; health; mana; cvss score; nps; home score; away score; final score;
            quality score; trust score; risk score; sentiment; damage; attack; defense; home goals; away goals
        size | tn | size; product size; shoe size; clothing size
        unit | t | unit; unit of measure; uom; measure unit; unit name; units of measure; measurement unit; msre desc
        warranty | tn | warranty; warranty period; warranty months
        payment_terms | tn | payment terms; terms; payment term; net days
        """,
    "time": """
        created_at | tdn | created at; created on; created; creation date; create date; created date; date created;
            creation time; create time; created time; insert date; inserted at; date added; added at; added on;
            registered at; registration date; signup date; signed up at; date joined; joined at; joined; joined on;
            entry date; record date; member since; erstellt am; created timestamp; creation timestamp; date entered;
            posted at; posted on; submitted at; sign up date; enrollment date; enrolled at; account created;
            created datetime
        updated_at | tdn | updated at; updated on; updated; last update; last updated; modified at; modified on;
            modified; modified date; last modified; update time; updated time; updated date; date modified; changed at;
            last changed; edited at; last edited; update date; modification date; last modified date; geaendert am;
            modified time; last modified at; last updated at; mtime; refreshed at; date updated; last change;
            synced at; last synced at
        deleted_at | td | deleted at; deleted on; removed at; archived at; deleted date; delete date; discarded at;
            deleted time
        start | tdn | start; start date; start time; started at; begin; begin date; begin time; from date; valid from;
            effective date; starts at; date from; effective from; start datetime; opened at; open date; starts on;
            started on; onset date; started; valid since; start at; departure date; check in; checkin date;
            arrival date; from time; start timestamp; begins at; since; start ts; valid start date; beginning;
            start on; effective at; admission date; admitted at; last ran; last run; last run at; requested at;
            triggered at; booked from; active from; service start
        end | tdn | end; end date; end time; ended at; finish; finish date; finish time; to date; valid to; ends at;
            date to; effective to; end datetime; closed at; close date; ends on; finished at; stop; stop date;
            stop time; completed at; completion date; valid until; until; ended; terminated at; termination date;
            check out; checkout date; return date; end timestamp; completed; done at; finished; valid end date; end on;
            leave date; left on; left at; exit date; resigned at; retired at; closed on; discharge date; discharged at;
            end at; thru date; end ts; booked to; active to; active until; service end; locked until; suspended until;
            banned until; valid till; till
        expires_at | td | expires at; expires; expiry; expiry date; expiration date; expiration; expires on;
            valid thru; expire date; best before; expire time; expire at; expiration time; not after
        due_date | td | due date; due; due at; due on; deadline; required date; commit date; promised date;
            target date; need by; payment due; estimated delivery date; estimated delivery; eta
        published_at | td | published at; published on; publish date; publication date; release date; released at;
            released on; published; publish at; date published; issue date; issued at; issued on; release day
        order_date | td | order date; ordered at; ordered on; purchase date; purchased at; sale date; sold at;
            invoice date; transaction date; booking date; booked at; rental date; transaction time; posting date;
            service date; order datetime; purchase time; order time; date of purchase; billing date; trade date;
            txn date; order day
        paid_at | td | payment date; paid at; paid on; billed date; last billed date; paid date; date paid; settled at;
            payment time; captured at; settlement date; charged at
        ship_date | td | ship date; shipped date; shipped at; dispatch date; shipped on; dispatched at; shipping date;
            sent at; sent on; sent date; sent
        delivery_date | td | delivery date; delivered at; receipt date; received at; received on; delivered date;
            received date; delivered on; arrived at; arrival time date; received
        hire_date | td | hire date; hired at; hired on; employment date; joining date; date of joining; date hired;
            hired
        last_login | td | last login; last login at; last seen; last seen at; last active; last activity; last visit;
            last sign in at; current sign in at; last access; last used at; last used; last logged in;
            last accessed at; last activity at; last accessed; last retry; last referenced; last scheduled;
            last heartbeat; last sync; last checked; last checked at; last contact; last message at; last polled;
            last polled at; last reported; last online; last triggered; last attempt at; last error at;
            last success at; heartbeat at; last connected; last played; last purchase; last order date; last contacted;
            last visited at; seen at; read at; viewed at; last viewed; last refill
        confirmed_at | td | confirmed at; verified at; approved at; accepted at; activated at; email verified at;
            validated at; reviewed at; processed at; approved on; approval date; resolved at; verified on;
            email confirmed at; signed at; signed on; checked at; acknowledged at
        cancelled_at | td | cancelled at; canceled at; cancelled on; cancellation date; revoked at; rejected at;
            banned at; blocked at; suspended at; locked at; failed at; refunded at; cancel date
        scheduled_at | td | scheduled at; scheduled for; schedule date; scheduled date; appointment date;
            appointment time; meeting date; planned date; next run at; run at; schedule time; scheduled time;
            event date; event time; session date; available at; visit date; match date; game date; next run; test date;
            exam date; meeting time
        date | td | date; datum; fecha; day date; calendar date; data date; full date; report date; reporting date;
            business date; as of date; as of; snapshot date; measurement date; visit start date; dates
        time | tdn | time; time of day; uhrzeit; hora; heure; clock time
        timestamp | tdn | timestamp; datetime; date time; event timestamp; logged at; occurred at; recorded at; ts;
            time stamp; happened at; log time; time hour; epoch; event at; visibility timestamp
        year | tnd | year; yr; fiscal year; calendar year; model year; release year; jahr; ano; annee; year number;
            start year; end year; season year; year built; academic year
        quarter | tn | quarter; fiscal quarter; qtr
        month | tn | month; mon; fiscal month; month number; month name; monat; mes; mois; month of year
        week | tn | week; week number; week of year; calendar week; iso week
        day | tn | day; day of month; tag des monats; day number; dia; jour
        weekday | tn | weekday; day of week; dow; wochentag; day name; week day
        hour | tn | hour; hour of day; stunde; hr
        minute | tn | minute
        second | tn | second
        duration | tnd | duration; length minutes; elapsed; elapsed time; run time; runtime; time spent; dauer;
            air time; flight time; milliseconds; millis; seconds; minutes; duration ms; duration seconds;
            duration minutes; total duration; rental duration; play time; delay; wait time; hours; latency;
            response time; time taken; days; travel time; timeout; interval; age days; ttl; lead time; processing time;
            months; hours per week; total time; lap time; years; ttl seconds; retention; retention days; grace period;
            cooldown; estimate hours; hours worked; worked hours; time limit; session length; prep time; cook time;
            response ms; execution time; elapsed ms; uptime; backoff; expires in; max age; lead days; trial days;
            overtime hours; overtime; hours spent; billable hours; notice period
        period | tn | period; billing period; frequency; cycle; billing cycle; interval name; term; season
        """,
    "text": """
        title | t | title; headline; subject; heading; caption; titel; titulo; titre; subject line; book title;
            film title; movie title; song title; article title; post title; page title; issue title; task title;
            event title; course title; original title; track name; album title; album name; movie name; book name;
            event name; project name; course name; game title; agenda; event; lesson; exercise; exercise name;
            milestone; sprint; sprint name; epic; goal; objective; achievement; badge; mission; quest; chapter title;
            section title; section name; playlist name; show title; episode title; campaign; campaign name;
            survey title; form name; report name; dashboard; dashboard name; workflow name; pipeline name; promotion;
            promotion name; poll
        subtitle | t | subtitle; sub title; sub heading; subheading
        description | t | description; desc; descr; long description; product description; beschreibung; descripcion;
            full description; long desc; item description; details; detail; explanation; definition; synopsis; plot;
            text description; description text; overview; job description; narrative; instructions; instruction;
            ship instruct; documentation; readme; docs; help text; tooltip; hint; guidance; info text; long text;
            purpose; usage
        short_description | t | short description; summary; abstract; short desc; excerpt; teaser; blurb; short text;
            lead text; brief; intro; introduction; preview; synopsis short; gist
        comment | t | comment; comments; remark; remarks; feedback; kommentar; comentario; review comment;
            customer comment; user comment; review text; review; footnote text; review body; stat cmt; cmt; reply
        notes | t | notes; note; memo; annotation; notizen; internal notes; additional info; additional information;
            observations text; line note; special instructions; admin notes; note text; misc; footnote
        body | t | body; content; text; article body; post body; html; markdown; article; message body; full text;
            contents; body text; body html; inhalt; rich text; page content; description html; document text;
            text body; lyrics; transcript
        message | t | message; msg; chat message; sms; status message; notification; nachricht; mensaje; message text;
            log message; announcement; validation message
        error | t | error; error message; exception; failure reason; stack trace; stacktrace; traceback; last error;
            error text; error detail; error msg; error backtrace; backtrace; failure message; failure; error details;
            rejection message
        reason | t | reason; cause; justification; rationale; reason description; invalid reason; cancellation reason;
            stop reason; reject reason; motive; reason text
        question | t | question; question text; prompt; security question
        answer | t | answer; answer text; response text; correct answer; option text; security answer
        quote | t | quote; quotation; saying
        name | t | name; label; bezeichnung; libelle; denominacion; names; project; alias; metric; service;
            service name; test name; lab test; panel name; program
        short_name | t | short name; shortname; abbreviation; abbr; abbrev; acronym; short code; initials; short title;
            shrt desc; abbreviated name
        scientific_name | t | scientific name; sci name; latin name; taxon; species; binomial name; species name
        diagnosis | t | diagnosis; condition; disease; symptom; symptoms; allergy; disorder; finding;
            diagnosis description; reaction; illness; chief complaint; condition name
        medication | t | medication; drug; medicine; prescription; treatment; dosage; dose; vaccine; procedure;
            procedure name; therapy
        ingredients | t | ingredients; composition; materials; material; fabric
        author | t | author; authors; writer; composer; director; artist; editor; contributor; creator; creator name;
            artist name; director name; byline; singer; performer; instructor; lecturer; speaker; translator;
            illustrator; photographer
        publisher | t | publisher; journal; newspaper; record label; publication; magazine; studio; imprint;
            publisher name; journal name
        tags | tja | tags; keywords; labels; categories; hashtags; tag list; interests; skills; topics; tag string;
            features; special features; permissions; aliases; synonyms; amenities; specialties;
            certifications; tag names; words
        json_data | tj | metadata; payload; settings; options; preferences; config; attributes; properties; params;
            extra; data; json; parameters; raw data; configuration; extra attributes; meta; context; raw; arguments;
            custom fields; extra data; request body; response body; spec; definition json; meta data; structure;
            extra attrs; headers; snapshot; old values; new values; form data; response; environment variables; env;
            template data; build options
        """,
    "codes": """
        id | tny | id; identifier; key; pk; oid; rowid; row id; ident; sk; fk; ref id; record id; external id;
            foreign key; primary key; source id; legacy id; object id; no
        uuid | ty | uuid; guid; uid; unique id; correlation id; request id; trace id; span id; idempotency key; run id;
            execution id; instance id; message id; event id; security stamp; concurrency stamp
        status | tnb | status; state; order status; payment status; account status; stage; phase; status name;
            current status; estado; statut; line status; workflow state; condition status; job status; lifecycle;
            order state; approval status; status cd; result; outcome; disposition; resolution; return flag;
            availability; processing status
        type | tn | type; kind; class; type name; typ; tipo; type code; sort; category type; type cd;
            subtype; variety; form; sub type; style; variant; classification; encounter class; format; method; mode;
            mechanism; species type; system; transfer type; entity type; model type; resource type; content kind;
            survey; source; ref type; event type; object type; action type; encoding; data encoding; ship mode;
            shipping method; container; trigger type; item type; action; operation; direction; environment; module;
            resource; effect; policy; algorithm; visibility; channel; medium; trigger; certainty; audience; actor type;
            subject type; fuel; fuel type; transmission; body type; cuisine; breed; mood; shape; layer; privacy;
            strategy; transport; connector
        category | tn | category; category name; cat; kategorie; categoria; categorie; segment;
            family; cluster; market segment; mktsegment; subcategory; sub category; collection; section; topic;
            tier; department code; bucket; group type; category description; class category; work class; workclass
        genre | t | genre; genre name; music genre; film genre
        role | t | role; role name; user role; permission; privilege; access level; permission name; rolle; user type;
            member type; account type; membership; authority; scope
        plan | t | plan; subscription plan; plan name; subscription; package; package name; subscription type;
            license type; membership type; pricing plan
        priority | tn | priority; urgency; order priority; importance; ship priority; prio; severity level
        severity | tn | severity; log level; level name; risk level; risk; severity name
        level | tn | level; tier level; rank; grade; lvl; hierarchy level; difficulty; ranking; league
        language | t | language; lang; sprache; idioma; langue; spoken language; original language;
            programming language
        language_code | t | language code; lang code; iso language; language tag; iso 639; language iso
        locale | t | locale; locale code; culture; culture code; user locale; ui locale
        timezone | tn | timezone; time zone; tz; tzone; tz name; timezone name; zone info; zoneinfo; time zone name;
            utc offset; dst
        color | t | color; colour; color name; farbe; couleur; hair color; eye color; background color; fill color;
            color primary
        color_hex | t | color hex; hex color; hex code; color code; colour code; rgb; hex
        file_name | t | filename; file name; attachment name; original filename; document name; dateiname; file title;
            original name; attachment; image name
        file_path | t | file path; path; directory; folder; filepath; full path; location path; dir; key path;
            storage path; object key; image path; folder path; file location; root path; script; route; log file;
            log path; url path; page path
        file_extension | t | file extension; file ext; extension file; file type; ext name; file format; suffix file
        file_size | n | file size; size bytes; bytes; content length; filesize; byte size; disk size; memory;
            total size; length bytes; byte count; size kb; image size; storage size; size in bytes
        md5 | ty | md5; md5 hash; md5sum; file md5
        sha1 | ty | sha1; sha 1; commit sha; sha; commit hash; git sha; revision hash; commit id
        sha256 | ty | sha256; sha 256; checksum; digest; content hash; file hash; hash; fingerprint; signature hash;
            hash value; token hash; etag; commit; body hash; block hash; file checksum; key hash; git commit
        version | tn | version; version number; app version; release; semver; ver; schema version; version name;
            software version; version tag; build version; api version; version string
        revision | tn | revision; rev; edition; build number; iteration; lock version; row version; generation;
            version no; build; iteration number; sequence version
        license | t | license; licence; license name; spdx; license type name
        license_plate | t | license plate; licence plate; plate; plate number; number plate; registration plate;
            tail number; tailnum; vehicle registration; kennzeichen
        vin | t | vin; vehicle identification number; chassis number
        model | t | model; model name; vehicle model; product model; car model; aircraft model
        serial_number | t | serial number; serial; serial no; device serial; serialnum; udi; imei; imsi; hardware id;
            device id; asset tag
        airport_code | t | airport code; iata; iata code; icao; icao code; faa; origin airport; destination airport;
            origin; dest
        airline_code | t | airline code; carrier code; iata airline
        carrier | t | carrier; shipping carrier; courier; carrier name; shipping company; freight carrier
        flight_number | tn | flight number; flight no; flight num; flight
        exit_code | n | exit code; exit status; return code; rc; errno
        digits | t | mcc; last4; last 4; card last 4; card last4; last four; last digits; pin; verification code;
            sms code; otp code
        code | tn | code; codes; reference; reference number; ref; cd; code value; short id; external reference;
            external ref; reference code; number; case number; ticket number; document number; contract number;
            policy number; member number; customer number; employee number; customer code; nr; reference no;
            reference id; batch number; lot number; employee no; serial code; catalog code; symbol; mnemonic;
            procedure code; reason code; sub; jti; kid; npi; cwe; cve; hs code; naics; sic; batch; lot; batch code;
            shelf; aisle; gate; container number; seal number; certificate number; license key; booking code;
            room code; course code; class code; subject code; account code; gl code; cost center; cost centre;
            profit center; ledger code; invite code; referral code; claim number; prescription number; imo; mmsi;
            callsign; call sign; locker; pnr; pager
        concept_code | t | icd code; icd10; icd 10; snomed code; snomed; loinc; loinc code; ndc; cpt code; rxnorm;
            concept code; diagnosis code; icd9; atc code
        flag | tnb | flag; active; enabled; deleted; visible; published flag; is active; verified; confirmed; locked;
            hidden; archived; public; private; disabled; approved; featured; subscribed; default flag; discontinued;
            available; required; read flag; revoked; banned; blocked; paused; locked flag; mandatory; optional;
            indicator; ind; checked; activebool; starred; pinned; closed flag; valid; invalid; weekend; holiday; draft;
            sticky; internal; external flag; anonymous; exclusive; opt in; newsletter; success; recursive; online;
            editable; interruptible; spam; muted; expired flag; secure; default
        """,
    "measures": """
        count | n | count; cnt; total count; num; number of items; item count; anzahl; occurrences; frequency count;
            seats; capacity; engines; participants; members; players; pages;
            page count; word count; wins; losses; goals; assists; games; reviews; n; limit; num studies;
            num data pts; quota; population; utilization; counter; instances; number of pages; number of seats;
            number of employees; visitors; failures; total hits; tokens; turns; uses; rounds; copies; rows count;
            row count; lines; people; burst; partitions; calls; requests; sessions; items; records; entries; messages;
            replies; bounces; opens; subscribers; threshold
        small_count | n | attempts; retries; retry count; attempt; max attempts; max retries; retry limit; adults;
            children; nights; bedrooms; bathrooms; rooms; guests; dependents; kids; infants;
            doors; cylinders; floors; beds; installments; passengers; party size; number of guests; stops; repeats;
            refills; number of rooms; number of children
        position | n | position; order; sort order; ordinal; sequence; line number; index; display order; order index;
            sort; seq; sequence number; seq no; step; rank order; order by; sort index; step number; row number;
            linenumber; line no; line item; display position; ordering; idx; track number; weight order; sort key;
            offset; start page; end page; page number; page; lap; chapter; grid position; start position; line; round;
            round number; lap number; queue position; slot; turn; nth; series number; episode; episode number;
            season number; question number; item position; placement; sort number; sort weight; list order;
            chapter number; lesson number; order number index; place number
        length | n | length; total length; length cm; length mm; len; body length
        width | n | width; width cm
        height | n | height; height mm; tallness
        pixels | n | image width; image height; width px; height px; screen width; screen height; video width;
            video height; thumbnail width; thumbnail height; viewport width; viewport height; resolution
        depth | n | depth; depth cm; thickness
        weight | n | weight; weight g; net weight; gross weight; gewicht; mass; gm wgt; wgt; peso; shipping weight;
            weight lbs; package weight; product weight; weight grams; weight oz; tare weight; load; max load;
            payload weight; strength; strength mg; dose mg; dosage mg; grams
        area | n | area; surface; square feet; sqft; square meters; floor area; lot size; living area; square footage;
            acreage; size sqm
        volume | n | volume; capacity liters; trading volume; vol; displacement
        distance | n | distance; distance km; miles; range km; kilometers; km; distance miles; radius; range;
            elevation gain
        odometer | n | mileage; odometer; odometer reading; odometer km
        speed | n | speed; velocity; wind speed; max speed; top speed; mph; kmh; wind gust; rpm
        temperature | n | temperature; temp; temp c; temp f; dew point; dewp; feels like; air temperature
        humidity | n | humidity; humid; relative humidity
        pressure | n | pressure; air pressure; barometric pressure; atmospheric pressure; sea level pressure
        systolic | n | systolic; blood pressure; systolic pressure; bp systolic; bp high
        diastolic | n | diastolic; diastolic pressure; bp diastolic; bp low
        heart_rate | n | heart rate; pulse; bpm; pulse rate; resting heart rate
        body_temperature | n | body temperature; body temp; temperature body; fever
        rssi | n | rssi; signal; signal dbm; dbm
        precipitation | n | precipitation; precip; rainfall; rain; snow; snowfall
        wind_direction | n | wind direction; wind dir; bearing; heading degrees; wind degrees; azimuth
        visibility | n | visibility distance; visib
        energy | n | energy; calories; kcal; kwh; power; voltage; watts; horsepower; consumption; current amps;
            amperage; current; wattage; torque; frequency hz; hertz; lumens; decibels; noise; salinity; co2; aqi
        minimum | n | minimum; min; minimum value; min value; lower bound; low; floor value; min amount; low value;
            min quantity
        maximum | n | maximum; max; maximum value; max value; upper bound; high; ceiling; max amount; high value;
            max quantity
        average | n | average; avg; mean; median; mean value; average value; standard deviation; std dev; std error;
            variance; std; standard error
        probability | n | probability; confidence; likelihood; score probability; prob; accuracy
        value | tn | value; val; wert; valor; valeur; metric value; measurement; reading; value text; attribute value;
            field value; measured value; measure; nutr val; result value; observation value; value as number;
            amount value; setting value; option value; data value; default value; string value
        cron | t | cron; cron expression; crontab; schedule; cron schedule; schedule expression; cron spec
        regex | t | regex; regexp; regular expression; match pattern; validation regex
        social_handle* | t | twitter; instagram; facebook; linkedin; github; tiktok; social handle; twitter handle;
            telegram; skype; discord; youtube; mastodon; github username; twitter username
        semester | t | semester; academic term; quarter name; academic period
        os_version | t | os version; operating system version; browser version; firmware; firmware version;
            platform version; sdk version; runtime version; client version; driver version; engine version
        year_month | t | year month; month year; billing month; fiscal period; reporting period; pay period
        x | n | x; y; z; x position; y position; x coordinate; y coordinate; pos x; pos y
        """,
    "systems": SYSTEMS,
}  # fmt: skip


@dataclass(frozen=True)
class Meaning:
    """``families``: letters of the types that it may have; ``personal``: it identifies people."""

    name: str
    group: str
    families: str
    phrases: tuple[str, ...]
    personal: bool = False


def _meanings() -> dict[str, Meaning]:
    found: dict[str, Meaning] = {}
    for group, lines in _TABLE.items():
        for line in filter(None, map(str.strip, re.sub(r";\s*\n\s*", "; ", lines).splitlines())):
            name, families, phrases = (part.strip() for part in line.split("|"))
            bare, listed = name.rstrip("*"), tuple(p.strip() for p in phrases.split(";"))
            if bare in found:  # more names for what another table has
                found[bare] = replace(found[bare], phrases=(*found[bare].phrases, *listed))
            else:
                found[bare] = Meaning(bare, group, families, listed, personal=name.endswith("*"))
    return found


MEANINGS: dict[str, Meaning] = _meanings()

PERSONAL: frozenset[str] = frozenset(name for name, meaning in MEANINGS.items() if meaning.personal)

_WORD = re.compile(r"[^\W\d_]+|\d+")


def _phrases() -> dict[tuple[str, ...], tuple[str, ...]]:
    found: dict[tuple[str, ...], tuple[str, ...]] = {}
    for meaning in MEANINGS.values():
        for phrase in meaning.phrases:
            words = tuple(_WORD.findall(phrase))
            plain = tuple(ABBREVIATIONS.get(word, word) for word in words)
            for key in dict.fromkeys((words, plain)):
                found[key] = (*found.get(key, ()), meaning.name)
    return found


# Words of a phrase -> meanings; a phrase may belong to several of different families.
PHRASES: dict[tuple[str, ...], tuple[str, ...]] = _phrases()
