import type { Part } from './flow/part.ts'
import type { Sizes } from './flow/rig.ts'
import type { Bench, Figure, Target } from './harness.ts'
import { installPeers, peerVersions } from './peers/install.ts'
import { footprintPart } from './redis/footprintPart.ts'
import { latencyPart } from './redis/latencyPart.ts'
import { broadcastPart, narrowcastPart, streamPart } from './redis/passingParts.ts'
import { queuePart } from './redis/queuePart.ts'
import { type RedisRig, startRig } from './redis/rig.ts'
import { startPart } from './redis/startPart.ts'

const whole: Sizes = { divisor: 1, rounds: 3, withPeers: true }
const quick: Sizes = { divisor: 1_000, rounds: 1, withPeers: false }

const parts: Readonly<Record<string, Part<RedisRig>>> = {
  queue: queuePart,
  stream: streamPart,
  broadcast: broadcastPart,
  narrowcast: narrowcastPart,
  latency: latencyPart,
  start: startPart,
  footprint: footprintPart,
}

export const bench: Bench = {
  name: 'redis',
  about:
    'Redis: each pattern beside the bare client, the queue beside BullMQ, bee-queue and groupmq',
  parts: Object.keys(parts),
  canBeQuick: true,
  async run(report, { parts: wanted, isQuick }) {
    const sizes = isQuick ? quick : whole
    if (sizes.withPeers) await installPeers(report)
    await using rig = await startRig(sizes, report)
    const figures: Figure[] = []
    const targets: Target[] = []
    for (const [name, part] of Object.entries(parts)) {
      if (!wanted.has(name)) continue
      const result = await part(rig)
      figures.push(...result.figures)
      targets.push(...result.targets)
    }
    return {
      settings: {
        redisServer: rig.version,
        redisSettings: rig.settings,
        ...(sizes.withPeers ? await peerVersions() : {}),
        rounds: sizes.rounds,
        sharedCores: 'broker, producer and consumer share the cores: only ratios of one run count',
      },
      figures,
      targets,
    }
  },
}
