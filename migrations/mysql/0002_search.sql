-- Lists in every order, filters and search, each led to by an index. `order` columns and `search_text` are folded by
-- the program, which remembers in `indexed_version` for which version it did so: rows that an older program wrote are
-- found by that, and indexed by `admin migrate` and `admin sweep`.
-- No generated columns: of a table that has one, MariaDB forgets for a prepared statement that an index covers it
-- (10.11.19), and reads every row.

ALTER TABLE customers
    ADD COLUMN email_order     VARCHAR(254)  NOT NULL DEFAULT '',
    ADD COLUMN name_order      VARCHAR(120)  NOT NULL DEFAULT '',
    ADD COLUMN surname_order   VARCHAR(120)  NOT NULL DEFAULT '',
    ADD COLUMN search_text     VARCHAR(1500) NOT NULL DEFAULT '', -- ' jose nunez example com'
    ADD COLUMN indexed_version BIGINT        NULL,
    ADD COLUMN deleted         TINYINT       NOT NULL DEFAULT 0, -- whether deleted_at is set
    ADD COLUMN photographed    TINYINT       NOT NULL DEFAULT 0, -- whether photo_id is set
    ADD KEY customers_by_id (deleted, id),
    ADD KEY customers_by_created_at (deleted, created_at, id),
    ADD KEY customers_by_last_modified_at (deleted, last_modified_at, id),
    ADD KEY customers_by_surname (deleted, surname_order, id),
    ADD KEY customers_by_name (deleted, name_order, id),
    ADD KEY customers_by_email (deleted, email_order, id),
    ADD KEY customers_by_created_by (deleted, created_by, id),
    ADD KEY customers_by_photo (deleted, photographed, id);

-- What leads to the customers who have a word: see shared/src/customer/search.rs.
CREATE TABLE customer_terms (
    deleted     TINYINT     NOT NULL,
    term        VARCHAR(24) NOT NULL,
    customer_id BIGINT      NOT NULL,
    PRIMARY KEY (deleted, term, customer_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
