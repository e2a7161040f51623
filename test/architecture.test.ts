import { readdir, readFile } from 'node:fs/promises'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '../src')

const all = 'core runtime drivers transports pipelines simulator testing lab cli'.split(' ')
const entries = ['index.ts', 'connect.ts', 'pino.ts']
const parts = all.filter((name) => name !== 'lab' && name !== 'cli')

/** Who may import what, besides itself and packages; `entry`: the files beside the folders. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  core: [],
  runtime: ['core'],
  drivers: ['core'],
  transports: ['core', 'runtime'],
  pipelines: ['core', 'runtime'],
  testing: ['core', 'runtime', 'drivers/memory/index.ts'],
  simulator: ['core', 'runtime', 'transports', 'pipelines'],
  lab: ['entry', ...parts],
  cli: ['entry', ...all],
  entry: ['entry', ...parts],
}

interface Place {
  readonly folder: string
  readonly path: string
}

function place(file: string): Place {
  const path = relative(root, file).split(sep).join('/')
  return { folder: path.includes('/') ? path.slice(0, path.indexOf('/')) : 'entry', path }
}

const importLine = /(?:from|import)\s*\(?\s*'(\.[^']+)'/g

interface Import {
  readonly from: Place
  readonly to: Place
}

function importsOf(file: string, text: string): Import[] {
  return Array.from(text.matchAll(importLine), ([, path]) => ({
    from: place(file),
    to: place(resolve(dirname(file), path as string)),
  }))
}

/** What is wrong with one import, or null. */
function fault({ from, to }: Import): string | null {
  const text = `${from.folder} must not import ${to.path}: src/${from.path}`
  if (to.folder === 'cli' && from.folder !== 'cli') return text
  if (to.folder !== from.folder) {
    const may = allowed[from.folder] ?? []
    return may.includes(to.folder) || may.includes(to.path) ? null : text
  }
  if (from.folder !== 'drivers') return null
  // The registry names all drivers, and loads each when it is asked for.
  if (from.path === 'drivers/registry.ts') return null
  const [ours, theirs] = [from.path, to.path].map((path) => path.split('/')[1])
  return ours === theirs || theirs === '_shared' ? null : text
}

async function filesBelow(ending: RegExp): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile() && ending.test(entry.name))
  return files.map(({ parentPath, name }) => join(parentPath, name))
}

async function sources(): Promise<{ file: string; text: string }[]> {
  const files = await filesBelow(/(?<!\.test)\.ts$/)
  return await Promise.all(
    files.map(async (file) => ({ file, text: await readFile(file, 'utf8') })),
  )
}

test('imports go only in the directions of the table', async () => {
  const all = await sources()
  const imports = all.flatMap(({ file, text }) => importsOf(file, text))
  expect(imports.length).toBeGreaterThan(10)
  expect(imports.map(fault).filter((wrong) => wrong !== null)).toEqual([])
})

test.for([
  ['core/a.ts', "import { b } from '../runtime/b.ts'", false],
  ['runtime/a.ts', "import type { b } from '../core/b.ts'", true],
  ['runtime/a.ts', "export * from '../drivers/memory/index.ts'", false],
  ['runtime/a.ts', "await import('../cli/main.ts')", false],
  ['drivers/file/a.ts', "import { b } from '../memory/b.ts'", false],
  ['drivers/file/a.ts', "import { b } from '../_shared/b.ts'", true],
  ['drivers/file/deep/a.ts', "import { b } from '../b.ts'", true],
  ['drivers/registry.ts', "import('./file/index.ts')", true],
  ['drivers/file/a.ts', "import { drivers } from '../registry.ts'", false],
  ['testing/a.ts', "import { memory } from '../drivers/memory/index.ts'", true],
  ['testing/a.ts', "import { Store } from '../drivers/memory/store.ts'", false],
  ['pipelines/a.ts', "import { connect } from '../connect.ts'", false],
  ['simulator/a.ts', "import { p } from '../transports/pino.ts'", true],
  ['lab/brokers/a.ts', "import { connect } from '../../connect.ts'", true],
  ['lab/a.ts', "import { main } from '../cli/main.ts'", false],
  ['testing/a.ts', "import { startRedis } from '../lab/brokers/redis.ts'", false],
  ['cli/a.ts', "import { connect } from '../connect.ts'", true],
  ['cli/a.ts', "import { startRedis } from '../lab/brokers/redis.ts'", true],
  ['connect.ts', "import { drivers } from './drivers/registry.ts'", true],
  ['index.ts', "export { main } from './cli/main.ts'", false],
  ['index.ts', "export * from './lab/brokers/redis.ts'", false],
] as const)('src/%s: %s is allowed: %s', ([from, text, isAllowed]) => {
  const [found] = importsOf(join(root, from), text)
  expect(found).toBeDefined()
  expect(fault(found as Import) === null).toBe(isAllowed)
})

test('every folder has a row, and nothing lies beside the folders but the entry points', async () => {
  const paths = (await filesBelow(/\.(ts|json)$/)).map(place)
  const folders = new Set(paths.map(({ folder }) => folder))
  const beside = paths.filter(({ folder }) => folder === 'entry').map(({ path }) => path)
  expect([...folders].filter((folder) => !(folder in allowed))).toEqual([])
  expect(beside.filter((path) => !entries.includes(path))).toEqual([])
})

test('core uses nothing but Node', async () => {
  const files = (await sources()).filter(({ file }) => place(file).folder === 'core')
  const packages = files.flatMap(({ file, text }) =>
    Array.from(text.matchAll(/(?:from|import)\s*\(?\s*'([^.'][^']*)'/g), ([, name]) => name)
      .filter((name) => !name?.startsWith('node:'))
      .map((name) => `${place(file).path}: ${name}`),
  )
  expect(packages).toEqual([])
})

test('nothing is left for later, and only the command line prints', async () => {
  const wrong = (await sources()).flatMap(({ file, text }) => {
    const { folder, path } = place(file)
    const marks = Array.from(text.matchAll(/\b(TODO|FIXME|XXX|HACK)\b/g), ([mark]) => mark)
    const prints = folder === 'cli' ? [] : (text.match(/\bconsole\.\w+\(/g) ?? [])
    return [...marks, ...prints].map((what) => `src/${path}: ${what}`)
  })
  expect(wrong).toEqual([])
})
