-- Users, their sessions and identities; customers and their history.
-- STRICT keeps SQLite to the types that MySQL keeps to. Times are microseconds since 1970.

CREATE TABLE users (
    id            INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    email         TEXT    NOT NULL,
    email_key     TEXT    NULL UNIQUE, -- NULL once deleted, so that the address is free again
    name          TEXT    NULL,
    role          TEXT    NOT NULL,
    status        TEXT    NOT NULL,
    password_hash TEXT    NULL,
    created_at    INTEGER NOT NULL,
    last_login_at INTEGER NULL,
    deleted_at    INTEGER NULL
) STRICT;

CREATE TABLE identities (
    issuer    TEXT    NOT NULL,
    subject   TEXT    NOT NULL,
    provider  TEXT    NOT NULL,
    user_id   INTEGER NOT NULL REFERENCES users (id),
    linked_at INTEGER NOT NULL,
    PRIMARY KEY (issuer, subject),
    UNIQUE (user_id, provider)
) STRICT;

CREATE TABLE sessions (
    id             TEXT    NOT NULL PRIMARY KEY,
    user_id        INTEGER NOT NULL REFERENCES users (id),
    counter        INTEGER NOT NULL, -- how often the refresh token was exchanged
    created_at     INTEGER NOT NULL,
    refreshed_at   INTEGER NOT NULL,
    ended_at       INTEGER NULL,
    client_address TEXT    NULL,
    user_agent     TEXT    NULL
) STRICT;
CREATE INDEX sessions_by_user ON sessions (user_id);

CREATE TABLE customers (
    id               INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    email            TEXT    NOT NULL,
    email_key        TEXT    NULL UNIQUE, -- NULL once deleted, so that the address is free again
    name             TEXT    NOT NULL,
    surname          TEXT    NOT NULL,
    phone            TEXT    NULL,
    notes            TEXT    NULL,
    photo_id         TEXT    NULL,
    photo_width      INTEGER NULL,
    photo_height     INTEGER NULL,
    created_by       INTEGER NOT NULL,
    last_modified_by INTEGER NOT NULL,
    created_at       INTEGER NOT NULL,
    last_modified_at INTEGER NOT NULL,
    version          INTEGER NOT NULL,
    deleted_at       INTEGER NULL
) STRICT;

CREATE TABLE customer_events (
    customer_id  INTEGER NOT NULL,
    version      INTEGER NOT NULL,
    action       TEXT    NOT NULL,
    operation_id TEXT    NOT NULL,
    actor_id     INTEGER NOT NULL,
    at           INTEGER NOT NULL,
    changes      TEXT    NOT NULL, -- JSON: {"surname": {"from": …, "to": …}}
    PRIMARY KEY (customer_id, version)
) STRICT;
