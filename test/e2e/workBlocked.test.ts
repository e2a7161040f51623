import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { cliWorld, killAgain } from './cliRun.ts'

function isAlive(pid: number): boolean {
  const { stdout } = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' })
  return stdout.trim() !== '' && !stdout.trim().startsWith('Z')
}

describe.skipIf(process.platform === 'win32')('a worker whose handler blocks', () => {
  it.for([['SIGTERM'], ['SIGINT'], ['SIGKILL']] as const)(
    'ends with its command: %s',
    async ([signal]) => {
      using world = cliWorld()
      await world.run(['publish', 'jobs', '1'])
      writeFileSync(
        join(world.folder, 'block.mjs'),
        `import { writeSync } from 'node:fs'
export default () => { writeSync(1, 'blocked'); for (;;) {} }
`,
      )
      const work = world.start(['work', 'jobs', '--module', './block.mjs'])
      const pid = Number(await work.shows(/started w1 pid (\d+)/))
      await work.shows('blocked')
      try {
        work.child.kill(signal)
        if (signal === 'SIGKILL') await once(work.child, 'exit')
        else {
          await work.shows('again stops now')
          await killAgain(work.child, signal)
        }
        await expect.poll(() => isAlive(pid), { timeout: 20_000 }).toBe(false)
      } finally {
        if (isAlive(pid)) process.kill(pid, 'SIGKILL')
        await work.ended
      }
    },
  )
})
