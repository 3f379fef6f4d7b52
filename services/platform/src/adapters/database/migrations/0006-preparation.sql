-- What is done once for an experiment before its trials are known: its dataset is generated.
CREATE TABLE preparations (
  experiment_id text COLLATE "C" PRIMARY KEY REFERENCES experiments (id) ON DELETE CASCADE,
  spec_hash text NOT NULL,
  spec jsonb NOT NULL,
  reuse boolean NOT NULL,
  plan jsonb NOT NULL,
  state text NOT NULL,
  attempts integer NOT NULL DEFAULT 0,
  claim bigint,
  message text,
  dataset jsonb,
  report jsonb,
  reused_from text COLLATE "C",
  started_at timestamptz,
  ended_at timestamptz
);

CREATE INDEX preparations_by_spec ON preparations (spec_hash, ended_at DESC) WHERE state = 'succeeded';

-- Attempts of a preparation belong to no trial.
ALTER TABLE attempts DROP CONSTRAINT attempts_experiment_id_trial_id_fkey;

ALTER TABLE attempts ADD FOREIGN KEY (experiment_id) REFERENCES experiments (id) ON DELETE CASCADE;
