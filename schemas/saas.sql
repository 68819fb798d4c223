-- Software as a service: organisations, members, projects, tasks, plans, subscriptions, invoices and an audit trail.

CREATE TABLE plans (
    code varchar(12) PRIMARY KEY,
    monthly_price numeric(8, 2) NOT NULL CHECK (monthly_price >= 0),
    seats integer CHECK (seats > 0),
    public boolean DEFAULT true NOT NULL
);

CREATE TABLE users (
    id bigint PRIMARY KEY,
    email varchar(160) NOT NULL UNIQUE,
    username varchar(40) NOT NULL UNIQUE,
    full_name varchar(120) NOT NULL,
    locale varchar(5) DEFAULT 'en' NOT NULL,
    timezone varchar(40),
    confirmed_at timestamp,
    created_at timestamp NOT NULL,
    last_login_at timestamp,
    CHECK (confirmed_at IS NULL OR confirmed_at >= created_at),
    CHECK (last_login_at IS NULL OR last_login_at >= created_at)
);

CREATE TABLE organisations (
    id bigint PRIMARY KEY,
    parent_id bigint REFERENCES organisations (id),
    owner_id bigint NOT NULL REFERENCES users (id),
    name varchar(100) NOT NULL,
    slug varchar(60) NOT NULL UNIQUE,
    created_at timestamp NOT NULL
);

CREATE TABLE memberships (
    organisation_id bigint NOT NULL REFERENCES organisations (id) ON DELETE CASCADE,
    user_id bigint NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role varchar(8) NOT NULL CHECK (role IN ('owner', 'admin', 'member', 'guest')),
    joined_at timestamp NOT NULL,
    invited_by bigint REFERENCES users (id),
    PRIMARY KEY (organisation_id, user_id)
);

CREATE TABLE subscriptions (
    id bigint PRIMARY KEY,
    organisation_id bigint NOT NULL REFERENCES organisations (id),
    plan_code varchar(12) NOT NULL REFERENCES plans (code),
    status varchar(10) NOT NULL CHECK (status IN ('trial', 'active', 'past_due', 'ended')),
    seats integer NOT NULL CHECK (seats >= 1),
    starts_on date NOT NULL,
    ends_on date,
    CHECK (ends_on IS NULL OR ends_on > starts_on),
    CHECK (status <> 'ended' OR ends_on IS NOT NULL)
);
-- Any number of subscriptions in the past, one that has not ended.
CREATE UNIQUE INDEX subscription_current ON subscriptions (organisation_id) WHERE status <> 'ended';

CREATE TABLE invoices (
    id bigint PRIMARY KEY,
    subscription_id bigint NOT NULL REFERENCES subscriptions (id),
    number varchar(14) NOT NULL UNIQUE,
    net numeric(10, 2) NOT NULL CHECK (net >= 0),
    tax numeric(10, 2) NOT NULL CHECK (tax >= 0),
    issued_on date NOT NULL,
    due_on date NOT NULL,
    paid_at timestamp,
    CHECK (due_on >= issued_on),
    CHECK (tax <= net)
);

CREATE TABLE projects (
    id bigint PRIMARY KEY,
    organisation_id bigint NOT NULL REFERENCES organisations (id) ON DELETE CASCADE,
    key varchar(6) NOT NULL,
    name varchar(100) NOT NULL,
    visibility varchar(8) DEFAULT 'private' NOT NULL CHECK (visibility IN ('private', 'internal', 'public')),
    archived_at timestamp,
    UNIQUE (organisation_id, key)
);
CREATE UNIQUE INDEX project_name ON projects (organisation_id, name) WHERE archived_at IS NULL;

CREATE TABLE tasks (
    project_id bigint NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    number integer NOT NULL CHECK (number >= 1),
    parent_number integer,
    title varchar(200) NOT NULL,
    state varchar(6) NOT NULL CHECK (state IN ('open', 'doing', 'done')),
    priority smallint DEFAULT 3 NOT NULL CHECK (priority BETWEEN 1 AND 5),
    assignee_id bigint REFERENCES users (id),
    estimate_hours numeric(5, 1) CHECK (estimate_hours > 0),
    created_at timestamp NOT NULL,
    closed_at timestamp,
    PRIMARY KEY (project_id, number),
    FOREIGN KEY (project_id, parent_number) REFERENCES tasks (project_id, number),
    CHECK (closed_at IS NULL OR closed_at >= created_at),
    CHECK (parent_number IS NULL OR parent_number <> number)
);

CREATE TABLE labels (
    id bigint PRIMARY KEY,
    organisation_id bigint NOT NULL REFERENCES organisations (id),
    name varchar(40) NOT NULL,
    colour char(7) DEFAULT '#888888' NOT NULL,
    UNIQUE (organisation_id, name)
);

CREATE TABLE task_labels (
    project_id bigint NOT NULL,
    task_number integer NOT NULL,
    label_id bigint NOT NULL REFERENCES labels (id) ON DELETE CASCADE,
    PRIMARY KEY (project_id, task_number, label_id),
    FOREIGN KEY (project_id, task_number) REFERENCES tasks (project_id, number) ON DELETE CASCADE
);

CREATE TABLE audit_events (
    id bigint PRIMARY KEY,
    organisation_id bigint NOT NULL REFERENCES organisations (id),
    actor_id bigint REFERENCES users (id) ON DELETE SET NULL,
    action varchar(40) NOT NULL,
    address varchar(45),
    payload text,
    happened_at timestamp NOT NULL
);
CREATE INDEX audit_by_time ON audit_events (organisation_id, happened_at);
