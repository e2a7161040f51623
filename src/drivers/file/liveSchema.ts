/**
 * Step 1: who is there now, and what waits for them unread. An inbox is read by one subscriber, or
 * by all of a broadcast: then each message lies there once, however many they are. `upto` counts
 * the bytes of an inbox up to and including a message, so that what waits behind a cursor is known
 * without reading it. What comes from `until` on is not for it any more. A subscriber's number is never used twice: of the lead it is the fence.
 */
export const liveSchema = `
CREATE TABLE inbox (
  no INTEGER PRIMARY KEY,
  channel INTEGER NOT NULL,
  next_seq INTEGER NOT NULL DEFAULT 1,
  bytes INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX inbox_channel ON inbox (channel);

CREATE TABLE unread (
  at INTEGER PRIMARY KEY,
  upto INTEGER NOT NULL,
  id TEXT NOT NULL,
  time_ms INTEGER NOT NULL,
  meta TEXT,
  body ANY NOT NULL
) STRICT;

CREATE TABLE subscriber (
  no INTEGER PRIMARY KEY AUTOINCREMENT,
  channel INTEGER NOT NULL,
  role TEXT NOT NULL,
  id TEXT NOT NULL,
  incarnation TEXT NOT NULL,
  inbox INTEGER,
  cursor INTEGER NOT NULL DEFAULT 1,
  passed INTEGER NOT NULL DEFAULT 0,
  messages_max INTEGER NOT NULL,
  bytes_max INTEGER NOT NULL,
  missed INTEGER NOT NULL DEFAULT 0,
  until INTEGER,
  deadline_ms INTEGER NOT NULL,
  opened INTEGER NOT NULL DEFAULT 1,
  bell TEXT NOT NULL,
  waiting INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX subscriber_channel ON subscriber (channel, role, id);
CREATE INDEX subscriber_inbox ON subscriber (inbox);
CREATE INDEX subscriber_deadline ON subscriber (deadline_ms);
CREATE UNIQUE INDEX subscriber_member ON subscriber (channel, id) WHERE role = 'member';
CREATE UNIQUE INDEX subscriber_lead ON subscriber (channel) WHERE role = 'lead';
`
