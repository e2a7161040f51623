import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { cliWorld } from './cliRun.ts'

describe('a worker that dies', () => {
  it('is started anew as often as it is killed while it works', async () => {
    using world = cliWorld()
    await world.run(['channels', 'create', 'jobs'])
    const work = world.start(['work', 'jobs', '--exec', 'cat'])
    for (let n = 1; n <= 4; n++) {
      const last = Number(await work.shows(/.*started.* pid (\d+)(?![\s\S]* pid )/))
      await world.run(['publish', 'jobs', JSON.stringify(`message ${n}`)])
      await work.shows(`message ${n}`)
      process.kill(last, 'SIGKILL')
      await work.shows(`w1 pid ${last} died (SIGKILL)`)
    }
    await work.shows(/died[\s\S]*started anew(?![\s\S]*died)/)
    work.child.kill('SIGTERM')
    const { code, stderr } = await work.ended
    expect(code).toBe(143)
    expect(stderr).toContain('workers died 4   what those did last may not be counted')
  })

  it('before it can begin ends the run, with what to look for', async () => {
    using world = cliWorld()
    await world.run(['publish', 'jobs', '1'])
    writeFileSync(join(world.folder, 'gone.mjs'), `process.kill(process.pid, 'SIGKILL')\n`)
    const { code, stderr } = await world.run(['work', 'jobs', '--module', './gone.mjs'])
    expect(code).toBe(1)
    expect(stderr).toContain('w1 died 3 times before it could begin (SIGKILL)')
    expect(stderr).toContain('memory ran out')
    expect(stderr).not.toContain('please report')
  })
})
