-- Activities of an experiment that fail again and again, by their names; empty where nothing is blocked.
ALTER TABLE experiments ADD COLUMN blocked jsonb NOT NULL DEFAULT '{}';

CREATE INDEX experiments_blocked ON experiments (id) WHERE blocked <> '{}'::jsonb;
