import { type Line, Lines, latencyFigures, noTimes } from '../flow/lines.ts'
import type { Part, PartResult } from '../flow/part.ts'
import { type Figure, mostTarget, ratioTarget, type Target } from '../harness.ts'

const ownLines: readonly Line[] = [
  { name: 'raw, LPUSH to BLMOVE', side: 'node-redis', kind: 'single' },
  { name: 'narrowcast, queue', side: 'narrowcast', kind: 'queue' },
  { name: 'raw, XADD to XREADGROUP', side: 'node-redis', kind: 'stream' },
  { name: 'narrowcast, stream', side: 'narrowcast', kind: 'stream' },
  { name: 'raw, PUBLISH', side: 'node-redis', kind: 'pubsub' },
  { name: 'narrowcast, broadcast', side: 'narrowcast', kind: 'broadcast' },
  { name: 'narrowcast, direct', side: 'narrowcast', kind: 'direct' },
  { name: 'narrowcast, relay', side: 'narrowcast', kind: 'relay' },
]

const peerLines: readonly Line[] = [
  { name: 'BullMQ', side: 'bullmq', kind: 'queue' },
  { name: 'bee-queue', side: 'bee-queue', kind: 'queue' },
  // Tuned for much at once, it gathers messages for 10 ms.
  { name: 'groupmq', side: 'groupmq', kind: 'queue', isTuned: false },
]

type Named = ReadonlyMap<string, Figure>

function targetsOf(idle: Named, slow: Named): Target[] {
  const [queue, stream, pubsub] = [
    'raw, LPUSH to BLMOVE',
    'raw, XADD to XREADGROUP',
    'raw, PUBLISH',
  ]
  const of = (figures: Named, what: string) => figures.get(what) as Figure
  const p99 = (name: string, beside: string) =>
    ratioTarget(
      of(idle, `delivered, p99: ${name}`),
      'max',
      1.2,
      of(idle, `delivered, p99: ${beside}`),
    )
  const near = (what: string) =>
    mostTarget(of(slow, `${what}: narrowcast, queue`), 0.2, of(slow, `${what}: ${queue}`))
  const relay = of(idle, 'delivered, p50: narrowcast, relay')
  return [
    p99('narrowcast, queue', queue as string),
    p99('narrowcast, stream', stream as string),
    p99('narrowcast, broadcast', pubsub as string),
    p99('narrowcast, direct', pubsub as string),
    mostTarget(relay, 0.3, of(idle, 'delivered, p50: narrowcast, direct')),
    near('delivered, p50'),
    near('answered, p50'),
  ]
}

export const latencyPart: Part = async (rig): Promise<PartResult> => {
  const { divisor, rounds, withPeers } = rig.sizes
  const lines = [...ownLines, ...(withPeers ? peerLines : [])]
  const channel = await rig.channel()
  const channels = lines.map((_, n) => `${channel}-${n}`)
  using all = await Lines.open(rig, lines, channels)
  const [warm, idle, slow] = [noTimes(lines), noTimes(lines), noTimes(lines)]
  const idleGap = { min: 2, max: 5 }
  /** Eight messages a second on each line. */
  const slowGap = { min: 125 / lines.length - 1, max: 125 / lines.length }
  await all.measure({ messages: Math.ceil(50 / divisor), gapMs: idleGap }, warm)
  for (let round = 0; round < rounds; round++) {
    await all.measure({ messages: Math.ceil(200 / divisor), gapMs: idleGap }, idle)
    await all.measure({ messages: Math.ceil(24 / divisor), gapMs: slowGap }, slow)
    rig.report(`latency: round ${round + 1} of ${rounds}`)
  }
  const idleFigures = latencyFigures('idle', lines, idle, true)
  const slowFigures = latencyFigures('8 messages/s', lines, slow, false)
  return {
    figures: [...idleFigures.values(), ...slowFigures.values()],
    targets: targetsOf(idleFigures, slowFigures),
  }
}
