-- Commits one unit: inserts the staged rows whose keys are missing, and the ledger row that claims the unit, in one
-- transaction.
DECLARE days, more_days, ${days} ARRAY<DATE>;
DECLARE first_day, last_day, first_child_day, last_child_day DATE;
DECLARE transaction_began_at TIMESTAMP;
DECLARE later_fetches ARRAY<STRUCT<lo DATE, hi DATE, began_at TIMESTAMP>>;
DECLARE commits_since ARRAY<STRUCT<stream STRING, run_id STRING, lo DATE, hi DATE, began_at TIMESTAMP>>;
DECLARE is_alone BOOL;
DECLARE n_staged, n_misplaced INT64;
DECLARE ${counters}, n_rejected, n_doubled, n_content_changes, n_compared, n_differing INT64 DEFAULT 0;
