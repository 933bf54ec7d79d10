-- The attributes on the newest day on which their list was read.
SELECT ${name}, ${type}
  FROM (
${list}) AS a
 WHERE ${custom}
 ORDER BY ${name}, ${type}
