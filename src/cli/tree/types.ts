export interface FlagSpec {
  /** `-u, --url <url>`: as the parser takes it. */
  readonly flags: string
  readonly text: string
  /** May be given several times. */
  readonly repeats?: boolean
  readonly choices?: readonly string[]
  /** The variable that says the same. */
  readonly env?: string
}

/** ro: changes nothing. rw: adds or moves. destructive: may take something away for good. */
export type Access = 'ro' | 'rw' | 'destructive'

export interface CommandSpec {
  readonly name: string
  readonly alias?: string
  /** `<channel>` needed, `[data]` optional, `[urls...]` many. */
  readonly args?: readonly string[]
  readonly summary: string
  readonly access: Access
  readonly flags?: readonly FlagSpec[]
  /** Command lines that run as they stand; the first one is shown everywhere. */
  readonly examples: readonly string[]
  /** What one must know beyond the flags. */
  readonly notes?: readonly string[]
  /** Writes one JSON object per line. */
  readonly streams?: boolean
  /**
   * Types of the JSON objects that it prints; each has its schema in src/cli/schemas.
   * @default the name with dots: `dead.redrive`
   */
  readonly prints?: readonly string[]
  /** Asks no backend, so it neither connects nor waits for one. */
  readonly isLocal?: boolean
  /** Exit codes besides those that follow from the rest: see exits.ts. */
  readonly exits?: readonly number[]
  /** With these and no arguments, the command only holds others. */
  readonly commands?: readonly CommandSpec[]
  /** Not in help, completion and reference. */
  readonly hidden?: boolean
}
