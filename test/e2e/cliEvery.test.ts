import { readdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { runnable } from '../../src/cli/tree.ts'
import { cliWorld } from './cliRun.ts'
import { steps } from './cliWalk.ts'

describe('every command', () => {
  /** As in the walk, where nothing of it is there. */
  const wordsOf = (name: string) =>
    name === '__complete'
      ? ['--', 'pub']
      : (steps.find(({ command }) => command === name)?.words ?? [])

  it('that changes something refuses with --read-only, and says so in JSON', async () => {
    using world = cliWorld()
    const changing = runnable().filter(({ spec }) => spec.access !== 'ro')
    for (const { name } of changing) {
      const words = [...name.split(' '), '--read-only', '--json', ...wordsOf(name)]
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
      const words = [...name.split(' '), ...wordsOf(name), '--json', '--read-only']
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
