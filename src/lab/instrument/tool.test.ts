import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { packageVersion } from '../../runtime/packageVersion.ts'
import { tool } from './tool.ts'

const made: string[] = []

function ownFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'narrowcast-tool-'))
  made.push(folder)
  return folder
}

afterEach(() => {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true })
})

const isGitHere = spawnSync('git', ['--version']).status === 0
const version = packageVersion()

/** No setting, hook or repository of whoever runs this has a say in it. */
function git(folder: string, ...words: string[]): string {
  const env = { PATH: process.env.PATH, HOME: folder, GIT_CONFIG_NOSYSTEM: '1' }
  const who = ['-c', 'user.name=lab', '-c', 'user.email=lab@localhost']
  return execFileSync('git', [...who, ...words], { cwd: folder, env, encoding: 'utf8' }).trim()
}

test.skipIf(!isGitHere)('a checkout has a commit, and says whether it was changed', async () => {
  const folder = ownFolder()
  git(folder, 'init', '-q')
  expect(await tool(folder)).toEqual({ version, commit: null, dirty: null }) // none yet
  git(folder, 'commit', '-q', '--allow-empty', '-m', 'first')
  const commit = git(folder, 'rev-parse', 'HEAD')
  expect(await tool(folder)).toEqual({ version, commit, dirty: false })
  writeFileSync(join(folder, 'new.ts'), '')
  expect(await tool(folder)).toEqual({ version, commit, dirty: true })
})

test('a package that was installed has none, also inside of a checkout of somebody', async () => {
  expect(await tool(import.meta.dirname)).toEqual({ version, commit: null, dirty: null })
})

test('what only looks like a checkout is no error', async () => {
  const folder = ownFolder()
  writeFileSync(join(folder, '.git'), 'gitdir: nowhere\n')
  expect(await tool(folder)).toEqual({ version, commit: null, dirty: null })
})
