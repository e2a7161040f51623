import { NarrowcastError } from '../../core/errors.ts'
import { type Connected, connectTo } from '../connection.ts'
import type { Invocation, Run } from '../invocation.ts'
import { Changes } from '../top/changes.ts'
import { snapshotJson } from '../top/json.ts'
import { Looker } from '../top/snapshot.ts'
import { TopView } from '../top/view.ts'

const intervalMsDefault = 1_000
const intervalMsMin = 200

/** `top` */
export const top: Run = async (invocation) => {
  const { flags } = invocation
  const intervalMs = flags.durationMs('interval') ?? intervalMsDefault
  if (intervalMs < intervalMsMin) {
    throw new NarrowcastError('INVALID_CONFIG', `--interval: at least ${intervalMsMin}ms`)
  }
  const count = flags.whole('count', { min: 1 }) ?? Number.POSITIVE_INFINITY
  // A screen says itself that nothing is to be seen.
  const outages = !showsScreen(invocation)
  await using connected = await connectTo(invocation, { look: true, outages })
  if (!outages) await onScreen(invocation, connected, intervalMs, count)
  else await asLines(invocation, connected, intervalMs, count)
}

/** The screen is stdout; `live` knows what else forbids it. */
function showsScreen({ live, output }: Invocation): boolean {
  return live && output.format === 'text' && process.stdout.isTTY === true
}

async function lookerOf({ clock }: Invocation, { bus }: Connected): Promise<Looker> {
  const view = bus.contracts.broadcast ? await bus.telemetry.watch() : null
  return new Looker(bus, view, clock)
}

async function asLines(
  invocation: Invocation,
  connected: Connected,
  intervalMs: number,
  count: number,
): Promise<void> {
  const { clock, interrupts, output } = invocation
  const stopping = interrupts.claim()
  const looker = await lookerOf(invocation, connected)
  const changes = new Changes(clock.wallMs())
  const object = (row: ReturnType<typeof snapshotJson>) => row
  const out = output.stream<ReturnType<typeof snapshotJson>>(
    'top',
    totals.map((name) => ({ name, value: (row) => row[name] ?? null })),
    (row) => JSON.stringify({ v: 1, type: 'top', ...row }),
    object,
  )
  await looker.look() // rates need one before
  for (let n = 0; n < count; n++) {
    await clock.sleep(intervalMs, stopping)
    if (stopping.aborted) return
    const snapshot = await looker.look()
    await out.write(snapshotJson(snapshot, changes.next(snapshot.workers)))
  }
}

/** What a line of CSV or Markdown has room for. */
const totals = ['time', 'waiting', 'in_per_s', 'out_per_s', 'p95_ms', 'workers'] as const

async function onScreen(
  invocation: Invocation,
  connected: Connected,
  intervalMs: number,
  count: number,
): Promise<void> {
  const { clock, interrupts } = invocation
  const stopping = interrupts.claim()
  const looker = await lookerOf(invocation, connected)
  using view = new TopView(invocation, connected, await looker.look())
  for (let n = 0; n < count; n++) {
    await clock.sleep(intervalMs, stopping)
    if (stopping.aborted) return
    try {
      view.show(await looker.look())
    } catch (error) {
      view.failed(error as Error)
    }
  }
}
