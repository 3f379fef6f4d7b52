-- Statements end with a semicolon at the end of a line: the runner splits there, because PGlite takes one at a time.
CREATE TABLE experiments (
  id text COLLATE "C" PRIMARY KEY,
  name text NOT NULL,
  state text NOT NULL,
  document jsonb NOT NULL,
  policy jsonb NOT NULL,
  dropped jsonb NOT NULL,
  baseline_cell_id text,
  cells integer NOT NULL,
  next_ordinal integer NOT NULL,
  idempotency_key text UNIQUE,
  body_hash text NOT NULL,
  counts jsonb NOT NULL,
  version integer NOT NULL DEFAULT 1,
  last_event integer NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL DEFAULT now(),
  started_at timestamptz,
  ended_at timestamptz
);

CREATE INDEX experiments_by_state ON experiments (state, id);

CREATE TABLE cells (
  experiment_id text COLLATE "C" NOT NULL REFERENCES experiments (id) ON DELETE CASCADE,
  id text COLLATE "C" NOT NULL,
  cell jsonb NOT NULL,
  settings jsonb NOT NULL,
  like_key text NOT NULL,
  plan jsonb NOT NULL,
  PRIMARY KEY (experiment_id, id)
);

CREATE TABLE trials (
  experiment_id text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  cell_id text COLLATE "C" NOT NULL,
  seed bigint NOT NULL,
  ordinal integer NOT NULL,
  state text NOT NULL,
  attempts integer NOT NULL DEFAULT 0,
  claim bigint,
  message text,
  reused_from text COLLATE "C",
  started_at timestamptz,
  ended_at timestamptz,
  PRIMARY KEY (experiment_id, id),
  FOREIGN KEY (experiment_id, cell_id) REFERENCES cells (experiment_id, id) ON DELETE CASCADE
);

CREATE UNIQUE INDEX trials_in_order ON trials (experiment_id, ordinal);

CREATE INDEX trials_by_state ON trials (experiment_id, state, ordinal);

CREATE INDEX trials_by_cell ON trials (experiment_id, cell_id, ordinal);

CREATE TABLE results (
  experiment_id text COLLATE "C" NOT NULL,
  trial_id text COLLATE "C" NOT NULL,
  summary jsonb NOT NULL,
  samples jsonb NOT NULL,
  recorded_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (experiment_id, trial_id),
  FOREIGN KEY (experiment_id, trial_id) REFERENCES trials (experiment_id, id) ON DELETE CASCADE
);

CREATE INDEX results_for_reuse ON results (trial_id, recorded_at DESC);

CREATE TABLE attempts (
  id text COLLATE "C" PRIMARY KEY,
  experiment_id text COLLATE "C" NOT NULL,
  trial_id text COLLATE "C" NOT NULL,
  attempt integer NOT NULL,
  plan jsonb NOT NULL,
  ending jsonb,
  started_at timestamptz NOT NULL DEFAULT now(),
  ended_at timestamptz,
  last_event_at timestamptz,
  last_seq integer NOT NULL DEFAULT 0,
  metrics_at timestamptz,
  phase text,
  step integer,
  steps integer,
  FOREIGN KEY (experiment_id, trial_id) REFERENCES trials (experiment_id, id) ON DELETE CASCADE
);

CREATE UNIQUE INDEX attempts_by_trial ON attempts (experiment_id, trial_id, attempt);

CREATE TABLE trial_events (
  attempt_id text COLLATE "C" NOT NULL,
  seq integer NOT NULL,
  event jsonb NOT NULL,
  PRIMARY KEY (attempt_id, seq)
);

CREATE TABLE experiment_events (
  experiment_id text COLLATE "C" NOT NULL,
  id integer NOT NULL,
  at timestamptz NOT NULL DEFAULT now(),
  type text NOT NULL,
  data jsonb NOT NULL,
  PRIMARY KEY (experiment_id, id)
);
