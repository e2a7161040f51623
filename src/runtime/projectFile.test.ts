import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { findProjectFile, loadProjectFile } from './projectFile.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'narrowcast-project-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

function write(name: string, text: string): string {
  const path = join(root, name)
  writeFileSync(path, text)
  return path
}

test('it is found from a folder below, and not beyond the root of the repository', () => {
  const path = write('narrowcast.config.json', '{}')
  mkdirSync(join(root, 'inner', 'deep'), { recursive: true })
  expect(findProjectFile(join(root, 'inner', 'deep'))).toBe(path)
  mkdirSync(join(root, 'inner', '.git'))
  expect(findProjectFile(join(root, 'inner', 'deep'))).toBeNull()
})

test('a folder that everybody may write to is not searched from below', () => {
  const path = write('narrowcast.config.json', '{}')
  const inner = join(root, 'inner')
  mkdirSync(inner)
  chmodSync(root, 0o1777)
  expect(findProjectFile(inner)).toBeNull()
  expect(findProjectFile(root)).toBe(path)
  chmodSync(root, 0o700)
  expect(findProjectFile(inner)).toBe(path)
})

describe.skipIf(process.getuid?.() !== 0)('among several users (needs root)', () => {
  const [mine, stranger] = [4_001, 4_002]

  test('the folder of a stranger is not searched from below', () => {
    write('narrowcast.config.json', '{}')
    const inner = join(root, 'inner')
    mkdirSync(inner)
    chownSync(inner, mine, mine)
    chownSync(root, stranger, stranger)
    expect(findProjectFile(inner, mine)).toBeNull()
    expect(findProjectFile(inner, 0)).toBeNull()
  })

  test('a file that a stranger put there is refused, saying whose it is', () => {
    const path = write('narrowcast.config.mts', 'export default {}')
    chownSync(path, stranger, stranger)
    expect(() => findProjectFile(root, mine)).toThrow(
      expect.objectContaining({
        code: 'INVALID_CONFIG',
        message: expect.stringContaining(`${path} belongs to another user (4002)`),
        hint: expect.stringContaining(`--config ${path}`),
      }),
    )
  })

  test('mine, those of root, and those of whoever owns the working folder are taken', () => {
    const path = write('narrowcast.config.json', '{}')
    const inner = join(root, 'inner')
    mkdirSync(inner)
    expect(findProjectFile(inner, mine)).toBe(path)
    for (const owner of [mine, stranger]) {
      for (const one of [path, root, inner]) chownSync(one, owner, owner)
      expect(findProjectFile(inner, mine)).toBe(path)
      expect(findProjectFile(inner, 0)).toBe(path)
    }
  })
})

test('TypeScript is loaded as it is, and the environment fills in the URL', async () => {
  const path = write(
    'narrowcast.config.mts',
    "export default { url: '${STORE_URL:-file:./store}', channels: { a: { lease: '5s' as string } } }",
  )
  expect(await loadProjectFile(path, {})).toEqual({
    url: 'file:./store',
    channels: { a: { lease: '5s' } },
  })
  expect((await loadProjectFile(path, { STORE_URL: 'memory:' })).url).toBe('memory:')
})

test.each([
  ['{', /cannot be loaded/],
  ['[]', /default export: expected an object/],
  ['{"uri":"x"}', /uri: expected one of url, channels/],
  ['{"url":7}', /url: expected a string, got 7/],
  ['{"channels":{"a":{"leese":"5s"}}}', /channels\.a\.leese: expected one of pattern, lease/],
  [
    '{"channels":{"a":{"pattern":"topic"}}}',
    /channels\.a\.pattern: expected one of broadcast, narrowcast, queue, stream/,
  ],
  ['{"channels":{"a":{"lease":5}}}', /channels\.a\.lease: expected a string, got 5/],
  ['{"url":"${NOWHERE}"}', /url: the environment has no NOWHERE/],
])('%s is refused, naming file and field', async (text, why) => {
  const path = write('narrowcast.config.json', text)
  await expect(loadProjectFile(path, {})).rejects.toThrow(why)
  await expect(loadProjectFile(path, {})).rejects.toThrow(path)
})

test('a file that is not there is NOT_FOUND', async () => {
  await expect(loadProjectFile(join(root, 'none.json'), {})).rejects.toMatchObject({
    code: 'NOT_FOUND',
  })
})
