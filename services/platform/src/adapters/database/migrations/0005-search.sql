-- Searches of an experiment. `definition` is the study as the domain knows it; `state`: open, closed, cancelled or failed.
CREATE TABLE studies (
  experiment_id text COLLATE "C" NOT NULL REFERENCES experiments (id) ON DELETE CASCADE,
  key text COLLATE "C" NOT NULL,
  ordinal integer NOT NULL,
  definition jsonb NOT NULL,
  reuse boolean NOT NULL,
  state text NOT NULL DEFAULT 'open',
  message text,
  PRIMARY KEY (experiment_id, key)
);

CREATE INDEX studies_open ON studies (experiment_id) WHERE state = 'open';

-- What studies have suggested. Two suggestions may have one trial; one whose parameters cannot run has none.
CREATE TABLE suggestions (
  experiment_id text COLLATE "C" NOT NULL,
  study_key text COLLATE "C" NOT NULL,
  number integer NOT NULL,
  parameters jsonb NOT NULL,
  trial_id text COLLATE "C",
  own boolean NOT NULL,
  ending jsonb,
  told boolean NOT NULL,
  reported_step integer NOT NULL,
  pruning boolean NOT NULL,
  PRIMARY KEY (experiment_id, study_key, number),
  FOREIGN KEY (experiment_id, study_key) REFERENCES studies (experiment_id, key) ON DELETE CASCADE,
  FOREIGN KEY (experiment_id, trial_id) REFERENCES trials (experiment_id, id) ON DELETE CASCADE
);

CREATE INDEX suggestions_by_trial ON suggestions (experiment_id, trial_id);
