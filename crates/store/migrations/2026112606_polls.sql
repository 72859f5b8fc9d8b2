-- Polls of rooms. `options` and `counts` hold a line for each option: its text, and how often it was chosen. A deleted
-- poll keeps its number and nothing else.
CREATE TABLE polls (
    room TEXT NOT NULL,
    id BIGINT NOT NULL,
    question TEXT NOT NULL,
    options TEXT NOT NULL,
    counts TEXT NOT NULL,
    multiple BIGINT NOT NULL,
    anonymous BIGINT NOT NULL,
    secret_until_closed BIGINT NOT NULL,
    identity TEXT,
    name TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    closed_ms BIGINT,
    touched_ms BIGINT NOT NULL,
    deleted BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (room, id)
);

-- Who has voted, in which order, and what they chose: places among the options with spaces between, none in an
-- anonymous poll.
CREATE TABLE poll_votes (
    room TEXT NOT NULL,
    poll BIGINT NOT NULL,
    identity TEXT NOT NULL,
    choices TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    PRIMARY KEY (room, poll, identity)
);
