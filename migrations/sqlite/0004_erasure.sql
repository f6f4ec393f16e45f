-- Erased customers: what is kept of them, and which of their pictures are still to go.

ALTER TABLE customers ADD COLUMN erased_at INTEGER NULL;

CREATE TABLE erasures (
    customer_id  INTEGER NOT NULL PRIMARY KEY,
    email_hash   TEXT    NOT NULL, -- HMAC-SHA256 under a key outside the database
    key_id       TEXT    NOT NULL, -- which key that was
    at           INTEGER NOT NULL,
    actor_id     INTEGER NOT NULL,
    operation_id TEXT    NOT NULL,
    history_rows INTEGER NOT NULL,
    pictures     INTEGER NOT NULL  -- how many there were
) STRICT;
CREATE INDEX erasures_by_email ON erasures (email_hash, at);

CREATE TABLE erased_images (
    image_id    TEXT    NOT NULL PRIMARY KEY,
    customer_id INTEGER NOT NULL
) STRICT;
CREATE INDEX erased_images_by_customer ON erased_images (customer_id, image_id);
