import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { cliWorld, ndjson, script } from './cliRun.ts'

describe('work', () => {
  it('takes the exit code as the verdict', async () => {
    using world = cliWorld()
    await world.run(['publish', 'jobs', '--ndjson', '--key', 'k'], { input: ndjson(4) })
    const program = script(
      world,
      'job.sh',
      `#!/bin/sh
read line
case "$line" in
  *:1*) echo "ack $NARROWCAST_CHANNEL $NARROWCAST_KEY $NARROWCAST_ATTEMPT $NARROWCAST_HEADERS";;
  *:2*) echo "no rank" >&2; exit 65;;
  *:3*) [ "$NARROWCAST_ATTEMPT" = 1 ] && exit 75; echo "second $NARROWCAST_ATTEMPT";;
  *:4*) echo "attempt $NARROWCAST_ATTEMPT" >&2; exit 3;;
esac
`,
    )
    const { code, stdout } = await world.run([
      'work',
      'jobs',
      '--exec',
      program,
      '--until',
      'end',
      '-u',
      'file:./.narrowcast/store?attempts=3&backoff=1ms..10ms',
    ])
    expect(code).toBe(0)
    expect(stdout.split('\n').sort()).toEqual(['', 'ack jobs k 1 {}', 'second 2'])
    const dead = await world.json('dead', 'show', 'jobs')
    expect(dead.items).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          data: { n: 2 },
          cause: 'verdict',
          reason: 'no rank',
          failures: 0,
        }),
        expect.objectContaining({ data: { n: 4 }, cause: 'failures', failures: 3 }),
      ]),
    )
    expect(JSON.stringify(dead)).toContain('exit 3: attempt 3')
    expect(await world.json('channels', 'show', 'jobs')).toMatchObject({
      waiting: 0,
      dead: 2,
      out: 2,
    })
  })

  it('runs a module, with several workers, and reports in JSON', async () => {
    using world = cliWorld()
    await world.run(['publish', 'jobs', '--ndjson'], { input: ndjson(50) })
    const path = join(world.folder, 'handler.mts')
    writeFileSync(
      path,
      'export default async (data: { n: number }) => { if (data.n === 7) throw new Error("seven") }\n',
    )
    const events = await world.lines(
      ...[
        'work',
        'jobs',
        '--module',
        path,
        '--workers',
        '2',
        '--concurrency',
        '4',
        '--until',
        'end',
      ],
      ...['-u', 'file:./.narrowcast/store?attempts=1'],
    )
    const settled = events.filter(({ type }) => type === 'work.settled')
    expect(settled).toHaveLength(50)
    expect(settled.filter(({ verdict }) => verdict === 'dead')).toHaveLength(1)
    expect(events.every(({ v }) => v === 1)).toBe(true)
    expect(events.at(-1)).toMatchObject({ type: 'work.summary', acked: 49, dead: 1, waiting: 0 })
  })

  it('starts a killed worker anew, and what it held is done', async () => {
    using world = cliWorld()
    await world.run(['publish', 'jobs', '--ndjson'], { input: ndjson(3) })
    const path = join(world.folder, 'handler.mjs')
    // The first to come kills its process, once.
    writeFileSync(
      path,
      `import { existsSync, writeFileSync } from 'node:fs'
export default (data) => {
  if (existsSync('killed')) return
  writeFileSync('killed', '')
  process.kill(process.pid, 'SIGKILL')
}
`,
    )
    const work = world.start([
      'work',
      'jobs',
      '--module',
      path,
      '--until',
      'end',
      '-u',
      'file:./.narrowcast/store?lease=2s',
    ])
    const { code, stderr } = await work.ended
    expect(code).toBe(0)
    expect(stderr).toMatch(/w1 pid \d+ died \(SIGKILL\)/)
    expect(stderr).toMatch(/w1 started anew, pid \d+/)
    expect(await world.json('channels', 'show', 'jobs')).toMatchObject({
      waiting: 0,
      in_flight: 0,
      dead: 0,
    })
  })

  it.for([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('drains on %s and exits %i', async ([signal, exit]) => {
    using world = cliWorld()
    await world.run(['publish', 'jobs', '--ndjson'], { input: ndjson(20) })
    const program = script(world, 'slow.sh', '#!/bin/sh\necho begun\nsleep 1\necho ended\n')
    const work = world.start(['work', 'jobs', '--exec', program, '--concurrency', '2'])
    await work.shows('begun')
    work.child.kill(signal)
    const { code, stdout, stderr } = await work.ended
    expect([code, stderr]).toEqual([exit, expect.stringContaining('given back')])
    const count = (word: string) => stdout.split('\n').filter((line) => line === word).length
    expect(count('ended')).toBe(count('begun'))
    expect(await world.json('channels', 'show', 'jobs')).toMatchObject({
      ...{ waiting: 20 - count('ended'), in_flight: 0, dead: 0, out: count('ended') },
    })
  })

  it('leaves no process behind when it is killed', async () => {
    using world = cliWorld()
    await world.run(['publish', 'jobs', '1'])
    const program = script(world, 'slow.sh', '#!/bin/sh\necho "program pid $$"\nexec sleep 60\n')
    const work = world.start(['work', 'jobs', '--exec', program])
    await work.shows(/program pid \d+\n/)
    const isAlive = (pid: number) => {
      try {
        process.kill(pid, 0)
        return true
      } catch {
        return false
      }
    }
    work.child.kill('SIGKILL')
    const { stdout, stderr } = await work.ended
    const told = (stdout + stderr).matchAll(/pid (\d+)/g)
    const pids = new Set([...told].map(([, pid]) => Number(pid)))
    expect(pids.size).toBeGreaterThanOrEqual(2)
    await expect.poll(() => [...pids].filter(isAlive), { timeout: 20_000 }).toEqual([])
  })

  it('refuses before it takes anything', async () => {
    using world = cliWorld()
    await world.run(['publish', 'jobs', '1'])
    await world.run(['channels', 'create', 'events', '--pattern', 'stream'])
    for (const [args, text] of [
      [['work', 'jobs'], 'one of --exec and --module'],
      [['work', 'jobs', '--exec', 'no-such-program'], 'no program no-such-program'],
      [['work', 'jobs', '--module', 'nothing.mjs'], 'nothing.mjs cannot be loaded'],
      [['work', 'jobs', '--exec', 'cat', '--group', 'x'], 'has no groups'],
      [['work', 'events', '--exec', 'cat'], 'work needs --group'],
    ] as const) {
      const { code, stderr } = await world.run(args)
      expect([code, stderr], args.join(' ')).toEqual([2, expect.stringContaining(text)])
    }
    expect(await world.json('channels', 'show', 'jobs')).toMatchObject({ waiting: 1 })
  })

  it('works a stream by group, each message once per group', async () => {
    using world = cliWorld()
    await world.run(['publish', 'events', '--ndjson', '--pattern', 'stream'], { input: ndjson(5) })
    for (const group of ['mail', 'audit']) {
      const { stdout } = await world.run([
        ...['work', 'events', '--exec', 'cat', '--group', group, '--until', 'end'],
      ])
      expect(stdout.trim().split('\n')).toHaveLength(5)
    }
    const { items } = await world.json('groups', 'ls', 'events')
    expect(items).toMatchObject([{ lag: 0 }, { lag: 0 }])
    expect((await world.run(['groups', 'seek', 'events', 'mail', '--to', '#3'])).code).toBe(5)
    expect(
      await world.json('groups', 'seek', 'events', 'mail', '--to', '#3', '--yes'),
    ).toMatchObject({ lag: 2 })
    expect((await world.run(['groups', 'rm', 'events', 'audit', '--confirm', 'audit'])).code).toBe(
      0,
    )
    expect((await world.run(['groups', 'show', 'events', 'audit'])).code).toBe(4)
  })
})
