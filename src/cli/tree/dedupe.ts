import type { FlagSpec } from './types.ts'

/** Belongs to the channel: declared once, whichever command makes it. */
export const dedupe: FlagSpec = {
  flags: '--dedupe <window>',
  text: 'store an id once within this time; another window than the channel has is refused',
}
