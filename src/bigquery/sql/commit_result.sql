-- A job that is done without this row counts as failed.
SELECT ${counters}, n_rejected AS rejected, n_doubled AS doubled, n_content_changes AS content_changes,
       n_compared AS compared, n_differing AS refused_contents, IF(is_alone, transaction_began_at, NULL) AS alone_at;
