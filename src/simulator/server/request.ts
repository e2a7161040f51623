import type { RawData } from 'ws'

/** A request that is answered with this status, and changes nothing. */
export class Refused extends Error {
  override readonly name = 'Refused'
  readonly status: string

  constructor(status: string) {
    super(status)
    this.status = status
  }
}

export type Payload = Readonly<Record<string, unknown>>

const isObject = (value: unknown): value is Payload =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The payload of a frame. @throws Refused */
export function payloadOf(data: RawData, isBinary: boolean): Payload {
  if (isBinary) throw new Refused('FRAME IS NOT TEXT')
  const frame = parse(String(data))
  if (!isObject(frame)) throw new Refused('FRAME IS NOT AN OBJECT')
  const { PAYLOAD } = frame
  if (PAYLOAD === undefined) throw new Refused('MISSING PAYLOAD')
  if (!isObject(PAYLOAD)) throw new Refused('PAYLOAD IS NOT AN OBJECT')
  return PAYLOAD
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    if (cause instanceof SyntaxError) throw new Refused('FRAME IS NOT JSON')
    throw cause
  }
}

/** `USER_TOKEN` → `USER TOKEN` */
const inWords = (field: string) => field.replaceAll('_', ' ')

/** A field of the payload that must be there, whatever its type. @throws Refused */
export function fieldOf(payload: Payload, field: string): unknown {
  const value = Object.hasOwn(payload, field) ? payload[field] : undefined
  if (value === undefined) throw new Refused(`MISSING ${inWords(field)} IN PAYLOAD`)
  return value
}

/** A field that must be a text of 1 to 128 characters. @throws Refused */
export function textOf(payload: Payload, field: string): string {
  const value = fieldOf(payload, field)
  if (typeof value === 'string' && value.length > 0 && value.length <= 128) return value
  throw new Refused(`${inWords(field)} IN PAYLOAD MUST BE TEXT OF 1 TO 128 CHARACTERS`)
}
