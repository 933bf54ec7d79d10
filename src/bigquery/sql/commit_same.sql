-- The fetch read what the last commit into these tables had read: the ledger notes it. Nothing is noted if there was
-- another commit since.
INSERT INTO `${runs}`
  (committed_at, stream, from_date, to_date, open_ended, run_id, message_id, fetch_began_at, fetched, inserted,
   content_changes, rejected, caseload_version, workspace_id, source_type, timezone, dataset, incomplete, left_out,
   children_from, same_as)
SELECT CURRENT_TIMESTAMP(), @stream, @lo, @hi, @open, @run_id, @message_id, @began_at, @fetched, 0,
       0, 0, @version, @workspace_id, @source_type, @timezone, @dataset, FALSE,
       ARRAY(SELECT child FROM UNNEST([${left_out}]) AS child WHERE child != ''), ${children_from}, r.committed_at
  FROM (SELECT MAX(committed_at) AS committed_at
          FROM `${runs}`
         WHERE stream IN (@stream, CONCAT(@stream, '_reconciliation')) AND same_as IS NULL) AS r
 WHERE r.committed_at = @same_as;
SET n_same = @@row_count;

COMMIT TRANSACTION;
SELECT n_same AS noted;
