-- What workers tell: where trials run. One row.
CREATE TABLE surroundings (
  id integer PRIMARY KEY DEFAULT 1 CHECK (id = 1),
  content jsonb NOT NULL,
  at timestamptz NOT NULL DEFAULT now()
);

-- The GPUs there are. One row; claimed_at says when a worker last set out to look.
CREATE TABLE gpu_inventory (
  id integer PRIMARY KEY DEFAULT 1 CHECK (id = 1),
  content jsonb,
  claimed_at timestamptz NOT NULL DEFAULT '-infinity'
);

INSERT INTO gpu_inventory (id) VALUES (1);

-- Why an attempt does not run yet, and since when it is known to run.
ALTER TABLE attempts ADD COLUMN waiting text, ADD COLUMN running_at timestamptz;
