import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { cliWorld, ndjson, type World } from './cliRun.ts'

function isAlive(pid: number): boolean {
  // One that has ended and that nobody has fetched yet is no life.
  const { stdout } = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' })
  return stdout.trim() !== '' && !stdout.trim().startsWith('Z')
}

/** Writes its pid, and that of a process it starts, and would go on for a minute. */
function program(world: World): string {
  const path = join(world.folder, 'slow.sh')
  const text = '#!/bin/sh\ncat > /dev/null\nsleep 60 &\necho "program $$ started $!"\nwait\n'
  writeFileSync(path, text, { mode: 0o755 })
  return path
}

async function begun(world: World, ...more: string[]) {
  await world.run(['publish', 'jobs', '--ndjson'], { input: ndjson(3) })
  const work = world.start(['work', 'jobs', '--exec', program(world), ...more])
  const worker = Number(await work.shows(/started w1 pid (\d+)/))
  const pid = Number(await work.shows(/program (\d+) started/))
  const below = Number(await work.shows(/program \d+ started (\d+)/))
  return { work, worker, pid, below }
}

describe.skipIf(process.platform === 'win32')('a program of work', () => {
  it.for([
    ['its worker', false],
    ['its worker and the command', true],
  ] as const)('ends, with all that it started, when %s is killed', async ([_name, isAll]) => {
    using world = cliWorld()
    const { work, worker, pid, below } = await begun(world)
    expect([isAlive(pid), isAlive(below)]).toEqual([true, true])
    if (isAll) work.child.kill('SIGKILL')
    process.kill(worker, 'SIGKILL')
    const alive = () => [isAlive(pid), isAlive(below)]
    await expect.poll(alive, { timeout: 20_000 }).toEqual([false, false])
    work.child.kill('SIGKILL')
    await work.ended
  })

  it('may leave something behind on purpose, once it has ended', async () => {
    using world = cliWorld()
    await world.run(['publish', 'jobs', '1'])
    const command = 'sleep 30 > /dev/null 2>&1 & echo $! > left'
    const { code } = await world.run(['work', 'jobs', '--exec', command, '--until', 'end'])
    const left = Number(readFileSync(join(world.folder, 'left'), 'utf8'))
    expect([code, isAlive(left)]).toEqual([0, true])
    process.kill(left, 'SIGKILL')
  })

  it('has nothing of ours open but its three streams', async () => {
    using world = cliWorld()
    await world.run(['publish', 'jobs', '1'])
    const command = '(echo x >&3) 2> /dev/null && echo open || echo closed'
    const { stdout } = await world.run(['work', 'jobs', '--exec', command, '--until', 'end'])
    expect(stdout).toBe('closed\n')
  })

  it('is not run by a worker whose guard is gone', async () => {
    using world = cliWorld()
    const { work, worker, pid } = await begun(world)
    const { stdout } = spawnSync('ps', ['-A', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' })
    const guard = stdout
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .find(([, parent, ...args]) => Number(parent) === worker && args.includes('narrowcast-guard'))
    process.kill(Number(guard?.[0]), 'SIGKILL')
    await work.shows('w1 started anew')
    await expect.poll(() => isAlive(pid), { timeout: 20_000 }).toBe(false)
    work.child.kill('SIGKILL')
    await work.ended
  })
})
