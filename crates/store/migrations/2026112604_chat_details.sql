-- What a message answers, when its text was changed last, and reactions: a line for each kind, the kind and after it
-- those who reacted, with tabs between.
ALTER TABLE chat ADD COLUMN reply_to BIGINT;
ALTER TABLE chat ADD COLUMN edited_ms BIGINT;
ALTER TABLE chat ADD COLUMN reactions TEXT NOT NULL DEFAULT '';
