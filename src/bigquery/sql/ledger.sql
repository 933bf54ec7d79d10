-- Has anything of this stream ever been committed?
SELECT COUNT(*) AS commits FROM `${runs}` WHERE stream = @stream
