/** Chance of one kind of thing: the same number for the same n, whenever and in whatever order it is asked for. */
export type Draw = (n: number) => number

/**
 * Numbers in [0, 1) that depend on nothing but the seed, the name of the stream and n, so that a
 * run that is repeated draws the same whatever its timing was.
 * Source: the finalizer of Austin Appleby's MurmurHash3 (public domain), over a Weyl sequence.
 */
export function drawFrom(seed: number, stream: string): Draw {
  let start = mixed(seed)
  for (let at = 0; at < stream.length; at++) start = mixed(start ^ stream.charCodeAt(at))
  return (n) => (mixed(start + Math.imul(n + 1, 0x9e3779b9)) >>> 0) / 4_294_967_296
}

/** A draw of whole numbers from 0 to `limit` − 1; `limit` up to 2³². */
export function below(draw: Draw, limit: number): Draw {
  return (n) => Math.floor(draw(n) * limit)
}

function mixed(value: number): number {
  let hash = value | 0
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}
