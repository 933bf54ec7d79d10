-- The second rows are gone.
UPDATE `${lock}` SET doubled = 0 WHERE TRUE
