-- Accounts and bookings between them. SQLite.
CREATE TABLE accounts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    owner VARCHAR(80) NOT NULL,
    iban CHAR(22) NOT NULL UNIQUE,
    opened_on DATE NOT NULL
);
CREATE TABLE bookings (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    debit_id INTEGER NOT NULL REFERENCES accounts (id),
    credit_id INTEGER NOT NULL REFERENCES accounts (id),
    amount DECIMAL(12, 2) NOT NULL CHECK (amount > 0),
    booked_at TIMESTAMP NOT NULL,
    note VARCHAR(140),
    CHECK (debit_id <> credit_id)
);
CREATE TRIGGER bookings_stay BEFORE DELETE ON bookings BEGIN SELECT RAISE(ABORT, 'bookings are for ever'); END;
