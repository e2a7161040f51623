import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { Contract } from '../core/contract.ts'
import { NarrowcastError } from '../core/errors.ts'
import { uuid } from '../core/ids.ts'
import { isLive, type OutgoingMessage } from '../core/message.ts'
import type { PublishOptions } from './api.ts'
import type { ChannelPlan } from './channelOptions.ts'
import { onlyKnown, whole } from './checks.ts'
import { notKept } from './live/liveOptions.ts'
import { refuseAround } from './plainData.ts'
import { isThenable } from './thenable.ts'
import { textOf } from './thrown.ts'

const known: readonly (keyof PublishOptions)[] = [
  'id',
  'key',
  'headers',
  'type',
  'source',
  'timeMs',
  'delayMs',
  'signal',
]
const textLengthMax = 255
/** The last moment of the year 9999: later dates have no four-digit year in files and names. */
const timeMsMax = 253_402_300_799_999
const noHeaders: Readonly<Record<string, string>> = Object.freeze({})
const noOptions: PublishOptions = Object.freeze({})

/** An encoded message with its size, counted once. */
export interface Encoded {
  readonly message: OutgoingMessage
  readonly bytes: number
}

/**
 * Encodes before it returns: what the caller changes later does not travel.
 * @throws INVALID_ARGUMENT, INVALID_MESSAGE, PAYLOAD_TOO_LARGE, UNSUPPORTED
 */
export function encode(
  plan: ChannelPlan,
  data: unknown,
  options: PublishOptions | undefined,
  wallMs: number,
): Encoded {
  const { name, pattern } = plan.spec
  const wish = options ?? noOptions
  if (options) checkOptions(options)
  if (options && !plan.spec.envelope) refuseAround(name, options)
  if (wish.delayMs && isLive(pattern)) throw notKept(pattern, name, 'delayMs')
  const body = encodeBody(plan, data)
  const bytes = sizeOf(body) + (options ? optionBytes(options) : 0)
  if (bytes > plan.spec.payloadBytesMax) throw tooLarge(name, bytes, plan.spec.payloadBytesMax)
  const id = wish.id ?? uuid()
  const message: OutgoingMessage = {
    id,
    key: wish.key ?? null,
    timeMs: wish.timeMs ?? wallMs,
    headers: wish.headers ? { ...wish.headers } : noHeaders,
    delayMs: wish.delayMs ?? 0,
    redrives: 0,
    dedupeId: id,
    type: wish.type ?? name,
    source: wish.source ?? 'narrowcast',
    body,
  }
  return { message, bytes }
}

const codecHint =
  'Look at `encode` of the codec: it is given the data, and returns a string or a Uint8Array.'

function encodeBody({ codec, spec }: ChannelPlan, data: unknown): string | Uint8Array {
  let body: unknown
  try {
    body = codec.encode(data)
  } catch (cause) {
    if (cause instanceof NarrowcastError) throw cause
    throw new NarrowcastError(
      'INVALID_MESSAGE',
      `publish to "${spec.name}": codec ${codec.name} cannot encode the data: ${textOf(cause)}`,
      { channel: spec.name, cause, hint: codecHint },
    )
  }
  if (typeof body === 'string' || body instanceof Uint8Array) return body
  throw new NarrowcastError(
    'INVALID_MESSAGE',
    `publish to "${spec.name}": codec ${codec.name} gave ${typeof body}, expected text or bytes`,
    { channel: spec.name, hint: codecHint },
  )
}

function sizeOf(body: string | Uint8Array): number {
  return typeof body === 'string' ? Buffer.byteLength(body) : body.byteLength
}

/** What travels beside the body counts too. */
function optionBytes({ key, headers }: PublishOptions): number {
  let bytes = key ? Buffer.byteLength(key) : 0
  for (const [name, value] of Object.entries(headers ?? {})) {
    bytes += Buffer.byteLength(name) + Buffer.byteLength(value)
  }
  return bytes
}

function checkOptions(options: PublishOptions): void {
  onlyKnown('publish', options, known)
  checkText('id', options.id)
  checkText('key', options.key)
  checkText('type', options.type)
  checkText('source', options.source)
  whole('delayMs', options.delayMs, 0, 0)
  whole('timeMs', options.timeMs, 0, 0, timeMsMax)
  const { headers = {} } = options
  if (typeof headers !== 'object' || headers === null || Array.isArray(headers)) {
    throw wrongText('headers', `is not an object of texts, got ${typeof headers}`)
  }
  for (const [name, value] of Object.entries(headers)) {
    if (typeof value !== 'string')
      throw wrongText(`header ${name}`, `is not a string, got ${typeof value}`)
    if (!name.isWellFormed() || !value.isWellFormed()) throw wrongText(`header ${name}`, halfPair)
  }
}

/** Such a text has no UTF-8 form: two of them would become the same bytes. */
const halfPair = 'holds half a surrogate pair'

function checkText(name: string, value: unknown): void {
  if (value === undefined) return
  if (typeof value !== 'string') throw wrongText(name, `is not a string, got ${typeof value}`)
  if (value === '' || value.length > textLengthMax) {
    throw wrongText(name, `has ${value.length} characters; expected 1 to ${textLengthMax}`)
  }
  if (!value.isWellFormed()) throw wrongText(name, halfPair)
}

function wrongText(name: string, why: string): NarrowcastError {
  return new NarrowcastError('INVALID_ARGUMENT', `publish: ${name} ${why}`)
}

function tooLarge(channel: string, bytes: number, bytesMax: number): NarrowcastError {
  return new NarrowcastError(
    'PAYLOAD_TOO_LARGE',
    `publish to "${channel}": the message has ${bytes} bytes, payloadBytesMax is ${bytesMax}`,
    { channel, operation: 'publish', hint: 'Store the data elsewhere and publish a reference.' },
  )
}

/** What only the broker's contract can refuse. @throws UNSUPPORTED, PAYLOAD_TOO_LARGE */
export function checkAgainst(
  contract: Contract,
  { message, bytes }: Encoded,
  channel: string,
  driver: string,
): void {
  const { delay, payloadBytesMax } = contract
  if (message.delayMs > 0 && (delay.how === 'no' || message.delayMs > delay.msMax)) {
    throw new NarrowcastError(
      'UNSUPPORTED',
      delay.how === 'no'
        ? `${driver}: channel "${channel}" offers no delayed messages`
        : `${driver}: delayMs ${message.delayMs} is above the most on "${channel}", ${delay.msMax}`,
      { driver, channel, operation: 'publish' },
    )
  }
  if (bytes > payloadBytesMax) throw tooLarge(channel, bytes, payloadBytesMax)
}

/** What a schema says of a value: the output, or one line that names the first fault. */
export type Judged = { readonly value: unknown } | { readonly fault: string }

/** @returns a promise only where the schema does. */
export function judge(schema: StandardSchemaV1, value: unknown): Judged | Promise<Judged> {
  const result = schema['~standard'].validate(value)
  return isThenable(result) ? Promise.resolve(result).then(judged) : judged(result)
}

function judged(result: StandardSchemaV1.Result<unknown>): Judged {
  if (!result.issues) return { value: result.value }
  const shown = result.issues.slice(0, 3).map((issue) => {
    const path = (issue.path ?? [])
      .map((step) => String(typeof step === 'object' ? step.key : step))
      .join('.')
    return path ? `${path}: ${issue.message}` : issue.message
  })
  const more = result.issues.length - shown.length
  return { fault: shown.join('; ') + (more > 0 ? ` (and ${more} more)` : '') }
}
