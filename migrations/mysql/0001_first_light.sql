-- Users, their sessions and identities; customers and their history.
-- Texts are utf8mb4_bin: they compare byte by byte, as SQLite compares. Times are microseconds since 1970.

CREATE TABLE users (
    id            BIGINT       NOT NULL AUTO_INCREMENT PRIMARY KEY,
    email         VARCHAR(254) NOT NULL,
    email_key     VARCHAR(254) NULL UNIQUE, -- NULL once deleted, so that the address is free again
    name          VARCHAR(120) NULL,
    role          VARCHAR(10)  NOT NULL,
    status        VARCHAR(10)  NOT NULL,
    password_hash VARCHAR(255) NULL,
    created_at    BIGINT       NOT NULL,
    last_login_at BIGINT       NULL,
    deleted_at    BIGINT       NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE identities (
    issuer    VARCHAR(100) NOT NULL,
    subject   VARCHAR(255) NOT NULL,
    provider  VARCHAR(20)  NOT NULL,
    user_id   BIGINT       NOT NULL,
    linked_at BIGINT       NOT NULL,
    PRIMARY KEY (issuer, subject),
    UNIQUE (user_id, provider),
    FOREIGN KEY (user_id) REFERENCES users (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE sessions (
    id             CHAR(32)     NOT NULL PRIMARY KEY,
    user_id        BIGINT       NOT NULL,
    counter        BIGINT       NOT NULL, -- how often the refresh token was exchanged
    created_at     BIGINT       NOT NULL,
    refreshed_at   BIGINT       NOT NULL,
    ended_at       BIGINT       NULL,
    client_address VARCHAR(64)  NULL,
    user_agent     VARCHAR(200) NULL,
    KEY sessions_by_user (user_id),
    FOREIGN KEY (user_id) REFERENCES users (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE customers (
    id               BIGINT        NOT NULL AUTO_INCREMENT PRIMARY KEY,
    email            VARCHAR(254)  NOT NULL,
    email_key        VARCHAR(254)  NULL UNIQUE, -- NULL once deleted, so that the address is free again
    name             VARCHAR(120)  NOT NULL,
    surname          VARCHAR(120)  NOT NULL,
    phone            VARCHAR(40)   NULL,
    notes            VARCHAR(4000) NULL,
    photo_id         CHAR(32)      NULL,
    photo_width      BIGINT        NULL,
    photo_height     BIGINT        NULL,
    created_by       BIGINT        NOT NULL,
    last_modified_by BIGINT        NOT NULL,
    created_at       BIGINT        NOT NULL,
    last_modified_at BIGINT        NOT NULL,
    version          BIGINT        NOT NULL,
    deleted_at       BIGINT        NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE customer_events (
    customer_id  BIGINT      NOT NULL,
    version      BIGINT      NOT NULL,
    action       VARCHAR(20) NOT NULL,
    operation_id CHAR(32)    NOT NULL,
    actor_id     BIGINT      NOT NULL,
    at           BIGINT      NOT NULL,
    changes      MEDIUMTEXT  NOT NULL, -- JSON: {"surname": {"from": …, "to": …}}
    PRIMARY KEY (customer_id, version)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
