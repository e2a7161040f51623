import { NarrowcastError } from './errors.ts'

/** How data becomes a body and back. A string body is JSON text. */
export interface Codec {
  readonly name: string
  encode(data: unknown): string | Uint8Array
  /** @throws anything; the message becomes a dead letter with cause `invalid`. */
  decode(body: string | Uint8Array): unknown
}

/** `at a.0.b: `, where JSON stopped. Asked after it has failed. */
function pathOfFault(data: unknown): string {
  const paths = new Map<unknown, string>()
  let last = ''
  const note = function (this: unknown, key: string, value: unknown): unknown {
    const outer = paths.get(this)
    last = outer ? `${outer}.${key}` : key
    paths.set(value, last)
    return value
  }
  try {
    JSON.stringify(data, note)
    return ''
  } catch {
    return last ? `at ${last}: ` : ''
  }
}

/** JSON text. Bytes that came from elsewhere are read as UTF-8 JSON. */
export const jsonCodec: Codec = {
  name: 'json',
  encode(data) {
    let text: string | undefined
    try {
      text = JSON.stringify(data)
    } catch (cause) {
      throw new NarrowcastError(
        'INVALID_MESSAGE',
        `publish: the data cannot be written as JSON: ${pathOfFault(data)}${(cause as Error).message}`,
        {
          cause,
          hint: 'A bigint travels as text, a circle not at all: publish plain data, or give the channel a codec of your own.',
        },
      )
    }
    if (text !== undefined) return text
    throw new NarrowcastError(
      'INVALID_MESSAGE',
      `publish: the data cannot be written as JSON: got ${typeof data}`,
      { hint: 'To say that there is nothing, publish null.' },
    )
  },
  decode: (body) => JSON.parse(typeof body === 'string' ? body : new TextDecoder().decode(body)),
}

/** Bytes as they are. */
export const bytesCodec: Codec = {
  name: 'bytes',
  encode(data) {
    if (data instanceof Uint8Array) return data.slice()
    throw new NarrowcastError(
      'INVALID_MESSAGE',
      `publish: codec 'bytes' takes a Uint8Array, got ${typeof data}`,
      {
        hint: 'Encode it yourself, as in new TextEncoder().encode(text), or leave the codec out: then it is JSON.',
      },
    )
  },
  decode: (body) => (typeof body === 'string' ? new TextEncoder().encode(body) : body),
}

export const codecs = { json: jsonCodec, bytes: bytesCodec } as const
