import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Machine, machine } from '../src/lab/instrument/machine.ts'
import { tool } from '../src/lab/instrument/tool.ts'

const root = join(import.meta.dirname, '..')

/** What a figure depends on besides the program. */
export interface Surroundings {
  /** Checked out; `+changes` when the tree differs from it. */
  readonly commit: string
  readonly machine: Machine
  /** This package and what it depends on, as installed. */
  readonly packages: Readonly<Record<string, string>>
}

export async function surroundings(): Promise<Surroundings> {
  const { commit, dirty } = await tool()
  return {
    commit: commit === null ? 'unknown' : commit + (dirty ? '+changes' : ''),
    machine: machine(),
    packages: packages(),
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
