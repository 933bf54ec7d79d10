-- The row is the proof: a job that is done without it counts as failed.
SELECT ${counter_list}, n_rejected AS rejected, ${doubled} AS doubled;
