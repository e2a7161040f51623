import { controlChannel } from '../../core/channel.ts'
import { NarrowcastError } from '../../core/errors.ts'
import type { Bus } from '../../runtime/api.ts'
import type { ControlMessage } from '../../runtime/telemetry/control.ts'
import type { TelemetryView, WorkerView } from '../../runtime/telemetry/view.ts'
import { connectTo } from '../connection.ts'
import { askYes, checkYes, isDryRun } from '../consent.ts'
import type { Invocation, Run } from '../invocation.ts'
import { countOf, showDuration } from '../output/quantities.ts'
import { listen } from '../telemetry/listen.ts'
import { workerNamed } from './workers.ts'

type Verb = ControlMessage['verb']

/** Its handlers get 10 s, and it tells of its end after that. */
const waitMsDefault = 30_000
const lookMs = 100

/** `workers drain WORKER` */
export const drain: Run = (invocation) => end(invocation, 'drain')

/** `workers stop WORKER` */
export const stop: Run = (invocation) => end(invocation, 'stop')

async function end(invocation: Invocation, verb: Verb): Promise<void> {
  const { args, clock, output } = invocation
  const text = args[0] as string
  checkYes(invocation)
  await using connected = await connectTo(invocation, { look: true })
  const { bus } = connected
  const isHeard = ({ workers }: TelemetryView) => workers.some(({ worker }) => worker === text)
  const view = await listen(invocation, bus, isHeard)
  if (invocation.interrupts.claim().aborted) {
    throw new NarrowcastError('ABORTED', 'stopped while listening; nothing was changed')
  }
  const mine = workerNamed(text, view.workers)
  const target = targetOf(mine)
  const { worker, where, inHand } = target
  refuseDeaf(mine)
  const fields = { worker, channels: target.channels, in_hand: inHand }
  if (await isDryRun(invocation, `would ${verb} ${worker} ${where}`, fields)) return
  await askYes(invocation, `${verb === 'drain' ? 'Drain' : 'Stop'} ${worker} ${where}?`)
  const beganMs = clock.monotonicMs()
  await order(bus, { v: 1, type: 'control', verb, worker })
  await untilGone(invocation, view, worker, verb)
  const tookMs = clock.monotonicMs() - beganMs
  const done = verb === 'drain' ? 'drained' : 'stopped'
  await output.answer({
    type: `workers.${verb}`,
    fields: { ...fields, duration_ms: Math.round(tookMs) },
    lines: () => [`${worker}  ${done}, gone after ${showDuration(tookMs)}`],
  })
}

function targetOf(mine: readonly WorkerView[]) {
  const [first] = mine as [WorkerView]
  const inHand = mine.reduce((sum, one) => sum + one.in_flight_count, 0)
  const channels = mine.map(({ channel }) => channel)
  const where = `on ${channels.join(', ')} (${first.host}:${first.pid}, ${countOf(inHand, 'message')} in hand)`
  return { worker: first.worker, channels, inHand, where }
}

/** @throws UNSUPPORTED where nobody would obey. */
function refuseDeaf(mine: readonly WorkerView[]): void {
  const [{ worker, host, pid, control }] = mine as [WorkerView]
  if (control) return
  throw new NarrowcastError(
    'UNSUPPORTED',
    `${worker} obeys no other process: ${host}:${pid} was started without control`,
    { hint: 'Start it with --control, in a program with connect(url, { control: true }).' },
  )
}

/** @throws NO_WORKER where nobody hears it. */
async function order(bus: Bus, message: ControlMessage): Promise<void> {
  const { receivers } = await bus.broadcast<ControlMessage>(controlChannel).publish(message)
  if (receivers !== 0) return
  throw new NarrowcastError('NO_WORKER', `${message.worker} is gone: nobody heard the order`, {
    hint: 'narrowcast workers ls shows who is there',
  })
}

/** @throws TIMEOUT, ABORTED */
async function untilGone(
  invocation: Invocation,
  view: TelemetryView,
  worker: string,
  verb: Verb,
): Promise<void> {
  const { clock, interrupts, flags, env, timeoutMs } = invocation
  const isAsked = flags.text('timeout') !== undefined || Boolean(env.NARROWCAST_TIMEOUT)
  const waitMs = isAsked ? timeoutMs : waitMsDefault
  const stopping = interrupts.claim()
  const untilMs = clock.monotonicMs() + waitMs
  for (;;) {
    const left = view.workers.filter((one) => one.worker === worker)
    if (left.length === 0) return
    const inHand = left.reduce((sum, one) => sum + one.in_flight_count, 0)
    const still = `${worker} was told to ${verb}; it is still there, with ${countOf(inHand, 'message')} in hand`
    if (stopping.aborted) throw new NarrowcastError('ABORTED', `${still}, and not waited for`)
    if (clock.monotonicMs() >= untilMs) {
      throw new NarrowcastError('TIMEOUT', `${still}, after ${showDuration(waitMs)}`, {
        hint: `It may end yet: narrowcast workers show ${worker}\nMore time: --timeout 1m`,
      })
    }
    await clock.sleep(lookMs, stopping)
  }
}
