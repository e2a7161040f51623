/** What the manifest keeps of one message. */
export type Outcome = 'rows' | 'dead'

/** A message as the manifest is asked about it. */
export interface Entry {
  readonly id: string
  readonly outcome: Outcome
  readonly redrives: number
}

/** What is known of a message that an earlier commit holds. */
export interface Known {
  /** Its place in the question. */
  readonly at: number
  readonly outcome: Outcome
  readonly redrives: number
  readonly commit: number
}

export interface FileRow {
  /** Relative to the root, with `/`. */
  readonly path: string
  readonly kind: 'data' | 'dead'
  /** '' for dead letters. */
  readonly table: string
  readonly version: number
  readonly temp: string
  readonly rows: number
  readonly bytes: number
  /** JSON of what the encoder says of each column. */
  readonly stats: string
}

export interface CommitRow {
  readonly id: string
  readonly owner: string
  readonly pipeline: number
  readonly atMs: number
  /** Answers of `known` hold for the ids tables up to this one; see `Recognised.bucket`. */
  readonly bucket: number
  readonly entries: readonly Entry[]
  readonly files: readonly FileRow[]
}

export type CommitResult =
  | { readonly state: 'committed'; readonly n: number }
  /** Places in `entries` that another commit has taken since. Nothing was written. */
  | { readonly state: 'conflict'; readonly known: readonly Known[] }
  /** Another process took the slot over. Nothing was written. */
  | { readonly state: 'fenced' }
  /** The dead letters would exceed their limit. Nothing was written. */
  | { readonly state: 'dead-full'; readonly bytes: number }

export interface Recognised {
  readonly known: readonly Known[]
  /** The newest ids table that was looked at. */
  readonly bucket: number
}

/** What became of a commit after its point: written with the next transaction. */
export interface Note {
  /** null: only about `closed`. */
  readonly commit: number | null
  /** All its files are in place. */
  readonly isPublished: boolean
  /** The broker was told of all its messages; those of `open` may come again all the same. */
  readonly isSettled: boolean
  /** Ids whose settlement was late, only sent, or failed. */
  readonly open: readonly string[]
  /** Ids of earlier commits that came again and were settled now. */
  readonly closed: readonly string[]
}

export interface Committed {
  readonly path: string
  readonly temp: string
}

export interface FileState {
  readonly commit: number
  readonly path: string
  readonly isPublished: boolean
}

export interface SlotInfo {
  readonly slot: number
  readonly owner: string
  readonly pipeline: string
  readonly worker: string
  readonly pid: number
  readonly state: 'runs' | 'stopped' | 'gone' | 'unknown'
  readonly seenMs: number
}

export interface Registration {
  readonly pipeline: { readonly name: string; readonly channel: string; readonly pattern: string }
  readonly owner: string
  readonly worker: string
}

export interface Registered {
  readonly slot: number
  readonly pipeline: number
  /** Owners before us did not end in order. */
  readonly isUnclean: boolean
}

export interface Beat {
  /** False: our slot was taken over. */
  readonly isOwner: boolean
  /** Owners that are gone and were expelled now, or earlier and not cleaned up after. */
  readonly expelled: readonly string[]
}
