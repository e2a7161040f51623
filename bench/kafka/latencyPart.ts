import { type Line, Lines, latencyFigures, noTimes } from '../flow/lines.ts'
import type { Part } from '../flow/part.ts'
import { type Figure, ratioTarget } from '../harness.ts'
import type { KafkaRig } from './rig.ts'

const lines: readonly Line[] = [
  { name: '@platformatic/kafka', side: 'platformatic', kind: 'queue' },
  { name: 'narrowcast, queue', side: 'narrowcast', kind: 'queue' },
]

/** Of each line, whatever the answers do: a slow one is not let off the messages it holds up. */
const perSecond = 200
const seconds = 10

export const latencyPart: Part<KafkaRig> = async (rig) => {
  const { divisor, rounds } = rig.sizes
  using all = await Lines.open(rig, lines, await rig.channels(lines.length))
  const [warm, paced, alone] = [noTimes(lines), noTimes(lines), noTimes(lines)]
  const messages = Math.ceil((perSecond * seconds) / divisor)
  await all.measure({ messages: Math.ceil(messages / 4), perSecond }, warm)
  for (let round = 0; round < rounds; round++) {
    await all.measure({ messages, perSecond }, paced)
    const gapMs = { min: 5, max: 10 }
    await all.measure({ messages: Math.ceil(200 / divisor), gapMs }, alone)
    rig.report(`latency: round ${round + 1} of ${rounds}`)
  }
  const pacedFigures = latencyFigures(`${perSecond} messages/s`, lines, paced, true)
  const aloneFigures = latencyFigures('one at a time', lines, alone, true)
  const beside = (figures: ReadonlyMap<string, Figure>, what: string) =>
    ratioTarget(
      figures.get(`${what}: narrowcast, queue`) as Figure,
      'max',
      1.2,
      figures.get(`${what}: @platformatic/kafka`) as Figure,
    )
  return {
    figures: [...pacedFigures.values(), ...aloneFigures.values()],
    targets: [
      beside(pacedFigures, 'delivered, p50'),
      beside(pacedFigures, 'delivered, p99'),
      beside(pacedFigures, 'answered, p50'),
      beside(aloneFigures, 'delivered, p99'),
    ],
  }
}
