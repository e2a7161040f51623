import { NarrowcastError } from '../../core/errors.ts'
import type { Channel, PublishOptions, Receipt } from '../../runtime/api.ts'
import type { Invocation } from '../invocation.ts'
import type { Output } from '../output/output.ts'
import { makeProgress } from '../output/progress.ts'
import { type Fate, LineFates, type Stretch } from './fates.ts'
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
  /** What became of the lines that were sent, and of the rest where it ended before. */
  readonly stretches: readonly Stretch[]
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

interface Wish {
  readonly toJson: (line: string) => string
  /** Awaited before the first message is sent. */
  readonly open: () => Promise<unknown>
  readonly options: PublishOptions
  readonly rate: number | null
  readonly bytesMax: number
}

/**
 * Publishes one message per line. What cannot be a message is told with its line number and
 * counted as rejected; any other failure ends it.
 */
export async function publishLines(
  invocation: Invocation,
  publish: (batch: readonly Sent[]) => ReturnType<Channel<string>['publishMany']>,
  input: AsyncIterable<Buffer | string>,
  { toJson, open, options, rate, bytesMax }: Wish,
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
  const fates = new LineFates()
  const reject = rejecting(output, totals)
  const messagesOf = (lines: readonly Line[]): Sent[] =>
    lines.flatMap((line) => {
      const data = jsonOf(line, toJson, bytesMax, reject)
      return data === null ? [] : [{ line, data, options }]
    })
  const send = async (batch: readonly Sent[]): Promise<void> => {
    const settle = fates.send(batch.map(({ line }) => line.number))
    const answers = await publish(batch)
    settle(answers.map((answer, at) => count(totals, reject, batch[at] as Sent, answer)))
    progress.update(totals.published)
  }
  const size = rate === null ? batchMax : Math.max(1, Math.min(batchMax, Math.floor(rate / 10)))
  const isOver = () => stopping.aborted || totals.failure !== null
  for await (const lines of until(linesOf(input, bytesMax), stopping)) {
    for (let at = 0; at < lines.length; at += size) {
      if (rate !== null && !isOver()) {
        await clock.sleep(
          Math.max(0, beganMs + (sent / rate) * 1_000 - clock.monotonicMs()),
          stopping,
        )
      }
      const some = lines.slice(at, at + size)
      if (isOver()) {
        fates.leave((some[0] as Line).number)
        break
      }
      sent += some.length
      const batch = messagesOf(some)
      if (batch.length === 0) continue
      await open()
      const one = send(batch).finally(() => inFlight.delete(one))
      inFlight.add(one)
      if (inFlight.size >= batchesInFlightMax) await Promise.race(inFlight)
    }
    if (isOver()) break
  }
  await Promise.all(inFlight)
  progress.end()
  return { ...totals, stretches: fates.stretches, tookMs: clock.monotonicMs() - beganMs }
}

/** One line on its way. */
export interface Sent {
  readonly line: Line
  readonly data: string
  readonly options: PublishOptions
}

/** @returns null for a line that is rejected. */
function count(
  totals: Totals,
  reject: (line: Line, fault: Fault) => void,
  { line, data }: Sent,
  answer: Receipt | NarrowcastError,
): Fate | null {
  if (answer instanceof NarrowcastError) {
    if (isTheirs(answer)) {
      reject(line, answer)
      return null
    }
    totals.failure ??= answer
    return answer.definite ? 'not_stored' : 'uncertain'
  }
  totals.published++
  totals.bytes += Buffer.byteLength(data)
  if (answer.duplicate) totals.duplicates++
  if (answer.receivers === 0) totals.receivedByNobody++
  return 'stored'
}

function rejecting(output: Output, totals: Totals): (line: Line, fault: Fault) => void {
  const hints = new Set<string>()
  return (line, { message, hint }) => {
    totals.rejected++
    if (totals.rejected <= toldMax) {
      output.warn(`line ${line.number}: ${message}`)
      if (hint && !hints.has(hint)) output.warn(hint)
      if (hint) hints.add(hint)
    }
    if (totals.rejected === toldMax) output.warn('further wrong lines are only counted')
  }
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
    const hint = error instanceof NarrowcastError ? error.hint : null
    reject(line, { message: (error as Error).message, hint })
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
