-- People with an account. `password` is an Argon2id hash, NULL for those who sign in at an identity provider only; issuer
-- and subject say who they are there.
CREATE TABLE accounts (
    id TEXT NOT NULL PRIMARY KEY,
    login TEXT NOT NULL UNIQUE,
    display_name TEXT NOT NULL,
    email TEXT,
    admin BIGINT NOT NULL,
    disabled BIGINT NOT NULL,
    password TEXT,
    issuer TEXT,
    subject TEXT,
    created_ms BIGINT NOT NULL,
    UNIQUE (issuer, subject)
);

-- Stays of people signed in, by the SHA-256 of the secret in their browser's cookie.
CREATE TABLE sessions (
    digest TEXT NOT NULL PRIMARY KEY,
    account TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    created_ms BIGINT NOT NULL,
    seen_ms BIGINT NOT NULL
);

CREATE INDEX sessions_account ON sessions (account);

-- Rooms somebody owns, by the folded form of their name. `changes` rises with every change, for calendars.
CREATE TABLE owned_rooms (
    room TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    owner TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    title TEXT NOT NULL,
    description TEXT NOT NULL,
    access TEXT NOT NULL,
    starts_without_owner BIGINT NOT NULL,
    capacity BIGINT,
    lobby BIGINT NOT NULL,
    start_muted BIGINT NOT NULL,
    start_without_video BIGINT NOT NULL,
    webinar BIGINT NOT NULL,
    password TEXT,
    starts_ms BIGINT,
    duration_min BIGINT,
    repeats TEXT,
    until_ms BIGINT,
    created_ms BIGINT NOT NULL,
    changes BIGINT NOT NULL
);

CREATE INDEX owned_rooms_owner ON owned_rooms (owner);

-- Links that let somebody into an owned room, by the SHA-256 of the secret in them.
CREATE TABLE invitations (
    id TEXT NOT NULL PRIMARY KEY,
    digest TEXT NOT NULL UNIQUE,
    room TEXT NOT NULL REFERENCES owned_rooms (room) ON DELETE CASCADE,
    label TEXT NOT NULL,
    role TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL,
    max_uses BIGINT,
    uses BIGINT NOT NULL,
    revoked BIGINT NOT NULL
);

CREATE INDEX invitations_room ON invitations (room);
CREATE INDEX invitations_expiry ON invitations (expires_ms);
