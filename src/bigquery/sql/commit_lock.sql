BEGIN TRANSACTION;

-- Serialises the commits of all streams that write these tables; refuses another workspace, source or time zone.
-- It comes first in the transaction, before any shared table is read.
UPDATE `${lock}`
   SET commits = commits + 1, committed_at = CURRENT_TIMESTAMP()
 WHERE workspace_id = @workspace_id AND source_type = @source_type AND timezone = @timezone;
IF @@row_count != 1 OR (SELECT COUNT(*) FROM `${lock}`) != 1 THEN
  RAISE USING MESSAGE = 'caseload: ${stream}: the lock row is missing, doubled, or of another workspace, source or time zone. If this dataset belongs to this configuration, drop the lock table; the next run creates it';
END IF;
