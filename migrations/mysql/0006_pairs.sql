-- The terms of a customer are also of pairs of three and four letters. `terms_version` takes the place of `indexed_version`, which
-- programs from before may go on writing: it says for which version a row has the terms of today. What it does not say
-- that of is indexed by `admin migrate` and `admin sweep`.

ALTER TABLE customers ADD COLUMN terms_version BIGINT NULL;
