-- What somebody signed in with, in words such as "Firefox, Linux", so that they know their sessions apart.
ALTER TABLE sessions ADD COLUMN browser TEXT;
