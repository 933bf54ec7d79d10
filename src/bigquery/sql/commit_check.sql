-- Checks that all uploaded rows arrived, on their days, and notes the days. No other process writes these staging tables,
-- so no transaction is needed.
SET (n_staged, n_misplaced, ${days}) = (
  SELECT AS STRUCT COUNT(*), COUNTIF(${misplaced}),
         ARRAY(SELECT DISTINCT partition_date FROM `${stage}` ORDER BY partition_date)
    FROM `${stage}`);
IF n_staged != @${staged} THEN
  RAISE USING MESSAGE = 'caseload: ${name}: the staged row count differs from what was uploaded';
END IF;
IF n_misplaced > 0 THEN
  RAISE USING MESSAGE = 'caseload: ${name}: a staged row lies outside its unit or its day';
END IF;
