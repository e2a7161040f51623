import type { Crew } from './crew.ts'

/** How much is measured. */
export interface Sizes {
  /** Divides every count of messages. */
  readonly divisor: number
  readonly rounds: number
  readonly withPeers: boolean
}

/** What all parts need: a server of our own, and processes that publish and consume. */
export interface Rig extends AsyncDisposable {
  readonly url: string
  readonly version: string
  readonly settings: string
  readonly crew: Crew
  readonly sizes: Sizes
  report(line: string): void
  /** A channel that nobody has used, on a server where nothing else is kept. */
  channel(): Promise<string>
}
