import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { packageVersion } from '../../runtime/packageVersion.ts'

/** Which narrowcast it was. */
export interface Tool {
  readonly version: string
  /** Checked out; null: it was installed, or there is no git. */
  readonly commit: string | null
  /** The files differ from the commit. */
  readonly dirty: boolean | null
}

const execute = promisify(execFile)
const ownRoot = join(import.meta.dirname, '../../..')

/** `root`: where its package.json lies. A checkout that it lies deeper in is somebody else's. */
export async function tool(root: string = ownRoot): Promise<Tool> {
  const version = packageVersion()
  if (!existsSync(join(root, '.git'))) return { version, commit: null, dirty: null }
  try {
    const commit = await git(root, 'rev-parse', 'HEAD')
    return { version, commit, dirty: (await git(root, 'status', '--porcelain')) !== '' }
  } catch {
    return { version, commit: null, dirty: null } // no git on the PATH, or no commit yet
  }
}

/** Looks only: without its locks a `git commit` beside it is not disturbed. */
async function git(root: string, ...words: string[]): Promise<string> {
  const env = { ...process.env, GIT_OPTIONAL_LOCKS: '0' }
  const { stdout } = await execute('git', words, { cwd: root, env })
  return stdout.trim()
}
