import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const root = join(import.meta.dirname, '../..')
/** Beside `node_modules`, or the package would not find its client. */
const folder = join(root, '.narrowcast', 'bench')
const dist = join(folder, 'dist')

/** Compiles the package as it is published. @returns the URL of its entry */
export async function built(): Promise<string> {
  const words = ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json', '--outDir', dist]
  const tsc = spawn(process.execPath, words, { cwd: root, stdio: ['ignore', 2, 2] })
  const [code] = await once(tsc, 'exit')
  if (code !== 0) throw new Error(`bench: the package could not be built, tsc ended with ${code}`)
  await cp(join(root, 'package.json'), join(folder, 'package.json'))
  return pathToFileURL(join(dist, 'index.js')).href
}
