-- Records that could not be keyed, parsed or fetched, once each.
IF (SELECT COUNT(*) FROM `${stage}`) != @staged_rejected THEN
  RAISE USING MESSAGE = 'caseload: rejected: the staged row count differs from what was uploaded';
END IF;
INSERT INTO `${rejected}` (day, stream, lo, hi, id, reason, record, run_id, rejected_at)
SELECT CURRENT_DATE(@timezone), @stream, @lo, @hi, s.id, s.reason, s.record, @run_id, CURRENT_TIMESTAMP()
  FROM (SELECT *
          FROM `${stage}`
         WHERE TRUE
       QUALIFY ROW_NUMBER() OVER (PARTITION BY reason, record ORDER BY _seq) = 1) AS s
  LEFT JOIN (SELECT DISTINCT reason, record FROM `${rejected}` WHERE stream = @stream) AS k
    ON k.reason = s.reason AND k.record = s.record
 WHERE k.record IS NULL;
SET n_rejected = @@row_count;
