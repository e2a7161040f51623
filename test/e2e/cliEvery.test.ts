import { readdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { runnable } from '../../src/cli/tree.ts'
import { cliWorld } from './cliRun.ts'

describe('every command', () => {
  // Filled-in arguments; what is not here takes none.
  const args: Record<string, readonly string[]> = {
    ...{ publish: ['hello', '1'], tail: ['hello'], work: ['hello', '--exec', 'cat'] },
    ...{ ingest: ['hello'], 'ingest check': ['nowhere.mts'], completion: ['bash'] },
    ...Object.fromEntries(
      ['show', 'create', 'rm', 'purge', 'pause', 'resume'].map((name) => [
        `channels ${name}`,
        ['hello'],
      ]),
    ),
    ...{ 'messages ls': ['hello'], 'messages show': ['hello', 'x'], 'messages rm': ['hello', 'x'] },
    'messages search': ['hello', '--where', 'id == "x"'],
    ...{
      'dead ls': ['hello'],
      'dead show': ['hello'],
      'dead redrive': ['hello'],
      'dead cancel': ['r_aaaaaa'],
      'dead purge': ['hello'],
    },
    ...{ 'groups ls': ['hello'], 'groups show': ['hello', 'g'], 'groups rm': ['hello', 'g'] },
    ...{ 'groups seek': ['hello', 'g', '--to', 'end'], 'sim heroes import': ['nowhere.json'] },
    ...{ 'context add': ['x', 'file:./x'], 'context use': ['x'], 'context rm': ['x'] },
    ...{ 'sim bots': ['ws://127.0.0.1:1'], __complete: ['--', 'pub'] },
  }

  it('that changes something refuses with --read-only, and says so in JSON', async () => {
    using world = cliWorld()
    const changing = runnable().filter(({ spec }) => spec.access !== 'ro')
    for (const { name } of changing) {
      const words = [...name.split(' '), ...(args[name] ?? []), '--read-only', '--json']
      const { code, stdout, stderr } = await world.run(words)
      expect([name, code, stdout]).toEqual([name, 5, ''])
      expect(JSON.parse(stderr)).toMatchObject({ v: 1, type: 'error', code: 'READ_ONLY', exit: 5 })
    }
    expect(readdirSync(world.folder)).toEqual([])
  })

  it('that looks makes no store, and its stdout is JSON or empty', async () => {
    using world = cliWorld()
    const looking = runnable().filter(
      ({ name, spec }) => spec.access === 'ro' && name !== '__complete',
    )
    for (const { name } of looking) {
      const words = [...name.split(' '), ...(args[name] ?? []), '--json', '--read-only']
      const { code, stdout, stderr } = await world.run(words)
      if (code === 0)
        for (const line of stdout.trim().split('\n'))
          expect(JSON.parse(line), name).toMatchObject({ v: 1 })
      else {
        expect([name, stdout, code === 5]).toEqual([name, '', false])
        const error = JSON.parse(stderr) as Record<string, unknown>
        expect(error, name).toMatchObject({
          ...{
            v: 1,
            type: 'error',
            definite: expect.any(Boolean),
            retryable: expect.any(Boolean),
            exit: code,
          },
        })
        expect(Object.keys(error), name).toEqual([
          'v',
          'type',
          'code',
          'definite',
          'retryable',
          'message',
          'hint',
          'docs',
          'exit',
        ])
      }
    }
    expect(readdirSync(world.folder)).toEqual([])
  })
})
