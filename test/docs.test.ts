import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { generatedFiles } from '../scripts/generated.ts'
import { root } from '../scripts/start.ts'

const pages = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'CHANGELOG.md']
const allPages = async () => [
  ...pages,
  ...(await readdir(join(root, 'docs'), { recursive: true }))
    .filter((file) => file.endsWith('.md'))
    .map((file) => join('docs', file)),
]
const read = (page: string) => readFile(join(root, page), 'utf8')

test('what is made from tables is up to date: `npm run generate` changes nothing', async () => {
  for (const { path, text } of await generatedFiles()) expect(await read(path), path).toBe(text)
})

test('the program of the README runs, and ends by itself', { timeout: 60_000 }, async () => {
  const [, program] = /```ts\n(.*?)```/s.exec(await read('README.md')) ?? []
  expect(program?.trim().split('\n')).toHaveLength(12)
  const folder = await mkdtemp(join(tmpdir(), 'narrowcast-readme-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const entry = pathToFileURL(join(root, 'src/index.ts')).href
  await writeFile(join(folder, 'first.mts'), String(program).replace("'narrowcast'", `'${entry}'`))
  const run = promisify(execFile)
  const { stdout, stderr } = await run(process.execPath, ['first.mts'], { cwd: folder })
  expect(stdout).toBe('order 42 billed at attempt 1\n')
  expect(stderr).toBe('')
  expect(existsSync(join(folder, '.narrowcast/store'))).toBe(true)
})

test('links between the pages lead somewhere', async () => {
  const broken: string[] = []
  for (const page of await allPages()) {
    for (const [, target] of (await read(page)).matchAll(/\]\((?!https?:)([^)#]+)[^)]*\)/g)) {
      const file = join(root, dirname(page), target as string)
      if (!existsSync(file)) broken.push(`${page}: ${target}`)
    }
  }
  expect(broken).toEqual([])
})

test('files that the pages name exist', async () => {
  const missing: string[] = []
  const sources = await readdir(join(root, 'src'), { recursive: true })
  const names = new Set(sources.map((file) => basename(file)))
  for (const page of pages) {
    for (const [, name] of (await read(page)).matchAll(
      /`([\w/.-]+\.(?:ts|cjs|json)|src\/[\w/.-]+)`/g,
    )) {
      const isThere = existsSync(join(root, name as string)) || names.has(name as string)
      if (!isThere && !existsSync(join(root, 'src', name as string)))
        missing.push(`${page}: ${name}`)
    }
  }
  expect(missing).toEqual([])
})

test('commands that the pages name exist', async () => {
  const { scripts } = JSON.parse(await read('package.json')) as { scripts: object }
  const unknown: string[] = []
  for (const page of await allPages()) {
    for (const [, name] of (await read(page)).matchAll(/npm run (?:-s )?([\w:]+)/g)) {
      if (!Object.hasOwn(scripts, name as string)) unknown.push(`${page}: npm run ${name}`)
    }
  }
  expect(unknown).toEqual([])
})
