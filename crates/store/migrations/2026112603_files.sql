-- Files people gave to a room. `state` is 0 while one is being uploaded and 1 once it is whole; `kind` is the media type
-- its content was found to have.
CREATE TABLE files (
    id TEXT NOT NULL PRIMARY KEY,
    room TEXT NOT NULL,
    identity TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    size BIGINT NOT NULL,
    state BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL
);

-- A message that shows a file; NULL in the others.
ALTER TABLE chat ADD COLUMN file_id TEXT;
ALTER TABLE chat ADD COLUMN file_name TEXT;
ALTER TABLE chat ADD COLUMN file_kind TEXT;
ALTER TABLE chat ADD COLUMN file_bytes BIGINT;

CREATE INDEX files_room ON files (room);
CREATE INDEX files_expiry ON files (expires_ms);
