// The game server of a benchmark, in a process of its own. It ends with its parent.
import { finishedMessage, type GameRecord } from '../../src/simulator/records.ts'
import { startServer } from '../../src/simulator/server.ts'
import type { ServerReport } from './messages.ts'
import { cpuMsSince } from './process.ts'

const { connectionsMax, seed } = JSON.parse(process.argv[2] ?? '{}') as {
  connectionsMax: number
  seed: number
}
const records = new Map<string, number>()
let finished = 0
let firstMs = 0
let lastMs = 0
let cpuAtFirst = process.cpuUsage()

function log({ log_message, task }: GameRecord): void {
  if (log_message === 'Started Game') {
    if (firstMs === 0) {
      firstMs = performance.now()
      cpuAtFirst = process.cpuUsage()
    }
    records.set(task.game_token, 0)
  }
  if (log_message !== finishedMessage) return
  finished++
  lastMs = performance.now()
  records.set(task.game_token, (records.get(task.game_token) ?? 0) + 1)
}

const server = await startServer({ port: 0, connectionsMax, seed, log })

process.on('message', () => {
  const counts = [...records.values()]
  const { hits, connections } = server.stats()
  const report: ServerReport = {
    finished,
    playedMs: lastMs - firstMs,
    cpuMs: cpuMsSince(cpuAtFirst),
    hits,
    connections,
    lost: counts.filter((count) => count === 0).length,
    duplicated: counts.reduce((sum, count) => sum + Math.max(0, count - 1), 0),
    residentBytes: process.memoryUsage.rss(),
  }
  process.send?.(report)
})
process.on('disconnect', () => process.exit(0))
process.send?.(server.url)
