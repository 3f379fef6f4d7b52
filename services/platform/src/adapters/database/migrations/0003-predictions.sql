-- Likeness of trials: the same cell in any experiment, and the same model (the expression is that of history.ts).
CREATE INDEX cells_by_id ON cells (id, experiment_id DESC);

CREATE INDEX cells_by_model ON cells (md5(coalesce(settings #>> '{model,fingerprint}', settings ->> 'model')), experiment_id DESC);

-- What was predicted at submission, and what happened. cell_id '' is the experiment itself.
CREATE TABLE predictions (
  experiment_id text COLLATE "C" NOT NULL REFERENCES experiments (id) ON DELETE CASCADE,
  cell_id text COLLATE "C" NOT NULL,
  made_at timestamptz NOT NULL DEFAULT now(),
  low double precision NOT NULL,
  median double precision NOT NULL,
  high double precision NOT NULL,
  widening double precision NOT NULL,
  overhead double precision NOT NULL,
  start_median double precision,
  actual double precision,
  actual_start double precision,
  outcome text,
  settled_at timestamptz,
  PRIMARY KEY (experiment_id, cell_id)
);

CREATE INDEX predictions_settled ON predictions (settled_at DESC) WHERE outcome = 'succeeded';
