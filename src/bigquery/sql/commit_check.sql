-- Checks that all uploaded rows arrived, on their days. No other process writes these staging tables, so no
-- transaction is needed.
IF (SELECT COUNT(*) FROM `${stage}`) != @${staged} THEN
  RAISE USING MESSAGE = 'caseload: ${name}: the staged row count differs from what was uploaded';
END IF;
IF EXISTS (SELECT 1 FROM `${stage}` WHERE ${misplaced}) THEN
  RAISE USING MESSAGE = 'caseload: ${name}: a staged row lies outside its unit or its day';
END IF;
