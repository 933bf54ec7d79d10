-- ${target}: what was uploaded is there, whole, and on its days. Staging is ours alone and complete: no
-- transaction is needed to read it.
IF (SELECT COUNT(*) FROM `${stage}`) != @${staged} THEN
  RAISE USING MESSAGE = 'caseload: ${name}: the staged row count differs from what was uploaded';
END IF;
IF EXISTS (SELECT 1 FROM `${stage}` WHERE ${misplaced}) THEN
  RAISE USING MESSAGE = 'caseload: ${name}: a staged row lies outside its unit or its day';
END IF;
