-- The log, and what lives in its transactions. Keys compare byte by byte, whatever the locale of the database.

-- The columns of postgres-es come first and keep their names, so that its readers work on this table. `position` has no
-- default: a writer that knows nothing of positions is refused. `json` keeps the bytes that were hashed; `jsonb` would
-- not.
CREATE TABLE events (
    aggregate_type text   COLLATE "C" NOT NULL,
    aggregate_id   text   COLLATE "C" NOT NULL,
    sequence       bigint NOT NULL CHECK (sequence > 0),
    event_type     text   COLLATE "C" NOT NULL,
    event_version  text   COLLATE "C" NOT NULL,
    payload        json   NOT NULL,
    metadata       json   NOT NULL,
    log_id         bigint NOT NULL DEFAULT 0,
    position       bigint NOT NULL CHECK (position > 0),
    recorded_at    bigint NOT NULL, -- microseconds since 1970
    leaf           bytea  NOT NULL CHECK (length(leaf) = 32),
    PRIMARY KEY (aggregate_type, aggregate_id, sequence),
    UNIQUE (log_id, position)
);

-- One row per log. Whoever appends takes it, so positions are dense and in the order of commits.
CREATE TABLE log_head (
    log_id      bigint PRIMARY KEY,
    position    bigint NOT NULL,
    recorded_at bigint NOT NULL,
    frontier    bytea  NOT NULL
);
INSERT INTO log_head (log_id, position, recorded_at, frontier) VALUES (0, 0, 0, '');

-- What may exist once, and the stream that holds it. A claim is its scope, a slash and its key, in one column and first
-- in the index: whatever the planner thinks of the table's size, it then looks up each claim on its own.
CREATE TABLE claims (
    claim  text   COLLATE "C" NOT NULL,
    log_id bigint NOT NULL,
    holder text   COLLATE "C" NOT NULL,
    PRIMARY KEY (claim, log_id)
);

-- What a caller's key was answered with: positions and ids, never a rendered body.
CREATE TABLE idempotency (
    log_id      bigint NOT NULL,
    owner       text   COLLATE "C" NOT NULL,
    key         text   COLLATE "C" NOT NULL,
    fingerprint bytea  NOT NULL CHECK (length(fingerprint) = 32),
    ids         text   NOT NULL,
    first       bigint NOT NULL,
    count       bigint NOT NULL,
    recorded_at bigint NOT NULL,
    expires_at  bigint, -- null is kept for good
    PRIMARY KEY (log_id, owner, key)
);
CREATE INDEX idempotency_by_expires_at ON idempotency (log_id, expires_at) WHERE expires_at IS NOT NULL;

-- The latest kept state of a stream; only of use to a binary with the same fingerprint.
CREATE TABLE snapshots (
    aggregate_type text   COLLATE "C" NOT NULL,
    aggregate_id   text   COLLATE "C" NOT NULL,
    sequence       bigint NOT NULL,
    fingerprint    text   COLLATE "C" NOT NULL,
    state          text   NOT NULL,
    PRIMARY KEY (aggregate_type, aggregate_id)
);

-- Data keys, each encrypted under the master key; null once destroyed.
CREATE TABLE data_keys (
    key_id  text  COLLATE "C" PRIMARY KEY,
    wrapped bytea
);

CREATE TABLE settings (
    name  text COLLATE "C" PRIMARY KEY,
    value text NOT NULL
);

-- Checkpoints of the readers of the log, and the leases under which they run.
CREATE TABLE readers (
    log_id        bigint NOT NULL,
    name          text   COLLATE "C" NOT NULL,
    position      bigint NOT NULL,
    lease_owner   text,
    lease_until   bigint, -- microseconds since 1970
    fencing_token bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (log_id, name)
);
