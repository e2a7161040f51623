import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, release, totalmem, type } from 'node:os'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')

/** What a figure depends on besides the program. */
export interface Surroundings {
  readonly commit: string
  readonly machine: {
    readonly cpu: string
    readonly cores: number
    readonly memoryBytes: number
    readonly os: string
    readonly node: string
  }
  /** This package and what it depends on, as installed. */
  readonly packages: Readonly<Record<string, string>>
}

export function surroundings(): Surroundings {
  return {
    commit: commit(),
    machine: {
      cpu: cpus()[0]?.model.trim() ?? 'unknown',
      cores: availableParallelism(),
      memoryBytes: totalmem(),
      os: `${type()} ${release()} ${process.arch}`,
      node: process.versions.node,
    },
    packages: packages(),
  }
}

/** The commit checked out; `+changes` when the tree differs from it. */
function commit(): string {
  try {
    const git = (...words: string[]) =>
      execFileSync('git', words, { cwd: root, encoding: 'utf8', stdio: 'pipe' }).trim()
    return git('rev-parse', 'HEAD') + (git('status', '--porcelain') === '' ? '' : '+changes')
  } catch (error) {
    return `unknown: ${(error as Error).message.split('\n')[0]}`
  }
}

function packages(): Record<string, string> {
  const { name, version, dependencies, devDependencies } = manifest(root)
  const versions: Record<string, string> = { [name]: version }
  for (const wanted of Object.keys({ ...dependencies, ...devDependencies })) {
    versions[wanted] = manifest(join(root, 'node_modules', wanted)).version
  }
  return versions
}

interface Manifest {
  readonly name: string
  readonly version: string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
}

function manifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest
}
