-- What an owner decides of cameras in a room's meetings: the greatest short side and frame rate of a picture, NULL for no
-- limit, and the codecs to prefer, best first, between commas.
ALTER TABLE owned_rooms ADD COLUMN max_height BIGINT;
ALTER TABLE owned_rooms ADD COLUMN max_fps BIGINT;
ALTER TABLE owned_rooms ADD COLUMN video_codecs TEXT NOT NULL DEFAULT '';
