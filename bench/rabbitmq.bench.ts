import type { Part } from './flow/part.ts'
import type { Sizes } from './flow/rig.ts'
import type { Bench, Figure, Target } from './harness.ts'
import { latencyPart } from './rabbitmq/latencyPart.ts'
import { queuePart } from './rabbitmq/queuePart.ts'
import { type RabbitmqRig, startRig } from './rabbitmq/rig.ts'
import { startPart } from './rabbitmq/startPart.ts'
import { streamPart } from './rabbitmq/streamPart.ts'

const whole: Sizes = { divisor: 1, rounds: 5, withPeers: false }
const quick: Sizes = { divisor: 1_000, rounds: 1, withPeers: false }

const parts: Readonly<Record<string, Part<RabbitmqRig>>> = {
  queue: queuePart,
  stream: streamPart,
  latency: latencyPart,
  start: startPart,
}

export const bench: Bench = {
  name: 'rabbitmq',
  about: 'RabbitMQ: queues and streams beside amqplib with the same confirms, prefetch and acks',
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
        rabbitmqServer: rig.version,
        rabbitmqSettings: rig.settings,
        queues: 'quorum, one node; persistent and mandatory messages, publisher confirms',
        rounds: sizes.rounds,
        sharedCores: 'broker, producer and consumer share the cores: only ratios of one run count',
      },
      figures,
      targets,
    }
  },
}
