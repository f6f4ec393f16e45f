-- What failed sign-ins used up: see functions/auth/src/limits.rs. Nothing in it tells about anybody.

CREATE TABLE sign_in_limits (
    name    CHAR(32) NOT NULL PRIMARY KEY, -- keyed hash of what is limited
    step    BIGINT   NOT NULL, -- how much later one attempt makes it free, in microseconds
    free_at BIGINT   NOT NULL, -- when nothing of it is used up any more
    KEY sign_in_limits_by_free_at (free_at)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
