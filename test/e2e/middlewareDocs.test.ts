import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { root } from '../../scripts/start.ts'

test('the program of docs/middleware.md runs through all its layers, and ends by itself', async () => {
  const page = await readFile(join(root, 'docs/middleware.md'), 'utf8')
  const [, program = ''] = /```ts\n(.*?)```/s.exec(page) ?? []
  const folder = await mkdtemp(join(tmpdir(), 'narrowcast-middleware-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const source = (path: string) => pathToFileURL(join(root, 'src', path)).href
  await writeFile(
    join(folder, 'mails.mts'),
    program
      .replace("'narrowcast/middleware'", `'${source('runtime/middleware/index.ts')}'`)
      .replace("'narrowcast'", `'${source('index.ts')}'`),
  )
  const run = promisify(execFile)
  const { stdout, stderr } = await run(process.execPath, ['mails.mts'], { cwd: folder })
  expect({ stdout, stderr }).toEqual({ stdout: 'sent to a@example.org\n', stderr: '' })
})
