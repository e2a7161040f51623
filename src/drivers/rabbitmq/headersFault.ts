import { isReserved } from './headerNames.ts'

/** A short string of AMQP. */
const nameBytesMax = 255

type Headers = Readonly<Record<string, string>>

/** Why a header of such a name cannot travel; null: all can. */
export function headerNameFault(headers: Headers): string | null {
  for (const name of Object.keys(headers)) {
    if (isReserved(name)) {
      return `header ${JSON.stringify(name)} has a meaning of its own on RabbitMQ: use another name`
    }
    const bytes = Buffer.byteLength(name)
    if (bytes > nameBytesMax) {
      return `header ${JSON.stringify(name)} has a name of ${bytes} bytes; AMQP takes at most ${nameBytesMax}`
    }
  }
  return null
}

/** The type of a value, and the lengths of value and name. */
const fieldBytes = 6

/** As the client writes them. */
export function headerBytes(headers: Headers): number {
  let bytes = 0
  for (const [name, value] of Object.entries(headers)) {
    bytes += fieldBytes + Buffer.byteLength(name) + Buffer.byteLength(value)
  }
  return bytes
}
