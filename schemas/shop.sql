-- A web shop: customers, orders, products and the stock of warehouses. PostgreSQL, which SQLite reads too.

CREATE TABLE categories (
    id integer PRIMARY KEY,
    parent_id integer REFERENCES categories (id),
    name varchar(60) NOT NULL UNIQUE,
    slug varchar(60) NOT NULL,
    CHECK (parent_id <> id)
);
CREATE UNIQUE INDEX categories_slug ON categories (slug);

CREATE TABLE products (
    id integer PRIMARY KEY,
    category_id integer NOT NULL REFERENCES categories (id),
    sku varchar(12) NOT NULL UNIQUE,
    name varchar(120) NOT NULL,
    description text,
    price numeric(10, 2) NOT NULL CHECK (price >= 0),
    sale_price numeric(10, 2),
    status varchar(10) DEFAULT 'draft' NOT NULL CHECK (status IN ('draft', 'active', 'retired')),
    weight_grams integer CHECK (weight_grams > 0),
    created_at timestamp NOT NULL,
    CHECK (sale_price IS NULL OR sale_price < price)
);

CREATE TABLE customers (
    id integer PRIMARY KEY,
    email varchar(120) NOT NULL,
    first_name varchar(60) NOT NULL,
    last_name varchar(60) NOT NULL,
    phone varchar(30),
    birth_date date,
    newsletter boolean DEFAULT false NOT NULL,
    created_at timestamp NOT NULL,
    deleted_at timestamp,
    CHECK (deleted_at IS NULL OR deleted_at >= created_at)
);
-- A deleted customer's address may be used again.
CREATE UNIQUE INDEX customers_email ON customers (email) WHERE deleted_at IS NULL;

CREATE TABLE addresses (
    customer_id integer NOT NULL REFERENCES customers (id) ON DELETE CASCADE,
    number integer NOT NULL CHECK (number BETWEEN 1 AND 9),
    kind varchar(10) NOT NULL CHECK (kind IN ('billing', 'shipping')),
    street varchar(120) NOT NULL,
    postal_code varchar(12) NOT NULL,
    city varchar(80) NOT NULL,
    country char(2) NOT NULL,
    PRIMARY KEY (customer_id, number)
);

CREATE TABLE orders (
    id integer PRIMARY KEY,
    customer_id integer NOT NULL REFERENCES customers (id),
    address_number integer,
    number varchar(16) NOT NULL UNIQUE,
    status varchar(10) NOT NULL CHECK (status IN ('open', 'paid', 'shipped', 'returned', 'cancelled')),
    placed_at timestamp NOT NULL,
    shipped_at timestamp,
    total numeric(12, 2) NOT NULL CHECK (total >= 0),
    FOREIGN KEY (customer_id, address_number) REFERENCES addresses (customer_id, number),
    CHECK (shipped_at IS NULL OR shipped_at >= placed_at)
);
CREATE INDEX orders_customer ON orders (customer_id);

CREATE TABLE order_items (
    order_id integer NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    line integer NOT NULL,
    product_id integer NOT NULL REFERENCES products (id),
    quantity integer DEFAULT 1 NOT NULL CHECK (quantity BETWEEN 1 AND 100),
    unit_price numeric(10, 2) NOT NULL CHECK (unit_price >= 0),
    PRIMARY KEY (order_id, line),
    UNIQUE (order_id, product_id)
);

CREATE TABLE reviews (
    id integer PRIMARY KEY,
    product_id integer NOT NULL REFERENCES products (id),
    customer_id integer REFERENCES customers (id) ON DELETE SET NULL,
    stars smallint NOT NULL CHECK (stars BETWEEN 1 AND 5),
    title varchar(100),
    body text,
    written_at timestamp NOT NULL,
    UNIQUE (product_id, customer_id)
);

CREATE TABLE warehouses (
    code char(3) PRIMARY KEY,
    city varchar(80) NOT NULL,
    capacity integer NOT NULL CHECK (capacity > 0)
);

CREATE TABLE stock (
    warehouse_code char(3) NOT NULL REFERENCES warehouses (code),
    product_id integer NOT NULL REFERENCES products (id),
    quantity integer DEFAULT 0 NOT NULL CHECK (quantity >= 0),
    reserved integer DEFAULT 0 NOT NULL CHECK (reserved >= 0),
    counted_on date,
    PRIMARY KEY (warehouse_code, product_id),
    CHECK (reserved <= quantity)
);
