-- Records that could not be fetched before, and are loaded now. The condition comes first: an UPDATE conflicts with those of
-- other streams' commits.
IF EXISTS (SELECT 1 FROM `${rejected}`
            WHERE rejected_date >= @rejected_since AND stream = @stream AND cause = 'transport' AND mended_at IS NULL) THEN
  UPDATE `${rejected}`
     SET mended_at = CURRENT_TIMESTAMP()
   WHERE rejected_date >= @rejected_since AND stream = @stream AND cause = 'transport' AND mended_at IS NULL
     AND run_id != @run_id AND id IN (SELECT CAST(${key} AS STRING) FROM `${stage}`)${still_rejected};
END IF;
