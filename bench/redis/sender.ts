import { setTimeout as wait } from 'node:timers/promises'
import { sides } from './sides.ts'
import { firstNumber, nowMs, type Producer, type Task } from './way.ts'

/** What the process that sends is asked for; it answers with how long each call took, by line. */
export interface Sending {
  /** Of each line. */
  readonly messages: number
  /** Between two messages, whatever their lines. */
  readonly gapMs: { readonly min: number; readonly max: number }
}

const tasks = JSON.parse(process.argv[2] ?? '') as readonly Task[]
const producers: Producer[] = []
for (const task of tasks) producers.push(await (await sides[task.side]()).producer(task))

async function send({ messages, gapMs }: Sending): Promise<number[][]> {
  const tookMs: number[][] = producers.map(() => [])
  for (let n = 0; n < messages; n++) {
    for (const [line, producer] of producers.entries()) {
      await wait(gapMs.min + Math.random() * (gapMs.max - gapMs.min))
      const startMs = nowMs()
      await producer.one({ n: firstNumber + n, text: String(startMs) })
      tookMs[line]?.push(nowMs() - startMs)
    }
  }
  return tookMs
}

process.on('message', (sending: Sending) => {
  send(sending).then(
    (tookMs) => process.send?.(tookMs),
    (error: unknown) => {
      console.error(error)
      process.exit(1)
    },
  )
})
process.on('disconnect', () => process.exit())
process.send?.('ready')
