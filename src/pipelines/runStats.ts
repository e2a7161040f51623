/** Totals since the start of a run. */
export interface RunStats {
  delivered: number
  /** Messages whose rows were landed here. */
  landed: number
  /** Had landed before: settled, not written again. */
  recognised: number
  /** Files of one key with other rows than a message came with: the first stays. */
  conflicts: number
  /** Settled without a row. */
  skipped: number
  /** Dead letters. */
  dead: number
  /** Failed and to come again. */
  retried: number
  /** Given back at no cost. */
  released: number
  /** Settlements that the broker has confirmed, or that are on their way. */
  settled: number
  /** Settlements that came after ownership was gone, or failed. */
  late: number
  commits: number
  /** Per table. */
  rows: Record<string, number>
  files: number
  bytes: number
  /** Held and not settled now. */
  held: number
  /** How long the last commit took; null before the first. */
  commitMs: number | null
}

export function noStats(): RunStats {
  return {
    delivered: 0,
    landed: 0,
    recognised: 0,
    conflicts: 0,
    skipped: 0,
    dead: 0,
    retried: 0,
    released: 0,
    settled: 0,
    late: 0,
    commits: 0,
    rows: {},
    files: 0,
    bytes: 0,
    held: 0,
    commitMs: null,
  }
}
