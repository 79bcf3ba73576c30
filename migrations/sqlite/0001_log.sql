-- The log, what lives in its transactions, and the checkpoints of its readers.
-- Times are microseconds since 1970. Ids are text as they are displayed.

-- A file holds one log, so the position can be the key under which rows are stored: a page of the log is read from
-- neighbouring pages of the file, and appending never moves anything.
CREATE TABLE events (
    position       INTEGER NOT NULL PRIMARY KEY,
    log_id         INTEGER NOT NULL DEFAULT 0,
    aggregate_type TEXT    NOT NULL,
    aggregate_id   TEXT    NOT NULL,
    sequence       INTEGER NOT NULL,
    event_type     TEXT    NOT NULL,
    event_version  TEXT    NOT NULL,
    payload        TEXT    NOT NULL,
    metadata       TEXT    NOT NULL,
    recorded_at    INTEGER NOT NULL,
    leaf           BLOB    NOT NULL,
    UNIQUE (log_id, aggregate_type, aggregate_id, sequence)
) STRICT;

CREATE TABLE log_head (
    log_id      INTEGER NOT NULL PRIMARY KEY,
    position    INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    frontier    BLOB    NOT NULL
) STRICT;

INSERT INTO log_head (log_id, position, recorded_at, frontier) VALUES (0, 0, 0, x'');

CREATE TABLE claims (
    log_id INTEGER NOT NULL DEFAULT 0,
    scope  TEXT    NOT NULL,
    key    TEXT    NOT NULL,
    holder TEXT    NOT NULL,
    PRIMARY KEY (log_id, scope, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE idempotency (
    log_id      INTEGER NOT NULL DEFAULT 0,
    owner       TEXT    NOT NULL,
    key         TEXT    NOT NULL,
    fingerprint BLOB    NOT NULL,
    ids         TEXT    NOT NULL,
    first       INTEGER NOT NULL,
    count       INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    -- Null keeps the record for good.
    expires_at  INTEGER,
    PRIMARY KEY (log_id, owner, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_by_expiry ON idempotency (log_id, expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE snapshots (
    log_id         INTEGER NOT NULL DEFAULT 0,
    aggregate_type TEXT    NOT NULL,
    aggregate_id   TEXT    NOT NULL,
    sequence       INTEGER NOT NULL,
    fingerprint    TEXT    NOT NULL,
    state          TEXT    NOT NULL,
    PRIMARY KEY (log_id, aggregate_type, aggregate_id)
) STRICT;

-- A destroyed key leaves its row, so that it is never made again.
CREATE TABLE data_keys (
    log_id    INTEGER NOT NULL DEFAULT 0,
    key_id    TEXT    NOT NULL,
    wrapped   BLOB,
    destroyed INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (log_id, key_id),
    CHECK ((wrapped IS NULL) = (destroyed = 1))
) STRICT;

CREATE TABLE settings (
    log_id INTEGER NOT NULL DEFAULT 0,
    name   TEXT    NOT NULL,
    value  TEXT    NOT NULL,
    PRIMARY KEY (log_id, name)
) STRICT;

-- The lease columns are for stores that several engine processes share; a file has one engine.
CREATE TABLE readers (
    log_id        INTEGER NOT NULL DEFAULT 0,
    name          TEXT    NOT NULL,
    position      INTEGER NOT NULL,
    lease_owner   TEXT,
    lease_until   INTEGER,
    fencing_token INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (log_id, name)
) STRICT;
