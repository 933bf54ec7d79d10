-- Rows that are there twice stop all later runs of these tables until they are removed.
IF n_doubled > 0 THEN
  UPDATE `${lock}` SET doubled = n_doubled WHERE TRUE;
END IF;
