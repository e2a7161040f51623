import type { z } from 'zod'
import { knownKeys } from '../../lab/scenarios/knownKeys.ts'

type NoSuchKind = Extract<z.core.$ZodIssueInvalidUnion, { readonly options?: unknown }>

/** What is done to a run has another name where it was planned. */
const plannedAs: Readonly<Record<string, string>> = { leave: 'churn' }

/** What is wrong with a scenario, and where. `found`: all of it. */
export function wrongWords(issue: z.core.$ZodIssue, found: unknown): string {
  return `${issue.path.join('.') || 'it'}: ${wordsOf(issue, found)}`
}

/** What was expected, and what came. */
function wordsOf(issue: z.core.$ZodIssue, found: unknown): string {
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(issue.path, found).join(', ')
    return `nothing is called ${issue.keys.join(', ')} there, known: ${known}`
  }
  if (issue.code === 'invalid_union' && 'options' in issue) return kindWords(issue)
  if (issue.code === 'custom') return issue.message
  if (issue.input === undefined) return 'it is missing'
  const got = `, got ${JSON.stringify(issue.input)?.slice(0, 60)}`
  if (issue.code === 'invalid_value') return `expected ${issue.values.join(' or ')}${got}`
  if (issue.code === 'too_small') return `expected at least ${issue.minimum}${unitOf(issue)}${got}`
  if (issue.code === 'too_big') return `expected at most ${issue.maximum}${unitOf(issue)}${got}`
  if (issue.code === 'invalid_type') return `expected ${issue.expected}${got}`
  return `${issue.message}${got}`
}

/** Of a fault or of a rule. */
function kindWords({ input, options = [], path }: NoSuchKind): string {
  const { kind } = (input ?? {}) as { kind?: unknown }
  const expected = `expected one of ${options.join(', ')}`
  if (kind === undefined) return `it is missing, ${expected}`
  const planned = path[0] === 'faults' && path.length === 3 ? plannedAs[String(kind)] : undefined
  const said = planned === undefined ? '' : `. What reports call ${kind} is asked for as ${planned}`
  return `${expected}, got ${JSON.stringify(kind).slice(0, 60)}${said}`
}

function unitOf({ origin }: { readonly origin: string }): string {
  if (origin === 'string') return ' characters'
  return origin === 'array' ? ' entries' : ''
}
