-- Records that could not be keyed, parsed or fetched. One that is in `rejected` since @renewed_since is not added
-- again, unless it was mended since: hashes are compared, so only small columns of recent days are read.
IF (SELECT COUNT(*) FROM `${stage}`) != @staged_rejected THEN
  RAISE USING MESSAGE = 'caseload: rejected: the staged row count differs from what was uploaded';
END IF;
INSERT INTO `${rejected}` (rejected_date, stream, from_date, to_date, id, reason, record, content_hash, cause, run_id, rejected_at)
SELECT CURRENT_DATE(@timezone), @stream, @lo, @hi, s.id, s.reason, s.record, s.content_hash, s.cause, @run_id, CURRENT_TIMESTAMP()
  FROM (SELECT *
          FROM `${stage}`
         WHERE TRUE
       QUALIFY ROW_NUMBER() OVER (PARTITION BY content_hash ORDER BY _seq) = 1) AS s
  LEFT JOIN (SELECT DISTINCT content_hash
               FROM `${rejected}`
              WHERE rejected_date >= @renewed_since AND stream = @stream AND mended_at IS NULL) AS k
    ON k.content_hash = s.content_hash
 WHERE k.content_hash IS NULL;
SET n_rejected = @@row_count;
