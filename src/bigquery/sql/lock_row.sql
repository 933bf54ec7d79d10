-- Makes the one row of a lock table that is new, was emptied, or holds its row more than once. Nothing is done if the
-- lock or the ledger has another workspace, source, time zone or dataset: both are read in this transaction.
DECLARE doubled_rows INT64;
BEGIN TRANSACTION;
IF ((SELECT COUNT(*) FROM `${lock}`) != 1 OR (SELECT COUNTIF(dataset IS NOT NULL) FROM `${lock}`) != 1)
   AND (SELECT COUNT(*) FROM `${lock}`
         WHERE workspace_id != @workspace_id OR source_type != @source_type OR timezone != @timezone
            OR dataset != @dataset) = 0
   AND (SELECT COUNT(*) FROM `${runs}`
         WHERE workspace_id != @workspace_id OR source_type != @source_type OR timezone != @timezone
            OR dataset != @dataset) = 0 THEN
  SET doubled_rows = (SELECT MAX(doubled) FROM `${lock}`);
  DELETE FROM `${lock}` WHERE TRUE;
  INSERT INTO `${lock}` (workspace_id, source_type, timezone, commits, committed_at, dataset, doubled)
  VALUES (@workspace_id, @source_type, @timezone, 0, CURRENT_TIMESTAMP(), @dataset, doubled_rows);
END IF;
COMMIT TRANSACTION;
