/** Chance from a seed: the same seed gives the same numbers on every machine. */
export interface Random {
  /** 0 to 2³² − 1. */
  uint32(): number
  /** A whole number from 0 to `limit` − 1; `limit` up to 2³². */
  below(limit: number): number
}

/**
 * sfc32, "small fast chaotic" of Chris Doty-Humphrey's PractRand (public domain), 128 bits of
 * state. The seed's text is spread over the state by the finalizer of Austin Appleby's
 * MurmurHash3 (public domain).
 */
export function randomFrom(seed: string | number): Random {
  const spread = hashOf(String(seed))
  let a = spread()
  let b = spread()
  let c = spread()
  let counter = 1
  function uint32(): number {
    const sum = (a + b + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (((c << 21) | (c >>> 11)) + sum) | 0
    return sum >>> 0
  }
  // PractRand lets the state mix for 12 steps before it hands out a number.
  for (let step = 0; step < 12; step++) uint32()
  return { uint32, below: (limit) => Math.floor((uint32() / 4_294_967_296) * limit) }
}

function hashOf(text: string): () => number {
  let hash = 1_779_033_703 ^ text.length
  for (let at = 0; at < text.length; at++) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 3_432_918_353)
    hash = (hash << 13) | (hash >>> 19)
  }
  return () => {
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
    hash ^= hash >>> 16
    return hash | 0
  }
}

const hex = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** Two hexadecimal digits for each of the four bytes. */
function hex8(word: number): string {
  return (
    (hex[word >>> 24] as string) +
    (hex[(word >>> 16) & 255] as string) +
    (hex[(word >>> 8) & 255] as string) +
    (hex[word & 255] as string)
  )
}

/** A UUID of version 7 (RFC 9562) at that time, its other bits from `random`. */
export function uuidAt(timeMs: number, random: Random): string {
  const high = hex8(Math.floor(timeMs / 65_536))
  const low = timeMs % 65_536
  const middle = random.uint32()
  const tail = hex8((middle & 0x3fff_ffff) | 0x8000_0000)
  const version = hex8((low << 16) | 0x7000 | (random.uint32() >>> 20))
  return `${high}-${version.slice(0, 4)}-${version.slice(4)}-${tail.slice(0, 4)}-${tail.slice(4)}${hex8(random.uint32())}`
}

/** `count` different whole numbers below `limit`, in the order drawn. */
export function drawDifferent(count: number, limit: number, random: Random): number[] {
  const drawn: number[] = []
  while (drawn.length < count) {
    const next = random.below(limit)
    if (!drawn.includes(next)) drawn.push(next)
  }
  return drawn
}

/** A copy in an order by chance (Fisher and Yates). */
export function shuffled<T>(items: readonly T[], random: Random): T[] {
  const copy = [...items]
  for (let last = copy.length - 1; last > 0; last--) {
    const other = random.below(last + 1)
    const kept = copy[last] as T
    copy[last] = copy[other] as T
    copy[other] = kept
  }
  return copy
}
