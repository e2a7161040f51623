import { randomFillSync } from 'node:crypto'

const variants = '89ab'

/**
 * Makes UUIDs of version 7 (RFC 9562): milliseconds, then a counter of 12 bits that starts anew
 * each millisecond, then 62 random bits. Ids of one maker rise, also when the clock steps back.
 */
export function uuidMaker(wallMs: () => number = Date.now): () => string {
  let lastMs = 0
  let counter = 0
  let prefix = ''
  const pool = Buffer.alloc(8 * 512)
  /** The pool in hexadecimal digits: they are taken from it as they are. */
  let random = ''
  let used = 0
  return () => {
    const now = wallMs()
    if (now > lastMs || ++counter > 0xfff) {
      lastMs = now > lastMs ? now : lastMs + 1
      counter = 0
      const time = lastMs.toString(16).padStart(12, '0')
      prefix = `${time.slice(0, 8)}-${time.slice(8)}-7`
    }
    if (used >= random.length) {
      random = randomFillSync(pool).toString('hex')
      used = 0
    }
    const at = used
    used += 16
    const variant = variants[((pool[at / 2] as number) >> 4) & 3]
    const sequence = counter.toString(16).padStart(3, '0')
    return `${prefix}${sequence}-${variant}${random.slice(at + 1, at + 4)}-${random.slice(at + 4, at + 16)}`
  }
}

/** A new UUIDv7 of this process. */
export const uuid: () => string = uuidMaker()

const alphabet = 'abcdefghijklmnopqrstuvwxyz234567'
/** Drawn in one piece: a call of the generator costs more than the name. */
const letters = Buffer.alloc(1_024)
let lettersUsed = letters.length

/** `count` random letters and digits, at most 1024, for worker and reader names. */
export function randomName(count = 8): string {
  if (lettersUsed + count > letters.length) {
    randomFillSync(letters)
    lettersUsed = 0
  }
  const drawn = letters.subarray(lettersUsed, lettersUsed + count)
  lettersUsed += count
  return Array.from(drawn, (byte) => alphabet[byte & 31]).join('')
}
