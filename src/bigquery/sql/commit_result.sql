-- The row is the proof: a job that is done without it counts as failed.
SELECT ${counters}, n_rejected AS rejected, n_doubled AS doubled;
