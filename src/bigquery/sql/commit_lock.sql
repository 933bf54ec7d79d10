BEGIN TRANSACTION;

-- Serialises the commits of all streams that write these tables; refuses another workspace, source, time
-- zone or dataset.
-- It comes first in the transaction, before any shared table is read.
UPDATE `${lock}`
   SET commits = commits + 1, committed_at = CURRENT_TIMESTAMP()
 WHERE workspace_id = @workspace_id AND source_type = @source_type AND timezone = @timezone
   AND dataset = @dataset;
IF @@row_count != 1 OR (SELECT COUNT(*) FROM `${lock}`) != 1 THEN
  RAISE USING MESSAGE = 'caseload: ${stream}: nothing was committed: the lock row is missing, doubled, or of another workspace, source, time zone or dataset. The next run makes a missing or doubled row again, or says what differs';
END IF;
