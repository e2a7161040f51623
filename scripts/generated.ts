import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cliReference } from '../src/cli/reference.ts'
import { errorCodes } from '../src/core/errors.ts'
import { driverNames, schemesOf } from './driverNames.ts'
import { driverTable } from './driverTable.ts'
import { root } from './start.ts'

export interface GeneratedFile {
  /** From the root of the project. */
  readonly path: string
  readonly text: string
}

/** Every file that is made from a table or from the folders, as it should be. */
export async function generatedFiles(): Promise<GeneratedFile[]> {
  const names = await driverNames()
  return [
    { path: 'src/drivers/registry.ts', text: registry(names) },
    { path: 'docs/errors.md', text: errors() },
    { path: 'docs/cli.md', text: cliReference() },
    { path: 'README.md', text: await readme(names) },
  ]
}

const marks = ['<!-- drivers: made by `npm run generate` -->', '<!-- /drivers -->'] as const

async function readme(names: readonly string[]): Promise<string> {
  const text = await readFile(join(root, 'README.md'), 'utf8')
  const [from, to] = marks.map((mark) => text.indexOf(mark)) as [number, number]
  if (from === -1 || to < from) throw new Error(`README.md: expected ${marks.join(' and ')}`)
  const table = await driverTable(names)
  return `${text.slice(0, from)}${marks[0]}\n\n${table}\n\n${text.slice(to)}`
}

function registry(names: readonly string[]): string {
  return `// Made from the folders by \`npm run generate\`.
import type { Driver } from '../core/driver.ts'
import type { BrokerUrl } from '../core/url.ts'

interface DriverModule {
  fromUrl(url: BrokerUrl): Driver
}

/** Scheme → driver, loaded when it is asked for. */
export const drivers = {
${names
  .flatMap((name) => schemesOf(name).map((scheme) => [scheme, name]))
  .map(([scheme, name]) => `  ${scheme}: () => import('./${name}/index.ts'),`)
  .join('\n')}
} as const satisfies Record<string, () => Promise<DriverModule>>

/** Each driver once: a second scheme of it is none of its own. */
export const driverNames = [${names.map((name) => `'${name}'`).join(', ')}] as const
`
}

function errors(): string {
  const rows = Object.entries(errorCodes).map(
    ([code, { definite, retryable, exit, doc }]) =>
      `| \`${code}\` | ${doc} | ${definite ? 'yes' : 'no'} | ${retryable ? 'yes' : 'no'} | ${exit} |`,
  )
  return `<!-- Made from src/core/errors.ts by \`npm run generate\`. -->

# Errors

Every error of narrowcast is a \`NarrowcastError\`. Branch on its \`code\`, never on its text.

- **Definite**: it certainly did not happen, so doing it again cannot duplicate. \`error.definite\` may differ
  from the table for one error: a connection can break before or after the bytes have left.
- **Retryable**: the same call may succeed later.
- **Exit**: the exit code of the command line.
- \`error.hint\` says what to do next, and is null where the text says it all, as an \`INVALID_ARGUMENT\` does that names the
  option and what it takes. On a \`HANDLER_FAILED\` it is null while the message is tried again; with the last try it says what is left.
- \`error.cause\` is the error underneath, unchanged.

| code | meaning | definite | retryable | exit |
|---|---|---|---|---|
${rows.join('\n')}
`
}
