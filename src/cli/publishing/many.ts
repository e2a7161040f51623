import { NarrowcastError } from '../../core/errors.ts'
import type { Channel, PublishOptions } from '../../runtime/api.ts'
import type { Invocation } from '../invocation.ts'
import { makeProgress } from '../output/progress.ts'
import { type Line, linesOf } from './lines.ts'

export interface Published {
  readonly published: number
  readonly duplicates: number
  /** Of what was published and is not stored: gone, since nobody was there. */
  readonly receivedByNobody: number
  readonly rejected: number
  readonly bytes: number
  readonly tookMs: number
  /** What ended it before the end of the input. */
  readonly failure: NarrowcastError | null
}

interface Totals {
  published: number
  duplicates: number
  receivedByNobody: number
  rejected: number
  bytes: number
  failure: NarrowcastError | null
}

/** Why a line is no message, and what to do. Each hint is told once. */
type Fault = Pick<NarrowcastError, 'message' | 'hint'>

const batchMax = 500
/** While one batch is with the broker, the next is read; never more than that in memory. */
const batchesInFlightMax = 2
/** Most lines that are wrong and told one by one. */
const toldMax = 10

/**
 * Publishes one message per line. What cannot be a message is told with its line number and
 * counted as rejected; any other failure ends it.
 */
export async function publishLines(
  invocation: Invocation,
  channel: Channel<string>,
  input: AsyncIterable<Buffer | string>,
  {
    toJson,
    options,
    rate,
    bytesMax,
  }: {
    readonly toJson: (line: string) => string
    readonly options: PublishOptions
    readonly rate: number | null
    readonly bytesMax: number
  },
): Promise<Published> {
  const { clock, output, interrupts, live } = invocation
  const stopping = interrupts.claim()
  const progress = makeProgress(output, 'publishing', null, { live })
  const beganMs = clock.monotonicMs()
  const totals: Totals = {
    ...{ published: 0, duplicates: 0, receivedByNobody: 0, rejected: 0, bytes: 0 },
    failure: null,
  }
  const inFlight = new Set<Promise<void>>()
  let sent = 0
  const hints = new Set<string>()
  const reject = (line: Line, { message, hint }: Fault) => {
    totals.rejected++
    if (totals.rejected <= toldMax) {
      output.warn(`line ${line.number}: ${message}`)
      if (hint && !hints.has(hint)) output.warn(hint)
      if (hint) hints.add(hint)
    }
    if (totals.rejected === toldMax) output.warn('further wrong lines are only counted')
  }
  const send = async (lines: readonly Line[]): Promise<void> => {
    const batch = lines.flatMap((line) => {
      const data = jsonOf(line, toJson, bytesMax, reject)
      return data === null ? [] : [{ line, data, options }]
    })
    const answers = await channel.publishMany(batch)
    for (const [at, answer] of answers.entries()) {
      const { line, data } = batch[at] as (typeof batch)[number]
      if (!(answer instanceof NarrowcastError)) {
        totals.published++
        totals.bytes += Buffer.byteLength(data)
        if (answer.duplicate) totals.duplicates++
        if (answer.receivers === 0) totals.receivedByNobody++
      } else if (isTheirs(answer)) reject(line, answer)
      else totals.failure ??= answer
    }
    progress.update(totals.published)
  }
  const size = rate === null ? batchMax : Math.max(1, Math.min(batchMax, Math.floor(rate / 10)))
  for await (const lines of until(linesOf(input, bytesMax), stopping)) {
    for (let at = 0; at < lines.length; at += size) {
      if (stopping.aborted || totals.failure) break
      if (rate !== null) {
        await clock.sleep(
          Math.max(0, beganMs + (sent / rate) * 1_000 - clock.monotonicMs()),
          stopping,
        )
      }
      const some = lines.slice(at, at + size)
      sent += some.length
      const one = send(some).finally(() => inFlight.delete(one))
      inFlight.add(one)
      if (inFlight.size >= batchesInFlightMax) await Promise.race(inFlight)
    }
    if (stopping.aborted || totals.failure) break
  }
  await Promise.all(inFlight)
  progress.end()
  return { ...totals, tookMs: clock.monotonicMs() - beganMs }
}

function jsonOf(
  line: Line,
  toJson: (line: string) => string,
  bytesMax: number,
  reject: (line: Line, fault: Fault) => void,
): string | null {
  if (line.text === null) {
    const message = line.why === 'notUtf8' ? 'not UTF-8' : `longer than ${bytesMax} bytes`
    reject(line, { message, hint: null })
    return null
  }
  try {
    return toJson(line.text)
  } catch (error) {
    reject(line, { message: (error as Error).message, hint: null })
    return null
  }
}

/** The message is wrong, not the connection: the next one may be right. */
function isTheirs({ code }: NarrowcastError): boolean {
  return code === 'INVALID_MESSAGE' || code === 'PAYLOAD_TOO_LARGE'
}

/** Ends with the signal too, also while the input is silent. */
async function* until<T>(from: AsyncGenerator<T>, signal: AbortSignal): AsyncGenerator<T> {
  const stopped = new Promise<'stopped'>((resolve) => {
    if (signal.aborted) resolve('stopped')
    else signal.addEventListener('abort', () => resolve('stopped'), { once: true })
  })
  for (;;) {
    const next = await Promise.race([from.next(), stopped])
    if (next === 'stopped' || next.done) return
    yield next.value
  }
}
