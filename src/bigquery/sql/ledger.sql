-- Counts the commits of this stream.
SELECT COUNT(*) AS commits FROM `${runs}` WHERE stream = @stream
