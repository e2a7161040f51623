import { asNarrowcastError, NarrowcastError } from '../../core/errors.ts'
import { parseBrokerUrl, redactUrl } from '../../core/url.ts'
import { drivers } from '../../drivers/registry.ts'
import { loadProjectFile } from '../../runtime/projectFile.ts'
import { projectFileOf, urlOfFile } from '../config/settings.ts'
import { askYes, ifExists, isDryRun } from '../consent.ts'
import type { Colour } from '../contexts/colours.ts'
import {
  type Context,
  contextNames,
  hasContext,
  readContext,
  removeContext,
  writeContext,
} from '../contexts/contextFile.ts'
import { checkContextName, contextPath, noContext } from '../contexts/folder.ts'
import { readSelection, selectedContext, writeSelection } from '../contexts/selected.ts'
import type { Invocation, Run } from '../invocation.ts'
import type { Column, Json } from '../output/table.ts'

interface Row {
  readonly name: string
  readonly context: Context
  readonly isUsed: boolean
}

/** `context ls` */
export const ls: Run = async ({ env, output }) => {
  const { current } = readSelection(env)
  await output.list({
    type: 'context.ls',
    columns,
    rows: contextNames(env).map((name) => rowOf(env, name, current)),
    item: rowJson,
    ifEmpty: 'no contexts; narrowcast context add NAME URL makes one',
  })
}

function rowOf(env: Invocation['env'], name: string, current: string | null): Row {
  return { name, context: readContext(env, name), isUsed: name === current }
}

const columns: readonly Column<Row>[] = [
  { name: 'name', value: ({ name }) => name, widthMin: 8 },
  { name: 'used', value: ({ isUsed }) => isUsed, text: ({ isUsed }) => (isUsed ? 'yes' : '') },
  {
    name: 'environment',
    value: ({ context }) => context.environment?.name ?? null,
    widthMin: 6,
    goes: 2,
  },
  {
    name: 'read_only',
    head: 'CHANGES',
    value: ({ context }) => context.readOnly ?? false,
    text: ({ context }) => (context.readOnly ? 'refused' : 'allowed'),
    goes: 1,
  },
  { name: 'url', value: ({ context }) => redactUrl(context.url), widthMin: 16, wraps: true },
]

/** The command that gives the password is not told: it may hold it. */
function rowJson({ name, context, isUsed }: Row): Readonly<Record<string, Json>> {
  const { url, environment, readOnly, passwordCommand } = context
  return {
    name,
    used: isUsed,
    url: redactUrl(url),
    environment: environment
      ? { name: environment.name, colour: environment.colour ?? null }
      : null,
    read_only: readOnly ?? false,
    password_command: passwordCommand !== undefined,
  }
}

/** `context show [NAME]` */
export const show: Run = async ({ args, env, flags, output }) => {
  const name = args[0] ?? selectedContext(flags, env)?.name
  if (name === undefined) {
    throw new NarrowcastError('NOT_FOUND', 'no context is in use', {
      hint: 'narrowcast context ls lists all, narrowcast context use NAME chooses one',
    })
  }
  const row = rowOf(env, name, readSelection(env).current)
  const { url, environment, readOnly, passwordCommand } = row.context
  const path = contextPath(env, name)
  const shown = environment && output.look.paint(environment.colour ?? 'bold', environment.name)
  await output.answer({
    type: 'context.show',
    fields: { ...rowJson(row), path },
    lines: () => [
      `${name}  ${redactUrl(url)}${row.isUsed ? '  in use' : ''}`,
      ...(shown === undefined ? [] : [`environment  ${shown}`]),
      `changes      ${readOnly ? 'refused' : 'allowed'}`,
      `password     ${passwordCommand === undefined ? 'what the URL holds' : 'from a command'}`,
      `file         ${path}`,
    ],
  })
}

/** `context add NAME [URL]` */
export const add: Run = async (invocation) => {
  const { args, env, flags, output } = invocation
  const name = args[0] as string
  checkContextName(name)
  const context = contextOf(invocation)
  const isThere = hasContext(env, name)
  if (isThere && !flags.isSet('replace')) {
    throw new NarrowcastError('CONFLICT', `there is a context ${name} already`, {
      hint: '--replace takes its place',
    })
  }
  const path = contextPath(env, name)
  if (await isDryRun(invocation, `would ${isThere ? 'replace' : 'write'} ${path}`)) return
  writeContext(env, name, context)
  await output.answer({
    type: 'context.add',
    fields: { name, path, replaced: isThere },
    lines: () => [`${isThere ? 'replaced' : 'added'} ${name}  ${redactUrl(context.url)}`],
  })
  output.next(`narrowcast context use ${name}`)
}

