/** What the server process answers to `report`. */
export interface ServerReport {
  readonly finished: number
  /** From the first start to the last end: a bot that is left alone at the end waits in vain. */
  readonly playedMs: number
  /** Processor time since the first start. */
  readonly cpuMs: number
  readonly hits: number
  /** Games that have started and have no finished record. */
  readonly lost: number
  /** Finished records beyond one per game. */
  readonly duplicated: number
  readonly connections: number
  readonly residentBytes: number
}

/** What a process of bots answers to `play`. */
export interface BotsReport {
  /** Each attack, from sending it to its answer. */
  readonly answersMs: readonly number[]
  /** Processor time for the whole play. */
  readonly cpuMs: number
}
