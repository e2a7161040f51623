import { drawFrom } from '../draw.ts'

/** How fast bytes go one way. */
export interface Pace {
  /** For how long what has just come is kept back. */
  delayMs(): number
  /** While it keeps back more than this it reads no more. */
  readonly keptBytesMax: number
  /** Of so many bytes that wait, how many go now, and for how long the rest of them waits. */
  allow(bytes: number): { readonly bytes: number; readonly waitMs: number }
}

const noDelay = { delayMs: () => 0, keptBytesMax: 0 } as const

export const unhindered: Pace = { ...noDelay, allow: (bytes) => ({ bytes, waitMs: 0 }) }

export function sliced(bytesMax: number): Pace {
  return { ...noDelay, allow: (bytes) => ({ bytes: Math.min(bytes, bytesMax), waitMs: 0 }) }
}

/** As much as is on its way at any time on a line of that length: a sender fills it and then waits. */
const onItsWayBytesMax = 1_048_576

/** `stream` names the draws, the n-th for what came n-th. */
export function delayed(ms: number, jitterMs: number, seed: number, stream: string): Pace {
  const draw = drawFrom(seed, stream)
  let count = 0
  return {
    ...unhindered,
    delayMs: () => ms + draw(count++) * jitterMs,
    keptBytesMax: onItsWayBytesMax,
  }
}

/** What was not used up within so long is not saved for later. */
const savedMs = 20

/** A token bucket. A piece takes what is there and the rest on credit, so that no large one starves. */
export function limited(bytesPerSecond: number, nowMs = () => performance.now()): Pace {
  const perMs = bytesPerSecond / 1_000
  const tokensMax = Math.max(1, Math.floor(perMs * savedMs))
  let tokens = tokensMax
  let filledMs = nowMs()
  return {
    ...noDelay,
    allow(bytes) {
      const now = nowMs()
      tokens = Math.min(tokensMax, tokens + (now - filledMs) * perMs)
      filledMs = now
      const piece = tokens > 0 ? Math.min(bytes, tokensMax) : 0
      tokens -= piece
      return { bytes: piece, waitMs: Math.max(0, -tokens / perMs) }
    },
  }
}
