/** What a handler says of a message. Returning nothing is an ack, throwing is a retry by policy. */
export type Verdict =
  | { readonly kind: 'ack' }
  | { readonly kind: 'retry'; readonly delayMs?: number }
  | { readonly kind: 'dead'; readonly reason: string }

/** Bury the message now: no further attempt. */
export function dead(reason: string): Verdict {
  return { kind: 'dead', reason }
}

/** Try again, counted as a failure; after `delayMs` instead of the channel's backoff. */
export function retry(options: { delayMs?: number } = {}): Verdict {
  return { kind: 'retry', ...options }
}
