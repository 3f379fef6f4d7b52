-- GPUs of the runner's machine that get no attempt after a fault. A pause that is over stays, for it counts the faults.
CREATE TABLE devices_set_aside (
  device text PRIMARY KEY,
  content jsonb NOT NULL
);
