CREATE EXTENSION IF NOT EXISTS ltree; CREATE EXTENSION IF NOT EXISTS hstore; CREATE EXTENSION IF NOT EXISTS citext;
CREATE TYPE mood AS ENUM ('sad','ok','happy');
CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
CREATE TABLE person (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email citext UNIQUE NOT NULL, code char(1) NOT NULL, m mood NOT NULL, age positive,
  a int, b int, total int GENERATED ALWAYS AS (a + b) STORED, CHECK (total BETWEEN 10 AND 5000), CHECK (num_nonnulls(a,b) = 2),
  nick text, UNIQUE NULLS NOT DISTINCT (nick));
CREATE TABLE profile (person_id bigint PRIMARY KEY REFERENCES person(id), bio text, bio_len int GENERATED ALWAYS AS (length(bio)) STORED);
CREATE TABLE handle (person_id bigint NOT NULL, email citext UNIQUE REFERENCES person(email), tags text[], j jsonb, h hstore, l ltree, ts tsvector, r int4range, tr tstzrange, ip inet, c cidr, mac macaddr, by bytea, x xml, iv interval, bt bit(5), vb bit varying(9), mny money, pt point, d date[], u uuid, t time, tz timetz);
CREATE TABLE emp (id int PRIMARY KEY, boss int NOT NULL REFERENCES emp(id), "select" text NOT NULL, "we""ird na%me" int UNIQUE);
CREATE TABLE a1 (id int PRIMARY KEY, b_id int NOT NULL); CREATE TABLE b1 (id int PRIMARY KEY, a_id int REFERENCES a1(id), c_id int);
CREATE TABLE c1 (id int PRIMARY KEY, a_id int NOT NULL REFERENCES a1(id), UNIQUE (a_id)); ALTER TABLE a1 ADD FOREIGN KEY (b_id) REFERENCES b1(id); ALTER TABLE b1 ADD FOREIGN KEY (c_id) REFERENCES c1(id);
CREATE TABLE d1 (id int PRIMARY KEY, e_id int NOT NULL); CREATE TABLE e1 (id int PRIMARY KEY, d_id int NOT NULL REFERENCES d1(id) DEFERRABLE); ALTER TABLE d1 ADD FOREIGN KEY (e_id) REFERENCES e1(id);
CREATE TABLE link (person_id bigint REFERENCES person(id), emp_id int REFERENCES emp(id), kind mood, PRIMARY KEY (person_id, emp_id, kind));
CREATE TABLE triple (x int REFERENCES a1(id), y int REFERENCES b1(id), z int REFERENCES c1(id), PRIMARY KEY (x,y,z));
CREATE TABLE wide (x int, y int, z int, n int, note text, PRIMARY KEY (x,y,z,n), FOREIGN KEY (x,y,z) REFERENCES triple, FOREIGN KEY (x) REFERENCES a1(id), FOREIGN KEY (y) REFERENCES b1(id));
CREATE TABLE over1 (x int NOT NULL, y int NOT NULL, z int NOT NULL, n int, x2 int, FOREIGN KEY (x,y,z) REFERENCES triple, FOREIGN KEY (x,y,z,n) REFERENCES wide);
CREATE TABLE flags (id int PRIMARY KEY, person_id bigint NOT NULL REFERENCES person(id), is_default boolean NOT NULL, kind mood, deleted_at timestamptz, created_at timestamptz NOT NULL, updated_at timestamptz,
   CHECK (deleted_at IS NULL OR deleted_at > created_at), CHECK ((kind = 'sad') = (deleted_at IS NOT NULL)));
CREATE UNIQUE INDEX ON flags (person_id) WHERE is_default; CREATE UNIQUE INDEX ON flags (person_id, kind) WHERE deleted_at IS NULL;
CREATE TABLE owner (id int PRIMARY KEY, person_id bigint REFERENCES person(id), emp_id int REFERENCES emp(id), CHECK ((person_id IS NULL) <> (emp_id IS NULL)));
CREATE TABLE owner2 (id int PRIMARY KEY, person_id bigint REFERENCES person(id), emp_id int REFERENCES emp(id), other int, CHECK (num_nonnulls(person_id, emp_id, other) = 1));
CREATE TABLE nnd (p bigint REFERENCES person(id), q mood, UNIQUE NULLS NOT DISTINCT (p, q));
CREATE TABLE part (region text NOT NULL, id int, at timestamptz, PRIMARY KEY (region, id)) PARTITION BY LIST (region);
CREATE TABLE part_eu PARTITION OF part FOR VALUES IN ('de','fr'); CREATE TABLE part_us PARTITION OF part FOR VALUES IN ('us') PARTITION BY RANGE (id); CREATE TABLE part_us1 PARTITION OF part_us FOR VALUES FROM (0) TO (500000000);
CREATE TABLE hashp (id int PRIMARY KEY, v text) PARTITION BY HASH (id); CREATE TABLE hashp0 PARTITION OF hashp FOR VALUES WITH (MODULUS 2, REMAINDER 0); CREATE TABLE hashp1 PARTITION OF hashp FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE inh (id int PRIMARY KEY, v text CHECK (length(v) > 3)); CREATE TABLE inh_child (w int NOT NULL) INHERITS (inh);
CREATE TABLE prices (id int PRIMARY KEY, low numeric(6,2) NOT NULL, high numeric(6,2) NOT NULL, currency char(3) NOT NULL CHECK (currency ~ '^[A-Z]{3}$'), slug text CHECK (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'), a int CHECK (a between 5 and 9), b int CHECK (b between -3 and 7), CHECK (a < b), CHECK (low * 2 <= high + 10), CHECK (low <> high), CHECK (slug <> currency));
CREATE TABLE b2 (flag boolean, other boolean NOT NULL, UNIQUE (flag, other));
CREATE TABLE tiny (code char(1) PRIMARY KEY, n smallint UNIQUE);
