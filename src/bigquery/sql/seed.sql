-- The one row of a lock table. The job's id is fixed, so this runs once in the life of the lock table. If it failed
-- after its work was done, the next id finds the row.
INSERT INTO `${lock}` (workspace_id, source_type, timezone, commits, committed_at)
SELECT @workspace_id, @source_type, @timezone, 0, CURRENT_TIMESTAMP()
  FROM (SELECT COUNT(*) AS seeded FROM `${lock}`) AS l
 WHERE l.seeded = 0
