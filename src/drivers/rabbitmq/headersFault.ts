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
