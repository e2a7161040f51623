import type { Address } from '../_shared/serverPlace.ts'
import { placeOf } from './connectClient.ts'

const slotCount = 16_384

/** The slot of a key: CRC16 (XMODEM) of what is in its first braces, else of all of it. */
export function slotOf(key: string): number {
  const from = key.indexOf('{')
  const to = key.indexOf('}', from + 1)
  const hashed = from !== -1 && to > from + 1 ? key.slice(from + 1, to) : key
  let crc = 0
  for (const byte of Buffer.from(hashed)) {
    crc ^= byte << 8
    for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? ((crc << 1) ^ 0x1021) & 0xffff : crc << 1
  }
  return crc % slotCount
}

/** Which primary has which slot. */
export class SlotTable {
  readonly #addresses: readonly (Address | undefined)[]
  /** Every one, once. */
  readonly primaries: readonly Address[]

  constructor(addresses: readonly (Address | undefined)[]) {
    this.#addresses = addresses
    const byPlace = new Map(addresses.flatMap((one) => (one ? [[placeOf(one), one]] : [])))
    this.primaries = [...byPlace.values()]
  }

  at(slot: number): Address | undefined {
    return this.#addresses[slot]
  }
}

/** The reply of `CLUSTER SLOTS`. A node that does not say its host is where it was asked. */
export function readSlots(reply: unknown, asked: Address): SlotTable {
  const addresses = new Array<Address | undefined>(slotCount)
  for (const [from, to, [host, port]] of reply as [number, number, [string | null, number]][]) {
    const address = { host: host || asked.host, port: Number(port) }
    for (let slot = from; slot <= to; slot++) addresses[slot] = address
  }
  return new SlotTable(addresses)
}

export interface Redirect {
  readonly kind: 'MOVED' | 'ASK'
  readonly address: Address
}

/** `MOVED 3999 127.0.0.1:6381`; null for any other text. */
export function redirectOf(text: string, asked: Address): Redirect | null {
  const found = /^(MOVED|ASK) \d+ (.*):(\d+)/.exec(text)
  if (!found) return null
  const [, kind, host, port] = found
  const address = { host: host?.replace(/^\[|\]$/g, '') || asked.host, port: Number(port) }
  return { kind: kind as Redirect['kind'], address }
}
