import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { NarrowcastError } from '../../core/errors.ts'
import { type FaultScene, faultsOf, loadOf } from '../../lab/scenarios/planned.ts'
import { scenarioIn, scenarioNamed, withEpisodes } from './runFlags.ts'

test('more episodes come as far apart as before, in a load that has grown', () => {
  const before = scenarioNamed('worker-kill')
  const after = withEpisodes(before, 30)
  expect(after.faults).toMatchObject([{ at: '2.5%', every: '2.5%', times: 30 }])
  expect(after.bites).toEqual([{ is: 'busyKills', atLeast: 24 }])
  const timesOf = (scenario: typeof before) => {
    const load = loadOf(scenario, 'queue', {})
    const scene = { load, channel: { pattern: 'queue', leaseMs: 2_000 } } as FaultScene
    return faultsOf(scenario, scene).map(({ atMs }) => atMs)
  }
  expect(loadOf(after, 'queue', {}).messages).toBe(60_000)
  expect(timesOf(after)).toHaveLength(30)
  expect(timesOf(after).slice(0, 5)).toEqual(timesOf(before))
})

test('times that are no shares stay as they are', () => {
  const churn = withEpisodes(scenarioNamed('churn'), 22)
  expect(churn.faults).toMatchObject([{ at: '3s', every: '3s', times: 22 }])
  expect(churn.load.messages).toBe(30_000)
})

test('a fault that comes once is not made to come more often', () => {
  expect(() => withEpisodes(scenarioNamed('all-dead-revive'), 5)).toThrow(
    expect.objectContaining({
      ...{ code: 'INVALID_ARGUMENT', message: expect.stringContaining('comes again and again') },
      hint: expect.stringContaining('lab run all-dead-revive --repeats 5'),
    }),
  )
})

test('what is no file, or far too long, is not read for a scenario', () => {
  const folder = mkdtempSync(join(tmpdir(), 'narrowcast-spec-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const long = join(folder, 'long.json')
  writeFileSync(long, ' '.repeat(1_048_577))
  const refused = (path: string, why: string) =>
    expect(() => scenarioIn(path)).toThrow(
      expect.objectContaining({
        ...{ code: 'INVALID_CONFIG', message: `--spec: cannot read ${path}: ${why}` },
      }),
    )
  refused(folder, 'it is no regular file')
  refused(long, 'it has 1048577 bytes, expected at most 1 MiB')
})

test('what is wrong with a scenario is told in words of its own', () => {
  const folder = mkdtempSync(join(tmpdir(), 'narrowcast-spec-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'own.json')
  const hintOf = (change: object) => {
    const whole = { name: 'own', title: 'mine', teaches: 'something', ...change }
    writeFileSync(path, JSON.stringify(whole))
    try {
      scenarioIn(path)
      return null
    } catch (error) {
      return (error as NarrowcastError).hint
    }
  }
  expect(hintOf({})).toBeNull()
  expect(hintOf({ title: '' })).toBe('title: expected at least 1 characters, got ""')
  expect(hintOf({ title: undefined })).toBe('title: it is missing')
  expect(hintOf({ load: { messages: 0 } })).toBe('load.messages: expected at least 1, got 0')
  expect(hintOf({ load: { workers: 'ten' } })).toBe('load.workers: expected number, got "ten"')
  expect(hintOf({ lod: 1 })).toBe('it: nothing is called lod there')
  expect(hintOf({ settings: { order: 'all' } })).toBe(
    'settings.order: expected none or key, got "all"',
  )
  expect(hintOf({ name: 'Own' })).toBe(
    'name: expected lower-case letters, digits and dashes, got "Own"',
  )
})
