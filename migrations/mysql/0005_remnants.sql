-- Whether SQLite's file may hold pieces of erased values: always 0 here, a server's files are not ours.

ALTER TABLE erasures ADD COLUMN remnants TINYINT NOT NULL DEFAULT 0;
