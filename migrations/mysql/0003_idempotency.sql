-- Requests that may be sent again: see shared/src/idempotency.rs. Nothing in it is about anybody.

CREATE TABLE idempotency_keys (
    user_id     BIGINT       NOT NULL,
    route       VARCHAR(100) NOT NULL, -- 'POST /customers'
    name        VARCHAR(255) NOT NULL, -- keyed hash of the key
    fingerprint CHAR(64)     NOT NULL, -- keyed hash of the body
    claim_id    CHAR(32)     NOT NULL,
    claimed_at  BIGINT       NOT NULL,
    result      TEXT         NULL,     -- JSON of ids and versions; NULL while under way
    PRIMARY KEY (user_id, route, name),
    KEY idempotency_keys_by_claimed_at (claimed_at)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
