-- Lists in every order, filters and search, each led to by an index. `order` columns and `search_text` are folded by
-- the program, which remembers in `indexed_version` for which version it did so: rows that an older program wrote are
-- found by that, and indexed by `admin migrate` and `admin sweep`.

ALTER TABLE customers ADD COLUMN email_order     TEXT    NOT NULL DEFAULT '';
ALTER TABLE customers ADD COLUMN name_order      TEXT    NOT NULL DEFAULT '';
ALTER TABLE customers ADD COLUMN surname_order   TEXT    NOT NULL DEFAULT '';
ALTER TABLE customers ADD COLUMN search_text     TEXT    NOT NULL DEFAULT ''; -- ' jose nunez example com'
ALTER TABLE customers ADD COLUMN indexed_version INTEGER NULL;
ALTER TABLE customers ADD COLUMN deleted         INTEGER NOT NULL DEFAULT 0; -- whether deleted_at is set
ALTER TABLE customers ADD COLUMN photographed    INTEGER NOT NULL DEFAULT 0; -- whether photo_id is set
CREATE INDEX customers_by_id ON customers (deleted, id);
CREATE INDEX customers_by_created_at ON customers (deleted, created_at, id);
CREATE INDEX customers_by_last_modified_at ON customers (deleted, last_modified_at, id);
CREATE INDEX customers_by_surname ON customers (deleted, surname_order, id);
CREATE INDEX customers_by_name ON customers (deleted, name_order, id);
CREATE INDEX customers_by_email ON customers (deleted, email_order, id);
CREATE INDEX customers_by_created_by ON customers (deleted, created_by, id);
CREATE INDEX customers_by_photo ON customers (deleted, photographed, id);
CREATE INDEX customers_unindexed ON customers (id) WHERE indexed_version IS NOT version;

-- What leads to the customers who have a word: see shared/src/customer/search.rs.
CREATE TABLE customer_terms (
    deleted     INTEGER NOT NULL,
    term        TEXT    NOT NULL,
    customer_id INTEGER NOT NULL,
    PRIMARY KEY (deleted, term, customer_id)
) STRICT, WITHOUT ROWID;
