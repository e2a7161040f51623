import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'

const folder = import.meta.dirname

async function modifiedMs(file: string): Promise<number> {
  try {
    return (await stat(join(folder, file))).mtimeMs
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0
    throw error
  }
}

/** npm writes the hidden lock file last: an interrupted installation has none. */
async function isInstalled(): Promise<boolean> {
  const installedMs = await modifiedMs('node_modules/.package-lock.json')
  return installedMs > 0 && installedMs >= (await modifiedMs('package-lock.json'))
}

/** Installs the libraries that ours is compared with, unless they are there. */
export async function installPeers(report: (line: string) => void): Promise<void> {
  if (await isInstalled()) return
  report('installing the other queue libraries into bench/peers (npm ci)')
  const words = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
  const npm = spawn('npm', words, {
    cwd: folder,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  })
  const [code] = await once(npm, 'exit')
  if (code !== 0) {
    throw new Error(
      `bench/peers: npm ci ended with ${code}; the npm registry is needed once. ` +
        'Without it: npm run bench -- redis --quick',
    )
  }
}

/** The versions that are installed, by name. */
export async function peerVersions(): Promise<Record<string, string>> {
  const json = async <T>(file: string) =>
    JSON.parse(await readFile(join(folder, file), 'utf8')) as T
  const { dependencies } = await json<{ dependencies: Record<string, string> }>('package.json')
  const versions: Record<string, string> = {}
  for (const name of Object.keys(dependencies)) {
    const { version } = await json<{ version: string }>(`node_modules/${name}/package.json`)
    versions[name] = version
  }
  return versions
}
