import type { Socket } from 'node:net'

/** What a server says until the client is connected, or gives it up. */
export interface Overheard {
  isAccepted: boolean
  /** Null: nothing yet. another version: `AMQP` and a number, which no server of ours would answer. */
  protocol: 'amqp' | 'another version' | 'tls' | 'foreign' | null
  /** `NOT_ALLOWED - vhost shop not found`: the words with which it ended the connection. */
  refusal: string | null
}

const bytesMax = 65_536
const headBytes = 7
const methodFrame = 1
const [tlsAlert, tlsVersion] = [0x15, 0x03]
/** connection.close of AMQP 0-9-1. */
const closeMethod = (10 << 16) | 50

/**
 * Listens to what the client reads: of a vhost that the server refuses it tells no more than that
 * something else came than it had expected. Ends with `stop`.
 */
export function overhear(socket: Socket, told: Overheard): () => void {
  let bytes: Buffer = Buffer.alloc(0)
  const accepted = () => {
    told.isAccepted = true
  }
  socket.once('connect', accepted)
  const read = socket.read.bind(socket)
  // A listener to `data` would take from the client what comes between two of its reads.
  socket.read = (size?: number) => {
    const chunk: unknown = read(size)
    if (chunk instanceof Buffer && bytes.length < bytesMax) {
      bytes = Buffer.concat([bytes, chunk])
      told.protocol = protocolOf(bytes)
      told.refusal ??= refusalIn(bytes)
    }
    return chunk
  }
  return () => {
    socket.off('connect', accepted)
    socket.read = read
  }
}

function protocolOf(bytes: Buffer): Overheard['protocol'] {
  if (bytes.subarray(0, 4).toString('latin1') === 'AMQP') return 'another version'
  if (bytes[0] === tlsAlert && bytes[1] === tlsVersion) return 'tls'
  return bytes[0] === methodFrame ? 'amqp' : 'foreign'
}

function refusalIn(bytes: Buffer): string | null {
  for (let at = 0; at + headBytes < bytes.length; ) {
    const payload = bytes.subarray(at + headBytes, at + headBytes + bytes.readUInt32BE(at + 3))
    const isClose = payload.length > 6 && payload.readUInt32BE(0) === closeMethod
    if (bytes[at] === methodFrame && isClose) {
      return payload.toString('utf8', 7, 7 + (payload[6] as number))
    }
    at += headBytes + payload.length + 1
  }
  return null
}
