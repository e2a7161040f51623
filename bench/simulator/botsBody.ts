// Some bots of a benchmark, in a process of their own. It ends with its parent.
import { playBot } from '../../src/simulator/bot.ts'
import type { GameSize } from '../../src/simulator/plan.ts'
import type { BotsReport } from './messages.ts'
import { cpuMsSince } from './process.ts'

const { url, names, games } = JSON.parse(process.argv[2] ?? '{}') as {
  url: string
  names: readonly string[]
  games: number
}

async function play(): Promise<BotsReport> {
  const answersMs: number[] = []
  const cpuBefore = process.cpuUsage()
  const sizes = Array<GameSize>(games).fill(2)
  // Equal numbers of duels leave nobody alone but at the very end; that one soon gives up.
  await Promise.all(
    names.map((user) =>
      playBot({ url, user, sizes, lobbyTries: 1, onAnswerMs: (ms) => answersMs.push(ms) }),
    ),
  )
  return { answersMs, cpuMs: cpuMsSince(cpuBefore) }
}

process.on('message', () => {
  play().then(
    (report) => process.send?.(report),
    (error) => {
      process.stderr.write(`${error}\n`)
      process.exit(1)
    },
  )
})
process.on('disconnect', () => process.exit(0))
process.send?.('ready')
