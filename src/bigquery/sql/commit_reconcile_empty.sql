-- An empty listing would declare all records deleted. More likely, something is wrong.
IF EXISTS (${suspects}
   AND (SELECT COUNT(*) FROM `${runs}` WHERE stream = @stream AND open_ended AND fetch_began_at > @began_at) = 0) THEN
  RAISE USING MESSAGE = 'caseload: ${stream}: the list of all records is empty, but ${subject_name} holds records that are not known to be deleted; none is declared deleted. Check that the token may still read them and that the workspace is the right one. If the workspace is empty, set reconcile_days to 0';
END IF;
