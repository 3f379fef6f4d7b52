-- Peaks measured on GPUs, the newest experiments first (the condition is that of fit.ts), and plans by what they are for.
CREATE INDEX results_on_gpus ON results (experiment_id DESC)
  WHERE summary #>> '{environment,deviceKind}' = 'cuda' AND summary #>> '{memory,peakAllocatedBytes}' IS NOT NULL;

CREATE INDEX cells_by_like_key ON cells (like_key, experiment_id DESC);
