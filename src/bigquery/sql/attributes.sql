-- The attributes of the newest day their list was read.
SELECT ${name}, ${type}
  FROM (
${list}) AS a
 WHERE ${custom}
 ORDER BY ${name}, ${type}
