-- Erased customers: what is kept of them, and which of their pictures are still to go.

ALTER TABLE customers ADD COLUMN erased_at BIGINT NULL;

CREATE TABLE erasures (
    customer_id  BIGINT   NOT NULL PRIMARY KEY,
    email_hash   CHAR(64) NOT NULL, -- HMAC-SHA256 under a key outside the database
    key_id       CHAR(16) NOT NULL, -- which key that was
    at           BIGINT   NOT NULL,
    actor_id     BIGINT   NOT NULL,
    operation_id CHAR(32) NOT NULL,
    history_rows BIGINT   NOT NULL,
    pictures     BIGINT   NOT NULL, -- how many there were
    KEY erasures_by_email (email_hash, at)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE erased_images (
    image_id    CHAR(32) NOT NULL PRIMARY KEY,
    customer_id BIGINT   NOT NULL,
    KEY erased_images_by_customer (customer_id, image_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
