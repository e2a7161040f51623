import { execFile, execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import type { FinishedGame } from '../../src/simulator/records.ts'
import { startServer } from '../../src/simulator/server.ts'

const run = promisify(execFile)
const folder = join(import.meta.dirname, 'foreign')
const languages = [
  { language: 'Node', program: process.execPath, script: join(folder, 'bot.mjs') },
  { language: 'Python', program: 'python3', script: join(folder, 'bot.py') },
]

function whyNot(program: string): string | null {
  try {
    execFileSync(program, ['--version'], { stdio: 'pipe' })
    return null
  } catch (error) {
    return `${program} does not run here: ${error instanceof Error ? error.message : error}`
  }
}

interface Played {
  readonly me: string
  readonly game: string
  readonly status: string
  readonly hits: number
  readonly isWinner: boolean
}

const cases = languages.flatMap((one) => [2, 3].map((players) => ({ ...one, players })))

test.for(cases)(
  'a public client that we did not write plays a whole game: $language, $players players',
  async ({ program, script, players }, { skip }) => {
    const reason = whyNot(program)
    if (reason) skip(reason)
    // They start as fast as the machine lets them.
    await using server = await startServer({ port: 0, lobbyTimeoutMs: 60_000 })
    const finished: FinishedGame[] = []
    server.on('finished', (game) => finished.push(game))
    const played = await Promise.all(
      Array.from({ length: players }, async (_, at): Promise<Played> => {
        const { stdout } = await run(program, [script, server.url, `foreign-${at}`, `${players}`])
        return JSON.parse(stdout) as Played
      }),
    )
    expect(played.map(({ status }) => status)).toEqual(Array(players).fill('COMPLETE'))
    expect(new Set(played.map(({ game }) => game)).size).toBe(1)
    expect(played.filter(({ isWinner }) => isWinner).length).toBe(1)
    expect(finished.length).toBe(1)
    const { game } = finished[0] as FinishedGame
    for (const { me, hits, isWinner } of played) {
      expect(game.hits.filter(({ user_token }) => user_token === me).length).toBe(hits)
      expect(game.deaths.includes(me)).toBe(!isWinner)
    }
    expect(server.stats()).toMatchObject({ complete: 1, refusals: 0, forfeits: 0, errors: 0 })
  },
)
