import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { NarrowcastError } from '../../core/errors.ts'
import { scenarioIn } from './specFile.ts'

const howTo = 'docs/lab/README.md says how to write one; narrowcast lab ls lists those there are'
const whole = { name: 'own', title: 'mine', teaches: 'something' }
let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'narrowcast-spec-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

test('what is no file, or far too long, is not read for a scenario', () => {
  const [long, none] = [join(folder, 'long.json'), join(folder, 'none.json')]
  writeFileSync(long, ' '.repeat(1_048_577))
  const refused = (path: string, why: string) =>
    expect(() => scenarioIn(path)).toThrow(
      expect.objectContaining({
        ...{ code: 'INVALID_CONFIG', hint: howTo },
        message: expect.stringContaining(`--spec: cannot read ${path}: ${why}`),
      }),
    )
  refused(folder, 'it is no regular file')
  refused(long, 'it has 1048577 bytes, expected at most 1 MiB')
  refused(none, 'ENOENT')
  writeFileSync(long, '{ "name": ')
  refused(long, 'Unexpected end of JSON')
})

test.skipIf(process.platform === 'win32')('a pipe is none that the line could name again', () => {
  const pipe = join(folder, 'pipe')
  spawnSync('mkfifo', [pipe])
  expect(() => scenarioIn(pipe)).toThrow(
    expect.objectContaining({
      ...{ code: 'INVALID_CONFIG', message: `--spec: cannot read ${pipe}: it is no regular file` },
      hint: expect.stringContaining('save it first, then --spec own.json'),
    }),
  )
})

test('a byte order mark before it is passed over', () => {
  const path = join(folder, 'own.json')
  writeFileSync(path, `\ufeff${JSON.stringify(whole)}`)
  expect(scenarioIn(path)).toMatchObject(whole)
})

test('what is wrong with a scenario is told in words of its own', () => {
  const path = join(folder, 'own.json')
  const hintOf = (change: object) => {
    writeFileSync(path, JSON.stringify({ ...whole, ...change }))
    try {
      scenarioIn(path)
      return null
    } catch (error) {
      return (error as NarrowcastError).hint
    }
  }
  const wrong = (change: object, words: string) => {
    expect(hintOf(change)).toBe(`${words}\n${howTo}`)
  }
  expect(hintOf({})).toBeNull()
  wrong({ title: '' }, 'title: expected at least 1 characters, got ""')
  wrong({ title: undefined }, 'title: it is missing')
  wrong({ load: { messages: 0 } }, 'load.messages: expected at least 1, got 0')
  wrong({ load: { workers: 'ten' } }, 'load.workers: expected number, got "ten"')
  wrong({ settings: { order: 'all' } }, 'settings.order: expected none or key, got "all"')
  wrong({ name: 'Own' }, 'name: expected lower-case letters, digits and dashes, got "Own"')
  wrong(
    { lod: 1 },
    'it: nothing is called lod there, known: name, title, teaches, load, live, settings, faults, bites',
  )
  wrong(
    { load: { surge: { at: 1, fromShare: 0.5, perSecond: 7 } } },
    'load.surge: nothing is called at there, known: fromShare, perSecond',
  )
  wrong(
    { faults: [{ kind: 'broker-stop', at: '1s', target: 'workers' }] },
    'faults.0: nothing is called target there, known: kind, at, every, times, forMs',
  )
  wrong(
    { faults: [{ kind: 'leave', at: '1s' }] },
    'faults.0.kind: expected one of kill, stop, block, network, churn, broker-stop, broker-crash, ' +
      'broker-freeze, any, got "leave". What reports call leave is asked for as churn',
  )
  const network = { kind: 'network', target: 'workers', at: '1s' }
  const rules = 'expected one of hold, half, lostAck, reset, refuse, delay, rate, slice'
  wrong({ faults: [{ ...network, rule: {} }] }, `faults.0.rule.kind: it is missing, ${rules}`)
  wrong(
    { faults: [{ ...network, rule: { kind: 'drop' } }] },
    `faults.0.rule.kind: ${rules}, got "drop"`,
  )
  wrong(
    { faults: [{ ...network, rule: { kind: 'rate', bytesPerSecond: 1, ms: 7 } }] },
    'faults.0.rule: nothing is called ms there, known: kind, bytesPerSecond',
  )
  wrong(
    { faults: [{ kind: 'kill', target: 'workers', at: '10%', times: 3 }] },
    'faults.0.times: without every they would all come at once: say how far apart, as "every": "10%"',
  )
  expect(hintOf({ faults: [{ kind: 'any', at: '10%', times: 3 }] })).toBeNull()
  expect(hintOf({ title: '', name: 'Own', teaches: '', load: 7 })).toMatch(
    /^name: .*\ntitle: .*\nAnd 2 more\. docs/,
  )
})
