import { describe, expect, it } from 'vitest'
import { cliWorld, type World } from './cliRun.ts'

const oneTry = ['-u', 'file:./.narrowcast/store?attempts=1']

async function publish(world: World, ...datas: string[]): Promise<void> {
  for (const data of datas) await world.run(['publish', 'jobs', data, '--id', 'twin'])
}

async function bury(world: World): Promise<void> {
  await world.run(['work', 'jobs', '--exec', 'exit 1', '--until', 'end', ...oneTry])
}

describe('an id that was published twice', () => {
  it('is not one message: messages show names the positions and takes one', async () => {
    using world = cliWorld()
    await publish(world, '1', '2')
    const { code, stdout, stderr } = await world.run(['messages', 'show', 'jobs', 'twin'])
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toBe(
      'error: 2 messages of "jobs" have the id twin: #1, #2\n' +
        "  One of them: narrowcast messages show jobs '#1'\n",
    )
    expect(await world.json('messages', 'show', 'jobs', '#2')).toMatchObject({
      ...{ id: 'twin', position: '2', data: 2 },
    })
    const none = await world.run(['messages', 'show', 'jobs', '#3'])
    expect([none.code, none.stderr]).toEqual([4, expect.stringContaining('at position #3')])
  })

  it('also when both are delayed and have no position yet', async () => {
    using world = cliWorld()
    for (const _ of [1, 2]) await world.run(['publish', 'jobs', '1', '--id', 'a', '--delay', '1h'])
    const { code, stderr } = await world.run(['messages', 'show', 'jobs', 'a'])
    expect([code, stderr]).toEqual([2, expect.stringContaining('have the id a: 2 delayed')])
  })

  it('is removed one at a time, the oldest first, and what is left is told', async () => {
    using world = cliWorld()
    await publish(world, '1', '2')
    expect(await world.json('messages', 'rm', 'jobs', 'twin', '--confirm', 'jobs')).toMatchObject({
      removed: true,
      left: true,
    })
    expect(await world.json('messages', 'show', 'jobs', 'twin')).toMatchObject({ data: 2 })
    const last = await world.run(['messages', 'rm', 'jobs', 'twin', '--confirm', 'jobs'])
    expect(last).toMatchObject({ code: 0, stdout: 'removed twin of jobs\n', stderr: '' })
  })

  it.for([
    [['dead', 'show', 'jobs', 'twin'], "One of them: narrowcast dead show jobs '#2'"],
    [['dead', 'redrive', 'jobs', '--id', 'twin', '--yes'], "One of them: --id '#2'"],
    [['dead', 'purge', 'jobs', '--id', 'twin', '--confirm', 'jobs'], "One of them: --id '#2'"],
  ] as const)('%j refuses to choose', async ([args, hint]) => {
    using world = cliWorld()
    await publish(world, '1', '2')
    await bury(world)
    const { code, stdout, stderr } = await world.run(args)
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toBe(
      'error: 2 dead letters of "jobs" have the id twin: #2, #1\n' +
        `  ${hint}\n  All of them: --where 'id == "twin"'\n`,
    )
    expect(await world.json('channels', 'show', 'jobs')).toMatchObject({ dead: 2 })
  })

  it('dead letters are named one by one, or all by --where', async () => {
    using world = cliWorld()
    await publish(world, '1', '2', '3', '4')
    await bury(world)
    expect((await world.json('dead', 'show', 'jobs', '#3')).items).toMatchObject([
      { ref: '3', data: 3 },
    ])
    const wide = await world.run(['dead', 'ls', 'jobs', '-o', 'wide'])
    expect(wide.stdout).toMatch(/^ID .* REF\n(.* #\d\n){4}$/)
    expect(
      await world.json('dead', 'redrive', 'jobs', '--id', '#1', '--id', '#3', '--yes'),
    ).toMatchObject({ redriven: 2 })
    expect(
      await world.json('dead', 'purge', 'jobs', '--where', 'id == "twin"', '--confirm', 'jobs'),
    ).toMatchObject({ removed: 2 })
    expect((await world.run(['dead', 'show', 'jobs', '#3'])).code).toBe(4)
  })

  it('an id that could steer a terminal is told as escapes', async () => {
    using world = cliWorld()
    for (const _ of [1, 2]) await world.run(['publish', 'jobs', '1', '--id', '\u001b[2J'])
    const { stderr } = await world.run(['messages', 'show', 'jobs', '\u001b[2J'])
    expect(stderr).toContain('have the id \\u001b[2J: #1, #2')
    expect(stderr).not.toContain('\u001b')
  })

  it('one that is asked for twice is chosen once', async () => {
    using world = cliWorld()
    await publish(world, '1')
    await bury(world)
    expect(
      await world.json('dead', 'redrive', 'jobs', '--id', 'twin', '--id', '#1', '--yes'),
    ).toMatchObject({ chosen: 1, redriven: 1, failed: 0 })
  })
})
