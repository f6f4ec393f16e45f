-- Requests that may be sent again: see shared/src/idempotency.rs. Nothing in it is about anybody.

CREATE TABLE idempotency_keys (
    user_id     INTEGER NOT NULL,
    route       TEXT    NOT NULL, -- 'POST /customers'
    name        TEXT    NOT NULL, -- keyed hash of the key
    fingerprint TEXT    NOT NULL, -- keyed hash of the body
    claim_id    TEXT    NOT NULL,
    claimed_at  INTEGER NOT NULL,
    result      TEXT    NULL,     -- JSON of ids and versions; NULL while under way
    PRIMARY KEY (user_id, route, name)
) STRICT;
CREATE INDEX idempotency_keys_by_claimed_at ON idempotency_keys (claimed_at);
