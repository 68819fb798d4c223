-- A bank: people and firms, accounts with several holders, transfers, cards, loans and their instalments.

CREATE TABLE branches (
    id integer PRIMARY KEY,
    name varchar(80) NOT NULL UNIQUE,
    city varchar(80) NOT NULL,
    opened_on date NOT NULL
);

CREATE TABLE employees (
    id integer PRIMARY KEY,
    branch_id integer NOT NULL REFERENCES branches (id) DEFERRABLE INITIALLY DEFERRED,
    supervisor_id integer REFERENCES employees (id),
    first_name varchar(60) NOT NULL,
    last_name varchar(60) NOT NULL,
    email varchar(120) NOT NULL UNIQUE,
    salary numeric(10, 2) NOT NULL CHECK (salary BETWEEN 18000 AND 400000),
    hired_on date NOT NULL,
    left_on date,
    CHECK (left_on IS NULL OR left_on > hired_on)
);

-- An employee works at a branch and a branch has a manager: a cycle.
ALTER TABLE branches ADD COLUMN manager_id integer REFERENCES employees (id) DEFERRABLE INITIALLY DEFERRED;

CREATE TABLE customers (
    id integer PRIMARY KEY,
    kind varchar(8) NOT NULL CHECK (kind IN ('person', 'company')),
    first_name varchar(60),
    last_name varchar(60),
    company_name varchar(120),
    tax_number varchar(14) UNIQUE,
    city varchar(80),
    since date NOT NULL,
    risk smallint CHECK (risk BETWEEN 1 AND 5),
    CHECK (kind <> 'company' OR company_name IS NOT NULL)
);

CREATE TABLE accounts (
    iban varchar(34) PRIMARY KEY,
    branch_id integer NOT NULL REFERENCES branches (id),
    currency char(3) NOT NULL CHECK (currency IN ('EUR', 'GBP', 'USD', 'CHF')),
    kind varchar(8) NOT NULL CHECK (kind IN ('current', 'savings', 'deposit')),
    balance numeric(14, 2) DEFAULT 0 NOT NULL,
    overdraft numeric(10, 2) DEFAULT 0 NOT NULL CHECK (overdraft >= 0),
    opened_on date NOT NULL,
    closed_on date,
    CHECK (closed_on IS NULL OR closed_on >= opened_on)
);

CREATE TABLE account_holders (
    iban varchar(34) NOT NULL REFERENCES accounts (iban),
    customer_id integer NOT NULL REFERENCES customers (id),
    role varchar(10) NOT NULL CHECK (role IN ('owner', 'joint', 'proxy')),
    since date NOT NULL,
    PRIMARY KEY (iban, customer_id)
);
-- An account has one owner.
CREATE UNIQUE INDEX account_owner ON account_holders (iban) WHERE role = 'owner';

CREATE TABLE transfers (
    id bigint PRIMARY KEY,
    source_iban varchar(34) NOT NULL REFERENCES accounts (iban),
    target_iban varchar(34) NOT NULL REFERENCES accounts (iban),
    amount numeric(12, 2) NOT NULL CHECK (amount > 0),
    purpose varchar(140),
    booked_at timestamp NOT NULL,
    reverses_id bigint UNIQUE REFERENCES transfers (id),
    CHECK (source_iban <> target_iban)
);
CREATE INDEX transfers_source ON transfers (source_iban, booked_at);

CREATE TABLE cards (
    number char(16) PRIMARY KEY,
    iban varchar(34) NOT NULL,
    customer_id integer NOT NULL,
    expires_on date NOT NULL,
    blocked boolean DEFAULT false NOT NULL,
    FOREIGN KEY (iban, customer_id) REFERENCES account_holders (iban, customer_id)
);

CREATE TABLE loans (
    id integer PRIMARY KEY,
    customer_id integer NOT NULL REFERENCES customers (id),
    iban varchar(34) NOT NULL REFERENCES accounts (iban),
    officer_id integer REFERENCES employees (id),
    principal numeric(12, 2) NOT NULL CHECK (principal BETWEEN 500 AND 1000000),
    rate numeric(5, 3) NOT NULL CHECK (rate >= 0 AND rate < 25),
    months smallint NOT NULL CHECK (months IN (12, 24, 36, 48, 60, 120, 240)),
    granted_on date NOT NULL,
    status varchar(10) NOT NULL CHECK (status IN ('running', 'repaid', 'defaulted'))
);

CREATE TABLE instalments (
    loan_id integer NOT NULL REFERENCES loans (id) ON DELETE CASCADE,
    number smallint NOT NULL CHECK (number >= 1),
    due_on date NOT NULL,
    amount numeric(10, 2) NOT NULL CHECK (amount > 0),
    paid_on date,
    PRIMARY KEY (loan_id, number)
);
