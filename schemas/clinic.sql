-- A clinic: patients, staff, appointments, diagnoses, prescriptions and laboratory results.

CREATE TABLE departments (
    code varchar(6) PRIMARY KEY,
    name varchar(80) NOT NULL UNIQUE,
    floor smallint CHECK (floor BETWEEN -2 AND 20)
);

CREATE TABLE doctors (
    id integer PRIMARY KEY,
    department_code varchar(6) NOT NULL REFERENCES departments (code),
    mentor_id integer REFERENCES doctors (id),
    first_name varchar(60) NOT NULL,
    last_name varchar(60) NOT NULL,
    licence varchar(10) NOT NULL UNIQUE,
    specialty varchar(20) NOT NULL CHECK (
        specialty IN ('general', 'surgery', 'paediatrics', 'cardiology', 'radiology')
    ),
    pager char(4)
);
-- Pagers are handed on, but two doctors of a department never share one.
CREATE UNIQUE INDEX doctors_pager ON doctors (department_code, pager) WHERE pager IS NOT NULL;

CREATE TABLE patients (
    id uuid PRIMARY KEY,
    record_number varchar(10) NOT NULL UNIQUE,
    first_name varchar(60) NOT NULL,
    last_name varchar(60) NOT NULL,
    sex char(1) NOT NULL CHECK (sex IN ('f', 'm', 'x')),
    born_on date NOT NULL,
    died_on date,
    blood_group varchar(3) CHECK (blood_group IN ('0+', '0-', 'A+', 'A-', 'B+', 'B-', 'AB+', 'AB-')),
    phone varchar(30),
    family_doctor_id integer REFERENCES doctors (id),
    CHECK (died_on IS NULL OR died_on >= born_on)
);

CREATE TABLE appointments (
    id integer PRIMARY KEY,
    patient_id uuid NOT NULL REFERENCES patients (id),
    doctor_id integer NOT NULL REFERENCES doctors (id),
    starts_at timestamp NOT NULL,
    ends_at timestamp NOT NULL,
    room varchar(5),
    status varchar(10) NOT NULL CHECK (status IN ('booked', 'done', 'missed', 'cancelled')),
    note text,
    UNIQUE (doctor_id, starts_at),
    CHECK (ends_at > starts_at)
);

CREATE TABLE diagnosis_codes (
    code varchar(7) PRIMARY KEY,
    title varchar(120) NOT NULL,
    chronic boolean DEFAULT false NOT NULL
);

CREATE TABLE diagnoses (
    appointment_id integer NOT NULL REFERENCES appointments (id),
    code varchar(7) NOT NULL REFERENCES diagnosis_codes (code),
    certainty varchar(9) NOT NULL CHECK (certainty IN ('suspected', 'confirmed', 'excluded')),
    is_main boolean NOT NULL,
    PRIMARY KEY (appointment_id, code)
);

CREATE TABLE medicines (
    id integer PRIMARY KEY,
    name varchar(80) NOT NULL,
    strength_mg numeric(8, 3) NOT NULL CHECK (strength_mg > 0),
    form varchar(10) NOT NULL CHECK (form IN ('tablet', 'drops', 'injection', 'cream')),
    UNIQUE (name, strength_mg, form)
);

CREATE TABLE prescriptions (
    appointment_id integer NOT NULL,
    code varchar(7) NOT NULL,
    medicine_id integer NOT NULL REFERENCES medicines (id),
    daily_doses numeric(4, 1) NOT NULL CHECK (daily_doses > 0 AND daily_doses <= 12),
    days smallint NOT NULL CHECK (days BETWEEN 1 AND 365),
    repeats smallint DEFAULT 0 NOT NULL CHECK (repeats >= 0),
    PRIMARY KEY (appointment_id, code, medicine_id),
    FOREIGN KEY (appointment_id, code) REFERENCES diagnoses (appointment_id, code)
);

CREATE TABLE lab_results (
    id integer PRIMARY KEY,
    patient_id uuid NOT NULL REFERENCES patients (id),
    appointment_id integer REFERENCES appointments (id),
    analyte varchar(20) NOT NULL,
    value double precision,
    unit varchar(10),
    low double precision,
    high double precision,
    taken_at timestamp NOT NULL,
    CHECK (low <= high),
    CHECK (value IS NULL OR unit IS NOT NULL)
);
