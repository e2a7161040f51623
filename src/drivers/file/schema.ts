import { keySchema } from './keySchema.ts'
import { liveSchema } from './liveSchema.ts'

/** Marks the file as ours: "NCst". */
export const applicationId = 0x4e437374

/**
 * How numbers are laid out. A message lies in a lane under a sequence number, and both make one
 * 64-bit row id: `lane << 40 | seq`. So a lane is one range of one table, appended at its end, and
 * no index is paid for. A channel has lane `2 * no`, a stream group has `2 * no + 1` for the
 * messages that are its alone (redriven dead letters). What a reader holds lies under
 * `reader << 40 | serial` in the same way. Such ids never leave SQL: they exceed 2^53.
 */
export const schema = `
CREATE TABLE store (
  id TEXT NOT NULL,
  boot TEXT NOT NULL,
  offset_ms REAL NOT NULL
) STRICT;

CREATE TABLE channel (
  no INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE,
  pattern TEXT NOT NULL,
  age_ms INTEGER,
  messages_max INTEGER,
  bytes_max INTEGER,
  dedupe_ms INTEGER,
  paused INTEGER NOT NULL DEFAULT 0,
  next_seq INTEGER NOT NULL DEFAULT 1,
  reserved_seq INTEGER NOT NULL DEFAULT 1,
  asked_seq INTEGER NOT NULL DEFAULT 1,
  stored INTEGER NOT NULL DEFAULT 0,
  bytes INTEGER NOT NULL DEFAULT 0,
  scheduled INTEGER NOT NULL DEFAULT 0,
  total_in INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE grp (
  no INTEGER PRIMARY KEY AUTOINCREMENT,
  channel INTEGER NOT NULL,
  name TEXT NOT NULL,
  next_seq INTEGER NOT NULL,
  own_seq INTEGER NOT NULL DEFAULT 1,
  in_flight INTEGER NOT NULL DEFAULT 0,
  back INTEGER NOT NULL DEFAULT 0,
  later INTEGER NOT NULL DEFAULT 0,
  dead INTEGER NOT NULL DEFAULT 0,
  total_out INTEGER NOT NULL DEFAULT 0,
  UNIQUE (channel, name)
) STRICT;

CREATE TABLE log (
  at INTEGER PRIMARY KEY,
  id TEXT NOT NULL,
  time_ms INTEGER NOT NULL,
  stored_ms INTEGER NOT NULL,
  meta TEXT,
  body ANY NOT NULL
) STRICT;

CREATE TABLE gap (
  channel INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY (channel, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE scheduled (
  no INTEGER PRIMARY KEY AUTOINCREMENT,
  channel INTEGER NOT NULL,
  due_ms INTEGER NOT NULL,
  id TEXT NOT NULL,
  time_ms INTEGER NOT NULL,
  meta TEXT,
  body ANY NOT NULL
) STRICT;
CREATE INDEX scheduled_due ON scheduled (channel, due_ms);

CREATE TABLE reader (
  no INTEGER PRIMARY KEY AUTOINCREMENT,
  channel INTEGER NOT NULL,
  grp INTEGER NOT NULL,
  name TEXT NOT NULL,
  worker TEXT NOT NULL,
  deadline_ms INTEGER NOT NULL,
  ended_ms INTEGER NOT NULL DEFAULT 0,
  charge TEXT NOT NULL,
  serial INTEGER NOT NULL DEFAULT 0,
  begun INTEGER NOT NULL DEFAULT 0,
  opened INTEGER NOT NULL DEFAULT 1,
  lost INTEGER NOT NULL DEFAULT 0,
  bell TEXT NOT NULL,
  waiting INTEGER NOT NULL DEFAULT 0,
  UNIQUE (grp, name)
) STRICT;
CREATE INDEX reader_waiting ON reader (channel) WHERE waiting = 1;

CREATE TABLE held (
  token INTEGER PRIMARY KEY,
  ref INTEGER NOT NULL,
  failures INTEGER NOT NULL,
  crashes INTEGER NOT NULL,
  past TEXT
) STRICT;

CREATE TABLE lost (
  token INTEGER PRIMARY KEY,
  why TEXT
) STRICT;

CREATE TABLE back (
  grp INTEGER NOT NULL,
  crashes INTEGER NOT NULL,
  due_ms INTEGER NOT NULL,
  ref INTEGER NOT NULL,
  failures INTEGER NOT NULL,
  past TEXT,
  PRIMARY KEY (grp, crashes, due_ms, ref)
) STRICT, WITHOUT ROWID;
CREATE INDEX back_ref ON back (ref);

CREATE TABLE dead (
  no INTEGER PRIMARY KEY AUTOINCREMENT,
  channel INTEGER NOT NULL,
  grp INTEGER NOT NULL,
  id TEXT NOT NULL,
  time_ms INTEGER NOT NULL,
  meta TEXT,
  body ANY NOT NULL,
  letter TEXT NOT NULL
) STRICT;
CREATE INDEX dead_channel ON dead (channel, no);
CREATE INDEX dead_group ON dead (grp, no);

CREATE TABLE dedupe (
  channel INTEGER NOT NULL,
  id TEXT NOT NULL,
  until_ms INTEGER NOT NULL,
  seq INTEGER,
  PRIMARY KEY (channel, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX dedupe_until ON dedupe (until_ms);

CREATE TABLE seen (
  channel INTEGER NOT NULL,
  grp TEXT NOT NULL,
  id TEXT NOT NULL,
  claimed_by TEXT,
  until_ms INTEGER NOT NULL,
  PRIMARY KEY (channel, grp, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX seen_until ON seen (until_ms);
`

const seqBits = 40
/** SQL for the sequence number or serial in a row id. */
export const low = (id: string) => `(${id} & ${2 ** seqBits - 1})`
/** SQL for the lane or reader in a row id. */
export const high = (id: string) => `(${id} >> ${seqBits})`
/** SQL for the row id of a lane and a number, both parameters: numbers come in as REAL. */
export const rowId = (lane: string, seq: string) =>
  `((CAST(${lane} AS INTEGER) << ${seqBits}) + CAST(${seq} AS INTEGER))`

export const channelLane = (channel: number) => channel * 2
export const groupLane = (group: number) => group * 2 + 1

/**
 * Step n brings a file of version n to version n + 1. Version 0 is an empty file. A step is never
 * changed once released: files made by it exist.
 */
export const migrations: readonly string[] = [schema, liveSchema, keySchema]

export const schemaVersion = migrations.length
