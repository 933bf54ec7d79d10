-- The second rows are gone. An alarm that was raised meanwhile stays.
UPDATE `${lock}` SET doubled = 0 WHERE doubled = @seen
