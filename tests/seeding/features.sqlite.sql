CREATE TABLE s1 (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE COLLATE NOCASE, n REAL, b BLOB, a ANY) STRICT;
CREATE TABLE s2 (k TEXT NOT NULL, v INT, PRIMARY KEY (k, v)) WITHOUT ROWID;
CREATE TABLE s3 (id INTEGER PRIMARY KEY AUTOINCREMENT, s1 INTEGER NOT NULL REFERENCES s1, email text unique check (email like '%@%'), parent INTEGER NOT NULL REFERENCES s3(id), full TEXT GENERATED ALWAYS AS ('x' || id) STORED, UNIQUE (s1, parent), CHECK (length(full) > 1));
CREATE TABLE "order" (id integer primary key, "group" varchar(3) not null, "a ""b" text unique, d date, dt datetime, bool boolean not null check (bool in (0,1)), untyped);
CREATE TABLE z1 (id integer primary key, z int not null references z2(id)); CREATE TABLE z2 (id integer primary key, z int not null unique references z1(id));
CREATE UNIQUE INDEX s2u ON s2 (lower(k)); 
