import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, relative, resolve } from 'node:path'
import { checkName } from '../../core/channel.ts'
import { NarrowcastError } from '../../core/errors.ts'
import { parseBrokerUrl, redactUrl } from '../../core/url.ts'
import { askText, isDryRun } from '../consent.ts'
import type { Invocation, Run } from '../invocation.ts'
import { shellWord } from '../output/shellWord.ts'
import { type Start, startDefault, startFiles } from '../starting/files.ts'

/** `init [DIR]`: three files that run as they stand. Nothing that is there is written over. */
export const init: Run = async (invocation) => {
  const { args, folder, output } = invocation
  const dir = resolve(folder, args[0] ?? '.')
  const files = startFiles(await startOf(invocation))
  const names = Object.keys(files)
  const taken = names.filter((name) => existsSync(join(dir, name)))
  if (taken.length > 0) {
    throw new NarrowcastError(
      'CONFLICT',
      `init: ${taken.join(', ')} in ${dir} would be written over`,
      {
        hint: 'Nothing was written. Another folder: narrowcast init FOLDER',
      },
    )
  }
  if (await isDryRun(invocation, `would write ${names.join(', ')} in ${dir}`)) return
  mkdirSync(dir, { recursive: true })
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(dir, name), text, { flag: 'wx' })
  }
  await output.answer({
    type: 'init',
    fields: { dir, files: names },
    lines: () => names.map((name) => `wrote ${join(args[0] ?? '.', name)}`),
  })
  if (!isInstalled(dir)) output.note('the programs need the package: npm install narrowcast')
  const below = relative(folder, dir)
  const enter = below === '' ? '' : `cd ${shellWord(below)}   then   `
  output.next(`${enter}node publish.mts   then   node work.mts`)
}

/** From flags; where they are silent and somebody is there, by asking. */
async function startOf(invocation: Invocation): Promise<Start> {
  const { flags, canAsk } = invocation
  const ask = async (what: string, given: string | undefined, otherwise: string) => {
    if (given !== undefined || !canAsk || flags.isSet('yes')) return given ?? otherwise
    return (await askText(invocation, `${what} [${otherwise}] `)) || otherwise
  }
  const channel = await ask('Channel', flags.text('channel'), startDefault.channel)
  checkName('channel', channel)
  const url = await ask('Backend', flags.text('url'), startDefault.url)
  parseBrokerUrl(url)
  if (redactUrl(url) === url) return { channel, url }
  throw new NarrowcastError('INVALID_ARGUMENT', 'init: a password does not belong into the files', {
    hint: 'Give the URL without it; the files take NARROWCAST_URL where it is set.',
  })
}

function isInstalled(dir: string): boolean {
  const paths = createRequire(join(dir, 'work.mts')).resolve.paths('narrowcast') ?? []
  return paths.some((path) => existsSync(join(path, 'narrowcast')))
}
