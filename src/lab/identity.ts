import { crc32 } from 'node:zlib'

/** Which message of a run: every attempt to publish it carries the same. */
export interface Identity {
  /** 0 to 65,533; the next one is the supervisor's, for its probes. */
  readonly producer: number
  /** Which start of that producer, from 0. */
  readonly incarnation: number
  /** From 0, without a gap, inside one incarnation. */
  readonly sequence: number
}

/** poison: always throws. killer: ends its worker. probe: finds out who listens, and is not accounted for. */
export const kinds = ['normal', 'poison', 'killer', 'slow', 'probe'] as const
export type Kind = (typeof kinds)[number]

export interface LabData {
  /** Of the run, so that what another run has left is not taken for ours. */
  readonly run: bigint
  readonly identity: Identity
  readonly key: number
  readonly kind: Kind
  /** Monotonic time of this boot. */
  readonly intendedNs: bigint
}

/** The smallest length of a message's data. */
export const headerBytes = 48
/** `NCL1` as it lies in memory. */
const magic = 0x314c434e
const crcAt = 44

/** The id under which every attempt is published: `<run>-p02-i00-s0004711`. */
export function messageId(run: string, { producer, incarnation, sequence }: Identity): string {
  return `${run}-p${digits(producer, 2)}-i${digits(incarnation, 2)}-s${digits(sequence, 7)}`
}

export function keyName(key: number): string {
  return `k${digits(key, 2)}`
}

function digits(value: number, count: number): string {
  return String(value).padStart(count, '0')
}

/**
 * Data of exactly that length: a header, then padding that depends on the message alone, so that
 * every attempt sends equal bytes.
 * @throws RangeError below `headerBytes`.
 */
export function encodeData(data: LabData, lengthBytes: number): Buffer {
  if (lengthBytes < headerBytes) {
    throw new RangeError(
      `data of a lab message has at least ${headerBytes} bytes, asked: ${lengthBytes}`,
    )
  }
  const { producer, incarnation, sequence } = data.identity
  const bytes = Buffer.alloc(lengthBytes, sequence & 0xff)
  bytes.fill(0, 0, headerBytes)
  bytes.writeUInt32LE(magic, 0)
  bytes.writeBigUInt64LE(data.run, 4)
  bytes.writeUInt16LE(producer, 12)
  bytes.writeUInt16LE(incarnation, 14)
  bytes.writeUInt32LE(sequence, 16)
  bytes.writeUInt16LE(data.key, 20)
  bytes.writeUInt8(kinds.indexOf(data.kind), 22)
  bytes.writeBigUInt64LE(data.intendedNs, 24)
  bytes.writeUInt32LE(lengthBytes, 40)
  bytes.writeUInt32LE(checksum(bytes), crcAt)
  return bytes
}

/** Null for what is not a message of this run as it was sent: too short, foreign, or with a byte changed. */
export function decodeData(data: Uint8Array, run: bigint): LabData | null {
  if (data.byteLength < headerBytes) return null
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  const kind = kinds[bytes.readUInt8(22)]
  const isOurs =
    bytes.readUInt32LE(0) === magic &&
    bytes.readBigUInt64LE(4) === run &&
    bytes.readUInt32LE(40) === bytes.length &&
    bytes.readUInt32LE(crcAt) === checksum(bytes)
  if (!isOurs || kind === undefined) return null
  return {
    run,
    identity: {
      producer: bytes.readUInt16LE(12),
      incarnation: bytes.readUInt16LE(14),
      sequence: bytes.readUInt32LE(16),
    },
    key: bytes.readUInt16LE(20),
    kind,
    intendedNs: bytes.readBigUInt64LE(24),
  }
}

/** CRC-32 of everything but its own four bytes. */
function checksum(bytes: Buffer): number {
  return crc32(bytes.subarray(crcAt + 4), crc32(bytes.subarray(0, crcAt)))
}

const idShape = /^(.+)-p(\d+)-i(\d+)-s(\d+)$/

/** Whose probes they are: the supervisor's. */
export const probeProducer = 0xfffe

/** As `identityOfId`; null also for a probe, which is not accounted for. */
export function measuredId(run: string, id: string): Identity | null {
  const identity = identityOfId(run, id)
  return identity?.producer === probeProducer ? null : identity
}

/** Null for an id that no attempt of that run carries. */
export function identityOfId(run: string, id: string): Identity | null {
  const [, whose, ...numbers] = idShape.exec(id) ?? []
  if (whose !== run) return null
  const [producer, incarnation, sequence] = numbers.map(Number) as [number, number, number]
  const identity = { producer, incarnation, sequence }
  return messageId(run, identity) === id ? identity : null
}
