import type { Contract, ContractRow } from '../../core/contract.ts'
import { NarrowcastError } from '../../core/errors.ts'
import { driverNames } from '../../drivers/registry.ts'
import { type Backend, claimedAll, contractRows } from '../contracts/claimed.ts'
import { unmet } from '../contracts/require.ts'
import { contractFacts, contractJson, contractLines } from '../contracts/show.ts'
import type { Run } from '../invocation.ts'
import type { Output } from '../output/output.ts'
import type { Column } from '../output/table.ts'
import { wrap } from '../output/wrap.ts'

/** `contract [BACKEND|URL…]`: data, side by side; only the server of a URL is asked, and nothing is made. */
export const contract: Run = async (invocation) => {
  const { flags, output, args } = invocation
  const words = args.length > 0 ? args : driverNames
  const backends = await claimedAll(words, invocation.timeoutMs)
  const asked = flags.text('pattern')
  // A narrowcast by relay is a narrowcast, with a contract of its own.
  const shown = contractRows.filter((row) => asked === undefined || row.split('-')[0] === asked)
  const found = shown.flatMap((pattern) =>
    backends.flatMap(({ name, contracts, unknown }) => {
      const one = contracts[pattern]
      return one ? [{ backend: name, pattern, contract: one, unknown }] : []
    }),
  )
  if (found.length === 0) throw offersNone(backends, asked ?? 'pattern')
  for (const one of found) checkRequired(one, flags.list('require'))
  if (output.isJson) {
    return output.list({
      type: 'contract',
      columns: [],
      rows: found,
      item: (one) => ({
        backend: one.backend,
        pattern: one.pattern,
        contract: contractJson(one.contract),
        unknown: one.unknown.map(({ fact, why }) => ({ fact, why })),
      }),
    })
  }
  for (const [at, pattern] of [...new Set(found.map((one) => one.pattern))].entries()) {
    const some = found.filter((one) => one.pattern === pattern)
    if (at > 0) await output.data('\n')
    if (output.format === 'text' && output.width < sideBySideMin(some.length)) {
      await output.data(oneBelowTheOther(pattern, some, output))
    } else await output.list({ type: 'contract', ...sideBySide(pattern, some) })
  }
  for (const { name, unknown } of backends) {
    for (const { fact, why } of unknown) output.note(`${name} does not tell ${fact}: ${why}`)
  }
  const what = backends.every(({ isUrl }) => isUrl)
    ? 'what holds with these settings'
    : 'the most that a backend claims; of a URL, what its settings leave of that'
  const last = `This is ${what}. Of a channel: narrowcast channels show CHANNEL`
  for (const line of wrap(last, output.width)) output.note(line)
}

/** Columns that a table of so many backends needs to be read with ease. */
function sideBySideMin(backends: number): number {
  return 13 + 25 * backends
}

type Claimed = readonly { readonly backend: string; readonly contract: Contract }[]

function oneBelowTheOther(pattern: ContractRow, some: Claimed, { look, width }: Output): string {
  const parts = some.map(({ backend, contract: one }) => {
    const head = look.paint('bold', `${pattern.toUpperCase()} ${backend.toUpperCase()}`)
    return [head, ...contractLines(one, width)].map((line) => `${line}\n`).join('')
  })
  return parts.join('\n')
}

/** Facts as rows, backends as columns. */
function sideBySide(pattern: ContractRow, some: Claimed) {
  const facts = some.map((one) => new Map(contractFacts(one.contract)))
  const rows = [...(facts[0] as Map<string, string>).keys()]
  const columns: Column<string>[] = [
    { name: pattern, value: (fact) => fact },
    ...some.map(
      ({ backend }, at): Column<string> => ({
        name: backend,
        value: (fact) => facts[at]?.get(fact) ?? null,
        widthMin: 20,
        wraps: true,
      }),
    ),
  ]
  return { rows, columns }
}

function offersNone(backends: readonly Backend[], pattern: string): NarrowcastError {
  const names = backends.map(({ name }) => name).join(', ')
  return new NarrowcastError('UNSUPPORTED', `${names} offers no ${pattern}`)
}

/** @throws UNSUPPORTED, naming the fact and what is promised instead. */
function checkRequired(
  {
    backend,
    pattern,
    contract: one,
  }: { backend: string; pattern: ContractRow; contract: Contract },
  required: readonly string[],
): void {
  for (const fact of required) {
    const why = unmet(one, fact)
    if (why === null) continue
    throw new NarrowcastError(
      'UNSUPPORTED',
      `${backend} does not promise ${fact} for a ${pattern}: ${why}`,
      {
        driver: backend,
      },
    )
  }
}
