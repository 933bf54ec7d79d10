BEGIN TRANSACTION;

-- Serialises the commits of all streams that write these tables; refuses another workspace, source, time
-- zone or dataset.
-- It comes first in the transaction, before any shared table is read. The first UPDATE succeeds if nobody but this run has
-- committed since its fetch began: then the ledger need not be asked what others did.
UPDATE `${lock}`
   SET commits = commits + 1, committed_at = CURRENT_TIMESTAMP()
 WHERE workspace_id = @workspace_id AND source_type = @source_type AND timezone = @timezone
   AND dataset = @dataset AND (SELECT COUNT(*) FROM `${lock}`) = 1
   AND committed_at <= @alone_since;
SET is_alone = @@row_count = 1;
IF NOT is_alone THEN
  UPDATE `${lock}`
     SET commits = commits + 1, committed_at = CURRENT_TIMESTAMP()
   WHERE workspace_id = @workspace_id AND source_type = @source_type AND timezone = @timezone
     AND dataset = @dataset AND (SELECT COUNT(*) FROM `${lock}`) = 1;
  IF @@row_count != 1 THEN
    RAISE USING MESSAGE = 'caseload: ${stream}: nothing was committed: the lock row is missing, doubled, or of another workspace, source, time zone or dataset. The next run makes a missing or doubled row again, or says what differs';
  END IF;
END IF;
