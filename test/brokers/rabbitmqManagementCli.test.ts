import { beforeAll, beforeEach, expect, test } from 'vitest'
import { startRabbitmq } from '../../src/lab/brokers/rabbitmq.ts'
import type { RabbitmqServer } from '../../src/lab/brokers/rabbitmqServer.ts'
import { cliWorld, type World } from '../e2e/cliRun.ts'
import { describeRabbitmq } from './rabbitmqHere.ts'

describeRabbitmq('the command line on a RabbitMQ', { timeout: 60_000 }, () => {
  let server: RabbitmqServer
  let world: World
  beforeAll(async () => {
    server = await startRabbitmq()
    return () => server.stop()
  }, 120_000)
  beforeEach(() => {
    world = cliWorld()
    return () => world[Symbol.dispose]()
  })

  test('does without a list what it can, and says how to get one', async () => {
    const run = async (...args: string[]) => await world.run([...args, '-u', server.url])
    expect(await run('publish', 'plain', '{"n":1}')).toMatchObject({ code: 0 })
    const work = await run('work', 'plain', '--exec', 'cat', '--until', 'end')
    expect(work).toMatchObject({ code: 0, stdout: '{"n":1}\n' })
    const list = await run('channels', 'ls')
    expect([list.code, list.stderr]).toEqual([
      6,
      expect.stringContaining('?management=http://HOST'),
    ])
    const tail = await run('tail', 'plain')
    expect([tail.code, tail.stderr]).toEqual([6, expect.stringContaining('counts each look')])
    const gone = await run('channels', 'rm', 'plain', '--confirm', 'plain')
    expect([gone.code, gone.stdout]).toEqual([0, 'removed plain\n'])
    expect((await run('channels', 'show', 'plain')).code).toBe(4)
  })

  test('lists and measures by the plugin, and never shows its password', async () => {
    await server.ctl('add_user', 'looker', 'hunter2')
    await server.ctl('set_user_tags', 'looker', 'monitoring')
    await server.ctl('set_permissions', 'looker', '', '', '.*')
    const own = server.management.replace('//', '//looker:hunter2@')
    const url = `${server.url}?management=${own}`
    const run = async (...args: string[]) => await world.run([...args, '-u', url])
    const all = [
      await run('publish', 'orders', '1'),
      await run('channels', 'ls', '-v'),
      await run('stats', 'orders', '--over', '100ms'),
      await run('contract', url, '-v'),
      await run('doctor', '-v'),
    ]
    expect(all.map(({ code }) => code)).toEqual([0, 0, 0, 0, 0])
    expect(all[1]?.stdout).toMatch(/orders +queue +1/)
    expect(all[3]?.stdout).toMatch(/stored +disk, 1 copy/)
    expect(all[4]?.stdout).toContain('1 channel')
    const wrong = await world.run([
      'channels',
      'ls',
      '-v',
      '-u',
      url.replace('hunter2', 'hunter22'),
    ])
    expect([wrong.code, wrong.stderr]).toEqual([
      3,
      expect.stringContaining('user looker is refused'),
    ])
    for (const { stdout, stderr } of [...all, wrong])
      expect(stdout + stderr).not.toContain('hunter2')
  })
})
