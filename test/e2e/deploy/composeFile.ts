import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { root } from '../../../scripts/start.ts'

export interface Service {
  readonly image: string
  readonly build?: string
  readonly profiles?: readonly string[]
  readonly entrypoint?: readonly string[]
  readonly command: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly depends_on?: Readonly<
    Record<string, { readonly condition: string; readonly required?: boolean }>
  >
  readonly volumes?: readonly string[]
  readonly ports?: readonly string[]
  readonly healthcheck?: { readonly test: readonly string[] }
  readonly deploy?: { readonly replicas: number }
  readonly restart: string
  readonly init?: boolean
  readonly cap_drop?: readonly string[]
}

export interface Compose {
  readonly services: Readonly<Record<string, Service>>
  readonly volumes: Readonly<Record<string, unknown>>
}

/** As Compose reads it: `${NAME:-default}` without NAME, `$$` as a dollar. */
export function readCompose(): { text: string; compose: Compose } {
  const text = readFileSync(join(root, 'compose.yaml'), 'utf8')
  const compose = parse(text, (_key, value: unknown) => filled(value), { merge: true })
  return { text, compose: compose as Compose }
}

function filled(value: unknown): unknown {
  if (typeof value !== 'string') return value
  return value.replaceAll(/\$\{\w+:-([^}]*)\}/g, '$1').replaceAll('$$', '$')
}
