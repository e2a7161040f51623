import { setTimeout as wait } from 'node:timers/promises'
import { sides } from './sides.ts'
import { firstNumber, nowMs, type Producer, type Task } from './way.ts'

/** What the process that sends is asked for; it answers with how long each call took, by line. */
export interface Sending {
  /** Of each line. */
  readonly messages: number
  /** Between the answer to a message and the next message, whatever their lines. */
  readonly gapMs: Gap
}

/** The same, and nobody waits for answers: each message counts from when it was to be sent. */
export interface Pacing {
  readonly messages: number
  /** Of each line. */
  readonly perSecond: number
}

interface Gap {
  readonly min: number
  readonly max: number
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

async function pace({ messages, perSecond }: Pacing): Promise<number[][]> {
  const tookMs: number[][] = producers.map(() => [])
  const gapMs = 1_000 / perSecond / producers.length
  const startMs = nowMs()
  const open: Promise<unknown>[] = []
  for (let at = 0; at < messages * producers.length; at++) {
    const dueMs = startMs + at * gapMs
    while (nowMs() < dueMs) await wait(Math.max(1, Math.floor(dueMs - nowMs())))
    const line = at % producers.length
    const data = { n: firstNumber + Math.floor(at / producers.length), text: String(dueMs) }
    const answer = (producers[line] as Producer).one(data)
    open.push(Promise.resolve(answer).then(() => tookMs[line]?.push(nowMs() - dueMs)))
  }
  await Promise.all(open)
  return tookMs
}

process.on('message', (sending: Sending | Pacing) => {
  const answer = 'perSecond' in sending ? pace(sending) : send(sending)
  answer.then(
    (tookMs) => process.send?.(tookMs),
    (error: unknown) => {
      console.error(error)
      process.exit(1)
    },
  )
})
process.on('disconnect', () => process.exit())
process.send?.('ready')
