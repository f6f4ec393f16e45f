-- What failed sign-ins used up: see functions/auth/src/limits.rs. Nothing in it tells about anybody.

CREATE TABLE sign_in_limits (
    name    TEXT    NOT NULL PRIMARY KEY, -- keyed hash of what is limited
    step    INTEGER NOT NULL, -- how much later one attempt makes it free, in microseconds
    free_at INTEGER NOT NULL  -- when nothing of it is used up any more
) STRICT, WITHOUT ROWID;
CREATE INDEX sign_in_limits_by_free_at ON sign_in_limits (free_at);
