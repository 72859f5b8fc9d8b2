-- Rooms by the folded form of their name: the highest number ever given to a message there, and how many seconds
-- messages stay; NULL where the server's own setting counts.
CREATE TABLE chat_rooms (
    room TEXT NOT NULL PRIMARY KEY,
    last_seq BIGINT NOT NULL,
    keep_s BIGINT
);

-- `folded` is the text in lower case, for searching.
CREATE TABLE chat (
    room TEXT NOT NULL,
    seq BIGINT NOT NULL,
    id TEXT NOT NULL,
    identity TEXT NOT NULL,
    name TEXT NOT NULL,
    body TEXT NOT NULL,
    folded TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    PRIMARY KEY (room, seq),
    UNIQUE (room, identity, id)
);
