import { NarrowcastError } from '../../core/errors.ts'
import { parseBrokerUrl, redactUrl } from '../../core/url.ts'
import { channelDefaultsOf } from '../../runtime/channelWords.ts'
import { loadSettings, projectFileOf, type Settings } from '../config/settings.ts'
import { originOf } from '../contexts/selected.ts'
import type { Invocation, Run } from '../invocation.ts'
import { displayWidth } from '../output/displayWidth.ts'
import { countOf, showDuration } from '../output/quantities.ts'
import { fold } from '../output/wrap.ts'
import { readOnlyBy } from '../readOnly.ts'

interface Line {
  readonly name: string
  readonly value: string | number | boolean | null
  readonly origin: string
}

/** `config show`: every setting, its value, and with --origin where it comes from. */
export const show: Run = async (invocation) => {
  const lines = settingLines(invocation, await loadSettings(invocation))
  const withOrigin = invocation.flags.isSet('origin')
  const { output } = invocation
  if (output.format === 'text' && widthOf(lines, withOrigin) > output.width) {
    await output.data(below(lines, withOrigin, output.width))
    return
  }
  await output.list({
    type: 'config.show',
    rows: lines,
    columns: [
      { name: 'name', head: 'SETTING', value: ({ name }) => name },
      { name: 'value', value: ({ value }) => value, align: 'left' },
      ...(withOrigin || output.isJson
        ? [{ name: 'origin', head: 'FROM', value: ({ origin }: Line) => origin }]
        : []),
    ],
  })
}

/** Of the table: the widest of each column, with two blanks between. */
function widthOf(lines: readonly Line[], withOrigin: boolean): number {
  const widest = (texts: readonly string[]) => Math.max(...texts.map(displayWidth))
  const origin = withOrigin ? 2 + widest(lines.map((line) => line.origin)) : 0
  return (
    widest(lines.map(({ name }) => name)) +
    2 +
    widest(lines.map(({ value }) => `${value}`)) +
    origin
  )
}

/** For a narrow window: no path or URL is broken, so each can be copied. */
function below(lines: readonly Line[], withOrigin: boolean, width: number): string {
  const nameWidth = Math.max(...lines.map(({ name }) => name.length))
  return lines
    .flatMap(({ name, value, origin }) => [
      ...fold(`${name.padEnd(nameWidth)}  ${value ?? '-'}`, width),
      ...(withOrigin ? fold(`  from ${origin}`, width) : []),
    ])
    .map((line) => `${line}\n`)
    .join('')
}

function settingLines(invocation: Invocation, settings: Settings): Line[] {
  const { flags, env, output, timeoutMs } = invocation
  const from = (flag: string, variable: string) =>
    flags.isSet(flag) ? `--${flag}` : env[variable] ? variable : 'default'
  const file = settings.projectFile
  const readOnly = readOnlyBy(flags, env)
  const { context } = settings
  const channels = Object.entries(settings.config.channels ?? {}).flatMap(([channel, words]) =>
    Object.entries(words).map(([word, value]) => ({
      name: `channels.${channel}.${word}`,
      value: value as string | number,
      origin: file.value ?? 'default',
    })),
  )
  return [
    { name: 'url', value: redactUrl(settings.url.value), origin: settings.url.origin },
    { name: 'context', value: context?.name ?? null, origin: context?.from ?? 'default' },
    ...(context?.context.environment
      ? [
          {
            name: 'environment',
            value: context.context.environment.name,
            origin: originOf(context),
          },
        ]
      : []),
    { name: 'config', value: file.value, origin: file.origin },
    {
      name: 'output',
      value: output.format,
      origin: flags.isSet('json') ? '--json' : from('output', 'NARROWCAST_OUTPUT'),
    },
    {
      name: 'timeout',
      value: showDuration(timeoutMs),
      origin: from('timeout', 'NARROWCAST_TIMEOUT'),
    },
    {
      name: 'readOnly',
      value: readOnly !== null,
      origin: readOnly ?? 'default',
    },
    ...channels,
  ]
}

/** `config check`: reads the project file with all that is in it. */
export const check: Run = async (invocation) => {
  const settings = await loadSettings(invocation)
  parseBrokerUrl(settings.url.value)
  const channels = Object.entries(settings.config.channels ?? {})
  for (const [name, words] of channels) channelDefaultsOf(`channels.${name}`, words)
  const path = settings.projectFile.value
  const text = path ? `${path}: ${countOf(channels.length, 'channel')}` : 'no project file'
  const { ok } = invocation.output.look
  await invocation.output.answer({
    type: 'config.check',
    fields: { path, channels: channels.length },
    lines: () => [`${ok} ${text}, url ${redactUrl(settings.url.value)}`],
  })
}

/** `config path`: the project file in use. */
export const path: Run = async (invocation) => {
  const { value } = projectFileOf(invocation)
  if (value === null) {
    throw new NarrowcastError('NOT_FOUND', 'there is no project file from here up to the root', {
      hint: 'One would be named narrowcast.config.mts, .mjs or .json; --config FILE takes another one.',
    })
  }
  await invocation.output.answer({
    type: 'config.path',
    fields: { path: value },
    lines: () => [value],
  })
}
