import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { root } from '../../scripts/start.ts'

const source = (path: string) => pathToFileURL(join(root, 'src', path)).href
const entries: Readonly<Record<string, string>> = {
  narrowcast: source('index.ts'),
  'narrowcast/testing': source('testing/index.ts'),
}

/** Writes the program of a page that holds `mark` into a folder of its own. */
async function programOf(page: string, mark: string): Promise<{ cwd: string }> {
  const text = await readFile(join(root, 'docs', page), 'utf8')
  const found = [...text.matchAll(/```ts\n(.*?)```/gs)].filter(([, code]) => code?.includes(mark))
  expect(found, mark).toHaveLength(1)
  const cwd = await mkdtemp(join(tmpdir(), 'narrowcast-page-'))
  onTestFinished(() => rm(cwd, { recursive: true }))
  const program = String(found[0]?.[1])
  const code = program.replace(/from '(narrowcast[^']*)'/g, (_, name) => `from '${entries[name]}'`)
  await writeFile(join(cwd, 'program.mts'), code)
  return { cwd }
}

const run = promisify(execFile)

test('docs/testing.md: what was at work comes again, what is done does not', async () => {
  const at = await programOf('testing.md', 'crashRestart')
  expect(await run(process.execPath, ['program.mts'], at)).toEqual({ stdout: '', stderr: '' })
})
