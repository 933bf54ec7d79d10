-- An empty list would declare everybody gone: more likely, something is wrong.
IF n_0 > 0 THEN
  RAISE USING MESSAGE = 'caseload: ${stream}: the list of all records is empty, but ${subject} holds records that are not known to be gone; nothing is declared gone. Check that the token may still read them and that the workspace is the right one; if it really is empty, set reconcile_days to 0';
END IF;