/** @throws INVALID_ARGUMENT, INVALID_CONFIG for what would be refused when it is read or used. */
function contextOf({ args, flags, folder }: Invocation): Context {
  const file = flags.text('url-file')
  const url = args[1] ?? (file === undefined ? undefined : urlOfFile(folder, file))
  if (url === undefined || (args[1] !== undefined && file !== undefined)) {
    throw new NarrowcastError('INVALID_ARGUMENT', 'context add needs one of URL and --url-file', {
      hint: 'For example: narrowcast context add dev file:./.narrowcast/store',
    })
  }
  checkScheme(url)
  const environment = flags.text('environment')
  const colour = flags.text('colour') as Colour | undefined
  if (colour !== undefined && environment === undefined) {
    throw new NarrowcastError('INVALID_ARGUMENT', '--colour belongs to --environment')
  }
  const passwordCommand = flags.text('password-command')
  return {
    url,
    ...(environment === undefined
      ? {}
      : { environment: { name: environment, ...(colour === undefined ? {} : { colour }) } }),
    ...(flags.isSet('protect') ? { readOnly: true } : {}),
    ...(passwordCommand === undefined ? {} : { passwordCommand }),
  }
}

/** @throws INVALID_CONFIG for a URL that no driver could connect to. */
function checkScheme(url: string): void {
  const { scheme } = parseBrokerUrl(url)
  if (Object.hasOwn(drivers, scheme)) return
  const known = Object.keys(drivers).map((one) => `${one}:`)
  const text = `context add: no driver for the scheme ${scheme}: of ${redactUrl(url)}`
  throw new NarrowcastError('INVALID_CONFIG', text, { hint: `Known are ${known.join(', ')}` })
}

/** `context use NAME`, `context use -`, `context use none` */
export const use: Run = async (invocation) => {
  const { args, env, output } = invocation
  const { current, before } = readSelection(env)
  const word = args[0] as string
  if (word === '-' && before === null) {
    throw new NarrowcastError('NOT_FOUND', 'context use -: there was no other one before', {
      hint: 'narrowcast context ls lists all',
    })
  }
  const name = word === noContext ? null : word === '-' ? (before as string) : word
  // A damaged one is told now, not when it is needed.
  const context = name === null ? null : readContext(env, name)
  const shown = name ?? 'no context'
  if (await isDryRun(invocation, `would use ${shown}`)) return
  if (name !== current) writeSelection(env, { current: name, before: current ?? before })
  await output.answer({
    type: 'context.use',
    fields: { name, before: current },
    lines: () => [`using ${shown}${context ? `  ${redactUrl(context.url)}` : ''}`],
  })
  if (name !== null && context) await warnOfProjectFile(invocation, name, context)
}

/** Where the project file names another backend, what was chosen changes less than it seems. */
async function warnOfProjectFile(
  invocation: Invocation,
  name: string,
  { url }: Context,
): Promise<void> {
  const { output, env } = invocation
  try {
    const file = projectFileOf(invocation).value
    const ofFile = file === null ? undefined : (await loadProjectFile(file, env)).url
    if (ofFile === undefined || ofFile === url) return
    output.warn(
      `${file} comes first here: its URL is ${redactUrl(ofFile)}. -c ${name} takes that of the context.`,
    )
  } catch (error) {
    output.warn(asNarrowcastError(error).message) // the context is chosen all the same
  }
}

/** `context rm NAME` */
export const rm: Run = (invocation) =>
  ifExists(invocation, async () => {
    const { args, env, output } = invocation
    const name = args[0] as string
    checkContextName(name)
    // Also a damaged one can be removed.
    if (!hasContext(env, name)) readContext(env, name)
    const path = contextPath(env, name)
    if (await isDryRun(invocation, `would remove ${path}`)) return
    await askYes(invocation, `Remove the context ${name}?`)
    removeContext(env, name)
    const { current, before } = readSelection(env)
    const kept = (one: string | null) => (one === name ? null : one)
    if (current === name || before === name) {
      writeSelection(env, { current: kept(current), before: kept(before) })
    }
    await output.answer({
      type: 'context.rm',
      fields: { name, removed: true },
      lines: () => [`removed ${name}`],
    })
  })
