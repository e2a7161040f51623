import { asNarrowcastError, type ErrorCode, type NarrowcastError } from '../../core/errors.ts'
import type { Channel } from '../../runtime/api.ts'
import type { RecordMessage } from '../record.ts'

/** What a transport needs of a channel. */
export type Sendable = Pick<Channel, 'publishMany'>

/** Opens a channel by name; may reject, and is then asked again. */
export type ChannelFor = (name: string) => Sendable | Promise<Sendable>

/**
 * acked: stored. refused: this record or its channel is at fault, sending again cannot help.
 * hopeless: the connection cannot be had as things are. failed: worth another try.
 */
export type SendOutcome =
  | { readonly kind: 'acked' }
  | { readonly kind: 'refused' | 'hopeless' | 'failed'; readonly error: NarrowcastError }

const refusals: ReadonlySet<ErrorCode> = new Set([
  'INVALID_ARGUMENT',
  'INVALID_MESSAGE',
  'PAYLOAD_TOO_LARGE',
  'CONFLICT',
  'UNSUPPORTED',
  'NOT_FOUND',
  'READ_ONLY',
])
const hopeless: ReadonlySet<ErrorCode> = new Set([
  'INVALID_CONFIG',
  'CLIENT_MISSING',
  'STORE_UNUSABLE',
  'LOGIN_REFUSED',
  'CLOSED',
])

/** Publishes records, each channel's together; one outcome per record, in their order. */
export async function sendBatch(
  records: readonly RecordMessage[],
  channelFor: ChannelFor,
): Promise<SendOutcome[]> {
  const places = Map.groupBy(records.keys(), (n) => (records[n] as RecordMessage).channel)
  const outcomes: SendOutcome[] = []
  await Promise.all(
    [...places].map(async ([name, numbers]) => {
      const own = numbers.map((n) => records[n] as RecordMessage)
      const results = await sendTo(name, own, channelFor)
      numbers.forEach((n, at) => {
        outcomes[n] = results[at] as SendOutcome
      })
    }),
  )
  return outcomes
}

async function sendTo(
  name: string,
  records: readonly RecordMessage[],
  channelFor: ChannelFor,
): Promise<SendOutcome[]> {
  try {
    const channel = await channelFor(name)
    const answers = await channel.publishMany(
      records.map(({ id, key, timeMs, data }) => ({
        data,
        options: key === null ? { id, timeMs } : { id, timeMs, key },
      })),
    )
    return records.map((_, n) => {
      const answer = answers[n]
      if (answer === undefined) return failure(new Error(`channel ${name} gave no answer`))
      return answer instanceof Error ? failure(answer) : { kind: 'acked' }
    })
  } catch (error) {
    const outcome = failure(error)
    return records.map(() => outcome)
  }
}

function failure(cause: unknown): SendOutcome {
  const error = asNarrowcastError(cause)
  if (refusals.has(error.code)) return { kind: 'refused', error }
  return { kind: hopeless.has(error.code) ? 'hopeless' : 'failed', error }
}
