-- The lock row of a stream. The job's id is fixed, so this runs once in the life of the lock table.
INSERT INTO `${lock}` (workspace_id, source_type, timezone, commits, committed_at)
VALUES (@workspace_id, @source_type, @timezone, 0, CURRENT_TIMESTAMP())
