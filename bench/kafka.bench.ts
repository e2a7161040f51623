import type { Part } from './flow/part.ts'
import type { Sizes } from './flow/rig.ts'
import type { Bench, Figure, Target } from './harness.ts'
import { latencyPart } from './kafka/latencyPart.ts'
import { queuePart } from './kafka/queuePart.ts'
import { type KafkaRig, startRig } from './kafka/rig.ts'
import { startPart } from './kafka/startPart.ts'
import { streamPart } from './kafka/streamPart.ts'

const whole: Sizes = { divisor: 1, rounds: 5, withPeers: false }
const quick: Sizes = { divisor: 1_000, rounds: 1, withPeers: false }

const parts: Readonly<Record<string, Part<KafkaRig>>> = {
  queue: queuePart,
  stream: streamPart,
  latency: latencyPart,
  start: startPart,
}

export const bench: Bench = {
  name: 'kafka',
  about: 'Kafka: queues and streams beside @platformatic/kafka with the same acks and commits',
  parts: Object.keys(parts),
  canBeQuick: true,
  async run(report, { parts: wanted, isQuick }) {
    const sizes = isQuick ? quick : whole
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
        kafkaServer: rig.version,
        kafkaSettings: rig.settings,
        topics: '6 partitions, one node; idempotent producers, acks of all replicas',
        rounds: sizes.rounds,
        sharedCores: 'broker, producer and consumer share the cores: only ratios of one run count',
      },
      figures,
      targets,
    }
  },
}
