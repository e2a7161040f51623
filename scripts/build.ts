import { cp, glob, mkdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { root, start } from './start.ts'

/** Builds dist/ anew: the compiled sources, and the data files that lie beside them. */
async function build(): Promise<number> {
  await rm(join(root, 'dist'), { recursive: true, force: true })
  const code = await start(['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'])
  if (code !== 0) return code
  for await (const file of glob('**/*.json', { cwd: join(root, 'src') })) {
    const target = join(root, 'dist', file)
    await mkdir(dirname(target), { recursive: true })
    await cp(join(root, 'src', file), target)
  }
  return 0
}

process.exitCode = await build()
