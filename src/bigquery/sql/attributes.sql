-- The attributes on the newest day on which their list was read. Those in use come before the archived ones.
SELECT DISTINCT a.${name} AS name, a.${type} AS type, ${archived} AS archived
  FROM (
${list}) AS ${source}
 WHERE ${custom}
 ORDER BY name, archived, type
