"""Nouns: abbreviations in column names, and what tables are about."""

__all__ = ["ABBREVIATIONS", "ENTITIES", "ENTITY_NAMES"]

_ABBREVIATIONS = """
    addr=address dttm=datetime tel=phone amt=amount descr=description dt=date pwd=password passwd=password
    org=organization organisation=organization organisations=organization organizations=organization
    dept=department cust=customer prod=product
    acct=account tot=total colour=color licence=license num=number ctry=country cntry=country desc=description
    mob=mobile ph=phone mfr=manufacturer mfg=manufacturer mfgr=manufacturer manufac=manufacturer
    ctgry=category usr=user emp=employee empl=employee pymt=payment pmt=payment txn=transaction
    trans=transaction trx=transaction inv=invoice ord=order shp=ship lst=last frst=first nm=name tm=time
    mo=month wk=week pcs=pieces disc=discount perc=percent avail=available prc=price curr=currency
    lng=longitude msg=message img=image pic=picture attr=attribute info=information wgt=weight sci=scientific
    com=common emails=email phones=phone urls=url addresses=address languages=language roles=role prices=price
    amounts=amount statuses=status types=type cities=city countries=country telephone=phone
"""

# What a table, or the words before "name" in a column, is about.
_ENTITIES = """
    person: actor agent applicant assignee athlete attendee author beneficiary borrower buyer candidate
        cardholder child citizen clerk client cliente clinician coach composer contact customer director
        doctor donor driver empleado employee father freelancer friend guardian guest holder individual
        instructor judge kunde lead manager member mitarbeiter mother musician nurse owner parent participant
        passenger patient people person personne physician player politician practitioner professor profile
        provider recipient recruiter referee rep reporter resident reviewer salesperson seller sender speaker spouse
        staff student subscriber teacher trainer user voter witness worker
        astronaut attorney batter bowler boxer caregiver chef claimant competitor contestant cyclist defendant farmer
        fighter goalkeeper golfer governor inmate jockey landlord laureate lawyer lecturer lifter mentor nominee
        officer pilot pitcher plaintiff policyholder pupil racer researcher rider rower runner scholar scientist
        scorer senator skater skier soldier suspect swimmer tutor umpire victim wrestler
    company: agency airline bank brewery broker business carrier clinic company constructor
        corporation dealer distributor employer empresa firm firma franchise hospital hotel insurer
        organisation workspace lender lieferant manufacturer merchant operator organization partner payer
        pharmacy proveedor
        publisher restaurant retailer school shipper shop store studio subsidiary supplier tenant underwriter
        university vendor winery
    product: accessory article device drug food good goods ingredient item medication merchandise part
        product producto produit produkt sku stockitem supply
    city: city ciudad locality municipality ort stadt town village
    country: country land nation pais
    state: bundesland province state
    region: area continent county district region territory zone
    currency: currency
    language: language
    department: abteilung department division faculty
    job: job jobtitle occupation position profession
    genre: genre
    category: category class classification family kind label section segment species status subcategory breed genus
        cuisine disease symptom allergen amenity discipline sport specialty speciality religion ethnicity
        theme topic type
    group: group usergroup
    tag: tag
    folder: directory folder
    role: permission privilege role
    file: artifact asset attachment blob document file image media photo picture upload
    host: cluster domain host instance machine node server worker
    work: album artwork blog book course episode event exhibition film game issue journal lesson
        movie page paper playlist podcast poll post project question recipe series show song task ticket track
        video
    place: airport branch building circuit facility location museum office park port room site stadium station
        street venue warehouse
"""

# What "name" means in a table about such a thing, or after such a noun.
_ENTITY_NAMES = """
    person=full_name company=company product=product_name city=city country=country state=state region=region
    currency=currency_name language=language_name department=department job=job_title genre=genre category=category
    role=role file=file_name host=hostname work=title place=location group=group tag=tag folder=folder
"""


def _pairs(text: str) -> dict[str, str]:
    return dict(pair.split("=") for pair in text.split())


def _entities(text: str) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    entity = ""
    for word in text.split():
        if word.endswith(":"):
            entity = word[:-1]
            found[entity] = set()
        else:
            found[entity].add(word)
    return {name: frozenset(words) for name, words in found.items()}


ABBREVIATIONS: dict[str, str] = _pairs(_ABBREVIATIONS)
ENTITIES: dict[str, frozenset[str]] = _entities(_ENTITIES)
ENTITY_NAMES: dict[str, str] = _pairs(_ENTITY_NAMES)
