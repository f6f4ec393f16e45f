-- Whether the file may hold pieces of erased values: 1 until it is written anew, 2 meanwhile.

ALTER TABLE erasures ADD COLUMN remnants INTEGER NOT NULL DEFAULT 1;
