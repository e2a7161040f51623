/**
 * Step 2: the order of each key. A group that has one (`ordering`) holds a lane for every key of
 * which a message stands at the head: in hand, given back, or waiting for its next try. In `back`
 * a row with a key is none of these, but waits to get there: until it is due, or behind the head.
 * `behind` counts the latter; they are among the `back` of the group too.
 */
export const keySchema = `
ALTER TABLE grp ADD COLUMN ordering TEXT NOT NULL DEFAULT 'none';
ALTER TABLE grp ADD COLUMN behind INTEGER NOT NULL DEFAULT 0;
ALTER TABLE back ADD COLUMN key TEXT;
CREATE INDEX back_key ON back (grp, key, due_ms, ref) WHERE key IS NOT NULL;

CREATE TABLE lane (
  grp INTEGER NOT NULL,
  key TEXT NOT NULL,
  ref INTEGER NOT NULL,
  PRIMARY KEY (grp, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX lane_ref ON lane (ref);
`
