-- The whiteboards of rooms: which board it is, and its elements. `body` is the element in the clients' own words.
CREATE TABLE boards (
    room TEXT NOT NULL PRIMARY KEY,
    epoch BIGINT NOT NULL,
    touched_ms BIGINT NOT NULL
);

CREATE TABLE board_elements (
    room TEXT NOT NULL,
    id TEXT NOT NULL,
    version BIGINT NOT NULL,
    nonce BIGINT NOT NULL,
    deleted BIGINT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (room, id)
);
